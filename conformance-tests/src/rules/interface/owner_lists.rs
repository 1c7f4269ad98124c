//! Rules of the list of the sessions of an owner.

use std::collections::HashSet;
use std::time::Duration;

use session_core::{OwnedSession, Session};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::owning::{Owner, somebody};
use crate::harness::interface::times::{HOUR, MINUTE, is_near};
use crate::macros::rules;

rules! {
    ($) pub(crate) const OWNER_LISTS, macro __interface_owner_lists, for InterfaceUnderTest;

    /// `page` lists all sessions of the owner and no session of another owner. This is also true if
    /// the owners differ only in case, or if one owner is a prefix of the other owner.
    ///
    /// Compare owners byte by byte, and not by prefix.
    async fn list_has_sessions_of_owner_only(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let shouted = Owner { name: "ADA", id: ada.id.to_uppercase() };
        for name in ["phone", "laptop", "tablet"] {
            under_test.logged_in(name, &interface, &ada).await?;
        }
        under_test.logged_in("other", &interface, &shouted).await?;
        under_test.equal(3, owners.list(&ada).await?.len())?;
        under_test.equal(1, owners.list(&shouted).await?.len())?;
        under_test.equal(0, owners.list(&somebody("eve")).await?.len())?;
        let longer = Owner { name: "ada-2", id: format!("{}-2", ada.id) };
        under_test.logged_in("another", &interface, &longer).await?;
        under_test.equal((3, 1), (owners.list(&ada).await?.len(), owners.list(&longer).await?.len()))
    }

    /// Short pages together list each session of one long page exactly once. No page has more
    /// sessions than the limit.
    ///
    /// Use the last session of a page as the position after the page. A position that counts
    /// sessions skips a session if another session ends between two calls.
    async fn pages_list_each_session_once(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        for name in ["phone", "laptop", "tablet", "television", "watch"] {
            under_test.logged_in(name, &interface, &ada).await?;
        }
        under_test.logged_in("other", &interface, &eve).await?;
        for owner in [&ada, &eve] {
            let mut listed = owners.list(owner).await?;
            listed.sort_by(|one, other| one.handle().cmp(other.handle()));
            for limit in [1, 2, 10] {
                let (mut paged, longest) = owners.pages(owner, limit).await?;
                paged.sort_by(|one, other| one.handle().cmp(other.handle()));
                under_test.equal(listed.len(), paged.len())?;
                under_test.equal(true, listed == paged)?;
                under_test.equal(true, longest <= limit)?;
            }
        }
        Ok(())
    }

    /// If a session of a page ends before the next page is read, the next pages still list every
    /// other session.
    ///
    /// Use the last session of a page as the position after the page, not the number of sessions.
    async fn pages_after_end_of_session_are_complete(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut browsers = Vec::new();
        for name in ["phone", "laptop", "tablet", "television", "watch"] {
            browsers.push((under_test.now(), under_test.logged_in(name, &interface, &ada).await?));
            under_test.pass(MINUTE);
        }
        let mut left: HashSet<String> =
            owners.list(&ada).await?.iter().map(|session| session.handle().to_owned()).collect();
        let first = owners.page(&ada, None, 2).await?;
        for session in &first.sessions {
            left.remove(session.handle());
        }
        let ended = first.sessions.iter().map(OwnedSession::created_at).min();
        for (began, browser) in &mut browsers {
            if ended.is_some_and(|ended| is_near(ended, *began)) {
                browser.log_out("", |_| Ok(())).await?;
            }
        }
        for session in owners.pages_after(&ada, first.next, 2).await?.0 {
            left.remove(session.handle());
        }
        under_test.equal(0, left.len())
    }

    /// A list has the creation time of each session and the time of its last write. Both times are
    /// accurate to the second.
    ///
    /// A write or a rotation does not change the creation time. Store the time of each write.
    async fn list_has_creation_time_and_last_write(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let began = under_test.now();
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        under_test.pass(HOUR);
        phone.set(2).await?;
        let written = under_test.now();
        under_test.pass(MINUTE);
        let listed = owners.only(&ada).await?;
        under_test.calls().note("created_at is near the beginning; last_seen is near the last write");
        let seen = (is_near(listed.created_at(), began), is_near(listed.last_seen(), written));
        under_test.equal((true, true), seen)
    }

    /// A list has the label of each session.
    ///
    /// Read the label from the key `_label` of the stored payload.
    async fn list_has_labels(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        phone.visit("set_label(\"phone\")", |session| session.set_label("phone")).await?;
        under_test.equal(Some("phone".to_owned()), owners.only(&ada).await?.label().map(str::to_owned))
    }

    /// A session with a long value is listed with its label and its handle, like every other
    /// session.
    ///
    /// Do not store long sessions in a format without a label or a handle.
    async fn long_session_is_listed_with_label_and_handle(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let fill = |session: &Session| {
            session.insert("text", "a long text ".repeat(1_500))?;
            session.set_label("phone")
        };
        phone.visit("insert a text of 18,000 bytes, set_label(\"phone\")", fill).await?;
        let listed = owners.only(&ada).await?;
        under_test.equal(Some("phone".to_owned()), listed.label().map(str::to_owned))?;
        let mut own = None;
        phone
            .visit("handle_of(this session)", |session| {
                own = owners.handle_of(session);
                Ok(())
            })
            .await?;
        under_test.equal(true, own.as_deref() == Some(listed.handle()))?;
        under_test.equal(true, owners.end(&ada, &listed).await?)?;
        phone.expect(None).await
    }

    /// `handle_of` returns the handle that the list has for the session of the request.
    ///
    /// Compute the handle from the backend state that `open` attached; see `interface::state_of`.
    async fn handle_of_request_is_on_list(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let listed = owners.only(&ada).await?;
        let mut laptop = under_test.logged_in("laptop", &interface, &ada).await?;
        for (browser, is_phone) in [(&mut phone, true), (&mut laptop, false)] {
            let mut own = None;
            browser
                .visit("handle_of(this session)", |session| {
                    own = owners.handle_of(session);
                    Ok(())
                })
                .await?;
            under_test.equal((true, is_phone), (own.is_some(), own.as_deref() == Some(listed.handle())))?;
        }
        Ok(())
    }

    /// An ended or expired session is not listed.
    ///
    /// List only sessions that a request can open.
    async fn ended_session_is_not_listed(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        phone.log_out("", |_| Ok(())).await?;
        under_test.equal(0, owners.list(&ada).await?.len())?;
        let mut laptop = under_test.logged_in("laptop", &interface, &ada).await?;
        laptop.visit("set_permanent", |session| session.set_permanent(true)).await?;
        under_test.pass(DAY * 32);
        under_test.equal(0, owners.list(&ada).await?.len())
    }

    /// A session whose owner changes is listed only under the new owner. A session without an owner
    /// is not listed.
    ///
    /// Update the list according to `Contents::login`.
    async fn session_is_listed_under_present_owner(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        phone.log_in("", |_| Ok(()), &eve.id).await?;
        under_test.equal((0, 1), (owners.list(&ada).await?.len(), owners.list(&eve).await?.len()))?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        phone.log_out(", then insert n = 2", |session| session.insert("n", 2)).await?;
        under_test.equal((0, 0), (owners.list(&ada).await?.len(), owners.list(&eve).await?.len()))
    }
}

const DAY: Duration = Duration::from_hours(24);
