//! What each command may do in each state.

use sos_proto::alert::v1::AlertState;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{
    AlertErased, AlertEscalated, AlertNoted, AlertReopened, AlertTransferred, Disposition, ResponseStatus,
    ResponseUpdated, UnitDispatched,
};

use super::{acknowledged, command, event, fold, press, resolved};
use crate::core::State;
use crate::core::commands::{Action, RESPONSES_MAX, Refusal, Standing, decide};

fn raised() -> State {
    fold(&[event(1, press())])
}

fn taken() -> State {
    fold(&[event(1, press()), command(2, "e1", "asel", acknowledged())])
}

fn closed() -> State {
    fold(&[
        event(1, press()),
        command(2, "e1", "asel", acknowledged()),
        command(3, "e1", "asel", resolved(Disposition::Genuine)),
    ])
}

/// What becomes of a command by this operator, for the three states of an alert.
fn outcomes(actor: &str, action: &Action) -> [Result<Body, Refusal>; 3] {
    [raised(), taken(), closed()].map(|state| {
        let alert = &state.by_id("e1").unwrap().view().alert;
        decide(alert, actor, action).map_err(|rejection| {
            assert_eq!(rejection.standing, Standing::of(alert));
            rejection.refusal
        })
    })
}

// P6: only an alert that nobody has can be taken, not even its owner can take it twice.
#[test]
fn acknowledge() {
    for actor in ["asel", "bolat"] {
        let expected = [Ok(acknowledged()), Err(Refusal::AlreadyTaken), Err(Refusal::Closed)];
        assert_eq!(outcomes(actor, &Action::Acknowledge), expected);
    }
}

#[test]
fn add_note() {
    let note = || "hello".to_owned();
    let written = || Ok(Body::AlertNoted(AlertNoted { note: note() }));
    assert_eq!(outcomes("bolat", &Action::AddNote { note: note() }), [written(), written(), written()]);
}

#[test]
fn resolve() {
    let action = Action::Resolve { disposition: Disposition::Test, note: String::new() };
    let owner = [Err(Refusal::NotTaken), Ok(resolved(Disposition::Test)), Err(Refusal::Closed)];
    assert_eq!(outcomes("asel", &action), owner);
    let other = [Err(Refusal::NotTaken), Err(Refusal::NotOwner), Err(Refusal::Closed)];
    assert_eq!(outcomes("bolat", &action), other);
}

/// A text of no account.
fn text() -> String {
    "text".to_owned()
}

#[test]
fn dispatch() {
    let action = Action::Dispatch { unit_id: "patrol-7".to_owned() };
    let sent = Body::UnitDispatched(UnitDispatched { unit_id: "patrol-7".to_owned() });
    assert_eq!(outcomes("asel", &action), [Err(Refusal::NotTaken), Ok(sent), Err(Refusal::Closed)]);
    let other = [Err(Refusal::NotTaken), Err(Refusal::NotOwner), Err(Refusal::Closed)];
    assert_eq!(outcomes("bolat", &action), other);
}

#[test]
fn escalate() {
    let action = Action::Escalate { reason: text() };
    let rises = || Ok(Body::AlertEscalated(AlertEscalated { level: 1, reason: text() }));
    for actor in ["asel", "bolat"] {
        assert_eq!(outcomes(actor, &action), [rises(), rises(), Err(Refusal::Closed)]);
    }
    let risen = Body::AlertEscalated(AlertEscalated { level: u32::MAX, reason: text() });
    let state = fold(&[event(1, press()), command(2, "e1", "asel", risen)]);
    let rejection = decide(&state.by_id("e1").unwrap().view().alert, "asel", &action).unwrap_err();
    assert_eq!(rejection.refusal, Refusal::HighestLevel);
}

#[test]
fn transfer() {
    let to = |name: &str| Action::Transfer { to_operator: name.to_owned() };
    let goes = Body::AlertTransferred(AlertTransferred { to_operator: "bolat".to_owned() });
    assert_eq!(outcomes("asel", &to("bolat")), [Err(Refusal::NotTaken), Ok(goes), Err(Refusal::Closed)]);
    assert_eq!(outcomes("asel", &to("asel"))[1], Err(Refusal::SameOwner));
    assert_eq!(outcomes("bolat", &to("bolat"))[1], Err(Refusal::NotOwner));
}

