//! A reported logout holds, even if its request fails afterwards.

use std::borrow::Cow;
use std::future::pending;
use std::sync::Arc;

use session_core::interface::{Hooked, Hooks, SessionView};
use session_core::request::RequestView;
use session_core::{
    CookieAttributes, Outcome, ServerSideSessions, Session, SessionConfig, SessionInterface,
};
use tokio::sync::Notify;

use crate::backends::{Adapter, Handler, Server, handler, request, storing, visit};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum After {
    HandlerPanics,
    ClientDisconnects,
    HookPanics,
    HookReturnsUnusableAttributes,
}

impl After {
    const ALL: [Self; 4] = [
        Self::HandlerPanics,
        Self::ClientDisconnects,
        Self::HookPanics,
        Self::HookReturnsUnusableAttributes,
    ];
}

impl Hooks for After {
    fn cookie_attributes<'a>(
        &'a self,
        _: &RequestView,
        _: &SessionView<'_>,
        inner: Cow<'a, CookieAttributes>,
    ) -> Cow<'a, CookieAttributes> {
        match self {
            Self::HookPanics => panic!("the hook panics on purpose"),
            Self::HookReturnsUnusableAttributes => {
                // The name of the cookie forbids a domain.
                Cow::Owned(CookieAttributes::builder().domain("example.com").build().unwrap())
            }
            _ => inner,
        }
    }
}

/// The login and logout of an application.
struct Login {
    begin: Handler,
    end: Handler,
    /// Whether the requests must end as badly as planned. A mutant may call no hook.
    is_real: bool,
}

fn login() -> Login {
    let begin = async |session: Session| {
        session.insert("user", "ada")?;
        session.log_in("ada", None).await.map(|()| String::new())
    };
    let end = async |session: Session| {
        assert_eq!(session.log_out().await?, Outcome::Stored);
        Ok(String::new())
    };
    Login { begin: handler(begin), end: handler(end), is_real: true }
}

/// Returns whether the cookie opens nothing after the logout.
async fn holds(adapter: Adapter, server: Server, after: After, login: &Login) -> bool {
    let config = SessionConfig::builder().cookie_name("__Host-session").build().unwrap();
    let store = server.store().await;
    let sessions = || ServerSideSessions::new(Arc::clone(&store), config.clone());
    let plain: Arc<dyn SessionInterface> = Arc::new(sessions());
    let value = visit(&plain, b"", &login.begin).await.unwrap().unwrap();
    let cookie = format!("__Host-session={value}");

    let (done, end) = (Arc::new(Notify::new()), Arc::clone(&login.end));
    let reported = Arc::clone(&done);
    let page = handler(move |session| {
        let (done, end) = (Arc::clone(&done), Arc::clone(&end));
        async move {
            end(session).await?;
            match after {
                After::HandlerPanics => panic!("the handler panics on purpose"),
                After::ClientDisconnects => {
                    done.notify_one();
                    pending().await
                }
                _ => Ok(String::new()),
            }
        }
    });
    let hooked: Arc<dyn SessionInterface> = Arc::new(Hooked::new(sessions(), after));
    let header = cookie.clone();
    let sent = actix_web::rt::spawn(async move {
        tokio::select! {
            response = adapter.send(hooked, page, header.as_bytes()) => Some(response.status),
            () = reported.notified() => None,
        }
    });
    let status = sent.await.ok();
    let expected = match after {
        After::HandlerPanics | After::HookPanics => None,
        After::ClientDisconnects => Some(None),
        After::HookReturnsUnusableAttributes => Some(Some(500)),
    };
    assert!(!login.is_real || status == expected, "{after:?} {status:?}");
    let session = request(&plain, cookie.as_bytes()).session().await.unwrap();
    session.is_new() && session.owner().is_none() && session.is_empty()
}

#[actix_web::test]
async fn logout_holds_on_every_store_and_adapter() {
    for server in Server::ALL {
        for (adapter, after) in
            Adapter::ALL.into_iter().flat_map(|adapter| After::ALL.map(|after| (adapter, after)))
        {
            let holds = holds(adapter, server, after, &login()).await;
            assert!(holds, "{server:?} {adapter:?} {after:?}");
        }
    }
}

/// Ends the session only when the response is ready.
fn mutant_of_logout_at_commit() -> Login {
    let end = async |session: Session| session.clear().map(|()| String::new());
    Login { begin: storing("user", "ada"), end: handler(end), is_real: false }
}

/// Removes the user from the session, as many applications do.
fn mutant_of_logout_by_removal() -> Login {
    let begin = async |session: Session| {
        session.insert("theme", "dark")?;
        session.insert("user", "ada").map(|()| String::new())
    };
    let end = async |session: Session| session.discard("user").map(|_| String::new());
    Login { begin: handler(begin), end: handler(end), is_real: false }
}

#[actix_web::test]
async fn logout_saved_with_response_is_found() {
    for adapter in Adapter::ALL {
        for after in After::ALL {
            let removal = mutant_of_logout_by_removal();
            assert!(!holds(adapter, Server::Memory, after, &removal).await, "{after:?}");
        }
        for after in [After::HandlerPanics, After::ClientDisconnects] {
            let late = mutant_of_logout_at_commit();
            assert!(!holds(adapter, Server::Memory, after, &late).await, "{after:?}");
        }
    }
}
