//! The index of a session's text, with the positions of its keys and values.

use smallvec::SmallVec;

use crate::scan::{self, Malformed, Scanner};

/// The bit of `key_length` that is set if the key has an escape.
pub(super) const ESCAPED: u32 = 1 << 31;

/// The entries of a session. Most sessions have few keys, which need no separate allocation.
pub(super) type Entries = SmallVec<[Entry; 8]>;

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key_start: u32,
    pub(super) key_length: u32,
    pub(super) value_start: u32,
    pub(super) value_length: u32,
}

/// Appends the entries of the text.
pub(super) fn parse_entries(text: &str, entries: &mut Entries) -> Result<(), Malformed> {
    let mut scanner = Scanner::new(text);
    scanner.skip_whitespace();
    scanner.expect(b'{')?;
    scanner.skip_whitespace();
    if scanner.peek() == Some(b'}') {
        scanner.advance();
    } else {
        loop {
            if entries.len() == entries.capacity() {
                reserve(entries, scanner.position(), text.len());
            }
            entries.push(parse_entry(&mut scanner)?);
            if scanner.expect(b',').is_err() {
                scanner.expect(b'}')?;
                break;
            }
        }
    }
    scanner.skip_whitespace();
    if scanner.peek().is_some() { Err(Malformed) } else { Ok(()) }
}

/// Returns the only entry of a session that was escaped as a whole, because its only key looks like
/// a tag. Fails if the whole text is a tagged value, such as a tuple or a date, which is not a
/// session.
pub(super) fn unescaped(text: &str, escape: Entry) -> Result<Entry, Malformed> {
    if !scan::stands_for(slice(text, escape.key_start, escape.key_length & !ESCAPED), " di") {
        return Err(Malformed);
    }
    let inside = slice(text, escape.value_start, escape.value_length);
    let mut entries = Entries::new();
    parse_entries(inside, &mut entries)?;
    let [entry] = entries[..] else { return Err(Malformed) };
    if !slice(inside, entry.key_start, entry.key_length & !ESCAPED).ends_with("__") {
        return Err(Malformed);
    }
    Ok(Entry {
        key_start: escape.value_start + entry.key_start,
        key_length: entry.key_length - 2,
        value_start: escape.value_start + entry.value_start,
        value_length: entry.value_length,
    })
}

/// Parses `"key" : value` and skips the white space around it.
fn parse_entry(scanner: &mut Scanner<'_>) -> Result<Entry, Malformed> {
    scanner.skip_whitespace();
    let key_start = scanner.position() + 1;
    let escaped = scanner.skip_string()?;
    let key_end = scanner.position() - 1;
    scanner.skip_whitespace();
    scanner.expect(b':')?;
    scanner.skip_whitespace();
    let value_start = scanner.position();
    scanner.skip_value()?;
    let value_end = scanner.position();
    scanner.skip_whitespace();
    Ok(Entry {
        key_start: offset(key_start),
        key_length: offset(key_end - key_start) | if escaped { ESCAPED } else { 0 },
        value_start: offset(value_start),
        value_length: offset(value_end - value_start),
    })
}

/// Returns whether two keys may be equal, according to their lengths. Most different keys differ in
/// length, so their text need not be compared.
#[inline]
pub(super) fn may_be_same_key(one: Entry, other: Entry) -> bool {
    one.key_length == other.key_length || (one.key_length | other.key_length) & ESCAPED != 0
}

/// Reserves the number of entries that the text read so far predicts. Therefore even a hostile
/// payload with very many keys needs few reallocations.
fn reserve(entries: &mut Entries, seen: usize, length: usize) {
    let foretold = (length - seen) * entries.len() / seen.max(1);
    entries.reserve_exact(foretold.max(entries.len() / 2) + 8);
}

/// Converts a position in the text to 32 bits. Every position fits, because the text has fewer than
/// [`ESCAPED`] bytes.
#[inline]
pub(super) fn offset(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

#[inline]
pub(super) fn slice(text: &str, start: u32, length: u32) -> &str {
    &text[start as usize..start as usize + length as usize]
}
