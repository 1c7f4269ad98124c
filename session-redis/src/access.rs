//! The settings of a connection, and clients with these settings.

use std::sync::Arc;
#[cfg(feature = "cluster")]
use std::time::Duration;

use redis::{Client, ConnectionInfo, RedisResult};
use session_core::store::{Credentials, CredentialsProvider};

use crate::address;
#[cfg(feature = "cluster")]
use crate::address::parse;

/// The settings that override the settings in an address.
#[derive(Default)]
pub(crate) struct Access {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) provider: Option<Arc<dyn CredentialsProvider>>,
    pub(crate) database: Option<i64>,
    #[cfg(feature = "tls")]
    pub(crate) certificates: Option<redis::TlsCertificates>,
}

#[cfg(feature = "tls")]
const NOT_SECURE: &str = "certificates are set, but an address is not rediss://";

#[cfg(feature = "tls")]
pub(crate) fn client(info: ConnectionInfo, access: &Access) -> RedisResult<Client> {
    let is_secure = matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. });
    match &access.certificates {
        Some(certificates) if is_secure => Client::build_with_tls(info, certificates.clone()),
        Some(_) => Err(address::invalid(NOT_SECURE)),
        None => Client::open(info),
    }
}

#[cfg(not(feature = "tls"))]
pub(crate) fn client(info: ConnectionInfo, _: &Access) -> RedisResult<Client> {
    Client::open(info)
}

pub(crate) fn with_credentials(
    info: ConnectionInfo,
    credentials: Option<Credentials>,
) -> ConnectionInfo {
    let Some(credentials) = credentials else { return info };
    let mut redis = info.redis_settings().clone().set_password(credentials.password());
    if let Some(username) = credentials.username() {
        redis = redis.set_username(username);
    }
    info.set_redis_settings(redis)
}

impl Access {
    /// Fails if a setting cannot apply to an existing connection of the application.
    pub(crate) fn check_unused(&self) -> RedisResult<()> {
        let is_set = self.username.is_some()
            || self.password.is_some()
            || self.provider.is_some()
            || self.database.is_some();
        #[cfg(feature = "tls")]
        let is_set = is_set || self.certificates.is_some();
        if is_set {
            return Err(address::invalid(
                "credentials, database and certificates of an existing connection cannot be set",
            ));
        }
        Ok(())
    }

    pub(crate) fn apply(&self, info: ConnectionInfo) -> ConnectionInfo {
        let mut redis = info.redis_settings().clone();
        if let Some(username) = &self.username {
            redis = redis.set_username(username);
        }
        if let Some(password) = &self.password {
            redis = redis.set_password(password);
        }
        if let Some(database) = self.database {
            redis = redis.set_db(database);
        }
        info.set_redis_settings(redis)
    }

    /// Returns a client that repeats no command.
    #[cfg(feature = "cluster")]
    pub(crate) fn cluster_client(
        self,
        urls: &[String],
        time: Duration,
    ) -> RedisResult<redis::cluster::ClusterClient> {
        let nodes = urls
            .iter()
            .map(|url| parse(url).map(|info| self.apply(info)))
            .collect::<RedisResult<Vec<_>>>()?;
        #[cfg(feature = "tls")]
        let is_secure =
            nodes.iter().all(|info| matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. }));
        let username = nodes.first().and_then(|info| info.redis_settings().username());
        let username = username.map(str::to_owned);
        let tcp = address::tcp();
        // The operating system detects a failed node by packets that are not acknowledged.
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(time);
        let builder = redis::cluster::ClusterClientBuilder::new(nodes)
            .retries(0)
            .connection_timeout(time)
            .response_timeout(time)
            .tcp_settings(tcp);
        let builder = match self.provider {
            Some(provider) => {
                let credentials = crate::connection::NodeCredentials { provider, username };
                builder.set_credentials_provider(credentials)
            }
            None => builder,
        };
        #[cfg(feature = "tls")]
        let builder = match self.certificates {
            Some(certificates) if is_secure => builder.certs(certificates),
            Some(_) => return Err(address::invalid(NOT_SECURE)),
            None => builder,
        };
        builder.build()
    }

    /// Returns the Sentinels of a master. The master uses TLS if the first Sentinel uses TLS.
    #[cfg(feature = "sentinel")]
    pub(crate) fn sentinels(
        self,
        master: String,
        urls: &[String],
    ) -> RedisResult<crate::connection::Sentinels> {
        use redis::{ConnectionAddr, IntoConnectionInfo as _};

        let infos = urls.iter().map(|url| address::parse_sentinel(url));
        let infos = infos.collect::<RedisResult<Vec<_>>>()?;
        let is_secure = infos
            .first()
            .is_some_and(|first| matches!(first.addr(), ConnectionAddr::TcpTls { .. }));
        let sentinels =
            infos.into_iter().map(|info| client(info, &self)).collect::<RedisResult<_>>()?;
        let provider = self.provider.clone();
        let server = move |host: String, port, credentials: Option<Credentials>| {
            let address = if is_secure {
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
            } else {
                ConnectionAddr::Tcp(host, port)
            };
            let info = address.into_connection_info()?.set_tcp_settings(address::tcp());
            let redis = info.redis_settings().clone().set_protocol(redis::ProtocolVersion::RESP3);
            let info = self.apply(info.set_redis_settings(redis));
            client(with_credentials(info, credentials), &self)
        };
        Ok(crate::connection::Sentinels::new(master, sentinels, server, provider))
    }
}
