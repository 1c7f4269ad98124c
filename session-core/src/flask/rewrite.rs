//! Rewriting of JSON text between the stored form (Flask's tags) and the form for serde (markers).
//!
//! Tuples become arrays. Values of the other types become an object whose only key is a marker,
//! which the types of [`flask`](super) read and write. Therefore a tag is never confused with a map
//! that looks like a tag. Only text that may contain a tag or a marker is rewritten. Nothing
//! recurses.

use super::marker::{self, PREFIX};
use crate::scan::{self, Malformed, Scanner};

/// Flask's tags, in the order of its serializer.
const TAGS: [&str; 6] =
    [" di", marker::TUPLE, marker::BYTES, marker::MARKUP, marker::UUID, marker::DATETIME];

/// Returns whether a JSON string, given without its quotes, is one of Flask's tags.
pub(crate) fn is_tag(key: &str) -> bool {
    TAGS.iter().any(|tag| scan::stands_for(key, tag))
}

/// Returns whether compact text from `serde_json` may contain a marker, or a map that looks like a
/// tag.
pub(super) fn may_need_tagging(text: &str) -> bool {
    text.contains("{\" ") || text.contains(&**PREFIX)
}

/// Returns whether stored text may contain a tag.
pub(super) fn may_need_untagging(raw: &str) -> bool {
    raw.starts_with(['{', '[']) && (raw.contains("\" ") || raw.contains('\\'))
}

/// Replaces markers by tags, and escapes maps that look like tags.
pub(super) fn tag(text: &str) -> Result<String, Malformed> {
    Rewriter::new(text)?.run(|key| {
        if let Some(tag) = key.strip_prefix(&**PREFIX) {
            return Some(Rewrite { open: format!("{{\"{tag}\":"), close: "}", unescape: false });
        }
        let tag = TAGS.iter().find(|tag| scan::stands_for(key, tag))?;
        Some(Rewrite { open: format!("{{\" di\":{{\"{tag}__\":"), close: "}}", unescape: false })
    })
}

/// Replaces tags by markers or arrays, and unescapes escaped maps.
pub(super) fn untag(text: &str) -> Result<String, Malformed> {
    Rewriter::new(text)?.run(|key| {
        let tag = TAGS.iter().find(|tag| scan::stands_for(key, tag))?;
        Some(match *tag {
            " di" => Rewrite { open: String::new(), close: "", unescape: true },
            marker::TUPLE => Rewrite { open: String::new(), close: "", unescape: false },
            _ => Rewrite { open: format!("{{\"{}{tag}\":", *PREFIX), close: "}", unescape: false },
        })
    })
}

/// The replacement of `{"key":` and of its `}`.
struct Rewrite {
    open: String,
    close: &'static str,
    /// Whether the value is an escaped map. The result has only its first entry, whose key loses
    /// the last two characters.
    unescape: bool,
}

/// An open array or object: the replacement of its end, and whether only its first entry is kept.
struct Frame {
    close: Option<&'static str>,
    first_only: bool,
}

struct Rewriter<'a> {
    text: &'a str,
    scanner: Scanner<'a>,
    /// Whether the object has one key, for each `{` in order of appearance.
    single: std::vec::IntoIter<bool>,
    frames: Vec<Frame>,
    output: String,
}

impl<'a> Rewriter<'a> {
    fn new(text: &'a str) -> Result<Self, Malformed> {
        Ok(Self {
            text,
            scanner: Scanner::new(text),
            single: single_key_objects(text)?.into_iter(),
            frames: Vec::new(),
            output: String::with_capacity(text.len() + 16),
        })
    }

    fn run(mut self, rule: impl Fn(&str) -> Option<Rewrite>) -> Result<String, Malformed> {
        while let Some(byte) = self.scanner.peek() {
            match byte {
                b'"' => self.copy_string()?,
                b'{' => self.open_object(&rule)?,
                b'[' => {
                    self.copy_byte(byte);
                    self.frames.push(Frame { close: None, first_only: false });
                }
                b']' | b'}' => self.close(byte)?,
                b',' if self.frames.last().is_some_and(|frame| frame.first_only) => {
                    self.skip_rest()?;
                }
                _ => self.copy_byte(byte),
            }
        }
        if self.frames.is_empty() { Ok(self.output) } else { Err(Malformed) }
    }

