//! TLS by Stoa itself: the certificate and its key from two files, read again when they change; and those that an
//! authority issued.

pub mod issued;

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use stoa_adapters::clock::SystemClock;
use stoa_app::ports::Clock as _;
use stoa_domain::Secret;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Ended;
use crate::settings::{Settings, Tls, TlsFiles};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// A certificate that ends within so many seconds is told of: 14 days.
const SOON: i64 = 14 * DAY;
const DAY: i64 = 24 * 3600;

/// Why the files can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{0} can't be read: {1}")]
    Unreadable(PathBuf, String),
    #[error("{0} holds no certificate in PEM form")]
    NoCertificate(PathBuf),
    #[error("{0} holds no private key in PEM form")]
    NoKey(PathBuf),
    #[error("the key {0} may be read by everybody: run chmod 600 on it")]
    Open(PathBuf),
    #[error("the key {key} isn't the one of the certificate {certificate}")]
    OtherKey { key: PathBuf, certificate: PathBuf },
    #[error("the key {0} can't be used: {1}")]
    Unusable(PathBuf, rustls::Error),
}

/// The files, and the names that the certificate should be for.
#[derive(Clone)]
pub struct Wanted {
    listen: SocketAddr,
    files: TlsFiles,
    /// Of the page, and of an instance.
    names: [String; 2],
    /// Whether an authority is asked for what the certificate isn't for.
    is_issued: bool,
}

impl Wanted {
    /// None where the settings have no files.
    pub fn of(settings: &Settings) -> Option<Self> {
        let Tls { listen, files, acme } = settings.tls.clone()?;
        let files = files?;
        let public = settings.public_url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        Some(Self {
            listen,
            files,
            names: [public, format!("instance-workspace.{}", settings.instance_domain)],
            is_issued: acme.is_some(),
        })
    }

    pub fn listen(&self) -> SocketAddr {
        self.listen
    }
}

/// A certificate with its key, and what an operator should know of it.
pub struct Certificate {
    key: Arc<CertifiedKey>,
    pub notes: Vec<String>,
    /// Microseconds since 1970.
    pub ends_at: Option<i64>,
    /// Whether it is for the page, and for instances.
    pub covers: [bool; 2],
}

/// Reads both files.
///
/// # Errors
/// Where they can't be used, and why.
pub fn load(wanted: &Wanted) -> Result<Certificate, TlsError> {
    let files = &wanted.files;
    let unreadable =
        |file: &Path, error: &dyn std::fmt::Display| TlsError::Unreadable(file.to_owned(), error.to_string());
    let text = fs::read(&files.certificate).map_err(|error| unreadable(&files.certificate, &error))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(&files.certificate, &error))?;
    let Some(first) = chain.first().cloned() else {
        return Err(TlsError::NoCertificate(files.certificate.clone()));
    };
    let mode = fs::metadata(&files.key).map_err(|error| unreadable(&files.key, &error))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(TlsError::Open(files.key.clone()));
    }
    let text = Secret::new(fs::read(&files.key).map_err(|error| unreadable(&files.key, &error))?);
    let key = PrivateKeyDer::from_pem_slice(text.reveal()).map_err(|_| TlsError::NoKey(files.key.clone()))?;
    let key = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::OtherKey { key: files.key.clone(), certificate: files.certificate.clone() }
        }
        other => TlsError::Unusable(files.key.clone(), other),
    })?;
    let covers = wanted.names.each_ref().map(|name| is_for(&first, name));
    let (notes, ends_at) = notes(wanted, covers, &first, mode);
    Ok(Certificate { key: Arc::new(key), notes, ends_at, covers })
}

fn is_for(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let parsed =
        ParsedCertificate::try_from(certificate).ok().zip(ServerName::try_from(name.to_owned()).ok());
    parsed.is_some_and(|(parsed, name)| verify_server_name(&parsed, &name).is_ok())
}

