//! The guards and their decisions.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::next::{Next, login_page};
use super::request::GuardRequest;
use super::users::Users;
use crate::error::{Error, ErrorKind};
use crate::request::RequestSession;
use crate::session::Session;
use crate::store::MAX_CLOCK_SKEW;

/// The guards of an application. Clones share the settings.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use session_core::guard::{Guards, Owners};
///
/// let guards = Guards::new(Owners).login_page("/account/login");
/// let account = guards.login_required();
/// let password = guards.recent_login_required(Duration::from_mins(10));
/// ```
pub struct Guards<U> {
    users: Arc<U>,
    login_page: Arc<str>,
    home_page: Arc<str>,
}

impl<U: Users> Guards<U> {
    /// Returns guards with these users. The login page is `/login`, and the home page is `/`.
    #[must_use]
    pub fn new(users: U) -> Self {
        Self { users: Arc::new(users), login_page: "/login".into(), home_page: "/".into() }
    }

    /// Sets the address of the login page.
    #[must_use]
    pub fn login_page(mut self, page: &str) -> Self {
        self.login_page = page.into();
        self
    }

    /// Sets the address to which [`anonymous_only`](Self::anonymous_only) sends users.
    #[must_use]
    pub fn home_page(mut self, page: &str) -> Self {
        self.home_page = page.into();
        self
    }

    /// Returns a guard that loads the user, if there is one, and admits every request.
    #[must_use]
    pub fn load_user(&self) -> Guard<U> {
        self.guard(Requirement::None)
    }

    /// Returns a guard that requires a login.
    #[must_use]
    pub fn login_required(&self) -> Guard<U> {
        self.guard(Requirement::Login)
    }

    /// Returns a guard that requires a login whose [time](Session::authenticated_at) is at most
    /// `max_age` ago. Use this guard for critical actions, such as a change of the password (OWASP
    /// ASVS 5, 7.5). The login page must let users log in again.
    #[must_use]
    pub fn recent_login_required(&self, max_age: Duration) -> Guard<U> {
        self.guard(Requirement::RecentLogin(max_age))
    }

    /// Returns a guard that requires a user with a [permission](Users::has_permission).
    #[must_use]
    pub fn permission_required(&self, permission: &str) -> Guard<U> {
        self.guard(Requirement::Permission(permission.into()))
    }

    /// Returns a guard that admits only visitors, for example for a registration page. Do not use
    /// this guard for the login page if a [recent login](Self::recent_login_required) is required
    /// anywhere.
    #[must_use]
    pub fn anonymous_only(&self) -> Guard<U> {
        self.guard(Requirement::Anonymous)
    }

    fn guard(&self, requirement: Requirement) -> Guard<U> {
        Guard { guards: self.clone(), requirement }
    }
}

impl<U> Clone for Guards<U> {
    fn clone(&self) -> Self {
        Self {
            users: Arc::clone(&self.users),
            login_page: Arc::clone(&self.login_page),
            home_page: Arc::clone(&self.home_page),
        }
    }
}

impl<U> fmt::Debug for Guards<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guards")
            .field("login_page", &self.login_page)
            .field("home_page", &self.home_page)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
enum Requirement {
    None,
    Login,
    RecentLogin(Duration),
    Permission(Arc<str>),
    Anonymous,
}

/// One guard of [`Guards`], for the layer or middleware of an adapter. Clones share the settings.
pub struct Guard<U> {
    guards: Guards<U>,
    requirement: Requirement,
}

impl<U> Clone for Guard<U> {
    fn clone(&self) -> Self {
        Self { guards: self.guards.clone(), requirement: self.requirement.clone() }
    }
}

impl<U> fmt::Debug for Guard<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("requirement", &self.requirement).finish_non_exhaustive()
    }
}

/// The user of a request, as loaded by a guard.
///
/// An adapter stores this value in the request, so that the next guard does not load the user
/// again.
#[derive(Clone)]
pub struct Loaded<T> {
    user: Option<(Arc<str>, T)>,
}

impl<T> Loaded<T> {
    /// Returns the user, or `None` for a visitor.
    pub fn user(&self) -> Option<&T> {
        self.user.as_ref().map(|(_, user)| user)
    }

    /// Returns the user, or `None` for a visitor.
    pub fn into_user(self) -> Option<T> {
        self.user.map(|(_, user)| user)
    }

    fn owner(&self) -> Option<&str> {
        self.user.as_ref().map(|(owner, _)| &**owner)
    }
}

impl<T> fmt::Debug for Loaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("is_user", &self.user.is_some()).finish_non_exhaustive()
    }
}

/// The response of a guard to a request that it denies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Denied {
    status: u16,
    location: Option<String>,
}

