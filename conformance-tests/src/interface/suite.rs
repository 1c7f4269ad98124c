//! `interface_suite!`: one test of each rule of an interface.

/// Makes one `#[test]` of each rule of a [`SessionInterface`](session_core::SessionInterface).
///
/// The first argument says where the interface keeps the session: `server_side`, or `client_side` for one that keeps all of it in
/// the cookie. The second makes the interface of a [`SessionConfig`](session_core::SessionConfig), in a future; it runs once per test, or more
/// often if a rule needs several configurations. The configuration's clock is a [`ManualClock`](session_core::ManualClock): an interface must take
/// the time from its contexts or its configuration.
///
/// ```
/// # use session_memory::MemorySessions;
/// conformance_tests::interface_suite!(server_side, |config| async move { MemorySessions::new(config) }, owners);
/// ```
///
/// What may follow: `owners`, if an interface on the server is also an [`OwnerSessions`](session_core::OwnerSessions);
/// `ignore = "needs MY_STORE_URL"`, and `except(rule = "reason", ..)`, as in [`store_suite!`](crate::store_suite). Without `owners` the rules of
/// an owner's sessions show as ignored. A name that is no rule does not compile:
///
/// ```compile_fail
/// # use session_memory::MemorySessions;
/// conformance_tests::interface_suite!(
///     server_side,
///     |config| async move { MemorySessions::new(config) },
///     except(no_such_rule = "it is none"),
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
            "`except` names what is no rule of this suite"
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

/// The tests of one list of rules, or as many ignored ones if the interface cannot do what they need.
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
                $crate::run::$side(stringify!($rule), $make);
            }
        }
    };
}
