//! Session ids in the form of Python's `secrets.token_urlsafe(32)`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::{Error, ErrorKind};

/// The allowed lengths of an id. The shortest id has 128 bits in base64, and the longest is longer
/// than in any usual configuration. The range includes the UUIDs of old versions of Flask-Session.
const LENGTHS: std::ops::RangeInclusive<usize> = 22..=256;

/// Returns a new id of 256 random bits from the operating system.
pub(crate) fn generate() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "cannot read random bytes from the operating system")
            .with_source(error)
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns whether a text can be an id. Other texts are not looked up.
pub(crate) fn is_plausible(id: &str) -> bool {
    LENGTHS.contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_id_is_plausible() {
        let id = generate().unwrap();
        assert!(is_plausible(&id) && id.len() == 43 && id != generate().unwrap());
        assert!(is_plausible("12345678-1234-5678-1234-567812345678"));
        for bad in ["", "short", &id.replace(&id[..1], "*"), &format!("{id}:"), &"a".repeat(257)] {
            assert!(!is_plausible(bad), "{bad}");
        }
    }
}
