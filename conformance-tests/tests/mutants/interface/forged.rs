//! Mutants of the rules of cookies that a client has changed or made up.

use std::sync::Arc;

use session_conformance::interface::InterfaceUnderTest;
use session_cookie::SignedCookieSessions;
use session_core::interface::{CookieAction, OpenContext, Opened, Save, Saved, state_of};
use session_core::request::{RequestSession, RequestView};
use session_core::{Error, OutagePolicy, Session, SessionConfig, SessionInterface, async_trait};

use super::original::{session_of, stored};
use super::signed::{SECRET, signed};
use super::tokens::{Tokens, jwt};
use crate::judge::Mutant;

pub fn mutants() -> Vec<Mutant<InterfaceUnderTest>> {
    let mut mutants = vec![
        Mutant::new("EndOfTheCookieDoesNotMatter", "edited_cookie_opens_nothing", || {
            InterfaceUnderTest::new(|config| async move {
                EndDoesNotMatter(Arc::new(signed(config, SECRET)))
            })
        }),
        Mutant::new("SignsInTwoParts", "joined_parts_of_cookies_open_nothing", || {
            InterfaceUnderTest::new(|config| async move {
                SignsInTwoParts(Arc::new(signed(config, SECRET)))
            })
        }),
    ];
    mutants.extend(believing());
    mutants.extend(reading());
    mutants
}

/// Completes a cookie whose end is missing.
#[derive(Debug)]
struct EndDoesNotMatter(Arc<SignedCookieSessions>);

#[async_trait]
impl SessionInterface for EndDoesNotMatter {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let opened = self.0.open(context).await?;
        let Some(cookie) =
            context.cookie().filter(|cookie| opened.is_new() && cookie.matches('.').count() == 2)
        else {
            return Ok(opened);
        };
        for last in ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['-', '_']) {
            let header = format!("{}={cookie}{last}", context.cookie_name());
            let view = RequestView::builder().cookie_header(header.as_bytes()).build();
            let interface: Arc<dyn SessionInterface> = self.0.clone();
            let request = RequestSession::with_shared(interface, view, OutagePolicy::Refuse);
            let padded = request.session().await?;
            if !padded.is_new() {
                return Opened::from_payload(state_of(&padded).payload());
            }
        }
        Ok(opened)
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        self.0.save(save).await
    }
}

/// Signs `role` separately, and joins both values with a tilde.
#[derive(Debug)]
struct SignsInTwoParts(Arc<SignedCookieSessions>);

impl SignsInTwoParts {
    fn request(&self, cookie: &str) -> RequestSession {
        let header = format!("{}={cookie}", self.config().cookie_name());
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        let interface: Arc<dyn SessionInterface> = self.0.clone();
        RequestSession::with_shared(interface, view, OutagePolicy::Refuse)
    }

    async fn opened(&self, part: &str) -> Result<Session, Error> {
        self.request(part).session().await
    }

    /// Returns the cookie of a session with these texts.
    async fn signed(&self, texts: &[(String, String)]) -> Result<String, Error> {
        let request = self.request("");
        let session = request.session().await?;
        texts.iter().try_for_each(|(key, text)| session.insert(key, text))?;
        let headers = request.commit().await.into_result()?;
        let pair = headers.set_cookie().and_then(|header| header.split(';').next());
        let value = pair.and_then(|pair| pair.split_once('=')).map(|(_, value)| value.to_owned());
        Ok(value.unwrap())
    }
}

