//! Runs the steps of a request, and records their results.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use session_core::request::RequestSession;
use session_core::{Error, ErrorKind, Outcome, OwnerSessions as _, Session};

use crate::faults::Fault;
use crate::log::{Change, Cookie, Log, Opening, OwnerCall, Response, Save, Span};
use crate::stage::Stage;
use crate::steps::{OWNER, Request, Step};
use crate::world::{Engine, open, store_key, tags};

/// A request in progress.
pub(crate) struct Runner {
    pub(crate) index: usize,
    pub(crate) engine: Engine,
    pub(crate) stage: Stage,
    pub(crate) logs: Rc<RefCell<Vec<Log>>>,
    pub(crate) cookie: Option<String>,
    pub(crate) other: Option<String>,
    pub(crate) handle: String,
    pub(crate) fault: Option<Fault>,
}

impl Runner {
    pub(crate) async fn run(mut self, steps: Request) {
        if let Some(Step::Await(other)) = steps.first() {
            self.receive(*other).await;
        }
        self.log(|log| log.sent.clone_from(&self.cookie));
        let request = open(&self.engine, self.cookie.as_deref().unwrap_or_default());
        // An error ends the handler. The client receives an error response.
        if let Err(error) = self.handle(&request, steps).await {
            let response =
                Response { cookie: Cookie::None, error: Some(error.kind()), is_dead: false };
            self.log(|log| log.response.get_or_insert(response).clone());
        }
    }

    async fn handle(&self, request: &RequestSession, steps: Request) -> Result<(), Error> {
        let mut session = None;
        for (position, step) in steps.iter().enumerate() {
            match step {
                Step::Await(_) => {}
                Step::EndAll | Step::EndHandle | Step::List | Step::OtherEndsOthers => {
                    self.call_for_owner(*step, None).await;
                }
                _ => {
                    if session.is_none() {
                        session = Some(self.open(request).await?);
                    }
                    let current = session.as_ref().unwrap();
                    match step {
                        Step::EndOthers => self.call_for_owner(*step, Some(current)).await,
                        Step::Save => self.save(current).await,
                        Step::LogIn(_) | Step::End => {
                            self.change(*step, position, current)?;
                            self.save_by(current, *step).await;
                        }
                        Step::SaveTwice => {
                            both(self.save(current), self.save(current)).await;
                        }
                        Step::SaveAndUpdate => {
                            let update = async { self.change(*step, position, current) };
                            both(self.save(current), update).await?;
                        }
                        Step::Reopen => session = Some(self.reopen(request, current).await?),
                        _ => self.change(*step, position, current)?,
                    }
                }
            }
        }
        if self.log(|log| log.response.is_none()) {
            self.commit(request, session.as_ref()).await;
        }
        Ok(())
    }

    fn log<R>(&self, write: impl FnOnce(&mut Log) -> R) -> R {
        write(&mut self.logs.borrow_mut()[self.index])
    }

    /// Waits for another response, or for its request to be cut.
    async fn receive(&mut self, other: usize) {
        let fault = self.fault.filter(|fault| fault.request == other && fault.kind.cuts());
        let response = poll_fn(|_| {
            let response = self.logs.borrow()[other].response.clone();
            let is_cut = fault.is_some() && self.stage.is_faulted();
            if response.is_some() || is_cut { Poll::Ready(response) } else { Poll::Pending }
        });
        match response.await.map(|response| response.cookie) {
            Some(Cookie::Set(cookie)) => self.cookie = Some(cookie),
            Some(Cookie::Removed) => self.cookie = None,
            Some(Cookie::None) | None => {}
        }
        self.log(|log| log.awaited = Some(other));
    }

    async fn open(&self, request: &RequestSession) -> Result<Session, Error> {
        let session = request.session().await?;
        let is_first = session.contains_key("base");
        self.log(|log| log.opened = Some(Opening { is_new: session.is_new(), is_first }));
        Ok(session)
    }

    fn change(&self, step: Step, position: usize, session: &Session) -> Result<(), Error> {
        let tag = u64::try_from(100 * (self.index + 1) + position).unwrap();
        let mut taken = Vec::new();
        match step {
            Step::Write(key) => session.insert(key, tag)?,
            Step::Remove(key) => drop(session.discard(key)?),
            Step::Update | Step::SaveAndUpdate => {
                session.update("updates", move |tags: Option<Vec<u64>>| {
                    let mut tags = tags.unwrap_or_default();
                    tags.push(tag);
                    Some(tags)
                })?;
            }
            Step::Flash => session.flash(tag)?,
            Step::Take => taken = tags(&session.take_flashes()?),
            Step::Label => session.set_label(&tag.to_string())?,
            Step::Permanent(permanent) => session.set_permanent(permanent)?,
            Step::Lifetime => session.set_lifetime(Duration::from_secs(tag))?,
            Step::Rotate => session.rotate_id()?,
            _ => drop(session.contains_key("base")),
        }
        if step.is_change() {
            self.log(|log| {
                let reopened = log.response.is_some();
                log.changes.push(Change { step, tag, taken, reopened });
            });
        }
        Ok(())
    }

