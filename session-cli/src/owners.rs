//! `list` and `end`: the sessions of a user.

use std::process::ExitCode;

use session_core::interface::SessionPage;
use session_core::{OwnedSession, SessionConfig};

use crate::arguments::{End, List};
use crate::failure::{Failure, NOT_FOUND};
use crate::output::{self, Row};
use crate::store;

pub(crate) async fn list(options: &List, json: bool) -> Result<ExitCode, Failure> {
    let owners = store::open(&options.store, SessionConfig::default()).await?.owners;
    let (mut rows, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = owners.page(&options.owner, after.as_deref(), SessionPage::LIMIT).await?;
        rows.extend(page.sessions.iter().map(row));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let found = !rows.is_empty();
    output::table(&["handle", "created", "last_seen", "logged_in", "label"], rows, json)?;
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(NOT_FOUND) })
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

pub(crate) async fn end(options: &End, json: bool) -> Result<ExitCode, Failure> {
    let owners = store::open(&options.store, SessionConfig::default()).await?.owners;
    let ended = match &options.handle {
        Some(handle) => usize::from(owners.end(&options.owner, handle).await?),
        None => owners.end_all(&options.owner).await?,
    };
    output::item(Row::new().value("ended", ended), json)?;
    let found = ended > 0 || options.all;
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(NOT_FOUND) })
}
