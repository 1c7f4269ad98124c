//! The sessions of the layers around one request. Layers with the same cookie share a session.

use std::any::TypeId;

use smallvec::SmallVec;

use super::session::RequestSession;

/// The sessions of the layers around one request. An adapter stores it in the extensions of the
/// request, so that its extractor finds the session.
///
/// # Examples
///
/// Two layers for the same cookie share a session. The outer layer commits it:
///
/// ```
/// use session_core::interface::NullSessions;
/// use session_core::request::{RequestSession, RequestView, SessionStack};
///
/// struct Admin;
/// let session = || RequestSession::new(NullSessions::new("no key"), RequestView::default());
///
/// let mut stack = SessionStack::default();
/// assert!(stack.push::<()>(session()).is_some());
/// assert!(stack.push::<()>(session()).is_none());
/// assert!(stack.get::<()>().is_some() && stack.get::<Admin>().is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct SessionStack {
    /// The outermost first.
    layers: SmallVec<[Layer; 1]>,
}

#[derive(Clone, Debug)]
struct Layer {
    session: RequestSession,
    marker: TypeId,
}

impl SessionStack {
    /// Adds the session of a layer with this marker type. Returns the session that the layer must
    /// commit. Returns `None` if an outer layer has a session with the same cookie name or the same
    /// header of the token. Both layers then use that session, and the outer layer commits it.
    pub fn push<M: 'static>(&mut self, session: RequestSession) -> Option<RequestSession> {
        let same_token = |layer: &&Layer| layer.session.has_same_token(&session);
        let shared = self.layers.iter().rfind(same_token).map(|layer| layer.session.clone());
        let commit = if shared.is_some() { None } else { Some(session.clone()) };
        self.layers.push(Layer { session: shared.unwrap_or(session), marker: TypeId::of::<M>() });
        commit
    }

    /// Returns the session of the innermost layer with this marker type.
    pub fn get<M: 'static>(&self) -> Option<RequestSession> {
        let layer = self.layers.iter().rfind(|layer| layer.marker == TypeId::of::<M>())?;
        Some(layer.session.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SessionConfig;
    use crate::error::Error;
    use crate::interface::{OpenContext, Opened, Save, Saved, SessionInterface};
    use crate::request_view::RequestView;
    use async_trait::async_trait;

    struct Admin;

    #[derive(Debug)]
    struct Forgetful(SessionConfig);

    #[async_trait]
    impl SessionInterface for Forgetful {
        fn config(&self) -> &SessionConfig {
            &self.0
        }

        async fn open(&self, _: &OpenContext<'_>) -> Result<Opened, Error> {
            Ok(Opened::new())
        }

        async fn save(&self, _: &Save<'_>) -> Result<Saved, Error> {
            Ok(Saved::unchanged())
        }
    }

    fn session(cookie_name: &'static str) -> RequestSession {
        let config = SessionConfig::builder().cookie_name(cookie_name).build().unwrap();
        RequestSession::new(Forgetful(config), RequestView::default())
    }

    #[test]
    fn same_cookie_layers_share_session_across_other_layer() {
        let mut layers = SessionStack::default();
        let commits = [
            layers.push::<()>(session("session")),
            layers.push::<Admin>(session("admin")),
            layers.push::<()>(session("session")),
        ];
        assert_eq!(commits.map(|commit| commit.is_some()), [true, true, false]);
        assert_eq!(layers.get::<Admin>().unwrap().cookie_name(), "admin");
        assert_eq!(layers.get::<()>().unwrap().cookie_name(), "session");
    }

    #[test]
    fn marker_names_innermost_layer() {
        let mut layers = SessionStack::default();
        layers.push::<()>(session("outer"));
        layers.push::<()>(session("inner"));
        assert_eq!(layers.get::<()>().unwrap().cookie_name(), "inner");
    }
}
