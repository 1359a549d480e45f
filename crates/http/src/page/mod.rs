//! The page: its files, built into the program, and its shell for every address that is the page's own.
//!
//! Its files are the same for everybody, so they stand behind no gate: what the page shows it asks the API for. Only the
//! shell wears a workspace's look, and only for those to whom the API itself answers with that workspace.

mod shell;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::body::Body;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::router::Registered;
use crate::site::Site;

pub(crate) use shell::{Look, workspace_of};

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// One file of the built page.
pub(super) struct File {
    path: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

const SHELL: &str = "index.html";
/// Files below it carry the hash of what is in them in their names.
const HASHED: &str = "assets/";

struct Known {
    file: &'static File,
    etag: String,
}

static KNOWN: LazyLock<HashMap<&'static str, Known>> = LazyLock::new(|| {
    FILES
        .iter()
        .filter(|file| file.path != SHELL)
        .map(|file| {
            let hash: String =
                Sha256::digest(file.plain).iter().take(12).fold(String::new(), |mut text, byte| {
                    let _ = write!(text, "{byte:02x}");
                    text
                });
            (file.path, Known { file, etag: hash })
        })
        .collect()
});

static TEMPLATE: LazyLock<Option<&'static str>> = LazyLock::new(|| {
    let file = FILES.iter().find(|file| file.path == SHELL)?;
    std::str::from_utf8(file.plain).ok()
});

/// The first segments of paths that answer on the public host: the routes' and the page's own files'. None of them may
/// be a workspace's slug.
#[must_use]
pub fn first_segments(registered: &[Registered]) -> BTreeSet<String> {
    let of_routes = registered.iter().map(|route| route.path.trim_start_matches('/'));
    let of_files = FILES.iter().map(|file| file.path);
    let own = ["git"];
    of_routes
        .chain(of_files)
        .chain(own)
        .filter_map(|path| path.split('/').next())
        .filter(|first| !first.is_empty() && !first.starts_with('{'))
        .map(str::to_owned)
        .collect()
}

/// What of the page answers on a path.
pub(crate) enum Part {
    File(Response<Body>),
    Shell,
}

/// Which part of the page answers, where the path is the page's to answer.
pub(crate) fn part(parts: &Parts) -> Option<Part> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return None;
    }
    let path = parts.uri.path().trim_start_matches('/');
    if is_of_programs(path) {
        return None;
    }
    if let Some(known) = KNOWN.get(path) {
        return Some(Part::File(file(parts, known)));
    }
    // Who takes anything gets the page too, so that one who checks a link finds it good; but not in place of a file.
    let names_a_file = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    let takes_it = crate::proxy::wants_html(parts) || !names_a_file && takes_anything(parts);
    if path.starts_with(HASHED) || !takes_it {
        return None;
    }
    Some(Part::Shell)
}

/// The page's document; with the look of a workspace where whoever asks may see it.
pub(crate) fn shell(site: &Site, look: Option<&Look>) -> Response<Body> {
    shell::shell(site, *TEMPLATE, look)
}

fn takes_anything(parts: &Parts) -> bool {
    let mut accepted = parts.headers.get_all(header::ACCEPT).iter().peekable();
    accepted.peek().is_none() || accepted.any(|value| value.as_bytes().starts_with(b"*/*"))
}

/// Paths that no page is answered on.
pub(crate) fn is_of_programs(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    matches!(first, "api" | "git" | "internal")
}

fn file(parts: &Parts, known: &Known) -> Response<Body> {
    let accepts = |coding: &str| {
        let accepted =
            parts.headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        accepted.flat_map(|text| text.split(',')).any(|one| {
            let mut words = one.split(';').map(str::trim);
            words.next().is_some_and(|name| name.eq_ignore_ascii_case(coding))
                && !words.any(|word| matches!(word, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    };
    let forms = [("br", known.file.brotli), ("gzip", known.file.gzip)];
    let dense = forms
        .into_iter()
        .find_map(|(coding, bytes)| bytes.filter(|_| accepts(coding)).map(|bytes| (coding, bytes)));
    let (coding, bytes) = dense.map_or((None, known.file.plain), |(coding, bytes)| (Some(coding), bytes));
    // Each form of it is a representation of its own.
    let etag = format!("\"{}{}\"", known.etag, coding.map_or(String::new(), |coding| format!("-{coding}")));
    let mut response = Response::new(Body::empty());
    let fresh = parts.headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_fresh =
        fresh.flat_map(|text| text.split(',')).any(|one| one.trim().trim_start_matches("W/") == etag);
    let headers = response.headers_mut();
    let lasting =
        if known.file.path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lasting));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    if is_fresh {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind_of(known.file.path)));
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    if parts.method == Method::GET {
        *response.body_mut() = Body::from(Bytes::from_static(bytes));
    }
    response
}

fn kind_of(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TEXT: &[u8] = b"export const answer = 42;";
    static FILE: File = File { path: "assets/app-1.js", plain: TEXT, gzip: Some(b"gz"), brotli: Some(b"br") };

    fn asked(pairs: &[(&'static str, &str)]) -> Response<Body> {
        let mut parts = http::Request::new(()).into_parts().0;
        for (name, value) in pairs {
            if let Ok(value) = HeaderValue::try_from(*value) {
                parts.headers.insert(*name, value);
            }
        }
        file(&parts, &Known { file: &FILE, etag: "e".to_owned() })
    }

    #[test]
    fn each_browser_gets_the_form_that_it_reads() {
        let coding =
            |accept: &str| asked(&[("accept-encoding", accept)]).headers().get("content-encoding").cloned();
        assert_eq!(coding("gzip, deflate, br").as_ref().map(HeaderValue::as_bytes), Some(&b"br"[..]));
        assert_eq!(coding("gzip;q=1.0, br;q=0").as_ref().map(HeaderValue::as_bytes), Some(&b"gzip"[..]));
        assert_eq!(coding("identity"), None);
    }

    #[test]
    fn a_browser_that_has_it_is_told_so() {
        let same = asked(&[("accept-encoding", "br"), ("if-none-match", "\"x\", W/\"e-br\"")]);
        assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(asked(&[("if-none-match", "\"e-br\"")]).status(), StatusCode::OK);
        assert_eq!(same.headers()["cache-control"], "public, max-age=31536000, immutable");
    }
}
