//! The picture on a seed packet, drawn as SVG.

use maud::{Markup, html};

/// The appearance of a flower, and the sky behind it.
#[derive(Debug)]
pub(crate) struct Flower {
    pub(crate) petals: u16,
    pub(crate) petal: Petal,
    pub(crate) colour: &'static str,
    pub(crate) heart: &'static str,
    /// The colours at the top and at the horizon.
    pub(crate) sky: [&'static str; 2],
}

/// The shape of a petal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Petal {
    Round,
    Heart,
    Pointed,
    Slim,
}

impl Petal {
    /// Returns the outline of a petal that points up from the centre of its flower.
    fn outline(self) -> &'static str {
        match self {
            Self::Round => "M0 0C-34-12-36-50 0-52C36-50 34-12 0 0Z",
            Self::Heart => "M0 0C-28-14-36-52-14-55Q-3-55 0-46Q3-55 14-55C36-52 28-14 0 0Z",
            Self::Pointed => "M0 0C-20-14-18-38 0-60C18-38 20-14 0 0Z",
            Self::Slim => "M0 0C-8-20-8-46 0-64C8-46 8-20 0 0Z",
        }
    }
}

impl Flower {
    /// Draws the flower under the moon. `name` distinguishes the colours of this flower from the
    /// colours of other flowers on the page.
    pub(crate) fn picture(&self, name: &str) -> Markup {
        let sky = format!("sky-{name}");
        html! {
            svg.flower viewBox="0 0 240 180" aria-hidden="true" focusable="false" {
                defs {
                    linearGradient id=(sky) x1="0" y1="0" x2="0" y2="1" {
                        stop offset="0" stop-color=(self.sky[0]) {}
                        stop offset="1" stop-color=(self.sky[1]) {}
                    }
                }
                rect width="240" height="180" fill={ "url(#" (sky) ")" } {}
                path d="M196 20A17 17 0 1 0 212 45A15 15 0 0 1 196 20Z" fill="#fff1c9" {}
                @for (x, y) in [(24, 30), (52, 62), (70, 22), (160, 20), (214, 84), (30, 104), (176, 66)] {
                    circle cx=(x) cy=(y) r="1.3" fill="#fff" opacity="0.7" {}
                }
                path d="M0 160Q60 146 120 158T240 152V180H0Z" fill="#12241f" {}
                path d="M120 84Q116 130 120 176" fill="none" stroke="#4f7d4a" stroke-width="5" {}
                path d="M119 142C96 140 82 126 78 110C100 110 114 122 119 142Z" fill="#5f9256" {}
                path d="M119 156C140 154 156 142 162 126C140 126 124 138 119 156Z" fill="#4f7d4a" {}
                g transform="translate(120 80)" { (self.bloom()) }
            }
        }
    }

    fn bloom(&self) -> Markup {
        html! {
            @for petal in 0..self.petals {
                path d=(self.petal.outline()) fill=(self.colour) stroke=(self.heart) stroke-opacity="0.45"
                    transform={ "rotate(" (petal * 360 / self.petals) ")" } {}
            }
            @for petal in 0..self.petals {
                path d="M0-8V-34" stroke=(self.heart) stroke-width="1.5" stroke-linecap="round" opacity="0.6"
                    transform={ "rotate(" (petal * 360 / self.petals) ")" } {}
            }
            circle r="9" fill=(self.heart) {}
        }
    }
}
