//! Orders: what is sent, and what is told of it.

use super::*;
use crate::order::{Outcome, Refusal, Standing};
use crate::testing::heartbeat;

fn taken(revision: u64, owner: &str) -> Alert {
    let state = AlertState::Acknowledged.into();
    Alert { state, owner: owner.to_owned(), revision, ..alert("one", 1) }
}

fn notice(screen: &Screen) -> &str {
    screen.notice.as_ref().map_or("", |notice| &notice.text)
}

fn unknown() -> Outcome {
    Outcome::Unknown("nobody answers".to_owned())
}

fn noted(screen: &mut Screen, text: &str) -> Order {
    order_of(pressed(screen, &[Key::Char('n'), Key::Paste(text.to_owned()), Key::Enter]))
}

// P6: who comes second is told who has it, and since when, until a key is pressed or 10 s are over.
#[test]
fn a_lost_race_is_told() {
    let lose = |screen: &mut Screen| {
        order_of(screen.key(Key::Char('a'), at(3)));
        assert!(screen.is_sending("one"));
        assert_eq!(screen.key(Key::Char('a'), at(3)), [], "one command at a time");
        let standing = Standing {
            state: AlertState::Acknowledged,
            owner: "dana\u{1b}[2J".to_owned(),
            since: Some(time::timestamp(1_000_000_000)),
        };
        let refusal = Refusal { reason: "late".to_owned(), standing: Some(standing), is_stale: false };
        assert_eq!(screen.answered("one", Outcome::Refused(refusal), at(4)), []);
        screen.notice.as_ref().map(|notice| notice.text.clone())
    };
    let mut screen = live([alert("one", 1)]);
    let told = "School 12 · hall: refused: it is dana\u{fffd}[2J's since 00:16:40 (1m04s ago)";
    assert_eq!(lose(&mut screen).as_deref(), Some(told));
    screen.tick(at(13));
    assert!(screen.notice.is_some());
    screen.tick(at(14));
    assert!(screen.notice.is_none());
    lose(&mut screen);
    screen.key(Key::Down, at(4));
    assert!(screen.notice.is_none());
}

#[test]
fn what_was_written_for_a_refused_order_is_not_lost() {
    let taken = |revision| Alert { state: AlertState::Acknowledged.into(), revision, ..alert("one", 1) };
    let mut screen = live([taken(2)]);
    let keys = [Key::Char('r'), Key::Char('1'), Key::Paste("long".to_owned()), Key::Enter];
    let sent: Vec<_> = keys.into_iter().flat_map(|key| screen.key(key, at(3))).collect();
    assert_eq!(order_of(sent).expected_revision, Some(2));
    screen.apply(changed(Alert { attention: true, ..taken(3) }, 6), at(3));
    let refusal = Refusal { is_stale: true, ..Refusal::default() };
    screen.answered("one", Outcome::Refused(refusal), at(4));
    let again: Vec<_> = [Key::Char('r'), Key::Char('1'), Key::Enter]
        .into_iter()
        .flat_map(|key| screen.key(key, at(5)))
        .collect();
    let order = order_of(again);
    let note = "long".to_owned();
    assert_eq!(order.command, Command::Resolve { disposition: Disposition::Genuine, note });
    assert_eq!(order.expected_revision, Some(3));
}

#[test]
fn an_old_answer_changes_nothing() {
    let mut screen = live([alert("one", 1)]);
    screen.key(Key::Char('a'), at(3));
    let taken = |revision, owner: &str| Alert {
        state: AlertState::Acknowledged.into(),
        owner: owner.to_owned(),
        revision,
        ..alert("one", 1)
    };
    screen.apply(changed(taken(3, "dana"), 7), at(3));
    screen.answered("one", Outcome::Done(Box::new(taken(2, "asel"))), at(4));
    assert_eq!(screen.listing.rows.get("one").map(|row| row.alert.owner.as_str()), Some("dana"));
    assert!(!screen.is_sending("one"));
}

