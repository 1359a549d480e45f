//! The file of a backup: tar in zstd, which both programs read. What stands behind it, by which a file that is cut short or
//! was changed is known before anything is unpacked, is in [`super::proof`].
//!
//! The members: `manifest.json`, `records.sqlite`, `repositories/<project>.bundle` in the order of the ids, and
//! `checks.json` with the hash of each of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use stoa_agent::folders;
use stoa_domain::ProjectId;

use super::proof::{self, Ending, Key, Proving};

/// Raised where an older program couldn't read the file any more. The first had no proof.
pub const FORMAT: u32 = 2;

const MANIFEST: &str = "manifest.json";
pub const RECORDS: &str = "records.sqlite";
const CHECKS: &str = "checks.json";

/// Of `checks.json`: a line for each repository.
const LARGEST_CHECKS: u64 = 64 << 20;
/// It is read before anything is proved.
const LARGEST_MANIFEST: u64 = 64 << 10;
/// Binary logarithm of the memory that unpacking may want before anything is proved: 16 MiB. Writing wants an eighth.
const LARGEST_WINDOW: u32 = 24;
/// A file doesn't hold more than so many times its own size, besides some.
const LARGEST_RATIO: u64 = 1000;
const LARGEST_ANYWAY: u64 = 1 << 30;
const MOST_REPOSITORIES: usize = 100_000;
/// What unpacking leaves free on a disk.
const LEFT_FREE: u64 = 64 << 20;
const LEVEL: i32 = 3;

/// Why a file isn't restored.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("{0} can't be read: {1}")]
    Unreadable(PathBuf, io::Error),
    #[error("{0} isn't a backup that Stoa wrote")]
    Other(PathBuf),
    #[error("{0} is cut short: its end is missing. Bring the whole file; nothing was changed")]
    CutShort(PathBuf),
    #[error(
        "{0} isn't as it was written: a part of it was changed. Bring another copy; nothing was changed here"
    )]
    Changed(PathBuf),
    #[error(
        "{file} was written by Stoa {version}, which is newer than this one. Restore it with that version or a later one; nothing was changed"
    )]
    Newer { file: PathBuf, version: String },
    #[error("{0} holds something that doesn't belong into a backup: {1}. Nothing was changed")]
    Member(PathBuf, String),
    #[error("{0} has no room for what the backup holds: {1} bytes more are needed")]
    NoRoom(PathBuf, u64),
    #[error("{0} can't be written: {1}")]
    Unwritable(PathBuf, io::Error),
    #[error(
        "{0} wasn't written by who has the master key: somebody changed it, and made its hash anew. Bring another copy; nothing was changed here"
    )]
    Forged(PathBuf),
    #[error(
        "{0} was written by an earlier Stoa and proves nothing: whoever could write the file can have changed it. Where you are sure that nobody did, say --unproved; nothing was changed"
    )]
    Unproved(PathBuf),
    #[error("{0} would be larger when it is unpacked than any backup of its size. Nothing was changed")]
    TooLarge(PathBuf),
}

/// What a backup says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// Version of the program that wrote it.
    pub stoa: String,
    /// Version of its records.
    pub schema: i64,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// A known text sealed with the master key, in base64: shows whether a key is the right one, and tells nothing of it.
    pub key_check: String,
}

#[derive(Serialize, Deserialize)]
struct Checks {
    /// SHA-256 of each member, in hexadecimal digits.
    sha256: BTreeMap<String, String>,
}

