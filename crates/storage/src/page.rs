//! One page of a list: where it begins, how long it is, what it is searched for.

use stoa_domain::instance::{InstanceStatus, Stage, Visibility, Wish};
use stoa_domain::name::sorted_as;
use uuid::Uuid;

use crate::failure::StorageFault;
use crate::row::Row;

/// Rows read at once while searching.
const CHUNK: i64 = 1_000;

/// What is asked of a list that is ordered by name and id.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Most entries of the answer.
    pub limit: i64,
    /// The name and the id of the last entry of the page before.
    pub after: Option<(String, Uuid)>,
    /// Only what has this in its name or slug, without regard to case.
    pub search: Option<String>,
}

impl Page {
    /// The place before the first entry, or after the one that is named: what it is sorted as, and its id.
    pub(crate) fn start(&self) -> (String, Uuid) {
        // Every id lies behind this one, whatever its thing is sorted as.
        let (name, id) = self.after.clone().unwrap_or((String::new(), Uuid::nil()));
        (sorted_as(&name), id)
    }

    /// How many rows to read at once. A search reads more, because it keeps only some of them: the databases
    /// don't agree on the case of letters beyond ASCII, so it is compared here.
    pub(crate) fn rows(&self) -> i64 {
        if self.search.is_some() { CHUNK } else { self.limit }
    }

    pub(crate) fn wanted(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(0)
    }

    /// Whether an entry of this name and slug is looked for.
    pub(crate) fn is_found(&self, name: &str, slug: &str) -> bool {
        let Some(search) = &self.search else { return true };
        let search = search.to_lowercase();
        name.to_lowercase().contains(&search) || slug.contains(&search)
    }
}

/// A word of a closed set, read from a column.
pub(crate) fn word<T>(row: &Row, index: usize, from_key: fn(&str) -> Option<T>) -> Result<T, StorageFault> {
    let key: String = row.get(index)?;
    from_key(&key).ok_or(StorageFault::Unknown(key))
}

pub(crate) fn stage(row: &Row, index: usize) -> Result<Stage, StorageFault> {
    word(row, index, Stage::from_key)
}

pub(crate) fn status(row: &Row, index: usize) -> Result<InstanceStatus, StorageFault> {
    word(row, index, InstanceStatus::from_key)
}

pub(crate) fn wish(row: &Row, index: usize) -> Result<Wish, StorageFault> {
    word(row, index, Wish::from_key)
}

pub(crate) fn visibility(row: &Row, index: usize) -> Result<Visibility, StorageFault> {
    word(row, index, Visibility::from_key)
}
