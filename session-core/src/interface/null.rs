//! The interface of an application without a key or a backend.

use std::borrow::Cow;

use async_trait::async_trait;

use super::contract::SessionInterface;
use super::open::OpenContext;
use super::opened::Opened;
use super::save::Save;
use super::saved::Saved;
use crate::config::SessionConfig;
use crate::error::Error;

/// An interface that opens [null sessions](Opened::null). An application without a key or a backend
/// starts and serves pages that need no session. The error of the first change names the missing
/// setting.
#[derive(Clone, Debug)]
pub struct NullSessions {
    config: SessionConfig,
    reason: Cow<'static, str>,
}

impl NullSessions {
    /// Returns an interface whose sessions refuse changes with this message.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { config: SessionConfig::default(), reason: reason.into() }
    }
}

#[async_trait]
impl SessionInterface for NullSessions {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, _: &OpenContext<'_>) -> Result<Opened, Error> {
        Ok(Opened::null(self.reason.clone()))
    }

    async fn save(&self, _: &Save<'_>) -> Result<Saved, Error> {
        Ok(Saved::unchanged())
    }
}
