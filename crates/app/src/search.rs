//! Searching a list whose rows are compared here: the databases don't agree on the case of letters beyond ASCII.

use futures_util::future::BoxFuture;

use crate::Failure;

/// Rows read at once while some of them are looked for.
const STRETCH: i64 = 1_000;

/// The first `limit` rows behind the mark `after` that are found. `read` gives so many rows behind a mark, in the order of
/// the list; `mark` is a row's own.
///
/// # Errors
/// Those of `read`.
pub(crate) async fn search<'r, M, T>(
    mut after: M,
    limit: i64,
    read: impl Fn(M, i64) -> BoxFuture<'r, Result<Vec<T>, Failure>>,
    mark: impl Fn(&T) -> M,
    is_found: impl Fn(&T) -> bool,
) -> Result<Vec<T>, Failure> {
    let wanted = usize::try_from(limit).unwrap_or(0);
    let mut found = Vec::new();
    while found.len() < wanted {
        let rows = read(after, STRETCH).await?;
        let Some(last) = rows.last() else { break };
        after = mark(last);
        found.extend(rows.into_iter().filter(&is_found));
    }
    found.truncate(wanted);
    Ok(found)
}
