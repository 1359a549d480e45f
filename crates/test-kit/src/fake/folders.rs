//! Folders of a known size.

use futures_util::future::BoxFuture;
use stoa_app::Fault;
use stoa_app::ports::{DataFolders, DiskUse};

pub struct FakeFolders;

impl DataFolders for FakeFolders {
    fn disk_use(&self) -> BoxFuture<'_, Result<DiskUse, Fault>> {
        let folders = vec![("Repositories".to_owned(), 4096)];
        Box::pin(async move { Ok(DiskUse { free: 10 << 30, folders }) })
    }
}
