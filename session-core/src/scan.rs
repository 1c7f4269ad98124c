//! A scanner for JSON text, which finds the ends of strings and values without allocation.
//!
//! The scanner accepts the output of Python's `json`: `NaN`, `Infinity`, lone surrogates, numbers
//! of any length, and any depth. It does not recurse. Inside arrays and objects, it checks only
//! brackets and strings. Parsing a value checks the value completely.

use std::fmt::Write as _;

/// The error for text that does not have the expected form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Malformed;

/// A position in JSON text.
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn advance(&mut self) {
        self.at += 1;
    }

    pub(crate) fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Skips one byte, which must be `expected`.
    pub(crate) fn expect(&mut self, expected: u8) -> Result<(), Malformed> {
        if self.peek() == Some(expected) {
            self.at += 1;
            return Ok(());
        }
        Err(Malformed)
    }

    /// Skips a string including its quotes, and returns whether it has an escape.
    pub(crate) fn skip_string(&mut self) -> Result<bool, Malformed> {
        self.expect(b'"')?;
        let mut escaped = false;
        loop {
            self.at += plain_prefix(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.skip_escape()?;
                }
                _ => return Err(Malformed),
            }
        }
    }

    /// Skips a value of any kind.
    pub(crate) fn skip_value(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'"') => self.skip_string().map(drop),
            Some(b'[' | b'{') => self.skip_container(),
            _ => self.skip_scalar(),
        }
    }

    fn skip_escape(&mut self) -> Result<(), Malformed> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6).ok_or(Malformed)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Malformed);
                }
                self.at += 6;
            }
            _ => return Err(Malformed),
        }
        Ok(())
    }

    fn skip_container(&mut self) -> Result<(), Malformed> {
        let mut depth = 0_usize;
        loop {
            let rest = &self.bytes[self.at..];
            self.at += rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'[' | b'{' | b']' | b'}'))
                .ok_or(Malformed)?;
            match self.bytes[self.at] {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'[' | b'{' => depth += 1,
                _ => depth -= 1,
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn skip_scalar(&mut self) -> Result<(), Malformed> {
        let rest = &self.bytes[self.at..];
        let of_scalar =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = rest.iter().position(|byte| !of_scalar(byte)).unwrap_or(rest.len());
        self.at += length;
        match &rest[..length] {
            b"true" | b"false" | b"null" | b"NaN" | b"Infinity" | b"-Infinity" => Ok(()),
            token if is_number(token) => Ok(()),
            _ => Err(Malformed),
        }
    }
}

/// Returns the maximum depth of nested arrays and objects in valid JSON text.
pub(crate) fn levels(text: &str) -> usize {
    let mut scanner = Scanner::new(text);
    let (mut open, mut most) = (0_usize, 0);
    while let Some(byte) = scanner.peek() {
        match byte {
            b'"' if scanner.skip_string().is_ok() => continue,
            b'[' | b'{' => {
                open += 1;
                most = most.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        scanner.advance();
    }
    most
}

/// Returns the length of the prefix that a JSON string can contain unescaped: without quotes,
/// backslashes and control characters.
fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let special = |word: u64| {
        let (quote, backslash) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5c));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = quote.wrapping_sub(ONES) & !quote;
        let backslash = backslash.wrapping_sub(ONES) & !backslash;
        (control | quote | backslash) & HIGH
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        // Only the lowest flag is exact, because a borrow may set higher flags.
        let flags = special(u64::from_le_bytes(*word));
        if flags != 0 {
            return index * 8 + flags.trailing_zeros() as usize / 8;
        }
    }
    let plain = |byte: &&u8| **byte >= 0x20 && **byte != b'"' && **byte != b'\\';
    words.len() * 8 + rest.iter().take_while(plain).count()
}

/// Returns whether the token is a JSON number, of any length (RFC 8259, section 6).
fn is_number(token: &[u8]) -> bool {
    let rest = token.strip_prefix(b"-").unwrap_or(token);
    let (integer, rest) = split_digits(rest);
    if integer.is_empty() || (integer.len() > 1 && integer[0] == b'0') {
        return false;
    }
    let rest = match rest.strip_prefix(b".") {
        Some(rest) => match split_digits(rest) {
            ([], _) => return false,
            (_, rest) => rest,
        },
        None => rest,
    };
    let Some((b'e' | b'E', exponent)) = rest.split_first() else { return rest.is_empty() };
    let exponent = match exponent.split_first() {
        Some((b'+' | b'-', digits)) => digits,
        _ => exponent,
    };
    !exponent.is_empty() && exponent.iter().all(u8::is_ascii_digit)
}

