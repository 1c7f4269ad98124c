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

    /// The owner that a login set is there at the next visit.
    ///
    /// Store the owner, and open the session `with_owner`.
    async fn the_owner_is_there_at_the_next_visit(under_test) {
        let (interface, _) = under_test.owned().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let mut seen = None;
        visitor
            .visit("insert name, set_owner(user-42)", |session| {
                session.insert("name", "Ada")?;
                session.set_owner("user-42")
            })
            .await?;
        visitor
            .visit("owner", |session| {
                seen = session.owner();
                Ok(())
            })
            .await?;
        under_test.equal(Some("user-42".to_owned()), seen)
    }

    /// A list shows each session of its owner, and nobody else's: not that of an owner whose name differs in case.
    ///
    /// Compare owners byte by byte, and set no bound to how many a list shows.
    async fn a_list_shows_each_session_of_the_owner_and_of_nobody_else(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let shouted = Owner { name: "ADA", id: ada.id.to_uppercase() };
        for name in ["phone", "laptop", "tablet"] {
            under_test.logged_in(name, &interface, &ada).await?;
        }
        under_test.logged_in("stranger", &interface, &shouted).await?;
        under_test.equal(3, owners.list(&ada).await?.len())?;
        under_test.equal(1, owners.list(&shouted).await?.len())?;
        under_test.equal(0, owners.list(&somebody("eve")).await?.len())
    }

    /// A list says when a session began and when it was last seen, to the second, if that was a write.
    ///
    /// A new id and a write leave the beginning alone. Note the time with each write.
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

    /// A list shows the label that a session has.
    ///
    /// Read `Session::label` from the payload that is stored.
    async fn a_list_shows_the_label(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        phone.visit("set_label(\"phone\")", |session| session.set_label("phone")).await?;
        under_test.equal(Some("phone".to_owned()), owners.only(&ada).await?.label().map(str::to_owned))
    }

    /// A request knows which session on the list is its own.
    ///
    /// Answer `handle_of` from what `open` left in the session's slot.
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

    /// A handle ends its session, and no other; a second time there is nothing to end.
    ///
    /// Remove what is stored, so that the cookie opens nothing.
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

    /// A handle from a list that was shown before the session got a new id still ends it.
    ///
    /// Make the handle of something that the session keeps when its id changes.
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

    /// Another owner's handle ends nothing.
    ///
    /// Look for a handle among the owner's own sessions only.
    async fn a_handle_belongs_to_its_owner(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let listed = owners.only(&ada).await?;
        under_test.logged_in("stranger", &interface, &eve).await?;
        under_test.equal(false, owners.end(&eve, &listed).await?)?;
        phone.expect(Some(1)).await
    }

    /// A handle opens nothing when it is sent as the cookie.
    ///
    /// Make it of something else than the id, or by a hash.
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

    /// `end_others` ends all sessions of the owner but the one that asks, which goes on although the request gives it a new id.
    ///
    /// Know the session by what `open` found, not by what the request makes of it.
    async fn the_others_end_and_this_one_goes_on(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        let mut others = Vec::new();
        for name in ["phone", "tablet"] {
            others.push(under_test.logged_in(name, &interface, &ada).await?);
        }
        let mut laptop = under_test.logged_in("laptop", &interface, &ada).await?;
        let mut stranger = under_test.logged_in("stranger", &interface, &eve).await?;
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

    /// `end_others` in the request that logs in ends the sessions of the new owner, before this one is stored.
    ///
    /// Ask the session for its owner, not what is stored of it.
    async fn a_login_ends_the_others(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        let mut laptop = under_test.browser("laptop", &interface);
        let request = laptop.request();
        let session = owners.told("open", request.session().await)?;
        owners.told("insert", session.insert("n", 2))?;
        owners.told("set_owner", session.set_owner(&*ada.id))?;
        under_test.equal(1, owners.end_others(&session).await?)?;
        laptop.finish("insert n = 2, set_owner(ada), end_others", &request).await?;
        phone.expect(None).await?;
        laptop.expect(Some(2)).await
    }

    /// `end_all` ends every session of the owner, and says how many those were.
    ///
    /// Count what was ended.
    async fn end_all_ends_each_and_counts_them(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        let mut browsers = Vec::new();
        for name in ["phone", "laptop", "tablet"] {
            browsers.push(under_test.logged_in(name, &interface, &ada).await?);
        }
        let mut stranger = under_test.logged_in("stranger", &interface, &eve).await?;
        under_test.equal(3, owners.end_all(&ada).await?)?;
        for browser in &mut browsers {
            browser.expect(None).await?;
        }
        stranger.expect(Some(1)).await
    }

    /// A request that opened a session before its owner ended it, and saves after that, does not bring it back.
    ///
    /// Write only what is still there: what goes for a logout goes for this.
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

    /// A session is on no list after its logout, nor after its end.
    ///
    /// List what can be opened now.
    async fn what_has_ended_is_on_no_list(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let ada = somebody("ada");
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        phone.visit("destroy", Session::destroy).await?;
        under_test.equal(0, owners.list(&ada).await?.len())?;
        let mut laptop = under_test.logged_in("laptop", &interface, &ada).await?;
        laptop.visit("set_permanent", |session| session.set_permanent(true)).await?;
        under_test.pass(DAY * 32);
        under_test.equal(0, owners.list(&ada).await?.len())
    }

    /// A session whose owner changes leaves the list of the one and is on that of the other; one that has no owner any more is on none.
    ///
    /// List by the owner that `set_owner` said last, `None` included.
    async fn a_session_is_on_the_list_of_its_present_owner(under_test) {
        let (interface, owners) = under_test.owned().await?;
        let (ada, eve) = (somebody("ada"), somebody("eve"));
        let mut phone = under_test.logged_in("phone", &interface, &ada).await?;
        phone.visit("set_owner(eve)", |session| session.set_owner(&*eve.id)).await?;
        under_test.equal((0, 1), (owners.list(&ada).await?.len(), owners.list(&eve).await?.len()))?;
        phone.visit("set_owner(None)", |session| session.set_owner(None)).await?;
        under_test.equal(0, owners.list(&eve).await?.len())
    }
}
