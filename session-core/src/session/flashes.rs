//! Flash messages: stored by one request and shown by the next.

use super::Session;
use super::changes::Change;
use super::flash_cookie::FlashAction;
use super::state::State;
use crate::error::Error;
use crate::flask::flash::{self, Flash};
use crate::flask::{self, Tuple};

/// Flash messages, in Flask's format.
impl Session {
    /// Stores a message of category `message` for the next page. The message stays until a request
    /// [takes](Self::take_flashes) it or the session ends.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`insert`](Self::insert).
    pub fn flash(&self, message: impl serde::Serialize) -> Result<(), Error> {
        self.flash_in(flash::DEFAULT_CATEGORY, message)
    }

    /// Stores a message of a category for the next page. The message is text, a
    /// [`Markup`](crate::flask::Markup) or any other value.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`insert`](Self::insert).
    pub fn flash_in(&self, category: &str, message: impl serde::Serialize) -> Result<(), Error> {
        let entry = Tuple::new((category, message));
        // The message is inside the list of messages.
        let entry = flask::encode_inside(1, &entry).map_err(flash::not_a_flash)?;
        self.write(|state| state.record(Change::Flash { entry: entry.into() }))
    }

    /// Removes and returns all flash messages, oldest first. The list is empty if there are none. A
    /// second call in the same request returns the same list, even in another thread.
    ///
    /// The call also returns messages of this request that were flashed before the first call.
    /// Later messages stay for the next page. Two concurrent requests may both return a message.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) if the stored value is not a list. If there is
    /// a message to remove, also returns the errors of [`insert`](Self::insert).
    pub fn take_flashes(&self) -> Result<Vec<Flash>, Error> {
        let taken = self.read(|state| match &state.taken_flashes {
            None if !state.has_flashes() => Some(Vec::new()),
            taken => taken.clone(),
        });
        match taken {
            Some(taken) => Ok(taken),
            None => self.write(State::take_flashes),
        }
    }

    /// Removes all flash messages and returns the messages of these categories, oldest first. As in
    /// Flask, another call in the same request can return the messages of other categories.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`take_flashes`](Self::take_flashes).
    pub fn take_flashes_in(&self, categories: &[&str]) -> Result<Vec<Flash>, Error> {
        let mut flashes = self.take_flashes()?;
        flashes.retain(|flash| categories.contains(&flash.category()));
        Ok(flashes)
    }
}

impl State {
    fn take_flashes(&mut self) -> Result<Vec<Flash>, Error> {
        if let Some(taken) = &self.taken_flashes {
            return Ok(taken.clone());
        }
        let stored = match self.data.values().get(flash::KEY) {
            Some(list) => parsed(list)?,
            None => Vec::new(),
        };
        if !stored.is_empty() || self.data.values().contains_key(flash::KEY) {
            self.record(Change::TakeFlashes { taken: stored.clone() })?;
        }
        // The messages in the cookie were flashed first. A signed list is well-formed.
        let mut taken = Vec::new();
        if let Some(list) = self.flash_cookie.messages.take() {
            taken.extend(parsed(&list)?);
            self.flash_cookie.action = FlashAction::Remove;
        }
        taken.extend(stored);
        self.taken_flashes = Some(taken.clone());
        Ok(taken)
    }

    fn has_flashes(&self) -> bool {
        self.flash_cookie.messages.is_some() || self.data.values().contains_key(flash::KEY)
    }
}

