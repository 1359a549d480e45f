//! ETags: a hash of what can be edited, as this caller sees it; and `If-Match` against them.

use http::HeaderMap;
use http::header::IF_MATCH;
use serde::Serialize;
use sha2::{Digest, Sha256};
use stoa_app::{Failure, Fault};
use stoa_domain::Refusal;

/// The tag of an object's editable fields.
///
/// # Errors
/// A fault where they can't be written as JSON.
pub(crate) fn etag(editable: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_vec(editable).map_err(Fault::new)?;
    let hash = Sha256::digest(&text);
    Ok(format!("\"{}\"", hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect::<String>()))
}

pub(crate) fn if_match(headers: &HeaderMap) -> Option<String> {
    headers.get(IF_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Refuses a change of something that is no longer as its client loaded it.
///
/// # Errors
/// `PreconditionFailed`.
pub(crate) fn check(if_match: Option<&str>, current: &str) -> Result<(), Refusal> {
    match if_match {
        None | Some("*") => Ok(()),
        Some(wanted) if wanted.split(',').any(|tag| tag.trim() == current) => Ok(()),
        Some(_) => Err(Refusal::PreconditionFailed),
    }
}
