//! Certificates for servers and their clients, made by openssl.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::TemporaryFolder;
use crate::program::{installed, run};

const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// A new authority, and a certificate for 127.0.0.1 and localhost that it signed, for servers and
/// clients. The certificate is also for 0.0.0.0, an address of this machine that is not a loopback
/// address. All of it is files in PEM, which are removed when this is dropped.
#[derive(Debug)]
pub struct Certificates(TemporaryFolder);

impl Certificates {
    /// Makes an authority that nobody has heard of. TLS clients refuse a server that is its own authority, so there are two
    /// certificates.
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

    /// The file with the certificate of the authority.
    pub fn authority(&self) -> PathBuf {
        self.0.path().join("authority.pem")
    }

    /// The file with the certificate for 127.0.0.1.
    pub fn certificate(&self) -> PathBuf {
        self.0.path().join("certificate.pem")
    }

    /// The file with the key of that certificate.
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
