//! Rules of cookies that a client has changed or forged.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use session_core::{Session, SessionInterface};

use crate::harness::interface::InterfaceUnderTest;
use crate::macros::rules;
use crate::report::{Checked, Failure};

rules! {
    ($) pub(crate) const FORGED, macro __interface_forged, for InterfaceUnderTest;

    /// A cookie opens a new and empty session if any character is changed, or if the end of the
    /// cookie is missing.
    ///
    /// Sign the whole value, and verify the signature before you read the value.
    async fn edited_cookie_opens_nothing(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let mut edited: Vec<_> = (0..cookie.value.len()).map(|at| with_another_letter(&cookie.value, at)).collect();
        edited.extend((0..cookie.value.len()).map(|at| with_other_case(&cookie.value, at)).filter(|edited| *edited != cookie.value));
        edited.extend((1..6).map(|cut| cookie.value[..cookie.value.len().saturating_sub(cut)].to_owned()));
        for value in edited {
            let mut forger = under_test.browser("forger", &interface);
            forger.plant(&cookie.name, &value);
            forger.expect(None).await?;
        }
        Ok(())
    }

    /// A cookie composed of the start of one valid cookie and the end of another valid cookie opens
    /// nothing.
    ///
    /// Sign the whole value at once. A client can exchange parts with separate signatures, and the
    /// parts of a session in several cookies.
    async fn joined_parts_of_cookies_open_nothing(under_test) {
        let interface = under_test.interface().await?;
        let mut values = Vec::new();
        for (user, role) in [("ada", "admin"), ("eve", "guest")] {
            let mut visitor = under_test.browser(user, &interface);
            let fill = |session: &Session| {
                session.insert("user", user)?;
                session.insert("role", role)
            };
            values.push(visitor.given(&format!("insert user = {user} and role = {role}"), fill).await?.value);
        }
        let (first, second) = (&values[0], &values[1]);
        for place in 1..first.len().min(second.len()) {
            for joined in [[&first[..place], &second[place..]].concat(), [&second[..place], &first[place..]].concat()] {
                if joined == *first || joined == *second {
                    continue;
                }
                let mut forger = under_test.browser("forger", &interface);
                forger.plant("session", &joined);
                under_test.equal(None, forger.get::<String>("role").await?)?;
            }
        }
        Ok(())
    }

    /// A part of a cookie opens a new and empty session. The parts are each start, each end, and
    /// the cookie with one field, such as the signature, empty or missing.
    ///
    /// Compare the whole signature in the length of your algorithm, and refuse a cookie without a
    /// signature. A comparison that ends with the shorter text accepts an empty signature.
    async fn part_of_cookie_opens_nothing(under_test) {
        let interface = under_test.interface().await?;
        for values in ["n", "n and a long text"] {
            let cookie = given(under_test, &interface, values).await?;
            let mut forged = BTreeSet::new();
            for (place, _) in cookie.char_indices().skip(1) {
                forged.extend([cookie[..place].to_owned(), cookie[place..].to_owned()]);
            }
            for separator in separators(&cookie) {
                forged.extend(with_fewer_fields(&cookie, separator));
            }
            forged.extend([format!("{cookie}A"), format!("A{cookie}"), format!("{cookie}{cookie}")]);
            open_nothing(under_test, &interface, &cookie, forged).await?;
        }
        Ok(())
    }

    /// A cookie with additional text at its start or end, or with a duplicate separator, opens a
    /// new and empty session.
    ///
    /// Accept exactly the text that the interface wrote. A decoder that ignores padding, and a
    /// split that ignores empty or additional fields, accept other texts.
    async fn longer_cookie_opens_nothing(under_test) {
        let interface = under_test.interface().await?;
        for values in ["n", "n and a long text"] {
            let cookie = given(under_test, &interface, values).await?;
            let mut forged = BTreeSet::new();
            for part in separators(&cookie).into_iter().chain(['.', '=', '~', '-']) {
                let doubled = format!("{part}{part}");
                forged.extend([format!("{cookie}{part}"), format!("{cookie}{part}A"), format!("{cookie}{doubled}")]);
                forged.extend([format!("{part}{cookie}"), format!("A{part}{cookie}")]);
                for (place, _) in cookie.match_indices(part) {
                    forged.insert(format!("{}{part}{}", &cookie[..place], &cookie[place..]));
                    forged.insert(format!("{}={}", &cookie[..place], &cookie[place..]));
                }
            }
            open_nothing(under_test, &interface, &cookie, forged).await?;
        }
        Ok(())
    }

    /// A cookie opens nothing if one of its fields is replaced by a field of another valid cookie.
    ///
    /// Sign all fields together, including the time, the version of the format and the id of the
    /// key.
    async fn field_of_other_cookie_opens_nothing(under_test) {
        let interface = under_test.interface().await?;
        let cookie = given(under_test, &interface, "n").await?;
        under_test.pass(std::time::Duration::from_secs(2));
        let other = given(under_test, &interface, "n and a long text").await?;
        let mut forged = BTreeSet::new();
        for separator in separators(&cookie) {
            let (fields, others) = (split(&cookie, separator), split(&other, separator));
            for at in 0..fields.len().min(others.len()) {
                for (into, from) in [(&fields, &others), (&others, &fields)] {
                    let mut fields = into.clone();
                    fields[at] = from[at];
                    forged.insert(fields.join(&separator.to_string()));
                }
            }
        }
        forged.remove(&other);
        open_nothing(under_test, &interface, &cookie, forged).await
    }

    /// A cookie that names another algorithm or another version of the format opens nothing. This
    /// is true with the original signature, with an empty signature and without a signature.
    ///
    /// Do not read the method of verification from a cookie. If the cookie has a header, as a JSON
    /// Web Token does, accept only the signing algorithm of the interface, and never `none`.
    async fn cookie_of_other_algorithm_opens_nothing(under_test) {
        let interface = under_test.interface().await?;
        let cookie = given(under_test, &interface, "n").await?;
        let mut forged = BTreeSet::new();
        for separator in separators(&cookie) {
            let fields = split(&cookie, separator);
            for at in 0..fields.len() {
                for other in other_algorithms(fields[at]) {
                    forged.extend(with_field(&fields, at, &other, separator));
                }
            }
        }
        open_nothing(under_test, &interface, &cookie, forged).await
    }
}

