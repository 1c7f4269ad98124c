//! Logging in with a maximum number of sessions per owner.

use std::sync::PoisonError;

use super::session::Shared;
use crate::error::{Error, ErrorKind};
use crate::interface::OwnedSession;
use crate::outcome::Outcome;
use crate::session::holder::{Demand, LoginDemand};

impl Shared {
    /// Saves the changes made so far, together with the requested login or logout. A login ends the
    /// oldest sessions of its owner if the number of sessions is limited.
    pub(super) async fn save_within_limit(&self, demand: Demand) -> Result<Outcome, Error> {
        match &demand {
            Demand::LogOut => self.end_at_logout(None).await?,
            Demand::LogIn(login) if login.authenticated_at.is_none() => {
                self.end_at_logout(Some(&login.owner)).await?;
            }
            Demand::LogIn(_) | Demand::Nothing => {}
        }
        match (demand, (*self.interface).config().max_sessions()) {
            (Demand::LogIn(login), Some(limit)) if login.authenticated_at.is_none() => {
                Box::pin(self.log_in_within(login, limit)).await
            }
            (demand, _) => self.save_now(demand).await,
        }
    }

    async fn end_at_logout(&self, except_of: Option<&str>) -> Result<(), Error> {
        let ends = self.at_logout.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match ends.and_then(|ends| ends.upgrade()) {
            Some(ends) => ends.end(except_of.map(Into::into)).await,
            None => Ok(()),
        }
    }

    async fn log_in_within(&self, mut login: LoginDemand, limit: usize) -> Result<Outcome, Error> {
        let (interface, owner) = (&*self.interface, login.owner.clone());
        let before = interface.limit_sessions(&owner, limit).await?;
        login.after = before.first().and_then(OwnedSession::authenticated_at);
        let outcome = self.save_now(Demand::LogIn(login)).await?;
        if outcome == Outcome::Dropped {
            return Ok(outcome);
        }
        let sessions = interface.limit_sessions(&owner, limit).await?;
        let details = self.cell.read(|state| state.data.details.clone());
        let own = details.with_owner(Some(&owner)).handle();
        if own.is_none_or(|own| sessions.iter().any(|session| session.handle() == own)) {
            return Ok(outcome);
        }
        let message = "later logins of the owner have ended this session, \
                       because they exceeded the maximum number of sessions";
        Err(Error::new(ErrorKind::Conflict, message))
    }
}
