//! The file of a backup: tar in zstd, which both programs read, with a last frame that zstd passes over. That one holds
//! the hash of all before it, so that a file which is cut short or was changed is known before anything is unpacked.
//!
//! The members: `manifest.json`, `records.sqlite`, `repositories/<project>.bundle` in the order of the ids, and
//! `checks.json` with the hash of each of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use stoa_agent::folders;
use stoa_domain::ProjectId;

/// Raised where an older program couldn't read the file any more.
pub const FORMAT: u32 = 1;

const MANIFEST: &str = "manifest.json";
pub const RECORDS: &str = "records.sqlite";
const CHECKS: &str = "checks.json";

/// What a zstd file begins with, and what begins a frame that zstd passes over (RFC 8878, 3.1).
const ZSTD: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
const SKIPPED: [u8; 4] = 0x184D_2A5B_u32.to_le_bytes();
const WORD: &[u8; 12] = b"stoa backup\n";
/// Magic, length, word and SHA-256.
const LAST_FRAME: u64 = 4 + 4 + 12 + 32;

/// Of the two JSON members.
const LARGEST_JSON: u64 = 64 << 20;
const MOST_REPOSITORIES: usize = 100_000;
/// What unpacking leaves free on a disk.
const LEFT_FREE: u64 = 64 << 20;
const LEVEL: i32 = 3;

/// Why a file isn't restored.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("{0} can't be read: {1}")]
    Unreadable(PathBuf, #[source] io::Error),
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
    Unwritable(PathBuf, #[source] io::Error),
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

/// Hashes what is written through it.
struct Hashed<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A backup that is being written.
pub struct Writer<W: Write> {
    tar: tar::Builder<zstd::Encoder<'static, Hashed<BufWriter<W>>>>,
    checks: Checks,
    at: u64,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl<W: Write> Writer<W> {
    /// `at`: seconds since 1970, the time that its members are given.
    pub fn begin(out: W, manifest: &Manifest, at: u64) -> io::Result<Self> {
        let out = Hashed { out: BufWriter::with_capacity(1 << 20, out), hash: Sha256::new() };
        let mut zstd = zstd::Encoder::new(out, LEVEL)?;
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
        let Hashed { mut out, hash } = self.tar.into_inner()?.finish()?;
        out.write_all(&SKIPPED)?;
        out.write_all(&(LAST_FRAME as u32 - 8).to_le_bytes())?;
        out.write_all(WORD)?;
        out.write_all(&hash.finalize())?;
        out.flush()?;
        out.into_inner().map_err(io::IntoInnerError::into_error)
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

/// A backup that is whole, as it was written, and of a version that is known.
pub struct Reader {
    name: PathBuf,
    file: File,
    length: u64,
    pub manifest: Manifest,
}

type Entries = tar::Archive<zstd::Decoder<'static, BufReader<io::Take<File>>>>;

impl Reader {
    /// # Errors
    /// Where it isn't, and why.
    pub fn open(name: &Path) -> Result<Self, ArchiveError> {
        let unreadable = |error| ArchiveError::Unreadable(name.to_owned(), error);
        let mut file = File::open(name).map_err(unreadable)?;
        let length = checked_length(name, &mut file)?;
        let mut reader = Self {
            name: name.to_owned(),
            file,
            length,
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
            .and_then(|mut entries| entries.next().transpose())
            .map_err(unreadable)?
            .ok_or_else(|| ArchiveError::Other(name.to_owned()))?;
        if path_of(&first) != MANIFEST {
            return Err(ArchiveError::Other(name.to_owned()));
        }
        let text = read_json(name, &mut first)?;
        reader.manifest = serde_json::from_slice(&text).map_err(|_| newer_or_other(name, &text))?;
        if reader.manifest.format > FORMAT || reader.manifest.schema > stoa_storage::known_version() {
            return Err(ArchiveError::Newer { file: name.to_owned(), version: reader.manifest.stoa });
        }
        Ok(reader)
    }

    fn entries(&mut self) -> Result<Entries, ArchiveError> {
        let unreadable = |error| ArchiveError::Unreadable(self.name.clone(), error);
        let mut file = self.file.try_clone().map_err(unreadable)?;
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let whole = BufReader::new(file.take(self.length));
        let zstd = zstd::Decoder::with_buffer(whole).map_err(unreadable)?;
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
        let mut unpacking =
            Unpacking { name: &name, into, hashes: BTreeMap::new(), found: Vec::new(), checks: None };
        for entry in entries.entries().map_err(unreadable)? {
            unpacking.take(&mut entry.map_err(unreadable)?)?;
        }
        let Unpacking { hashes, found, checks, .. } = unpacking;
        if !hashes.contains_key(RECORDS) || checks.is_none_or(|checks| checks.sha256 != hashes) {
            return Err(ArchiveError::Changed(name));
        }
        Ok(Unpacked { records: into.join(RECORDS), repositories: found })
    }
}

/// The bytes before the last frame, once their hash is found to be the one in it.
fn checked_length(name: &Path, file: &mut File) -> Result<u64, ArchiveError> {
    let unreadable = |error| ArchiveError::Unreadable(name.to_owned(), error);
    let length = file.metadata().map_err(unreadable)?.len();
    let mut begin = [0; 4];
    if length < 4 || file.read_exact(&mut begin).is_err() || begin != ZSTD {
        return Err(ArchiveError::Other(name.to_owned()));
    }
    let Some(before) = length.checked_sub(LAST_FRAME) else {
        return Err(ArchiveError::CutShort(name.to_owned()));
    };
    let mut last = [0; LAST_FRAME as usize];
    file.seek(SeekFrom::Start(before)).and_then(|_| file.read_exact(&mut last)).map_err(unreadable)?;
    if last[..4] != SKIPPED || last[8..20] != *WORD {
        return Err(ArchiveError::CutShort(name.to_owned()));
    }
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut hashed = HashedRead { from: file.take(before), hash: Sha256::new() };
    io::copy(&mut hashed, &mut io::sink()).map_err(unreadable)?;
    if *hashed.hash.finalize() != last[20..] {
        return Err(ArchiveError::Changed(name.to_owned()));
    }
    Ok(before)
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

fn read_json(name: &Path, entry: &mut impl Read) -> Result<Vec<u8>, ArchiveError> {
    let mut text = Vec::new();
    let read = entry.take(LARGEST_JSON + 1).read_to_end(&mut text);
    match read {
        Ok(count) if count as u64 <= LARGEST_JSON => Ok(text),
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
}

impl Unpacking<'_> {
    /// Only what is expected, as a plain file, once, and in its order.
    fn take<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>) -> Result<(), ArchiveError> {
        let path = path_of(entry);
        let refused = || ArchiveError::Member(self.name.to_owned(), path.clone());
        let is_plain = entry.header().entry_type() == tar::EntryType::Regular;
        if !is_plain || self.checks.is_some() || self.hashes.contains_key(&path) {
            return Err(refused());
        }
        match path.as_str() {
            MANIFEST if self.hashes.is_empty() => {
                let text = read_json(self.name, entry)?;
                self.hashes.insert(path, hex(&Sha256::digest(&text)));
            }
            RECORDS if self.hashes.len() == 1 => {
                let file = self.into.join(RECORDS);
                let hash = self.write(entry, &file)?;
                self.hashes.insert(path, hash);
            }
            CHECKS if self.hashes.len() > 1 => {
                let text = read_json(self.name, entry)?;
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
