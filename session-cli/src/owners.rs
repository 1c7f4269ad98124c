//! The commands `list`, `show` and `end` for the sessions of one user or all users.

use std::process::ExitCode;
use std::time::SystemTime;

use session_core::admin::Selection;
use session_core::events::{Event, Events};
use session_core::interface::SessionPage;
use session_core::{Error, OwnedSession, OwnerSessions as _, SessionConfig};

use crate::arguments::{End, List, Show};
use crate::decode::contents;
use crate::failure::{Failure, NOT_FOUND};
use crate::output::{self, Row, Table};
use crate::progress::Progress;
use crate::store::{self, Sessions};

/// The widths of a handle and of a time.
const HANDLE: usize = 22;
const TIME: usize = 20;

pub(crate) async fn list(options: &List, json: bool) -> Result<ExitCode, Failure> {
    let sessions = store::open(&options.store, SessionConfig::default()).await?;
    let found = match &options.owner {
        Some(owner) => list_of(&sessions, owner, json).await?,
        None => list_all(&sessions, json).await?,
    };
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(NOT_FOUND) })
}

/// Prints each page as it is read, because an owner may have many sessions.
async fn list_of(sessions: &Sessions, owner: &str, json: bool) -> Result<bool, Failure> {
    let mut pages = sessions.pages_of(owner).await?;
    let columns = [("handle", HANDLE), ("created", TIME), ("last_seen", TIME), ("logged_in", TIME)];
    let mut table = Table::start(&[&columns[..], &[("label", 0)]].concat(), json)?;
    while let Some(page) = pages.next().await? {
        for session in &page {
            table.add(row(session))?;
        }
    }
    table.end()
}

async fn list_all(sessions: &Sessions, json: bool) -> Result<bool, Failure> {
    let columns = [("handle", HANDLE), ("created", TIME), ("last_seen", TIME), ("expires", TIME)];
    let mut table = Table::start(&[&columns[..], &[("owner", 0)]].concat(), json)?;
    let (mut after, mut unread) = (None::<String>, 0);
    loop {
        let page = sessions.all().page(after.as_deref(), SessionPage::LIMIT).await?;
        for session in &page.sessions {
            let row = row(session.details()).time("expires", Some(session.expires_at()));
            table.add(match session.owner() {
                Some(owner) => row.text("owner", owner),
                None => row,
            })?;
        }
        unread += page.unread;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if unread > 0 {
        eprintln!("session-cli: {unread} records of a newer build are not listed");
    }
    table.end()
}

fn row(session: &OwnedSession) -> Row {
    let row = Row::new()
        .text("handle", session.handle())
        .time("created", Some(session.created_at()))
        .time("last_seen", Some(session.last_seen()))
        .time("logged_in", session.authenticated_at());
    match session.label() {
        Some(label) => row.text("label", label),
        None => row,
    }
}

pub(crate) async fn show(options: &Show, json: bool) -> Result<ExitCode, Failure> {
    let sessions = store::open(&options.store, SessionConfig::default()).await?;
    let found = sessions.session_of(&options.owner, &options.handle).await?;
    let Some(session) = found else {
        output::item(Row::new().value("found", false), json)?;
        return Ok(ExitCode::from(NOT_FOUND));
    };
    let row = Row::new().time("expires", session.details().expires_at());
    output::item(contents(row, &session, options.values)?, json)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn end(options: &End, json: bool) -> Result<ExitCode, Failure> {
    let progress = Progress::new("ended");
    let ended = progress.clone();
    let events = Events::new(move |event: &Event<'_>| {
        if let Event::Ended { .. } = event {
            ended.add(1);
        }
    });
    let config = SessionConfig::builder().events(events).build()?;
    let sessions = store::open(&options.store, config).await?;
    let result = end_selected(options, &sessions).await;
    drop((sessions, progress));
    let ended = result?;
    output::item(Row::new().value("ended", ended), json)?;
    let found = ended > 0 || options.handle.is_none();
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(NOT_FOUND) })
}

async fn end_selected(options: &End, sessions: &Sessions) -> Result<u64, Error> {
    let now = SystemTime::now();
    let before = |duration| now.checked_sub(duration).unwrap_or(SystemTime::UNIX_EPOCH);
    let selection = match (&options.owner, &options.handle, options.older_than, options.idle_for) {
        (Some(owner), Some(handle), ..) => return sessions.end(owner, handle).await.map(u64::from),
        (Some(owner), None, ..) => return Ok(sessions.end_all(owner).await? as u64),
        (None, _, Some(duration), _) => Selection::CreatedBefore(before(duration)),
        (None, _, None, Some(duration)) => Selection::NotSeenSince(before(duration)),
        (None, ..) => Selection::All,
    };
    sessions.all().end(selection).await
}
