//! Keeps the stored text of parts that an update did not change.
//!
//! Ordinary JSON, as serde reads and writes it, has no tuples and no integers of arbitrary length.
//! An update that changes one part of a value must not convert other parts into ordinary JSON.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::marker;
use crate::scan::{self, Malformed, Scanner};

/// The maximum nesting, because parts are compared recursively. Every value that was read is nested
/// less deeply, including its tags.
const MAX_LEVELS: usize = 400;

/// Returns the new text of a value. Each part whose ordinary JSON is the same as in the old text
/// keeps its old text.
pub(crate) fn keep_unchanged(old: &str, new: String) -> String {
    if old == new || scan::levels(old).max(scan::levels(&new)) > MAX_LEVELS {
        return new;
    }
    let (Ok(old), Ok(parsed)) = (Node::parse(old), Node::parse(&new)) else { return new };
    let mut text = String::with_capacity(new.len());
    parsed.write(Some(&old), &mut text);
    text
}

/// The tags whose value is text.
const TEXTS: [&str; 4] = [marker::BYTES, marker::MARKUP, marker::UUID, marker::DATETIME];

/// A part of a value.
struct Node<'a> {
    text: &'a str,
    kind: Kind<'a>,
    /// Parts with the same ordinary JSON have the same hash.
    hash: u64,
}

enum Kind<'a> {
    Text(&'a str),
    Number,
    Constant,
    List(Vec<Node<'a>>),
    /// A list with Flask's tag of a tuple.
    Tuple(Vec<Node<'a>>),
    /// A value with another tag. Its ordinary JSON is the ordinary JSON of the inner value.
    Tagged(&'static str, Box<Node<'a>>),
    Map(Vec<Member<'a>>),
}

struct Member<'a> {
    /// The key as it is written.
    key: &'a str,
    name: String,
    value: Node<'a>,
}

impl<'a> Node<'a> {
    fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut scanner = Scanner::new(text);
        scanner.skip_whitespace();
        Self::read(text, &mut scanner)
    }

    fn read(text: &'a str, scanner: &mut Scanner<'a>) -> Result<Self, Malformed> {
        let start = scanner.position();
        let kind = match scanner.peek() {
            Some(b'[') => Kind::List(read_items(text, scanner)?),
            Some(b'{') => as_tagged(read_members(text, scanner)?),
            Some(b'"') => {
                scanner.skip_string()?;
                Kind::Text(&text[start + 1..scanner.position() - 1])
            }
            first => {
                scanner.skip_value()?;
                let is_number = first.is_some_and(|byte| byte == b'-' || byte.is_ascii_digit());
                if is_number { Kind::Number } else { Kind::Constant }
            }
        };
        let text = &text[start..scanner.position()];
        Ok(Self { text, hash: kind.hash(text), kind })
    }

    /// Returns whether a stored part and a new part have the same ordinary JSON. A new tuple
    /// differs from an old list, because the caller wrote the tuple explicitly.
    fn is_same(&self, new: &Self) -> bool {
        if self.hash != new.hash {
            return false;
        }
        match (&self.kind, &new.kind) {
            (Kind::Text(old), Kind::Text(new)) => scan::code_points(old).eq(scan::code_points(new)),
            (Kind::Tagged(tag, old), Kind::Tagged(other, new)) => tag == other && old.is_same(new),
            (_, Kind::Tagged(..)) => false,
            (Kind::Tagged(_, old), _) => old.is_same(new),
            (Kind::Number, Kind::Number) => is_same_number(self.text, new.text),
            (Kind::Constant, Kind::Constant) => self.text == new.text,
            (Kind::List(old) | Kind::Tuple(old), Kind::List(new))
            | (Kind::Tuple(old), Kind::Tuple(new)) => {
                old.len() == new.len() && old.iter().zip(new).all(|(old, new)| old.is_same(new))
            }
            (Kind::Map(old), Kind::Map(new)) => {
                let old = by_name(old);
                let has = |member: &Member<'_>| {
                    old.get(&*member.name).is_some_and(|value| value.is_same(&member.value))
                };
                old.len() == new.len() && new.iter().all(has)
            }
            _ => false,
        }
    }

    /// Writes a new part. Unchanged parts of the value keep their old text.
    fn write(&self, old: Option<&Self>, text: &mut String) {
        let Some(old) = old else { return text.push_str(self.text) };
        if old.is_same(self) {
            return text.push_str(old.text);
        }
        match (&old.kind, &self.kind) {
            (Kind::List(old) | Kind::Tuple(old), Kind::List(new)) => write_list(old, new, text),
            (Kind::List(old) | Kind::Tuple(old), Kind::Tuple(new)) => {
                text.push_str("{\" t\":");
                write_list(old, new, text);
                text.push('}');
            }
            (Kind::Map(old), Kind::Map(new)) => {
                let old = by_name(old);
                text.push('{');
                for (index, member) in new.iter().enumerate() {
                    text.push_str(if index == 0 { "\"" } else { ",\"" });
                    text.push_str(member.key);
                    text.push_str("\":");
                    member.value.write(old.get(&*member.name).copied(), text);
                }
                text.push('}');
            }
            _ => text.push_str(self.text),
        }
    }
}