    fn open_object(&mut self, rule: &impl Fn(&str) -> Option<Rewrite>) -> Result<(), Malformed> {
        let single = self.single.next().unwrap_or(false);
        self.scanner.advance();
        let mut frame = Frame { close: None, first_only: false };
        self.scanner.skip_whitespace();
        if !single || self.scanner.peek() != Some(b'"') {
            self.output.push('{');
            self.frames.push(frame);
            return Ok(());
        }
        let key = self.take_key()?;
        let Some(rewrite) = rule(key) else {
            for part in ["{\"", key, "\":"] {
                self.output.push_str(part);
            }
            self.frames.push(frame);
            return Ok(());
        };
        self.output.push_str(&rewrite.open);
        frame.close = Some(rewrite.close);
        self.frames.push(frame);
        if rewrite.unescape { self.open_escaped() } else { Ok(()) }
    }

    /// Skips the `{"key__":` of an escaped map and writes `{"key":`.
    fn open_escaped(&mut self) -> Result<(), Malformed> {
        self.single.next();
        self.scanner.expect(b'{')?;
        self.scanner.skip_whitespace();
        let mut key = scan::unescape(self.take_key()?);
        key.pop();
        key.pop();
        self.output.push_str("{\"");
        scan::push_escaped(&mut self.output, &key);
        self.output.push_str("\":");
        self.frames.push(Frame { close: None, first_only: true });
        Ok(())
    }

    /// Skips `"key" :` and the white space after it, and returns the key as it is written.
    fn take_key(&mut self) -> Result<&'a str, Malformed> {
        let start = self.scanner.position() + 1;
        self.scanner.skip_string()?;
        let key = &self.text[start..self.scanner.position() - 1];
        self.scanner.skip_whitespace();
        self.scanner.expect(b':')?;
        self.scanner.skip_whitespace();
        Ok(key)
    }

    fn close(&mut self, byte: u8) -> Result<(), Malformed> {
        match self.frames.pop().ok_or(Malformed)?.close {
            Some(close) => {
                self.scanner.advance();
                self.output.push_str(close);
            }
            None => self.copy_byte(byte),
        }
        Ok(())
    }

    /// Skips every `,"key":value` up to the end of the object.
    fn skip_rest(&mut self) -> Result<(), Malformed> {
        while self.scanner.expect(b',').is_ok() {
            self.scanner.skip_whitespace();
            self.take_key()?;
            let start = self.scanner.position();
            self.scanner.skip_value()?;
            let skipped = single_key_objects(&self.text[start..self.scanner.position()])?;
            for _ in skipped {
                self.single.next();
            }
            self.scanner.skip_whitespace();
        }
        Ok(())
    }

    fn copy_string(&mut self) -> Result<(), Malformed> {
        let start = self.scanner.position();
        self.scanner.skip_string()?;
        self.output.push_str(&self.text[start..self.scanner.position()]);
        Ok(())
    }

    fn copy_byte(&mut self, byte: u8) {
        self.scanner.advance();
        self.output.push(char::from(byte));
    }
}

/// Returns, for each `{` in order of appearance, whether its object has at most one key, that is,
/// no comma outside nested values.
fn single_key_objects(text: &str) -> Result<Vec<bool>, Malformed> {
    let mut single = Vec::new();
    let mut open = Vec::new();
    let mut scanner = Scanner::new(text);
    while let Some(byte) = scanner.peek() {
        match byte {
            b'"' => {
                scanner.skip_string()?;
                continue;
            }
            b'{' => {
                open.push(Some(single.len()));
                single.push(true);
            }
            b'[' => open.push(None),
            b']' | b'}' => drop(open.pop()),
            b',' => {
                if let Some(Some(object)) = open.last() {
                    single[*object] = false;
                }
            }
            // JSON is ASCII outside strings. Other text must not be copied byte by byte.
            0x80.. => return Err(Malformed),
            _ => {}
        }
        scanner.advance();
    }
    Ok(single)
}
