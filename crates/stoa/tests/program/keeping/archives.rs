//! Files of backups, read and written by the tests themselves.

use std::io::{Read as _, Write as _};
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use stoa_adapters::master_key;
use stoa_adapters::vault::MasterVault;

use crate::support::Installation;

/// Bytes of each of the two frames at the end.
pub const LAST: usize = 52;

/// By which an installation proves its backups.
pub fn key_of(stoa: &Installation) -> [u8; 32] {
    let key = master_key::load(&stoa.data().join("master.key"), false).unwrap();
    *MasterVault::new(key).backup_key()
}

/// What stands at the end: a proof where there is a key, and the hash of all before.
pub fn ended(mut whole: Vec<u8>, key: Option<[u8; 32]>) -> Vec<u8> {
    let frame = |word: &[u8; 12], value: &[u8]| {
        [&0x184D_2A5B_u32.to_le_bytes()[..], &44_u32.to_le_bytes(), word, value].concat()
    };
    if let Some(key) = key {
        let proof = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(&whole).finalize();
        whole.extend(frame(b"stoa proved\n", &proof.into_bytes()));
    }
    let hash = Sha256::digest(&whole);
    whole.extend(frame(b"stoa backup\n", &hash));
    whole
}

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

/// A file whose outer hash is right, whatever is in it, and whose proof is where there is a key; `checks.json` is made anew
/// where it is there.
pub fn write(file: &Path, members: &[Member], key: Option<[u8; 32]>) {
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
    let whole = zstd::encode_all(tar.into_inner().unwrap().as_slice(), 1).unwrap();
    std::fs::File::create(file).unwrap().write_all(&ended(whole, key)).unwrap();
}
