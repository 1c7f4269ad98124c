//! The steps of the interface that mutants change: opening, saving and the hooks.

use std::borrow::Cow;
use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use session_core::interface::{
    Contents, CookieAction, IdChange, Mark, OpenContext, Opened, Renewal, Save, Saved,
    SessionDetails, SessionPage, SessionView,
};
use session_core::login::Login;
use session_core::{CookieAttributes, Error, OwnedSession, Session, SessionConfig};

use super::original::{Origin, Server, Stored, stored};
use super::owned::Owned;

pub const HOUR: Duration = Duration::from_hours(1);

/// The steps of opening and saving, and the hooks.
pub trait Steps: Debug + Send + Sync + 'static {
    fn server(&self) -> &Server;

    fn configured(config: SessionConfig) -> SessionConfig
    where
        Self: Sized,
    {
        config
    }

    fn cookie<'a>(&self, context: &OpenContext<'a>) -> Option<&'a str> {
        context.cookie()
    }

    fn find(&self, id: &str, now: SystemTime) -> Option<Stored> {
        self.server().sessions().get(id).filter(|stored| now <= stored.expires_at).cloned()
    }

    fn known(&self, stored: &Stored) -> Opened {
        Opened::from_payload(stored.payload.clone()).unwrap()
    }

    fn unknown(&self, id: &str) -> Result<Opened, Error> {
        Ok(self.server().unknown(id))
    }

    fn details(&self, id: &str, stored: &Stored) -> SessionDetails {
        let details = SessionDetails::new().with_created_at(stored.created_at);
        match self.server().handle_of(id) {
            Some(handle) => details.with_handle(handle),
            None => details,
        }
    }

    fn lineage(&self, id: &str) -> Option<[u8; 16]> {
        let _ = id;
        None
    }

    /// Returns the result of a save that does not reach the sessions.
    fn instead(&self, save: &Save<'_>) -> Result<Option<Saved>, Error> {
        let _ = save;
        Ok(None)
    }

    /// Returns whether later saves of the request know the new id.
    fn remembers(&self, save: &Save<'_>) -> bool {
        let _ = save;
        true
    }

    /// Returns whether the second of two rotations changes the id again.
    fn moves_again(&self) -> bool {
        false
    }

    /// Returns the result of a change.
    fn stored(&self, cookie: CookieAction, contents: Contents) -> Saved {
        stored(cookie).with_contents(contents)
    }

    /// Returns the id that the session of a request has now.
    fn present(&self, origin: &Origin) -> String {
        self.server().present(&origin.0)
    }

    fn absent(&self) -> Opened {
        Opened::new()
    }

    /// Returns the renewal of an opened session, by default that of the engine.
    fn renewal(&self, opened: &Opened, stored: &Stored, context: &OpenContext<'_>) -> Renewal {
        let lifetime = context.lifetime(opened);
        context.config().renewal(lifetime, stored.created_at, stored.expires_at)
    }

    fn new_id(&self, save: &Save<'_>, old: Option<&str>) -> String {
        let _ = (save, old);
        std::iter::repeat_with(fastrand::alphanumeric).take(43).collect()
    }

    fn payload(&self, save: &Save<'_>) -> String {
        save.contents().payload()
    }

    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        save.changes().replay(&stored.payload).unwrap()
    }

    /// Records that the session is no longer stored.
    fn forget_end(&self, save: &Save<'_>) {
        save.forget();
    }

    /// Returns whether the merged contents of a save end the session.
    fn is_emptied(&self, contents: &Contents, save: &Save<'_>) -> bool {
        let _ = save;
        contents.is_empty()
    }

    /// Returns the payload of a session in which a user has logged in.
    fn logged_in(&self, contents: &Contents, save: &Save<'_>, stored: &Stored) -> String {
        let _ = (save, stored);
        contents.payload()
    }

    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        contents.lifetime().unwrap_or(save.config().browser_lifetime())
    }

    fn expires_at(
        &self,
        created_at: SystemTime,
        contents: &Contents,
        save: &Save<'_>,
    ) -> SystemTime {
        let lifetime = self.lifetime_of(contents, save);
        let idle = save.config().idle_timeout();
        let expiry = save.now() + idle.map_or(lifetime, |idle| lifetime.min(idle));
        save.config().absolute_timeout().map_or(expiry, |limit| expiry.min(created_at + limit))
    }

    fn created_at(&self, stored: Option<&Stored>, save: &Save<'_>) -> SystemTime {
        let same = stored.filter(|_| save.login().is_none());
        same.map_or(save.now(), |stored| stored.created_at)
    }

    fn set(&self, id: String, contents: &Contents, save: &Save<'_>) -> CookieAction {
        let _ = save;
        CookieAction::Set { value: id, expires: contents.expires_at() }
    }

    fn forget(&self, id: &str) {
        self.server().sessions().remove(id);
    }

    /// Removes a session that ends: the id that the request opened, and the current id.
    fn forget_ended(&self, origin: &Origin, id: &str) {
        let _ = origin;
        self.forget(id);
    }

    fn forget_rotated(&self, id: &str) {
        self.server().sessions().remove(id);
    }

    fn rotates(&self, save: &Save<'_>) -> bool {
        save.id_change() != IdChange::Keep
    }

    fn ended(&self) -> CookieAction {
        CookieAction::Remove
    }

    /// Saves a session that is no longer stored.
    fn lost(&self, origin: &Origin, save: &Save<'_>) -> Saved {
        let _ = origin;
        match (save.login().is_some(), save.is_modified()) {
            (true, _) => self.begin_by_login(save),
            (false, true) => Saved::dropped(),
            (false, false) => Saved::unchanged(),
        }
    }

    /// Starts a session from the changes of a login.
    fn begin_by_login(&self, save: &Save<'_>) -> Saved {
        let contents = save.merge("{}", None, Mark::default()).unwrap();
        let id = self.new_id(save, None);
        self.store(&id, contents.payload(), None, &contents, save);
        stored(self.set(id, &contents, save)).with_contents(contents)
    }

    fn store(
        &self,
        id: &str,
        payload: String,
        stored: Option<&Stored>,
        contents: &Contents,
        save: &Save<'_>,
    ) {
        let created_at = self.created_at(stored, save);
        let expires_at = self.expires_at(created_at, contents, save);
        self.server().sessions().insert(id.to_owned(), Stored { payload, created_at, expires_at });
    }

    fn begin(&self, save: &Save<'_>) -> Saved {
        let (id, contents) = (self.new_id(save, None), save.contents());
        self.store(&id, self.payload(save), None, &contents, save);
        stored(self.set(id, &contents, save))
    }

    /// Saves the values that were set after the end of the session.
    fn begin_anew(&self, origin: &Origin, save: &Save<'_>) -> Saved {
        let _ = origin;
        self.begin(save)
    }

    /// Saves a session that was neither stored before nor changed.
    fn nothing(&self, save: &Save<'_>) -> Saved {
        let _ = save;
        Saved::unchanged()
    }

    /// Extends the expiry of a session that was not changed.
    fn renew(&self, id: &str, stored: &Stored, contents: &Contents, save: &Save<'_>) {
        self.store(id, stored.payload.clone(), Some(stored), contents, save);
    }

    fn login_of(&self, id: &str) -> Option<Login> {
        self.server().login_of(id)
    }

    fn noted(&self, old: Option<Owned>, save: &Save<'_>) -> Owned {
        Owned::noted(old, save)
    }

    /// Returns the ids of an owner's sessions.
    fn listed(&self, owner: &str) -> Vec<String> {
        self.server().live_of(owner)
    }

    /// Returns the ids on a page, and whether it is the last one. `ids` are all ids in order.
    fn page(&self, ids: Vec<String>, after: Option<&str>, limit: usize) -> (Vec<String>, bool) {
        let rest = ids.into_iter().filter(|id| after.is_none_or(|after| &**id > after));
        let rest: Vec<_> = rest.collect();
        (rest[..limit.min(rest.len())].to_vec(), rest.len() <= limit)
    }

    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        owned.shown(stored)
    }

    fn limit(&self, limit: usize) -> usize {
        limit.clamp(1, SessionPage::LIMIT)
    }

    fn sort(&self, sessions: &mut [OwnedSession]) {
        sessions.sort_by_key(|session| std::cmp::Reverse(session.last_seen()));
    }

    /// Returns the owner that a session without an owner has.
    fn owner_of_visitors(&self) -> Option<String> {
        None
    }

    /// Returns the ids beyond the limit. `ids` begin with the last login.
    fn beyond(&self, ids: Vec<String>, limit: usize) -> Vec<String> {
        ids.into_iter().skip(limit).collect()
    }

    fn handle_of(&self, id: &str) -> Option<String> {
        self.server().handle_of(id)
    }

    fn is_meant(&self, owned: &Owned, owner: &str, handle: &str) -> bool {
        owned.owner() == Some(owner) && owned.handle == handle
    }

    fn end_one(&self, owner: &str, handle: &str) -> usize {
        self.server().end_each(self.server().ids(|owned| self.is_meant(owned, owner, handle)))
    }

    fn end_others(&self, session: &Session, own: Option<&str>) -> usize {
        let Some(owner) = session.owner() else { return 0 };
        let others = self.server().live_of(&owner).into_iter().filter(|id| Some(&**id) != own);
        self.server().end_each(others.collect())
    }

    fn end_all(&self, owner: &str) -> usize {
        self.server().end_each(self.server().live_of(owner))
    }

    fn cookie_name(&self) -> &str {
        self.server().config().cookie_name()
    }

    fn cookie_attributes(&self, session: &SessionView<'_>) -> Cow<'_, CookieAttributes> {
        let _ = session;
        Cow::Borrowed(self.server().config().cookie_attributes())
    }

    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        session.is_permanent().then(|| self.server().config().permanent_lifetime())
    }

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        session.is_modified() || session.is_renewed()
    }
}

/// Returns the renewal of the engine, changed.
pub fn renewal(
    opened: &Opened,
    stored: &Stored,
    context: &OpenContext<'_>,
    change: impl FnOnce(&mut Renewal),
) -> Renewal {
    let lifetime = context.lifetime(opened);
    let mut renewal = context.config().renewal(lifetime, stored.created_at, stored.expires_at);
    change(&mut renewal);
    renewal
}