impl Kind<'_> {
    fn hash(&self, text: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self {
            Self::Text(raw) => scan::code_points(raw).for_each(|point| point.hash(&mut hasher)),
            // Adding zero makes minus zero the same as zero.
            Self::Number => number(text).map(|number| (number + 0.0).to_bits()).hash(&mut hasher),
            Self::Constant => text.hash(&mut hasher),
            Self::List(items) | Self::Tuple(items) => {
                for item in items {
                    item.hash.hash(&mut hasher);
                }
            }
            Self::Tagged(_, value) => return value.hash,
            Self::Map(members) => {
                let hash = |member: &Member<'_>| {
                    let mut hasher = DefaultHasher::new();
                    (&member.name, member.value.hash).hash(&mut hasher);
                    hasher.finish()
                };
                // The order of the members is ignored.
                members.iter().map(hash).fold(0, u64::wrapping_add).hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

fn read_items<'a>(text: &'a str, scanner: &mut Scanner<'a>) -> Result<Vec<Node<'a>>, Malformed> {
    let mut items = Vec::new();
    scanner.advance();
    scanner.skip_whitespace();
    while scanner.expect(b']').is_err() {
        if !items.is_empty() {
            scanner.expect(b',')?;
            scanner.skip_whitespace();
        }
        items.push(Node::read(text, scanner)?);
        scanner.skip_whitespace();
    }
    Ok(items)
}

fn read_members<'a>(
    text: &'a str,
    scanner: &mut Scanner<'a>,
) -> Result<Vec<Member<'a>>, Malformed> {
    let mut members = Vec::new();
    scanner.advance();
    scanner.skip_whitespace();
    while scanner.expect(b'}').is_err() {
        if !members.is_empty() {
            scanner.expect(b',')?;
            scanner.skip_whitespace();
        }
        let start = scanner.position() + 1;
        scanner.skip_string()?;
        let key = &text[start..scanner.position() - 1];
        scanner.skip_whitespace();
        scanner.expect(b':')?;
        scanner.skip_whitespace();
        let value = Node::read(text, scanner)?;
        members.push(Member { key, name: scan::unescape(key), value });
        scanner.skip_whitespace();
    }
    Ok(members)
}

fn as_tagged(mut members: Vec<Member<'_>>) -> Kind<'_> {
    if let [Member { name, value: Node { kind: Kind::List(items), .. }, .. }] = &mut members[..]
        && name == marker::TUPLE
    {
        return Kind::Tuple(std::mem::take(items));
    }
    let tag = match &members[..] {
        [only] => TEXTS.into_iter().find(|tag| only.name == *tag),
        _ => None,
    };
    match (tag, members.pop()) {
        (Some(tag), Some(only)) => Kind::Tagged(tag, Box::new(only.value)),
        (_, last) => {
            members.extend(last);
            Kind::Map(members)
        }
    }
}

/// Returns the values by name. If a name is repeated, the last member is used.
fn by_name<'a, 'b>(members: &'b [Member<'a>]) -> HashMap<&'b str, &'b Node<'a>> {
    members.iter().map(|member| (&*member.name, &member.value)).collect()
}

/// Writes the items of a new list. Each item is compared with an item of the old list.
fn write_list(old: &[Node<'_>], new: &[Node<'_>], text: &mut String) {
    text.push('[');
    for (index, (item, old)) in new.iter().zip(paired(old, new)).enumerate() {
        if index > 0 {
            text.push(',');
        }
        item.write(old, text);
    }
    text.push(']');
}

