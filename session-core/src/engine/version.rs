//! The version of a record.
//!
//! A record of version 1 begins with its kind. A record of a later version begins with a mark and
//! the number of the version. Neither text nor the usual binary formats begin with the mark.
//! Therefore a build distinguishes records of a newer version, which it must not change, from
//! records of other programs.

use crate::Error;
use crate::record_format::{NEWEST, written};

const MARK: [u8; 3] = *b"\xffsr";

/// Returns a buffer with the first bytes of a new record, and with space for `length` more bytes.
pub(super) fn start(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + MARK.len() + 1);
    if written() > 1 {
        bytes.extend_from_slice(&MARK);
        bytes.push(written());
    }
    bytes
}

/// Splits the version from the rest of a record.
pub(super) fn split(bytes: &[u8]) -> (u8, &[u8]) {
    match bytes.strip_prefix(&MARK) {
        Some([version @ 2..=u8::MAX, rest @ ..]) => (*version, rest),
        _ => (1, bytes),
    }
}

/// Fails if this build cannot read the record, because its version is too new.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Error> {
    match split(bytes) {
        (..=NEWEST, _) => Ok(()),
        (version, _) => Err(Error::newer_format(format!(
            "session record has version {version} of the format, and this build reads up to \
             version {NEWEST}; deploy the newer build again"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn record_with_mark_is_of_newer_version() {
        for version in [NEWEST + 1, 255] {
            let record = [&MARK[..], &[version, 1, 0]].concat();
            let error = check(&record).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.is_newer_format());
            assert!(error.to_string().contains(&format!("version {version} ")), "{error}");
        }
        for record in [&b""[..], &MARK, b"\xffsr\x01", b"\xffsr\x00", b"\xff\xff\xff\xff", b"\x01"]
        {
            assert_eq!(split(record), (1, record));
            assert!(check(record).is_ok());
        }
    }
}