/// A backup that is being written.
pub struct Writer<W: Write> {
    tar: tar::Builder<zstd::Encoder<'static, Proving<W>>>,
    checks: Checks,
    at: u64,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl<W: Write> Writer<W> {
    /// `at`: seconds since 1970, the time that its members are given.
    pub fn begin(out: W, manifest: &Manifest, at: u64, key: &Key) -> io::Result<Self> {
        let mut zstd = zstd::Encoder::new(Proving::begin(out, key)?, LEVEL)?;
        zstd.include_checksum(true)?;
        let checks = Checks { sha256: BTreeMap::new() };
        let mut writer = Self { tar: tar::Builder::new(zstd), checks, at };
        writer.add(MANIFEST, serde_json::to_vec_pretty(manifest)?.as_slice(), None)?;
        Ok(writer)
    }

    fn add(&mut self, name: &str, bytes: impl Read, size: Option<u64>) -> io::Result<()> {
        let mut hashed = HashedRead { from: bytes, hash: Sha256::new() };
        let mut whole = Vec::new();
        let size = match size {
            Some(size) => size,
            None => hashed.read_to_end(&mut whole)? as u64,
        };
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(size);
        header.set_mode(0o600);
        header.set_mtime(self.at);
        if whole.is_empty() {
            self.tar.append_data(&mut header, name, &mut hashed)?;
        } else {
            self.tar.append_data(&mut header, name, whole.as_slice())?;
        }
        self.checks.sha256.insert(name.to_owned(), hex(&hashed.hash.finalize()));
        Ok(())
    }

    pub fn add_records(&mut self, file: &Path) -> io::Result<()> {
        let file = File::open(file)?;
        let size = file.metadata()?.len();
        self.add(RECORDS, BufReader::new(file), Some(size))
    }

    pub fn add_repository(&mut self, project: ProjectId, file: &Path) -> io::Result<()> {
        let file = File::open(file)?;
        let size = file.metadata()?.len();
        self.add(&name_of(project), BufReader::new(file), Some(size))
    }

    /// Writes what comes last, and gives the place it was written to back.
    pub fn end(mut self) -> io::Result<W> {
        let checks = serde_json::to_vec_pretty(&self.checks)?;
        self.add(CHECKS, checks.as_slice(), None)?;
        self.tar.into_inner()?.finish()?.end()
    }
}

fn name_of(project: ProjectId) -> String {
    format!("repositories/{project}.bundle")
}

struct HashedRead<R> {
    from: R,
    hash: Sha256,
}

impl<R: Read> Read for HashedRead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

/// What a backup holds, once it is unpacked.
pub struct Unpacked {
    pub records: PathBuf,
    /// Each project's bundle.
    pub repositories: Vec<(ProjectId, PathBuf)>,
}

/// A backup that is whole, and of a version that is known. Whoever unpacks it has it proved before.
pub struct Reader {
    name: PathBuf,
    file: File,
    ending: Ending,
    pub manifest: Manifest,
}

type Entries = tar::Archive<zstd::Decoder<'static, BufReader<io::Take<File>>>>;

impl Reader {
    /// # Errors
    /// Where it isn't, and why.
    pub fn open(name: &Path, mut file: File) -> Result<Self, ArchiveError> {
        let unreadable = |error| ArchiveError::Unreadable(name.to_owned(), error);
        let ending = proof::ending(name, &mut file)?;
        let mut reader = Self {
            name: name.to_owned(),
            file,
            ending,
            manifest: Manifest {
                format: 0,
                stoa: String::new(),
                schema: 0,
                created_at: String::new(),
                key_check: String::new(),
            },
        };
        let mut entries = reader.entries()?;
        let mut first = entries
            .entries()
            .and_then(|entries| entries.raw(true).next().transpose())
            .map_err(unreadable)?
            .ok_or_else(|| ArchiveError::Other(name.to_owned()))?;
        if path_of(&first) != MANIFEST || !is_plain(&first) {
            return Err(ArchiveError::Other(name.to_owned()));
        }
        let text = read_json(name, &mut first, LARGEST_MANIFEST)?;
        reader.manifest = serde_json::from_slice(&text).map_err(|_| newer_or_other(name, &text))?;
        if reader.manifest.format > FORMAT || reader.manifest.schema > stoa_storage::known_version() {
            return Err(ArchiveError::Newer { file: name.to_owned(), version: reader.manifest.stoa });
        }
        Ok(reader)
    }

    /// Whether it was written by who has the key. Not asked of a file of the first format, where `is_trusted`.
    ///
    /// # Errors
    /// Where it wasn't, or says nothing of it.
    pub fn prove(&mut self, key: &Key, is_trusted: bool) -> Result<(), ArchiveError> {
        let proved = self.ending.is_proved(&mut self.file, key);
        match proved.map_err(|error| ArchiveError::Unreadable(self.name.clone(), error))? {
            Some(true) => Ok(()),
            Some(false) => Err(ArchiveError::Forged(self.name.clone())),
            None if is_trusted && self.manifest.format == 1 => Ok(()),
            None if self.manifest.format == 1 => Err(ArchiveError::Unproved(self.name.clone())),
            None => Err(ArchiveError::Forged(self.name.clone())),
        }
    }

    fn entries(&mut self) -> Result<Entries, ArchiveError> {
        let unreadable = |error| ArchiveError::Unreadable(self.name.clone(), error);
        let mut file = self.file.try_clone().map_err(unreadable)?;
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let whole = BufReader::new(file.take(self.ending.length));
        let mut zstd = zstd::Decoder::with_buffer(whole).map_err(unreadable)?;
        zstd.window_log_max(LARGEST_WINDOW).map_err(unreadable)?;
        Ok(tar::Archive::new(zstd))
    }

