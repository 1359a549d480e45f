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
pub(crate) async fn search<'r, M: Clone + PartialEq, T>(
    mut after: M,
    limit: i64,
    read: impl Fn(M, i64) -> BoxFuture<'r, Result<Vec<T>, Failure>>,
    mark: impl Fn(&T) -> M,
    is_found: impl Fn(&T) -> bool,
) -> Result<Vec<T>, Failure> {
    let wanted = usize::try_from(limit).unwrap_or(0);
    let mut found = Vec::new();
    while found.len() < wanted {
        let rows = read(after.clone(), STRETCH).await?;
        let Some(last) = rows.last() else { break };
        let next = mark(last);
        // A list that isn't in the order of its marks is searched once, not for ever.
        let is_end = i64::try_from(rows.len()).is_ok_and(|count| count < STRETCH) || next == after;
        after = next;
        found.extend(rows.into_iter().filter(&is_found));
        if is_end {
            break;
        }
    }
    found.truncate(wanted);
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// What is found of so many numbers, and how often was read. `mark` is what is told of a number's place.
    async fn found(count: i64, limit: i64, mark: impl Fn(i64) -> i64) -> (usize, usize) {
        let reads = AtomicUsize::new(0);
        let read = |after: i64, size: i64| -> BoxFuture<'_, Result<Vec<i64>, Failure>> {
            reads.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move { Ok((after + 1..=count.min(after + size)).collect()) })
        };
        let rows = search(0, limit, read, |number| mark(*number), |number| number % 2 == 0).await.unwrap();
        (rows.len(), reads.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn a_list_is_read_to_its_end_and_no_further_than_is_wanted() {
        assert_eq!(found(10, 50, |number| number).await, (5, 1));
        assert_eq!(found(2_500, 5_000, |number| number).await, (1_250, 3));
        assert_eq!(found(2_500, 400, |number| number).await, (400, 1));
        assert_eq!(found(2_000, 5_000, |number| number).await, (1_000, 3));
    }

    #[tokio::test]
    async fn marks_that_lead_nowhere_end_it() {
        assert_eq!(found(2_500, 5_000, |_| 0).await, (500, 1));
    }
}
