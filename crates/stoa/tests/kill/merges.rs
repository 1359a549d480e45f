//! Killed at each step of a merge: before and after each of git's steps, which a git in front of the real one waits at.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::shop::{Ground, commit};
use crate::support::owners::{until_all_is_owned, until_quiet};
use crate::support::{Installation, git, until};

/// A `git` that stops at a step while the file `<when>-<step>` is there, and says by the file `here` that it has come to it.
/// What it stopped before isn't done any more: its caller is dead by then.
struct Waiting {
    folder: PathBuf,
    path: String,
}

impl Waiting {
    fn new(folder: &Path) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::var("PATH").unwrap();
        let real =
            std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file()).unwrap();
        let script = format!(
            r#"#!/bin/sh
step=
for word; do
    case "$word" in merge-tree | commit-tree | update-ref) step=$word && break ;; esac
done
wait_at() {{
    [ -e "{folder}/$1-$step" ] || return 0
    : >"{folder}/here"
    while [ -e "{folder}/$1-$step" ]; do sleep 0.05; done
    exit 1
}}
[ -n "$step" ] || exec "{real}" "$@"
wait_at before
"{real}" "$@"
status=$?
wait_at after
exit $status
"#,
            folder = folder.display(),
            real = real.display(),
        );
        let own = folder.join("git");
        std::fs::write(&own, script).unwrap();
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder: folder.to_owned(), path: format!("{}:{path}", folder.display()) }
    }
}

impl Ground {
    fn merges_told(&self) -> usize {
        self.get("/audit?action=project.merge&limit=200")["items"].as_array().unwrap().len()
    }

    pub fn head_of(&self, branch: &str) -> String {
        let branches = self.get("/projects/shop/branches");
        let found = branches["items"].as_array().unwrap().iter().find(|one| one["name"] == branch).cloned();
        found.unwrap()["commit"]["id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_merge_that_is_cut_off_at_any_step_is_wholly_done_or_wholly_not() {
    let steps = [
        ("before-merge-tree", false),
        ("after-merge-tree", false),
        ("before-commit-tree", false),
        ("after-commit-tree", false),
        ("before-update-ref", false),
        ("after-update-ref", true),
    ];
    let aside = tempfile::tempdir().unwrap();
    let waiting = Waiting::new(aside.path());
    let stoa = Installation::prepare(&[("PATH", &waiting.path)]).started();
    let mut ground = Ground::of(stoa, "Shop");
    let files = ground.files.clone();
    let run = |arguments: &[&str]| {
        let (succeeded, said) = git(&files, arguments);
        assert!(succeeded, "{arguments:?}: {said}");
    };
    run(&["checkout", "--quiet", "-b", "next"]);
    for (number, (step, is_done)) in steps.into_iter().enumerate() {
        let version = number + 1;
        commit(&files, version);
        run(&["push", "--quiet", "stoa", "next"]);
        let (source, before, told) = (ground.head_of("next"), ground.head_of("main"), ground.merges_told());
        std::fs::write(waiting.folder.join(step), "").unwrap();
        let asking = ground.asking();
        let body = json!({ "source": "next", "target": "main" });
        let merging = std::thread::spawn(move || asking.ask("POST", "/projects/shop/merge", Some(body)));
        until(step, || waiting.folder.join("here").exists().then_some(()));
        ground.stoa.kill();
        for file in [step, "here"] {
            std::fs::remove_file(waiting.folder.join(file)).unwrap();
        }
        assert!(merging.join().unwrap().is_none(), "{step}: nobody was told that it was done");

        ground.stoa.run();
        let now = until(step, || {
            let now = ground.head_of("main");
            ((now != before) == is_done).then_some(now)
        });
        // The branch shows at once where it stands; what follows from it is written down soon after the start.
        until("the merge to be told", || (!is_done || ground.merges_told() > told).then_some(()));
        until_quiet(&ground.stoa);
        assert_eq!(ground.merges_told(), told + usize::from(is_done), "{step}");
        if !is_done {
            assert_eq!(ground.head_of("main"), before, "{step}");
            // Nothing of what was begun is in the way of doing it again.
            let body = json!({ "source": "next", "target": "main", "source_commit": source, "target_commit": before });
            let done = ground.asking().ask("POST", "/projects/shop/merge", Some(body)).unwrap();
            assert_eq!(done.expect(200).json()["status"], "merged", "{step}");
        }
        let deployed = until("the deployment", || {
            let newest = ground.newest_deployment("shop");
            (newest["commit"] == ground.head_of("main").as_str() && newest["ended_at"].is_string())
                .then_some(newest)
        });
        assert_eq!(deployed["status"], "succeeded", "{step}: {deployed}");
        assert!(!is_done || deployed["commit"] == now.as_str(), "{step}");
        until("the new one", || {
            ground.visit("shop").filter(|answer| *answer == format!("version {version}"))
        });
        assert_eq!(ground.merges_told(), told + 1, "{step}: once, whoever did it");
        until_all_is_owned(&ground.stoa);
    }
}
