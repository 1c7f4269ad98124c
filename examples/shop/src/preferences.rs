//! The preferences of a visitor: the theme, and the language of the greeting.

use serde::{Deserialize, Serialize};

/// The choices, as stored in the session and sent by the form.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Preferences {
    pub(crate) theme: Theme,
    pub(crate) greeting: Greeting,
}

/// The theme: light, dark, or the setting of the visitor's system.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// Returns the value in the form and in the page.
    pub(crate) fn value(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Auto => "As my system",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

/// The language of the greeting.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Greeting {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "fr")]
    French,
    #[serde(rename = "de")]
    German,
    #[serde(rename = "es")]
    Spanish,
    #[serde(rename = "cy")]
    Welsh,
}

impl Greeting {
    pub(crate) const ALL: [Self; 5] =
        [Self::English, Self::French, Self::German, Self::Spanish, Self::Welsh];

    /// Returns the language tag, which is also the value in the form.
    pub(crate) fn language(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::German => "de",
            Self::Spanish => "es",
            Self::Welsh => "cy",
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::English => "Good evening",
            Self::French => "Bonsoir",
            Self::German => "Guten Abend",
            Self::Spanish => "Buenas noches",
            Self::Welsh => "Noswaith dda",
        }
    }
}