/// Names of algorithms, and versions of formats.
const WORDS: [&str; 18] = [
    "none", "None", "NONE", "nOnE", "null", "plain", "HS256", "HS384", "HS512", "RS256", "ES256",
    "md5", "sha1", "0", "1", "2", "v1", "v2",
];

/// The maximum length of a field that can be the name of an algorithm.
const WORD: usize = 12;

/// Returns the cookie of a new session.
async fn given(
    under_test: &InterfaceUnderTest,
    interface: &Arc<dyn SessionInterface>,
    values: &str,
) -> Result<String, Failure> {
    let mut visitor = under_test.browser("visitor", interface);
    let fill = |session: &Session| {
        session.insert("n", 1)?;
        let long = "a long text that can be compressed. ".repeat(10);
        if values == "n" { Ok(()) } else { session.insert("text", long) }
    };
    Ok(visitor.given(&format!("insert {values}"), fill).await?.value)
}

/// Fails if one of the values opens a session.
async fn open_nothing(
    under_test: &InterfaceUnderTest,
    interface: &Arc<dyn SessionInterface>,
    cookie: &str,
    values: BTreeSet<String>,
) -> Checked {
    for value in values.into_iter().filter(|value| value != cookie) {
        let mut forger = under_test.browser("forger", interface);
        forger.plant("session", &value);
        let mut found = None;
        let look = |session: &Session| {
            found = (!session.is_new()).then(|| session.get::<u64>("n").ok().flatten());
            Ok(())
        };
        forger.visit("read", look).await?;
        if let Some(n) = found {
            let seen = format!("a session with n = {n:?}; the valid cookie is {cookie}");
            return Err(under_test.failure(format!("a new session for {value}"), seen));
        }
    }
    Ok(())
}