// P6: nobody is told that they came second to themselves.
#[test]
fn a_refusal_that_is_about_no_other_gives_its_reason() {
    let mut screen = live([taken(2, "asel")]);
    for (owner, told) in [
        ("asel", "refused: u1 is on its way"),
        ("", "refused: u1 is on its way"),
        ("dana", "refused: it is dana's"),
    ] {
        pressed(&mut screen, &[Key::Char('d'), Key::Ctrl('u'), Key::Paste("u1".to_owned()), Key::Enter]);
        let standing = Standing { state: AlertState::Acknowledged, owner: owner.to_owned(), since: None };
        let reason = "u1 is on its way".to_owned();
        let refusal = Refusal { reason, standing: Some(standing), is_stale: false };
        screen.answered("one", Outcome::Refused(refusal), at(4));
        assert!(notice(&screen).contains(told), "{owner}: {}", notice(&screen));
    }
}

// P6: what may have taken effect is repeated under its request id.
#[test]
fn the_same_again_after_no_answer_is_a_repeat() {
    let two = Alert { alert_id: "two".to_owned(), ..taken(2, "dana") };
    let mut screen = live([taken(2, "asel"), two]);
    let first = noted(&mut screen, "smoke");
    assert!(!first.is_repeat);
    screen.answered("one", unknown(), at(40));
    let again = order_of(pressed(&mut screen, &[Key::Char('n'), Key::Enter]));
    assert_eq!(
        (&again.request_id, again.is_repeat, &again.command),
        (&first.request_id, true, &first.command)
    );
    screen.answered("one", unknown(), at(80));

    // Another text, another alert and another command are others.
    let other = noted(&mut screen, " on the stairs");
    assert_eq!((other.request_id == first.request_id, other.is_repeat), (false, false));
    screen.answered("one", Outcome::Refused(Refusal::default()), at(81));
    let other = order_of(pressed(&mut screen, &[Key::Down, Key::Char('a')]));
    assert!(!other.is_repeat);
    screen.answered("two", unknown(), at(82));

    // What was refused did not take effect; an order without a text is kept as well.
    pressed(&mut screen, &[Key::Up, Key::Char('n')]);
    assert!(!order_of(pressed(&mut screen, &[Key::Enter])).is_repeat);
    let again = order_of(pressed(&mut screen, &[Key::Down, Key::Char('a')]));
    assert_eq!((again.request_id, again.is_repeat), (other.request_id, true));
}

// P6: shelving again for as long is the same, whatever the clock says; for longer it is not.
#[test]
fn a_shelving_is_repeated_as_it_was() {
    let mut screen = live([alert("one", 1)]);
    let shelve = |screen: &mut Screen, hours| {
        let keys =
            [Key::Char('s'), Key::Char(hours), Key::Ctrl('u'), Key::Paste("part".to_owned()), Key::Enter];
        order_of(pressed(screen, &keys))
    };
    let first = shelve(&mut screen, '1');
    screen.answered("one", unknown(), at(3));
    screen.apply(heartbeat(5, 2_000), at(3));
    let again = shelve(&mut screen, '1');
    assert_eq!((&again.request_id, &again.command), (&first.request_id, &first.command));
    screen.answered("one", unknown(), at(3));
    assert!(!shelve(&mut screen, '2').is_repeat);
}

#[test]
fn what_is_not_known_is_told_until_a_key_is_pressed() {
    let mut screen = live([alert("one", 1), alert("two", 2)]);
    pressed(&mut screen, &[Key::Char('a'), Key::Down, Key::Char('a')]);
    screen.answered("one", unknown(), at(40));
    screen.tick(at(90));
    let told = "School 12 · hall: no answer (nobody answers); whether it took effect is not known";
    assert_eq!(notice(&screen), told);
    screen.answered("two", Outcome::Done(Box::new(alert("two", 2))), at(91));
    assert_eq!(notice(&screen), format!("School 12 · hall: is yours — {told}"));
    screen.tick(at(190));
    assert_ne!(notice(&screen), "");
    screen.key(Key::Up, at(191));
    assert_eq!(notice(&screen), "");
}

