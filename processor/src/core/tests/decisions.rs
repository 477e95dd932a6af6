//! What each command may do in each state.

use sos_proto::alert::v1::AlertState;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{AlertNoted, Disposition};

use super::{acknowledged, command, event, fold, press, resolved};
use crate::core::State;
use crate::core::commands::{Action, Refusal, Standing, decide};

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
        let alert = &state.by_id("e1").unwrap().view.alert;
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

#[test]
fn a_rejection_names_the_owner_and_the_time() {
    let state = taken();
    let rejection =
        decide(&state.by_id("e1").unwrap().view.alert, "bolat", &Action::Acknowledge).unwrap_err();
    let standing = rejection.standing;
    assert_eq!((standing.state, standing.owner.as_str()), (AlertState::Acknowledged, "asel"));
    assert_eq!((standing.alert_id.as_str(), standing.revision), ("e1", 2));
    assert!(standing.acknowledged_at.is_some());
}
