//! Rules of visitors and their first requests.

use session_core::Session;

use crate::harness::interface::InterfaceUnderTest;
use crate::macros::rules;

rules! {
    ($) pub(crate) const VISITS, macro __interface_visits, for InterfaceUnderTest;

    /// The response to a visitor without stored data sets no cookie, whether or not the handler
    /// reads the session.
    ///
    /// Return `Saved::unchanged` from `save` for a session that is not stored and not modified. Do
    /// not override `should_set_cookie` without need.
    async fn visitor_without_stored_session_gets_no_cookie(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        for what in ["nothing", "read"] {
            let cookie = visitor.visit(what, |session| session.get::<u64>("n").map(|_| ())).await?;
            under_test.equal(None, cookie)?;
        }
        Ok(())
    }

    /// A session is new only until it is stored.
    ///
    /// Return `Opened::new` only if no session is stored. Otherwise, return `Opened::from_payload`.
    async fn session_is_new_until_stored(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let mut seen = Vec::new();
        for n in 0..3 {
            visitor
                .visit("insert n, and check whether it is new", |session| {
                    seen.push((session.is_new(), session.is_modified()));
                    session.insert("n", n)
                })
                .await?;
        }
        under_test.equal(vec![(true, false), (false, false), (false, false)], seen)
    }

    /// A flash message is shown once, by the first request that calls `take_flashes`.
    ///
    /// Store the removal of a message like any other change. A session with fewer values is also
    /// modified.
    async fn flash_message_is_shown_once(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let flash = |session: &Session| session.insert("n", 1).and_then(|()| session.flash_in("info", "Saved"));
        visitor.visit("insert n = 1 and flash", flash).await?;
        let mut taken = Vec::new();
        for _ in 0..2 {
            visitor
                .visit("take the flashes", |session| {
                    let flashes = session.take_flashes()?;
                    taken.push(flashes.iter().map(|flash| (flash.category().to_owned(), flash.text())).collect::<Vec<_>>());
                    Ok(())
                })
                .await?;
        }
        under_test.equal(vec![vec![("info".to_owned(), "Saved".to_owned())], vec![]], taken)
    }

    /// Two visitors have separate sessions.
    ///
    /// Do not store session data in the interface itself.
    async fn visitors_have_separate_sessions(under_test) {
        let interface = under_test.interface().await?;
        let (mut ada, mut bob) = (under_test.browser("ada", &interface), under_test.browser("bob", &interface));
        ada.set(1).await?;
        bob.expect(None).await?;
        bob.set(2).await?;
        ada.expect(Some(1)).await
    }

    /// A malformed cookie with any contents opens a new and empty session without an error.
    ///
    /// Return `Ok(Opened::new())` if the cookie cannot be parsed. Check the form of the cookie
    /// before you query the store.
    async fn malformed_cookie_opens_new_session(under_test) {
        let interface = under_test.interface().await?;
        let long = "x".repeat(65_536);
        let garbage = [
            "", " ", "\"", "\"\"", "=", "a=b", "null", "{}", "{\"n\":1}", "../../etc/passwd", "%00", "\u{7f}", "é", "*",
            "'; DROP TABLE sessions; --", "session:*", ".....", "AAAA.AAAA.AAAA", &long,
        ];
        for value in garbage {
            let mut visitor = under_test.browser("visitor", &interface);
            visitor.plant("session", value);
            visitor.expect(None).await?;
            visitor.set(1).await?;
            visitor.expect(Some(1)).await?;
        }
        Ok(())
    }

    /// The interface never adopts a cookie value in a valid form that the client made up (session
    /// fixation; OWASP ASVS 5, 7.2). The session is stored under another id. The made-up cookie
    /// opens nothing.
    ///
    /// If nothing is stored under the id in the cookie, generate a new id. Do not start a session
    /// under the id that the client sent.
    async fn made_up_cookie_is_never_adopted(under_test) {
        let interface = under_test.interface().await?;
        let mut owner = under_test.browser("owner", &interface);
        let genuine = owner.given("insert n = 0", |session| session.insert("n", 0)).await?.value;
        let made_up: String = genuine.chars().map(other_letter).collect();
        let mut victim = under_test.browser("victim", &interface);
        victim.plant("session", &made_up);
        let given = victim.given("insert n = 1", |session| session.insert("n", 1)).await?;
        if given.value == made_up {
            return Err(under_test.failure("a cookie with another value", "the one that was made up"));
        }
        let mut attacker = under_test.browser("attacker", &interface);
        attacker.plant("session", &made_up);
        attacker.expect(None).await
    }
}

/// Returns another letter of the same kind. A cookie of such letters has the form of a genuine
/// cookie.
fn other_letter(letter: char) -> char {
    match letter {
        'A'..='Y' | 'a'..='y' | '0'..='8' => char::from_u32(u32::from(letter) + 1).unwrap_or('A'),
        'Z' => 'A',
        'z' => 'a',
        '9' => '0',
        other => other,
    }
}
