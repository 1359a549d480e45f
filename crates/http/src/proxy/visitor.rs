//! What visitors of an instance's URL are told where the application itself can't answer: one plain page each, without
//! anything of the workspace.

use std::sync::LazyLock;

use axum::body::Body;
use base64::Engine as _;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// No instance has this host.
    Nobody,
    BadRequest,
    Starting,
    Stopped,
    Failed,
    /// It waited for too long, or too many wait.
    Crowded,
    /// It is said to run and doesn't answer.
    Unreachable,
    /// Nothing can be decided right now.
    Unavailable,
    MembersOnly,
    /// Signed in, and not allowed; or no such instance.
    NotAllowed,
    /// The way back took too long, or was used already.
    LinkOver,
    NoSuchPage,
    /// The session as a user has ended.
    ConnectOver,
    /// This browser isn't the one that it was opened for.
    NotConnected,
    /// What was to open it was used already, or came too late.
    ConnectLinkOver,
}

/// Its words and its look.
struct Words {
    status: StatusCode,
    title: &'static str,
    sentence: &'static str,
    hue: &'static str,
    icon: &'static str,
    /// Seconds after which the page asks again by itself.
    again: Option<u32>,
}

const CIRCLE: &str = r#"<circle cx="12" cy="12" r="9"/>"#;
const CLOCK: &str = r#"<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>"#;
const PAUSE: &str = r#"<circle cx="12" cy="12" r="9"/><path d="M10 9v6M14 9v6"/>"#;
const CROSS: &str = r#"<circle cx="12" cy="12" r="9"/><path d="m9.5 9.5 5 5m0-5-5 5"/>"#;
const LOCK: &str = r#"<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>"#;
pub(super) const TURNING: &str = r#"<path class="turns" d="M12 3a9 9 0 1 0 9 9"/>"#;

