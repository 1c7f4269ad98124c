//! The command `count`, which prints the number of sessions.

use std::process::ExitCode;

use session_core::SessionConfig;
use session_core::interface::SessionPage;

use crate::arguments::Count;
use crate::failure::Failure;
use crate::output::{self, Row};
use crate::progress::Progress;
use crate::store::{self, Sessions};

pub(crate) async fn run(options: &Count, json: bool) -> Result<ExitCode, Failure> {
    let sessions = store::open(&options.store, SessionConfig::default()).await?;
    let row = if options.exact {
        exact(&sessions).await?
    } else {
        Row::new().value("records", sessions.all().count_records().await?)
    };
    output::item(row, json)?;
    Ok(ExitCode::SUCCESS)
}

async fn exact(sessions: &Sessions) -> Result<Row, Failure> {
    let progress = Progress::new("sessions");
    let (mut users, mut visitors, mut unread, mut after) = (0_u64, 0_u64, 0, None::<String>);
    loop {
        let page = sessions.all().page(after.as_deref(), SessionPage::LIMIT).await?;
        let of_users = page.sessions.iter().filter(|session| session.owner().is_some()).count();
        users += of_users as u64;
        visitors += (page.sessions.len() - of_users) as u64;
        unread += page.unread;
        progress.add(page.sessions.len() as u64);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let row = Row::new().value("sessions", users + visitors);
    let row = row.value("of_users", users).value("of_visitors", visitors);
    Ok(if unread == 0 { row } else { row.value("of_a_newer_build", unread) })
}
