//! The path that hooks see in nested routers.

#![cfg(feature = "axum")]

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use session_core::interface::{Hooked, Hooks};
use session_core::request::RequestView;
use session_tower::{Error, Session, SessionLayer};
use tower::ServiceExt as _;

use crate::support::{settings, signed};

#[derive(Clone, Debug, Default)]
struct Paths(Arc<Mutex<Vec<String>>>);

impl Hooks for Paths {
    fn cookie_name<'a>(&'a self, request: &RequestView, inner: Cow<'a, str>) -> Cow<'a, str> {
        self.0.lock().unwrap().push(request.path().to_owned());
        inner
    }
}

async fn handler(session: Session) -> Result<&'static str, Error> {
    session.insert("seen", true)?;
    Ok("")
}

async fn visit(app: Router, uri: &str) {
    app.oneshot(Request::get(uri).body(Body::empty()).unwrap()).await.unwrap();
}

#[tokio::test]
async fn hooks_below_nest_see_full_path() {
    let paths = Paths::default();
    let layer = SessionLayer::new(Hooked::new(signed(settings()), paths.clone()));
    let leaf = || Router::new().route("/cart", get(handler));
    let apps = [
        Router::new().nest("/shop", leaf().layer(layer.clone())),
        Router::new().nest("/shop", leaf()).layer(layer.clone()),
        Router::new().nest_service("/shop", leaf().layer(layer.clone())),
    ];
    for app in apps {
        visit(app, "/shop/cart?full=1").await;
        assert_eq!(*paths.0.lock().unwrap(), ["/shop/cart"]);
        paths.0.lock().unwrap().clear();
    }
    let inner = Router::new().nest("/shop", leaf().layer(layer));
    visit(Router::new().nest("/de", inner), "/de/shop/cart").await;
    assert_eq!(*paths.0.lock().unwrap(), ["/de/shop/cart"]);
}
