//! The sessions of the layers around one request: two layers of the same cookie share one.

use std::any::TypeId;

use smallvec::SmallVec;

use crate::RequestSession;

/// What an adapter keeps beside each request, so that its extractor finds the session, and a layer within another one that
/// layer's.
///
/// ```
/// use session_core::{NullSessions, RequestSession, RequestView, SessionLayers};
///
/// struct Admin;
/// let session = || RequestSession::new(NullSessions::new("no key"), RequestView::default());
///
/// let mut layers = SessionLayers::default();
/// assert!(layers.enter::<()>(session()).is_some());
/// assert!(layers.enter::<()>(session()).is_none()); // the outer layer has this cookie, and commits
/// assert!(layers.get::<()>().is_some() && layers.get::<Admin>().is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct SessionLayers {
    /// The outermost first.
    layers: SmallVec<[Layer; 1]>,
}

#[derive(Clone, Debug)]
struct Layer {
    session: RequestSession,
    marker: TypeId,
}

impl SessionLayers {
    /// The request comes to a layer with this marker type, which made this session for it. Gives the session that the layer
    /// has to commit; `None` if a layer around it has a session of the same cookie name, which both then hand out and that
    /// layer commits.
    ///
    /// ```
    /// # use session_core::{NullSessions, RequestSession, RequestView, SessionLayers};
    /// let session = RequestSession::new(NullSessions::new("no key"), RequestView::default());
    /// let commit = SessionLayers::default().enter::<()>(session);
    /// assert!(commit.is_some());
    /// ```
    pub fn enter<M: 'static>(&mut self, session: RequestSession) -> Option<RequestSession> {
        let same_cookie = |layer: &&Layer| layer.session.cookie_name() == session.cookie_name();
        let shared = self.layers.iter().rfind(same_cookie).map(|layer| layer.session.clone());
        let commit = if shared.is_some() { None } else { Some(session.clone()) };
        self.layers.push(Layer { session: shared.unwrap_or(session), marker: TypeId::of::<M>() });
        commit
    }

    /// The session of the innermost layer with this marker type.
    ///
    /// ```
    /// # use session_core::SessionLayers;
    /// assert!(SessionLayers::default().get::<()>().is_none());
    /// ```
    pub fn get<M: 'static>(&self) -> Option<RequestSession> {
        let layer = self.layers.iter().rfind(|layer| layer.marker == TypeId::of::<M>())?;
        Some(layer.session.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        CookieAction, Error, OpenContext, RequestView, SaveContext, Session, SessionConfig, SessionInterface,
        async_trait,
    };

    struct Admin;

    #[derive(Debug)]
    struct Forgetful(SessionConfig);

    #[async_trait]
    impl SessionInterface for Forgetful {
        fn config(&self) -> &SessionConfig {
            &self.0
        }

        async fn open(&self, _: &OpenContext<'_>) -> Result<Session, Error> {
            Ok(Session::new())
        }

        async fn save(&self, _: &Session, _: &SaveContext<'_>) -> Result<CookieAction, Error> {
            Ok(CookieAction::Keep)
        }
    }

    fn session(cookie_name: &'static str) -> RequestSession {
        let config = SessionConfig::builder().cookie_name(cookie_name).build().unwrap();
        RequestSession::new(Forgetful(config), RequestView::default())
    }

    #[test]
    fn a_layer_of_another_cookie_between_two_of_the_same_does_not_part_them() {
        let mut layers = SessionLayers::default();
        let commits = [
            layers.enter::<()>(session("session")),
            layers.enter::<Admin>(session("admin")),
            layers.enter::<()>(session("session")),
        ];
        assert_eq!(commits.map(|commit| commit.is_some()), [true, true, false]);
        assert_eq!(layers.get::<Admin>().unwrap().cookie_name(), "admin");
        assert_eq!(layers.get::<()>().unwrap().cookie_name(), "session");
    }

    #[test]
    fn of_one_marker_the_innermost_layer_counts() {
        let mut layers = SessionLayers::default();
        layers.enter::<()>(session("outer"));
        layers.enter::<()>(session("inner"));
        assert_eq!(layers.get::<()>().unwrap().cookie_name(), "inner");
    }
}