/// Returns an old item for each new item: an equal item if one exists, and otherwise the next item
/// without a pair.
fn paired<'a, 'b>(old: &'b [Node<'a>], new: &[Node<'_>]) -> Vec<Option<&'b Node<'a>>> {
    let before = old.iter().zip(new).take_while(|(old, new)| old.is_same(new)).count();
    let (old_rest, new_rest) = (&old[before..], &new[before..]);
    let pairs = old_rest.iter().rev().zip(new_rest.iter().rev());
    let after = pairs.take_while(|(old, new)| old.is_same(new)).count();
    let old_middle = &old_rest[..old_rest.len() - after];
    let new_middle = &new_rest[..new_rest.len() - after];

    let mut places: HashMap<u64, VecDeque<usize>> = HashMap::new();
    for (place, item) in old_middle.iter().enumerate() {
        places.entry(item.hash).or_default().push_back(place);
    }
    let mut is_free = vec![true; old_middle.len()];
    let mut middle: Vec<Option<&Node<'_>>> = new_middle
        .iter()
        .map(|item| {
            let place = places.get_mut(&item.hash)?.pop_front()?;
            is_free[place] = !old_middle[place].is_same(item);
            (!is_free[place]).then_some(&old_middle[place])
        })
        .collect();
    let mut free = old_middle.iter().zip(is_free).filter(|(_, is_free)| *is_free);
    for pair in middle.iter_mut().filter(|pair| pair.is_none()) {
        *pair = free.next().map(|(item, _)| item);
    }
    let first = old[..before].iter().map(Some);
    let last = old[old.len() - after..].iter().map(Some);
    first.chain(middle).chain(last).collect()
}

/// Returns whether two numbers are equal. Integers are compared by their text. If one of the
/// numbers is a float, both are compared as floats.
fn is_same_number(old: &str, new: &str) -> bool {
    let is_integer = |text: &str| !text.contains(['.', 'e', 'E']);
    old == new || !(is_integer(old) && is_integer(new)) && number(old) == number(new)
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_kept(old: &str, new: &str, expected: &str) {
        assert_eq!(keep_unchanged(old, new.to_owned()), expected);
    }

    #[test]
    fn unchanged_tuples_and_numbers_keep_text() {
        let old = r#"{"t":{" t":[1,{" t":[]}]},"big":123456789012345678901234567890,"f":1.50}"#;
        assert_kept(old, r#"{"t":[1,[]],"big":1.2345678901234568e29,"f":1.5}"#, old);
        assert_kept(
            old,
            r#"{"f":1.5,"n":1,"t":[2,[]],"big":1.2345678901234568e29}"#,
            r#"{"f":1.50,"n":1,"t":[2,{" t":[]}],"big":123456789012345678901234567890}"#,
        );
        for (old, new) in [("5", "5.0"), ("9007199254740993", "9007199254740992.0")] {
            assert_kept(old, new, old);
        }
        assert_kept("9007199254740993", "9007199254740992", "9007199254740992");
        assert_kept("1.5", "2", "2");
    }

    #[test]
    fn escapes_spaces_and_order_of_unchanged_map_are_kept() {
        let old = r#"{ "\u00e9" : "\u00fc\/" , "a" : [ ] }"#;
        assert_kept(old, r#"{"a":[],"é":"ü/"}"#, old);
        assert_kept(old, r#"{"a":[0],"é":"ü/"}"#, r#"{"a":[0],"é":"\u00fc\/"}"#);
    }

    #[test]
    fn items_of_list_keep_text_when_others_come_and_go() {
        let old = r#"[{" t":[1]},{" t":[2]},[2],{" t":[3]}]"#;
        assert_kept(old, "[[2],[2],[3]]", r#"[{" t":[2]},[2],{" t":[3]}]"#);
        assert_kept(old, "[[1],[2],[2]]", r#"[{" t":[1]},{" t":[2]},[2]]"#);
        assert_kept(old, "[0,[1],[2],[2],[3]]", r#"[0,{" t":[1]},{" t":[2]},[2],{" t":[3]}]"#);
        assert_kept(old, "[[3],[2],[2],[1]]", r#"[{" t":[3]},{" t":[2]},[2],{" t":[1]}]"#);
        assert_kept(
            r#"[{"n":1,"t":{" t":[]}}]"#,
            r#"[{"n":2,"t":[]}]"#,
            r#"[{"n":2,"t":{" t":[]}}]"#,
        );
    }

    #[test]
    fn new_tuple_replaces_equal_list() {
        assert_kept("[1,[2]]", r#"{" t":[1,[2]]}"#, r#"{" t":[1,[2]]}"#);
        assert_kept(r#"[1.0,{" t":[2]}]"#, r#"{" t":[1,[2]]}"#, r#"{" t":[1.0,{" t":[2]}]}"#);
    }

    #[test]
    fn other_types_and_very_deep_text_are_replaced() {
        for (old, new) in [("null", "{}"), ("[1]", "{}"), (r#""1""#, "1"), ("true", "false")] {
            assert_kept(old, new, new);
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_kept(&deep, "[]", "[]");
    }
}