    /// Unpacks all members into a folder, and compares each with its hash.
    ///
    /// # Errors
    /// Where there is one that doesn't belong, or no room.
    pub fn unpack(&mut self, into: &Path) -> Result<Unpacked, ArchiveError> {
        let name = self.name.clone();
        let unreadable = |error| ArchiveError::Unreadable(name.clone(), error);
        let mut entries = self.entries()?;
        let mut unpacking = Unpacking {
            name: &name,
            into,
            hashes: BTreeMap::new(),
            found: Vec::new(),
            checks: None,
            left: self.ending.length.saturating_mul(LARGEST_RATIO).saturating_add(LARGEST_ANYWAY),
        };
        // As they stand there: what tar adds to them by entries of another kind no backup has, and it is read into memory.
        for entry in entries.entries().map_err(unreadable)?.raw(true) {
            unpacking.take(&mut entry.map_err(unreadable)?)?;
        }
        let Unpacking { hashes, found, checks, .. } = unpacking;
        if !hashes.contains_key(RECORDS) || checks.is_none_or(|checks| checks.sha256 != hashes) {
            return Err(ArchiveError::Changed(name));
        }
        Ok(Unpacked { records: into.join(RECORDS), repositories: found })
    }
}

/// A manifest of another form: of a later program, where it says so.
fn newer_or_other(name: &Path, text: &[u8]) -> ArchiveError {
    let value: serde_json::Value = serde_json::from_slice(text).unwrap_or_default();
    match (value["format"].as_u64(), value["stoa"].as_str()) {
        (Some(format), Some(version)) if format > u64::from(FORMAT) => {
            ArchiveError::Newer { file: name.to_owned(), version: version.to_owned() }
        }
        _ => ArchiveError::Other(name.to_owned()),
    }
}

fn path_of<R: Read>(entry: &tar::Entry<'_, R>) -> String {
    String::from_utf8_lossy(&entry.path_bytes()).into_owned()
}

fn is_plain<R: Read>(entry: &tar::Entry<'_, R>) -> bool {
    entry.header().entry_type() == tar::EntryType::Regular
}

fn read_json(name: &Path, entry: &mut impl Read, largest: u64) -> Result<Vec<u8>, ArchiveError> {
    let mut text = Vec::new();
    let read = entry.take(largest + 1).read_to_end(&mut text);
    match read {
        Ok(count) if count as u64 <= largest => Ok(text),
        Ok(_) => Err(ArchiveError::Member(name.to_owned(), "a description larger than any".to_owned())),
        Err(error) => Err(ArchiveError::Unreadable(name.to_owned(), error)),
    }
}

struct Unpacking<'a> {
    name: &'a Path,
    into: &'a Path,
    hashes: BTreeMap<String, String>,
    found: Vec<(ProjectId, PathBuf)>,
    checks: Option<Checks>,
    /// Bytes that may come still.
    left: u64,
}

impl Unpacking<'_> {
    /// Only what is expected, as a plain file, once, and in its order.
    fn take<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>) -> Result<(), ArchiveError> {
        let path = path_of(entry);
        let refused = || ArchiveError::Member(self.name.to_owned(), path.clone());
        if !is_plain(entry) || self.checks.is_some() || self.hashes.contains_key(&path) {
            return Err(refused());
        }
        self.left = match self.left.checked_sub(entry.size()) {
            Some(left) => left,
            None => return Err(ArchiveError::TooLarge(self.name.to_owned())),
        };
        match path.as_str() {
            MANIFEST if self.hashes.is_empty() => {
                let text = read_json(self.name, entry, LARGEST_MANIFEST)?;
                self.hashes.insert(path, hex(&Sha256::digest(&text)));
            }
            RECORDS if self.hashes.len() == 1 => {
                let file = self.into.join(RECORDS);
                let hash = self.write(entry, &file)?;
                self.hashes.insert(path, hash);
            }
            CHECKS if self.hashes.len() > 1 => {
                let text = read_json(self.name, entry, LARGEST_CHECKS)?;
                self.checks = Some(serde_json::from_slice(&text).map_err(|_| refused())?);
            }
            _ if self.hashes.len() > 1 => {
                let project: ProjectId = path
                    .strip_prefix("repositories/")
                    .and_then(|rest| rest.strip_suffix(".bundle"))
                    .and_then(|id| id.parse().ok())
                    .ok_or_else(refused)?;
                if self.found.len() >= MOST_REPOSITORIES || name_of(project) != path {
                    return Err(refused());
                }
                let file = self.into.join(format!("{project}.bundle"));
                let hash = self.write(entry, &file)?;
                self.hashes.insert(path, hash);
                self.found.push((project, file));
            }
            _ => return Err(refused()),
        }
        Ok(())
    }

    fn write<R: Read>(&self, entry: &mut tar::Entry<'_, R>, file: &Path) -> Result<String, ArchiveError> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let unwritable = |error| ArchiveError::Unwritable(file.to_owned(), error);
        let needed = entry.size().saturating_add(LEFT_FREE);
        let free = folders::free_space(self.into).map_err(unwritable)?;
        if needed > free {
            return Err(ArchiveError::NoRoom(self.into.to_owned(), needed - free));
        }
        let mut open =
            File::options().write(true).create_new(true).mode(0o600).open(file).map_err(unwritable)?;
        let mut hashed = HashedRead { from: entry, hash: Sha256::new() };
        io::copy(&mut hashed, &mut open).map_err(unwritable)?;
        open.sync_all().map_err(unwritable)?;
        Ok(hex(&hashed.hash.finalize()))
    }
}
