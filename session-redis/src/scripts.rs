//! The Lua scripts of calls that check a condition and write in one step. Each script accesses one
//! key.

use std::sync::LazyLock;

use redis::{Cmd, RedisResult, Script, ServerErrorKind, Value};
use tokio::time::Instant;

use crate::connection::Connection;

macro_rules! script {
    ($name:ident, $($file:literal),+) => {
        pub(crate) static $name: LazyLock<Lua> =
            LazyLock::new(|| Lua::new(concat!($(include_str!($file)),+)));
    };
}

script!(REPLACE, "scripts/check.lua", "scripts/replace.lua");
script!(TOUCH, "scripts/check.lua", "scripts/touch.lua");
script!(REMOVE, "scripts/check.lua", "scripts/remove.lua");
script!(LIST, "scripts/list.lua");
script!(RELIST, "scripts/relist.lua");
script!(UNLIST, "scripts/unlist.lua");

pub(crate) struct Lua {
    code: &'static str,
    script: Script,
}

impl Lua {
    fn new(code: &'static str) -> Self {
        Self { code, script: Script::new(code) }
    }

    /// Runs the script by its hash. If the server does not have the script, the call has no effect,
    /// and the whole script is sent.
    pub(crate) async fn run(
        &self,
        connection: &dyn Connection,
        deadline: Instant,
        key: &[u8],
        arguments: &[&[u8]],
    ) -> RedisResult<Value> {
        let by_hash = call("EVALSHA", self.script.get_hash(), key, arguments);
        match connection.send(&by_hash, deadline).await {
            Err(error) if error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript) => {
                connection.send(&call("EVAL", self.code, key, arguments), deadline).await
            }
            reply => reply,
        }
    }
}

fn call(command: &str, script: &str, key: &[u8], arguments: &[&[u8]]) -> Cmd {
    let size = command.len()
        + script.len()
        + 1
        + key.len()
        + arguments.iter().map(|one| one.len()).sum::<usize>();
    let mut call = Cmd::with_capacity(4 + arguments.len(), size);
    call.arg(command).arg(script).arg(b"1").arg(key);
    for argument in arguments {
        call.arg(argument);
    }
    call
}
