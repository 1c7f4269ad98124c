//! The hooks of the outermost interface, for contexts.

use std::borrow::Cow;

use super::view::SessionView;
use crate::config::SessionConfig;
use crate::cookie::CookieAttributes;
use crate::session::Lifetime;

/// The hooks of the outermost interface. The caller calls each hook as often as documented.
pub(crate) trait HookCalls: Send + Sync {
    fn config(&self) -> &SessionConfig;

    fn lifetime(&self, session: &SessionView<'_>) -> Lifetime;

    fn cookie_attributes(&self, session: &SessionView<'_>) -> Cow<'_, CookieAttributes>;

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool;
}