#[test]
fn whoever_quits_is_told_what_is_open() {
    let mut screen = live(["one", "two", "three"].map(|id| alert(id, 1)));
    let keys = [Key::Home, Key::Char('a'), Key::Down, Key::Char('a'), Key::Down, Key::Char('a')];
    pressed(&mut screen, &keys);
    assert_eq!(screen.parting("one", &Outcome::Done(Box::new(alert("one", 1))), at(4)), None);
    let refusal = Refusal { reason: "late".to_owned(), ..Refusal::default() };
    let left = screen.parting("two", &Outcome::Refused(refusal), at(4));
    assert_eq!(left.as_deref(), Some("School 12 · hall: refused: late"));
    let [left] = <[String; 1]>::try_from(screen.unanswered(at(4))).unwrap();
    assert!(left.ends_with("whether it took effect is not known"), "{left}");
}

// A text is for the same kind of command and the same alert, and is there until that is done.
#[test]
fn a_refused_text_is_offered_where_it_belongs() {
    let text = |screen: &mut Screen, keys: &[Key]| {
        pressed(screen, keys);
        let text = match &screen.prompt {
            Some(Prompt { form: Form::Text { input, .. }, .. }) => input.text(),
            other => panic!("no text: {other:?}"),
        };
        pressed(screen, &[Key::Esc]);
        text
    };
    let two = Alert { alert_id: "two".to_owned(), ..taken(2, "asel") };
    let mut screen = live([taken(2, "asel"), two.clone()]);
    let c = Key::Char;
    let questions: [&[Key]; 6] = [&[c('d')], &[c('n')], &[c('t')], &[c('e')], &[c('!')], &[c('r'), c('1')]];
    for (number, keys) in questions.iter().enumerate() {
        pressed(&mut screen, &[keys, &[Key::Paste(format!("text {number}")), Key::Enter][..]].concat());
        screen.answered("one", Outcome::Refused(Refusal::default()), at(4));
    }
    for (number, keys) in questions.iter().enumerate() {
        assert_eq!(text(&mut screen, keys), format!("text {number}"));
    }
    assert_eq!(text(&mut screen, &[c('r'), c('3')]), "text 5");

    screen.key(Key::Down, at(5));
    assert_eq!(text(&mut screen, &[c('n')]), "", "another alert");
    noted(&mut screen, "other");
    screen.answered("two", Outcome::Done(Box::new(two)), at(6));
    screen.key(Key::Up, at(6));
    assert_eq!(text(&mut screen, &[c('n')]), "text 1");
    pressed(&mut screen, &[c('n'), Key::Enter]);
    screen.answered("one", Outcome::Done(Box::new(taken(3, "asel"))), at(7));
    assert_eq!(text(&mut screen, &[c('n')]), "", "it is done");
    assert_eq!(text(&mut screen, &[c('d')]), "text 0");
}

// Watch and answers come on their own ways: what is older is passed over, and its position counts.
#[test]
fn an_old_step_changes_nothing() {
    let mut screen = live([alert("one", 1)]);
    screen.key(Key::Char('a'), at(3));
    let pressed_again = Alert { attention: true, press_count: 2, ..taken(3, "asel") };
    let effects = screen.answered("one", Outcome::Done(Box::new(pressed_again)), at(4));
    assert_eq!(effects, [Effect::Ring], "it says that it was pressed again");
    assert_eq!(screen.apply(changed(Alert { revision: 2, ..alert("one", 1) }, 9), at(4)), []);
    assert_eq!(screen.listing.rows.get("one").map(|row| row.alert.revision), Some(3));
    screen.lost(Loss { reason: "gone".to_owned(), is_final: false }, false, at(5));
    assert_eq!(screen.tick(at(6)), [Effect::Connect { after_position: 9 }]);
}