#[test]
fn reopen() {
    let action = Action::Reopen { note: text() };
    for actor in ["asel", "bolat"] {
        let again = Body::AlertReopened(AlertReopened { note: text() });
        assert_eq!(outcomes(actor, &action), [Err(Refusal::NotClosed), Err(Refusal::NotClosed), Ok(again)]);
    }
}

// Who is on the way to an open alert needs what is personal in it.
#[test]
fn erase() {
    let action = Action::Erase { reason: text() };
    for actor in ["asel", "bolat"] {
        let erased = Body::AlertErased(AlertErased { reason: text() });
        assert_eq!(outcomes(actor, &action), [Err(Refusal::NotClosed), Err(Refusal::NotClosed), Ok(erased)]);
    }
}

/// Every step that a unit may take from where it is, and every one that it may not.
#[test]
fn update_response() {
    use ResponseStatus::{Cleared, Dispatched, EnRoute, OnScene, Withdrawn};
    let sent = || Body::UnitDispatched(UnitDispatched { unit_id: "u".to_owned() });
    let at = |status: ResponseStatus| {
        Body::ResponseUpdated(ResponseUpdated { unit_id: "u".to_owned(), status: status.into() })
    };
    let unit = |events: Vec<Body>, status| {
        let numbered = (3..).zip(events).map(|(position, body)| command(position, "e1", "asel", body));
        let taken = [event(1, press()), command(2, "e1", "asel", acknowledged())];
        let state = fold(&taken.into_iter().chain(numbered).collect::<Vec<_>>());
        let action = Action::UpdateResponse { unit_id: "u".to_owned(), status };
        decide(&state.by_id("e1").unwrap().view().alert, "bolat", &action).map_err(|r| r.refusal)
    };
    let steps = [EnRoute, OnScene, Cleared, Withdrawn];
    for (reached, from) in [Dispatched, EnRoute, OnScene].into_iter().enumerate() {
        for (number, to) in steps.into_iter().enumerate() {
            let expected = if number < reached { Err(Refusal::UnitFurther) } else { Ok(at(to)) };
            assert_eq!(unit(vec![sent(), at(from)], to), expected, "{from:?} to {to:?}");
        }
    }
    for (over, to) in [Cleared, Withdrawn].into_iter().flat_map(|over| steps.map(|to| (over, to))) {
        assert_eq!(unit(vec![sent(), at(over)], to), Err(Refusal::UnitDone));
        // Sent again, it begins anew.
        assert_eq!(unit(vec![sent(), at(over), sent()], to), Ok(at(to)));
    }
    assert_eq!(unit(vec![], EnRoute), Err(Refusal::UnitNotSent));
    assert_eq!(unit(vec![sent(), resolved(Disposition::Genuine)], OnScene), Ok(at(OnScene)));
}

#[test]
fn a_busy_unit_is_not_sent_twice() {
    let sent = || Body::UnitDispatched(UnitDispatched { unit_id: "u".to_owned() });
    let state = fold(&[
        event(1, press()),
        command(2, "e1", "asel", acknowledged()),
        command(3, "e1", "asel", sent()),
    ]);
    let alert = &state.by_id("e1").unwrap().view().alert;
    let send = |unit_id: &str| decide(alert, "asel", &Action::Dispatch { unit_id: unit_id.to_owned() });
    assert_eq!(send("u").unwrap_err().refusal, Refusal::UnitBusy);
    assert!(send("v").is_ok());

    // P10: an alert does not grow without end.
    let sent = |number| Body::UnitDispatched(UnitDispatched { unit_id: format!("u{number}") });
    let sent = (3..).map(|position| command(position, "e1", "asel", sent(position))).take(RESPONSES_MAX);
    let taken = [event(1, press()), command(2, "e1", "asel", acknowledged())];
    let state = fold(&taken.into_iter().chain(sent).collect::<Vec<_>>());
    let more = Action::Dispatch { unit_id: "more".to_owned() };
    let rejection = decide(&state.by_id("e1").unwrap().view().alert, "asel", &more).unwrap_err();
    assert_eq!(rejection.refusal, Refusal::TooManyUnits);
}

#[test]
fn a_rejection_names_the_owner_and_the_time() {
    let state = taken();
    let rejection =
        decide(&state.by_id("e1").unwrap().view().alert, "bolat", &Action::Acknowledge).unwrap_err();
    let standing = rejection.standing;
    assert_eq!((standing.state, standing.owner.as_str()), (AlertState::Acknowledged, "asel"));
    assert_eq!((standing.alert_id.as_str(), standing.revision), ("e1", 2));
    assert!(standing.acknowledged_at.is_some());
}
