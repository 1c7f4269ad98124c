//! The cart, which has the quantity of each product. It is stored in the session under
//! [`CART`](crate::session_keys::CART).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::{Cents, PRODUCTS, Product};

/// The maximum quantity of one product.
const LIMIT: u8 = 99;

/// The quantities of products, by slug.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Cart(BTreeMap<String, u8>);

/// The change that a button makes to the cart.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    /// Adds one item, from the product list.
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
    /// Returns the cart after a change, or `None` if it is empty.
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

    /// Returns the contents in the order of the product list, without products that the shop no
    /// longer sells.
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
    fn cart_counts_from_zero_to_limit() {
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
