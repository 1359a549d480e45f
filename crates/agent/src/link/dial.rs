//! Opening a link: from the machine to the control plane, so that the machine needs no open port.

use std::io;
use std::time::Duration;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use rustls::pki_types::ServerName;
use stoa_domain::{MachineId, Secret};

use super::greeting::{self, Answer, Hello, Refusal};
use super::identity::{Identity, IdentityError};
use super::place::Known;
use super::watched::Watched;
use super::{PING, SILENCE, pinned, wire};

/// The whole set-up may take this long: the other side gives it up then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Another replica is near: who waits for an answer waits for this too.
const PATIENCE_FOR_REPLICAS: Duration = Duration::from_secs(3);

/// Where a control plane answers links.
const PATH: &str = "/api/v1/agent";

/// Why there is no link, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("the control plane isn't reached")]
    Unreached(#[from] reqwest::Error),
    #[error("there is no Stoa at this address: it answered {0}")]
    NotStoa(http::StatusCode),
    #[error(
        "the installation at this address isn't the one that this machine has joined: its certificate is another"
    )]
    OtherInstallation,
    #[error("the control plane says no")]
    Refused(Refusal),
    #[error("it didn't answer in time")]
    OutOfTime,
    #[error("no certificate was shown")]
    NoCertificate,
    #[error("what was said isn't a greeting")]
    NotAGreeting,
    #[error("no TLS can be spoken")]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("the link broke")]
    Io(#[from] io::Error),
}

/// A link that is open: nothing was asked by it yet.
pub struct Dialled {
    pub machine: MachineId,
    stream: Box<dyn wire::Bytestream>,
}

/// Opens one. `token` is shown to the installation that is known, and to nobody else.
///
/// # Errors
/// Why there is none.
pub async fn dial(known: &Known, identity: &Identity, token: Option<&Secret>) -> Result<Dialled, LinkError> {
    tokio::time::timeout(PATIENCE, open(known, identity, token)).await.map_err(|_| LinkError::OutOfTime)?
}

async fn open(known: &Known, identity: &Identity, token: Option<&Secret>) -> Result<Dialled, LinkError> {
    knock(socket_at(&format!("{}{PATH}", known.origin)).await?, known, identity, token).await
}

/// Reaches a machine by the replica that has its link: each of the two shows the installation's own certificate.
/// `origin`: of its internal address.
///
/// # Errors
/// Why there is no way.
pub async fn through(
    origin: &str,
    machine: MachineId,
    identity: &Identity,
) -> Result<Box<dyn wire::Bytestream>, LinkError> {
    let opening = async {
        let bytes = socket_at(&format!("{origin}/internal/agents/{machine}")).await?;
        Ok(Box::new(speak(bytes, identity, identity.fingerprint()).await?) as Box<dyn wire::Bytestream>)
    };
    tokio::time::timeout(PATIENCE_FOR_REPLICAS, opening).await.map_err(|_| LinkError::OutOfTime)?
}

/// A WebSocket there, as bytes.
async fn socket_at(address: &str) -> Result<impl wire::Bytestream + use<>, LinkError> {
    let client =
        reqwest::Client::builder().http1_only().redirect(reqwest::redirect::Policy::none()).build()?;
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    let answer = client
        .get(address)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, STANDARD.encode(key))
        .send()
        .await?;
    if answer.status() != http::StatusCode::SWITCHING_PROTOCOLS {
        return Err(LinkError::NotStoa(answer.status()));
    }
    Ok(wire::of_socket(answer.upgrade().await?).await)
}

/// TLS on bytes, with whoever has the pinned certificate and nobody else.
async fn speak<B: wire::Bytestream>(
    bytes: B,
    identity: &Identity,
    pin: [u8; 32],
) -> Result<tokio_rustls::client::TlsStream<B>, LinkError> {
    let connector = tokio_rustls::TlsConnector::from(pinned::dialling(identity, pin)?);
    // Nobody is asked for it: the certificate alone counts.
    let name = ServerName::try_from("stoa").map_err(|_| LinkError::NotAGreeting)?;
    connector.connect(name, bytes).await.map_err(why)
}

/// Shows who this machine is, on bytes that lead to a control plane: first that is looked at, then something is said.
///
/// # Errors
/// Why there is no link.
pub async fn knock<B: wire::Bytestream + 'static>(
    bytes: B,
    known: &Known,
    identity: &Identity,
    token: Option<&Secret>,
) -> Result<Dialled, LinkError> {
    let mut stream = speak(bytes, identity, known.fingerprint).await?;
    greeting::write(&mut stream, &Hello::new(token)).await?;
    match greeting::read(&mut stream).await? {
        Answer::Welcome { machine } => {
            Ok(Dialled { machine: MachineId::new(machine), stream: Box::new(stream) })
        }
        Answer::Refused { code } => Err(LinkError::Refused(code)),
    }
}

fn why(error: io::Error) -> LinkError {
    let said = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let other = rustls::CertificateError::ApplicationVerificationFailure;
    if said == Some(&rustls::Error::InvalidCertificate(other)) {
        return LinkError::OtherInstallation;
    }
    LinkError::Io(error)
}

impl Dialled {
    /// Answers by it, until it ends.
    ///
    /// # Errors
    /// Where it breaks.
    pub async fn serve(self, router: Router) -> io::Result<()> {
        crate::router::serve_link(router, Watched::new(self.stream, PING + SILENCE), PING, SILENCE).await
    }
}
