//! A connection to a mail server, from which no more is read than a conversation about one letter can have: the library
//! measures a line once it has ended, and one that never ends would be read until there is no memory left.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{MailError, REACH};

/// Bytes that are read of a connection. Greetings, answers and certificates have a tenth of it.
const MOST: usize = 256 << 10;

/// How a connection begins.
pub(super) enum Beginning {
    Plain,
    /// TLS before anything is said.
    Encrypted(Arc<ClientConfig>),
    /// TLS is asked for; without it nothing is sent where it is required.
    Upgraded {
        parameters: TlsParameters,
        is_required: bool,
    },
}

/// Why there is no connection.
pub(super) enum Unconnected {
    Io(io::Error),
    Smtp(lettre::transport::smtp::Error),
}

impl From<io::Error> for Unconnected {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<lettre::transport::smtp::Error> for Unconnected {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        Self::Smtp(error)
    }
}

/// Reaches the server, hears its greeting, and says hello.
pub(super) async fn connect(
    host: &str,
    port: u16,
    beginning: &Beginning,
    hello: &ClientId,
) -> Result<AsyncSmtpConnection, Unconnected> {
    let stream = reach(host, port).await?;
    let address = stream.peer_addr()?;
    let begun =
        |stream: Box<dyn AsyncTokioStream>| AsyncSmtpConnection::connect_with_transport(stream, hello);
    match beginning {
        Beginning::Plain => Ok(begun(Box::new(Bounded { stream, address, left: MOST })).await?),
        Beginning::Encrypted(config) => {
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            let connector = tokio_rustls::TlsConnector::from(config.clone());
            let stream = connector.connect(name, Bounded { stream, address, left: MOST }).await?;
            Ok(begun(Box::new(Bounded { stream, address, left: MOST })).await?)
        }
        Beginning::Upgraded { parameters, is_required } => {
            let mut connection = begun(Box::new(Bounded { stream, address, left: MOST })).await?;
            if *is_required || connection.can_starttls() {
                connection.starttls(parameters.clone(), hello).await?;
            }
            Ok(connection)
        }
    }
}

/// Each of its addresses, until one answers.
async fn reach(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    for address in tokio::net::lookup_host((host, port)).await? {
        match tokio::time::timeout(REACH, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// TLS from the first byte: the authorities that everybody knows, and the operator's own.
pub(super) fn encrypted(authorities: Option<&[u8]>) -> Result<Arc<ClientConfig>, MailError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = authorities {
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots
                .add(certificate.map_err(|_| MailError::Authorities)?)
                .map_err(|_| MailError::Authorities)?;
            found += 1;
        }
        if found == 0 {
            return Err(MailError::Authorities);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| MailError::Versions(error.to_string()))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// A stream that ends with an error where more was read of it than it may have.
#[derive(Debug)]
struct Bounded<S> {
    stream: S,
    address: SocketAddr,
    left: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if matches!(read, Poll::Ready(Ok(()))) {
            match self.left.checked_sub(into.filled().len() - before) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into())),
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S> AsyncTokioStream for Bounded<S>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
