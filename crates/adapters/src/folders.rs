//! What Stoa's own folders take of the disk.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use stoa_agent::folders::{free_space, size};
use stoa_app::Fault;
use stoa_app::ports::{DataFolders, DiskUse};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Counting walks through every file: what was counted is told again for this long.
const KEPT: Duration = Duration::from_secs(60);

/// The data directory, and the folders in it or elsewhere that have names of their own.
pub struct LocalFolders {
    data: PathBuf,
    /// What each is called, and where it lies.
    named: Vec<(&'static str, PathBuf)>,
    counted: Mutex<Option<(Instant, DiskUse)>>,
}

impl LocalFolders {
    #[must_use]
    pub fn new(data: PathBuf, named: Vec<(&'static str, PathBuf)>) -> Self {
        Self { data, named, counted: Mutex::new(None) }
    }
}

fn count(data: &std::path::Path, named: &[(&'static str, PathBuf)]) -> std::io::Result<DiskUse> {
    // One that can't be counted isn't told; the others are.
    let folders = named.iter().filter_map(|(name, folder)| match size(folder) {
        Ok(bytes) => Some(((*name).to_owned(), bytes)),
        Err(error) => {
            tracing::warn!(%error, name, "a folder can't be counted");
            None
        }
    });
    Ok(DiskUse { free: free_space(data)?, folders: folders.collect() })
}

impl DataFolders for LocalFolders {
    fn disk_use(&self) -> BoxFuture<'_, Result<DiskUse, Fault>> {
        Box::pin(async move {
            // Held while it is counted: who asks meanwhile gets the same count.
            let mut counted = self.counted.lock().await;
            if let Some((at, known)) = &*counted
                && at.elapsed() < KEPT
            {
                return Ok(known.clone());
            }
            let (data, named) = (self.data.clone(), self.named.clone());
            let found = tokio::task::spawn_blocking(move || count(&data, &named)).await;
            let found = found.map_err(Fault::new)?.map_err(Fault::new)?;
            *counted = Some((Instant::now(), found.clone()));
            Ok(found)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_folder_is_counted_by_itself_and_one_that_isnt_there_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let full = folder.path().join("repositories");
        std::fs::create_dir(&full).unwrap();
        std::fs::write(full.join("pack"), vec![1; 100_000]).unwrap();
        let named = vec![("repositories", full), ("agent", folder.path().join("agent"))];
        let found = LocalFolders::new(folder.path().to_owned(), named).disk_use().await.unwrap();
        assert!(found.free > 0);
        let of = |name: &str| found.folders.iter().find(|(known, _)| known == name).unwrap().1;
        assert!(of("repositories") >= 100_000, "{:?}", found.folders);
        assert_eq!(of("agent"), 0);
    }
}
