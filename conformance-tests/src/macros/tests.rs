//! Macros that the suites share, for tests that cannot run and for `#[ignore]`.

#[doc(hidden)]
#[macro_export]
macro_rules! __absent_test {
    ($rule:ident [$what:literal]) => {
        #[test]
        #[ignore = $what]
        fn $rule() {
            $crate::runner::not_declared($what);
        }
    };
}

/// Defines a macro that ignores the tests of these rules, and adds the attributes to all other
/// tests.
#[doc(hidden)]
#[macro_export]
macro_rules! __attributes {
    ($name:ident [$($attribute:tt)*] $($rule:ident = $reason:literal),*) => {
        $crate::__with_dollar! { $name [$($attribute)*] [$($rule = $reason),*] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __with_dollar {
    ($($arguments:tt)*) => {
        $crate::__attributes_macro! { ($) $($arguments)* }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __attributes_macro {
    (($d:tt) $name:ident [$($attribute:tt)*] [$($rule:ident = $reason:literal),*]) => {
        macro_rules! $name {
            $(
                ($rule $d($d test:tt)*) => {
                    #[ignore = $reason]
                    $d($d test)*
                };
            )*
            ($d other:ident $d($d test:tt)*) => {
                $($attribute)*
                $d($d test)*
            };
        }
    };
}
