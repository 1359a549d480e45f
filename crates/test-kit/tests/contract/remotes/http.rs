//! Over HTTP, with a token: as git's own server answers, and as one does that means no good.

use std::time::Duration;

use serde_json::json;
use test_kit::remote_host::{HttpHost, Manner};

use stoa_adapters::remotes::RemoteLimits;

use super::{LIMITS, Scene, head, noise, somewhere};

const TOKEN: &str = "tok-3f9a1c77e0";

async fn scene(token: &str) -> (HttpHost, Scene) {
    let there = somewhere();
    let host = HttpHost::start(there.0.path(), Some(TOKEN)).await;
    let url = host.url("shop.git");
    let scene = Scene::new(&host.place(), there, &url, Some(json!({ "token": token }))).await;
    (host, scene)
}

/// Whether a text stands in the arguments or the environment of any process.
fn is_seen_in_processes(text: &str) -> bool {
    let own = std::process::id().to_string();
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name != own
            && name.bytes().all(|byte| byte.is_ascii_digit())
            && ["cmdline", "environ"].iter().any(|file| {
                let bytes = std::fs::read(entry.path().join(file)).unwrap_or_default();
                bytes.windows(text.len()).any(|window| window == text.as_bytes())
            })
    })
}

#[tokio::test]
async fn a_token_opens_a_remote_repository_and_is_never_told() {
    let (_host, scene) = scene(TOKEN).await;
    let fetched = scene.fetch().await;
    assert_eq!(
        (&fetched["status"], &fetched["credential"]),
        (&json!("fetched"), &json!("token")),
        "{fetched}"
    );
    assert_eq!(scene.names().await, ["trunk", "idea"]);
    let project = scene.olga.client.get(&scene.path("")).await.expect(200).text;
    assert!(!fetched.to_string().contains(TOKEN) && !project.contains(TOKEN));
    let merged = scene.merge("idea").await.expect(200).json();
    assert_eq!(json!(scene.head_there("trunk")), merged["commit"]);
}

#[tokio::test]
async fn a_merge_moves_its_branch_alone_however_others_are_called() {
    let (_host, scene) = scene(TOKEN).await;
    super::merges_beside_names_that_end_alike(&scene).await;
}

#[tokio::test]
async fn what_names_nothing_there_is_damaged() {
    let (_host, scene) = scene(TOKEN).await;
    assert_eq!(scene.fetch().await["status"], "fetched");
    std::fs::write(scene.there.join("refs/heads/gone"), format!("{}\n", "0".repeat(40))).unwrap();
    let failed = scene.fetch().await;
    assert_eq!(failed["problem"]["code"], "damaged", "{failed}");
    assert_eq!(scene.names().await, ["trunk", "idea"]);
}

#[tokio::test]
async fn a_merge_of_which_nobody_knows_whether_it_arrived_is_settled_by_the_next_fetch() {
    let (host, scene) = scene(TOKEN).await;
    assert_eq!(scene.fetch().await["status"], "fetched");
    let workspace = scene.workspace();
    let server = workspace.server().await;
    let shop = workspace.instance(&scene.project, &server, "Shop", "staging", "trunk").await;
    scene.world.drain().await;
    let mia = workspace.member("Mia Member").await;
    let (projects, instances) = ([scene.project.clone()], [shop.to_string()]);
    let may = json!({ "actions": ["merge_branches"], "projects": projects, "instances": instances });
    workspace.grant(&mia, may).await;
    let merge = async |source: &str| {
        let body = json!({ "source": source, "target": "trunk" });
        mia.person.client.post(&scene.path("/merge"), body).await
    };
    let told = async || {
        let path = format!("/api/v1/workspaces/{}/audit?action=project.merge&outcome=done", scene.slug);
        let log = scene.olga.client.get(&path).await.expect(200).json();
        log["items"].as_array().unwrap().clone()
    };
    let newest = async || {
        let path = format!("/api/v1/workspaces/{}/instances/{shop}/deployments", scene.slug);
        let found = scene.olga.client.get(&path).await.expect(200).json();
        (found["items"].as_array().unwrap().len(), found["items"][0].clone())
    };
    let (before, (deployed, _)) = (scene.head_there("trunk"), newest().await);

    // It hasn't: nothing is changed there or here, neither then nor when it is looked at again.
    host.behave(Manner::HangsInAPush);
    let lost = merge("idea").await.expect(502);
    assert_eq!(lost.code().as_deref(), Some("remote_unavailable"), "{}", lost.text);
    host.behave(Manner::Well);
    assert_eq!(scene.fetch().await["status"], "fetched");
    assert_eq!((scene.head_there("trunk"), head(&scene.mirror(), "trunk")), (before.clone(), before.clone()));
    assert_eq!((told().await.len(), newest().await.0), (0, deployed));

    // It has. The branch here follows with the next fetch, and then it is told as what it was.
    host.behave(Manner::TakesAPushAndHangs);
    let lost = merge("idea").await.expect(502);
    assert_eq!(lost.code().as_deref(), Some("remote_unavailable"), "{}", lost.text);
    let arrived = scene.head_there("trunk");
    assert_ne!(arrived, before);
    assert_eq!((head(&scene.mirror(), "trunk"), told().await.len()), (before, 0));
    host.behave(Manner::Well);
    // By itself: whoever lost it looks right away.
    scene.world.app.fetch_due_remotes().await.unwrap();
    assert_eq!(head(&scene.mirror(), "trunk"), arrived);
    let merges = told().await;
    assert_eq!(merges.len(), 1, "{merges:?}");
    assert_eq!(merges[0]["actor_name"], json!("Mia Member"), "{merges:?}");
    let (count, deployment) = newest().await;
    assert_eq!((count, &deployment["commit"]), (deployed + 1, &json!(arrived)), "{deployment}");
    assert_eq!(deployment["cause"], "merge", "{deployment}");
    // Once.
    assert_eq!(scene.fetch().await["status"], "fetched");
    assert_eq!((told().await.len(), newest().await.0), (1, deployed + 1));
    assert_eq!(merge("idea").await.expect(200).json()["status"], "up_to_date");
}

