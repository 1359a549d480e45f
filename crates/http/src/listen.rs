//! Listening: connections taken, with TLS or without, and requests on them handed to a router.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::crowd::{Crowd, Seat};
use crate::peer::Peer;
use crate::proxy::{Conflicts, Guarded};

/// Heads of requests may be this large, and this much of a body is read before anyone asks for it.
const BUFFER: usize = 64 * 1024;
/// A head that takes longer to come, and a connection that is unused for longer, ends.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// Open answers have this long to end when the process does.
const ENDING: Duration = Duration::from_secs(3);
/// A handshake that takes longer is given up.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Handshakes that go on at once: of all, and of one address.
const HANDSHAKES: usize = 4096;
const HANDSHAKES_OF_ONE: usize = 64;
/// Requests that one connection of HTTP/2 may have open.
const STREAMS: u32 = 256;

/// Serves until `stop`, those connections that `crowd` has places for, then lets open answers end for a moment.
///
/// # Errors
/// Where the socket fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    crowd: Crowd,
    stop: CancellationToken,
) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    while let Some((stream, peer, seat)) = accept(&listener, &crowd, &stop).await {
        let (router, watcher) = (router.clone(), graceful.watcher());
        tokio::spawn(async move {
            speak(stream, Version::Http1, (peer, seat), router, watcher).await;
        });
    }
    end(listener, graceful).await;
    Ok(())
}

/// The same with TLS: HTTP/2 or HTTP/1.1, as both sides agree.
///
/// # Errors
/// Where the socket fails.
pub async fn serve_tls(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    router: Router,
    crowd: Crowd,
    stop: CancellationToken,
) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    let acceptor = TlsAcceptor::from(config);
    let handshakes = Crowd::of("handshakes", HANDSHAKES, HANDSHAKES_OF_ONE, Vec::new());
    while let Some((stream, peer, seat)) = accept(&listener, &crowd, &stop).await {
        // Whoever opens many and says nothing is let go; everybody else is heard.
        let Some(handshake) = handshakes.enter(peer.ip()) else { continue };
        let (router, watcher, acceptor, stop) =
            (router.clone(), graceful.watcher(), acceptor.clone(), stop.clone());
        tokio::spawn(async move {
            let shaken = tokio::select! {
                () = stop.cancelled() => return,
                shaken = tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)) => shaken,
            };
            drop(handshake);
            match shaken {
                Ok(Ok(stream)) => {
                    let version = match stream.get_ref().1.alpn_protocol() {
                        Some(b"h2") => Version::Http2,
                        _ => Version::Http1,
                    };
                    speak(stream, version, (peer, seat), router, watcher).await;
                }
                Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
                Err(_) => tracing::debug!("a handshake took too long"),
            }
        });
    }
    end(listener, graceful).await;
    Ok(())
}

async fn end(listener: TcpListener, graceful: GracefulShutdown) {
    drop(listener);
    // What hasn't ended by then ends with the process.
    let _ = tokio::time::timeout(ENDING, graceful.shutdown()).await;
}

/// The next connection that there is a place for; none once it is to end.
async fn accept(
    listener: &TcpListener,
    crowd: &Crowd,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, Seat)> {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // One too many ends here, before anything of it is read.
                let Some(seat) = crowd.enter(peer.ip()) else { continue };
                // A late small packet costs a round trip; that it can't be set is no reason to refuse.
                let _ = stream.set_nodelay(true);
                return Some((stream, peer, seat));
            }
            Err(error) if is_of_one(&error) => {}
            Err(error) => {
                // Out of descriptors, most likely: others are given back in a moment.
                tracing::warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Errors of one connection say nothing of the next.
fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Which of them is spoken is known before the first byte of it.
enum Version {
    Http1,
    Http2,
}

async fn speak<S>(
    stream: S,
    version: Version,
    (peer, seat): (SocketAddr, Seat),
    router: Router,
    watcher: Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (guarded, conflicts) = Guarded::new(stream, seat);
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert::<Conflicts>(conflicts.clone());
        let router = router.clone();
        async move {
            Ok::<_, Infallible>(
                router.oneshot(request.map(Body::new)).await.unwrap_or_else(|never| match never {}),
            )
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder = match version {
        Version::Http1 => builder.http1_only(),
        Version::Http2 => builder.http2_only(),
    };
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEAD_WITHIN)
        .max_header_list_size(BUFFER as u32)
        .max_concurrent_streams(STREAMS);
    let outcome = match version {
        Version::Http1 => {
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(guarded), service);
            watcher.watch(connection.into_owned()).await
        }
        // Its frames tell lengths in one way only.
        Version::Http2 => {
            let (stream, _seat) = guarded.into_inner();
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            watcher.watch(connection.into_owned()).await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended");
    }
}
