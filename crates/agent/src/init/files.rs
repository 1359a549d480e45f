//! `[static]`: a process of Stoa's own that serves files, for applications that have none.
//!
//! It runs inside of the sandbox as the application would, with its user and its walls, so nothing of the machine's is
//! there to be served. Hidden files aren't, but for `.well-known`.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::Frame;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What is served.
struct Site {
    folder: PathBuf,
    /// Of a folder.
    index: String,
    /// Told where there is nothing; empty: a sentence.
    not_found: String,
}

/// Serves until it is ended. `arguments`: the folder, the file that stands for a folder, the one that is told where there
/// is nothing.
pub(super) fn run(arguments: &[String]) -> Result<u8, String> {
    let [folder, index, not_found] = arguments else {
        return Err("stoa init static FOLDER INDEX NOT_FOUND".to_owned());
    };
    let site = Site { folder: folder.into(), index: index.clone(), not_found: not_found.clone() };
    let port =
        std::env::var("PORT").ok().and_then(|port| port.parse::<u16>().ok()).ok_or("PORT isn't a port")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the files can't be served: {error}"))?;
    runtime
        .block_on(serve(Arc::new(site), port))
        .map_err(|error| format!("the files can't be served: {error}"))
}

async fn serve(site: Arc<Site>, port: u16) -> io::Result<u8> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let mut asked_to_end = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            _ = asked_to_end.recv() => return Ok(0),
        };
        let site = site.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let site = site.clone();
                async move { Ok::<_, Infallible>(site.answer(&request).await) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(std::time::Duration::from_secs(30));
            // How a connection ends is its own affair.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The path below the folder that an address means; none that leads anywhere else.
fn below(path: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let mut place = PathBuf::new();
    for part in decoded.split('/').filter(|part| !part.is_empty()) {
        let is_hidden = part.starts_with('.') && part != ".well-known";
        if is_hidden || part.contains(['\0', '\\']) {
            return None;
        }
        place.push(part);
    }
    Some(place)
}

impl Site {
    async fn answer<B>(&self, request: &Request<B>) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = bare(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let path = request.uri().path();
        let Some(place) = below(path).map(|place| self.folder.join(place)) else {
            return self.nothing().await;
        };
        let Ok(about) = tokio::fs::metadata(&place).await else { return self.nothing().await };
        if about.is_file() {
            return match self.file(request, &place, StatusCode::OK).await {
                Ok(response) => response,
                Err(_) => self.nothing().await,
            };
        }
        if !path.ends_with('/') {
            // What its index names beside itself is found from the folder.
            let mut response = bare(StatusCode::MOVED_PERMANENTLY);
            let own = path.trim_start_matches('/');
            if let Ok(target) = HeaderValue::try_from(format!("/{own}/")) {
                response.headers_mut().insert(header::LOCATION, target);
            }
            return response;
        }
        match self.file(request, &place.join(&self.index), StatusCode::OK).await {
            Ok(response) => response,
            Err(_) => self.nothing().await,
        }
    }

    async fn nothing(&self) -> Response<Body> {
        if !self.not_found.is_empty() {
            let plain = Request::new(());
            let file = self.folder.join(&self.not_found);
            if let Ok(response) = self.file(&plain, &file, StatusCode::NOT_FOUND).await {
                return response;
            }
        }
        let mut response = bare(StatusCode::NOT_FOUND);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        *response.body_mut() = http_body_util::Full::new(Bytes::from_static(b"There is no such page.\n"))
            .map_err(|never| match never {})
            .boxed_unsync();
        response
    }

    async fn file<B>(
        &self,
        request: &Request<B>,
        file: &Path,
        status: StatusCode,
    ) -> io::Result<Response<Body>> {
        let open = tokio::fs::File::open(file).await?;
        let about = open.metadata().await?;
        if !about.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let changed = about.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let etag = format!("\"{changed:x}-{:x}\"", about.len());
        let mut response = bare(status);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind_of(file)));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(etag) = HeaderValue::try_from(&etag) {
            headers.insert(header::ETAG, etag);
        }
        let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        if status == StatusCode::OK
            && known
                .is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == etag))
        {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(about.len()));
        if request.method() == Method::GET {
            let pieces =
                futures_util::stream::try_unfold((open, about.len()), |(mut open, left)| async move {
                    if left == 0 {
                        return Ok(None);
                    }
                    let mut piece = bytes::BytesMut::with_capacity(64 * 1024);
                    let read = tokio::io::AsyncReadExt::read_buf(&mut open, &mut piece).await?;
                    if read == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    let left = left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
                    Ok(Some((Frame::data(piece.freeze()), (open, left))))
                });
            *response.body_mut() = StreamBody::new(pieces).boxed_unsync();
        }
        Ok(response)
    }
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

fn kind_of(file: &Path) -> &'static str {
    let end = file.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
    match end.as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mp3" => "audio/mpeg",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::below;
    use std::path::Path;

    #[test]
    fn nothing_leads_out_of_the_folder_or_to_what_is_hidden() {
        assert_eq!(below("/a/b%20c.html").as_deref(), Some(Path::new("a/b c.html")));
        assert_eq!(below("//").as_deref(), Some(Path::new("")));
        assert_eq!(
            below("/.well-known/security.txt").as_deref(),
            Some(Path::new(".well-known/security.txt"))
        );
        for path in ["/../etc/passwd", "/a/%2e%2e/b", "/.env", "/%2Egit/config", "/a%00b", "/a\\b", "/%ff"] {
            assert_eq!(below(path), None, "{path}");
        }
    }
}
