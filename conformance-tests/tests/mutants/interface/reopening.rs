//! Mutants of the rules of a session that is opened again after the response.

use session_conformance::interface::InterfaceUnderTest;
use session_cookie::SignedCookieSessions;
use session_core::interface::{OpenContext, Opened, Save, Saved};
use session_core::{Error, ErrorKind, SessionConfig, SessionInterface, async_trait};

use super::mutation::{mutants, mutation};
use super::signed::{SECRET, signed};
use crate::judge::Mutant;

mutants! {
    RefusesChangesAfterTheResponse breaks change_of_reopened_session_is_stored;
    LosesChangesAfterTheResponse breaks change_of_reopened_session_is_stored;
    RefusesLogoutsAfterTheResponse breaks logout_of_reopened_session_ends_it;
}

fn committed<T>() -> Result<T, Error> {
    Err(Error::new(ErrorKind::Committed, "the response has been sent"))
}

mutation! {
    RefusesChangesAfterTheResponse;
    fn instead(&self, save: &Save<'_>) -> Result<Option<Saved>, Error> {
        if save.is_detached() && save.is_modified() && !save.ends() { committed() } else { Ok(None) }
    }
}

mutation! {
    LosesChangesAfterTheResponse;
    fn instead(&self, save: &Save<'_>) -> Result<Option<Saved>, Error> {
        let is_lost = save.is_detached() && save.backend_state::<super::original::Origin>().is_some();
        Ok((is_lost && !save.ends()).then(Saved::unchanged))
    }
}

mutation! {
    RefusesLogoutsAfterTheResponse;
    fn instead(&self, save: &Save<'_>) -> Result<Option<Saved>, Error> {
        if save.is_detached() && save.ends() { committed() } else { Ok(None) }
    }
}

pub fn on_client() -> Vec<Mutant<InterfaceUnderTest>> {
    vec![Mutant::new("IgnoresChangesOfReopenedCookies", "reopened_cookie_can_only_be_read", || {
        InterfaceUnderTest::new(|config| async move { IgnoresDetached(signed(config, SECRET)) })
    })]
}

/// Loses the changes of a session that is opened again after the response.
#[derive(Debug)]
struct IgnoresDetached(SignedCookieSessions);

#[async_trait]
impl SessionInterface for IgnoresDetached {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let opened = self.0.open(context).await?;
        Ok(if opened.is_new() { opened } else { opened.with_backend_state(()) })
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        if save.is_detached() && save.backend_state::<()>().is_some() {
            return Ok(Saved::unchanged());
        }
        self.0.save(save).await
    }
}
