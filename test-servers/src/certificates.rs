//! Certificates for test servers and their clients, created with openssl.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::TemporaryFolder;
use crate::program::{installed, run};

const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// A certificate authority, and a certificate that it signed for 127.0.0.1, localhost and 0.0.0.0.
/// The last one is a local address that is not a loopback address. Servers and clients use the same
/// certificate. The files are in PEM format and are removed on drop.
#[derive(Debug)]
pub struct Certificates(TemporaryFolder);

impl Certificates {
    /// Creates an authority that no system trusts. TLS clients refuse a server certificate that is
    /// its own authority, therefore there are two certificates.
    pub fn new() -> Self {
        let this = Self(TemporaryFolder::new());
        let authority =
            ["-subj", "/CN=test authority", "-keyout", "authority.key", "-out", "authority.pem"];
        this.openssl(&[&["req", "-x509", "-days", "2"], &NEW_KEY[..], &authority].concat());
        let request = ["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem"];
        this.openssl(&[&["req"], &NEW_KEY[..], &request].concat());
        let names = this.0.path().join("names");
        fs::write(names, "subjectAltName=IP:127.0.0.1,IP:0.0.0.0,DNS:localhost\n")
            .expect("a new folder is writable");
        let signed = [
            "x509",
            "-req",
            "-in",
            "request.pem",
            "-days",
            "2",
            "-extfile",
            "names",
            "-out",
            "certificate.pem",
        ];
        this.openssl(
            &[&signed[..], &["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"]]
                .concat(),
        );
        this
    }

    /// Returns the path of the certificate of the authority.
    pub fn authority(&self) -> PathBuf {
        self.0.path().join("authority.pem")
    }

    /// Returns the path of the certificate for 127.0.0.1.
    pub fn certificate(&self) -> PathBuf {
        self.0.path().join("certificate.pem")
    }

    /// Returns the path of the private key of that certificate.
    pub fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }

    fn openssl(&self, arguments: &[&str]) {
        run(Command::new(installed("openssl", "openssl"))
            .current_dir(self.0.path())
            .args(arguments));
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}
