//! The files of one folder as those of another: linked, not copied.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, openat};
use nix::sys::stat::{Mode, SFlag, fstatat, mkdirat};
use nix::unistd::linkat;

use super::tree::{DEEPEST, FOLDER, open};

/// One folder in both places.
struct Pair {
    name: Vec<u8>,
    from: OwnedFd,
    into: OwnedFd,
}

/// Links files and symbolic links by their paths, each in the folder of the same name, which is made. No symbolic link is
/// followed, in neither place. Gives what was linked: what isn't there, is of another kind, or has as many links as it may,
/// is left out, and so is a path that leads elsewhere or has a folder of git's in it.
///
/// # Errors
/// Where one of the two folders can't be opened. Of one to link from that isn't there nothing is linked.
pub fn link(from: &Path, into: &Path, paths: Vec<Vec<u8>>) -> io::Result<HashSet<Vec<u8>>> {
    let from = match open(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashSet::new()),
        other => other?,
    };
    let top = Pair { name: Vec::new(), from, into: open(into)? };
    let mut open = vec![top];
    Ok(paths.into_iter().filter(|path| link_one(&mut open, path).is_ok()).collect())
}

fn link_one(open: &mut Vec<Pair>, path: &[u8]) -> nix::Result<()> {
    let mut parts: Vec<_> = path.split(|byte| *byte == b'/').collect();
    let strange = |part: &&[u8]| matches!(*part, b"" | b"." | b"..") || part.eq_ignore_ascii_case(b".git");
    if parts.len() > DEEPEST || parts.iter().any(strange) {
        return Err(Errno::EINVAL);
    }
    let name = OsStr::from_bytes(parts.pop().ok_or(Errno::EINVAL)?);
    // The list is in order, so that most are in the folder of the one before.
    let shared = open[1..].iter().zip(&parts).take_while(|(pair, part)| pair.name == **part).count();
    open.truncate(1 + shared);
    for part in &parts[shared..] {
        let next = descend(open.last().ok_or(Errno::EINVAL)?, part)?;
        open.push(next);
    }
    let Pair { from, into, .. } = open.last().ok_or(Errno::EINVAL)?;
    let about = fstatat(from.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    let kind = about.st_mode & SFlag::S_IFMT.bits();
    if kind != SFlag::S_IFREG.bits() && kind != SFlag::S_IFLNK.bits() {
        return Err(Errno::EINVAL);
    }
    linkat(from, name, into, name, AtFlags::empty())
}

fn descend(above: &Pair, name: &[u8]) -> nix::Result<Pair> {
    let part = OsStr::from_bytes(name);
    let from = openat(&above.from, part, FOLDER, Mode::empty())?;
    match mkdirat(&above.into, part, Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno),
    }
    let into = openat(&above.into, part, FOLDER, Mode::empty())?;
    Ok(Pair { name: name.to_vec(), from, into })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    fn linked(from: &Path, into: &Path, paths: &[&str]) -> Vec<String> {
        let paths = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let mut linked: Vec<_> = link(from, into, paths)
            .unwrap()
            .into_iter()
            .map(|path| String::from_utf8(path).unwrap())
            .collect();
        linked.sort_unstable();
        linked
    }

    #[test]
    fn files_are_the_same_ones_and_links_stay_links() {
        let place = tempfile::tempdir().unwrap();
        let (from, into) = (place.path().join("from"), place.path().join("into"));
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::create_dir(&into).unwrap();
        for file in ["one", "a/two", "a/b/three", "last"] {
            fs::write(from.join(file), file).unwrap();
        }
        symlink("/etc/hostname", from.join("a/link")).unwrap();
        let paths = ["a/b/three", "a/gone", "a/link", "a/two", "a", "gone/one", "last", "one"];
        assert_eq!(linked(&from, &into, &paths), ["a/b/three", "a/link", "a/two", "last", "one"]);
        let inode = |path: &Path| fs::symlink_metadata(path).unwrap().ino();
        for file in ["one", "a/two", "a/b/three", "a/link", "last"] {
            assert_eq!(inode(&from.join(file)), inode(&into.join(file)), "{file}");
        }
        assert_eq!(fs::read_link(into.join("a/link")).unwrap(), Path::new("/etc/hostname"));
    }

    #[test]
    fn nothing_is_made_or_found_elsewhere() {
        let place = tempfile::tempdir().unwrap();
        let (from, into) = (place.path().join("from"), place.path().join("into"));
        let outside = place.path().join("outside");
        for folder in [&from, &into, &outside, &from.join("here"), &from.join(".git")] {
            fs::create_dir(folder).unwrap();
        }
        for file in [outside.join("secret"), from.join("here/file"), from.join(".git/config")] {
            fs::write(file, "x").unwrap();
        }
        symlink(&outside, from.join("there")).unwrap();
        symlink(&outside, into.join("here")).unwrap();
        let paths =
            ["../outside/secret", "/etc/hostname", "there/secret", "here/file", ".git/config", "a//b", ""];
        assert!(linked(&from, &into, &paths).is_empty());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }
}
