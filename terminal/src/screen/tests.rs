//! The screen as an operator knows it: keys and steps in, effects and state out.

mod orders;
mod sessions;

use super::*;
use crate::key::Key;
use crate::order::Command;
use crate::testing::{alert, at, changed, end, live, pressed, snapshot};
use sos_proto::alert::v1::{AlertPriority, AlertStatus, Response, Shelving};
use sos_proto::event::v1::{Disposition, ResponseStatus};
use sos_proto::time;

fn ids(screen: &Screen) -> Vec<&str> {
    screen.listing.window().rows.iter().map(|row| row.alert.alert_id.as_str()).collect()
}

fn selected(screen: &Screen) -> Option<&str> {
    screen.listing.selected().map(|row| row.alert.alert_id.as_str())
}

fn order_of(effects: Vec<Effect>) -> Order {
    match <[Effect; 1]>::try_from(effects) {
        Ok([Effect::Send(order)]) => order,
        other => panic!("no order: {other:?}"),
    }
}

fn typed(screen: &mut Screen, text: &str) {
    for c in text.chars() {
        assert_eq!(screen.key(Key::Char(c), at(3)), []);
    }
}

// The order of docs/protocol.md, whatever the order of arrival.
#[test]
fn what_needs_somebody_most_comes_first() {
    let raised = |id: &str, second| alert(id, second);
    let taken =
        |id: &str| Alert { owner: "dana".to_owned(), state: AlertState::Acknowledged.into(), ..alert(id, 1) };
    let ordered = [
        Alert { priority: AlertPriority::Critical.into(), ..taken("critical") },
        Alert { escalation_level: 1, ..raised("escalated", 9) },
        raised("older", 2),
        raised("newer", 3),
        Alert { attention: true, ..taken("again") },
        taken("taken"),
        Alert { priority: AlertPriority::Low.into(), ..raised("low", 1) },
        Alert { shelving: Some(Shelving::default()), ..raised("shelved", 1) },
        Alert { status: AlertStatus::Exercise.into(), ..raised("exercise", 1) },
    ];
    let expected: Vec<_> = ordered.iter().map(|alert| alert.alert_id.clone()).collect();
    for shift in 0..ordered.len() {
        let mut shifted = ordered.to_vec();
        shifted.rotate_left(shift);
        assert_eq!(ids(&live(shifted)), expected);
    }
}

// P5: the screen resumes behind what it has applied, and not before its snapshot is whole.
#[test]
fn it_resumes_where_it_was() {
    let (mut screen, begin) = Screen::new("console", TimeZone::UTC, at(0));
    assert_eq!(begin, [Effect::Connect { after_position: 0 }]);
    let gone = || Loss { reason: "gone".to_owned(), is_final: false };
    screen.opened(Session::untold("asel"), at(0));
    screen.apply(snapshot(alert("one", 1)), at(0));
    screen.apply(snapshot(alert("two", 1)), at(0));
    screen.lost(gone(), false, at(1));
    assert_eq!(screen.tick(at(1)), []);
    assert_eq!(screen.tick(at(2)), [Effect::Connect { after_position: 0 }]);

    // One of them was resolved in between.
    screen.opened(Session::untold("asel"), at(2));
    screen.apply(snapshot(alert("two", 1)), at(2));
    screen.apply(end(7), at(2));
    assert_eq!((ids(&screen), selected(&screen)), (vec!["two"], Some("two")));
    screen.apply(changed(alert("three", 3), 9), at(3));
    screen.lost(gone(), false, at(3));
    assert_eq!(screen.tick(at(4)), [Effect::Connect { after_position: 9 }]);

    // Another log: from the beginning, and what it does not name is gone.
    screen.lost(gone(), true, at(5));
    assert_eq!(screen.tick(at(6)), [Effect::Connect { after_position: 0 }]);
    screen.opened(Session::untold("asel"), at(6));
    screen.apply(end(2), at(6));
    assert_eq!(ids(&screen), [""; 0]);
}

#[test]
fn the_first_alert_of_an_empty_log_is_selected() {
    let (mut screen, _) = Screen::new("console", TimeZone::UTC, at(0));
    screen.opened(Session::untold("asel"), at(0));
    screen.apply(end(0), at(0));
    screen.apply(changed(alert("one", 1), 1), at(1));
    assert_eq!(selected(&screen), Some("one"));
}

// P5: a refusal is shown at once, and is tried again every 5 s.
#[test]
fn a_token_that_ran_out_is_told() {
    let mut screen = live([]);
    let refused = Loss { reason: "UNAUTHENTICATED: the token has expired".to_owned(), is_final: true };
    screen.lost(refused, false, at(2));
    let Standing::Stale { reason, .. } = screen.standing(at(2)) else { panic!("not stale") };
    assert_eq!(reason, "UNAUTHENTICATED: the token has expired");
    assert_eq!(
        (screen.tick(at(6)), screen.tick(at(7))),
        (vec![], vec![Effect::Connect { after_position: 5 }])
    );
}

