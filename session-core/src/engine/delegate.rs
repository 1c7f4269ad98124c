//! The macro by which a crate's ready interface is what the engine inside it is.

/// Makes a type a [`SessionInterface`](crate::SessionInterface) and an [`OwnerSessions`](crate::OwnerSessions) by one of its fields,
/// which is both: for the crate of a store whose ready interface is [`ServerSideSessions`](crate::ServerSideSessions) with a constructor
/// of its own.
///
/// Every method hands its call on. `open` and `save` give the field's future as it is, and allocate none.
///
/// ```
/// use session_core::{OwnerIndex, ServerSideSessions, SessionConfig, SessionInterface, delegate_sessions};
/// # use session_core::{async_trait, Error, NewRecord, Record, Replaced, SessionStore, StoreKey, Version};
/// # #[derive(Debug)]
/// # pub struct CloudStore;
/// # #[async_trait]
/// # impl SessionStore for CloudStore {
/// #     async fn load(&self, _: &StoreKey) -> Result<Option<Record>, Error> { Ok(None) }
/// #     async fn create(&self, _: &StoreKey, _: &NewRecord<'_>) -> Result<Version, Error> { Ok(Version::new(1)) }
/// #     async fn replace(&self, _: &StoreKey, _: Version, _: &NewRecord<'_>) -> Result<Replaced, Error> { Ok(Replaced::Stale) }
/// #     async fn touch(&self, _: &StoreKey, _: Version, _: std::time::SystemTime) -> Result<bool, Error> { Ok(false) }
/// #     async fn remove(&self, _: &StoreKey, _: Version) -> Result<bool, Error> { Ok(false) }
/// # }
/// # #[async_trait]
/// # impl OwnerIndex for CloudStore {
/// #     async fn keys_of(&self, _: &str) -> Result<Vec<StoreKey>, Error> { Ok(Vec::new()) }
/// # }
///
/// #[derive(Debug)]
/// pub struct CloudSessions {
///     engine: ServerSideSessions<CloudStore>,
/// }
///
/// delegate_sessions!(CloudSessions, engine);
///
/// let sessions = CloudSessions { engine: ServerSideSessions::new(CloudStore, SessionConfig::default()) };
/// assert_eq!(sessions.config().cookie_name(), "session");
/// ```
#[macro_export]
macro_rules! delegate_sessions {
    ($type:ty, $field:ident) => {
        #[deny(clippy::missing_trait_methods)]
        impl $crate::SessionInterface for $type {
            fn config(&self) -> &$crate::SessionConfig {
                $crate::SessionInterface::config(&self.$field)
            }

            // What `async_trait` makes of an `async fn`, without a future around the future.
            fn open<'this, 'context, 'request, 'future>(
                &'this self,
                context: &'context $crate::OpenContext<'request>,
            ) -> ::std::pin::Pin<
                ::std::boxed::Box<
                    dyn ::std::future::Future<Output = ::std::result::Result<$crate::Session, $crate::Error>>
                        + ::std::marker::Send
                        + 'future,
                >,
            >
            where
                'this: 'future,
                'context: 'future,
                'request: 'future,
                Self: 'future,
            {
                $crate::SessionInterface::open(&self.$field, context)
            }

            fn save<'this, 'session, 'context, 'request, 'future>(
                &'this self,
                session: &'session $crate::Session,
                context: &'context $crate::SaveContext<'request>,
            ) -> ::std::pin::Pin<
                ::std::boxed::Box<
                    dyn ::std::future::Future<Output = ::std::result::Result<$crate::CookieAction, $crate::Error>>
                        + ::std::marker::Send
                        + 'future,
                >,
            >
            where
                'this: 'future,
                'session: 'future,
                'context: 'future,
                'request: 'future,
                Self: 'future,
            {
                $crate::SessionInterface::save(&self.$field, session, context)
            }

            fn cookie_name(&self, request: &$crate::RequestView) -> ::std::borrow::Cow<'_, str> {
                $crate::SessionInterface::cookie_name(&self.$field, request)
            }

            fn cookie_attributes(
                &self,
                request: &$crate::RequestView,
                session: &$crate::Session,
            ) -> ::std::borrow::Cow<'_, $crate::CookieAttributes> {
                $crate::SessionInterface::cookie_attributes(&self.$field, request, session)
            }

            fn lifetime(&self, session: &$crate::Session) -> ::std::option::Option<::std::time::Duration> {
                $crate::SessionInterface::lifetime(&self.$field, session)
            }

            fn should_set_cookie(&self, session: &$crate::Session) -> bool {
                $crate::SessionInterface::should_set_cookie(&self.$field, session)
            }

            fn should_save(&self, session: &$crate::Session) -> bool {
                $crate::SessionInterface::should_save(&self.$field, session)
            }
        }

        #[deny(clippy::missing_trait_methods)]
        #[$crate::async_trait]
        impl $crate::OwnerSessions for $type {
            async fn sessions_of(
                &self,
                owner: &str,
            ) -> ::std::result::Result<::std::vec::Vec<$crate::OwnedSession>, $crate::Error> {
                $crate::OwnerSessions::sessions_of(&self.$field, owner).await
            }

            fn handle_of(&self, session: &$crate::Session) -> ::std::option::Option<::std::string::String> {
                $crate::OwnerSessions::handle_of(&self.$field, session)
            }

            async fn end(&self, owner: &str, handle: &str) -> ::std::result::Result<bool, $crate::Error> {
                $crate::OwnerSessions::end(&self.$field, owner, handle).await
            }

            async fn end_others(&self, session: &$crate::Session) -> ::std::result::Result<usize, $crate::Error> {
                $crate::OwnerSessions::end_others(&self.$field, session).await
            }

            async fn end_all(&self, owner: &str) -> ::std::result::Result<usize, $crate::Error> {
                $crate::OwnerSessions::end_all(&self.$field, owner).await
            }
        }
    };
}
