//! ETags: a hash of what can be edited, as this caller sees it; and `If-Match` against them.

use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH};
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
    Ok(tag_of(&Sha256::digest(&text)))
}

/// The tag of what has this hash.
pub(crate) fn tag_of(hash: &[u8]) -> String {
    format!("\"{}\"", hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Whether a client says that it has what this tag is of.
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|text| text.split(',')).any(|one| one.trim().trim_start_matches("W/") == tag)
}

/// What a client's change was made from; one that can't be read is of nothing that there is, never of anything.
pub(crate) fn if_match(headers: &HeaderMap) -> Option<String> {
    headers.get(IF_MATCH).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// What changes are guarded by: how its client sees a thing, and which of its revisions that is.
pub(crate) trait Revised {
    /// What the change is compared with again when it is written.
    type Revision;

    /// # Errors
    /// A fault.
    fn tag(&self) -> Result<String, Failure>;

    fn revision(self) -> Self::Revision;
}

/// The revision that a change was made from, where it names one. The thing is loaded only then.
///
/// # Errors
/// `PreconditionFailed` where it isn't as its client loaded it, and what loading it says.
pub(crate) async fn expected<T: Revised>(
    if_match: Option<String>,
    current: impl Future<Output = Result<T, Failure>>,
) -> Result<Option<T::Revision>, Failure> {
    let Some(wanted) = if_match else { return Ok(None) };
    let current = current.await?;
    check(Some(&wanted), &current.tag()?)?;
    Ok(Some(current.revision()))
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
