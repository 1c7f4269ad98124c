//! Rows with mutated columns. A row that is read as a record is written as the same row.

use fuzzing::Fuzz;

use super::{Cell, Value, key, keyed_record, record, values};

#[test]
fn fuzzed_row_is_record_or_nothing() {
    let samples = [&[1, 7, b'p', 2, 0, 3, 0][..], &[9; 40], &[0xff; 40], &[0, 1, 2, 3, 4, 5, 6]];
    Fuzz::new("row", samples.map(|sample| [VALID, sample].concat())).run(|input| {
        let row = row(input);
        let Some(record) = record(&row) else { return false };
        let new = session_core::store::NewRecord::new(
            record.payload(),
            record.created_at(),
            record.expires_at(),
        );
        let new = new.owned_by(record.owner());
        let written = values(&record.version(), &new);
        assert!(written.iter().zip(&row).all(|(value, cell)| is_same(value, cell)));
        let keyed = [vec![Cell::Bytes(Some(input.to_vec()))], row].concat();
        assert_eq!(keyed_record(&keyed).is_some(), input.len() == 32);
        assert_eq!(key(&keyed[..1]).is_some(), input.len() == 32);
        true
    });
}

/// The kinds of the columns of a record.
const VALID: &[u8] = &[0, 1, 0, 0, 1];

/// Creates a row. The first five bytes select the kind of each cell, and the other bytes are the
/// contents of the cells.
fn row(input: &[u8]) -> Vec<Cell> {
    let (kinds, bytes) = input.split_at(input.len().min(5));
    let part = bytes.len() / 5;
    let cell = |(index, kind): (usize, &u8)| {
        let bytes = &bytes[index * part..(index + 1) * part];
        match kind % 4 {
            0 => {
                let number = bytes
                    .iter()
                    .fold(0_i64, |sum, byte| sum.wrapping_mul(256).wrapping_add(i64::from(*byte)));
                Cell::Integer(number)
            }
            1 | 2 => Cell::Bytes(Some(bytes.to_vec())),
            _ => Cell::Bytes(None),
        }
    };
    kinds.iter().enumerate().map(cell).collect()
}

fn is_same(value: &Value<'_>, cell: &Cell) -> bool {
    match (value, cell) {
        (Value::Integer(one), Cell::Integer(other)) => one == other,
        (Value::Bytes(one), Cell::Bytes(other)) => other.as_deref() == Some(*one),
        (Value::OptionalBytes(one), Cell::Bytes(other)) => other.as_deref() == *one,
        _ => false,
    }
}
