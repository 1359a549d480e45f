//! The link of an agent to its control plane elsewhere: TLS 1.3 of its own, with a certificate pinned on each side,
//! inside of whatever carries bytes between the two.
//!
//! The agent opens it and is the client of TLS. In it they greet each other ([`greeting`]); from then on roles are turned
//! round, and the agent's router answers what the control plane asks, with HTTP/2. Nothing here knows what is asked.

mod dial;
mod greeting;
mod identity;
mod pinned;
mod place;
mod watched;
mod wire;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

pub use dial::{Dialled, LinkError, dial, knock, through};
pub use greeting::Refusal;
pub use identity::{Identity, IdentityError};
pub use place::{Joining, Known, StateError, known, remember};
pub use wire::Bytestream;

use greeting::{Answer, Hello};

/// How often each side asks whether the other is there; two that aren't answered end the link.
pub const PING: Duration = Duration::from_secs(5);

/// Without a byte for so long it has ended: each ping is one.
pub const SILENCE: Duration = Duration::from_secs(10);

/// Somebody at the door of the control plane, whose certificate is shown to be its own.
pub struct Knocking<W> {
    stream: tokio_rustls::server::TlsStream<W>,
    /// SHA-256 of it.
    pub certificate: [u8; 32],
    /// What it joins by, where it does.
    pub token: Option<stoa_domain::Secret>,
}

/// Answers whoever opened a link, as the one with this identity: hears who it is, and by what it joins.
///
/// # Errors
/// Where it isn't an agent, or breaks off.
pub async fn answer<W: AsyncRead + AsyncWrite + Unpin>(
    wire: W,
    identity: &Identity,
) -> Result<Knocking<W>, LinkError> {
    let acceptor = tokio_rustls::TlsAcceptor::from(pinned::answering(identity)?);
    let mut stream = acceptor.accept(wire).await?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let certificate = identity::sha256(shown.ok_or(LinkError::NoCertificate)?);
    let hello: Hello = greeting::read(&mut stream).await?;
    hello.check()?;
    Ok(Knocking { stream, certificate, token: hello.token() })
}

/// Answers another replica of the same installation, and nobody else.
///
/// # Errors
/// Where it isn't one, or breaks off.
pub async fn answer_replica<W: AsyncRead + AsyncWrite + Unpin>(
    wire: W,
    identity: &Identity,
) -> Result<tokio_rustls::server::TlsStream<W>, LinkError> {
    let acceptor = tokio_rustls::TlsAcceptor::from(pinned::answering(identity)?);
    let stream = acceptor.accept(wire).await?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    if identity::sha256(shown.ok_or(LinkError::NoCertificate)?) != identity.fingerprint() {
        return Err(LinkError::OtherInstallation);
    }
    Ok(stream)
}

/// Hands on what another replica asks of a machine, for as long as that is reached.
///
/// # Errors
/// Where the connection to the other replica breaks.
pub async fn hand_on(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    to: crate::client::Client,
) -> std::io::Result<()> {
    let asked = to.clone();
    let router = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let asked = asked.clone();
        async move { asked.hand_on(request).await }
    });
    tokio::select! {
        served = crate::router::serve_link(router, stream, PING, SILENCE) => served,
        () = to.ended() => Ok(()),
    }
}

impl<W: AsyncRead + AsyncWrite + Unpin> Knocking<W> {
    /// Says no, and why.
    ///
    /// # Errors
    /// Where it can't be said any more.
    pub async fn refuse(mut self, why: Refusal) -> Result<(), LinkError> {
        greeting::write(&mut self.stream, &Answer::Refused { code: why }).await?;
        Ok(tokio::io::AsyncWriteExt::shutdown(&mut self.stream).await?)
    }

    /// Says yes. What comes and goes from here on is HTTP/2, asked from this side.
    ///
    /// # Errors
    /// Where it can't be said any more.
    pub async fn welcome(
        mut self,
        machine: stoa_domain::MachineId,
    ) -> Result<tokio_rustls::server::TlsStream<W>, LinkError> {
        greeting::write(&mut self.stream, &Answer::Welcome { machine: machine.uuid() }).await?;
        Ok(self.stream)
    }
}
