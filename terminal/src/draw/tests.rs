//! Pictures of the screen, as text.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};
use sos_proto::alert::v1::{
    Alert, AlertKind, AlertPriority, AlertState, AlertStatus, GetAlertResponse, Response,
};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{AlertNoted, Event, EventFlag, RecordedEvent, ResponseStatus};
use sos_proto::registry::v1::Place;
use sos_proto::session::v1::GetSessionResponse;
use sos_proto::time;

use super::draw;
use crate::clock::Moment;
use crate::key::Key;
use crate::screen::{Loss, Screen};
use crate::session::Session;
use crate::testing::{alert, at, changed, live, pressed};

fn painted(screen: &Screen, columns: u16, rows: u16, now: Moment) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(frame, screen, now)).unwrap();
    terminal
}

/// The lines of a picture, without blanks at their ends.
fn lines(screen: &Screen, columns: u16, rows: u16, now: Moment) -> Vec<String> {
    let terminal = painted(screen, columns, rows, now);
    let buffer = terminal.backend().buffer();
    let line =
        |y| (0..columns).filter_map(|x| buffer.cell((x, y))).map(|cell| cell.symbol()).collect::<String>();
    (0..rows).map(|y| line(y).trim_end().to_owned()).collect()
}

fn check(screen: &Screen, columns: u16, now: Moment, expected: &str) {
    let lines = lines(screen, columns, 24, now);
    let shown: Vec<_> = lines.iter().filter(|line| !line.is_empty()).map(String::as_str).collect();
    let expected: Vec<_> = expected.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(shown, expected, "{shown:#?}");
}

fn some_alerts() -> Screen {
    let place =
        Place { building: "Б корпусы".to_owned(), floor: "2".to_owned(), room: "зал".to_owned() };
    live([
        Alert {
            priority: AlertPriority::Critical.into(),
            category: 2,
            press_count: 3,
            escalation_level: 2,
            place: Some(place),
            attention: true,
            cancel_requested: true,
            ..alert("one", 1_000)
        },
        Alert {
            state: AlertState::Acknowledged.into(),
            owner: "дана".to_owned(),
            unverified: true,
            flags: vec![EventFlag::ClockAhead.into()],
            responses: vec![Response {
                unit_id: "patrol-7".to_owned(),
                status: ResponseStatus::OnScene.into(),
                ..Response::default()
            }],
            ..alert("two", 1_050)
        },
        Alert {
            kind: AlertKind::Technical.into(),
            priority: AlertPriority::Medium.into(),
            press_count: 0,
            note: "TAMPER".to_owned(),
            ..alert("three", 900)
        },
        Alert { status: AlertStatus::Exercise.into(), ..alert("four", 1_060) },
    ])
}

#[test]
fn everything_is_said_on_a_small_terminal() {
    check(
        &some_alerts(),
        80,
        at(2),
        "
 SOS ● LIVE  3 raised · 1 acknowledged · 1 exercise/test     asel  00:17:42 UTC
  PRIORITY STATE           AGE KIND      ×   L  MARKS, PLACE
▶ CRITICAL RAISED        1m02s medical   ×3  L2 AGAIN CANCEL? School 12 · Б кор…
  HIGH     ACK дана        12s general          [patrol-7 on scene] School 12 ·…
  MEDIUM   RAISED        2m42s technical        School 12 · hall TAMPER
  HIGH     RAISED           2s general           EXERCISE  School 12 · hall
 a take  r resolve  d dispatch  u unit  n note  Enter detail  h help  q quit
",
    );
}

#[test]
fn a_wide_terminal_has_room_for_all() {
    check(
        &some_alerts(),
        140,
        at(2),
        "
 SOS ● LIVE  3 raised · 1 acknowledged · 1 exercise/test                                                                 asel  00:17:42 UTC
  PRIORITY STATE               AGE KIND      ×   L  PLACE                                       MARKS
▶ CRITICAL RAISED            1m02s medical   ×3  L2 School 12 · Б корпусы · 2 · зал             AGAIN CANCEL?
  HIGH     ACK дана            12s general          School 12 · hall                            [patrol-7 on scene] UNVERIFIED CLOCK AHEAD
  MEDIUM   RAISED            2m42s technical        School 12 · hall                            TAMPER
  HIGH     RAISED               2s general          School 12 · hall                             EXERCISE
 a take  r resolve  d dispatch  u unit  n note  Enter detail  h help  q quit  / filter  e escalate  t transfer  m mute
",
    );
}

// P5: it says so in red, since when and why, and what it shows is dim.
#[test]
fn a_stale_screen_says_so() {
    let mut screen = some_alerts();
    screen.lost(Loss { reason: "nobody answers".to_owned(), is_final: false }, false, at(2));
    assert!(!lines(&screen, 80, 24, at(3))[0].contains("STALE"));
    let line = &lines(&screen, 80, 24, at(11))[0];
    assert_eq!(line, " ✖ STALE since 00:17:41 (10s): nobody answers                          3 raised");
    let terminal = painted(&screen, 80, 24, at(11));
    let buffer = terminal.backend().buffer();
    assert!((0..80).all(|x| buffer[(x, 0)].bg == Color::Red));
    assert!((0..80).all(|x| buffer[(x, 2)].fg == Color::Reset && buffer[(x, 2)].modifier == Modifier::DIM));
}

