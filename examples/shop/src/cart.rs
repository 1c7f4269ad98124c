//! The cart: how many of which product. It lives in the session under [`CART`](crate::session_keys::CART).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::{Cents, PRODUCTS, Product};

/// The most of one product.
const LIMIT: u8 = 99;

/// Quantities by slug.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Cart(BTreeMap<String, u8>);

/// What a button does to the cart.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    /// One more, from the shelves.
    Add,
    More,
    Less,
    Remove,
}

/// A product in the cart.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) product: &'static Product,
    pub(crate) quantity: u8,
}

impl Line {
    pub(crate) fn price(&self) -> Cents {
        Cents(self.product.price.0 * u32::from(self.quantity))
    }
}

impl Cart {
    /// The cart after a change, or `None` if nothing is left in it.
    pub(crate) fn changed(mut self, product: &Product, change: Change) -> Option<Self> {
        let quantity = self.0.get(product.slug).copied().unwrap_or(0);
        let quantity = match change {
            Change::Add | Change::More => quantity.saturating_add(1).min(LIMIT),
            Change::Less => quantity.saturating_sub(1),
            Change::Remove => 0,
        };
        if quantity == 0 {
            self.0.remove(product.slug);
        } else {
            self.0.insert(product.slug.to_owned(), quantity);
        }
        if self.0.is_empty() { None } else { Some(self) }
    }

    /// What is in it, in the order of the shelves, without what the shop no longer sells.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line> {
        PRODUCTS.iter().filter_map(|product| {
            let quantity = *self.0.get(product.slug)?;
            Some(Line { product, quantity })
        })
    }

    pub(crate) fn count(&self) -> u32 {
        self.lines().map(|line| u32::from(line.quantity)).sum()
    }

    pub(crate) fn total(&self) -> Cents {
        Cents(self.lines().map(|line| line.price().0).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cart_counts_between_nothing_and_its_limit() {
        let product = &PRODUCTS[0];
        let mut cart = Cart::default();
        for _ in 0..120 {
            cart = cart.changed(product, Change::Add).unwrap();
        }
        assert_eq!((cart.count(), cart.total()), (99, Cents(99 * 320)));
        assert_eq!(cart.total().to_string(), "€316.80");
        cart = cart.changed(product, Change::Less).unwrap();
        assert_eq!(cart.count(), 98);
        cart = cart.changed(&PRODUCTS[1], Change::More).unwrap();
        assert_eq!(cart.total(), Cents(98 * 320 + 240));
        cart = cart.changed(product, Change::Remove).unwrap();
        assert!(cart.changed(&PRODUCTS[1], Change::Less).is_none());
    }
}