/// Returns the characters of a cookie that may separate its fields.
fn separators(cookie: &str) -> BTreeSet<char> {
    cookie.chars().filter(|letter| !letter.is_ascii_alphanumeric()).collect()
}

fn split(cookie: &str, separator: char) -> Vec<&str> {
    cookie.split(separator).collect()
}

/// Returns copies of the cookie with one field emptied, omitted or replaced. In other copies, a
/// field and all later fields are emptied.
fn with_fewer_fields(cookie: &str, separator: char) -> Vec<String> {
    let (fields, joint) = (split(cookie, separator), separator.to_string());
    let mut forged = Vec::new();
    for at in 0..fields.len() {
        let mut emptied = fields.clone();
        emptied[at] = "";
        forged.push(emptied.join(&joint));
        let mut without = fields.clone();
        without.remove(at);
        forged.push(without.join(&joint));
        let mut emptied_from = fields.clone();
        emptied_from[at..].fill("");
        forged.push(emptied_from.join(&joint));
        for text in ["0", "null", "AAAA"] {
            let mut replaced = fields.clone();
            replaced[at] = text;
            forged.push(replaced.join(&joint));
        }
    }
    forged
}

/// Returns other contents for a field that names an algorithm.
fn other_algorithms(field: &str) -> Vec<String> {
    if field.len() <= WORD {
        let words = WORDS.iter().filter(|word| **word != field);
        return words.map(|word| (*word).to_owned()).collect();
    }
    for engine in [BASE64_URL_SAFE_NO_PAD, BASE64_STANDARD_NO_PAD] {
        let decoded = engine.decode(field.trim_end_matches('=')).ok();
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some(text) = text.filter(|text| text.trim_start().starts_with('{')) {
            return other_texts(&text).map(|text| engine.encode(text)).collect();
        }
    }
    Vec::new()
}

/// Returns copies of a JSON text in which one of [`WORDS`] replaces one string.
fn other_texts(json: &str) -> impl Iterator<Item = String> {
    let parts: Vec<_> = json.split('"').collect();
    let strings = (1..parts.len()).step_by(2);
    let texts = strings.flat_map(move |at| {
        let parts = parts.clone();
        WORDS.iter().map(move |word| {
            let mut parts = parts.clone();
            parts[at] = word;
            parts.join("\"")
        })
    });
    texts.collect::<Vec<_>>().into_iter()
}

/// Returns the cookie with one field changed: with the original signature, with an empty signature
/// and without a signature.
fn with_field(fields: &[&str], at: usize, other: &str, separator: char) -> [String; 3] {
    let joint = separator.to_string();
    let mut changed = fields.to_vec();
    changed[at] = other;
    let signed = changed.join(&joint);
    if let Some(last) = changed.last_mut() {
        *last = if at + 1 == fields.len() { other } else { "" };
    }
    let unsigned = changed.join(&joint);
    changed.pop();
    [signed, unsigned, changed.join(&joint)]
}

/// Returns the value with one letter in the other case.
fn with_other_case(value: &str, at: usize) -> String {
    let swapped = |old: char| {
        if old.is_ascii_lowercase() { old.to_ascii_uppercase() } else { old.to_ascii_lowercase() }
    };
    value.char_indices().map(|(index, old)| if index == at { swapped(old) } else { old }).collect()
}

/// Returns the value with the highest bit of one letter changed. The lowest bits of the last letter
/// of a base64 text have no meaning.
fn with_another_letter(value: &str, at: usize) -> String {
    const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let other = |old: char| match BASE64.find(old) {
        Some(number) => char::from(BASE64.as_bytes()[number ^ 32]),
        None => 'A',
    };
    value.char_indices().map(|(index, old)| if index == at { other(old) } else { old }).collect()
}
