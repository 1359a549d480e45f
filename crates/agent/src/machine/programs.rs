//! Which programs applications find inside of sandboxes. Looked for each time: one may be installed meanwhile.

use std::path::{Path, PathBuf};

use crate::postgresql;
use crate::protocol::ProgramsView;
use crate::sandbox::PATH;

/// The folders of the machine that a sandbox sees.
const SEEN: [&str; 7] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];

pub(crate) fn find() -> ProgramsView {
    let found = below(Path::new("/"));
    ProgramsView { postgresql: !postgresql::Programs::find().is_empty(), ..found }
}

fn below(root: &Path) -> ProgramsView {
    let python = program(root, "python3");
    ProgramsView {
        venv: python.as_deref().is_some_and(has_ensurepip),
        python: python.is_some(),
        node: program(root, "node").is_some(),
        npm: program(root, "npm").is_some(),
        postgresql: false,
    }
}

/// A program's file. A link that leads out of what a sandbox sees leads nowhere in it.
fn program(root: &Path, name: &str) -> Option<PathBuf> {
    PATH.split(':').find_map(|folder| {
        let file = std::fs::canonicalize(root.join(folder.trim_start_matches('/')).join(name)).ok()?;
        let is_seen = SEEN.iter().any(|seen| file.starts_with(root.join(seen)));
        (is_seen && file.is_file()).then_some(file)
    })
}

/// Whether `python3 -m venv` puts pip into what it makes: Debian has that in a package of its own.
fn has_ensurepip(python: &Path) -> bool {
    let (Some(name), Some(prefix)) = (python.file_name(), python.parent().and_then(Path::parent)) else {
        return false;
    };
    ["lib", "lib64"].iter().any(|lib| prefix.join(lib).join(name).join("ensurepip/__init__.py").is_file())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_a_sandbox_sees_is_found_and_nothing_that_only_leads_out_of_it() {
        let place = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(place.path()).unwrap();
        let write = |name: &str| {
            let file = root.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        };
        assert_eq!(below(&root), ProgramsView::default());
        write("opt/node/bin/node");
        write("usr/lib/node_modules/npm/bin/npm-cli.js");
        write("usr/bin/python3.11");
        std::fs::create_dir_all(root.join("usr/local/bin")).unwrap();
        symlink("../../../opt/node/bin/node", root.join("usr/local/bin/node")).unwrap();
        symlink("../lib/node_modules/npm/bin/npm-cli.js", root.join("usr/bin/npm")).unwrap();
        symlink("python3.11", root.join("usr/bin/python3")).unwrap();
        let found = below(&root);
        assert_eq!((found.python, found.venv, found.node, found.npm), (true, false, false, true));
        // Another version's doesn't count.
        write("usr/lib/python3.13/ensurepip/__init__.py");
        assert!(!below(&root).venv);
        write("usr/lib/python3.11/ensurepip/__init__.py");
        write("usr/bin/node");
        let found = below(&root);
        assert_eq!((found.venv, found.node), (true, true), "the second place where it is looked for");
    }
}
