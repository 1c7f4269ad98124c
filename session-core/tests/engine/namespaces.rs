//! Sessions of several interfaces that share a store.

use crate::support::{App, UNKNOWN, log_in, read, write_user};

#[tokio::test]
async fn cookie_of_other_namespace_opens_nothing() {
    let users = App::new();
    let cookie = users.begin(log_in).await;
    let admins = users.reconfigured(|config| config.cookie_name("admin"));
    assert!(admins.peek(&cookie).await.is_new());

    let before = users.store.records().len();
    let response = admins.request(&cookie, write_user).await;
    assert_ne!(response.cookie().unwrap(), cookie);
    assert_eq!(users.store.records().len(), before + 1);
    assert_eq!(admins.request(UNKNOWN, read).await.cookie(), None);
    assert!(!users.peek(&cookie).await.is_new());
}

#[tokio::test]
async fn renamed_cookie_with_same_namespace_opens_session() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    for (name, namespace) in [("__Host-session", None), ("id", Some("session"))] {
        let renamed = app.reconfigured(|config| {
            let config = config.cookie_name(name);
            namespace.into_iter().fold(config, session_core::SessionConfigBuilder::namespace)
        });
        assert!(!renamed.peek(&cookie).await.is_new(), "{name}");
    }
    let other = app.reconfigured(|config| config.namespace("shop"));
    assert!(other.peek(&cookie).await.is_new());
}

#[test]
fn namespace_is_cookie_name_without_prefix() {
    let namespace = |name: &str| {
        let config = session_core::SessionConfig::builder().cookie_name(name).build().unwrap();
        config.namespace().to_owned()
    };
    for name in ["id", "__Host-id", "__host-id", "__Secure-id", "__Http-id", "__Host-Http-id"] {
        assert_eq!(namespace(name), "id");
    }
}
