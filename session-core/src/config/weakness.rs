//! Detects weak secret keys, which an attacker can guess or look up.

use std::fmt::{self, Write as _};

use sha2::{Digest as _, Sha256};

/// The minimum number of bytes of a key.
pub(super) const MINIMUM: usize = 32;
/// The minimum number of distinct bytes of a key.
const MINIMUM_DISTINCT: usize = 6;

/// The prefix of the keys that Django generates for development. Many repositories contain a key
/// with this prefix.
const FOR_DEVELOPMENT: &[u8] = b"django-insecure-";

/// The SHA-256 hashes of keys in the public documentation of Flask (as text and decoded), of
/// Superset and of this project.
const PUBLISHED: [&str; 9] = [
    "2598f7d6adc142d88161630f3db12ab2bd3403521c281811e5e1ce60d4ac5d76",
    "a5aa976fe0932dfa4e28efad79b2bdf0ab22a79a346ed3fe9e0aeda30ab3fd1d",
    "9d0f4f5072c13dbd970c045ee6196734249b16917e0e8185c5035e0c1dbcde6b",
    "eefbd4136387e7620933a54b3199c46811d8cda05a433e05ede0741710338690",
    "fe18bd40b727a37ecce96ec8f474a82508c191b0c3bb3c47d325335cd467ad97",
    "889041e8368708c03a9764f0a05a977b24a3fdd6eff2c9fb9dc7737167bb68c6",
    "37b18c347d010ffd2b002566a909e2a02e8b31659c9707c757a962ad85031c69",
    "3369cfe79ebc44deade4f83fa2d8267d13a9c7491690c461bfc025eba55ce737",
    "9c4b74e185ac3363e12398e64517bf8f755142559eb61860185773fbe1daf19c",
];

/// The rule that a key violates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Weakness {
    Short { length: usize },
    FewDistinct { distinct: usize },
    Repeated { period: usize },
    Published,
}

impl Weakness {
    /// Returns the first rule that the key violates.
    pub(super) fn of(key: &[u8]) -> Option<Self> {
        if key.len() < MINIMUM {
            return Some(Self::Short { length: key.len() });
        }
        Self::of_any_length(key)
    }

    /// Returns the first rule that the key violates, except the rule about its length.
    pub(super) fn of_any_length(key: &[u8]) -> Option<Self> {
        if is_published(key) {
            return Some(Self::Published);
        }
        let distinct = distinct_bytes(key);
        if distinct < MINIMUM_DISTINCT {
            return Some(Self::FewDistinct { distinct });
        }
        let period = period(key);
        (period <= key.len() / 2).then_some(Self::Repeated { period })
    }
}

impl fmt::Display for Weakness {
    /// Describes the violation. The text follows the name of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { length } => {
                write!(f, "has {length} bytes; it needs at least {MINIMUM}")
            }
            Self::FewDistinct { distinct } => write!(
                f,
                "has {distinct} distinct bytes; it needs at least {MINIMUM_DISTINCT}; \
                 use random bytes"
            ),
            Self::Repeated { period } => {
                write!(f, "repeats a pattern of {period} bytes; use random bytes")
            }
            Self::Published => f.write_str("is a published key; generate another one"),
        }
    }
}

fn is_published(key: &[u8]) -> bool {
    if key.starts_with(FOR_DEVELOPMENT) {
        return true;
    }
    let hash = hexadecimal(&Sha256::digest(key));
    PUBLISHED.contains(&&*hash)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn distinct_bytes(key: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in key {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count()
}

/// Returns the length of the shortest pattern whose repetition begins with the key. If the key does
/// not repeat a pattern, this is the length of the key.
fn period(key: &[u8]) -> usize {
    // The borders of Knuth, Morris and Pratt: the longest proper prefix that is also a suffix.
    let mut borders = vec![0; key.len()];
    for end in 1..key.len() {
        let mut border: usize = borders[end - 1];
        while border > 0 && key[border] != key[end] {
            border = borders[border - 1];
        }
        borders[end] = border + usize::from(key[border] == key[end]);
    }
    key.len() - borders.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weakness(key: impl AsRef<[u8]>) -> Option<Weakness> {
        Weakness::of(key.as_ref())
    }

    #[test]
    fn weak_key_violates_its_rule() {
        let few = |distinct| Some(Weakness::FewDistinct { distinct });
        let repeated = |period| Some(Weakness::Repeated { period });
        assert_eq!(weakness("a".repeat(31)), Some(Weakness::Short { length: 31 }));
        assert_eq!(weakness([0; 32]), few(1));
        assert_eq!(weakness("a".repeat(64)), few(1));
        assert_eq!(weakness("abcde".repeat(7)), few(5));
        assert_eq!(weakness("aaaaabbbbbcccccdddddeeeeeabcdeabc"), few(5));
        assert_eq!(weakness("abcdef".repeat(6)), repeated(6));
        assert_eq!(weakness("0123456789abcdef".repeat(2)), repeated(16));
        assert_eq!(weakness(&"0123456789abcdef".repeat(3)[..39]), repeated(16));
        assert_eq!(weakness(format!("django-insecure-{}", "x7Jk2m9Qp4".repeat(3))), PUBLISHED_KEY);
        for published in [
            "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
            "CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET",
            "YOUR_OWN_RANDOM_GENERATED_SECRET_KEY",
            "a-secret-of-32-bytes-or-more-0123456789",
            "the-key-of-last-year-0123456789abcdef",
            "the-key-of-this-year-0123456789abcdef",
        ] {
            assert_eq!(weakness(published), PUBLISHED_KEY, "{published}");
        }
        for published in [&b"_5#y2L\"F4Q8z\n\xec]/"[..], b"A0Zr98j/3yX R~XHH!jmN]LWX/,?RT"] {
            assert_eq!(Weakness::of_any_length(published), PUBLISHED_KEY);
        }
    }

    const PUBLISHED_KEY: Option<Weakness> = Some(Weakness::Published);

    #[test]
    fn random_key_is_accepted() {
        for round in 0..1000 {
            let mut key = vec![0; 32 + round % 64];
            getrandom::fill(&mut key).unwrap();
            assert_eq!(weakness(&key), None, "{key:?}");
            let hex = hexadecimal(&key);
            assert_eq!(weakness(&hex), None, "{hex}");
        }
    }

    #[test]
    fn key_that_repeats_less_than_twice_is_accepted() {
        let pattern = "0123456789abcdefghijk";
        let almost = format!("{pattern}{}", &pattern[..20]);
        assert_eq!((period(almost.as_bytes()), weakness(&almost)), (21, None));
        let twice = format!("{almost}k");
        assert_eq!(weakness(twice), Some(Weakness::Repeated { period: 21 }));
    }

    #[test]
    fn period_is_that_of_its_definition() {
        for number in 0..3_u32.pow(8) {
            let digit = |at| (number / 3_u32.pow(at) % 3).to_le_bytes()[0];
            let key: Vec<_> = (0..8).map(digit).collect();
            let repeats = |period: &usize| (*period..8).all(|at| key[at] == key[at - period]);
            assert_eq!(period(&key), (1..=8).find(repeats).unwrap(), "{key:?}");
        }
    }
}
