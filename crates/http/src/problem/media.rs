//! What is said of a body, or of a stretch of an answer, that is in another form than it has to be.

use stoa_domain::Refusal;

use super::{Told, told};

/// Of the refusals that are about a form.
pub(super) fn tell(refusal: &Refusal) -> Told {
    let detail = match refusal {
        Refusal::BeyondEnd => {
            return told(
                416,
                "range_not_satisfiable",
                "Behind the end",
                "There is nothing from there on: the stretch that is asked for begins behind the end. Ask without a Range.",
            );
        }
        Refusal::LogoKind => {
            "A logo is a PNG, JPEG, WebP or SVG file. Send it with its Content-Type.".to_owned()
        }
        Refusal::MediaTypeWanted(kind) => format!("Send the body as it is, with Content-Type: {kind}."),
        Refusal::PackedBody => "Send the body unpacked, without a Content-Encoding.".to_owned(),
        _ => "Send the body as JSON, with Content-Type: application/json.".to_owned(),
    };
    told(415, "unsupported_media_type", "Another content type needed", detail)
}

/// Each of them, for the list.
pub(super) fn examples() -> [Refusal; 5] {
    [
        Refusal::UnsupportedMediaType,
        Refusal::MediaTypeWanted("application/octet-stream"),
        Refusal::PackedBody,
        Refusal::LogoKind,
        Refusal::BeyondEnd,
    ]
}
