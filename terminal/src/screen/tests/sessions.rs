//! Who the server takes the operator to be, and what follows from it.

use sos_proto::session::v1::GetSessionResponse;

use super::*;
use crate::order;

fn session(name: &str, regions: &[&str], methods: &[&str]) -> Session {
    Session::told(GetSessionResponse {
        name: name.to_owned(),
        regions: regions.iter().map(|&region| region.to_owned()).collect(),
        methods: methods.iter().map(|method| format!("sos.alert.v1.AlertService/{method}")).collect(),
        ..GetSessionResponse::default()
    })
}

fn lose(screen: &mut Screen, is_other_log: bool) {
    screen.lost(Loss { reason: "gone".to_owned(), is_final: false }, is_other_log, at(10));
    screen.tick(at(11));
}

fn closed(alert_id: &str) -> Alert {
    Alert { state: AlertState::Resolved.into(), ..alert(alert_id, 1) }
}

#[test]
fn a_key_does_what_its_method_may() {
    let mut screen = live([alert("one", 1)]);
    assert_eq!(screen.operator(), "asel", "a server that does not tell");
    lose(&mut screen, false);
    screen.opened(session("asel", &[], &["AddNote"]), at(12));
    for key in "adutersos!".chars() {
        screen.notice = None;
        assert_eq!(screen.key(Key::Char(key), at(12)), []);
        let told = screen.notice.as_ref().map(|notice| notice.text.as_str());
        assert_eq!((told, screen.prompt.is_some()), (Some("your role does not allow this"), false), "{key}");
    }
    pressed(&mut screen, &[Key::Char('n'), Key::Paste("seen".to_owned())]);
    assert!(matches!(screen.key(Key::Enter, at(12)).as_slice(), [Effect::Send(_)]));
}

// Another name or scope sees other alerts: nothing is kept of those before, and late answers about them are not shown.
#[test]
fn another_session_starts_again() {
    let mut screen = live([alert("one", 1), alert("two", 2)]);
    screen.apply(changed(closed("old"), 6), at(2));
    pressed(&mut screen, &[Key::Char('c'), Key::Char('c'), Key::Down, Key::Char('a'), Key::Enter]);
    lose(&mut screen, false);
    assert_eq!(screen.opened(session("asel", &[], &[]), at(12)), [], "told, and the same");
    lose(&mut screen, false);
    let again = screen.opened(session("asel", &["almaty"], &[]), at(12));
    assert_eq!(again, [Effect::Connect { after_position: 0 }]);
    assert!(matches!(screen.view, View::List));
    screen.listed_closed(Ok(vec![closed("other")]), at(12));
    let taken = Alert { state: AlertState::Acknowledged.into(), revision: 2, ..alert("two", 2) };
    screen.answered("two", order::Outcome::Done(Box::new(taken)), at(12));
    assert_eq!((ids(&screen), screen.listing.rows.list(List::Closed).len()), (vec![], 0));

    assert_eq!(screen.opened(session("asel", &["almaty"], &[]), at(13)), []);
    screen.apply(snapshot(alert("one", 1)), at(13));
    screen.apply(end(7), at(13));
    assert_eq!((ids(&screen), selected(&screen)), (vec!["one"], None), "the selected one is gone");
}

#[test]
fn another_log_has_other_closed_alerts() {
    let mut screen = live([]);
    screen.apply(changed(closed("old"), 6), at(2));
    assert_eq!(screen.key(Key::Char('c'), at(3)), [Effect::ListClosed]);
    lose(&mut screen, true);
    screen.opened(Session::untold("asel"), at(12));
    assert_eq!(screen.apply(end(2), at(12)), [Effect::ListClosed]);
    screen.listed_closed(Ok(vec![closed("other")]), at(12));
    assert_eq!(ids(&screen), ["other"]);
}

// P5: positions of another log mean nothing, also where it is longer than the one before.
#[test]
fn another_log_starts_again() {
    let of = |log_id: &str| {
        let (name, log_id) = ("asel".to_owned(), log_id.to_owned());
        Session::told(GetSessionResponse { name, log_id, ..GetSessionResponse::default() })
    };
    let (mut screen, _) = Screen::new("console", TimeZone::UTC, at(0));
    screen.opened(of("first"), at(0));
    screen.apply(snapshot(alert("one", 1)), at(0));
    screen.apply(end(7), at(0));
    lose(&mut screen, false);
    assert_eq!(screen.opened(of("first"), at(12)), []);
    assert_eq!(ids(&screen), ["one"]);
    lose(&mut screen, false);
    assert_eq!(screen.opened(of("second"), at(13)), [Effect::Connect { after_position: 0 }]);
    assert_eq!(ids(&screen), [""; 0]);
}
