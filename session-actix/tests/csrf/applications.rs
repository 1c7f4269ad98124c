//! One application in axum and in actix-web, with sessions in memory and in a signed cookie.

use std::sync::Arc;

use session_cookie::SignedCookieSessions;
use session_core::config::SecretKey;
use session_core::csrf::CsrfConfig;
use session_core::{ManualClock, SessionConfig, SessionInterface};
use session_memory::{MemorySessions, MemoryStore};

use super::support::{clock, key};

/// Runs a scenario, a function of a client and a clock, on each adapter with each backend.
#[macro_export]
macro_rules! on_every_application {
    ($scenario:ident) => {
        $crate::on_every_application!($scenario, |config| config)
    };
    ($scenario:ident, $settings:expr) => {
        for backend in $crate::applications::BACKENDS {
            let config: session_core::csrf::CsrfConfigBuilder =
                $settings($crate::applications::config());
            let config = config.build().unwrap();
            println!("axum, {}", backend.0);
            let (clock, sessions) = $crate::applications::sessions(backend);
            $scenario(&mut $crate::in_axum::client(&config, sessions), &clock).await;
            println!("actix-web, {}", backend.0);
            let (clock, sessions) = $crate::applications::sessions(backend);
            $scenario(&mut *$crate::in_actix::client(&config, sessions).await, &clock).await;
        }
    };
}

pub(crate) type Sessions = Arc<dyn SessionInterface>;
pub(crate) type Backend = (&'static str, fn(SessionConfig) -> Sessions);

pub(crate) const BACKENDS: [Backend; 2] = [
    ("memory", |config| Arc::new(MemorySessions::new(MemoryStore::new(), config))),
    ("signed cookie", |config| Arc::new(SignedCookieSessions::new(config, &key()).unwrap())),
];

pub(crate) fn config() -> session_core::csrf::CsrfConfigBuilder {
    CsrfConfig::builder(&SecretKey::new("a-key-for-csrf-0123456789abcdefg").unwrap())
        .trusted_origin("https://partner.example")
        .exempt("/hooks/{id}")
        .exempt("/verify")
        .body_limit(1000)
}

pub(crate) fn sessions(backend: Backend) -> (ManualClock, Sessions) {
    let clock = clock();
    let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
    (clock, backend.1(config))
}
