//! A key, and a certificate that it signed itself: who one is, to the other side of a link.

use std::io;
use std::path::Path;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use stoa_domain::Secret;

use crate::folders;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("a key can't be made")]
    Made(#[from] rcgen::Error),
    #[error("it isn't a key with its certificate")]
    Unreadable,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// It has no `Debug`: the key is secret.
pub struct Identity {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKeyDer<'static>,
}

pub(super) fn sha256(certificate: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(certificate.as_ref()).into()
}

impl Identity {
    /// A new one as text (PEM): the key first. `name` stands in the certificate, for people.
    ///
    /// # Errors
    /// Where none can be made.
    pub fn make(name: &str) -> Result<Secret, IdentityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key)?;
        Ok(Secret::from_text(format!("{}{}", key.serialize_pem(), certificate.pem())))
    }

    /// # Errors
    /// Where it isn't one.
    pub fn parse(text: &Secret) -> Result<Self, IdentityError> {
        let certificate = CertificateDer::from_pem_slice(text.reveal());
        let key = PrivateKeyDer::from_pem_slice(text.reveal());
        match (certificate, key) {
            (Ok(certificate), Ok(key)) => Ok(Self { certificate, key }),
            _ => Err(IdentityError::Unreadable),
        }
    }

    /// The one in a file, which is made where it isn't there: for its owner alone.
    ///
    /// # Errors
    /// Where it can't be read or made.
    pub fn load(file: &Path) -> Result<Self, IdentityError> {
        match std::fs::read(file) {
            Ok(bytes) => Self::parse(&Secret::new(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = Self::make("Stoa agent")?;
                folders::write_whole(file, made.reveal())?;
                Self::parse(&made)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// SHA-256 of the certificate.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.certificate)
    }
}
