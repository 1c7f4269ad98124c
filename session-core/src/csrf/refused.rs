//! A refused request, and its page.

use std::fmt;

use crate::error::Error;

/// The reason why a request was refused.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// According to `Sec-Fetch-Site`, a page of another site or of another host sent the request.
    CrossSite,
    /// The `Origin` header has another origin.
    OtherOrigin,
    /// The request has no token, and browser headers do not show its origin.
    MissingToken,
    /// The token is forged, or its session has ended, or the user has logged in or out since.
    InvalidToken,
    /// The token of Flask-WTF is older than an hour.
    ExpiredToken,
    /// With the tokens of Flask-WTF, on HTTPS: the `Referer` header is missing or has another
    /// origin.
    Referer,
    /// The form is larger than [`body_limit`](super::CsrfConfigBuilder::body_limit).
    BodyTooLarge,
    /// The form could not be read completely.
    UnreadableBody,
}

impl Reason {
    /// Returns the HTTP status of the response: 413 for a body that is too large, 400 for an
    /// unreadable body, and otherwise 403.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BodyTooLarge => 413,
            Self::UnreadableBody => 400,
            _ => 403,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::CrossSite => "request is from another site",
            Self::OtherOrigin => "request has another origin",
            Self::MissingToken => "request has no CSRF token",
            Self::InvalidToken => "CSRF token is not valid for this session",
            Self::ExpiredToken => "CSRF token has expired",
            Self::Referer => "request has no referer of this host",
            Self::BodyTooLarge => "form exceeds the body limit, so its CSRF token was not read",
            Self::UnreadableBody => "form could not be read completely",
        }
    }

    /// Returns the heading and the text of the page.
    fn explanation(self) -> (&'static str, &'static str) {
        match self {
            Self::CrossSite | Self::OtherOrigin | Self::Referer => (
                "This request came from another site",
                "Your request was sent by a page that does not belong to this site. To protect \
                 you, nothing was done. Open this site yourself and try again.",
            ),
            Self::MissingToken | Self::InvalidToken | Self::ExpiredToken => (
                "This form is out of date",
                "Nothing was done. The page with the form was open for too long, or you have \
                 logged in or out since. Go back, reload the page, and send the form again. Copy \
                 longer texts first. If this happens again, allow cookies for this site.",
            ),
            Self::BodyTooLarge => (
                "This form is too large",
                "Nothing was done. Go back, shorten your input, and send the form again.",
            ),
            Self::UnreadableBody => {
                ("This form did not arrive", "Nothing was done. Go back and send the form again.")
            }
        }
    }

    pub(super) fn default_page(self) -> String {
        let (heading, text) = self.explanation();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{heading}</title>\n<h1>{heading}</h1>\n<p>{text}</p>\n</html>\n"
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// A request that was refused, with the page for the user.
///
/// The response must have the [status](Reason::status) of the reason, the type `text/html;
/// charset=utf-8`, `Cache-Control: no-store` and the
/// [`Content-Security-Policy`](Self::content_security_policy).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    reason: Reason,
    page: String,
}

impl Refused {
    pub(super) fn new(reason: Reason, page: String) -> Self {
        tracing::debug!(%reason, "request was refused by the CSRF protection");
        Self { reason, page }
    }

    /// Returns the reason.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns the value of the header `Content-Security-Policy`. The policy allows only style
    /// sheets and images of this host.
    pub fn content_security_policy(&self) -> &'static str {
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    }

    /// Returns the HTML page.
    pub fn page(&self) -> &str {
        &self.page
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for Refused {}

/// The result of a check that did not pass.
#[derive(Debug)]
pub enum CheckError {
    /// The request is refused.
    Refused(Refused),
    /// The session of the request could not be opened.
    Session(Error),
}

impl From<Error> for CheckError {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Session(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CheckError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(_) => None,
            Self::Session(error) => error.source(),
        }
    }
}
