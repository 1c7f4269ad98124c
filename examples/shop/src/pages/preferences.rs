//! The visitor's preferences.

use axum::Form;
use axum::response::Redirect;
use maud::{Markup, html};
use session_tower::Error;

use crate::preferences::{Greeting, Preferences, Theme};
use crate::session_keys::PREFERENCES;
use crate::visitor::Visitor;

pub(crate) async fn show(visitor: Visitor) -> Result<Markup, Error> {
    let chosen = visitor.session.get(PREFERENCES)?.unwrap_or_default();
    let content = html! {
        h1 { "Preferences" }
        p { "They are stored in your session. They need no account, and logging out removes them." }
        form.card method="post" action="/preferences" {
            (visitor.token()?)
            fieldset {
                legend { "Theme" }
                @for theme in Theme::ALL {
                    label.choice {
                        input type="radio" name="theme" value=(theme.value()) checked[theme == chosen.theme];
                        span { (theme.label()) }
                    }
                }
            }
            fieldset {
                legend { "Greeting" }
                @for greeting in Greeting::ALL {
                    label.choice {
                        input type="radio" name="greeting" value=(greeting.language())
                            checked[greeting == chosen.greeting];
                        span lang=(greeting.language()) { (greeting.words()) }
                    }
                }
            }
            button { "Save" }
        }
    };
    visitor.page("Preferences", content)
}

pub(crate) async fn change(
    visitor: Visitor,
    Form(chosen): Form<Preferences>,
) -> Result<Redirect, Error> {
    visitor.session.insert(PREFERENCES, chosen)?;
    visitor.session.flash_in("success", "Your preferences are saved.")?;
    Ok(Redirect::to("/preferences"))
}
