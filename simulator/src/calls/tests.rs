//! What is read from files of calls, good and bad.

use proptest::prelude::*;
use sos_proto::call_point::is_id;

use super::*;

const HEADER: &str = "latitude,longitude,category,called_at,township,place\n";
const GOOD: &str = "40.1,-75.3,EMS: FALL VICTIM,2016-01-15 12:01,NORRISTOWN,POWELL ST & E SPRUCE ST\n";

fn fault_of(text: &str) -> String {
    parse(text.as_bytes()).unwrap_err().to_string()
}

/// The fault of a good file whose third line is this one.
fn fault_in_line_3(row: &str) -> String {
    fault_of(&format!("{HEADER}{GOOD}{row}\n"))
}

#[test]
fn the_recorded_file_is_good() {
    let calls = parse(crate::EMERGENCY_CALLS.as_bytes()).unwrap();
    assert_eq!(calls.len(), 2_308);
    for call in &calls {
        assert!(is_id(call.call_point.site()) && is_id(call.call_point.device()), "{}", call.call_point);
    }
    let count = |category| calls.iter().filter(|call| call.category == category).count();
    assert_eq!(count(Category::Medical), 1_098);
    assert_eq!(count(Category::Fire), 317);
    assert_eq!(count(Category::Police), 893);
    assert_eq!(
        calls[0],
        Call {
            call_point: CallPoint::new("upper-merion", "dekalb-pike-allendale-rd").unwrap(),
            category: Category::Medical,
            note: "EMS: ABDOMINAL PAINS".into(),
            latitude: 40.088_354_9,
            longitude: -75.382_100_4,
            called_at: jiff::civil::datetime(2016, 1, 15, 12, 1, 0, 0),
        }
    );
}

#[test]
fn columns_are_found_by_name() {
    let moved = "place,extra,township,called_at,category,longitude,latitude\n\
                 POWELL ST & E SPRUCE ST,x,NORRISTOWN,2016-01-15 12:01,EMS: FALL VICTIM,-75.3,40.1\n";
    assert_eq!(parse(moved.as_bytes()).unwrap(), parse(format!("{HEADER}{GOOD}").as_bytes()).unwrap());
}

#[test]
fn a_missing_column_is_named() {
    for column in ["latitude", "longitude", "category", "called_at", "township", "place"] {
        let header = HEADER.replace(column, "other");
        assert_eq!(fault_of(&format!("{header}{GOOD}")), format!("line 1: no column {column}"));
    }
    assert_eq!(fault_of(""), "line 1: no column latitude");
}

#[test]
fn a_file_without_calls_is_refused() {
    assert_eq!(fault_of(HEADER), "there are no calls in the file");
}

#[test]
fn a_bad_value_is_named_by_line_and_column() {
    let checks = [
        (
            "x,1,EMS: A,2016-01-15 12:01,A,B",
            r#"line 3: latitude: "x" is not a number of degrees from -90 to 90"#,
        ),
        (
            ",1,EMS: A,2016-01-15 12:01,A,B",
            r#"line 3: latitude: "" is not a number of degrees from -90 to 90"#,
        ),
        (
            "NaN,1,EMS: A,2016-01-15 12:01,A,B",
            r#"line 3: latitude: "NaN" is not a number of degrees from -90 to 90"#,
        ),
        (
            "1,-180.1,A,2016-01-15 12:01,A,B",
            r#"line 3: longitude: "-180.1" is not a number of degrees from -180 to 180"#,
        ),
        (
            "1,1,A,2016-02-30 12:01,A,B",
            r#"line 3: called_at: "2016-02-30 12:01" is not a time like 2016-01-15 12:01"#,
        ),
        ("1,1,A,yesterday,A,B", r#"line 3: called_at: "yesterday" is not a time like 2016-01-15 12:01"#),
        ("1,1,A,2016-01-15 12:01,A", "line 3: 5 columns instead of 6"),
        ("1,1,A,2016-01-15 12:01,A,B,C", "line 3: 7 columns instead of 6"),
    ];
    for (row, fault) in checks {
        assert_eq!(fault_in_line_3(row), fault);
    }
    let bytes = [HEADER.as_bytes(), b"1,1,A,2016-01-15 12:01,A,\xff\n"].concat();
    assert_eq!(parse(&bytes).unwrap_err().to_string(), "line 2: place: not UTF-8");
}

#[test]
fn lines_are_counted_over_empty_and_quoted_ones() {
    let empty = format!("{HEADER}\n\r\n{GOOD}\nx,1,A,2016-01-15 12:01,A,B\n");
    assert!(fault_of(&empty).starts_with("line 6: latitude:"), "{}", fault_of(&empty));
    let quoted = format!("{HEADER}1,1,\"A\nB\",2016-01-15 12:01,A,B\nx,1,A,2016-01-15 12:01,A,B\n");
    assert!(fault_of(&quoted).starts_with("line 4: latitude:"), "{}", fault_of(&quoted));
}

#[test]
fn ids_follow_names() {
    for (name, id) in [
        ("UPPER MERION", "upper-merion"),
        ("DEKALB PIKE & ALLENDALE RD", "dekalb-pike-allendale-rd"),
        ("  (3RD ST)  ", "3rd-st"),
        ("", "unknown"),
        ("&&", "unknown"),
        ("Астана", "unknown"),
    ] {
        assert_eq!(slug(name), id);
    }
    assert_eq!(slug(&format!("{} b", "a".repeat(63))), "a".repeat(63));
}

#[test]
fn an_unknown_category_is_a_general_call() {
    assert_eq!(category_of("Flood: RIVER"), Category::Unspecified);
    assert_eq!(category_of("EMS"), Category::Unspecified);
    assert_eq!(category_of(""), Category::Unspecified);
}

proptest! {
    #[test]
    fn every_name_gives_a_valid_id(name in "\\PC{0,100}") {
        prop_assert!(is_id(&slug(&name)));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&[HEADER.as_bytes(), &bytes].concat());
    }
}
