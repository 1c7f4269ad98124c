//! The top level of a session: an ordered map from key to raw JSON text.
//!
//! One buffer has all text, and a small index refers to positions in it. A value is parsed only
//! when a handler reads it. Unchanged values are written back byte for byte.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use super::entries::{
    ESCAPED, Entries, Entry, may_be_same_key, offset, parse_entries, slice, unescaped,
};
use crate::flask::is_tag;
use crate::scan::{self, Malformed};

/// The largest number of keys for which repeated keys are found by comparing all pairs. In larger
/// sessions, repeated keys are found by hash.
const COMPARE_PAIRS: usize = 16;
/// The first character of the reserved keys.
const RESERVED: u8 = b'_';

#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    /// The payload as it was read, followed by every key and value written since then.
    text: String,
    entries: Entries,
    /// The end of the payload in `text`, or `None` after a change.
    untouched: Option<usize>,
    /// Whether a key may begin with an underscore, as the reserved keys do. Most sessions have no
    /// such key, and each request looks for several such keys.
    may_have_reserved: bool,
}

impl Values {
    /// Parses a JSON object. The last value of a repeated key wins, as in Python.
    pub(crate) fn parse(text: String) -> Result<Self, Malformed> {
        let mut values = Self { text, ..Self::default() };
        values.read_text()?;
        Ok(values)
    }

    /// Parses a JSON object as [`parse`](Self::parse) does, and returns values that can be shared.
    pub(crate) fn parse_shared(text: String) -> Result<Arc<Self>, Malformed> {
        let mut values = Arc::new(Self { text, ..Self::default() });
        Arc::make_mut(&mut values).read_text()?;
        Ok(values)
    }

    fn read_text(&mut self) -> Result<(), Malformed> {
        let Self { text, entries, untouched, may_have_reserved } = self;
        if text.len() >= ESCAPED as usize {
            return Err(Malformed);
        }
        parse_entries(text, entries)?;
        if let [only] = entries[..]
            && is_tag(slice(text, only.key_start, only.key_length & !ESCAPED))
        {
            entries[0] = unescaped(text, only)?;
        }
        let may_be_reserved = |entry: &Entry| {
            entry.key_length & ESCAPED != 0
                || text.as_bytes().get(entry.key_start as usize) == Some(&RESERVED)
        };
        *may_have_reserved = entries.iter().any(may_be_reserved);
        *untouched = Some(text.len());
        self.drop_repeated_keys();
        Ok(())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.find(key).map(|index| self.value(self.entries[index]))
    }

    pub(crate) fn contains_key(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(|entry| scan::name(self.key(*entry)))
    }

    /// Sets a key to JSON text. Returns `false` and changes nothing if the session would exceed two
    /// gigabytes.
    pub(crate) fn insert(&mut self, key: &str, value: &str) -> bool {
        if self.text.len() + 6 * key.len() + value.len() >= ESCAPED as usize {
            return false;
        }
        let index = self.find(key).unwrap_or_else(|| {
            let start = self.text.len();
            scan::push_escaped(&mut self.text, key);
            let escaped = if self.text[start..].contains('\\') { ESCAPED } else { 0 };
            self.may_have_reserved |= key.as_bytes().first() == Some(&RESERVED);
            self.entries.push(Entry {
                key_start: offset(start),
                key_length: offset(self.text.len() - start) | escaped,
                value_start: 0,
                value_length: 0,
            });
            self.entries.len() - 1
        });
        let entry = &mut self.entries[index];
        entry.value_start = offset(self.text.len());
        entry.value_length = offset(value.len());
        self.text.push_str(value);
        self.untouched = None;
        true
    }

    /// Removes a key. Returns `false` and changes nothing if the key does not exist.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        let Some(index) = self.find(key) else { return false };
        self.entries.remove(index);
        self.untouched = None;
        true
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the whole map as a JSON object.
    pub(crate) fn to_payload(&self) -> String {
        let mut payload = String::with_capacity(self.text.len() + 4 * self.entries.len() + 2);
        self.write_payload(|text| payload.push_str(text));
        payload
    }

    /// Appends the whole map as a JSON object.
    pub(crate) fn append_payload(&self, buffer: &mut Vec<u8>) {
        self.write_payload(|text| buffer.extend_from_slice(text.as_bytes()));
    }

    /// Returns the length of the payload in bytes.
    pub(crate) fn payload_len(&self) -> usize {
        if let Some(end) = self.untouched {
            return end;
        }
        if let [only] = self.entries[..]
            && is_tag(self.key(only))
        {
            return r#"{" di":{"__":}}"#.len() + self.key(only).len() + self.value(only).len();
        }
        let entries = self.entries.iter();
        let length = entries.map(|entry| self.key(*entry).len() + self.value(*entry).len() + 4);
        length.sum::<usize>().saturating_sub(1) + 2
    }

