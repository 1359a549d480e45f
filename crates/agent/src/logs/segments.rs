//! The files of a log.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Bytes at which a segment is full.
pub(super) const FULL: u64 = 16 * 1024 * 1024;

/// Segments that are kept of an application's log: 2 GiB.
pub(super) const KEPT: usize = 128;

/// One file of a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Segment {
    pub number: u64,
    pub is_compressed: bool,
}

impl Segment {
    pub fn name(number: u64, is_compressed: bool) -> String {
        format!("{number:08}.log{}", if is_compressed { ".zst" } else { "" })
    }

    pub fn parse(name: &OsStr) -> Option<Self> {
        let name = name.to_str()?;
        let (number, is_compressed) = match name.strip_suffix(".log.zst") {
            Some(number) => (number, true),
            None => (name.strip_suffix(".log")?, false),
        };
        Some(Self { number: number.parse().ok()?, is_compressed })
    }

    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(Self::name(self.number, self.is_compressed))
    }
}

/// Opens a file of a log to read it. The folder is the instance's user's: nothing but a file is read there, no link is
/// followed, and nothing waits for whoever writes to a pipe.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a part of the log isn't a file"));
    }
    Ok(file)
}

/// What is there, oldest first. A segment that is being compressed is there once.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut segments = Vec::new();
    for entry in entries {
        segments.extend(Segment::parse(&entry?.file_name()));
    }
    segments.sort();
    segments.dedup_by_key(|segment| segment.number);
    Ok(segments)
}

/// Compresses all segments but the newest, and removes what is beyond the number that is kept.
///
/// # Errors
/// Where a file can't be read or written. Nothing is lost then.
pub fn compress_full(folder: &Path) -> io::Result<()> {
    compress(folder, KEPT)
}

/// As `compress_full`, with so many segments kept.
pub(crate) fn compress(folder: &Path, kept: usize) -> io::Result<()> {
    let mut segments = list(folder)?;
    segments.pop();
    let beyond = (segments.len() + 1).saturating_sub(kept);
    for gone in segments.drain(..beyond) {
        fs::remove_file(gone.path(folder))?;
    }
    for segment in segments.iter().filter(|segment| !segment.is_compressed) {
        let plain = segment.path(folder);
        let packed = folder.join(Segment::name(segment.number, true));
        let beside = packed.with_extension("new");
        let mut reader = open(&plain)?;
        // Made anew: what stands there under this name was left by a crash, or is a link of somebody's.
        crate::folders::remove_file(&beside)?;
        let writer = OpenOptions::new().write(true).create_new(true).mode(0o640).open(&beside)?;
        zstd::stream::copy_encode(&mut reader, &writer, 3)?;
        writer.sync_all()?;
        fs::rename(&beside, &packed)?;
        fs::remove_file(&plain)?;
    }
    Ok(())
}