impl Notice {
    fn words(self) -> Words {
        let words = |status: u16, title, sentence, hue, icon| Words {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            title,
            sentence,
            hue,
            icon,
            again: None,
        };
        match self {
            Self::Nobody => words(421, "Nothing here", "No site answers by this name.", "quiet", CIRCLE),
            Self::BadRequest => words(400, "Not understood", "This request isn't valid.", "quiet", CROSS),
            Self::Starting => Words {
                again: Some(4),
                ..words(
                    503,
                    "Starting",
                    "This site is being started. The page opens by itself in a moment.",
                    "busy",
                    TURNING,
                )
            },
            Self::Stopped => words(
                503,
                "Stopped",
                "This site is switched off at the moment. Come back later.",
                "quiet",
                PAUSE,
            ),
            Self::Failed => words(
                503,
                "Not available",
                "This site couldn't be started. Whoever runs it can see why. Come back later.",
                "bad",
                CROSS,
            ),
            Self::Crowded => Words {
                again: Some(10),
                ..words(
                    503,
                    "Just a moment",
                    "This site is busy right now. The page tries again by itself.",
                    "busy",
                    CLOCK,
                )
            },
            Self::Unreachable => words(
                502,
                "No answer",
                "This site isn't answering right now. Try again in a moment.",
                "bad",
                CROSS,
            ),
            Self::Unavailable => words(
                503,
                "Not available",
                "Something behind this site isn't available right now. Try again in a moment.",
                "quiet",
                CLOCK,
            ),
            Self::MembersOnly => words(
                403,
                "For members only",
                "This site is open to signed-in members. Open it in a browser window of its own to sign in.",
                "quiet",
                LOCK,
            ),
            Self::NotAllowed => words(
                404,
                "Not found",
                "There is no such site, or your account isn't allowed to open it. Ask whoever gave you the address.",
                "quiet",
                LOCK,
            ),
            Self::LinkOver => words(
                403,
                "Try again",
                "Opening this site took too long. Go back to its address and open it once more.",
                "quiet",
                CLOCK,
            ),
            Self::ConnectOver => words(
                410,
                "Session ended",
                "Being connected as this user is over. Close this window, or ask for a new link in Stoa.",
                "quiet",
                CLOCK,
            ),
            Self::NotConnected => words(
                403,
                "Not for this browser",
                "This address belongs to a session that was opened in another browser.",
                "quiet",
                LOCK,
            ),
            Self::ConnectLinkOver => words(
                403,
                "Ask for a new link",
                "Opening the session took too long, or it was opened already. Ask for a new link in Stoa.",
                "quiet",
                CLOCK,
            ),
            Self::NoSuchPage => words(404, "Not found", "There is no such page.", "quiet", CIRCLE),
        }
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f7f7f9;--card:#fff;--line:#e7e7eb;--text:#17181c;--soft:#4d505b;\
--quiet:#5b5e6a;--quiet-bg:#efeff2;--busy:#0b66a8;--busy-bg:#e6f2fb;--bad:#bf2318;--bad-bg:#fdecea}\
@media(prefers-color-scheme:dark){:root{--bg:#0c0d10;--card:#15171b;--line:#25272e;--text:#ecedf0;--soft:#b0b4be;\
--quiet:#a9adb8;--quiet-bg:#23252b;--busy:#6cbcf2;--busy-bg:#10243a;--bad:#ff8d82;--bad-bg:#321614}}\
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--bg);\
color:var(--text);font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}\
main{width:100%;max-width:420px;padding:40px 32px;background:var(--card);border:1px solid var(--line);border-radius:12px;\
text-align:center}span{display:inline-grid;place-items:center;width:56px;height:56px;border-radius:50%}\
svg{width:28px;height:28px;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}\
.quiet{color:var(--quiet);background:var(--quiet-bg)}.busy{color:var(--busy);background:var(--busy-bg)}\
.bad{color:var(--bad);background:var(--bad-bg)}h1{margin:20px 0 8px;font-size:22px;line-height:1.3;font-weight:650}\
p{margin:0;color:var(--soft)}button{margin-top:24px;padding:9px 18px;font:inherit;font-weight:550;color:var(--card);\
background:var(--text);border:0;border-radius:8px;cursor:pointer}button:focus-visible{outline:2px solid var(--busy);\
outline-offset:2px}.turns{transform-origin:center;animation:turn 1s linear infinite}.still .turns{animation:none}\
@keyframes turn{to{transform:rotate(1turn)}}@media(prefers-reduced-motion:reduce){.turns{animation:none}}";

static STYLE_HASH: LazyLock<String> = LazyLock::new(|| {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("'sha256-{hash}'")
});

/// What a policy says to allow the look of these pages.
pub(super) fn style_hash() -> &'static str {
    &STYLE_HASH
}

/// Whether whoever asks looks at pages.
pub(crate) fn wants_html(parts: &Parts) -> bool {
    let accepted = parts.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    matches!(parts.method, Method::GET | Method::HEAD | Method::POST)
        && accepted.flat_map(|text| text.split(',')).any(|kind| {
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
        })
}

/// The page, or for programs its sentence.
pub(crate) fn page(parts: &Parts, notice: Notice) -> Response<Body> {
    let words = notice.words();
    let mut response = if wants_html(parts) {
        let body = document(words.title, words.sentence, words.hue, words.icon, "");
        html(
            body,
            &format!(
                "default-src 'none'; style-src {}; frame-ancestors 'none'; base-uri 'none'",
                *STYLE_HASH
            ),
        )
    } else {
        let mut response = Response::new(Body::from(format!("{}\n", words.sentence)));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    };
    *response.status_mut() = words.status;
    let headers = response.headers_mut();
    if let Some(seconds) = words.again {
        headers.insert(header::REFRESH, HeaderValue::from(seconds));
    }
    if words.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(words.again.unwrap_or(30)));
    }
    if notice == Notice::BadRequest {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    unlisted(headers);
    response
}

/// The page on the public host that goes on to the instance by a form: by itself where scripts run, else by its button.
pub(super) fn way_back(action: &str, origin: &str, code: &str, nonce: &str) -> Response<Body> {
    let form = format!(
        "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"code\" value=\"{}\">\
         <button>Continue</button></form><script nonce=\"{nonce}\">document.forms[0].submit()</script>",
        escaped(action),
        escaped(code),
    );
    let body = document(
        "Opening the site",
        "You are signed in. The site opens in a moment.",
        "busy",
        TURNING,
        &form,
    );
    let policy = format!(
        "default-src 'none'; style-src {}; script-src 'nonce-{nonce}'; form-action {origin}; frame-ancestors 'none'; base-uri 'none'",
        *STYLE_HASH
    );
    let mut response = html(body, &policy);
    let headers = response.headers_mut();
    // The form's target asks for the origin that it comes from; nothing more is told.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("origin"));
    unlisted(headers);
    response
}

pub(super) fn document(title: &str, sentence: &str, hue: &str, icon: &str, more: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"robots\" content=\"noindex\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><main><span class=\"{hue}\"><svg viewBox=\"0 0 24 24\" aria-hidden=\"true\">\
         {icon}</svg></span><h1>{title}</h1><p>{sentence}</p>{more}</main></body></html>\n"
    )
}

pub(super) fn html(body: String, policy: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

pub(super) fn unlisted(headers: &mut http::HeaderMap) {
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Text inside an attribute or an element.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
