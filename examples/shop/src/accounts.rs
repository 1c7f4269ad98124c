//! The accounts. There is one, and its password is in plain text because the login page shows it.

/// An account that can log in.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    pub(crate) name: &'static str,
}

/// The account of the demonstration.
pub(crate) const ADA: Account = Account { user: "ada", password: "lovelace", name: "Ada" };

static ACCOUNTS: [Account; 1] = [ADA];

/// Returns the account of this user.
pub(crate) fn find(user: &str) -> Option<&'static Account> {
    ACCOUNTS.iter().find(|account| account.user == user)
}

/// Returns the account of this user if the password is correct.
pub(crate) fn check(user: &str, password: &str) -> Option<&'static Account> {
    find(user).filter(|account| account.password == password)
}
