//! Finding every record, in the order of the keys.

use std::fmt::Write as _;
use std::time::SystemTime;

use session_core::store::{KeyPage, Scan, StoreKey};
use session_core::{Error, ErrorKind, async_trait};

use super::SqlStore;
use crate::database::{Cell, Value};
use crate::milliseconds;

/// Each page is one statement, which reads `limit` entries of the primary key. A position is the
/// last key of the page. A count reads the index of the expiry. For a million sessions, a count
/// takes a fraction of a second.
#[async_trait]
impl Scan for SqlStore {
    async fn scan(&self, after: Option<&str>, limit: usize) -> Result<KeyPage, Error> {
        let after = after.map_or(Ok(Vec::new()), parse_position)?;
        let limit = limit.max(1);
        let count = Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
        let result = self.run(&self.statements.scan, &[Value::Bytes(&after), count]).await?;
        let found: Vec<_> =
            result.rows.iter().filter_map(|row| key_bytes(row.as_deref()?)).collect();
        let next = found.last().filter(|_| result.rows.len() >= limit).map(|key| position(key));
        // Another program may have stored a key of another length.
        let keys =
            found.iter().filter_map(|key| Some(StoreKey::from_bytes((*key).try_into().ok()?)));
        Ok(KeyPage::new(keys.collect(), next))
    }

    async fn count(&self, now: SystemTime) -> Result<u64, Error> {
        let now = Value::Integer(milliseconds::floor(now));
        let result = self.run(&self.statements.count, &[now]).await?;
        let Some(Some([Cell::Integer(count)])) = result.rows.first().map(Option::as_deref) else {
            let message = format!("{} returned no number of records", self.database.name());
            return Err(Error::new(ErrorKind::Backend, message));
        };
        Ok(count.cast_unsigned())
    }
}

fn key_bytes(row: &[Cell]) -> Option<&[u8]> {
    let [Cell::Bytes(Some(bytes))] = row else { return None };
    Some(bytes)
}

fn position(key: &[u8]) -> String {
    key.iter().fold(String::with_capacity(2 * key.len()), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn parse_position(text: &str) -> Result<Vec<u8>, Error> {
    let (pairs, _) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
    let key = bytes.collect::<Option<Vec<_>>>().filter(|key| position(key) == text);
    key.ok_or_else(|| {
        Error::new(ErrorKind::Malformed, "scan position was not returned by this store")
    })
}

#[cfg(test)]
mod tests {
    use fuzzing::Fuzz;

    use super::*;

    #[test]
    fn fuzzed_scan_position_has_one_spelling() {
        let samples = ["00", "0f7a", &"ff".repeat(32)];
        Fuzz::new("scan position", samples).words(&["+", "0", "A"]).run(|input| {
            let Ok(text) = str::from_utf8(input) else { return false };
            let Ok(key) = parse_position(text) else { return false };
            assert_eq!(position(&key), text);
            true
        });
    }
}