fn parsed(list: &str) -> Result<Vec<Flash>, Error> {
    Ok(flash::parse(list)?.into_iter().map(|(_, flash)| flash).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::flask::Markup;
    use crate::interface::{Opened, state_of};

    fn session(payload: &str) -> Session {
        Opened::from_payload(payload).unwrap().into_session()
    }

    fn payload(session: &Session) -> String {
        state_of(session).payload()
    }

    #[test]
    fn messages_have_flasks_format() {
        let session = session("{}");
        session.flash("Hello").unwrap();
        session.flash_in("warning", Markup::from("<em>x</em>")).unwrap();
        assert_eq!(
            payload(&session),
            r#"{"_flashes":[{" t":["message","Hello"]},{" t":["warning",{" m":"<em>x</em>"}]}]}"#
        );
    }

    #[test]
    fn taking_empties_session_once() {
        let session = session(r#"{"_flashes":[["info","a"],{" t":["message",3]},7]}"#);
        let texts = |flashes: Vec<Flash>| flashes.iter().map(Flash::text).collect::<Vec<_>>();
        assert_eq!(texts(session.take_flashes().unwrap()), ["a", "3"]);
        session.flash("later").unwrap();
        assert_eq!(texts(session.take_flashes().unwrap()), ["a", "3"]);
        assert_eq!(payload(&session), r#"{"_flashes":[{" t":["message","later"]}]}"#);
    }

    #[test]
    fn two_threads_take_each_message_once() {
        const THREADS: usize = 2;
        for _ in 0..5000 {
            let session = session(r#"{"_flashes":[["info","a"],["info","b"]]}"#);
            let barrier = std::sync::Barrier::new(THREADS);
            let taken = std::thread::scope(|scope| {
                let take = || {
                    barrier.wait();
                    session.take_flashes().unwrap()
                };
                let threads: [_; THREADS] = std::array::from_fn(|_| scope.spawn(take));
                threads.map(|thread| thread.join().unwrap())
            });
            for taken in taken {
                assert_eq!(taken.iter().map(Flash::text).collect::<Vec<_>>(), ["a", "b"]);
            }
            // The replay does not remove an equal message of a concurrent request.
            let newer = r#"{"_flashes":[["info","a"],["info","b"],["info","a"]]}"#;
            let replayed = state_of(&session).changes().replay(newer).unwrap();
            assert_eq!(replayed, r#"{"_flashes":[["info","a"]]}"#);
        }
    }

    /// The second call represents a thread that found the messages before the first call removed
    /// them.
    #[test]
    fn thread_that_was_overtaken_takes_each_message_once() {
        let session = session(r#"{"_flashes":[["info","a"],["info","b"]]}"#);
        session.take_flashes().unwrap();
        let taken = session.write(State::take_flashes).unwrap();
        assert_eq!(taken.iter().map(Flash::text).collect::<Vec<_>>(), ["a", "b"]);
        let newer = r#"{"_flashes":[["info","a"],["info","b"],["info","a"]]}"#;
        let replayed = state_of(&session).changes().replay(newer).unwrap();
        assert_eq!(replayed, r#"{"_flashes":[["info","a"]]}"#);
    }

    #[test]
    fn category_that_is_not_text_is_its_json() {
        let list = r#"[{" t":[3,"a"]},{" t":[null,"b"]},[{" t":["x",1]},"c"],["3","d"]]"#;
        let session = session(&format!(r#"{{"_flashes":{list}}}"#));
        let flashes = session.take_flashes().unwrap();
        let categories: Vec<_> = flashes.iter().map(Flash::category).collect();
        assert_eq!(categories, ["3", "null", r#"["x",1]"#, "3"]);
        assert_eq!(session.take_flashes_in(&["null"]).unwrap()[0].text(), "b");
        // Only the messages that were taken are removed, although two categories look alike.
        let newer = r#"{"_flashes":[["3","a"],{" t":[3,"a"]},[true,{" t":[1]}]]}"#;
        let replayed = state_of(&session).changes().replay(newer).unwrap();
        assert_eq!(replayed, r#"{"_flashes":[["3","a"],[true,{" t":[1]}]]}"#);
    }

    #[test]
    fn unreadable_message_does_not_hide_others() {
        let session = session(r#"{"_flashes":[["info",NaN],["info","\ud800"],["info","a"]]}"#);
        assert_eq!(session.take_flashes().unwrap()[0].text(), "a");
        assert!(session.is_empty());
    }

    #[test]
    fn taking_nothing_changes_nothing() {
        let session = session(r#"{"a":1}"#);
        assert!(session.take_flashes().unwrap().is_empty());
        assert!(!session.is_modified());
    }

    #[test]
    fn stored_flashes_other_than_list_fail() {
        let session = session(r#"{"_flashes":{"a":1},"b":2}"#);
        assert_eq!(session.take_flashes().unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(session.flash("x").unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(session.get::<u8>("b").unwrap(), Some(2));
    }

    #[test]
    fn text_of_tagged_value_is_its_ordinary_json() {
        let session = session("{}");
        session.flash(crate::flask::Uuid::from([7; 16])).unwrap();
        session.flash(vec![1, 2]).unwrap();
        let flashes = session.take_flashes().unwrap();
        assert_eq!(flashes[0].text(), "07070707070707070707070707070707");
        assert_eq!(flashes[1].text(), "[1,2]");
    }
}
