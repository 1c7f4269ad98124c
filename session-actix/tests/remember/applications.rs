//! One application in axum and in actix-web.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::init_service;
use actix_web::{App, HttpResponse, web};
use axum::Router;
use axum::routing::{get, post};
use session_core::config::SecretKey;
use session_core::guard::{Guards, UserError, Users};
use session_core::remember::RememberMe;
use session_core::request::{RequestSession, RequestView};
use session_core::store::{
    NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version,
};
use session_core::{
    Error, ManualClock, OwnerSessions, ServerSideSessions, SessionConfig, async_trait,
};
use session_memory::MemoryStore;

use super::support::clock;

/// Runs a scenario, a function of a client and its world, on each adapter.
#[macro_export]
macro_rules! on_every_application {
    ($scenario:ident) => {
        println!("axum");
        let world = $crate::applications::World::new();
        $scenario(&mut $crate::applications::in_axum(&world), &world).await;
        println!("actix-web");
        let world = $crate::applications::World::new();
        $scenario(&mut *$crate::applications::in_actix(&world).await, &world).await;
    };
}

type Sessions = ServerSideSessions<Counting>;

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) sessions: Arc<Sessions>,
    settings: RememberMe,
    guards: Guards<Stamp>,
    stamp: Stamp,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = clock();
        let config = SessionConfig::builder().clock(clock.clone()).cookie_secure(false);
        let sessions = ServerSideSessions::new(Counting::default(), config.build().unwrap());
        let sessions = Arc::new(sessions);
        let key = SecretKey::generate().unwrap();
        let settings = RememberMe::new(Arc::clone(&sessions), &key).unwrap();
        let stamp = Stamp(Arc::new(Mutex::new("1".to_owned())));
        Self { clock, sessions, settings, guards: Guards::new(stamp.clone()), stamp }
    }

    pub(crate) fn set_stamp(&self, stamp: &str) {
        stamp.clone_into(&mut self.stamp.0.lock().unwrap());
    }

    pub(crate) fn take_calls(&self) -> usize {
        self.sessions.store().calls.swap(0, Ordering::SeqCst)
    }

    /// Logs in with another browser, and returns the handle of its session.
    pub(crate) async fn other_browser_of(&self, owner: &str) -> String {
        let request = RequestSession::new(Arc::clone(&self.sessions), RequestView::default());
        let session = request.session().await.unwrap();
        session.log_in(owner, Some("1")).await.unwrap();
        request.commit().await.into_result().unwrap();
        self.sessions.handle_of(&session).unwrap()
    }

    pub(crate) async fn store_is_empty(&self) -> bool {
        self.sessions.store().keys_of("ada").await.unwrap().is_empty()
    }
}

/// The stamp of every user.
#[derive(Clone)]
pub(crate) struct Stamp(Arc<Mutex<String>>);

#[async_trait]
impl Users for Stamp {
    type User = String;

    async fn load(&self, owner: &str) -> Result<Option<String>, UserError> {
        Ok(Some(owner.to_owned()))
    }

    fn stamp<'a>(&self, _: &'a String) -> Option<Cow<'a, str>> {
        Some(self.0.lock().unwrap().clone().into())
    }
}

pub(crate) fn in_axum(world: &World) -> session_tower::testing::TestClient<Router> {
    use session_tower::guard::{CurrentUser, GuardLayer};
    use session_tower::remember::{Remember, RememberLayer};
    use session_tower::{Error, Session, SessionLayer};

    async fn log_in(session: Session, owner: String) -> Result<(), Error> {
        Ok(session.log_in(&owner, Some("1")).await?)
    }
    async fn remember(session: Session, remember: Remember, owner: String) -> Result<(), Error> {
        session.log_in(&owner, Some("1")).await?;
        Ok(remember.start().await?)
    }
    async fn log_out(session: Session) -> Result<(), Error> {
        session.log_out().await?;
        Ok(())
    }
    let clock = world.clock.clone();
    let recent = async move |session: Session| is_recent(&session, &clock).to_string();
    let guarded = async |user: CurrentUser<String>| user.0;
    let app = Router::new()
        .route("/guarded", get(guarded).layer(GuardLayer::new(world.guards.login_required())))
        .route("/login", post(log_in))
        .route("/switch", post(log_in))
        .route("/remember", post(remember))
        .route("/logout", post(log_out))
        .route("/user", get(async |session: Session| session.owner().unwrap_or_default()))
        .route("/recent", get(recent))
        .layer(RememberLayer::new(world.settings.clone()))
        .layer(SessionLayer::new(Arc::clone(&world.sessions)));
    session_tower::testing::TestClient::new(app, Arc::clone(&world.sessions))
}

pub(crate) async fn in_actix(
    world: &World,
) -> session_actix::testing::TestClient<
    impl Service<
        actix_http::Request,
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
    > + use<>,
> {
    use session_actix::guard::{CurrentUser, GuardMiddleware};
    use session_actix::remember::{Remember, RememberMiddleware};
    use session_actix::{Error, Session, SessionMiddleware};

    async fn log_in(session: Session, owner: String) -> Result<HttpResponse, Error> {
        session.log_in(&owner, Some("1")).await?;
        Ok(HttpResponse::Ok().finish())
    }
    async fn remember(
        session: Session,
        remember: Remember,
        owner: String,
    ) -> Result<HttpResponse, Error> {
        session.log_in(&owner, Some("1")).await?;
        remember.start().await?;
        Ok(HttpResponse::Ok().finish())
    }
    async fn log_out(session: Session) -> Result<HttpResponse, Error> {
        session.log_out().await?;
        Ok(HttpResponse::Ok().finish())
    }
    let clock = world.clock.clone();
    let recent =
        move |session: Session| std::future::ready(is_recent(&session, &clock).to_string());
    let guarded = async |user: CurrentUser<String>| user.0;
    let guard = GuardMiddleware::new(world.guards.login_required());
    let app = App::new()
        .wrap(RememberMiddleware::new(world.settings.clone()))
        .wrap(SessionMiddleware::new(Arc::clone(&world.sessions)))
        .service(web::resource("/guarded").wrap(guard).to(guarded))
        .route("/login", web::post().to(log_in))
        .route("/switch", web::post().to(log_in))
        .route("/remember", web::post().to(remember))
        .route("/logout", web::post().to(log_out))
        .route("/user", web::get().to(async |session: Session| session.owner().unwrap_or_default()))
        .route("/recent", web::get().to(recent));
    session_actix::testing::TestClient::new(init_service(app).await, Arc::clone(&world.sessions))
}

fn is_recent(session: &session_core::Session, clock: &ManualClock) -> bool {
    use session_core::Clock as _;
    let age = session.authenticated_at().map(|at| clock.now().duration_since(at));
    age.is_some_and(|age| age.unwrap_or_default() < Duration::from_secs(24 * 365 * 3600))
}

#[derive(Debug, Default)]
pub(crate) struct Counting {
    inner: MemoryStore,
    calls: AtomicUsize,
}

impl Counting {
    fn counted(&self) -> &MemoryStore {
        self.calls.fetch_add(1, Ordering::SeqCst);
        &self.inner
    }
}

#[async_trait]
impl SessionStore for Counting {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.counted().load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.counted().create(key, record).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.counted().replace(key, expected, record).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.counted().touch(key, expected, expires_at).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.counted().remove(key, expected).await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for Counting {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        self.counted().keys_of(owner).await
    }
}