#[test]
fn the_bell_rings_for_what_is_new() {
    let mut screen = live([alert("one", 1)]);
    let rings = |screen: &mut Screen, alert: Alert, second| {
        screen.apply(changed(alert, 6), at(second)).contains(&Effect::Ring)
    };
    assert!(rings(&mut screen, alert("two", 2), 10));
    assert!(!rings(&mut screen, alert("two", 2), 20), "nothing new");
    assert!(rings(&mut screen, Alert { escalation_level: 1, ..alert("two", 2) }, 30));
    assert!(!rings(&mut screen, Alert { shelving: Some(Shelving::default()), ..alert("three", 3) }, 40));
    assert!(rings(&mut screen, alert("four", 4), 50));
    assert!(!rings(&mut screen, alert("five", 5), 50), "at most once a second");
    screen.key(Key::Char('m'), at(60));
    assert!(!rings(&mut screen, alert("six", 6), 119));
    assert!(rings(&mut screen, alert("seven", 7), 120), "a minute is over");
    let again = |press_count| Alert { attention: true, press_count, ..alert("seven", 7) };
    assert!(rings(&mut screen, again(2), 130));
    assert!(!rings(&mut screen, again(2), 140), "a note, say");
    assert!(rings(&mut screen, again(3), 150), "pressed again, and nobody has acted yet");
}

#[test]
fn the_selection_is_an_alert_and_not_a_line() {
    let mut screen = live([alert("one", 1), alert("two", 2), alert("three", 3)]);
    screen.key(Key::Down, at(2));
    screen.apply(changed(Alert { escalation_level: 1, ..alert("two", 2) }, 6), at(2));
    screen.apply(changed(Alert { priority: AlertPriority::Critical.into(), ..alert("new", 9) }, 7), at(2));
    assert_eq!((ids(&screen), selected(&screen)), (vec!["new", "two", "one", "three"], Some("two")));

    // Another operator closes it: no key may hit the alert that takes its line.
    screen.apply(changed(Alert { state: AlertState::Resolved.into(), ..alert("two", 2) }, 8), at(2));
    assert_eq!(selected(&screen), None);
    assert_eq!(screen.key(Key::Char('a'), at(2)), []);
    assert_eq!(selected(&screen), Some("one"));
    assert_eq!(order_of(screen.key(Key::Char('a'), at(2))).alert_id, "one");
}

#[test]
fn the_list_scrolls_with_the_selection() {
    let mut screen = live((0..100).map(|n| alert(&format!("{n:02}"), n)));
    screen.resize(80, 14);
    for (key, first, last, selected_id) in [
        (Key::PageDown, "00", "09", "09"),
        (Key::Down, "01", "10", "10"),
        (Key::Up, "01", "10", "09"),
        (Key::End, "90", "99", "99"),
        (Key::PageUp, "90", "99", "90"),
        (Key::Home, "00", "09", "00"),
    ] {
        screen.key(key.clone(), at(2));
        let ids = ids(&screen);
        assert_eq!((ids.first(), ids.last()), (Some(&first), Some(&last)), "{key:?}");
        assert_eq!(selected(&screen), Some(selected_id), "{key:?}");
    }
    screen.apply(changed(Alert { escalation_level: 3, ..alert("new", 200) }, 6), at(2));
    assert_eq!(ids(&screen).first(), Some(&"new"), "at the top, what comes in above is seen");
}

#[test]
fn keys_become_commands() {
    let mine = Alert {
        state: AlertState::Acknowledged.into(),
        revision: 4,
        responses: ["medic-1", "patrol-7"]
            .map(|unit| Response {
                unit_id: unit.to_owned(),
                status: ResponseStatus::Dispatched.into(),
                ..Response::default()
            })
            .to_vec(),
        ..alert("one", 1)
    };
    let command = |keys: &[Key]| {
        let mut screen = live([mine.clone()]);
        let effects = keys.iter().flat_map(|key| screen.key(key.clone(), at(3))).collect();
        let order = order_of(effects);
        (order.command, order.expected_revision)
    };
    let (c, text) = (Key::Char, |text: &str| Key::Paste(text.to_owned()));
    assert_eq!(command(&[c('a')]), (Command::Acknowledge, None));
    assert_eq!(command(&[c('ф')]), (Command::Acknowledge, None));
    let note = Command::Note { note: "өрт".to_owned() };
    assert_eq!(command(&[c('n'), text("өрт "), Key::Enter]), (note, None));
    let unit_id = "medic-2".to_owned();
    assert_eq!(command(&[c('d'), text("medic-2"), Key::Enter]), (Command::Dispatch { unit_id }, None));
    let (unit_id, status) = ("patrol-7".to_owned(), ResponseStatus::OnScene);
    assert_eq!(command(&[c('u'), c('2'), c('2')]), (Command::Progress { unit_id, status }, None));
    let to_operator = "дана".to_owned();
    assert_eq!(command(&[c('t'), text("дана"), Key::Enter]), (Command::Transfer { to_operator }, None));
    assert_eq!(command(&[c('e'), Key::Enter]), (Command::Escalate { reason: String::new() }, None));
    // Who resolves decides on what they saw.
    let resolve = Command::Resolve { disposition: Disposition::Accidental, note: "child".to_owned() };
    assert_eq!(command(&[c('r'), Key::Down, Key::Enter, text("child"), Key::Enter]), (resolve, Some(4)));
    // 1,060 s by the server's clock, and an hour.
    let until = time::timestamp(4_663_000_000);
    let (reason, length) = ("spare part".to_owned(), Duration::from_secs(3_600));
    let shelve = Command::Shelve { reason, length, until };
    assert_eq!(command(&[c('s'), c('1'), text("spare part"), Key::Enter]), (shelve, None));
}

