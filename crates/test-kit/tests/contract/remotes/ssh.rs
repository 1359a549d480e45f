//! By ssh, with a key that Stoa made and a host that is known by its own.

use serde_json::json;
use test_kit::remote_host::SshHost;

use super::{Scene, head, noise, somewhere};

/// Fetched, once its key is let in.
async fn fetched(host: &SshHost, options: &str) -> Scene {
    let there = somewhere();
    let url = host.url(&there.1);
    let scene = Scene::new(&host.place(), there, &url, None).await;
    host.let_in(scene.remote().await["public_key"].as_str().unwrap(), options);
    let remote = scene.fetch().await;
    assert_eq!(remote["status"], "fetched", "{remote}");
    scene
}

#[tokio::test]
async fn a_remote_repository_is_fetched_once_its_key_is_let_in() {
    let host = SshHost::start();
    let there = somewhere();
    let url = host.url(&there.1);
    let scene = Scene::new(&host.place(), there, &url, None).await;

    let before = scene.remote().await;
    assert_eq!((&before["status"], &before["credential"]), (&json!("waiting"), &json!("deploy_key")));
    let key = before["public_key"].as_str().unwrap();
    assert!(key.starts_with("ssh-ed25519 ") && key.ends_with(" stoa@localhost"), "{key}");

    // Refused, and the host is known from then on all the same.
    let refused = scene.fetch().await;
    assert_eq!(refused["problem"]["code"], "refused", "{refused}");
    assert_eq!(refused["host_key"]["fingerprint"], json!(host.fingerprint()));
    assert!(scene.branches().await.is_empty());

    host.let_in(key, "");
    let fetched = scene.fetch().await;
    assert_eq!((&fetched["status"], &fetched["problem"]), (&json!("fetched"), &json!(null)), "{fetched}");
    assert_eq!(scene.names().await, ["trunk", "idea"]);
    let project = scene.olga.client.get(&scene.path("")).await.expect(200).json();
    assert_eq!(
        (&project["default_branch"], &project["repository"]["kind"]),
        (&json!("trunk"), &json!("remote"))
    );
    assert_eq!(project["repository"]["url"], json!(url));

    let tested = scene.olga.client.post(&scene.path("/remote/test"), json!({})).await.expect(200).json();
    assert_eq!((&tested["ok"], &tested["branches"]), (&json!(true), &json!(2)));
}

/// Hands on what git says there, up to some bytes, and then says nothing more for as long as anybody listens.
const HANGS: &str = r#"
import os, select, shlex, subprocess, sys
git = subprocess.Popen(shlex.split(os.environ["SSH_ORIGINAL_COMMAND"]), stdout=subprocess.PIPE)
left = 20000
while left:
    piece = os.read(git.stdout.fileno(), min(left, 4096))
    if not piece:
        sys.exit(git.wait())
    os.write(1, piece)
    left -= len(piece)
open(sys.argv[1], "w").close()
gone = select.poll()
gone.register(1, 0)
gone.poll(600000)
git.kill()
"#;

