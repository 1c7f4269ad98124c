//! What an owner sees and ends, beside everything else that happens.

use session_core::Outcome;

use crate::Verdict;
use crate::requests::{Live, OWNER, Op};

const OWNERS: [&str; 3] = [OWNER, "ada", "eve"];

impl Verdict<'_> {
    pub fn owners_see_and_end_what_is_there(&self, live: &[Live]) {
        // Three that are not disturbed leave behind what two of them leave.
        if self.ops.len() > 2 && !self.is_disturbed {
            return;
        }
        self.lists_show_the_session_once();
        self.the_others_are_ended_and_no_more();
        self.the_lists_are_what_is_alive(live);
        for owner in OWNERS {
            self.world.end_all(owner);
        }
        let left = self.world.stage.sessions_with_an_owner();
        assert_eq!(left, 0, "an owner has sessions after all were ended: {}", self.context);
    }

    fn lists_show_the_session_once(&self) {
        let may_be_gone = self.any(|op| op == Op::Logout || op.ends_the_owners() || op.is_login());
        for (_, response) in self.done().filter(|(op, _)| *op == Op::List) {
            let expected = if may_be_gone { 0..=1 } else { 1..=1 };
            assert!(expected.contains(&response.listed), "listed {} times: {}", response.listed, self.context);
        }
    }

    fn the_others_are_ended_and_no_more(&self) {
        let Some(other) = self.world.other() else { return };
        let kept = self.done().any(|(op, response)| op == Op::KeepThis && response.found);
        if kept || self.any_done(|op| op == Op::EndAll) {
            assert!(!other, "another session outlived the change of the password: {}", self.context);
        } else if !self.any(|op| matches!(op, Op::KeepThis | Op::EndAll)) {
            assert!(other, "who ended the others ended itself: {}", self.context);
        }
        if !self.any(|op| op == Op::Logout || op.ends_the_owners() || op.is_login()) {
            let dropped =
                self.done().any(|(op, done)| op == Op::KeepThis && done.found && done.outcome() == Outcome::Dropped);
            assert!(!dropped, "the session did not outlive its own change of the password: {}", self.context);
        }
    }

    /// Of a response that never came nobody knows the id, and the owner sees the session all the same.
    fn the_lists_are_what_is_alive(&self, live: &[Live]) {
        let mut handles: Vec<String> = OWNERS.into_iter().flat_map(|owner| self.world.handles_of(owner)).collect();
        let listed = handles.len();
        handles.sort();
        handles.dedup();
        assert_eq!(handles.len(), listed, "a session is listed twice: {}", self.context);
        let owned = live.iter().filter(|session| session.owner.is_some()).count();
        let alive = owned + usize::from(self.world.other() == Some(true));
        assert!(listed >= alive, "{listed} listed of {alive}: {}", self.context);
        if !self.is_disturbed || live.iter().any(|session| session.is_first) {
            assert_eq!(listed, alive, "what nobody can open is listed: {}", self.context);
        }
    }
}