#[test]
fn no_escape_sequence_reaches_the_terminal() {
    let evil = "\u{1b}[2J\u{7}\u{9b}H\u{202e}x\r\ny";
    let text = || evil.to_owned();
    let alert = Alert {
        note: text(),
        site_name: text(),
        owner: text(),
        state: AlertState::Acknowledged.into(),
        place: Some(Place { building: text(), floor: text(), room: text() }),
        responses: vec![Response { unit_id: text(), ..Response::default() }],
        ..alert("one", 1_000)
    };
    let mut screen = live([alert.clone()]);
    let noted = Event {
        body: Some(Body::AlertNoted(AlertNoted { note: text() })),
        actor: text(),
        ..Event::default()
    };
    let timeline = vec![RecordedEvent { event: Some(noted), ..RecordedEvent::default() }];
    for keys in [&[][..], &[Key::Enter], &[Key::Char('n'), Key::Paste(text())], &[Key::Enter, Key::Char('u')]]
    {
        pressed(&mut screen, keys);
        screen.looked("one", Ok(GetAlertResponse { alert: Some(alert.clone()), timeline: timeline.clone() }));
        let terminal = painted(&screen, 120, 30, at(3));
        let symbols = terminal.backend().buffer().content().iter().map(|cell| cell.symbol());
        let steering = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!symbols.collect::<String>().contains(steering), "{keys:?}");
    }
    assert!(lines(&screen, 120, 30, at(3)).join("").contains("\u{fffd}[2J\u{fffd}\u{fffd}H\u{fffd}x y"));
}

#[test]
fn one_alert_has_both_clocks() {
    let raised = alert("one", 1_000);
    let mut screen = live([Alert { raised_at: Some(time::timestamp(990_000_000)), ..raised.clone() }]);
    pressed(&mut screen, &[Key::Enter]);
    let event = Event {
        device_id: "hall".to_owned(),
        occurred_at: Some(time::timestamp(990_000_000)),
        body: Some(Body::AlertNoted(AlertNoted { note: "word ".repeat(20) })),
        ..Event::default()
    };
    let recorded_at = Some(time::timestamp(1_000_000_000));
    let timeline = vec![RecordedEvent { position: 1, recorded_at, event: Some(event) }];
    screen.looked("one", Ok(GetAlertResponse { alert: Some(raised), timeline }));
    check(
        &screen,
        80,
        at(3),
        "
 SOS ● LIVE  1 raised · 0 acknowledged                       asel  00:17:43 UTC
 HIGH RAISED  School 12 · hall
 State         raised, actual, priority high, general
 Site          School 12 (school-12)
 Call point    hall
 Received      1970-01-01 00:16:40 (1m03s ago)
 Its clock     1970-01-01 00:16:30
 Presses       1
 Alert         one, revision 1, position 0
 RECORDED        BY ITS CLOCK    WHO           WHAT
 01-01 00:16:40  01-01 00:16:30  hall          note word word word word word
                                               word word word word word word
                                               word word word word word word
                                               word word word
 Esc back  ↑↓ scroll  a take  r resolve  d dispatch  u unit  n note  h help
",
    );
}

#[test]
fn a_question_names_its_alert() {
    let mut screen = some_alerts();
    pressed(&mut screen, &[Key::Down, Key::Char('r')]);
    let menu = lines(&screen, 80, 24, at(3));
    assert_eq!(menu[14].trim_end_matches(['─', '┐']), "┌ What did it turn out to be: School 12 · hall ");
    assert!(menu[15].contains("▶ 1  genuine"), "{menu:#?}");
    pressed(&mut screen, &[Key::Char('2'), Key::Paste("бала ".repeat(30))]);
    let text = lines(&screen, 80, 24, at(3));
    assert!(text[19].starts_with("│ бала бала"), "{text:#?}");
    assert!(text[21].starts_with("│ room for 1850 more"), "{text:#?}");
}

// What the server would refuse is not offered.
#[test]
fn a_viewer_is_offered_what_viewers_may() {
    let mut screen = some_alerts();
    screen.lost(Loss { reason: "gone".to_owned(), is_final: false }, false, at(2));
    let session = GetSessionResponse { name: "asel".to_owned(), ..GetSessionResponse::default() };
    screen.opened(Session::told(session), at(2));
    let footer = lines(&screen, 80, 24, at(2)).pop().unwrap();
    assert_eq!(footer, " Enter detail  h help  q quit  / filter  m mute");
    pressed(&mut screen, &[Key::Char('h')]);
    let help = lines(&screen, 80, 24, at(2)).join("\n");
    assert!(help.contains("closed alerts") && !help.contains("acknowledge: take it"), "{help}");
}

#[test]
fn a_terminal_that_is_too_small_says_so() {
    let small = lines(&some_alerts(), 79, 24, at(2));
    assert!(small[0].contains("LIVE  3 raised"));
    assert_eq!(small[1], "This terminal is 79x24: the console needs 80x24.");
    for (columns, rows) in [(1, 1), (3, 2), (20, 5), (300, 100)] {
        lines(&some_alerts(), columns, rows, at(2));
    }
}

#[test]
fn an_empty_list_says_why() {
    assert!(lines(&live([]), 80, 24, at(2))[3].contains("No open alerts."));
    let mut filtered = some_alerts();
    pressed(&mut filtered, &[Key::Char('/'), Key::Paste("fire".to_owned()), Key::Enter]);
    assert!(lines(&filtered, 80, 24, at(2))[3].contains("Nothing holds \"fire\"."));
}

// Only what is on the screen is painted.
#[test]
fn ten_thousand_alerts_are_painted_at_once() {
    let mut screen = live((0..10_000).map(|n| alert(&format!("{n:05}"), n)));
    pressed(&mut screen, &[Key::End]);
    screen.apply(changed(alert("last", 20_000), 6), at(3));
    let lines = lines(&screen, 80, 24, at(3));
    assert!(lines[1].ends_with("▲9980 ▼1"), "{}", lines[1]);
    assert_eq!(lines.iter().filter(|line| line.contains("School 12")).count(), 20);
}
