//! `interface_suite!`: one test for each rule of an interface.

/// Generates one `#[test]` for each rule of a [`SessionInterface`](session_core::SessionInterface).
///
/// The first argument is `client_side` if the whole session is in the cookie, and `server_side`
/// otherwise. The second argument is a closure. It accepts a
/// [`SessionConfig`](session_core::SessionConfig) and returns a future that creates the interface.
/// The closure runs at least once per test, and more often if a rule needs several configurations.
/// The clock of the configuration is a [`ManualClock`](session_core::ManualClock). The interface
/// must read the time from its contexts or its configuration.
///
/// ```
/// # use session_memory::{MemorySessions, MemoryStore};
/// session_conformance::interface_suite!(
///     server_side,
///     |config| async move { MemorySessions::new(MemoryStore::new(), config) },
///     owners,
/// );
/// ```
///
/// Optional arguments, in any order:
///
/// | argument | meaning |
/// |---|---|
/// | `owners` | a `server_side` interface is also an [`OwnerSessions`](session_core::OwnerSessions); without this argument, the tests of `OwnerSessions` are ignored |
/// | `ignore = "needs MY_STORE_URL"` | the tests run only with `cargo test -- --include-ignored` |
/// | `except(rule = "reason", ..)` | the interface does not fulfil these rules, for these reasons |
///
/// A suite with an unknown rule does not compile:
///
/// ```compile_fail
/// # use session_memory::{MemorySessions, MemoryStore};
/// session_conformance::interface_suite!(
///     server_side,
///     |config| async move { MemorySessions::new(MemoryStore::new(), config) },
///     except(no_such_rule = "it does not exist"),
/// );
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! interface_suite {
    (server_side, $make:expr $(, $($options:tt)*)?) => {
        $crate::__interface_options! {
            [$($($options)*)?] server_side __server_side_rules $make, owners[] ignore[] except[]
        }
    };
    (client_side, $make:expr $(, $($options:tt)*)?) => {
        $crate::__interface_options! {
            [$($($options)*)?] client_side __client_side_rules $make, owners[] ignore[] except[]
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __interface_options {
    ([owners $(, $($rest:tt)*)?] server_side $rules:ident $make:expr, owners[] $($more:tt)*) => {
        $crate::__interface_options! { [$($($rest)*)?] server_side $rules $make, owners[with_owners] $($more)* }
    };
    ([ignore = $reason:literal $(, $($rest:tt)*)?]
        $side:ident $rules:ident $make:expr, owners $o:tt ignore[] except $e:tt) => {
        $crate::__interface_options! { [$($($rest)*)?] $side $rules $make, owners $o ignore[#[ignore = $reason]] except $e }
    };
    ([except($($rule:ident = $reason:literal),* $(,)?) $(, $($rest:tt)*)?]
        $side:ident $rules:ident $make:expr, owners $o:tt ignore $i:tt except[]) => {
        $crate::__interface_options! { [$($($rest)*)?] $side $rules $make, owners $o ignore $i except[$($rule = $reason),*] }
    };
    ([] $side:ident $rules:ident $make:expr,
        owners $owners:tt ignore $ignore:tt except[$($rule:ident = $reason:literal),*]) => {
        $(const _: () = assert!(
            $crate::interface::$side::is_rule(stringify!($rule)),
            "`except` names an unknown rule"
        );)*

        fn __interface_under_test() -> $crate::interface::InterfaceUnderTest {
            $crate::__interface_made! { $owners $make }
        }

        $crate::__attributes! { __interface_attributes $ignore $($rule = $reason),* }

        $crate::$rules! { [__interface_under_test __interface_attributes $side $owners] }
    };
    ([$($unknown:tt)*] $($more:tt)*) => {
        compile_error!(concat!("unknown or repeated argument of interface_suite!: ", stringify!($($unknown)*)));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __interface_made {
    ([] $make:expr) => {
        $crate::interface::InterfaceUnderTest::new($make)
    };
    ([with_owners] $make:expr) => {
        $crate::interface::InterfaceUnderTest::with_owners($make)
    };
}

/// Generates the tests of one list of rules, or ignored tests if the interface does not have the
/// capability.
#[doc(hidden)]
#[macro_export]
macro_rules! __interface_group {
    (owners $each:ident [$make:ident $attributes:ident $side:ident []]) => {
        $crate::$each! { __absent_test ["the suite was not given `owners`"] }
    };
    ($needs:ident $each:ident [$make:ident $attributes:ident $side:ident $owners:tt]) => {
        $crate::$each! { __interface_test [$make $attributes $side] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __interface_test {
    ($rule:ident [$make:ident $attributes:ident $side:ident]) => {
        $attributes! {
            $rule
            #[test]
            fn $rule() {
                $crate::runner::$side(stringify!($rule), $make);
            }
        }
    };
}
