//! The values and the result of a statement, the same for every database.

use sqlx::query::Query;
use sqlx::{ColumnIndex, Decode, Encode, Row, Type};

use crate::statements::Column;
#[cfg(any(feature = "mysql", feature = "postgres"))]
use crate::statements::{Batch, Identifier, Statement};

/// A value of a statement.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
    OptionalBytes(Option<&'a [u8]>),
}

/// An owned value of a statement that waits for a batch.
pub(crate) enum OwnedValue {
    Integer(i64),
    Bytes(Vec<u8>),
    OptionalBytes(Option<Vec<u8>>),
}

/// The result of a statement.
pub(crate) struct QueryResult {
    /// The number of written rows.
    pub(crate) changed: u64,
    /// The rows that were read; `None` for a row that cannot be decoded.
    pub(crate) rows: Vec<Option<Vec<Cell>>>,
}

/// One column of a row.
#[derive(Clone)]
pub(crate) enum Cell {
    Integer(i64),
    Bytes(Option<Vec<u8>>),
}

impl Value<'_> {
    /// Returns the length in bytes.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Integer(_) => size_of::<i64>(),
            Self::Bytes(bytes) => bytes.len(),
            Self::OptionalBytes(bytes) => bytes.map_or(0, <[u8]>::len),
        }
    }
}

impl From<Value<'_>> for OwnedValue {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Integer(integer) => Self::Integer(integer),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Value::OptionalBytes(bytes) => Self::OptionalBytes(bytes.map(<[u8]>::to_vec)),
        }
    }
}

#[cfg_attr(
    not(any(feature = "mysql", feature = "postgres")),
    allow(dead_code, reason = "SQLite has no batches")
)]
impl OwnedValue {
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(*integer),
            Self::Bytes(_) | Self::OptionalBytes(_) => None,
        }
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Integer(_) => None,
            Self::Bytes(bytes) => Some(bytes),
            Self::OptionalBytes(bytes) => bytes.as_deref(),
        }
    }
}

impl OwnedValue {
    pub(super) fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::OptionalBytes(bytes) => Value::OptionalBytes(bytes.as_deref()),
        }
    }
}

/// Binds the values of a query.
pub(super) fn bind<'a, D>(
    mut query: Query<'a, D, D::Arguments>,
    values: &'a [Value<'a>],
) -> Query<'a, D, D::Arguments>
where
    D: sqlx::Database,
    i64: Encode<'a, D> + Type<D>,
    Option<&'a [u8]>: Encode<'a, D> + Type<D>,
{
    for value in values {
        query = match *value {
            Value::Integer(integer) => query.bind(integer),
            Value::Bytes(bytes) => query.bind(Some(bytes)),
            Value::OptionalBytes(bytes) => query.bind(bytes),
        };
    }
    query
}

/// Reads the columns of each row after the first `skipped` columns.
pub(super) fn read<R>(rows: &[R], skipped: usize, columns: &[Column]) -> Vec<Option<Vec<Cell>>>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    let cell = |row: &R, (index, column): (usize, &Column)| match column {
        Column::Integer => row.try_get(skipped + index).map(Cell::Integer),
        Column::Bytes => row.try_get(skipped + index).map(Cell::Bytes),
    };
    rows.iter()
        .map(|row| columns.iter().enumerate().map(|column| cell(row, column).ok()).collect())
        .collect()
}

/// Returns the result of each call of a batch, from the rows of all calls.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) fn separate<R>(
    rows: &[R],
    statement: &Statement,
    batch: &Batch,
    calls: &[Vec<OwnedValue>],
) -> sqlx::Result<Vec<QueryResult>>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    let identifier = match batch.identifier {
        Identifier::Key => Column::Bytes,
        Identifier::Number => Column::Integer,
    };
    let identifiers = read(rows, 0, &[identifier]);
    let identifiers: Option<Vec<_>> = identifiers.into_iter().map(|row| row?.pop()).collect();
    let Some(identifiers) = identifiers else {
        return Err(sqlx::Error::Protocol("a row does not identify its call".to_owned()));
    };
    let rows: Vec<_> = identifiers.into_iter().zip(read(rows, 1, statement.columns)).collect();
    let result = |(number, call): (i64, &Vec<OwnedValue>)| {
        let key = call.first().and_then(OwnedValue::bytes);
        let is_own = |identifier: &Cell| match identifier {
            Cell::Integer(own) => *own == number,
            Cell::Bytes(own) => own.is_some() && own.as_deref() == key,
        };
        let own = rows.iter().filter(|(identifier, _)| is_own(identifier));
        let rows: Vec<_> = own.map(|(_, row)| row.clone()).collect();
        QueryResult { changed: u64::try_from(rows.len()).unwrap_or(u64::MAX), rows }
    };
    Ok((1..).zip(calls).map(result).collect())
}