impl Denied {
    /// Returns the HTTP status: 303, 401 or 403.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the `Location` header of a redirect: a path of this application, in ASCII unless the
    /// application has set another page.
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// Returns the body, which is plain text.
    pub fn text(&self) -> &'static str {
        match self.status {
            401 => "Please log in.\n",
            403 => "You are not allowed to do this.\n",
            _ => "",
        }
    }

    /// Returns the response to a request that needs a login and does not open a page.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self { status: 401, location: None }
    }

    fn forbidden() -> Self {
        Self { status: 403, location: None }
    }

    fn redirect(location: String) -> Self {
        Self { status: 303, location: Some(location) }
    }
}

/// The error of a guard that does not admit a request.
#[derive(Debug)]
pub enum GuardError {
    /// The request must not reach the handler.
    Denied(Denied),
    /// The session could not be opened or ended, or the user could not be loaded.
    Session(Error),
}

impl From<Error> for GuardError {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => write!(f, "guard denied the request with {}", denied.status),
            Self::Session(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for GuardError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Denied(_) => None,
            Self::Session(error) => error.source(),
        }
    }
}

impl<U: Users> Guard<U> {
    /// Opens the session of a request, loads its user, and decides whether to admit the request.
    /// `known` is the user whom another guard of the request has loaded.
    ///
    /// # Errors
    ///
    /// [`GuardError::Denied`] if the request must not reach the handler. [`GuardError::Session`] if
    /// the session could not be opened or ended, or if the user could not be loaded. If the user
    /// could not be loaded, the kind of the error is [`ErrorKind::Unavailable`].
    pub async fn check(
        &self,
        request: &GuardRequest,
        session: &RequestSession,
        known: Option<Loaded<U::User>>,
    ) -> Result<Loaded<U::User>, GuardError> {
        let opened = session.session().await?;
        let owner = opened.owner();
        let known = known.filter(|known| known.owner() == owner.as_deref());
        let loaded = match known {
            Some(known) => known,
            None => self.load(&opened).await?,
        };
        let is_recent = |max_age| is_recent(session, &opened, max_age);
        match self.decide(request, loaded.user(), is_recent) {
            None => Ok(loaded),
            Some(denied) => Err(GuardError::Denied(denied)),
        }
    }

    fn decide(
        &self,
        request: &GuardRequest,
        user: Option<&U::User>,
        is_recent: impl Fn(Duration) -> bool,
    ) -> Option<Denied> {
        let has_permission =
            |user, permission: &str| self.guards.users.has_permission(user, permission);
        match (&self.requirement, user) {
            (Requirement::None, _)
            | (Requirement::Login, Some(_))
            | (Requirement::Anonymous, None) => None,
            (Requirement::RecentLogin(max_age), Some(_)) if is_recent(*max_age) => None,
            (Requirement::Permission(permission), Some(user)) => {
                (!has_permission(user, permission)).then(Denied::forbidden)
            }
            (Requirement::Anonymous, Some(_)) => Some(self.send_home(request)),
            (Requirement::Login | Requirement::RecentLogin(_) | Requirement::Permission(_), _) => {
                Some(self.ask_for_login(request))
            }
        }
    }

    fn ask_for_login(&self, request: &GuardRequest) -> Denied {
        if request.is_navigation {
            Denied::redirect(login_page(&self.guards.login_page, &request.target))
        } else {
            Denied::unauthorized()
        }
    }

    fn send_home(&self, request: &GuardRequest) -> Denied {
        if request.is_navigation {
            let next = Next::from_query(request.query());
            Denied::redirect(next.or(&self.guards.home_page).to_owned())
        } else {
            Denied::forbidden()
        }
    }

    /// Loads the user of a session. Ends a session whose stamp is outdated or whose user no longer
    /// exists.
    async fn load(&self, session: &Session) -> Result<Loaded<U::User>, Error> {
        let Some(login) = session.login() else { return Ok(Loaded { user: None }) };
        let users = &self.guards.users;
        let user = users.load(login.owner()).await.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "user of the session could not be loaded")
                .with_source(error)
        })?;
        let is_current = |user: &U::User| {
            users.stamp(user).is_none_or(|current| login.stamp() == Some(&*current))
        };
        let user = user.filter(is_current);
        if user.is_none() {
            session.log_out().await?;
        }
        Ok(Loaded { user: user.map(|user| (login.owner().into(), user)) })
    }
}

/// Returns whether the login is at most this old. A time in the future is accepted up to
/// [`MAX_CLOCK_SKEW`], because the clocks of servers differ.
fn is_recent(request: &RequestSession, session: &Session, max_age: Duration) -> bool {
    let now = request.interface().config().now();
    session.authenticated_at().is_some_and(|at| match now.duration_since(at) {
        Ok(age) => age <= max_age,
        Err(ahead) => ahead.duration() <= MAX_CLOCK_SKEW,
    })
}