    fn write_payload(&self, mut write: impl FnMut(&str)) {
        if let Some(end) = self.untouched {
            return write(&self.text[..end]);
        }
        if let [only] = self.entries[..]
            && is_tag(self.key(only))
        {
            // Flask would read the whole session as a tagged value.
            let (key, value) = (self.key(only), self.value(only));
            return write(&format!("{{\" di\":{{\"{key}__\":{value}}}}}"));
        }
        write("{");
        for (index, entry) in self.entries.iter().enumerate() {
            write(if index == 0 { "\"" } else { ",\"" });
            write(self.key(*entry));
            write("\":");
            write(self.value(*entry));
        }
        write("}");
    }

    fn find(&self, key: &str) -> Option<usize> {
        if !self.may_have_reserved && key.as_bytes().first() == Some(&RESERVED) {
            return None;
        }
        let mut any_escaped = false;
        let found = self.entries.iter().position(|&entry| {
            if entry.key_length & ESCAPED == 0 {
                entry.key_length as usize == key.len() && self.key_bytes(entry) == key.as_bytes()
            } else {
                any_escaped = true;
                scan::stands_for(self.key(entry), key)
            }
        });
        if found.is_some() || !any_escaped || !key.contains("\\u") {
            return found;
        }
        // A caller may use the name of a key that has a lone surrogate.
        let is_named =
            |entry: &Entry| entry.key_length & ESCAPED != 0 && scan::name(self.key(*entry)) == key;
        self.entries.iter().position(is_named)
    }

    fn key(&self, entry: Entry) -> &str {
        slice(&self.text, entry.key_start, entry.key_length & !ESCAPED)
    }

    /// Returns the bytes of the key, for comparisons that need no check of character boundaries.
    fn key_bytes(&self, entry: Entry) -> &[u8] {
        let start = entry.key_start as usize;
        &self.text.as_bytes()[start..start + (entry.key_length & !ESCAPED) as usize]
    }

    fn value(&self, entry: Entry) -> &str {
        slice(&self.text, entry.value_start, entry.value_length)
    }

    fn drop_repeated_keys(&mut self) {
        let repeated = if self.entries.len() <= COMPARE_PAIRS {
            self.repeated_by_pairs()
        } else {
            self.repeated_by_hash()
        };
        if repeated.is_empty() {
            return;
        }
        let mut index = 0;
        self.entries.retain(|_| {
            index += 1;
            repeated.binary_search(&(index - 1)).is_err()
        });
        self.untouched = None;
    }

    /// Returns the indices, in order, of the entries whose key is repeated later.
    fn repeated_by_pairs(&self) -> Vec<u32> {
        let mut repeated = Vec::new();
        for (index, &entry) in self.entries.iter().enumerate() {
            let mut later = self.entries[index + 1..].iter();
            if later.any(|&later| may_be_same_key(later, entry) && self.same_key(later, entry)) {
                repeated.push(offset(index));
            }
        }
        repeated
    }

    fn repeated_by_hash(&self) -> Vec<u32> {
        let state = RandomState::new();
        let hash = |entry: &Entry| {
            let mut hasher = state.build_hasher();
            for point in scan::code_points(self.key(*entry)) {
                hasher.write_u32(point);
            }
            hasher.finish() & 0xffff_ffff_0000_0000
        };
        let mut order: Vec<u64> =
            self.entries.iter().zip(0_u64..).map(|(entry, index)| hash(entry) | index).collect();
        order.sort_unstable();
        let index = |place: u64| (place & 0xffff_ffff) as usize;
        let mut repeated = Vec::new();
        for (position, &place) in order.iter().enumerate() {
            let rivals =
                order[position + 1..].iter().take_while(|rival| *rival >> 32 == place >> 32);
            let entry = self.entries[index(place)];
            if rivals.into_iter().any(|&rival| self.same_key(self.entries[index(rival)], entry)) {
                repeated.push(offset(index(place)));
            }
        }
        repeated.sort_unstable();
        repeated
    }