fn split_digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

/// Returns the code points of a JSON string, given without its quotes. A lone surrogate is returned
/// as it is.
///
/// [`Scanner::skip_string`] must have accepted the string, so that its escapes are complete.
pub(crate) fn code_points(raw: &str) -> impl Iterator<Item = u32> {
    let mut chars = raw.chars();
    let mut units = std::iter::from_fn(move || {
        let char = chars.next()?;
        if char != '\\' {
            return Some(u32::from(char));
        }
        Some(match chars.next()? {
            'u' => chars
                .by_ref()
                .take(4)
                .fold(0, |unit, digit| unit * 16 + digit.to_digit(16).unwrap_or(0)),
            'b' => 0x08,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            other => u32::from(other),
        })
    });
    let mut held = None;
    std::iter::from_fn(move || {
        let unit = held.take().or_else(|| units.next())?;
        if !(0xd800..0xdc00).contains(&unit) {
            return Some(unit);
        }
        match units.next() {
            Some(low @ 0xdc00..0xe000) => Some(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)),
            other => {
                held = other;
                Some(unit)
            }
        }
    })
}

/// Returns the text of a JSON string, given without its quotes. A lone surrogate becomes U+FFFD,
/// because a Rust string cannot contain it.
pub(crate) fn unescape(raw: &str) -> String {
    if raw.contains('\\') {
        code_points(raw)
            .map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    } else {
        raw.to_owned()
    }
}

/// Returns the text of a JSON string, given without its quotes, with lone surrogates as escapes.
/// Different strings have different names, unless the text of one string contains the same escape.
pub(crate) fn name(raw: &str) -> String {
    if !raw.contains('\\') {
        return raw.to_owned();
    }
    let mut name = String::with_capacity(raw.len());
    for point in code_points(raw) {
        match char::from_u32(point) {
            Some(char) => name.push(char),
            None => {
                // Writing to a string cannot fail.
                let _ = write!(name, "\\u{point:04x}");
            }
        }
    }
    name
}

/// Returns whether `raw`, a JSON string without its quotes, represents `text`.
pub(crate) fn stands_for(raw: &str, text: &str) -> bool {
    raw == text && !raw.contains('\\')
        || raw.contains('\\') && code_points(raw).eq(text.chars().map(u32::from))
}

/// Appends `text` as a JSON string without its quotes.
pub(crate) fn push_escaped(target: &mut String, text: &str) {
    if plain_prefix(text.as_bytes()) == text.len() {
        target.push_str(text);
        return;
    }
    let quoted = serde_json::Value::from(text).to_string();
    target.push_str(&quoted[1..quoted.len() - 1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.skip_value().is_ok() && scanner.position() == text.len()
    }

    #[test]
    fn numbers_and_constants_follow_python_grammar() {
        for good in
            ["0", "-0", "10", "1.5", "-1.50e+10", "1E5", "1e-5", "NaN", "Infinity", "-Infinity"]
        {
            assert!(accepts(good), "{good}");
        }
        for bad in [
            "", "-", "01", "+1", "1.", ".5", "1e", "1e+", "1.5.5", "nan", "-NaN", "0x10", "tru",
            "truex",
        ] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn strings_refuse_control_characters_and_unknown_escapes() {
        for good in [r#""""#, r#""\ud800""#, r#""\u00E9\/""#, "\"é\""] {
            assert!(accepts(good), "{good}");
        }
        for bad in ["\"", "\"\n\"", r#""\x41""#, r#""\u12""#, r#""\u12g4""#, r#""\"#] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn surrogate_pairs_join_and_lone_surrogates_stay() {
        let points = |raw| code_points(raw).collect::<Vec<_>>();
        assert_eq!(points(r"\ud83d\ude00"), [0x1_f600]);
        assert_eq!(points(r"\ud83dx"), [0xd83d, 0x78]);
        assert_eq!(points(r"\ud83d\ud83d\ude00"), [0xd83d, 0x1_f600]);
        assert_eq!(points(r"\ude00"), [0xde00]);
        assert_eq!(unescape(r"a\ud800\n"), "a\u{fffd}\n");
        assert!(stands_for(r"\u0061b", "ab"));
        assert!(!stands_for(r"\ud800", "\u{fffd}"));
        assert!(!stands_for(r"a\\", r"a\\"));
    }
}