#[test]
fn a_question_can_be_left() {
    let mut screen = live([alert("one", 1)]);
    assert_eq!(screen.key(Key::Char('n'), at(3)), []);
    typed(&mut screen, "quit");
    assert_eq!(screen.key(Key::Enter, at(3)).len(), 1, "q was text");
    screen.key(Key::Char('e'), at(3));
    assert_eq!(screen.key(Key::Esc, at(3)), []);
    assert!(screen.prompt.is_none());
    screen.key(Key::Char('n'), at(3));
    assert_eq!(
        (screen.key(Key::Enter, at(3)), screen.prompt.is_some()),
        (vec![], true),
        "a note needs a text"
    );
    assert_eq!(screen.key(Key::Ctrl('c'), at(3)), [Effect::Quit]);
}

#[test]
fn a_filter_looks_through_every_word() {
    let other =
        Alert { site_name: "Мектеп 7".to_owned(), device_id: "door".to_owned(), ..alert("two", 2) };
    let mut screen = live([alert("one", 1), other]);
    screen.key(Key::Char('/'), at(3));
    typed(&mut screen, "МЕКТЕП raised");
    assert_eq!(ids(&screen), ["two"], "while it is typed");
    screen.key(Key::Enter, at(3));
    assert_eq!(
        order_of(screen.key(Key::Down, at(3)).into_iter().chain(screen.key(Key::Char('a'), at(3))).collect())
            .alert_id,
        "two"
    );
    screen.key(Key::Esc, at(3));
    assert_eq!(ids(&screen), ["one", "two"]);
}

#[test]
fn the_timeline_is_asked_for_again_when_the_alert_changes() {
    let mut screen = live([alert("one", 1), alert("two", 2)]);
    let look = [Effect::Look("one".to_owned())];
    assert_eq!(screen.key(Key::Enter, at(3)), look);
    assert_eq!(
        screen.apply(changed(Alert { revision: 2, ..alert("one", 1) }, 6), at(3)),
        [],
        "one at a time"
    );
    assert_eq!(screen.looked("one", Ok(GetAlertResponse::default())), look);
    assert_eq!(screen.looked("one", Ok(GetAlertResponse::default())), []);
    assert_eq!(screen.apply(changed(Alert { revision: 2, ..alert("two", 1) }, 7), at(3)), []);
    assert_eq!(screen.apply(changed(Alert { revision: 3, ..alert("one", 1) }, 8), at(3)), look);
    assert_eq!(screen.looked("one", Err("no connection".to_owned())), []);
    assert_eq!(
        screen.opened(Session::untold("asel"), at(4)),
        look,
        "a failure is tried again with the next connection"
    );
    assert_eq!(
        (screen.key(Key::Char('q'), at(4)), screen.key(Key::Char('q'), at(4))),
        (vec![], vec![Effect::Quit])
    );
}

#[test]
fn closed_alerts_can_be_opened_again() {
    let mut screen = live([alert("one", 1)]);
    let closed = |id: &str, second: i64| Alert {
        state: AlertState::Resolved.into(),
        resolved_at: Some(time::timestamp(second * 1_000_000)),
        ..alert(id, 1)
    };
    screen.apply(changed(closed("one", 7), 6), at(3));
    assert_eq!(screen.key(Key::Char('c'), at(3)), [Effect::ListClosed]);
    screen.listed_closed(Ok(vec![closed("old", 3), closed("new", 9)]), at(3));
    assert_eq!(ids(&screen), ["new", "one", "old"]);
    pressed(&mut screen, &[Key::Char('c'), Key::Char('c')]);
    screen.listed_closed(Ok((0..300).map(|n| closed(&format!("x{n}"), 10 + n)).collect()), at(3));
    assert_eq!(screen.listing.window().total, CLOSED_MAX);
    assert_eq!(ids(&screen).first(), Some(&"x299"));
}

#[test]
fn ten_thousand_alerts_stay_in_order() {
    let mut screen = live((0..10_000).map(|n| alert(&format!("{n:05}"), n)));
    assert_eq!((screen.listing.window().total, screen.listing.window().rows.len()), (10_000, 20));
    screen.apply(changed(Alert { attention: true, ..alert("09999", 9_999) }, 6), at(2));
    screen.apply(changed(Alert { escalation_level: 1, ..alert("05000", 5_000) }, 7), at(2));
    assert_eq!(ids(&screen).get(..2), Some(&["05000", "09999"][..]));
    assert_eq!(pressed(&mut screen, &[Key::End]), []);
    assert_eq!(selected(&screen), Some("09998"));
}
