//! Rules of the pages of an owner's sessions, and of their contents.

use session_core::interface::{SessionDetails, SessionPage};
use session_core::{Refresh, Session, SessionInterface as _};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::owning::{Owner, somebody};
use crate::harness::interface::times::{HOUR, MINUTE, is_near};
use crate::macros::rules;

rules! {
    ($) pub(crate) const OWNER_PAGES, macro __interface_owner_pages, for InterfaceUnderTest;

    /// The sessions of a page are sorted by the time of their last write, with the latest first.
    ///
    /// Sort the sessions of each page by `OwnedSession::last_seen`.
    async fn page_begins_with_session_last_seen(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut browsers = Vec::new();
        for name in ["first", "second", "third", "fourth"] {
            let mut browser = under_test.logged_in(name, &interface, &ada).await?;
            browser.visit("set_label", |session| session.set_label(name)).await?;
            browsers.push(browser);
            under_test.pass(MINUTE);
        }
        for used in [1, 0] {
            browsers[used].set(2).await?;
            under_test.pass(MINUTE);
        }
        let listed = owners.list(&ada).await?;
        let labels: Vec<_> = listed.iter().map(|session| session.label().unwrap_or("none")).collect();
        under_test.equal(vec!["first", "second", "fourth", "third"], labels)
    }

    /// A page has at least one session, even if the limit is 0. A page has at most
    /// `SessionPage::LIMIT` sessions, even if the limit is larger. All pages together have all
    /// sessions.
    ///
    /// Use `limit.clamp(1, SessionPage::LIMIT)`.
    async fn page_has_one_to_hundred_sessions(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        for name in ["phone", "laptop"] {
            under_test.logged_in(name, &interface, &eve).await?;
        }
        let (listed, longest) = owners.pages(&eve, 0).await?;
        under_test.equal((2, 1), (listed.len(), longest))?;
        for _ in 0..=SessionPage::LIMIT {
            under_test.logged_in("one of many", &interface, &ada).await?;
        }
        let (listed, longest) = owners.pages(&ada, usize::MAX).await?;
        under_test.equal((SessionPage::LIMIT + 1, true), (listed.len(), longest <= SessionPage::LIMIT))
    }

    /// Every owner has a separate list. Examples of owners are the start of another owner, and
    /// texts with spaces, wildcards, separators, zero bytes or letters of any language.
    ///
    /// Compare owners byte by byte. Do not insert an owner into a pattern, a path or a key without
    /// a unique encoding.
    async fn owner_of_any_text_has_own_list(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let suffix = fastrand::u64(..).to_string();
        let long = "x".repeat(600);
        let texts = [
            "", " ", "%", "_", "*", "a:b", "a/b", "a\u{0}b", "a\nb", "Ада", "ß", "SS", "é", "e\u{301}", "a ", "a", &long,
        ];
        let all: Vec<_> = texts.iter().map(|text| Owner { name: "an owner", id: format!("{suffix}{text}") }).collect();
        let mut browsers = Vec::new();
        for owner in &all {
            browsers.push(under_test.logged_in("browser", &interface, owner).await?);
        }
        for owner in &all {
            let count = owners.list(owner).await?.len();
            if count != 1 {
                return Err(under_test.failure(format!("one session of the owner {:?}", owner.id), format!("{count} of them")));
            }
        }
        for (ended, owner) in all.iter().enumerate() {
            under_test.equal(1, owners.end_all(owner).await?)?;
            browsers[ended].expect(None).await?;
            if let Some(next) = browsers.get_mut(ended + 1) {
                next.expect(Some(1)).await?;
            }
        }
        Ok(())
    }

    /// A rotation changes neither the creation time of a session nor its label. A renewal changes
    /// the time when the session was last seen.
    ///
    /// Preserve the creation time in every save. Store the time of each save, even if the save only
    /// extends the expiry.
    async fn list_has_times_after_rotation_and_renewal(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let began = under_test.now();
        let label = |session: &Session| session.set_label("phone").and_then(|()| session.set_permanent(true));
        phone.visit("set_label and set_permanent", label).await?;
        under_test.pass(HOUR);
        phone.visit("rotate_id", Session::rotate_id).await?;
        let listed = owners.only(&ada).await?;
        under_test.equal(Some("phone"), listed.label())?;
        under_test.calls().note("created_at is near the login; last_seen is near the rotation");
        let seen = (is_near(listed.created_at(), began), is_near(listed.last_seen(), under_test.now()));
        under_test.equal((true, true), seen)?;
        if interface.config().refresh() == Refresh::WhenAccessed {
            under_test.pass(interface.config().permanent_lifetime() * 3 / 4);
            phone.expect(Some(1)).await?;
            under_test.calls().note("last_seen is near the read, which renewed the session");
            let listed = owners.only(&ada).await?;
            under_test.equal(true, is_near(listed.last_seen(), under_test.now()))?;
            under_test.equal(Some("phone"), listed.label())?;
        }
        Ok(())
    }

    /// If a list has the time of a login, this time is the time at which the user logged in.
    ///
    /// Pass `Login::authenticated_at` to `OwnedSession::with_authenticated_at`, not the time of a
    /// save.
    async fn list_has_time_of_login_or_none(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.browser("phone", &interface);
        phone.set(1).await?;
        under_test.pass(HOUR);
        phone.log_in("", |_| Ok(()), &ada.id).await?;
        let time = under_test.now();
        under_test.pass(HOUR);
        phone.set(2).await?;
        let listed = owners.only(&ada).await?.authenticated_at();
        under_test.calls().note("authenticated_at is None or near the login");
        under_test.equal(true, listed.is_none_or(|listed| is_near(listed, time)))
    }

    /// A session without an owner has no handle. A label belongs to one session.
    ///
    /// Return `None` from `handle_of` if `Session::owner` is `None`.
    async fn visitor_has_no_handle(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut visitor = under_test.browser("visitor", &interface);
        for what in ["insert n = 1", "read"] {
            let mut handle = None;
            let look = |session: &Session| {
                session.insert("n", 1)?;
                handle = owners.handle_of(session);
                Ok(())
            };
            visitor.visit(what, look).await?;
            under_test.equal(None, handle)?;
        }
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        phone.visit("set_label(\"handset\")", |session| session.set_label("handset")).await?;
        under_test.logged_in("laptop", &interface, &ada).await?;
        let mut labels: Vec<_> = owners.list(&ada).await?.iter().map(|session| session.label().map(str::to_owned)).collect();
        labels.sort();
        under_test.equal(vec![None, Some("handset".to_owned())], labels)
    }

    /// A handle or a creation time that `Session::details` returns is the same as in the list.
    ///
    /// Use one function to compute the handle for `SessionDetails` and for
    /// `OwnerSessions::handle_of`.
    async fn details_are_those_of_list(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        under_test.pass(HOUR);
        phone.visit("set_label", |session| session.set_label("handset")).await?;
        let listed = owners.only(&ada).await?;
        let mut found = None;
        let look = |session: &Session| {
            found = Some(session.details());
            Ok(())
        };
        phone.visit("read the details", look).await?;
        let handle = found.as_ref().and_then(SessionDetails::handle);
        under_test.equal(true, handle.is_none_or(|handle| handle == listed.handle()))?;
        let created_at = found.and_then(|details| details.created_at());
        under_test.calls().note("created_at of the details is None or near that of the list");
        under_test.equal(true, created_at.is_none_or(|time| is_near(time, listed.created_at())))
    }

    /// If a maximum number of sessions is set, a login ends the owner's oldest sessions beyond the
    /// maximum. The login ends no session of another owner. In an interface without
    /// `limit_sessions`, the login fails with an error of kind `Configuration`.
    ///
    /// In `limit_sessions`, sort the sessions by the time of the login, and end the oldest
    /// sessions.
    async fn login_beyond_maximum_ends_oldest_session(under_test) {
        let (interface, owners) = under_test.owned_with(|settings| settings.max_sessions(2)).await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        let request = under_test.browser("other", &interface).request();
        let session = owners.told("open", request.session().await)?;
        match session.log_in(&eve.id, None).await {
            Err(error) if error.kind() == session_core::ErrorKind::Configuration => return Ok(()),
            result => owners.told("log_in", result)?,
        }
        let mut browsers = Vec::new();
        for name in ["phone", "laptop", "tablet"] {
            under_test.pass(MINUTE);
            browsers.push(under_test.logged_in(name, &interface, &ada).await?);
        }
        for (browser, n) in browsers.iter_mut().zip([None, Some(1), Some(1)]) {
            browser.expect(n).await?;
        }
        under_test.equal((2, 1), (owners.list(&ada).await?.len(), owners.list(&eve).await?.len()))
    }

    /// An expired session does not count towards the maximum number of sessions, even if its record
    /// is still stored.
    ///
    /// In `limit_sessions`, compare the expiry of each session with the current time.
    async fn expired_session_does_not_count_for_maximum(under_test) {
        let (interface, owners) = under_test.owned_with(|settings| settings.max_sessions(2)).await?;
        let ada = somebody("ada");
        let short = |session: &Session| session.set_lifetime(HOUR);
        let mut phone = under_test.browser("phone", &interface);
        let request = phone.request();
        let session = owners.told("open", request.session().await)?;
        owners.told("insert n = 1", session.insert("n", 1))?;
        match session.log_in(&ada.id, None).await {
            Err(error) if error.kind() == session_core::ErrorKind::Configuration => return Ok(()),
            result => owners.told("log_in", result)?,
        }
        phone.finish("insert n = 1, log_in(ada)", &request).await?;
        under_test.pass(MINUTE);
        let mut kiosk = under_test.browser("kiosk", &interface);
        kiosk.log_in("set_lifetime(an hour), ", short, &ada.id).await?;
        under_test.pass(2 * HOUR);
        let mut laptop = under_test.logged_in("laptop", &interface, &ada).await?;
        phone.expect(Some(1)).await?;
        laptop.expect(Some(1)).await
    }

    /// `limit_sessions` ends every session beyond the maximum, not only one session, and returns
    /// the remaining sessions.
    ///
    /// Do not assume that only one session is beyond the maximum. The maximum may be lowered, and
    /// logins may overlap.
    async fn all_sessions_beyond_lower_maximum_end(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut browsers = Vec::new();
        for name in ["phone", "laptop", "tablet", "television", "watch"] {
            under_test.pass(MINUTE);
            browsers.push(under_test.logged_in(name, &interface, &ada).await?);
        }
        let left = match interface.limit_sessions(&ada.id, 2).await {
            Err(error) if error.kind() == session_core::ErrorKind::Configuration => return Ok(()),
            left => owners.told("limit_sessions(ada, 2)", left)?,
        };
        under_test.calls().note(format!("limit_sessions(ada, 2) = {} sessions", left.len()));
        under_test.equal((2, 2), (left.len(), owners.list(&ada).await?.len()))?;
        for (browser, n) in browsers.iter_mut().zip([None, None, None, Some(1), Some(1)]) {
            browser.expect(n).await?;
        }
        Ok(())
    }
}
