//! The errors about values of another type. Neither they nor their sources quote the session.

use std::collections::BTreeMap;
use std::error::Error as StdError;

use serde::{Deserialize, Serialize};
use session_core::flask::{Bytes, Markup, Uuid};
use session_core::interface::Opened;
use session_core::{Error, ErrorKind};

const PASSWORD: &str = "correct horse battery staple";
const PIN: &str = "4951773008";

#[test]
fn value_error_does_not_quote_value() {
    let text = format!(r#""{PASSWORD}""#);
    let payload = format!(
        r#"{{"text":{text},"pin":{PIN},"map":{{{text}:[{text},{PIN}]}},"b":{{" b":{text}}},"u":{{" u":{text}}},"_flashes":{text}}}"#
    );
    let session = Opened::from_payload(payload).unwrap().into_session();
    let errors = [
        session.get::<u64>("text").unwrap_err(),
        session.get::<Plan>("text").unwrap_err(),
        session.get::<String>("pin").unwrap_err(),
        session.get::<u8>("pin").unwrap_err(),
        session.get::<Plan>("map").unwrap_err(),
        session.get::<Settings>("map").unwrap_err(),
        session.get::<Bytes>("b").unwrap_err(),
        session.get::<Uuid>("u").unwrap_err(),
        session.get::<Markup>("u").unwrap_err(),
        session.remove::<bool>("text").unwrap_err(),
        session.update("text", |number: Option<u64>| number).unwrap_err(),
        session.get_or_insert("text", 1).unwrap_err(),
        session.take_flashes().unwrap_err(),
        session.insert("map", BTreeMap::from([([PASSWORD], PIN)])).unwrap_err(),
    ];
    let mut quoting = Vec::new();
    for error in &errors {
        assert_eq!(error.kind(), ErrorKind::Value, "{error}");
        let shown = with_sources(error);
        if shown.contains(PASSWORD) || shown.contains(PIN) {
            quoting.push(shown);
        }
    }
    assert!(quoting.is_empty(), "{quoting:#?}");
}

/// Types that the values above do not have.
#[derive(Debug, Deserialize, Serialize)]
enum Plan {
    Free,
    Paid,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    theme: String,
}

/// Returns an error as a log shows it: its text and its `Debug` form, and those of its sources.
fn with_sources(error: &Error) -> String {
    let (mut shown, mut beneath) = (Vec::new(), Some(error as &dyn StdError));
    while let Some(error) = beneath {
        shown.push(format!("{error} {error:?}"));
        beneath = error.source();
    }
    shown.join("; ")
}