fn notes(
    wanted: &Wanted,
    covers: [bool; 2],
    certificate: &CertificateDer<'_>,
    mode: u32,
) -> (Vec<String>, Option<i64>) {
    let mut notes = Vec::new();
    if mode & 0o070 != 0 {
        notes.push("the key of the certificate may be read by its group".to_owned());
    }
    let now = SystemClock.now().micros() / 1_000_000;
    let validity =
        x509_parser::parse_x509_certificate(certificate).ok().map(|(_, read)| read.validity().clone());
    let ends = validity.as_ref().map(|validity| validity.not_after.timestamp());
    match ends {
        Some(ends) if ends <= now => {
            notes.push("the certificate has expired: browsers refuse it. Renew it".to_owned())
        }
        Some(ends) if ends - now < SOON => {
            let days = (ends - now + DAY / 2) / DAY;
            notes.push(match days {
                _ if ends - now < DAY => "the certificate ends within a day. Renew it".to_owned(),
                1 => "the certificate ends tomorrow. Renew it".to_owned(),
                days => format!("the certificate ends in {days} days. Renew it"),
            });
        }
        _ => {}
    }
    if validity.is_some_and(|validity| validity.not_before.timestamp() > now) {
        notes.push("the certificate doesn't count yet: browsers refuse it".to_owned());
    }
    for ((name, is_for), whose) in wanted.names.iter().zip(covers).zip(["the page", "instances"]) {
        if !is_for && !wanted.is_issued {
            notes.push(format!(
                "the certificate isn't for {name}, a name of {whose}: browsers refuse it there"
            ));
        }
    }
    (notes, ends.map(|ends| ends * 1_000_000))
}

/// The certificates that count now: one for each host that an authority issued one for, and the operator's for every
/// other name.
#[derive(Debug, Default)]
pub struct Current {
    of_files: RwLock<Option<Arc<CertifiedKey>>>,
    of_hosts: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

impl Current {
    pub fn new(certificate: Option<&Certificate>) -> Arc<Self> {
        let of_files = RwLock::new(certificate.map(|certificate| certificate.key.clone()));
        Arc::new(Self { of_files, ..Self::default() })
    }

    fn set(&self, certificate: &Certificate) {
        *self.of_files.write().unwrap_or_else(PoisonError::into_inner) = Some(certificate.key.clone());
    }

    pub(super) fn set_hosts(&self, hosts: HashMap<String, Arc<CertifiedKey>>) {
        *self.of_hosts.write().unwrap_or_else(PoisonError::into_inner) = hosts;
    }
}

impl ResolvesServerCert for Current {
    /// None, and the handshake ends: for that name there is nothing yet.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let of_hosts = self.of_hosts.read().unwrap_or_else(PoisonError::into_inner);
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let own = name.and_then(|name| of_hosts.get(name.trim_end_matches('.')).cloned());
        own.or_else(|| self.of_files.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
///
/// # Errors
/// Where the provider hasn't what it needs.
pub fn config(current: Arc<Current>) -> Result<Arc<ServerConfig>, Ended> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(current);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What a file is known by: another one, or a changed one, has another.
type Mark = Option<(u64, u64, i64, i64, u64)>;

fn mark(file: &Path) -> Mark {
    let about = fs::metadata(file).ok()?;
    Some((about.dev(), about.ino(), about.mtime(), about.mtime_nsec(), about.size()))
}

/// Reads the files again whenever they change, and on SIGHUP, until `stop`. What can't be used is told once, and the
/// certificate that was there goes on.
pub async fn follow(wanted: Wanted, current: Arc<Current>, stop: CancellationToken) {
    let mut wished = match signal(SignalKind::hangup()) {
        Ok(wished) => wished,
        Err(error) => {
            tracing::error!(%error, "a certificate that changes is read at the next start only: SIGHUP can't be heard");
            return;
        }
    };
    let marks = || (mark(&wanted.files.certificate), mark(&wanted.files.key));
    let mut seen = marks();
    loop {
        let is_wished = tokio::select! {
            () = stop.cancelled() => return,
            _ = wished.recv() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        let now = marks();
        if now == seen && !is_wished {
            continue;
        }
        seen = now;
        match load(&wanted) {
            Ok(certificate) => {
                current.set(&certificate);
                tracing::info!("the certificate was read again");
                for note in certificate.notes {
                    tracing::warn!("{note}");
                }
            }
            Err(error) => tracing::warn!(%error, "the certificate stays as it was"),
        }
    }
}
