//! The products of the shop: seeds of plants that flower at night.

use std::fmt;

use crate::art::{Flower, Petal};

/// A product of the shop.
#[derive(Debug)]
pub(crate) struct Product {
    /// The product's name in forms and in the session.
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    pub(crate) latin: &'static str,
    pub(crate) story: &'static str,
    pub(crate) price: Cents,
    pub(crate) flower: Flower,
}

/// An amount of money.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Cents(pub(crate) u32);

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "€{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// Returns the product with this slug.
pub(crate) fn find(slug: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.slug == slug)
}

/// All products, in the order of the product list.
pub(crate) static PRODUCTS: [Product; 6] = [
    Product {
        slug: "moonflower",
        name: "Moonflower",
        latin: "Ipomoea alba",
        story: "Unfurls while you watch, as wide as a saucer, and wilts by breakfast.",
        price: Cents(320),
        flower: Flower {
            petals: 5,
            petal: Petal::Round,
            colour: "#f6f2ff",
            heart: "#cfe3a8",
            sky: ["#241b4b", "#6a4f94"],
        },
    },
    Product {
        slug: "evening-primrose",
        name: "Evening primrose",
        latin: "Oenothera biennis",
        story: "Opens with an audible pop at dusk. Moths set their clocks by it.",
        price: Cents(240),
        flower: Flower {
            petals: 4,
            petal: Petal::Heart,
            colour: "#ffe27a",
            heart: "#d9a21b",
            sky: ["#1d2f54", "#c46a6f"],
        },
    },
    Product {
        slug: "night-phlox",
        name: "Night phlox",
        latin: "Zaluzianskya ovata",
        story: "Tight maroon buds by day; by night a cloud of honey and almonds.",
        price: Cents(290),
        flower: Flower {
            petals: 6,
            petal: Petal::Heart,
            colour: "#ffd9ec",
            heart: "#a33a68",
            sky: ["#1a2340", "#4b6f8f"],
        },
    },
    Product {
        slug: "four-oclock",
        name: "Four o’clock",
        latin: "Mirabilis jalapa",
        story: "Late for lunch, early for supper, and never two colours alike.",
        price: Cents(210),
        flower: Flower {
            petals: 5,
            petal: Petal::Round,
            colour: "#f06fae",
            heart: "#ffd166",
            sky: ["#2b1b3d", "#e08e5f"],
        },
    },
    Product {
        slug: "flowering-tobacco",
        name: "Flowering tobacco",
        latin: "Nicotiana alata",
        story: "Green stars that look asleep until the street lamps come on.",
        price: Cents(260),
        flower: Flower {
            petals: 5,
            petal: Petal::Pointed,
            colour: "#dff5c4",
            heart: "#7fae53",
            sky: ["#10302f", "#4f8a76"],
        },
    },
    Product {
        slug: "queen-of-the-night",
        name: "Queen of the night",
        latin: "Selenicereus grandiflorus",
        story: "One flower, one night a year. Bring a chair and a friend.",
        price: Cents(750),
        flower: Flower {
            petals: 16,
            petal: Petal::Slim,
            colour: "#fffaf0",
            heart: "#f3c969",
            sky: ["#0d1030", "#3d3a7a"],
        },
    },
];
