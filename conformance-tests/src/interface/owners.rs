//! Rules of an interface that lists and ends an owner's sessions.

use std::time::{Duration, SystemTime};

use session_core::Session;

use super::InterfaceUnderTest;
use super::owning::{Owner, somebody};
use crate::rule::rules;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

rules! {
    ($) pub(crate) const OWNERS, macro __interface_owners, for InterfaceUnderTest;

    /// `page` lists all sessions of the owner and none of another owner, even if its name differs
    /// only in case.
    ///
    /// Compare owners byte by byte.
    async fn a_list_shows_each_session_of_the_owner_and_of_nobody_else(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let shouted = Owner { name: "ADA", id: ada.id.to_uppercase() };
        for name in ["phone", "laptop", "tablet"] {
            under_test.logged_in(name, &interface, &ada).await?;
        }
        under_test.logged_in("other", &interface, &shouted).await?;
        under_test.equal(3, owners.list(&ada).await?.len())?;
        under_test.equal(1, owners.list(&shouted).await?.len())?;
        under_test.equal(0, owners.list(&somebody("eve")).await?.len())
    }

    /// Short pages have the same sessions as one long page, each of them once, and no page has more
    /// than the limit.
    ///
    /// Use the last session of a page as the position after it. A position that counts sessions
    /// skips one if a session ends between two calls.
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

    /// A list has the time when a session was created, and the time when it was last written, both
    /// to the second.
    ///
    /// A write or a rotation does not change the creation time. Store the time of each write.
    async fn a_list_says_when_a_session_began_and_was_last_seen(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let began = under_test.now();
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        under_test.pass(HOUR);
        phone.set(2).await?;
        let written = under_test.now();
        under_test.pass(MINUTE);
        let listed = owners.only(&ada).await?;
        let is_near = |time: SystemTime, other: SystemTime| {
            let apart = time.duration_since(other).unwrap_or_else(|error| error.duration());
            apart <= Duration::from_secs(1)
        };
        under_test.calls().note("created_at is near the beginning; last_seen is near the last write");
        let seen = (is_near(listed.created_at(), began), is_near(listed.last_seen(), written));
        under_test.equal((true, true), seen)
    }

    /// A list has the label of each session.
    ///
    /// Read the key `_label` of the stored payload.
    async fn a_list_shows_the_label(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        phone.visit("set_label(\"phone\")", |session| session.set_label("phone")).await?;
        under_test.equal(Some("phone".to_owned()), owners.only(&ada).await?.label().map(str::to_owned))
    }

    /// `handle_of` returns the handle that the list has for the session of the request.
    ///
    /// Compute the handle from the backend state that `open` attached; see `interface::state_of`.
    async fn a_request_knows_itself_on_the_list(under_test) {
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

    /// `end` ends the session with the handle and no other, and returns `false` if it is called
    /// again.
    ///
    /// Remove the stored data, so that the cookie opens nothing.
    async fn a_handle_ends_its_session_and_no_other(under_test) {
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

    /// A handle that was listed before a rotation still ends the session afterwards.
    ///
    /// Compute the handle from data that a rotation does not change.
    async fn a_handle_outlives_a_new_id(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let listed = owners.only(&ada).await?;
        phone.visit("rotate_id", Session::rotate_id).await?;
        under_test.pass(MINUTE);
        under_test.equal(true, owners.end(&ada, &listed).await?)?;
        phone.expect(None).await
    }

    /// A handle ends nothing for another owner.
    ///
    /// Search a handle only among the owner's own sessions.
    async fn a_handle_belongs_to_its_owner(under_test) {
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
    /// Compute the handle from other data than the id, or by a hash.
    async fn a_handle_opens_nothing(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let phone = under_test.logged_in("phone", &interface, &ada).await?;
        let listed = owners.only(&ada).await?;
        let mut thief = under_test.browser("thief", &interface);
        let name = phone.jar().first().map_or("session", |cookie| &cookie.name);
        thief.plant(name, listed.handle());
        thief.expect(None).await
    }

    /// `end_others` ends all sessions of the owner except the session of the request, which stays
    /// even if the request rotates its id.
    ///
    /// Identify the session by the backend state that `open` attached.
    async fn the_others_end_and_this_one_goes_on(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        let mut others = Vec::new();
        for name in ["phone", "tablet"] {
            others.push(under_test.logged_in(name, &interface, &ada).await?);
        }
        let mut laptop = under_test.logged_in("laptop", &interface, &ada).await?;
        let mut stranger = under_test.logged_in("other", &interface, &eve).await?;
        let request = laptop.request();
        let session = owners.told("open", request.session().await)?;
        under_test.equal(2, owners.end_others(&session).await?)?;
        owners.told("rotate_id", session.rotate_id())?;
        laptop.finish("rotate_id", &request).await?;
        for other in &mut others {
            other.expect(None).await?;
        }
        laptop.expect(Some(1)).await?;
        stranger.expect(Some(1)).await
    }

    /// `end_others` in a request that logs in ends the other sessions of the new owner.
    ///
    /// Use `Session::owner`, and the backend state that the login's save remembered.
    async fn a_login_ends_the_others(under_test) {
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

    /// `end_all` ends every session of the owner, and returns how many there were.
    ///
    /// Count the sessions that this call ended.
    async fn end_all_ends_each_and_counts_them(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        let mut browsers = Vec::new();
        for name in ["phone", "laptop", "tablet"] {
            browsers.push(under_test.logged_in(name, &interface, &ada).await?);
        }
        let mut stranger = under_test.logged_in("other", &interface, &eve).await?;
        under_test.equal(3, owners.end_all(&ada).await?)?;
        for browser in &mut browsers {
            browser.expect(None).await?;
        }
        stranger.expect(Some(1)).await
    }

    /// A request that opened a session before its owner ended it, and saves afterwards, does not
    /// revive it.
    ///
    /// Write only to an existing session, as after a logout.
    async fn what_an_owner_ended_does_not_come_back(under_test) {
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

    /// A session that was ended or has expired is not listed.
    ///
    /// List only sessions that can be opened now.
    async fn what_has_ended_is_on_no_list(under_test) {
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

    /// A session whose owner changes is listed under the new owner only. A session without an owner
    /// is not listed.
    ///
    /// Update the list with `Contents::login`.
    async fn a_session_is_on_the_list_of_its_present_owner(under_test) {
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
