//! The shell: the one document of the page, in the look of the workspace where whoever asks may see it.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, request::Parts};
use serde::Deserialize;
use stoa_domain::brand;
use stoa_domain::name::initials;
use stoa_domain::slug::Slug;

use crate::cookie;
use crate::site::Site;

/// What the build leaves in the shell for each answer's own nonce.
const NONCE: &str = "__STOA_NONCE__";
/// Where the shell says whose it is.
const HEAD: &str = "</head>";
const TITLE: &str = "<title>Stoa</title>";
const ICON: &str = "href=\"/assets/stoa-1.svg\"";

/// What is shown where the program was built without the page.
const WITHOUT: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Stoa</title></head><body>\
<h1>Stoa runs, without its page</h1><p>This program was built without the web page. The API and git answer as always.</p>\
<p>To have the page: <code>cd ui</code>, <code>npm ci</code>, <code>npm run build</code>, then build Stoa again; \
or <code>make build</code>, which does all of it.</p></body></html>\n";

/// How a workspace looks: what its own answer says of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Look {
    slug: String,
    name: String,
    logo_url: Option<String>,
    primary_color: String,
}

/// The workspace that an address of the page is in, where a signed-in browser asks for it. Without its cookie nobody is
/// asked: then the shell is Stoa's own, for every address alike.
pub(crate) fn workspace_of<'a>(site: &Site, parts: &'a Parts) -> Option<&'a str> {
    let first = parts.uri.path().split('/').nth(1)?;
    Slug::of_workspace(first).ok()?;
    cookie::named(&parts.headers, &site.cookie()).next().is_some().then_some(first)
}

/// The document, with a nonce of this answer alone. `look` is there only for those who may see the workspace: to all
/// others the shell is the same whether it exists or not.
pub(super) fn shell(site: &Site, template: Option<&str>, look: Option<&Look>) -> Response<Body> {
    let nonce = URL_SAFE_NO_PAD.encode(crate::proxy::visit::random::<16>());
    let mut response = Response::new(Body::from(document(template.unwrap_or(WITHOUT), &nonce, look)));
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; \
         font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    const HEADERS: [(HeaderName, &str); 7] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // The nonce is of this answer, and the look of whoever asked: nobody keeps it.
        (header::CACHE_CONTROL, "no-store"),
        // One-time links stand in addresses of the page.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
    ];
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if site.secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

fn document(template: &str, nonce: &str, look: Option<&Look>) -> String {
    let text = template.replace(NONCE, nonce);
    let Some(look) = look else { return text };
    let Some(color) = brand::parse(&look.primary_color) else { return text };
    let name = escaped(&look.name);
    // Name and colour once more for the page itself, which goes on from here.
    let said = format!(
        "<meta name=\"stoa-workspace\" content=\"{}\" data-name=\"{name}\" data-color=\"{}\" /><style id=\"stoa-look\" nonce=\"{nonce}\">:root{{{}}}</style>{HEAD}",
        escaped(&look.slug),
        escaped(&look.primary_color),
        brand::variables(color),
    );
    let icon = look.logo_url.as_deref().map_or_else(|| drawn(&look.name, color), escaped);
    text.replacen(TITLE, &format!("<title>{name} · Stoa</title>"), 1)
        .replacen(ICON, &format!("href=\"{icon}\""), 1)
        .replacen(HEAD, &said, 1)
}

/// The initials on the colour, as an address that holds the picture itself.
fn drawn(name: &str, color: [f64; 3]) -> String {
    let brand::Tile { fill, ink, edge } = brand::tile(color);
    // Of the same proportions as in the picture that the page asks for later.
    let edge = edge.map_or_else(String::new, |edge| {
        format!(
            "<rect x='.75' y='.75' width='30.5' height='30.5' rx='7.25' fill='none' stroke='{edge}' stroke-width='1.5'/>"
        )
    });
    let picture = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='8' fill='{fill}'/>\
         {edge}<text x='16' y='21' text-anchor='middle' font-family='system-ui,sans-serif' font-size='14' font-weight='600' \
         fill='{ink}'>{}</text></svg>",
        escaped(&initials(name))
    );
    format!("data:image/svg+xml,{}", crate::proxy::encoded(&picture))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "<head><meta name=\"stoa-nonce\" content=\"__STOA_NONCE__\" /><title>Stoa</title>\
        <link rel=\"icon\" href=\"/assets/stoa-1.svg\" /></head>";

    fn look(name: &str, primary_color: &str) -> Look {
        Look {
            slug: "acme".to_owned(),
            name: name.to_owned(),
            logo_url: None,
            primary_color: primary_color.to_owned(),
        }
    }

    #[test]
    fn what_becomes_of_a_colour_is_the_same_as_in_the_page() {
        let golden: std::collections::BTreeMap<String, String> =
            serde_json::from_str(include_str!("../../../../ui/src/theme/brand.golden.json")).unwrap();
        assert!(golden.len() > 60);
        for (color, expected) in golden {
            assert_eq!(brand::variables(brand::parse(&color).unwrap()), expected, "{color}");
        }
    }

    #[test]
    fn it_says_whose_it_is_before_anything_is_drawn() {
        let text = document(TEMPLATE, "n1", Some(&look("Acme Studio", "#0e7a5a")));
        assert!(text.contains("<title>Acme Studio · Stoa</title>"), "{text}");
        assert!(
            text.contains("<style id=\"stoa-look\" nonce=\"n1\">:root{--brand-light-fill:#0e7a5a;"),
            "{text}"
        );
        assert!(text.contains("data:image/svg+xml,") && !text.contains("stoa-1.svg"), "{text}");
        assert!(text.contains("data-name=\"Acme Studio\" data-color=\"#0e7a5a\""), "{text}");
    }

    #[test]
    fn the_icon_of_a_pale_colour_has_an_edge() {
        let pale = document(TEMPLATE, "n1", Some(&look("Acme", "#ffffff")));
        assert!(pale.contains("stroke"), "{pale}");
        let strong = document(TEMPLATE, "n1", Some(&look("Acme", "#0e7a5a")));
        assert!(!strong.contains("stroke"), "{strong}");
    }

    #[test]
    fn nothing_of_a_name_is_markup() {
        let text = document(TEMPLATE, "n1", Some(&look("\"><script>alert(1)</script>'&", "#0e7a5a")));
        assert!(!text.contains("<script") && !text.contains("\"><s"), "{text}");
        assert!(text.contains("&quot;&gt;&lt;script&gt;"), "{text}");
    }

    #[test]
    fn what_is_no_colour_changes_nothing() {
        let neutral = document(TEMPLATE, "n1", None);
        assert_eq!(document(TEMPLATE, "n1", Some(&look("Acme", "red}body{display:none"))), neutral);
    }
}
