//! `store_suite!`: one test for each rule of a store.

/// Generates one `#[test]` for each rule of a [`SessionStore`](session_core::store::SessionStore).
///
/// The first argument is a future that creates the store. The future runs once per test, on the
/// suite's tokio runtime. Every test uses its own random keys and clears nothing. Therefore the
/// store may connect to a shared server. The future can read the address of the server from an
/// environment variable.
///
/// ```
/// # use session_memory::MemoryStore;
/// session_conformance::store_suite!(async { MemoryStore::new() }, owner_index, sweep, clones);
/// ```
///
/// Optional arguments, in any order:
///
/// | argument | meaning |
/// |---|---|
/// | `owner_index` | the store is an [`OwnerIndex`](session_core::store::OwnerIndex) |
/// | `sweep` | the store is a [`Sweep`](session_core::store::Sweep) |
/// | `clones` | the store is `Clone`, and its clones are the same store |
/// | `clock = \|store\| clock` | the store reads this [`ManualClock`](session_core::ManualClock), so that no test waits |
/// | `reopen = \|store\| move \|\| async { .. }` | a closure that returns a function, which opens the same data again after the store was dropped |
/// | `outage = \|store\| move \|down\| ..` | a closure that returns a function, which starts or ends an outage in which every call fails |
/// | `max_payload = 65_536` | the longest payload that the store accepts, if it is less than 1 MiB; it must be at least 32 KiB |
/// | `ignore = "needs MY_STORE_URL"` | the tests run only with `cargo test -- --include-ignored` |
/// | `except(rule = "reason", ..)` | the store does not fulfil these rules, for these reasons |
///
/// The tests of a capability that the store does not have are ignored, with the reason.
///
/// Put two suites in one file into separate modules.
#[macro_export]
macro_rules! store_suite {
    ($factory:expr $(, $($options:tt)*)?) => {
        $crate::__store_options! {
            [$($($options)*)?]
            $factory, owner_index[] sweep[] clones[] clock[] reopen[] outage[] max_payload[] ignore[] except[]
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_options {
    ([owner_index $(, $($rest:tt)*)?] $factory:expr, owner_index[] $($more:tt)*) => {
        $crate::__store_options! { [$($($rest)*)?] $factory, owner_index[owner_index] $($more)* }
    };
    ([sweep $(, $($rest:tt)*)?] $factory:expr, owner_index $o:tt sweep[] $($more:tt)*) => {
        $crate::__store_options! { [$($($rest)*)?] $factory, owner_index $o sweep[sweep] $($more)* }
    };
    ([clones $(, $($rest:tt)*)?] $factory:expr, owner_index $o:tt sweep $s:tt clones[] $($more:tt)*) => {
        $crate::__store_options! { [$($($rest)*)?] $factory, owner_index $o sweep $s clones[clones] $($more)* }
    };
    ([clock = $clock:expr $(, $($rest:tt)*)?]
        $factory:expr, owner_index $o:tt sweep $s:tt clones $c:tt clock[] $($more:tt)*) => {
        $crate::__store_options! {
            [$($($rest)*)?] $factory, owner_index $o sweep $s clones $c clock[$clock] $($more)*
        }
    };
    ([reopen = $reopen:expr $(, $($rest:tt)*)?]
        $factory:expr, owner_index $o:tt sweep $s:tt clones $c:tt clock $t:tt reopen[] $($more:tt)*) => {
        $crate::__store_options! {
            [$($($rest)*)?] $factory, owner_index $o sweep $s clones $c clock $t reopen[$reopen] $($more)*
        }
    };
    ([outage = $outage:expr $(, $($rest:tt)*)?]
        $factory:expr, owner_index $o:tt sweep $s:tt clones $c:tt clock $t:tt reopen $r:tt outage[] $($more:tt)*) => {
        $crate::__store_options! {
            [$($($rest)*)?] $factory, owner_index $o sweep $s clones $c clock $t reopen $r outage[$outage] $($more)*
        }
    };
    ([max_payload = $bytes:expr $(, $($rest:tt)*)?]
        $factory:expr, owner_index $o:tt sweep $s:tt clones $c:tt clock $t:tt reopen $r:tt outage $u:tt
        max_payload[] $($more:tt)*) => {
        $crate::__store_options! {
            [$($($rest)*)?]
            $factory, owner_index $o sweep $s clones $c clock $t reopen $r outage $u max_payload[$bytes] $($more)*
        }
    };
    ([ignore = $reason:literal $(, $($rest:tt)*)?]
        $factory:expr, owner_index $o:tt sweep $s:tt clones $c:tt clock $t:tt reopen $r:tt outage $u:tt
        max_payload $m:tt ignore[] except $e:tt) => {
        $crate::__store_options! {
            [$($($rest)*)?]
            $factory, owner_index $o sweep $s clones $c clock $t reopen $r outage $u max_payload $m ignore[#[ignore = $reason]] except $e
        }
    };
    ([except($($rule:ident = $reason:literal),* $(,)?) $(, $($rest:tt)*)?]
        $factory:expr, owner_index $o:tt sweep $s:tt clones $c:tt clock $t:tt reopen $r:tt outage $u:tt
        max_payload $m:tt ignore $i:tt except[]) => {
        $crate::__store_options! {
            [$($($rest)*)?]
            $factory, owner_index $o sweep $s clones $c clock $t reopen $r outage $u max_payload $m ignore $i except[$($rule = $reason),*]
        }
    };
    ([] $factory:expr, owner_index $owner_index:tt sweep $sweep:tt clones $clones:tt clock $clock:tt
        reopen[$($reopen:expr)?] outage[$($outage:expr)?] max_payload $bytes:tt ignore $ignore:tt
        except[$($rule:ident = $reason:literal),*]
    ) => {
        $(const _: () = assert!($crate::store::is_rule(stringify!($rule)), "`except` names an unknown rule");)*

        async fn __store_under_test() -> $crate::store::StoreUnderTest {
            let store = ::std::sync::Arc::new($factory.await);
            let under_test = $crate::__store_capable! {
                store owner_index $owner_index sweep $sweep clones $clones clock $clock max_payload $bytes
            };
            $(
                let again = $crate::store::made_for($reopen, &*store);
                let under_test = under_test.reopen(move || {
                    let store = again();
                    async move {
                        let store = ::std::sync::Arc::new(store.await);
                        $crate::__store_capable! {
                            store owner_index $owner_index sweep $sweep clones $clones clock $clock max_payload $bytes
                        }
                    }
                });
            )?
            $(let under_test = under_test.outage($crate::store::made_for($outage, &*store));)?
            under_test
        }

        $crate::__attributes! { __store_attributes $ignore $($rule = $reason),* }

        $crate::__store_rules! {
            [__store_under_test __store_attributes owner_index $owner_index sweep $sweep clones $clones
                reopen[$($reopen)?] outage[$($outage)?]]
        }
    };
    ([$($unknown:tt)*] $($more:tt)*) => {
        compile_error!(concat!("unknown or repeated argument of store_suite!: ", stringify!($($unknown)*)));
    };
}

/// Creates the store under test with the capabilities that need no function.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_capable {
    ($store:ident owner_index[$($owner_index:ident)?] sweep[$($sweep:ident)?] clones[$($clones:ident)?]
        clock[$($clock:expr)?] max_payload[$($bytes:expr)?]) => {{
        let under_test = $crate::store::StoreUnderTest::new(::std::sync::Arc::clone(&$store));
        $(let under_test = under_test.$owner_index(::std::sync::Arc::clone(&$store));)?
        $(let under_test = under_test.$sweep(::std::sync::Arc::clone(&$store));)?
        $(let under_test = under_test.$clones((*$store).clone());)?
        $(let under_test = under_test.clock($crate::store::clock_of($clock, &*$store));)?
        $(let under_test = under_test.max_payload($bytes);)?
        under_test
    }};
}

/// Generates the tests of one list of rules, or ignored tests if the store does not have the
/// capability.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_group {
    (always $each:ident [$make:ident $attributes:ident $($capabilities:tt)*]) => {
        $crate::$each! { __store_test [$make $attributes] }
    };
    (owner_index $each:ident [$make:ident $attributes:ident owner_index[] $($rest:tt)*]) => {
        $crate::$each! { __absent_test ["the suite was not given `owner_index`"] }
    };
    (sweep $each:ident [$make:ident $attributes:ident owner_index $o:tt sweep[] $($rest:tt)*]) => {
        $crate::$each! { __absent_test ["the suite was not given `sweep`"] }
    };
    (clones $each:ident [$make:ident $attributes:ident owner_index $o:tt sweep $s:tt clones[] $($rest:tt)*]) => {
        $crate::$each! { __absent_test ["the suite was not given `clones`"] }
    };
    (reopen $each:ident [$make:ident $attributes:ident owner_index $o:tt sweep $s:tt clones $c:tt
        reopen[] $($rest:tt)*]) => {
        $crate::$each! { __absent_test ["the suite was not given `reopen`"] }
    };
    (outage $each:ident [$make:ident $attributes:ident owner_index $o:tt sweep $s:tt clones $c:tt
        reopen $r:tt outage[]]) => {
        $crate::$each! { __absent_test ["the suite was not given `outage`"] }
    };
    ($declared:ident $each:ident [$make:ident $attributes:ident $($capabilities:tt)*]) => {
        $crate::$each! { __store_test [$make $attributes] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_test {
    ($rule:ident [$make:ident $attributes:ident]) => {
        $attributes! {
            $rule
            #[test]
            fn $rule() {
                $crate::runner::store(stringify!($rule), $make);
            }
        }
    };
}
