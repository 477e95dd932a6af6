//! A CSV file of sites or call points. A row that means nothing is reported with its line and column, and the
//! others are taken.

use std::collections::HashMap;
use std::fmt;

use csv::ByteRecord;

use super::rows::{Entry, Fields};

/// Why a row was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The column. Empty: the whole row.
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, reason } = self;
        if column.is_empty() {
            write!(f, "line {line}: {reason}")
        } else {
            write!(f, "line {line}, column {column}: {reason}")
        }
    }
}

/// What a file holds.
#[derive(Debug)]
pub struct Rows<T> {
    /// What can be registered, with the line it is from.
    pub good: Vec<(u64, T)>,
    /// What cannot.
    pub bad: Vec<BadRow>,
}

/// The texts of a row, by the names of the columns.
struct Cells<'a> {
    columns: &'a HashMap<String, usize>,
    cells: Vec<&'a str>,
}

impl Fields for Cells<'_> {
    fn text(&self, name: &str) -> &str {
        let index = self.columns.get(name).copied();
        index.and_then(|index| self.cells.get(index)).map_or("", |cell| cell.trim())
    }
}

/// Reads a file. Its first line names the columns, in any order; fields are parted by commas or semicolons.
///
/// # Errors
/// If the first line is not what it should be; then no row is looked at.
pub fn read<T: Entry>(bytes: &[u8]) -> anyhow::Result<Rows<T>> {
    // Spreadsheets begin their files with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = if header.contains(&b';') && !header.contains(&b',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(bytes);
    let columns = columns::<T>(reader.byte_headers()?)?;

    let mut rows = Rows { good: Vec::new(), bad: Vec::new() };
    let (mut record, mut seen) = (ByteRecord::new(), HashMap::new());
    while reader.read_byte_record(&mut record)? {
        let line = record.position().map_or(0, |begin| line_of(bytes, begin));
        match row::<T>(&columns, &record) {
            Ok(entry) => match seen.insert(entry.name(), line) {
                None => rows.good.push((line, entry)),
                Some(first) => {
                    seen.insert(entry.name(), first);
                    let reason = format!("{} is in line {first} already", entry.name());
                    rows.bad.push(BadRow { line, column: String::new(), reason });
                }
            },
            Err((column, reason)) => rows.bad.push(BadRow { line, column, reason }),
        }
    }
    Ok(rows)
}

/// The line a record begins in. After a carriage return the reader is still at the line feed.
fn line_of(bytes: &[u8], begin: &csv::Position) -> u64 {
    let at = usize::try_from(begin.byte()).unwrap_or(usize::MAX);
    begin.line() + u64::from(bytes.get(at) == Some(&b'\n'))
}

fn columns<T: Entry>(header: &ByteRecord) -> anyhow::Result<HashMap<String, usize>> {
    let mut columns = HashMap::new();
    for (index, name) in header.iter().enumerate() {
        let name = String::from_utf8_lossy(name).trim().to_owned();
        if !T::FIELDS.contains(&name.as_str()) {
            anyhow::bail!("line 1: there is no column {name:?}; there are {}", T::FIELDS.join(", "));
        }
        if columns.insert(name.clone(), index).is_some() {
            anyhow::bail!("line 1: the column {name} is there twice");
        }
    }
    let missing = T::FIELDS.iter().take(T::REQUIRED).find(|name| !columns.contains_key(**name));
    if let Some(name) = missing {
        anyhow::bail!("line 1: the column {name} is missing");
    }
    Ok(columns)
}

fn row<T: Entry>(columns: &HashMap<String, usize>, record: &ByteRecord) -> Result<T, (String, String)> {
    if record.len() != columns.len() {
        let reason = format!("has {} fields, line 1 has {}", record.len(), columns.len());
        return Err((String::new(), reason));
    }
    let cells = record.iter().enumerate().map(|(index, cell)| {
        let column = columns.iter().find(|(_, at)| **at == index).map(|(name, _)| name.clone());
        str::from_utf8(cell).map_err(|_| (column.unwrap_or_default(), "is not UTF-8".to_owned()))
    });
    let cells = Cells { columns, cells: cells.collect::<Result<_, _>>()? };
    T::read(&cells).map_err(|bad| (bad.field.to_owned(), bad.reason))
}

#[cfg(test)]
mod tests {
    use sos_proto::registry::v1::{Device, Site, SiteKind, SupervisionClass};

    use super::*;

    #[test]
    fn good_rows_are_taken_and_bad_ones_named() {
        let file = "\u{feff}name;site_id;kind;latitude;longitude\n\
            \"Школа; 12\";school-12;school;43.2;76.9\n\
            x;b;skool;;\n\
            x;c;;43.2;\n\
            x;d;;north;76\n\
            x;school-12;;;\n\
            only one field\n\
            Hospital;h-1;hospital;;\n";
        // Lines end as the system has it that wrote them.
        let other = read::<Site>(file.replace('\n', "\r\n").as_bytes()).unwrap();
        let rows = read::<Site>(file.as_bytes()).unwrap();
        assert_eq!((&other.good, &other.bad), (&rows.good, &rows.bad));
        let names: Vec<_> = rows.good.iter().map(|(line, site)| (*line, site.site_id.as_str())).collect();
        assert_eq!(names, [(2, "school-12"), (8, "h-1")]);
        let (_, first) = &rows.good[0];
        assert_eq!((first.name.as_str(), first.kind()), ("Школа; 12", SiteKind::School));
        assert_eq!(first.location.map(|l| (l.latitude, l.longitude)), Some((43.2, 76.9)));
        let told: Vec<_> = rows.bad.iter().map(BadRow::to_string).collect();
        assert_eq!(
            told,
            [
                "line 3, column kind: \"skool\" is none of school, hospital, public_place",
                "line 4, column longitude: is missing beside a latitude",
                "line 5, column latitude: \"north\" is no number",
                "line 6: school-12 is in line 2 already",
                "line 7: has 1 fields, line 1 has 5",
            ]
        );
    }

    #[test]
    fn a_row_of_another_encoding_is_named() {
        let mut file =
            b"site_id,device_id,room,supervision_class\nhall,a,\xd8\xea\xee,a\nhall,b,r,E\n".to_vec();
        file.extend_from_slice("hall,c,каб. 5,c\n".as_bytes());
        let rows = read::<Device>(&file).unwrap();
        let told: Vec<_> = rows.bad.iter().map(BadRow::to_string).collect();
        let expected = [
            "line 2, column room: is not UTF-8",
            "line 3, column supervision_class: \"E\" is none of a, b, c, d",
        ];
        assert_eq!(told, expected);
        let (line, device) = &rows.good[0];
        assert_eq!((*line, device.supervision_class()), (4, SupervisionClass::C));
        assert_eq!(device.place.as_ref().unwrap().room, "каб. 5");
    }

    #[test]
    fn a_wrong_first_line_is_told() {
        let told = |file: &str| read::<Device>(file.as_bytes()).unwrap_err().to_string();
        assert_eq!(told("site_id,room\n"), "line 1: the column device_id is missing");
        assert_eq!(told("site_id,site_id\n"), "line 1: the column site_id is there twice");
        assert!(told("site_id,device_id,color\n").starts_with("line 1: there is no column \"color\""));
        assert_eq!(told(""), "line 1: the column site_id is missing");
    }
}