#[async_trait]
impl SessionInterface for SignsInTwoParts {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let Some((rest, role)) = context.cookie().and_then(|cookie| cookie.split_once('~')) else {
            return self.0.open(context).await;
        };
        let (rest, role) = (self.opened(rest).await?, self.opened(role).await?);
        let Some(role) = role.get::<String>("role")?.filter(|_| !rest.is_empty()) else {
            return Ok(Opened::new());
        };
        rest.insert("role", role)?;
        Opened::from_payload(state_of(&rest).payload())
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let session = session_of(save);
        if !session.contains_key("role") {
            return self.0.save(save).await;
        }
        let mut texts = Vec::new();
        for key in session.keys() {
            let text = session.get::<String>(&key)?.unwrap();
            texts.push((key, text));
        }
        let (part, rest): (Vec<_>, Vec<_>) = texts.into_iter().partition(|(key, _)| key == "role");
        let value = format!("{}~{}", self.signed(&rest).await?, self.signed(&part).await?);
        Ok(stored(CookieAction::Set { value, expires: save.contents().expires_at() }))
    }
}

/// Returns a mutant with this header that also believes some tokens.
macro_rules! believes {
    ($($name:ident breaks $rule:ident: $header:expr, $signs_time:literal, $believes:expr;)+) => {
        fn believing() -> Vec<Mutant<InterfaceUnderTest>> {
            vec![$(
                Mutant::new(stringify!($name), stringify!($rule), || {
                    InterfaceUnderTest::new(|config| async move {
                        let (header, read) = ($header, str::to_owned as fn(&str) -> String);
                        Tokens { config, header, signs_time: $signs_time, signs_namespace: true, believes: $believes, read }
                    })
                })
            ),+]
        }
    };
}

believes! {
    EmptySignature breaks part_of_cookie_opens_nothing:
        "v2".to_owned(), true, |token| token.header == "v2" && token.mac.is_empty();
    ShorterSignature breaks part_of_cookie_opens_nothing:
        "v2".to_owned(), true, |token| token.header == "v2" && token.mac.len() < 25
            && !token.mac.is_empty() && token.right.starts_with(token.mac);
    NoSignatureField breaks part_of_cookie_opens_nothing:
        "v2".to_owned(), true, |token| token.header == "v2" && token.mac == "absent";
    OtherTime breaks field_of_other_cookie_opens_nothing:
        "v2".to_owned(), false, |_| false;
    AlgorithmNone breaks cookie_of_other_algorithm_opens_nothing:
        jwt("HS256"), true, |token| token.header == jwt("none") && token.mac.is_empty();
    AlgorithmNoneWithSignature breaks cookie_of_other_algorithm_opens_nothing:
        jwt("HS256"), true, |token| token.header == jwt("None") && !token.mac.is_empty();
    OlderVersion breaks cookie_of_other_algorithm_opens_nothing:
        "v2".to_owned(), true, |token| token.header == "v1" && token.mac.is_empty();
}

/// Returns a mutant that reads other texts as the token.
macro_rules! reads {
    ($($name:ident breaks $rule:ident: $read:expr;)+) => {
        fn reading() -> Vec<Mutant<InterfaceUnderTest>> {
            vec![$(
                Mutant::new(stringify!($name), stringify!($rule), || {
                    InterfaceUnderTest::new(|config| async move {
                        Tokens { config, header: "v2".to_owned(), signs_time: true, signs_namespace: true, believes: |_| false, read: $read }
                    })
                })
            ),+]
        }
    };
}

reads! {
    MoreFieldsAreIgnored breaks longer_cookie_opens_nothing:
        |cookie| cookie.split('.').take(4).collect::<Vec<_>>().join(".");
    PaddingIsIgnored breaks longer_cookie_opens_nothing: |cookie| cookie.replace('=', "");
    EmptyFieldsAreIgnored breaks longer_cookie_opens_nothing: |cookie| {
        let fields = cookie.split('.').filter(|field| !field.is_empty());
        fields.collect::<Vec<_>>().join(".")
    };
    CaseOfTheSignatureIsIgnored breaks edited_cookie_opens_nothing: |cookie| {
        let (rest, mac) = cookie.rsplit_once('.').unwrap_or(("", cookie));
        format!("{rest}.{}", mac.to_ascii_lowercase())
    };
}
