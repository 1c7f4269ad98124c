//! Rules of the values of a session.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use session_core::flask::{Bytes, Tuple, Uuid};
use session_core::interface::state_of;
use session_core::{Session, SessionConfig};

use crate::harness::interface::InterfaceUnderTest;
use crate::macros::rules;

rules! {
    ($) pub(crate) const VALUES, macro __interface_values, for InterfaceUnderTest;

    /// The next request finds the stored values of every type: text, numbers up to their limits,
    /// booleans, null, lists and maps.
    ///
    /// Store `Contents::payload` unchanged and pass it to `Opened::from_payload`. If your format
    /// differs, convert the payload without loss.
    async fn stored_values_are_read(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor
            .visit("insert every type", |session| {
                session.insert("text", TEXT)?;
                session.insert("numbers", (i64::MIN, u64::MAX, -1, 0.1, 1.5e300))?;
                session.insert("truth", (true, false, None::<u8>))?;
                session.insert("map", BTreeMap::from([("a", vec![1]), ("b", vec![])]))
            })
            .await?;
        under_test.equal(Some(TEXT.to_owned()), visitor.get("text").await?)?;
        under_test.equal(Some((i64::MIN, u64::MAX, -1, 0.1, 1.5e300)), visitor.get("numbers").await?)?;
        under_test.equal(Some((true, false, None::<u8>)), visitor.get("truth").await?)?;
        let map = BTreeMap::from([("a".to_owned(), vec![1]), ("b".to_owned(), vec![])]);
        under_test.equal(Some(map), visitor.get("map").await?)
    }

    /// A session can have many keys, including long keys, the empty key, and keys that resemble the
    /// interface's own keys.
    ///
    /// Return the whole payload. Do not store data of the interface under keys of the session. Use
    /// `Opened::with_backend_state` instead.
    async fn session_with_odd_keys_is_read(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let keys = ["", "_id", "id", "_expires", "key with spaces", "ключ", "a.b:c/d", "__proto__", "user_id"];
        let long = "k".repeat(200);
        visitor
            .visit("insert many keys", |session| {
                keys.iter().chain([&long.as_str()]).enumerate().try_for_each(|(n, key)| session.insert(*key, n))
            })
            .await?;
        for (n, key) in keys.iter().chain([&long.as_str()]).enumerate() {
            under_test.equal(Some(n), visitor.get(key).await?)?;
        }
        Ok(())
    }

    /// Two keys are different if they differ only in case, in spaces, or in composed and decomposed
    /// letters. Two keys are also different if one key is a prefix of the other key.
    ///
    /// Store the payload unchanged. Do not store a key in a column or a field that folds or trims
    /// text.
    async fn similar_keys_are_different(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let keys = ["key", "Key", "KEY", "key ", " key", "keys", "ke", "key\u{0}", "key.a", "é", "e\u{301}", "0", "00"];
        let fill = |session: &Session| keys.iter().enumerate().try_for_each(|(n, key)| session.insert(*key, n));
        visitor.visit("insert similar keys", fill).await?;
        visitor.visit("discard \"key\"", |session| session.discard("key").map(drop)).await?;
        for (n, key) in keys.iter().enumerate() {
            let expected = Some(n).filter(|n| *n > 0);
            let seen = visitor.get::<usize>(key).await?;
            if seen != expected {
                return Err(under_test.failure(format!("{expected:?} under the key {key:?}"), format!("{seen:?}")));
            }
        }
        Ok(())
    }

    /// A change of one key does not change the other keys. A removed key stays removed.
    ///
    /// Store the whole payload in every save.
    async fn change_of_key_leaves_other_keys(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor
            .visit("insert a, b, c", |session| {
                session.insert("a", 1)?;
                session.insert("b", 2)?;
                session.insert("c", 3)
            })
            .await?;
        visitor
            .visit("insert b, remove c", |session| {
                session.insert("b", 20)?;
                session.discard("c").map(|_| ())
            })
            .await?;
        let seen = (visitor.get("a").await?, visitor.get("b").await?, visitor.get::<u64>("c").await?);
        under_test.equal((Some(1), Some(20), None), seen)
    }

    /// The next request finds Flask's tagged values: bytes, UUIDs and tuples. A tagged value is an
    /// object with one key that begins with a space.
    ///
    /// Do not interpret keys inside the payload, and do not trim them.
    async fn tagged_values_are_read(under_test) {
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

    /// The next request finds all keys of a session with 1,000 small values.
    ///
    /// Set no limit in the interface. In a cookie, a session with 1,000 values exceeds the limit of
    /// browsers. Therefore this rule disables the limit of the configuration.
    async fn thousand_keys_are_read(under_test) {
        let interface = under_test.configured(SessionConfig::builder().max_cookie_size(0)).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let fill = |session: &Session| (0..MANY).try_for_each(|n| session.insert(&format!("k{n}"), n));
        visitor.visit("insert k0 = 0 to k999 = 999", fill).await?;
        let mut right = 0;
        let count = |session: &Session| {
            right = (0..MANY).filter(|n| session.get::<u64>(&format!("k{n}")).is_ok_and(|seen| seen == Some(*n))).count();
            Ok(())
        };
        visitor.visit("count the keys that have the right value", count).await?;
        under_test.equal(1000, right)
    }

    /// Values that a request does not change are stored again byte for byte.
    ///
    /// Do not parse the payload to store it. A JSON column rewrites the values, as does a parser
    /// that reads numbers as floats.
    async fn unchanged_values_are_stored_byte_for_byte(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor.visit("insert balance = 1.0", |session| session.insert("balance", 1.0)).await?;
        visitor.visit("insert seen = true", |session| session.insert("seen", true)).await?;
        let mut payload = String::new();
        let read = |session: &Session| {
            payload = state_of(session).payload();
            Ok(())
        };
        visitor.visit("read the payload", read).await?;
        under_test.equal(r#"{"balance":1.0,"seen":true}"#.to_owned(), payload)
    }

    /// Numbers that neither floats nor 64-bit integers can represent, fractions, and the order of
    /// keys in maps are read as written. This is also true after a change of another key.
    ///
    /// Store the text of the payload. A parser that returns a tree of values, such as
    /// `serde_json::Value`, rounds long numbers and sorts the keys of maps.
    async fn values_are_read_as_written(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let fill = |session: &Session| {
            session.insert("whole", (u128::MAX, i128::MIN))?;
            session.insert("parts", (0.1 + 0.2, -0.0, 5e-324, 1.0))?;
            session.insert("map", Unsorted)
        };
        visitor.visit("insert whole numbers, fractions and a map", fill).await?;
        visitor.visit("insert after = true", |session| session.insert("after", true)).await?;
        let mut payload = String::new();
        let read = |session: &Session| {
            payload = state_of(session).payload();
            Ok(())
        };
        visitor.visit("read the payload", read).await?;
        let (most, least) = (u128::MAX, i128::MIN);
        let expected = format!(
            r#"{{"whole":[{most},{least}],"parts":[0.30000000000000004,-0.0,5e-324,1.0],"map":{{"b":2,"a":1}},"after":true}}"#
        );
        under_test.equal(expected, payload)
    }

    /// Reading does not change the session. Any number of later requests find the stored values.
    ///
    /// Do not remove stored data when you open a session.
    async fn reading_removes_nothing(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor.set(1).await?;
        for _ in 0..40 {
            visitor.expect(Some(1)).await?;
        }
        Ok(())
    }
}

const TEXT: &str = "Zoë says \"½ < ¾\"\\\n\t日本語 🦀 \u{0} end; path=/";

/// The number of keys of a large session.
const MANY: u64 = 1000;

/// A map whose keys are not sorted.
struct Unsorted;

impl Serialize for Unsorted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("b", 2), ("a", 1)])
    }
}
