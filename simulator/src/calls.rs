//! Recorded emergency calls, read from CSV. Knows no time but the recorded one, and no wire.
//!
//! Invariant: a [`Call`] names a valid call point at a place on the earth.

use csv::ByteRecord;
use jiff::civil::DateTime;
use sos_proto::call_point::{CallPoint, ID_BYTES_MAX, TopicError};
use sos_proto::device::v1::Category;

/// How the time of a call is written.
const CALLED_AT_FORMAT: &str = "%Y-%m-%d %H:%M";

/// Stands for a name of which no letter or digit remains.
const UNKNOWN: &str = "unknown";

/// One recorded call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Where it is pressed: site after the township, device after the place.
    pub call_point: CallPoint,
    /// The kind of help.
    pub category: Category,
    /// The category as it was recorded.
    pub note: String,
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
    /// Local time of the recorded call.
    pub called_at: DateTime,
}

/// Why a file is no file of calls.
#[derive(Debug, thiserror::Error)]
pub enum CallsError {
    /// The first line lacks a column.
    #[error("line 1: no column {0}")]
    Column(&'static str),
    /// There is nothing to replay.
    #[error("there are no calls in the file")]
    Empty,
    /// A row has more or fewer columns than the first line.
    #[error("line {line}: {found} columns instead of {expected}")]
    Columns {
        /// Line of the file, from 1.
        line: u64,
        /// Columns of the first line.
        expected: usize,
        /// Columns of this one.
        found: usize,
    },
    /// A value is not what its column holds.
    #[error("line {line}: {column}: {fault}")]
    Value {
        /// Line of the file, from 1.
        line: u64,
        /// Name of the column.
        column: &'static str,
        /// What is wrong.
        fault: ValueFault,
    },
    /// The file is no CSV.
    #[error(transparent)]
    Csv(#[from] csv::Error),
}

/// What is wrong with one value.
#[derive(Debug, thiserror::Error)]
pub enum ValueFault {
    /// It is not UTF-8.
    #[error("not UTF-8")]
    Text,
    /// It is no number in range.
    #[error("{found:?} is not a number of degrees from -{limit} to {limit}")]
    Degrees {
        /// What stands there.
        found: String,
        /// The largest.
        limit: u32,
    },
    /// It is no time.
    #[error("{0:?} is not a time like 2016-01-15 12:01")]
    Time(String),
    /// No call point can be named after it.
    #[error(transparent)]
    Id(#[from] TopicError),
}

/// Reads calls in the order of the file. Columns are found by name; columns of other names are ignored.
///
/// # Errors
/// With the first line that is wrong, and its column.
pub fn parse(bytes: &[u8]) -> Result<Vec<Call>, CallsError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let header = reader.byte_headers()?.clone();
    let columns = Columns::find(&header)?;
    let mut calls = Vec::new();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        let line = line_of(&record, bytes);
        if record.len() != header.len() {
            return Err(CallsError::Columns { line, expected: header.len(), found: record.len() });
        }
        calls.push(Row { record: &record, line }.call(&columns)?);
    }
    if calls.is_empty() { Err(CallsError::Empty) } else { Ok(calls) }
}

/// The line on which a record starts. The reader's own count stands before any empty lines that it skipped.
fn line_of(record: &ByteRecord, bytes: &[u8]) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let skipped = bytes.iter().skip(start).take_while(|b| matches!(b, b'\r' | b'\n'));
    position.line() + skipped.filter(|b| **b == b'\n').count() as u64
}

/// A column: its name, and where it stands.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    index: usize,
}

struct Columns {
    latitude: Column,
    longitude: Column,
    category: Column,
    called_at: Column,
    township: Column,
    place: Column,
}

impl Columns {
    fn find(header: &ByteRecord) -> Result<Self, CallsError> {
        let find = |name: &'static str| {
            let index = header.iter().position(|column| column == name.as_bytes());
            index.map(|index| Column { name, index }).ok_or(CallsError::Column(name))
        };
        Ok(Self {
            latitude: find("latitude")?,
            longitude: find("longitude")?,
            category: find("category")?,
            called_at: find("called_at")?,
            township: find("township")?,
            place: find("place")?,
        })
    }
}

/// One line that is being read.
struct Row<'a> {
    record: &'a ByteRecord,
    line: u64,
}

impl Row<'_> {
    fn call(&self, columns: &Columns) -> Result<Call, CallsError> {
        let category = self.text(columns.category)?;
        let (site, device) = (slug(self.text(columns.township)?), slug(self.text(columns.place)?));
        Ok(Call {
            call_point: CallPoint::new(&site, &device).map_err(|e| self.fault(columns.place, e.into()))?,
            category: category_of(category),
            note: category.to_owned(),
            latitude: self.degrees(columns.latitude, 90)?,
            longitude: self.degrees(columns.longitude, 180)?,
            called_at: self.time(columns.called_at)?,
        })
    }

    fn text(&self, column: Column) -> Result<&str, CallsError> {
        let bytes = self.record.get(column.index).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| self.fault(column, ValueFault::Text))
    }

    fn degrees(&self, column: Column, limit: u32) -> Result<f64, CallsError> {
        let found = self.text(column)?;
        let degrees = found.parse().ok().filter(|degrees: &f64| degrees.abs() <= f64::from(limit));
        degrees.ok_or_else(|| self.fault(column, ValueFault::Degrees { found: found.to_owned(), limit }))
    }

    fn time(&self, column: Column) -> Result<DateTime, CallsError> {
        let found = self.text(column)?;
        DateTime::strptime(CALLED_AT_FORMAT, found)
            .map_err(|_| self.fault(column, ValueFault::Time(found.to_owned())))
    }

    fn fault(&self, column: Column, fault: ValueFault) -> CallsError {
        CallsError::Value { line: self.line, column: column.name, fault }
    }
}

/// The kind of help that the recorded category stands for; anything unknown is a general call for help.
fn category_of(text: &str) -> Category {
    match text.split_once(':').map(|(kind, _)| kind) {
        Some("EMS") => Category::Medical,
        Some("Fire") => Category::Fire,
        Some("Traffic") => Category::Police,
        _ => Category::Unspecified,
    }
}

/// An id made of a name: its ASCII letters and digits in lower case, and one hyphen for whatever is between.
fn slug(name: &str) -> String {
    let mut id = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            id.push(c.to_ascii_lowercase());
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    id.truncate(ID_BYTES_MAX);
    let id = id.trim_end_matches('-');
    if id.is_empty() { UNKNOWN.to_owned() } else { id.to_owned() }
}

#[cfg(test)]
mod tests;
