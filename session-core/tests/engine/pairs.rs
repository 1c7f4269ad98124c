//! Every ordered pair of the methods of a session: no record is orphaned, and a logout ends the
//! session.

use std::collections::BTreeSet;
use std::pin::Pin;

use session_core::{Error, Session};

use crate::store::store_key;
use crate::support::{App, log_in};

type Run = for<'a> fn(&'a Session) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// A method, and one call of it.
struct Method {
    name: &'static str,
    run: Run,
}

macro_rules! methods {
    ($($name:ident: |$session:ident| $call:expr;)+) => {
        vec![$(Method {
            name: stringify!($name),
            run: |$session| Box::pin(async move { $call.map(drop) }),
        }),+]
    };
}

fn methods() -> Vec<Method> {
    methods! {
        get: |session| session.get::<u64>("n");
        insert: |session| session.insert("n", 2);
        remove: |session| session.remove::<u64>("n");
        discard: |session| session.discard("n");
        get_or_insert: |session| session.get_or_insert("m", 3_u64);
        update: |session| session.update("n", |n: Option<u64>| n.map(|n| n + 1));
        contains_key: |session| Ok::<_, Error>(session.contains_key("n"));
        keys: |session| Ok::<_, Error>(session.keys());
        is_empty: |session| Ok::<_, Error>(session.is_empty());
        clear: |session| session.clear();
        is_permanent: |session| Ok::<_, Error>(session.is_permanent());
        set_permanent: |session| session.set_permanent(true);
        set_lifetime: |session| session.set_lifetime(std::time::Duration::from_secs(3600));
        is_new: |session| Ok::<_, Error>(session.is_new());
        is_modified: |session| Ok::<_, Error>(session.is_modified());
        set_modified: |session| session.set_modified(true);
        set_modified: |session| session.set_modified(false);
        is_committed: |session| Ok::<_, Error>(session.is_committed());
        is_anonymous: |session| Ok::<_, Error>(session.is_anonymous());
        owner: |session| Ok::<_, Error>(session.owner());
        authenticated_at: |session| Ok::<_, Error>(session.authenticated_at());
        log_in: |session| session.log_in("eve", None).await;
        rotate_id: |session| session.rotate_id();
        log_out: |session| session.log_out().await;
        set_label: |session| session.set_label("Firefox");
        outcome: |session| Ok::<_, Error>(session.outcome());
        details: |session| Ok::<_, Error>(session.details());
        save: |session| session.save().await;
        reopen: |session| session.reopen().await;
        reopen: |session| change_reopened(session).await;
        flash: |session| session.flash("saved");
        flash_in: |session| session.flash_in("error", "wrong");
        take_flashes: |session| session.take_flashes();
        take_flashes_in: |session| session.take_flashes_in(&["error"]);
    }
}

async fn change_reopened(session: &Session) -> Result<(), Error> {
    let reopened = session.reopen().await?;
    reopened.insert("reopened", 1)?;
    reopened.save().await.map(drop)
}

#[test]
fn methods_lists_every_public_method_of_session() {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/session");
    let mut public = BTreeSet::new();
    for file in std::fs::read_dir(sources).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for block in text.split("\nimpl Session {").skip(1) {
            let block = block.split("\n}\n").next().unwrap();
            let functions = block.split("    pub ").skip(1).filter_map(|function| {
                let function = function.strip_prefix("async ").unwrap_or(function);
                function.strip_prefix("fn ")?.split(['<', '(']).next()
            });
            public.extend(functions.map(str::to_owned));
        }
    }
    let listed: BTreeSet<_> = methods().iter().map(|method| method.name.to_owned()).collect();
    assert_eq!(listed, public);
}

#[tokio::test]
async fn pair_of_methods_orphans_no_record_and_logout_ends_session() {
    let (mut pairs, methods) = (0, methods());
    for with_session in [false, true] {
        for first in &methods {
            for second in &methods {
                check(with_session, first, second).await;
                pairs += 1;
            }
        }
    }
    assert_eq!(pairs, 2 * methods.len() * methods.len());
}

async fn check(with_session: bool, first: &Method, second: &Method) {
    let case = format!("{} then {} (session: {with_session})", first.name, second.name);
    let app = App::new();
    let old = if with_session {
        let begin = |session: &Session| {
            session.insert("n", 1)?;
            session.flash("early")?;
            session.insert("secret", 1)?;
            log_in(session)
        };
        app.begin(begin).await
    } else {
        String::new()
    };
    let request = app.open(&old);
    let session = request.session().await.unwrap();
    let results = [(first.run)(&session).await, (second.run)(&session).await];
    let committed = request.commit().await;
    assert!(committed.error.is_none(), "{case}: {:?}", committed.error);

    let sent = crate::support::cookie(&committed.headers);
    let removed = committed.headers.set_cookie().is_some() && sent.is_none();
    let last = sent.unwrap_or(if removed { String::new() } else { old.clone() });
    let sessions = app.store.records().into_iter().filter(|(_, record)| record.payload()[0] == 1);
    for (key, _) in sessions {
        assert!(!last.is_empty() && key == store_key(&last), "{case}: a record is orphaned");
    }

    let logouts = [first, second].map(|method| method.name == "log_out");
    let logged_out = (logouts[0] && results[0].is_ok()) || (logouts[1] && results[1].is_ok());
    if with_session && logged_out {
        assert!(app.peek(&old).await.is_new(), "{case}: the old cookie opens a session");
        let session = app.peek(&last).await;
        assert!(!session.contains_key("secret"), "{case}: a value survived the logout");
        assert_ne!(session.owner().as_deref(), Some("ada"), "{case}: the owner survived");
    }
}
