//! Mutated tokens, forms, visitor cookies and origins. A forged token is never valid.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fuzzing::Fuzz;

use super::flask_wtf::FlaskWtf;
use super::origin::Origin;
use super::request::token_in_form;
use super::secret::{Keys, Source};
use super::visitor::{Visitor, name};
use crate::config::{SecretKey, SessionConfig};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn key() -> SecretKey {
    SecretKey::new((1..=32).collect::<Vec<u8>>()).unwrap()
}

#[test]
fn fuzzed_token_is_genuine_or_refused() {
    let keys = Keys::new(&key()).unwrap();
    let (source, other) = (Source::Lineage([1; 16]), Source::Lineage([2; 16]));
    let tokens = [[0; 32], [0xff; 32], [7; 32]].map(|mask| keys.token(&source, None, &mask));
    let secret = |token: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
        (0..32).map(|at| bytes[at] ^ bytes[32 + at]).collect::<Vec<u8>>()
    };
    let genuine = secret(&tokens[0]);
    Fuzz::new("CSRF token", &tokens).words(&["=", "_", "é"]).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        if !keys.is_token(text, &source, None) {
            return false;
        }
        assert_eq!(secret(text), genuine, "another secret");
        assert!(!keys.is_token(text, &other, None));
        true
    });
}

#[test]
fn fuzzed_visitor_cookie_is_genuine_or_refused() {
    let keys = Keys::new(&key()).unwrap();
    let config = SessionConfig::default();
    let name = name(&config);
    let visitors = [(); 3].map(|()| Visitor::generate(NOW).unwrap());
    let cookies = visitors.map(|visitor| {
        let header = visitor.render(&keys, &config, NOW).unwrap();
        let pair = header.split(';').next().unwrap().to_owned();
        pair.split_once('=').unwrap().1.to_owned()
    });
    Fuzz::new("visitor cookie", &cookies).words(&["=", "_", "é"]).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let visitor = Visitor::read(text, &name, &keys, NOW);
        let genuine = cookies.iter().position(|cookie| cookie == text);
        assert_eq!(visitor, genuine.map(|at| visitors[at]));
        visitor.is_some()
    });
}

#[test]
fn fuzzed_flask_wtf_token_is_genuine_or_refused() {
    let flask_wtf = FlaskWtf::new(&key()).unwrap();
    let now = NOW + Duration::from_secs(1_700_000_000);
    let tokens = ["0a", "0b"].map(|secret| flask_wtf.token(secret, now));
    Fuzz::new("Flask-WTF token", &tokens).words(&[".", "=", "_", "é"]).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let is_valid = flask_wtf.check(text, "0a", now).is_ok();
        assert_eq!(is_valid, text == tokens[0]);
        is_valid
    });
}

#[test]
fn fuzzed_origin_is_canonical_or_refused() {
    let samples = ["https://shop.example.com", "HTTP://[::1]:80", "https://a:443/b?c#d", "null"];
    Fuzz::new("origin", samples).words(&["://", ":443", "@", "/", "é", "%"]).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let origin = Origin::parse(text);
        assert!(origin.is_none() || Origin::of_address(text) == origin);
        assert!(origin.is_none() || Origin::parse(&text.to_ascii_uppercase()) == origin);
        origin.is_some()
    });
}

#[test]
fn fuzzed_form_has_first_field_of_token() {
    let samples = [
        "csrf_token=AAEC-_&name=Ada",
        "name=Ada+Lovelace&csrf%5Ftoken=%41%C3%A9%FF&csrf_token=second",
        "csrf_token&csrf_token==&=csrf_token&&+",
    ];
    let words = ["csrf_token", "%", "%5F", "%5f", "+", "&", "=", "é"];
    Fuzz::new("CSRF form", samples).words(&words).run(|form| {
        let fields = form.split(|byte| *byte == b'&').filter(|field| !field.is_empty());
        let mut fields = fields.map(|field| {
            let mut parts = field.splitn(2, |byte| *byte == b'=');
            [parts.next(), parts.next()].map(|part| decoded(part.unwrap_or_default()))
        });
        let expected = fields.find(|[name, _]| name == "csrf_token").map(|[_, token]| token);
        let token = token_in_form(form);
        assert_eq!(token, expected);
        token.is_some()
    });
}

/// Decodes a name or a value of a URL-encoded form.
fn decoded(part: &[u8]) -> String {
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Some(byte) = part.get(at) {
        let digits =
            part.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let number = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match (byte, number.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(number)) => {
                bytes.push(number);
                at += 2;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
