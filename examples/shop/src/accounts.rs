//! The accounts of the shop. There is only one account. Its password is in plain text, because the
//! login page shows the password.

use std::borrow::Cow;

use session_core::async_trait;
use session_tower::guard::{UserError, Users};

/// An account that can log in.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    pub(crate) name: &'static str,
    /// In a real shop, this is a column of the user's row. Each new password changes the column. A
    /// session with another stamp ends at its next request.
    pub(crate) stamp: &'static str,
}

/// The account of the demonstration.
pub(crate) const ADA: Account =
    Account { user: "ada", password: "lovelace", name: "Ada", stamp: "1" };

static ACCOUNTS: [Account; 1] = [ADA];

/// Returns the account of this user.
pub(crate) fn find(user: &str) -> Option<&'static Account> {
    ACCOUNTS.iter().find(|account| account.user == user)
}

/// Returns the account of this user if the password is correct.
pub(crate) fn check(user: &str, password: &str) -> Option<&'static Account> {
    find(user).filter(|account| account.password == password)
}

/// The accounts as the guards load them.
pub(crate) struct Accounts;

#[async_trait]
impl Users for Accounts {
    type User = &'static Account;

    async fn load(&self, owner: &str) -> Result<Option<&'static Account>, UserError> {
        Ok(find(owner))
    }

    fn stamp<'a>(&self, account: &'a &'static Account) -> Option<Cow<'a, str>> {
        Some(account.stamp.into())
    }
}
