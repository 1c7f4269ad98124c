//! The decision table for requests, before tokens are checked.

use super::origin::Origin;
use super::refused::Reason;

/// The decision about a request, before a token is checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Decision {
    Pass,
    Refuse(Reason),
    Token,
}

/// The values of a request header that may occur at most once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Header {
    Missing,
    /// Several values, or a value that is not text. No browser sends such a header.
    Unusable,
    One(String),
}

impl Header {
    pub(super) fn of<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Self {
        let Some(first) = values.next() else { return Self::Missing };
        match (std::str::from_utf8(first), values.next()) {
            (Ok(text), None) => Self::One(text.trim().to_owned()),
            _ => Self::Unusable,
        }
    }
}

/// The parts of a request that determine the decision.
pub(super) struct Facts<'a> {
    pub(super) method: &'a str,
    pub(super) upgrades: bool,
    pub(super) fetch_site: Header,
    pub(super) origin: Header,
}

impl Facts<'_> {
    pub(super) fn decide(
        &self,
        is_trusted: impl Fn(&Origin) -> bool,
        is_own: impl Fn(&Origin) -> bool,
    ) -> Decision {
        if matches!(self.method, "GET" | "HEAD" | "OPTIONS") && !self.upgrades {
            return Decision::Pass;
        }
        let origin = match &self.origin {
            Header::One(text) => Origin::parse(text),
            Header::Missing | Header::Unusable => None,
        };
        if origin.as_ref().is_some_and(is_trusted) {
            return Decision::Pass;
        }
        match &self.fetch_site {
            Header::One(site) if matches!(site.as_str(), "same-origin" | "none") => Decision::Pass,
            Header::One(_) | Header::Unusable => Decision::Refuse(Reason::CrossSite),
            Header::Missing => match &self.origin {
                Header::One(text) if text == "null" => Decision::Token,
                Header::Missing => Decision::Token,
                Header::One(_) if origin.as_ref().is_some_and(is_own) => Decision::Pass,
                Header::One(_) | Header::Unusable => Decision::Refuse(Reason::OtherOrigin),
            },
        }
    }
}