#[tokio::test]
async fn another_token_is_refused_and_isnt_quoted() {
    let (_host, scene) = scene("wrong-token-5b").await;
    let refused = scene.fetch().await;
    assert_eq!(refused["problem"]["code"], "refused", "{refused}");
    assert_eq!(refused["problem"]["said"], "The host didn't accept the token.", "{refused}");
    assert!(!refused.to_string().contains("wrong-token-5b"));
    let _ = scene
        .olga
        .client
        .patch(&scene.path("/remote"), json!({ "credential": { "token": TOKEN } }))
        .await
        .expect(200);
    assert_eq!(scene.fetch().await["status"], "fetched");
    // Without it, it is refused again.
    let without = scene.olga.client.delete(&scene.path("/remote/credential"), None).await.expect(200).json();
    assert_eq!(without["credential"], "none");
    let refused = scene.fetch().await;
    assert_eq!(refused["problem"]["code"], "refused");
    let said = "The host wants a credential for this address, and none was given.";
    assert_eq!(refused["problem"]["said"], said, "{refused}");
}

#[tokio::test]
async fn a_redirect_is_followed_nowhere() {
    let (host, scene) = scene(TOKEN).await;
    let there = somewhere();
    let other = HttpHost::start(there.0.path(), None).await;
    host.behave(Manner::Elsewhere(format!("http://{}", other.place())));
    let refused = scene.fetch().await;
    assert_eq!(refused["problem"]["code"], "moved", "{refused}");
    assert_eq!(other.asked(), 0);
}

