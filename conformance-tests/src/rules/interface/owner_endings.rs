//! Rules for ending an owner's sessions.

use std::sync::Arc;

use session_core::{Error, OwnedSession, Session, SessionInterface};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::browser::Browser;
use crate::harness::interface::owning::{Owner, somebody};
use crate::harness::interface::times::{HOUR, MINUTE};
use crate::macros::rules;
use crate::report::Failure;

rules! {
    ($) pub(crate) const OWNER_ENDINGS, macro __interface_owner_endings, for InterfaceUnderTest;

    /// `end` ends only the session with the handle. A second call with the same handle returns
    /// `false`.
    ///
    /// Remove the stored data, so that the cookie opens nothing.
    async fn handle_ends_its_session_only(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let listed = owners.only(&ada).await?;
        let mut laptop = under_test.logged_in("laptop", &interface, &ada).await?;
        under_test.equal(true, owners.end(&ada, &listed).await?)?;
        phone.expect(None).await?;
        laptop.expect(Some(1)).await?;
        under_test.equal(false, owners.end(&ada, &listed).await?)
    }

    /// A handle that was listed before a rotation still ends the session after the rotation.
    ///
    /// Compute the handle from data that a rotation does not change.
    async fn handle_is_valid_after_rotation(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let listed = owners.only(&ada).await?;
        phone.visit("rotate_id", Session::rotate_id).await?;
        under_test.pass(MINUTE);
        under_test.equal(true, owners.end(&ada, &listed).await?)?;
        phone.expect(None).await
    }

    /// `end` ends nothing if the handle belongs to a session of another owner.
    ///
    /// Search for a handle only among the owner's own sessions.
    async fn handle_ends_nothing_for_other_owner(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let listed = owners.only(&ada).await?;
        under_test.logged_in("other", &interface, &eve).await?;
        under_test.equal(false, owners.end(&eve, &listed).await?)?;
        phone.expect(Some(1)).await
    }

    /// A handle that is sent as the cookie opens nothing.
    ///
    /// Compute the handle from data other than the id, or as a hash of the id.
    async fn handle_as_cookie_opens_nothing(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let phone = under_test.logged_in("phone", &interface, &ada).await?;
        let listed = owners.only(&ada).await?;
        let mut thief = under_test.browser("thief", &interface);
        let name = phone.jar().first().map_or("session", |cookie| &cookie.name);
        thief.plant(name, listed.handle());
        thief.expect(None).await
    }

    /// `end_others` ends all sessions of the owner except the session of the request. This session
    /// stays, even if the request rotates the id.
    ///
    /// Identify the session of the request by the backend state that `open` attached.
    async fn end_others_keeps_own_session(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        let mut others = Vec::new();
        for name in ["phone", "tablet"] {
            others.push(under_test.logged_in(name, &interface, &ada).await?);
        }
        let mut laptop = under_test.logged_in("laptop", &interface, &ada).await?;
        let mut of_eve = under_test.logged_in("other", &interface, &eve).await?;
        let request = laptop.request();
        let session = owners.told("open", request.session().await)?;
        under_test.equal(2, owners.end_others(&session).await?)?;
        owners.told("rotate_id", session.rotate_id())?;
        laptop.finish("rotate_id", &request).await?;
        for other in &mut others {
            other.expect(None).await?;
        }
        laptop.expect(Some(1)).await?;
        of_eve.expect(Some(1)).await
    }

    /// `end_others` in a request that logs in ends the other sessions of the new owner.
    ///
    /// Use `Session::owner`, and the backend state that the save of the login passed to
    /// `Save::remember`.
    async fn end_others_at_login_ends_sessions_of_new_owner(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let mut laptop = under_test.browser("laptop", &interface);
        let request = laptop.request();
        let session = owners.told("open", request.session().await)?;
        owners.told("insert", session.insert("n", 2))?;
        owners.told("log_in", session.log_in(&ada.id, None).await)?;
        under_test.equal(1, owners.end_others(&session).await?)?;
        laptop.finish("insert n = 2, log_in(ada), end_others", &request).await?;
        phone.expect(None).await
    }

    /// `end_all` ends every session of the owner, and returns the number of ended sessions.
    ///
    /// Count the sessions that this call ended.
    async fn end_all_returns_number_of_ended_sessions(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        let mut browsers = Vec::new();
        for name in ["phone", "laptop", "tablet"] {
            browsers.push(under_test.logged_in(name, &interface, &ada).await?);
        }
        let mut of_eve = under_test.logged_in("other", &interface, &eve).await?;
        under_test.equal(3, owners.end_all(&ada).await?)?;
        for browser in &mut browsers {
            browser.expect(None).await?;
        }
        of_eve.expect(Some(1)).await
    }

    /// `end`, `end_others` and `end_all` end an owner's sessions of every kind. A session may be
    /// permanent, or have a label, a lifetime, a long value, a flash message or another id.
    ///
    /// Find a session by its owner alone, regardless of its other fields.
    async fn sessions_of_every_kind_are_ended(under_test) {
        for ending in ["end", "end_others", "end_all"] {
            let (interface, owners) = under_test.owned().await?;
            let ada = somebody("ada");
            let mut all = of_every_kind(under_test, &interface, &ada).await?;
            let ended = match ending {
                "end_all" => owners.end_all(&ada).await?,
                "end_others" => {
                    let request = under_test.logged_in("this one", &interface, &ada).await?.request();
                    owners.end_others(&owners.told("open", request.session().await)?).await?
                }
                _ => {
                    let mut ended = 0;
                    for listed in owners.list(&ada).await? {
                        ended += usize::from(owners.end(&ada, &listed).await?);
                    }
                    ended
                }
            };
            for browser in &mut all {
                browser.expect(None).await?;
            }
            under_test.equal(all.len(), ended)?;
        }
        Ok(())
    }

    /// One call of `end_others` or `end_all` can end more than a hundred sessions.
    ///
    /// Read the list of the owner to its last page.
    async fn more_than_hundred_sessions_are_ended(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        for others in [true, false] {
            let mut browsers = Vec::new();
            for _ in 0..MANY {
                browsers.push(under_test.logged_in("phone", &interface, &ada).await?);
            }
            let mut laptop = under_test.logged_in("laptop", &interface, &ada).await?;
            let ended = if others {
                let request = laptop.request();
                let session = owners.told("open", request.session().await)?;
                let ended = owners.end_others(&session).await?;
                laptop.finish("end_others", &request).await?;
                ended
            } else {
                owners.end_all(&ada).await?
            };
            // The second round also ends the session that the first round kept.
            let left = usize::from(others);
            under_test.equal((MANY + 2 * (1 - left), left), (ended, owners.list(&ada).await?.len()))?;
            for browser in &mut browsers {
                browser.expect(None).await?;
            }
            laptop.expect(others.then_some(1)).await?;
        }
        Ok(())
    }

    /// If an owner ends a session that a request has opened, a later save of this request does not
    /// revive the session.
    ///
    /// Write only to an existing session, as after a logout.
    async fn save_after_end_by_owner_revives_nothing(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let listed = owners.only(&ada).await?;
        let mut late = under_test.browser("late", &interface);
        for cookie in phone.jar() {
            late.plant(&cookie.name, &cookie.value);
        }
        let request = late.request();
        let session = owners.told("open", request.session().await)?;
        owners.end(&ada, &listed).await?;
        owners.told("insert", session.insert("m", 2))?;
        late.finish("insert m = 2, having opened before the end", &request).await?;
        under_test.equal((None, None), (phone.get::<u64>("n").await?, phone.get::<u64>("m").await?))
    }

    /// A handle that differs from the handle of a session ends nothing. Examples are a part of the
    /// handle, a longer handle, the handle in another case, the empty text, and the session's
    /// cookie.
    ///
    /// Compare whole handles byte by byte.
    async fn similar_handle_ends_nothing(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let listed = owners.only(&ada).await?;
        let handle = listed.handle();
        let swapped = |letter: char| if letter.is_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        let cookie = phone.jar().first().map(|cookie| cookie.value.clone()).unwrap_or_default();
        let half = handle.chars().take(handle.chars().count() / 2).collect();
        let others = [String::new(), half, format!("{handle}A"), handle.chars().map(swapped).collect(), cookie];
        for other in others.iter().filter(|other| *other != handle) {
            let similar = OwnedSession::new(other.clone(), under_test.now(), under_test.now());
            under_test.equal(false, owners.end(&ada, &similar).await?)?;
            phone.expect(Some(1)).await?;
        }
        Ok(())
    }

    /// `end_others` and `end_all` end no session without an owner. `end_others` in a session
    /// without an owner returns 0.
    ///
    /// Do not store a missing owner as the empty owner.
    async fn sessions_without_owner_are_not_ended(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        let mut other = under_test.browser("other visitor", &interface);
        other.set(2).await?;
        let request = visitor.request();
        let session = owners.told("open", request.session().await)?;
        under_test.equal(0, owners.end_others(&session).await?)?;
        visitor.finish("end_others", &request).await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        under_test.equal(1, owners.end_all(&ada).await?)?;
        phone.expect(None).await?;
        visitor.expect(Some(1)).await?;
        other.expect(Some(2)).await
    }

    /// A request that logs in, changes values and saves again has one session. A logout in the same
    /// request ends this session.
    ///
    /// Call `Save::remember` with the new id after each save. Otherwise, the second save starts
    /// another session, and the first session stays in the list until it expires.
    async fn save_after_login_changes_its_session(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.browser("phone", &interface);
        let request = phone.request();
        let session = owners.told("open", request.session().await)?;
        owners.told("log_in", session.log_in(&ada.id, None).await)?;
        owners.told("insert n = 1", session.insert("n", 1))?;
        phone.finish("log_in, then insert n = 1", &request).await?;
        phone.expect(Some(1)).await?;
        owners.only(&ada).await?;
        let request = phone.request();
        let session = owners.told("open", request.session().await)?;
        owners.told("log_in", session.log_in(&ada.id, None).await)?;
        owners.told("log_out", session.log_out().await)?;
        phone.finish("log_in, then log_out", &request).await?;
        under_test.equal(0, owners.list(&ada).await?.len())?;
        phone.expect(None).await
    }
}

/// More sessions than a page of a list contains.
const MANY: usize = 110;

type Action = fn(&Session) -> Result<(), Error>;

/// The actions that create sessions of every kind, after the login.
const KINDS: [(&str, Action); 7] = [
    ("nothing", |_| Ok(())),
    ("set_permanent", |session| session.set_permanent(true)),
    ("set_label", |session| session.set_label("phone")),
    ("insert a text of 18,000 bytes", |session| {
        session.insert("text", "a long text ".repeat(1_500))
    }),
    ("set_lifetime", |session| session.set_lifetime(24 * HOUR)),
    ("flash", |session| session.flash("saved")),
    ("rotate_id", Session::rotate_id),
];

/// Returns browsers in which an owner has logged in, with sessions of every kind.
async fn of_every_kind(
    under_test: &InterfaceUnderTest,
    interface: &Arc<dyn SessionInterface>,
    owner: &Owner,
) -> Result<Vec<Browser>, Failure> {
    let mut all = Vec::new();
    for (name, act) in KINDS {
        let mut browser = under_test.logged_in(name, interface, owner).await?;
        browser.visit(name, act).await?;
        all.push(browser);
    }
    under_test.pass(HOUR);
    Ok(all)
}