    fn same_key(&self, one: Entry, other: Entry) -> bool {
        if (one.key_length | other.key_length) & ESCAPED == 0 {
            return self.key_bytes(one) == self.key_bytes(other);
        }
        scan::code_points(self.key(one)).eq(scan::code_points(self.key(other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Values {
        Values::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn untouched_values_are_written_back_byte_for_byte() {
        for text in
            ["{}", r#" { "a" : 1.50 , "b":[ NaN ,"\ud800"] } "#, r#"{"\u0061":{"x":[1,{}]}}"#]
        {
            assert_eq!(parse(text).to_payload(), text);
        }
        let mut values = parse(r#"{"a":1.50,"\u00e9":[ NaN ,"\ud800"],"c":0}"#);
        assert!(values.insert("a", "2"));
        assert!(values.remove("c"));
        assert!(values.insert("q\"", "3"));
        assert_eq!(values.to_payload(), r#"{"a":2,"\u00e9":[ NaN ,"\ud800"],"q\"":3}"#);
    }

    #[test]
    fn reserved_key_is_found_in_every_spelling() {
        for text in [r#"{"a":1,"_x":2}"#, r#"{"\u005fx":2}"#, r#"{"_\u0078":2}"#] {
            assert_eq!(parse(text).get("_x"), Some("2"), "{text}");
        }
        let mut values = parse(r#"{"a":1}"#);
        assert_eq!(values.get("_x"), None);
        assert!(values.insert("_x", "2"));
        assert_eq!(values.get("_x"), Some("2"));
    }

    #[test]
    fn keys_with_escapes_are_found() {
        let values = parse(r#"{"\u00e9":1,"":2,"\ud83d\ude00":3,"\ud800":4,"a\"b":5}"#);
        assert_eq!(values.get("é"), Some("1"));
        assert_eq!(values.get(""), Some("2"));
        assert_eq!(values.get("😀"), Some("3"));
        assert_eq!(values.get("a\"b"), Some("5"));
        assert_eq!(values.get("\u{fffd}"), None);
        assert_eq!(values.keys().collect::<Vec<_>>(), ["é", "", "😀", r"\ud800", "a\"b"]);
    }

    #[test]
    fn key_with_lone_surrogate_is_found_by_its_name() {
        let payload = r#"{"\ud800":1,"a\uDFFFb":2,"\ud801":3}"#;
        let mut values = parse(payload);
        let keys: Vec<_> = values.keys().collect();
        assert_eq!(keys, [r"\ud800", r"a\udfffb", r"\ud801"]);
        for (key, value) in keys.iter().zip(["1", "2", "3"]) {
            assert_eq!(values.get(key), Some(value));
        }
        assert!(values.insert(&keys[0], "4") && values.remove(&keys[1]));
        assert_eq!(values.to_payload(), r#"{"\ud800":4,"\ud801":3}"#);
        let values = parse(r#"{"\ud800":1,"\\ud800":2}"#);
        assert_eq!(values.get(r"\ud800"), Some("2"));
    }

    #[test]
    fn last_of_repeated_keys_wins_in_small_and_large_sessions() {
        let values = parse(r#"{"a":1,"b":2,"\u0061":3}"#);
        assert_eq!((values.get("a"), values.len()), (Some("3"), 2));
        assert_eq!(values.to_payload(), r#"{"b":2,"\u0061":3}"#);

        let many: Vec<_> = (0..400).map(|n| format!("\"k{}\":{n}", n % 100)).collect();
        let values = parse(&format!("{{{}}}", many.join(",")));
        assert_eq!(values.len(), 100);
        assert_eq!(values.get("k7"), Some("307"));
        assert!(values.to_payload().starts_with(r#"{"k0":300,"k1":301,"#));
    }

    #[test]
    fn text_other_than_one_object_is_refused() {
        for bad in [
            "",
            "[]",
            "null",
            "1",
            "\"a\"",
            "{",
            r#"{"a":1,}"#,
            r#"{"a":1}x"#,
            r#"{"a" 1}"#,
            r#"{"a":}"#,
            r"{a:1}",
            r#"{"a":[}"#,
            r#"{"a":[1}"#,
        ] {
            assert!(Values::parse(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn session_with_only_tag_like_key_is_escaped_as_whole() {
        let mut values = parse(r#"{" di":{" t__":[1]}}"#);
        assert_eq!((values.get(" t"), values.len()), (Some("[1]"), 1));
        assert!(values.insert(" t", "2"));
        assert_eq!(values.to_payload(), r#"{" di":{" t__":2}}"#);
        assert!(values.insert("a", "3"));
        assert_eq!(values.to_payload(), r#"{" t":2,"a":3}"#);
        for tagged in [
            r#"{" t":[1]}"#,
            r#"{" m":{"a__":1}}"#,
            r#"{" di":{}}"#,
            r#"{" di":{"a":1}}"#,
            r#"{" di":[0]}"#,
        ] {
            assert!(Values::parse(tagged.to_owned()).is_err(), "{tagged}");
        }
    }

    #[test]
    fn deep_nesting_uses_no_stack() {
        let text = format!("{{\"a\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(parse(&text).get("a").unwrap().len(), 400_001);
    }
}