#[tokio::test]
async fn one_that_hangs_in_the_middle_is_given_up_and_leaves_a_whole_mirror() {
    let (host, scene) = scene(TOKEN).await;
    assert_eq!(scene.fetch().await["status"], "fetched");
    let stood = head(&scene.mirror(), "trunk");
    scene.work.commit("trunk", None, &[("b.txt", &"b\n".repeat(2_000))]);
    host.behave(Manner::HangsInTheMiddle);
    let looking = tokio::task::spawn_blocking(|| {
        // While git waits for the rest, everybody may look at how it was called.
        for _ in 0..100 {
            // As it is, and as it is sent.
            use base64::Engine as _;
            let sent = base64::engine::general_purpose::STANDARD.encode(format!("git:{TOKEN}"));
            if is_seen_in_processes(TOKEN) || is_seen_in_processes(&sent) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    });
    let hung = scene.fetch().await;
    assert_eq!(hung["problem"]["code"], "timed_out", "{hung}");
    assert!(!looking.await.unwrap(), "the token stands in a process");
    assert_eq!(head(&scene.mirror(), "trunk"), stood);

    host.behave(Manner::Well);
    assert_eq!(scene.fetch().await["status"], "fetched");
    assert_eq!(head(&scene.mirror(), "trunk"), scene.head_there("trunk"));
}

#[tokio::test]
async fn one_that_has_more_than_is_taken_is_refused_and_leaves_nothing() {
    let (_host, scene) = scene(TOKEN).await;
    assert_eq!(scene.fetch().await["status"], "fetched");
    scene.work.commit("trunk", None, &[("large.txt", &noise(3_000_000))]);
    let refused = scene.fetch().await;
    // It came within one look, or it was cut off: either way no more is kept than is allowed.
    assert_eq!(refused["problem"]["code"], "too_large", "{refused}");
    assert_eq!(scene.halves(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_pack_that_is_cut_leaves_nothing() {
    let (host, scene) = scene(TOKEN).await;
    assert_eq!(scene.fetch().await["status"], "fetched");
    let stood = head(&scene.mirror(), "trunk");
    scene.work.commit("trunk", None, &[("b.txt", &"b\n".repeat(2_000))]);
    host.behave(Manner::CutsInTheMiddle);
    let cut = scene.fetch().await;
    assert_eq!(cut["status"], "failing", "{cut}");
    assert_eq!(scene.halves(), Vec::<std::path::PathBuf>::new());
    assert_eq!(head(&scene.mirror(), "trunk"), stood);
}

#[tokio::test]
async fn files_one_by_one_are_not_a_way_to_fetch() {
    let (host, scene) = scene(TOKEN).await;
    assert_eq!(scene.fetch().await["status"], "fetched");
    let stood = head(&scene.mirror(), "trunk");
    scene.work.commit("trunk", None, &[("b.txt", "b\n")]);
    let there = scene.there.to_string_lossy().into_owned();
    let _ = scene.work.git(&["--git-dir", &there, "update-server-info"]);
    host.behave(Manner::FilesAlone);
    let refused = scene.fetch().await;
    assert_eq!(refused["problem"]["code"], "away", "{refused}");
    assert!(refused["problem"]["said"].as_str().unwrap().contains("old protocol"), "{refused}");
    assert_eq!(head(&scene.mirror(), "trunk"), stood);
    assert_eq!(scene.halves(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn what_unpacks_to_more_than_its_memory_ends_git_and_nothing_else() {
    let (host, scene) = scene(TOKEN).await;
    host.behave(Manner::UnpacksTo(500_000_000));
    let refused = scene.fetch().await;
    assert_eq!(refused["problem"]["code"], "too_large", "{refused}");
    host.behave(Manner::Well);
    assert_eq!(scene.fetch().await["status"], "fetched");
}

#[tokio::test]
async fn a_disk_with_too_little_left_takes_no_fetch() {
    let there = somewhere();
    let host = HttpHost::start(there.0.path(), None).await;
    let limits = RemoteLimits { least_free: u64::MAX, ..LIMITS };
    let scene = Scene::within(limits, &host.place(), there, &host.url("shop.git"), None).await;
    let refused = scene.fetch().await;
    assert_eq!(refused["problem"]["code"], "no_space", "{refused}");
    assert_eq!(head(&scene.mirror(), "trunk"), "");
}

#[tokio::test]
async fn what_is_a_head_only_by_its_end_is_passed_over() {
    let (_host, scene) = scene(TOKEN).await;
    let there = scene.there.to_string_lossy().into_owned();
    let _ =
        scene.work.git(&["--git-dir", &there, "update-ref", "refs/remotes/origin/trunk", "refs/heads/trunk"]);
    let names = ["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"];
    let _ = scene.work.git(&[&["--git-dir", &there], &names[..]].concat());
    let fetched = scene.fetch().await;
    assert_eq!(fetched["status"], "fetched", "{fetched}");
    assert_eq!(scene.names().await, ["trunk", "idea"]);
}

#[tokio::test]
async fn private_addresses_are_dialled_only_where_the_operator_lists_them() {
    let (_host, scene) = scene(TOKEN).await;
    for url in [
        "http://127.0.0.1:9/x.git",
        "https://10.0.0.1/x.git",
        "ssh://git@169.254.169.254/x",
        "http://192.0.2.1/x",
    ] {
        let body = json!({ "name": "Other", "repository": { "kind": "remote", "url": url } });
        let refused =
            scene.olga.client.post(&format!("/api/v1/workspaces/{}/projects", scene.slug), body).await;
        let refused = refused.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], "repository.url", "{url}");
        let _ = scene.olga.client.patch(&scene.path("/remote"), json!({ "url": url })).await.expect(422);
    }
}