#[tokio::test]
async fn one_that_hangs_in_the_middle_is_given_up_and_leaves_a_whole_mirror() {
    let host = SshHost::start();
    let scene = fetched(&host, "").await;
    let stood = head(&scene.mirror(), "trunk");
    scene.work.commit("trunk", None, &[("large.txt", &noise(200_000))]);
    let folder = tempfile::tempdir().unwrap();
    let (program, here) = (folder.path().join("hangs.py"), folder.path().join("here"));
    std::fs::write(&program, HANGS).unwrap();
    let key = scene.remote().await["public_key"].as_str().unwrap().to_owned();
    host.let_in(&key, &format!("command=\"python3 {} {}\"", program.display(), here.display()));
    let hung = scene.fetch().await;
    assert_eq!(hung["problem"]["code"], "timed_out", "{hung}");
    assert!(here.exists(), "it came to the middle");
    assert_eq!(head(&scene.mirror(), "trunk"), stood);
    assert_eq!(scene.names().await, ["trunk", "idea"]);

    host.let_in(&key, "");
    assert_eq!(scene.fetch().await["status"], "fetched");
    assert_eq!(head(&scene.mirror(), "trunk"), scene.head_there("trunk"));
    assert_eq!(scene.halves(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_host_that_shows_another_key_is_refused_until_an_owner_accepts_it() {
    let mut host = SshHost::start();
    let scene = fetched(&host, "").await;
    let first = host.fingerprint();
    host.change_key();
    scene.work.commit("trunk", None, &[("b.txt", "b\n")]);
    let stood = head(&scene.mirror(), "trunk");

    let refused = scene.fetch().await;
    assert_eq!(refused["problem"]["code"], "host_key_changed", "{refused}");
    assert_eq!(refused["host_key"]["fingerprint"], json!(first));
    assert_eq!(refused["offered_host_key"], json!(host.fingerprint()));
    assert_eq!(head(&scene.mirror(), "trunk"), stood, "nothing of another host's is taken");

    let accept = |key: String| {
        let (client, path) = (scene.olga.client.clone(), scene.path("/remote"));
        async move { client.patch(&path, json!({ "host_key": key })).await }
    };
    let _ = accept(first).await.expect(409);
    let accepted = accept(host.fingerprint()).await.expect(200).json();
    assert_eq!(accepted["host_key"]["fingerprint"], json!(host.fingerprint()));
    let fetched = scene.fetch().await;
    assert_eq!((&fetched["status"], &fetched["offered_host_key"]), (&json!("fetched"), &json!(null)));
    assert_eq!(head(&scene.mirror(), "trunk"), scene.head_there("trunk"));
}

#[tokio::test]
async fn a_merge_arrives_at_the_remote_and_a_commit_in_between_is_never_lost() {
    let host = SshHost::start();
    let scene = fetched(&host, "").await;

    // Somebody pushes there, and the mirror doesn't know of it yet.
    let in_between = scene.work.commit("trunk", None, &[("b.txt", "b\n")]);
    let refused = scene.merge("idea").await.expect(409);
    assert!(refused.json()["detail"].as_str().unwrap().contains("in between"));
    assert_eq!(scene.head_there("trunk"), in_between);

    // It was looked at right away, so that the next try finds it.
    scene.world.app.fetch_due_remotes().await.unwrap();
    let merged = scene.merge("idea").await.expect(200).json();
    assert_eq!(merged["status"], "merged");
    assert_eq!(json!(scene.head_there("trunk")), merged["commit"]);
    assert_eq!(json!(head(&scene.mirror(), "trunk")), merged["commit"]);
    let path = format!("/api/v1/workspaces/{}/audit?action=project.merge", scene.slug);
    let log = scene.olga.client.get(&path).await;
    assert_eq!(log.expect(200).json()["items"].as_array().unwrap().len(), 1);
    // The next fetch finds nothing that it hasn't.
    assert_eq!(scene.fetch().await["status"], "fetched");
    assert_eq!(json!(head(&scene.mirror(), "trunk")), merged["commit"]);
}

#[tokio::test]
async fn a_merge_moves_its_branch_alone_however_others_are_called() {
    let host = SshHost::start();
    super::merges_beside_names_that_end_alike(&fetched(&host, "").await).await;
}

#[tokio::test]
async fn a_key_that_may_only_read_merges_nothing() {
    let host = SshHost::start();
    let there = somewhere();
    let only_reads = format!("command=\"git-upload-pack {}\"", there.1.display());
    let url = host.url(&there.1);
    let scene = Scene::new(&host.place(), there, &url, None).await;
    host.let_in(scene.remote().await["public_key"].as_str().unwrap(), &only_reads);
    assert_eq!(scene.fetch().await["status"], "fetched");
    let stood = scene.head_there("trunk");
    let refused = scene.merge("idea").await;
    assert!([409, 502].contains(&refused.status.as_u16()), "{}", refused.text);
    assert_eq!((scene.head_there("trunk"), head(&scene.mirror(), "trunk")), (stood.clone(), stood));
}

#[tokio::test]
async fn a_remote_that_declines_a_push_says_why() {
    use std::os::unix::fs::PermissionsExt as _;
    let host = SshHost::start();
    let scene = fetched(&host, "").await;
    let hook = scene.there.join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho 'trunk is protected' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let stood = scene.head_there("trunk");
    let refused = scene.merge("idea").await.expect(409).json();
    assert_eq!(refused["code"], "remote_refused");
    let detail = refused["detail"].as_str().unwrap();
    // The credential is right as it is.
    assert!(detail.contains("trunk is protected") && !detail.contains("credential"), "{refused}");
    assert_eq!((scene.head_there("trunk"), head(&scene.mirror(), "trunk")), (stood.clone(), stood));
}

#[tokio::test]
async fn branches_that_git_could_misread_are_passed_over_and_counted() {
    let host = SshHost::start();
    let scene = fetched(&host, "").await;
    let trunk = scene.head_there("trunk");
    for name in ["--upload-pack=x", "refs/heads/trunk"] {
        let file = scene.there.join("refs/heads").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, format!("{trunk}\n")).unwrap();
    }
    std::fs::create_dir_all(scene.there.join("refs/pull/1")).unwrap();
    std::fs::write(scene.there.join("refs/pull/1/head"), format!("{trunk}\n")).unwrap();
    let fetched = scene.fetch().await;
    assert_eq!((&fetched["status"], &fetched["passed_over"]), (&json!("fetched"), &json!(2)), "{fetched}");
    assert_eq!(scene.names().await, ["trunk", "idea"]);
}

#[tokio::test]
async fn what_moves_there_is_deployed_and_what_is_deleted_there_stays_on_the_board() {
    let host = SshHost::start();
    let scene = fetched(&host, "").await;
    let workspace = scene.workspace();
    let server = workspace.server().await;
    let shop = workspace.instance(&scene.project, &server, "Shop", "staging", "idea").await;
    let deployments = || async {
        let path = format!("/api/v1/workspaces/{}/instances/{shop}/deployments", scene.slug);
        let found = scene.olga.client.get(&path).await.expect(200).json();
        found["items"].as_array().unwrap().clone()
    };
    let before = deployments().await.len();
    let commit = scene.work.commit("idea", None, &[("new.txt", "2\n")]);
    assert_eq!(scene.fetch().await["status"], "fetched");
    let after = deployments().await;
    assert_eq!(after.len(), before + 1);
    assert_eq!((&after[0]["commit"], &after[0]["cause"]), (&json!(commit), &json!("push")));
    // Fetched once more, it is deployed once.
    assert_eq!(scene.fetch().await["status"], "fetched");
    assert_eq!(deployments().await.len(), before + 1);

    // What has come and wasn't followed is followed by the next fetch, though that brings nothing.
    let commit = scene.work.commit("idea", None, &[("new.txt", "3\n")]);
    let mirror = scene.mirror().to_string_lossy().into_owned();
    let aside = format!("{commit}:refs/stoa/remote/heads/idea");
    let _ = scene.work.git(&[
        "push",
        "--quiet",
        "--force",
        &mirror,
        &format!("{commit}:refs/heads/idea"),
        &aside,
    ]);
    assert_eq!(scene.fetch().await["status"], "fetched");
    let followed = deployments().await;
    assert_eq!((followed.len(), &followed[0]["commit"]), (before + 2, &json!(commit)));

    let _ = scene.work.git(&["push", "--quiet", &scene.there.to_string_lossy(), ":idea"]);
    assert_eq!(scene.fetch().await["status"], "fetched");
    let branches = scene.branches().await;
    let idea = branches.iter().find(|one| one["name"] == "idea").unwrap();
    assert_eq!((&idea["commit"], &idea["instances"][0]["name"]), (&json!(null), &json!("Shop")));
}
