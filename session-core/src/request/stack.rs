//! The sessions of the layers around one request. Layers with the same cookie share a session.

use std::any::TypeId;
use std::sync::Arc;

use smallvec::SmallVec;

use super::session::RequestSession;

/// The sessions of the layers around one request. An adapter stores the stack in the extensions of
/// the request, so that its extractor finds the session.
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
    /// token header. Both layers then use that session, and the outer layer commits it.
    ///
    /// If the commit of an outer layer fails, the headers of this layer include the headers of the
    /// committed inner layers. Without these headers, the client would lose the inner sessions.
    pub fn push<M: 'static>(&mut self, session: RequestSession) -> Option<RequestSession> {
        let same_token = |layer: &&Layer| layer.session.has_same_token(&session);
        let shared = self.layers.iter().rfind(same_token).map(|layer| layer.session.clone());
        let commit = if shared.is_some() { None } else { Some(session.clone()) };
        if let (Some(inner), Some(outermost)) = (&commit, self.layers.first()) {
            let layers = outermost.session.shared().layers.get_or_init(Arc::default);
            // Only a session that is pushed twice has layers already.
            let _ = inner.shared().layers.set(Arc::clone(layers));
        }
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
    use crate::config::{SessionConfig, SessionConfigBuilder};
    use crate::error::{Error, ErrorKind};
    use crate::interface::{CookieAction, OpenContext, Opened, Save, Saved, SessionInterface};
    use crate::outcome::Outcome;
    use crate::request::headers::SessionHeaders;
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

        async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
            if save.config().namespace() == FAILING {
                return Err(Error::new(ErrorKind::Unavailable, "down"));
            }
            let cookie = CookieAction::Set { value: "new".to_owned(), expires: None };
            Ok(Saved::new(cookie, Outcome::Stored))
        }
    }

    const FAILING: &str = "failing";

    fn session(cookie_name: &'static str) -> RequestSession {
        session_with(cookie_name, |config| config)
    }

    fn session_with(
        cookie_name: &'static str,
        set: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> RequestSession {
        let config = set(SessionConfig::builder().cookie_name(cookie_name)).build().unwrap();
        RequestSession::new(Forgetful(config), RequestView::default())
    }

    /// Returns the names and values of the headers after a change of each session, from the inner
    /// layer to the outer one.
    async fn committed(layers: &[RequestSession]) -> Vec<(Vec<String>, SessionHeaders)> {
        let mut all = Vec::new();
        for layer in layers.iter().rev() {
            layer.session().await.unwrap().insert("a", 1).unwrap();
            let headers = layer.commit().await.headers;
            let field = |(name, value): (&str, &str)| {
                format!("{name}: {}", value.split(';').next().unwrap_or_default())
            };
            all.push((headers.fields().map(field).collect(), headers));
        }
        all
    }

    #[tokio::test]
    async fn error_of_outer_layer_has_headers_of_inner_ones() {
        let layers = [
            session_with("outer", |config| config.namespace(FAILING)),
            session_with("api", |config| config.token_header("x-token")),
            session_with("middle", |config| config.namespace(FAILING)),
            session("inner"),
        ];
        let mut stack = SessionStack::default();
        for layer in &layers {
            assert!(stack.push::<()>(layer.clone()).is_some());
        }
        let mut all = committed(&layers).await;
        let fields: Vec<_> = all.iter().map(|(fields, _)| fields.clone()).collect();
        let (inner, both) =
            (vec!["set-cookie: inner=new"], ["set-cookie: inner=new", "x-token: new"]);
        assert_eq!(fields, [inner.clone(), inner, vec!["x-token: new"], both.to_vec()]);

        let closed_to_cookies = [&b"no-cache=\"set-cookie\""[..]];
        assert_eq!(all[1].1.cache_control([]), Some("no-store"));
        assert_eq!(all[1].1.cache_control(closed_to_cookies), None);
        assert_eq!(all[3].1.cache_control(closed_to_cookies), Some("no-store"));
        let taken: Vec<_> = all[3].1.take_fields().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(taken, ["set-cookie", "x-token"]);
    }

    #[tokio::test]
    async fn success_of_outer_layer_has_own_headers() {
        let layers = [session("outer"), session("inner")];
        let mut stack = SessionStack::default();
        for layer in &layers {
            stack.push::<()>(layer.clone());
        }
        let all = committed(&layers).await;
        let fields: Vec<_> = all.into_iter().map(|(fields, _)| fields).collect();
        assert_eq!(fields, [["set-cookie: inner=new"], ["set-cookie: outer=new"]]);
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
