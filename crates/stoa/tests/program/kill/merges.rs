//! Killed at each step of a merge: before and after each of git's steps, which a git in front of the real one waits at.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use test_kit::remote_host::SshHost;
use test_kit::work::Work;

use super::shop::{Ground, commit};
use crate::support::owners::{until_all_is_owned, until_quiet};
use crate::support::{Installation, git, until};

/// A `git` that stops at a step while the file `<when>-<step>` is there, and says by the file `here` that it has come to it.
/// What it stopped before isn't done any more: its caller is dead by then. With a file `killed-<when>-<step>` it is killed.
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
    case "$word" in merge-tree | commit-tree | update-ref | push) step=$word && break ;; esac
done
wait_at() {{
    [ ! -e "{folder}/killed-$1-$step" ] || kill -9 $$
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

    /// Has a merge come to that step, and kills the program there.
    fn cuts_off(&self, ground: &mut Ground, step: &str, path: &'static str, wish: Value) {
        std::fs::write(self.folder.join(step), "").unwrap();
        let asking = ground.asking();
        let merging = std::thread::spawn(move || asking.ask("POST", path, Some(wish)));
        until(step, || self.folder.join("here").exists().then_some(()));
        ground.stoa.kill();
        for file in [step, "here"] {
            std::fs::remove_file(self.folder.join(file)).unwrap();
        }
        assert!(merging.join().unwrap().is_none(), "{step}: nobody was told that it was done");
    }
}

/// A git that is killed is no fault of Stoa's: whoever merges is told, nothing is changed, and it can be done again. Where
/// the branch has moved by then, the merge is done.
fn loses_git_at_each_step(ground: &Ground, waiting: &Waiting, steps: &[(&str, bool)]) {
    let (before, told) = (ground.head_of("main"), ground.merges_told());
    let ask = |is_preview: bool| {
        let body = json!({ "source": "next", "target": "main", "dry_run": is_preview });
        ground.asking().ask("POST", "/projects/shop/merge", Some(body)).unwrap()
    };
    for (step, is_done) in steps {
        let killed = waiting.folder.join(format!("killed-{step}"));
        std::fs::write(&killed, "").unwrap();
        if step.ends_with("merge-tree") {
            assert_eq!(ask(true).expect(503).json()["code"], "unavailable", "{step}");
        }
        let answer = ask(false).expect(if *is_done { 200 } else { 503 }).json();
        std::fs::remove_file(killed).unwrap();
        if *is_done {
            assert_eq!(answer["status"], "merged", "{step}: {answer}");
            assert_eq!(answer["deployments"].as_array().unwrap().len(), 1, "{step}: {answer}");
            assert_eq!(answer["commit"], ground.head_of("main").as_str(), "{step}");
        } else {
            assert_eq!(answer["code"], "unavailable", "{step}: {answer}");
            let detail = answer["detail"].as_str().unwrap();
            assert!(detail.ends_with("Nothing was changed; try again."), "{step}: {detail}");
            assert_eq!(ground.head_of("main"), before, "{step}");
        }
        assert_eq!(ground.merges_told(), told + usize::from(*is_done), "{step}");
    }
    until_quiet(&ground.stoa);
    until_all_is_owned(&ground.stoa);
}

impl Ground {
    fn merges_told(&self) -> usize {
        self.get("/audit?action=project.merge&outcome=done&limit=200")["items"].as_array().unwrap().len()
    }

    pub fn head_of(&self, branch: &str) -> String {
        self.head_in("shop", branch).unwrap()
    }

    fn head_in(&self, project: &str, branch: &str) -> Option<String> {
        let branches = self.get(&format!("/projects/{project}/branches"));
        let found = branches["items"].as_array().unwrap().iter().find(|one| one["name"] == branch).cloned();
        Some(found?["commit"]["id"].as_str()?.to_owned())
    }
}

/// Where the repository is elsewhere, the push there is a step as well. What has arrived is told of once it is fetched.
fn is_cut_off_at_a_push(ground: &mut Ground, waiting: &Waiting, host: &SshHost, folder: &Path) {
    let bare = folder.join("away.git");
    let work = Work::new(&bare);
    let _ = work.git(&["init", "--quiet", "--bare", "--initial-branch=trunk", bare.to_str().unwrap()]);
    work.commit("trunk", None, &[("a.txt", "a\n")]);
    let ask = |ground: &Ground, method: &str, path: &str, body: Value| {
        ground.asking().ask(method, path, Some(body)).unwrap()
    };
    let made = json!({ "name": "Away", "repository": { "kind": "remote", "url": host.url(&bare) } });
    let _ = ask(ground, "POST", "/projects", made).expect(201);
    host.let_in(ground.get("/projects/away/remote")["public_key"].as_str().unwrap(), "");
    let fetched = |ground: &Ground, branch: &str, commit: &str| {
        let _ = ask(ground, "POST", "/projects/away/remote/fetch", json!({})).expect(200);
        until("what is elsewhere to be fetched", || {
            (ground.head_in("away", branch).as_deref() == Some(commit)).then_some(())
        });
    };
    for (number, (step, is_done)) in [("before-push", false), ("after-push", true)].into_iter().enumerate() {
        let topic = format!("topic-{number}");
        let source = work.commit(&topic, Some("trunk"), &[(&format!("{topic}.txt"), "1\n")]);
        fetched(ground, &topic, &source);
        let (before, told) = (work.head("trunk"), ground.merges_told());
        let again = json!({ "source": topic, "target": "trunk" });
        waiting.cuts_off(ground, step, "/projects/away/merge", again.clone());
        ground.stoa.run();
        until_quiet(&ground.stoa);
        let there = work.head("trunk");
        assert_eq!(there != before, is_done, "{step}");
        if is_done {
            fetched(ground, "trunk", &there);
            until("the merge to be told", || (ground.merges_told() > told).then_some(()));
            assert_eq!(
                ask(ground, "POST", "/projects/away/merge", again).expect(200).json()["status"],
                "up_to_date"
            );
        } else {
            assert_eq!(ground.merges_told(), told, "{step}");
            let done = ask(ground, "POST", "/projects/away/merge", again).expect(200).json();
            assert_eq!(done["commit"], work.head("trunk").as_str(), "{step}: {done}");
        }
        assert_eq!(ground.merges_told(), told + 1, "{step}: once, whoever did it");
        // What comes next is made of where it stands now.
        work.fetch("trunk");
    }
    until_all_is_owned(&ground.stoa);
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
    let host = SshHost::start();
    let stoa =
        Installation::prepare(&[("PATH", &waiting.path), ("STOA_EGRESS_ALLOW", &host.place())]).started();
    let mut ground = Ground::of(stoa, "Shop");
    let files = ground.files.clone();
    let run = |arguments: &[&str]| {
        let (succeeded, said) = git(&files, arguments);
        assert!(succeeded, "{arguments:?}: {said}");
    };
    run(&["checkout", "--quiet", "-b", "next"]);
    commit(&files, 1);
    run(&["push", "--quiet", "stoa", "next"]);
    loses_git_at_each_step(&ground, &waiting, &steps);
    for (number, (step, is_done)) in steps.into_iter().enumerate() {
        let version = number + 2;
        commit(&files, version);
        run(&["push", "--quiet", "stoa", "next"]);
        let (source, before, told) = (ground.head_of("next"), ground.head_of("main"), ground.merges_told());
        let wish = json!({ "source": "next", "target": "main" });
        waiting.cuts_off(&mut ground, step, "/projects/shop/merge", wish);

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
    is_cut_off_at_a_push(&mut ground, &waiting, &host, aside.path());
}
