//! Writes that are applied and whose reply is lost.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use session_core::ErrorKind;
use session_core::store::SessionStore as _;
use session_sql::SqlStore;
use support::load::{Load, in_time};
use support::{migrated_by, new_key, record};
use test_servers::{LostReply, PrivateServer, Proxy, proxy};

const DEADLINE: Duration = Duration::from_secs(1);
const MARK: &[u8] = b"the reply to this is lost";

async fn through(proxy: &Proxy, server: &PrivateServer) -> SqlStore {
    migrated_by(SqlStore::builder().deadline(DEADLINE), &proxy.before(server.url())).await
}

/// Returns how often the server ran a statement with this verb.
fn writes(log: &str, verb: &str) -> usize {
    let ran = |line: &&str| {
        line.contains("LOG:  execute ")
            || line.contains("\tExecute\t")
            || line.contains(" Execute\t")
    };
    log.lines().filter(ran).filter(|line| line.contains(verb)).count()
}

async fn write_with_lost_reply_fails_and_is_applied_once(
    server: PrivateServer,
    log: fn(&PrivateServer) -> String,
) {
    let proxy = proxy(server.port()).await;
    let store = through(&proxy, &server).await;
    for loss in [LostReply::Closes, LostReply::Hangs] {
        let (key, new) = (new_key(), new_key());
        let version = store.create(&key, &record(b"before")).await.unwrap();
        let before = log(&server);
        proxy.lose_replies(MARK, 1, loss);
        let replaced = in_time(DEADLINE, store.replace(&key, version.clone(), &record(MARK))).await;
        assert_eq!(replaced.unwrap_err().kind(), ErrorKind::Unavailable);
        let created = in_time(DEADLINE, store.create(&new, &record(MARK))).await;
        assert_eq!(created.unwrap_err().kind(), ErrorKind::Unavailable);
        proxy.keep_replies();
        for key in [key, new] {
            let read = in_time(DEADLINE, store.load(&key)).await.unwrap().unwrap();
            assert!(read.payload() == MARK && read.version() != version, "{loss:?}");
        }
        let after = log(&server);
        for verb in ["UPDATE", "INSERT"] {
            assert_eq!(writes(&after, verb) - writes(&before, verb), 1, "{loss:?}: {verb}");
        }
    }
    assert_eq!(proxy.lost(), 4);
}

async fn counter_survives_lost_replies(server: PrivateServer, loss: LostReply) {
    let proxy = proxy(server.port()).await;
    let load = Load::start(&through(&proxy, &server).await, DEADLINE).await;
    proxy.lose_replies(b"marks", 10, loss);
    load.until_progress().await;
    proxy.keep_replies();
    load.until_progress().await;
    assert!(
        proxy.lost() >= 4 && load.failed() > 0,
        "{} lost, {} failed",
        proxy.lost(),
        load.failed()
    );
    load.end().await;
}

mod postgres {
    use super::{LostReply, PrivateServer};
    use test_servers::postgres_with;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn write_with_lost_reply_fails_and_is_applied_once() {
        let server = postgres_with(&[("log_statement", "all")]).await;
        super::write_with_lost_reply_fails_and_is_applied_once(server, PrivateServer::log).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn counter_survives_closed_connections() {
        super::counter_survives_lost_replies(postgres_with(&[]).await, LostReply::Closes).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn counter_survives_hanging_connections() {
        super::counter_survives_lost_replies(postgres_with(&[]).await, LostReply::Hangs).await;
    }
}

mod mariadb {
    use super::{LostReply, PrivateServer};
    use test_servers::mysql_with;

    fn log(server: &PrivateServer) -> String {
        let log = std::fs::read(server.folder().join("data/statements")).unwrap();
        String::from_utf8_lossy(&log).into_owned()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn write_with_lost_reply_fails_and_is_applied_once() {
        let server = mysql_with(&[("general_log", "1"), ("general_log_file", "statements")]).await;
        super::write_with_lost_reply_fails_and_is_applied_once(server, log).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn counter_survives_closed_connections() {
        super::counter_survives_lost_replies(mysql_with(&[]).await, LostReply::Closes).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn counter_survives_hanging_connections() {
        super::counter_survives_lost_replies(mysql_with(&[]).await, LostReply::Hangs).await;
    }
}
