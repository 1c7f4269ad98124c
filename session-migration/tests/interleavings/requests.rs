//! The requests, and what each of them reports.

use std::cell::RefCell;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use session_core::request::{RequestSession, RequestView};
use session_core::{
    Error, ErrorKind, OutagePolicy, Outcome, OwnerSessions, ServerSideSessions, Session,
    SessionInterface,
};

use crate::databases::Database;
use crate::faults::Fault;
use crate::stage::Stage;

pub(crate) const OWNER: &str = "ada";

/// The action of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// Opens the session, which repairs a move that was broken off.
    Read,
    /// Adds the number of the request to a list.
    Update,
    /// Adds the number of the request in a manual save, which may be dropped, and commits.
    Save,
    Rotate,
    LogIn,
    End,
    /// Reads the session when its renewal is due.
    Renew,
    /// Ends all sessions of the owner.
    EndAll,
    /// Moves all sessions of the old backend, as an administrator does.
    MoveAll,
    /// Adds to the list in a process that has only the old backend.
    OldUpdate,
    /// Ends the session in a process that has only the old backend.
    OldEnd,
}

impl Step {
    pub(crate) fn ends(self) -> bool {
        matches!(self, Self::End | Self::EndAll | Self::OldEnd)
    }

    pub(crate) fn updates(self) -> bool {
        matches!(self, Self::Update | Self::Save | Self::OldUpdate)
    }

    /// Returns whether a process that has only the old backend serves it.
    pub(crate) fn is_old(self) -> bool {
        matches!(self, Self::OldUpdate | Self::OldEnd)
    }
}

/// The report of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// `None` if the request was cut off.
    pub(crate) outcome: Option<Result<Outcome, ErrorKind>>,
    /// The cookie that the response sets.
    pub(crate) cookie: Option<String>,
}

/// A process that serves requests.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) interface: Arc<dyn SessionInterface>,
    pub(crate) owners: Option<Arc<dyn OwnerSessions>>,
    /// The old and the new backend, for an administrator.
    pub(crate) backends: Option<Arc<(ServerSideSessions<Database>, ServerSideSessions<Database>)>>,
}

impl Process {
    pub(crate) fn open(&self, cookie: &str) -> RequestSession {
        let header = format!("session={cookie}");
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        RequestSession::with_shared(Arc::clone(&self.interface), view, OutagePolicy::Refuse)
    }
}

/// Runs a request to its end.
pub(crate) async fn run(
    process: Process,
    request: RequestSession,
    step: Step,
    number: usize,
    faults: (Stage, Option<Fault>),
    logs: Rc<RefCell<Vec<Log>>>,
) {
    let (outcome, cookie) = serve(&process, &request, step, number, &faults).await;
    logs.borrow_mut()[number] =
        Log { outcome: Some(outcome.map_err(|error| error.kind())), cookie };
}

async fn serve(
    process: &Process,
    request: &RequestSession,
    step: Step,
    number: usize,
    faults: &(Stage, Option<Fault>),
) -> (Result<Outcome, Error>, Option<String>) {
    if step == Step::EndAll
        && let Some(owners) = &process.owners
    {
        return (owners.end_all(OWNER).await.map(|_| Outcome::Stored), None);
    }
    if step == Step::MoveAll
        && let Some(backends) = &process.backends
    {
        let moved = backends.0.all().move_to(&backends.1).await;
        return (moved.map(|_| Outcome::Stored), None);
    }
    let session = match request.session().await {
        Ok(session) => session,
        Err(error) => return (Err(error), None),
    };
    let is_gone = session.is_new();
    let saved = act(&session, step, number, (&faults.0, faults.1)).await;
    let committed = request.commit().await;
    let cookie = committed.headers.set_cookie().and_then(|header| {
        let (_, value) = header.split(';').next()?.split_once('=')?;
        (!value.is_empty()).then(|| value.to_owned())
    });
    let outcome = match (saved, committed.error) {
        (Err(error), _) | (Ok(()), Some(error)) => Err(error),
        // It opened another session, and changed nothing of this one.
        (Ok(()), None) if is_gone => Ok(Outcome::Unchanged),
        (Ok(()), None) => Ok(session.outcome().unwrap_or(Outcome::Unchanged)),
    };
    (outcome, cookie)
}

async fn act(
    session: &Session,
    step: Step,
    number: usize,
    faults: (&Stage, Option<Fault>),
) -> Result<(), Error> {
    if session.is_new() {
        return Ok(());
    }
    match step {
        Step::Read | Step::Renew | Step::EndAll | Step::MoveAll => Ok(()),
        Step::Update | Step::OldUpdate => add(session, number),
        Step::Save => {
            add(session, number)?;
            save(session, number, faults).await
        }
        Step::Rotate => session.rotate_id(),
        Step::LogIn => session.log_in(OWNER, None).await,
        Step::End | Step::OldEnd => session.log_out().await.map(drop),
    }
}

fn add(session: &Session, number: usize) -> Result<(), Error> {
    session.update("updates", move |list| {
        let mut list: Vec<usize> = list.unwrap_or_default();
        list.push(number);
        Some(list)
    })
}

/// Saves the session, unless a fault drops the future before.
async fn save(
    session: &Session,
    number: usize,
    (stage, fault): (&Stage, Option<Fault>),
) -> Result<(), Error> {
    let mut saving = pin!(session.save());
    let drops = || {
        fault.is_some_and(|fault| {
            fault.kind.drops_a_save()
                && fault.request == number
                && fault.calls == stage.calls(number)
                && !stage.is_faulted()
        })
    };
    poll_fn(|context| match saving.as_mut().poll(context) {
        Poll::Ready(saved) => Poll::Ready(saved.map(drop)),
        Poll::Pending if drops() => {
            stage.set_faulted();
            Poll::Ready(Ok(()))
        }
        Poll::Pending => Poll::Pending,
    })
    .await
}
