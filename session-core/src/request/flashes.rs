//! The cookie for the flash messages of visitors without a session.

use std::sync::atomic::Ordering;

use super::session::Shared;
use crate::config::flash_key::LIFETIME;
use crate::cookie::{check_name, render_removal, render_set, saturating_add};
use crate::flask::flash;
use crate::interface::view::{SessionView, ViewFlags};
use crate::interface::{IdChange, Save};
use crate::session::flash_cookie::{FlashAction, joined};
use crate::session::intent::Intent;
use crate::session::state::Origin;

impl Shared {
    fn flash_cookie_name(&self) -> String {
        format!("{}_flash", self.cookie_name())
    }

    /// Returns the messages in the cookie of the request.
    pub(super) fn flashes_in_cookie(&self) -> Option<Box<str>> {
        let config = (*self.interface).config();
        let key = config.flash_key().filter(|_| self.origin == Origin::Requested)?;
        let name = self.flash_cookie_name();
        let messages = key.verified(&name, self.view.cookie(&name)?, config.now())?;
        Some(messages.into())
    }

    /// Stores the messages in the cookie if the cookie is configured, there is no session, and the
    /// request stores no other data. Returns whether the messages were stored.
    pub(super) fn keeps_flashes_in_cookie(&self, save: &Save<'_>) -> bool {
        let Some(key) = save.config().flash_key() else { return false };
        if self.origin != Origin::Requested
            || self.saved_manually.load(Ordering::SeqCst)
            || !save.only_flashes()
            || !save.should_set_cookie()
        {
            return false;
        }
        let earlier = self.cell.read(|state| state.flash_cookie.messages.clone());
        let session = save.data.values().get(flash::KEY);
        let list = session.and_then(|list| joined(earlier.as_deref(), list));
        let header = list.and_then(|list| {
            let (name, now) = (self.flash_cookie_name(), save.now());
            let value = key.sign(&name, &list, now)?;
            let attributes = save.cookie_attributes().hidden_from_scripts();
            render_set(&name, &value, Some(saturating_add(now, LIFETIME)), now, &attributes).ok()
        });
        let Some(header) = header else { return false };
        self.cell.lock().flash_cookie.action = FlashAction::Set(header);
        true
    }

    /// Returns the `Set-Cookie` header of the cookie for flash messages, if the response has one.
    pub(super) fn flash_header(&self) -> Option<String> {
        let (contents, flags) = {
            let mut state = self.cell.lock();
            match std::mem::take(&mut state.flash_cookie.action) {
                FlashAction::Keep => return None,
                FlashAction::Set(header) => return Some(header),
                FlashAction::Remove => {}
            }
            let flags = ViewFlags::of_save(&state.data, &state.intent, self.cell.is_accessed());
            (state.data.stored.clone(), flags)
        };
        let (interface, view) = (&*self.interface, SessionView::of(&contents, flags));
        let attributes = interface.cookie_attributes(&self.view, &view).hidden_from_scripts();
        let name = self.flash_cookie_name();
        check_name(&name, &attributes).ok().map(|()| render_removal(&name, &attributes))
    }
}

impl Save<'_> {
    /// Returns whether a visitor without a session has flashed messages, and has no other data to
    /// store.
    fn only_flashes(&self) -> bool {
        let Intent { changes, write: _, end, id, login } = &self.intent;
        let values = self.data.values();
        let is_visitor = self.data.is_new && self.data.stored.login.is_none();
        is_visitor
            && !end
            && login.is_none()
            && *id == IdChange::Keep
            && changes.are_of_flashes()
            && values.len() == 1
            && values.contains_key(flash::KEY)
    }
}
