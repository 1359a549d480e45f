//! Files of backups, read and written by the tests themselves.

use std::io::{Read as _, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Bytes of the last frame.
pub const LAST: usize = 52;

/// A member: its name, its kind, and what is in it.
#[derive(Clone)]
pub struct Member {
    pub name: String,
    pub kind: tar::EntryType,
    pub bytes: Vec<u8>,
}

pub fn read(file: &Path) -> Vec<Member> {
    // The last frame is passed over, as every program that reads zstd does.
    let bytes = zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap();
    let mut members = Vec::new();
    for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let kind = entry.header().entry_type();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        members.push(Member { name, kind, bytes });
    }
    members
}

/// A file whose outer hash is right, whatever is in it; `checks.json` is made anew where it is there.
pub fn write(file: &Path, members: &[Member]) {
    let mut tar = tar::Builder::new(Vec::new());
    let mut sums = serde_json::Map::new();
    for member in members {
        let mut bytes = member.bytes.clone();
        if member.name == "checks.json" {
            bytes = serde_json::to_vec(&serde_json::json!({ "sha256": sums })).unwrap();
        }
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        sums.insert(member.name.clone(), hash.into());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(member.kind);
        header.set_mode(0o600);
        header.set_size(bytes.len() as u64);
        // As it is, also where the library wouldn't write such a name.
        let field = &mut header.as_old_mut().name;
        field[..member.name.len()].copy_from_slice(member.name.as_bytes());
        if member.kind == tar::EntryType::Symlink {
            header.set_link_name("/etc/passwd").unwrap();
            header.set_size(0);
            bytes.clear();
        }
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).unwrap();
    }
    let mut whole = zstd::encode_all(tar.into_inner().unwrap().as_slice(), 1).unwrap();
    let hash = Sha256::digest(&whole);
    whole.extend_from_slice(&0x184D_2A5B_u32.to_le_bytes());
    whole.extend_from_slice(&44_u32.to_le_bytes());
    whole.extend_from_slice(b"stoa backup\n");
    whole.extend_from_slice(&hash);
    std::fs::File::create(file).unwrap().write_all(&whole).unwrap();
}
