//! Servers in containers, on machines with a Docker daemon.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::keeper::{Keeper, Program};
use crate::port::Port;
use crate::private::{comes_true, in_background};
use crate::probe::Protocol;

const QUICKLY: Duration = Duration::from_secs(2);
#[cfg(feature = "containers")]
const PULL_PATIENCE: Duration = Duration::from_mins(5);

/// A Docker Hub image.
#[derive(Debug)]
#[cfg_attr(not(feature = "containers"), expect(dead_code, reason = "only Docker asks"))]
pub(crate) struct Image {
    pub(crate) name: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) port: u16,
    pub(crate) environment: &'static [(&'static str, &'static str)],
    pub(crate) protocol: Protocol,
}

/// A running container. It is removed on drop, and when this process ends.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) port: Port,
    _keeper: Keeper,
}

impl Container {
    /// Starts a container, or returns the reason why it cannot.
    pub(crate) async fn start(image: &'static Image) -> Result<Container, String> {
        let docker = in_background(client)
            .await
            .ok_or("no Docker daemon replies to the `docker` command on this machine")?;
        let name = format!("test-servers-{}-{}", image.name, std::process::id());
        let (port, keeper) = prepare(&docker, &name).await;
        run(image, &name, port.number()).await?;
        let (number, protocol) = (port.number(), image.protocol);
        in_background(move || {
            let is_ready = comes_true(|| protocol.is_ready(number));
            assert!(is_ready, "The container does not reply. Its output:\n{}", log(&docker, &name));
        })
        .await;
        Ok(Container { port, _keeper: keeper })
    }
}

#[cfg(feature = "containers")]
async fn run(image: &'static Image, name: &str, port: u16) -> Result<(), String> {
    use testcontainers::core::IntoContainerPort as _;
    use testcontainers::runners::AsyncRunner as _;
    use testcontainers::{GenericImage, ImageExt as _};

    let started = GenericImage::new(image.name, image.tag)
        .with_mapped_port(port, image.port.tcp())
        .with_container_name(name);
    let started = image
        .environment
        .iter()
        .fold(started, |started, (name, value)| started.with_env_var(*name, *value));
    let container = started
        .with_startup_timeout(PULL_PATIENCE)
        .start()
        .await
        .map_err(|error| error.to_string())?;
    // The keeper removes the container, because statics are not dropped.
    std::mem::forget(container);
    Ok(())
}

#[cfg(not(feature = "containers"))]
#[expect(clippy::unused_async, reason = "it is called like the one that asks Docker")]
async fn run(_: &'static Image, _: &str, _: u16) -> Result<(), String> {
    Err("test-servers was built without its feature `containers`".to_owned())
}

/// Starts the keeper before the container. Otherwise a process that is killed in between would
/// leave a container behind.
async fn prepare(docker: &Path, name: &str) -> (Port, Keeper) {
    let script = r#"trap '"$1" rm -f -v "$2"; exit' TERM; while :; do sleep 1 & wait; done"#;
    let arguments = ["-c", script, "test-servers-container", &docker.display().to_string(), name];
    let arguments = arguments.map(str::to_owned).to_vec();
    in_background(move || {
        let mut keeper = Keeper::new("container", |_| Program {
            path: "sh".into(),
            arguments,
            last_signal: "TERM",
        });
        keeper.order("start");
        (Port::reserve(), keeper)
    })
    .await
}

fn log(docker: &Path, name: &str) -> String {
    let output = Command::new(docker).args(["logs", name]).output().expect("docker starts");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Returns the command-line client of Docker if a daemon replies.
fn client() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let docker = std::env::split_paths(&path)
        .map(|folder| folder.join("docker"))
        .find(|path| path.is_file())?;
    let answer = match std::env::var("DOCKER_HOST").ok() {
        None => ask(UnixStream::connect("/var/run/docker.sock").ok()?),
        Some(address) => match address.split_once("://")? {
            ("unix", path) => ask(UnixStream::connect(path).ok()?),
            (_, authority) => ask(TcpStream::connect(authority).ok()?),
        },
    };
    answer?.contains(" 200 ").then_some(docker)
}

fn ask(mut stream: impl Timed) -> Option<String> {
    stream.limit().ok()?;
    stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n").ok()?;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// A stream with timeouts.
trait Timed: Read + Write {
    fn limit(&self) -> std::io::Result<()>;
}

impl Timed for UnixStream {
    fn limit(&self) -> std::io::Result<()> {
        self.set_read_timeout(Some(QUICKLY))
    }
}

impl Timed for TcpStream {
    fn limit(&self) -> std::io::Result<()> {
        self.set_read_timeout(Some(QUICKLY))
    }
}
