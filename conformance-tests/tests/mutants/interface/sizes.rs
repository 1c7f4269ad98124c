//! Mutants of the rules of long values.

use session_core::interface::{Save, Saved, state_of};
use session_core::{Error, ErrorKind};

use super::mutation::{mutants, mutation};
use super::original::{Stored, session_of};

mutants! {
    CutsAtTwelveThousand breaks long_value_is_read;
    CutsAtTheColumn breaks longer_value_is_read_or_refused;
    DropsWhatIsTooLong breaks longer_value_is_read_or_refused;
    RefusesLongValuesAsBroken breaks longer_value_is_read_or_refused;
}

/// Returns the payload with the text cut at this length, if it is longer than the other length.
fn cut(save: &Save<'_>, beyond: usize, length: usize) -> String {
    let session = session_of(save);
    if let Ok(Some(text)) = session.get::<String>("text")
        && text.len() > beyond
    {
        let text: String = text.chars().take(length).collect();
        session.insert("text", text).unwrap();
    }
    state_of(&session).payload()
}

mutation! {
    CutsAtTwelveThousand;
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        let merged = save.changes().replay(&stored.payload).unwrap();
        if (12_000..60_000).contains(&merged.len()) { cut(save, 0, 12_000) } else { merged }
    }
}

mutation! {
    CutsAtTheColumn;
    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        let merged = save.changes().replay(&stored.payload).unwrap();
        if merged.len() > 65_535 { cut(save, 0, 65_000) } else { merged }
    }
}

mutation! {
    DropsWhatIsTooLong;
    fn instead(&self, save: &Save<'_>) -> Result<Option<Saved>, Error> {
        let is_long = !save.ends() && save.contents().payload_len() > 1_048_576;
        Ok(is_long.then(Saved::dropped))
    }
}

mutation! {
    RefusesLongValuesAsBroken;
    fn instead(&self, save: &Save<'_>) -> Result<Option<Saved>, Error> {
        if save.ends() || save.contents().payload_len() < 100_000 {
            return Ok(None);
        }
        Err(Error::new(ErrorKind::Backend, "the value is too long"))
    }
}
