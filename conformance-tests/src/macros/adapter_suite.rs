//! `adapter_suite!`: one test for each rule of an adapter.

/// Generates one `#[test]` for each rule of an adapter for a web framework.
///
/// `sessions` creates the sessions with which the adapter is checked, for a configuration of the
/// suite. Any backend is suitable. `server` starts an application whose handlers obtain these
/// sessions through the adapter. [`Server`](crate::adapter::Server) specifies the handlers. The
/// suite calls both closures several times, on its tokio runtime.
///
/// ```
/// use std::sync::Arc;
///
/// use session_conformance::adapter::{Request, Response, Server};
/// use session_core::{SessionInterface, async_trait};
/// use session_memory::{MemorySessions, MemoryStore};
///
/// struct MyServer {
///     interface: Arc<dyn SessionInterface>,
/// }
///
/// #[async_trait]
/// impl Server for MyServer {
///     async fn call(&self, request: Request) -> Response {
///         // Pass it to the framework, in the process or through a socket.
///         # Response::new(200)
///     }
/// }
///
/// session_conformance::adapter_suite!(
///     sessions = |config| async { MemorySessions::new(MemoryStore::new(), config) },
///     server = |interface| async { MyServer { interface } },
/// );
/// ```
///
/// Optional arguments, in any order:
///
/// | argument | meaning |
/// |---|---|
/// | `streams` | the server streams the body of `/streamed`; see [`Server`](crate::adapter::Server) |
/// | `two_sessions = \|first, second\| async { .. }` | starts an application with two types of sessions; see [`Server`](crate::adapter::Server) |
/// | `ignore = "needs a socket"` | the tests run only with `cargo test -- --include-ignored` |
/// | `except(rule = "reason", ..)` | the adapter does not fulfil these rules, for these reasons |
///
/// ```
/// # use session_conformance::adapter::{Request, Response, Server};
/// # struct MyServer;
/// # #[session_core::async_trait]
/// # impl Server for MyServer {
/// #     async fn call(&self, _: Request) -> Response { Response::new(200) }
/// # }
/// # use session_memory::{MemorySessions, MemoryStore};
/// session_conformance::adapter_suite!(
///     sessions = |config| async { MemorySessions::new(MemoryStore::new(), config) },
///     server = |_interface| async { MyServer },
///     except(absolute_url_determines_scheme_and_host = "this client sends no absolute URLs"),
///     ignore = "needs a socket",
/// );
/// ```
///
/// Put two suites in one file into separate modules.
#[macro_export]
macro_rules! adapter_suite {
    (sessions = $sessions:expr, server = $server:expr $(, $($options:tt)*)?) => {
        $crate::__adapter_options! { [$($($options)*)?] $sessions, $server, streams[] two[] ignore[] except[] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __adapter_options {
    ([streams $(, $($rest:tt)*)?] $sessions:expr, $server:expr, streams[] $($more:tt)*) => {
        $crate::__adapter_options! { [$($($rest)*)?] $sessions, $server, streams[streams] $($more)* }
    };
    ([two_sessions = $two:expr $(, $($rest:tt)*)?] $sessions:expr, $server:expr,
        streams $s:tt two[] $($more:tt)*) => {
        $crate::__adapter_options! {
            [$($($rest)*)?] $sessions, $server, streams $s two[$two] $($more)*
        }
    };
    ([ignore = $reason:literal $(, $($rest:tt)*)?] $sessions:expr, $server:expr,
        streams $s:tt two $t:tt ignore[] except $e:tt) => {
        $crate::__adapter_options! {
            [$($($rest)*)?] $sessions, $server, streams $s two $t ignore[#[ignore = $reason]] except $e
        }
    };
    ([except($($rule:ident = $reason:literal),* $(,)?) $(, $($rest:tt)*)?]
        $sessions:expr, $server:expr, streams $s:tt two $t:tt ignore $i:tt except[]) => {
        $crate::__adapter_options! {
            [$($($rest)*)?] $sessions, $server, streams $s two $t ignore $i except[$($rule = $reason),*]
        }
    };
    ([] $sessions:expr, $server:expr,
        streams $streams:tt two[$($two:expr)?] ignore $ignore:tt except[$($rule:ident = $reason:literal),*]) => {
        $(const _: () = assert!(
            $crate::adapter::is_rule(stringify!($rule)), "`except` names an unknown rule"
        );)*

        fn __adapter_under_test() -> $crate::adapter::AdapterUnderTest {
            $crate::adapter::AdapterUnderTest::new($sessions, $server)$(.with_two_sessions($two))?
        }

        $crate::__attributes! { __adapter_attributes $ignore $($rule = $reason),* }

        $crate::__adapter_rules! { [__adapter_under_test __adapter_attributes $streams [$($two)?]] }
    };
    ([$($unknown:tt)*] $($more:tt)*) => {
        compile_error!(concat!("unknown or repeated argument of adapter_suite!: ", stringify!($($unknown)*)));
    };
}

/// Generates the tests of one list of rules, or ignored tests if the suite has no argument for
/// these rules.
#[doc(hidden)]
#[macro_export]
macro_rules! __adapter_group {
    (streams $each:ident [$make:ident $attributes:ident [] $two:tt]) => {
        $crate::$each! { __absent_test ["the suite was not given `streams`"] }
    };
    (two_sessions $each:ident [$make:ident $attributes:ident $streams:tt []]) => {
        $crate::$each! { __absent_test ["the suite was not given `two_sessions`"] }
    };
    ($needs:ident $each:ident [$make:ident $attributes:ident $streams:tt $two:tt]) => {
        $crate::$each! { __adapter_test [$make $attributes] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __adapter_test {
    ($rule:ident [$make:ident $attributes:ident]) => {
        $attributes! {
            $rule
            #[test]
            fn $rule() {
                $crate::runner::adapter(stringify!($rule), $make);
            }
        }
    };
}