    /// Records the start of a save, and returns its position.
    fn begin_save(&self, is_commit: bool) -> usize {
        let span = Span { began: self.stage.now(), ended: None };
        self.stage.begin_operation();
        self.log(|log| {
            let (changes, reopened) = (log.changes.len(), log.response.is_some());
            let (result, outcome, is_first) = (None, None, false);
            log.saves.push(Save { span, changes, result, outcome, is_first, is_commit, reopened });
            log.saves.len() - 1
        })
    }

    fn end_save(&self, save: usize, result: Result<Outcome, ErrorKind>, session: &Session) {
        self.stage.end_operation();
        self.log(|log| {
            let save = &mut log.saves[save];
            save.span.ended = Some(self.stage.now());
            save.result = Some(result);
            save.outcome = session.outcome();
            save.is_first = session.contains_key("base");
        });
    }

    async fn save(&self, session: &Session) {
        self.save_by(session, Step::Save).await;
    }

    /// Saves the session by this step.
    async fn save_by(&self, session: &Session, step: Step) {
        let number = self.begin_save(false);
        let result = {
            let mut save = pin!(call(session, step));
            poll_fn(|context| match save.as_mut().poll(context) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if self.drops_save() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            })
            .await
        };
        match result {
            Some(result) => self.end_save(number, result.map_err(|error| error.kind()), session),
            None => self.stage.end_operation(),
        }
    }

    /// Returns whether the future of a manual save is dropped now.
    fn drops_save(&self) -> bool {
        let drops = self.fault.is_some_and(|fault| {
            fault.kind.drops_a_save()
                && fault.request == self.index
                && fault.calls == self.stage.calls(self.index)
        });
        let drops = drops && !self.stage.is_faulted();
        if drops {
            self.stage.set_faulted();
        }
        drops
    }

    async fn commit(&self, request: &RequestSession, session: Option<&Session>) {
        let number = session.map(|_| self.begin_save(true));
        let committed = request.commit().await;
        let error = committed.error.map(|error| error.kind());
        if let (Some(number), Some(session)) = (number, session) {
            let outcome = session.outcome().unwrap_or(Outcome::Unchanged);
            self.end_save(number, error.map_or(Ok(outcome), Err), session);
        }
        let cookie = Cookie::of(&committed.headers);
        // No other request steps between the last store call and this.
        let is_dead = match &cookie {
            Cookie::Set(cookie) => {
                self.stage.records(|records| records.session(&store_key(cookie)).is_none())
            }
            _ => false,
        };
        self.log(|log| log.response = Some(Response { cookie, error, is_dead }));
    }

    async fn reopen(&self, request: &RequestSession, session: &Session) -> Result<Session, Error> {
        self.commit(request, Some(session)).await;
        let session = session.reopen().await?;
        self.log(|log| log.reopened = Some(!session.is_new()));
        Ok(session)
    }

    async fn call_for_owner(&self, step: Step, session: Option<&Session>) {
        let span = Span { began: self.stage.now(), ended: None };
        let number = self.log(|log| {
            log.owner_calls.push(OwnerCall { step, span, result: None, found: true, listed: 0 });
            log.owner_calls.len() - 1
        });
        let (mut found, mut listed) = (true, 0);
        let result = self.owner_step(step, session, &mut found, &mut listed).await;
        self.log(|log| {
            let call = &mut log.owner_calls[number];
            call.span.ended = Some(self.stage.now());
            call.result = Some(result.map_err(|error| error.kind()));
            (call.found, call.listed) = (found, listed);
        });
    }

    async fn owner_step(
        &self,
        step: Step,
        session: Option<&Session>,
        found: &mut bool,
        listed: &mut usize,
    ) -> Result<(), Error> {
        match (step, &self.other) {
            (Step::List, _) => {
                let sessions = self.engine.page(OWNER, None, 100).await?.sessions;
                *listed = sessions.iter().filter(|one| one.handle() == self.handle).count();
            }
            (Step::EndHandle, _) => drop(self.engine.end(OWNER, &self.handle).await?),
            (Step::EndOthers, _) => {
                let session = session.expect("a step of the session itself");
                *found = session.owner().is_some();
                self.engine.end_others(session).await?;
            }
            (Step::OtherEndsOthers, Some(other)) => {
                let session = open(&self.engine, other).session().await?;
                *found = session.owner().is_some();
                self.engine.end_others(&session).await?;
            }
            _ => drop(self.engine.end_all(OWNER).await?),
        }
        Ok(())
    }
}

/// The call of a step that saves.
async fn call(session: &Session, step: Step) -> Result<Outcome, Error> {
    match step {
        Step::LogIn(user) => match session.log_in(user, None).await {
            // The sessions of the owner were ended during the login.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let dropped = session.outcome().filter(|outcome| *outcome == Outcome::Dropped);
                dropped.ok_or(error)
            }
            Err(error) => Err(error),
            Ok(()) => Ok(session.outcome().expect("the session was saved")),
        },
        Step::End => session.log_out().await,
        _ => session.save().await,
    }
}

/// Polls two futures alternately, the first one first, and returns the result of the second.
async fn both<T>(first: impl Future<Output = ()>, second: impl Future<Output = T>) -> T {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut is_done, mut result) = (false, None);
    poll_fn(|context| {
        is_done = is_done || first.as_mut().poll(context).is_ready();
        if result.is_none()
            && let Poll::Ready(output) = second.as_mut().poll(context)
        {
            result = Some(output);
        }
        if is_done && result.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    result.expect("the second future is done")
}
