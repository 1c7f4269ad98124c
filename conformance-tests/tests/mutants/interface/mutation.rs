//! The macros that define a mutant: the original interface with some steps overridden.

/// The original with these steps, and perhaps with fields.
macro_rules! mutation {
    ($(#[$about:meta])* $name:ident $({$($note:ident: $type:ty),+ $(,)?})?; $($step:item)+) => {
        $(#[$about])*
        #[derive(Debug)]
        struct $name {
            server: crate::interface::original::Server,
            $($($note: $type),+)?
        }

        impl From<crate::interface::original::Server> for $name {
            fn from(server: crate::interface::original::Server) -> Self {
                Self { server, $($($note: Default::default()),+)? }
            }
        }

        impl crate::interface::steps::Steps for $name {
            fn server(&self) -> &crate::interface::original::Server {
                &self.server
            }

            $($step)+
        }
    };
}

/// The mutants of a file, each with the rule that it violates.
macro_rules! mutants {
    ($($mutant:ident breaks $rule:ident;)+) => {
        pub fn mutants() -> Vec<crate::judge::Mutant<session_conformance::interface::InterfaceUnderTest>> {
            vec![$(
                crate::judge::Mutant::new(
                    stringify!($mutant),
                    stringify!($rule),
                    crate::interface::original::under_test::<$mutant>,
                )
            ),+]
        }
    };
}

pub(crate) use {mutants, mutation};
