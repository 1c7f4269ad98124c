//! Rules of what a session can hold, and of what a visit leaves as it is.

use session_core::tagged::{Bytes, Tuple, Uuid};
use session_core::{Session, SessionConfig};

use super::InterfaceUnderTest;
use crate::rule::rules;

/// How many keys a session with many has.
const MANY: u64 = 1000;

rules! {
    ($) pub(crate) const CONTENTS, macro __interface_contents, for InterfaceUnderTest;

    /// Flask's tagged values, each an object whose one key begins with a space, come back: bytes, UUIDs, tuples.
    ///
    /// Give no key inside of the payload a meaning of your own, and trim none.
    async fn tagged_values_come_back(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let fill = |session: &Session| {
            session.insert("bytes", Bytes::from(vec![0, 159, 146, 150]))?;
            session.insert("uuid", Uuid::from([7; 16]))?;
            session.insert("tuple", Tuple::new((1, "two")))
        };
        visitor.visit("insert bytes, a UUID and a tuple", fill).await?;
        let bytes = visitor.get::<Bytes>("bytes").await?.map(Bytes::into_vec);
        under_test.equal(Some(vec![0, 159, 146, 150]), bytes)?;
        under_test.equal(Some([7; 16]), visitor.get::<Uuid>("uuid").await?.map(|uuid| *uuid.as_bytes()))?;
        let tuple = visitor.get::<Tuple<(u8, String)>>("tuple").await?.map(Tuple::into_inner);
        under_test.equal(Some((1, "two".to_owned())), tuple)
    }

    /// A session of a thousand small keys comes back with all of them.
    ///
    /// Set no limit of your own. In a cookie such a session exceeds what browsers take, and the configuration of this rule allows that.
    async fn a_thousand_keys_come_back(under_test) {
        let interface = under_test.configured(SessionConfig::builder().max_cookie_size(0)).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let fill = |session: &Session| (0..MANY).try_for_each(|n| session.insert(&format!("k{n}"), n));
        visitor.visit("insert k0 = 0 to k999 = 999", fill).await?;
        let mut right = 0;
        let count = |session: &Session| {
            right = (0..MANY).filter(|n| session.get::<u64>(&format!("k{n}")).is_ok_and(|seen| seen == Some(*n))).count();
            Ok(())
        };
        visitor.visit("count the keys that are there and right", count).await?;
        under_test.equal(1000, right)
    }

    /// What a visit does not touch is written back as it was, byte for byte.
    ///
    /// Do not parse the payload to store it: a reader of numbers as floating point and a column of a JSON type write them anew.
    async fn what_is_not_touched_is_written_back_as_it_was(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor.visit("insert balance = 1.0", |session| session.insert("balance", 1.0)).await?;
        visitor.visit("insert seen = true", |session| session.insert("seen", true)).await?;
        let mut payload = String::new();
        let read = |session: &Session| {
            payload = session.payload();
            Ok(())
        };
        visitor.visit("read the payload", read).await?;
        under_test.equal(r#"{"balance":1.0,"seen":true}"#.to_owned(), payload)
    }

    /// Reading takes nothing away: what was stored is there at every later visit, however many there are.
    ///
    /// Leave what is stored where it is when you open it; a session is no message that is delivered once.
    async fn reading_takes_nothing_away(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor.set(1).await?;
        for _ in 0..40 {
            visitor.expect(Some(1)).await?;
        }
        Ok(())
    }
}
