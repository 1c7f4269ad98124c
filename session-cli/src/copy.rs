//! The command `copy`, which moves all sessions to another store.

use std::process::ExitCode;

use session_core::SessionConfig;
use session_core::events::{Event, Events, StoreCall};

use crate::arguments::Copy;
use crate::failure::Failure;
use crate::output::{self, Row};
use crate::progress::Progress;
use crate::store;

pub(crate) async fn run(options: &Copy, json: bool) -> Result<ExitCode, Failure> {
    let target = options.target();
    if store::is_same(&options.store, &target)? {
        return Err(Failure::usage("the old and the new store are the same; change one of them"));
    }
    let old = store::open(&options.store, SessionConfig::default()).await?;
    let progress = Progress::new("sessions copied");
    let new = store::open(&target, counted(progress.clone())?).await?;
    let (mut moved, mut unread) = (0, 0);
    // Requests may rotate a session in the old store during a pass.
    loop {
        let pass = old.all().move_to(&new).await?;
        moved += pass.moved;
        unread = pass.unread.max(unread);
        if pass.moved == 0 {
            break;
        }
    }
    drop((new, progress));
    let row = Row::new().value("moved", moved);
    output::item(if unread == 0 { row } else { row.value("of_a_newer_build", unread) }, json)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a configuration that counts the created records.
fn counted(progress: Progress) -> Result<SessionConfig, Failure> {
    let events = Events::new(move |event: &Event<'_>| {
        if let Event::StoreCallEnded { call: StoreCall::Create, error: None, .. } = event {
            progress.add(1);
        }
    });
    Ok(SessionConfig::builder().events(events).build()?)
}
