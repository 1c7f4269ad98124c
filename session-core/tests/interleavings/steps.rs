//! The steps that requests are composed of.

/// The owner of the session at first, unless it is a visitor's.
pub(crate) const OWNER: &str = "ada";
/// The users that log in.
pub(crate) const OWNERS: [&str; 2] = [OWNER, "eve"];

/// The steps of a request, in order. A commit follows the last step, or precedes `Reopen`.
pub(crate) type Request = &'static [Step];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// Inserts a value that only this step inserts.
    Write(&'static str),
    /// Removes a key.
    Remove(&'static str),
    /// Appends to a list, by `update`.
    Update,
    /// Flashes a message that only this step flashes.
    Flash,
    /// Takes the flash messages.
    Take,
    Label,
    Permanent(bool),
    /// Sets a lifetime that only this step sets.
    Lifetime,
    Rotate,
    /// Logs a user in, and saves.
    LogIn(&'static str),
    /// Ends the session at once: a logout.
    End,
    /// Reads the session.
    Read,
    /// Reads a session whose renewal is due.
    Renew,
    /// Saves before the response.
    Save,
    /// Saves twice at the same time.
    SaveTwice,
    /// Saves, and appends to a list while the save waits.
    SaveAndUpdate,
    /// Commits, and opens the session again.
    Reopen,
    /// Waits for the response of another request, and sends the cookie that the browser then has.
    Await(usize),
    /// Lists the owner's sessions.
    List,
    EndAll,
    /// Ends the session by its handle.
    EndHandle,
    /// Ends the owner's other sessions.
    EndOthers,
    /// Another session of the owner ends all but itself.
    OtherEndsOthers,
}

impl Step {
    /// Returns whether it gives the session a new id.
    pub(crate) fn changes_id(self) -> bool {
        matches!(self, Self::Rotate | Self::LogIn(_))
    }

    pub(crate) fn is_login(self) -> bool {
        matches!(self, Self::LogIn(_))
    }

    /// Returns whether it ends the session while that is the first owner's.
    pub(crate) fn ends_the_owners(self) -> bool {
        matches!(self, Self::EndAll | Self::EndHandle | Self::OtherEndsOthers)
    }

    /// Returns whether it changes the session, and a save stores that.
    pub(crate) fn is_change(self) -> bool {
        self.changes_id()
            || self.sets().is_some()
            || matches!(self, Self::Update | Self::SaveAndUpdate)
            || matches!(self, Self::Flash | Self::Take | Self::End)
    }

    /// Returns the key whose value it replaces; the owner has a name that is not a key.
    pub(crate) fn sets(self) -> Option<&'static str> {
        match self {
            Self::Write(key) | Self::Remove(key) => Some(key),
            Self::Label => Some("_label"),
            Self::Permanent(_) => Some("_permanent"),
            Self::Lifetime => Some("_lifetime"),
            Self::LogIn(_) => Some("(owner)"),
            _ => None,
        }
    }
}
