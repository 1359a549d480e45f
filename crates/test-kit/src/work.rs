//! Somebody's clone: branches with real commits, pushed into a bare repository as git does it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a working copy of a bare repository.
pub struct Work {
    folder: tempfile::TempDir,
    bare: PathBuf,
}

impl Work {
    /// # Panics
    /// Where git can't be run.
    #[must_use]
    pub fn new(bare: &Path) -> Self {
        let work = Self { folder: tempfile::tempdir().expect("a folder"), bare: bare.to_owned() };
        let _ = work.git(&["init", "--quiet", "--initial-branch=main"]);
        work
    }

    /// Runs git in the working copy, and tells what it said.
    ///
    /// # Panics
    /// Where git refuses.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.folder.path())
            .args(["-c", "user.name=Anna", "-c", "user.email=anna@example.com"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Writes files, commits them on a branch, made from `from` where it isn't there, and pushes it. The commit.
    ///
    /// # Panics
    /// Where git refuses.
    pub fn commit(&self, branch: &str, from: Option<&str>, files: &[(&str, &str)]) -> String {
        match from {
            Some(from) => drop(self.git(&["checkout", "--quiet", "-b", branch, from])),
            // The very first commit is made on a branch that isn't there yet.
            None if self.has(branch) => drop(self.git(&["checkout", "--quiet", branch])),
            None => drop(self.git(&["checkout", "--quiet", "--orphan", branch])),
        }
        for (path, text) in files {
            let path = self.folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder above")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let _ = self.git(&["add", "--all"]);
        let _ = self.git(&["commit", "--quiet", "--allow-empty", "-m", &format!("on {branch}")]);
        let _ = self.git(&["push", "--quiet", "--force", &self.bare.to_string_lossy(), branch]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn has(&self, branch: &str) -> bool {
        !self.git(&["branch", "--list", branch]).is_empty()
    }

    /// Where a branch of the bare repository stands.
    #[must_use]
    pub fn head(&self, branch: &str) -> String {
        let listed = self.git(&["ls-remote", &self.bare.to_string_lossy(), &format!("refs/heads/{branch}")]);
        listed.split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// Brings the working copy's branch to where the bare repository's stands.
    pub fn fetch(&self, branch: &str) {
        let _ = self.git(&["fetch", "--quiet", &self.bare.to_string_lossy(), branch]);
        let _ = self.git(&["checkout", "--quiet", "-B", branch, "FETCH_HEAD"]);
    }
}
