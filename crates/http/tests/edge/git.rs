//! Fetching and pushing, with the real git program on both sides.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;
use stoa_domain::ProjectId;
use test_kit::Client;
use test_kit::world::{Member, PASSWORD};

use crate::served::{Served, Shop};
use crate::wire::{Told, Wire, ask};

/// Git as a person has it, without this machine's settings. It never asks anybody.
fn git(folder: &Path, words: &[&str]) -> Output {
    Command::new("git")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "Anna")
        .env("GIT_AUTHOR_EMAIL", "anna@example.com")
        .env("GIT_COMMITTER_NAME", "Anna")
        .env("GIT_COMMITTER_EMAIL", "anna@example.com")
        .args(["-c", "init.defaultBranch=main", "-c", "advice.detachedHead=false"])
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Off the test's own thread, which serves.
pub(super) async fn run(folder: &Path, words: &[&str]) -> Output {
    let (folder, words): (PathBuf, Vec<String>) =
        (folder.into(), words.iter().map(|word| (*word).to_owned()).collect());
    let work = move || git(&folder, &words.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(work).await.unwrap()
}

pub(super) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(super) async fn done(folder: &Path, words: &[&str]) -> String {
    let output = run(folder, words).await;
    assert!(output.status.success(), "git {words:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A push that is refused, and what the person reads.
async fn refused(folder: &Path, words: &[&str]) -> String {
    let output = run(folder, words).await;
    assert!(!output.status.success(), "git {words:?} went through: {}", said(&output));
    said(&output)
}

async fn token_of(client: &Client) -> String {
    client.post("/api/v1/me/tokens", json!({ "name": "git" })).await.expect(201).field("token")
}

/// A shop with a real repository, and a working copy with one commit on `main`.
pub(super) struct Hosted {
    pub(super) served: Served,
    pub(super) shop: Shop,
    pub(super) work: tempfile::TempDir,
    pub(super) token: String,
}

impl Hosted {
    pub(super) async fn start() -> Self {
        Self::with(stoa_http::git::LARGEST_PUSH).await
    }

    async fn with(largest_push: u64) -> Self {
        let served = Served::with(largest_push).await;
        let shop = served.shop().await;
        let repository = format!("{}.git", shop.project);
        done(served.folder.path(), &["init", "--bare", "--quiet", &repository]).await;
        let work = tempfile::tempdir().unwrap();
        done(work.path(), &["init", "--quiet"]).await;
        let token = token_of(&shop.owner).await;
        let hosted = Self { served, shop, work, token };
        hosted.commit("first").await;
        hosted
    }

    pub(super) async fn commit(&self, text: &str) {
        std::fs::write(self.work.path().join("file"), text).unwrap();
        done(self.work.path(), &["add", "file"]).await;
        done(self.work.path(), &["commit", "--quiet", "-m", text]).await;
    }

    pub(super) fn url(&self, token: &str) -> String {
        format!("http://anyone:{token}@127.0.0.1:{}/git/{}/shop.git", self.served.port, self.shop.workspace)
    }

    pub(super) async fn push(&self, token: &str, more: &[&str]) -> String {
        let url = self.url(token);
        let words: Vec<_> = ["push", &url].into_iter().chain(more.iter().copied()).collect();
        done(self.work.path(), &words).await
    }

    pub(super) async fn refused(&self, token: &str, more: &[&str]) -> String {
        let url = self.url(token);
        let words: Vec<_> = ["push", &url].into_iter().chain(more.iter().copied()).collect();
        refused(self.work.path(), &words).await
    }

    /// Where the hosted branch stands.
    pub(super) async fn hosted_head(&self, branch: &str) -> String {
        let repository = self.served.folder.path().join(format!("{}.git", self.shop.project));
        let output =
            run(&repository, &["rev-parse", "--verify", "--quiet", &format!("refs/heads/{branch}")]).await;
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(super) async fn own_head(&self) -> String {
        done(self.work.path(), &["rev-parse", "HEAD"]).await
    }

    /// A member with these rights, and their token.
    pub(super) async fn member(&self, actions: &[&str], project: bool, instance: bool) -> (Member, String) {
        let owner = test_kit::world::Person {
            client: self.shop.owner.clone(),
            account: String::new(),
            email: String::new(),
        };
        let workspace = self.served.world.known_workspace(&owner, "", &self.shop.workspace);
        let member = workspace.member("Mia").await;
        let projects = if project { vec![self.shop.project.clone()] } else { Vec::new() };
        let instances = if instance { vec![self.shop.id.to_string()] } else { Vec::new() };
        workspace
            .grant(&member, json!({ "actions": actions, "projects": projects, "instances": instances }))
            .await;
        let cookie =
            self.served.world.sign_in(&member.person.email, PASSWORD).await.expect(200).cookie().unwrap();
        let token = token_of(&self.served.world.nobody().with_cookie(cookie)).await;
        (member, token)
    }
}

/// Bytes that don't compress.
pub(super) fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

pub(super) const PUSHES: [&str; 2] = ["view_projects", "use_ide"];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_fetched_again_and_deployed() {
    let hosted = Hosted::start().await;
    let project: ProjectId = hosted.shop.project.parse().unwrap();
    let deployments = format!("{}/deployments", hosted.shop.path);
    let count = async || {
        hosted.shop.owner.get(&deployments).await.expect(200).json()["items"].as_array().unwrap().len()
    };
    let before = count().await;
    hosted.served.world.repositories.commit(project, "main", "moved");
    hosted.push(&hosted.token, &["main", "HEAD:refs/tags/v1"]).await;
    assert_eq!(hosted.hosted_head("main").await, hosted.own_head().await);
    assert_eq!(count().await, before + 1);

    // More than git sends in one piece, packed and in chunks.
    std::fs::write(hosted.work.path().join("noise"), noise(6_000_000)).unwrap();
    done(hosted.work.path(), &["add", "noise"]).await;
    hosted.commit("large").await;
    hosted.push(&hosted.token, &["main"]).await;
    let other = tempfile::tempdir().unwrap();
    done(other.path(), &["clone", "--quiet", &hosted.url(&hosted.token), "copy"]).await;
    let copy = other.path().join("copy");
    assert_eq!(done(&copy, &["rev-parse", "HEAD"]).await, hosted.own_head().await);
    assert_eq!(done(&copy, &["tag"]).await, "v1");
    done(&copy, &["fetch", "--quiet", "--all"]).await;
    done(&copy, &["fsck", "--strict"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_decided_for_every_branch_that_it_moves() {
    let hosted = Hosted::start().await;
    hosted.push(&hosted.token, &["main"]).await;
    let before = hosted.own_head().await;
    hosted.commit("second").await;

    // `main` is deployed by an instance that isn't allowed.
    let (member, token) = hosted.member(&PUSHES, true, false).await;
    let sentence = hosted.refused(&token, &["main"]).await;
    assert!(sentence.contains("An instance that you aren't allowed deploys this branch"), "{sentence}");
    assert!(
        !sentence.to_lowercase().contains("production") && !sentence.contains(&hosted.shop.id.to_string())
    );
    // One refused branch refuses the whole push.
    let _ = hosted.refused(&token, &["main", "HEAD:refs/heads/idea"]).await;
    assert_eq!(
        (hosted.hosted_head("main").await, hosted.hosted_head("idea").await),
        (before.clone(), String::new())
    );
    // A branch that nothing deploys is theirs.
    hosted.push(&token, &["HEAD:refs/heads/idea"]).await;
    assert_eq!(hosted.hosted_head("idea").await, hosted.own_head().await);

    // Removed, the same token reaches nothing.
    let path = format!("{}/members/{}", hosted.shop.workspace_path, member.id);
    let _ = hosted.shop.owner.delete(&path, None).await.expect(204);
    let gone = hosted.refused(&token, &["HEAD:refs/heads/idea2"]).await;
    assert!(gone.contains("not found") || gone.contains("404"), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_push_began_ends_with_any_part_of_its_right() {
    let hosted = Hosted::start().await;
    hosted.push(&hosted.token, &["main"]).await;
    hosted.served.world.drain().await;
    let (shop, project) = (hosted.shop.id.to_string(), hosted.shop.project.parse().unwrap());
    let profiles = [
        (
            json!({ "actions": ["use_ide"], "projects": [hosted.shop.project], "instances": [shop] }),
            "cancelled",
        ),
        (json!({ "actions": PUSHES, "projects": [], "instances": [shop] }), "cancelled"),
        (json!({ "actions": PUSHES, "projects": [hosted.shop.project], "instances": [shop] }), "succeeded"),
    ];
    for (number, (profile, outcome)) in profiles.into_iter().enumerate() {
        let (member, token) = hosted.member(&PUSHES, true, true).await;
        hosted.commit(&format!("change {number}")).await;
        hosted.served.world.repositories.commit(project, "main", &format!("change {number}"));
        hosted.push(&token, &["main"]).await;
        let path = format!("{}/members/{}/permissions", hosted.shop.workspace_path, member.id);
        let mut whole = json!({ "servers": [] });
        whole.as_object_mut().unwrap().extend(profile.as_object().unwrap().clone());
        let _ = hosted.shop.owner.put(&path, whole).await.expect(200);
        hosted.served.world.drain().await;
        let path = format!("{}/instances/{shop}/deployments", hosted.shop.workspace_path);
        let newest = hosted.shop.owner.get(&path).await.expect(200).json()["items"][0].clone();
        assert_eq!(newest["status"], outcome, "{newest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_branches_and_tags_with_readable_names_are_pushed() {
    let hosted = Hosted::start().await;
    let commit = format!("refs/heads/{}", hosted.own_head().await);
    for name in [
        "refs/notes/x",
        "refs/stoa/x",
        "refs/heads/a\u{202e}b",
        "refs/tags/refs/heads/main",
        "refs/heads/refs/heads/main",
        &commit,
    ] {
        let sentence = hosted.refused(&hosted.token, &[&format!("HEAD:{name}")]).await;
        assert!(sentence.contains("Only branches and tags can be pushed"), "{sentence}");
    }
    let repository = hosted.served.folder.path().join(format!("{}.git", hosted.shop.project));
    assert_eq!(done(&repository, &["for-each-ref"]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_a_branchs_or_a_tags_and_never_both() {
    let hosted = Hosted::start().await;
    hosted.push(&hosted.token, &["main", "HEAD:refs/tags/v1"]).await;
    let (_, token) = hosted.member(&PUSHES, true, false).await;
    let sentence = hosted.refused(&token, &["HEAD:refs/tags/main"]).await;
    assert!(sentence.contains("A branch is called main, so no tag can be"), "{sentence}");
    let sentence = hosted.refused(&token, &["HEAD:refs/heads/v1"]).await;
    assert!(sentence.contains("A tag is called v1, so no branch can be"), "{sentence}");
    let sentence = hosted.refused(&token, &["HEAD:refs/heads/both", "HEAD:refs/tags/both"]).await;
    assert!(sentence.contains("called both"), "{sentence}");
    let repository = hosted.served.folder.path().join(format!("{}.git", hosted.shop.project));
    let names = done(&repository, &["for-each-ref", "--format=%(refname)"]).await;
    assert_eq!(names, "refs/heads/main\nrefs/tags/v1");
    // What was pushed before such names were refused isn't there for anybody.
    for shadow in ["refs/tags/refs/heads/main", "refs/heads/refs/heads/main"] {
        done(&repository, &["update-ref", shadow, "refs/heads/main"]).await;
    }
    // Nor is what Stoa itself keeps beside them.
    done(&repository, &["update-ref", "refs/stoa/remote/heads/secret", "refs/heads/main"]).await;
    let told = done(hosted.work.path(), &["ls-remote", "--refs", &hosted.url(&token)]).await;
    assert_eq!(told.lines().count(), 2, "{told}");
    hosted.push(&hosted.token, &["--force", "HEAD:refs/heads/main"]).await;
    // Everybody goes on as before, and a name that is free again is anybody's.
    hosted.commit("second").await;
    hosted.push(&hosted.token, &["HEAD:main"]).await;
    hosted.push(&token, &["--delete", "v1"]).await;
    hosted.push(&token, &["HEAD:refs/heads/v1"]).await;
}

/// The head of a request of git's, and the beginning of a body that never comes whole.
fn begun(hosted: &Hosted, token: &str, service: &str) -> String {
    format!(
        "POST /git/{}/shop.git/{service} HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/x-{service}-request\r\nContent-Length: 1000\r\n\r\n00",
        hosted.shop.workspace
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_slowly_keeps_nobody_else_from_git() {
    let hosted = Hosted::start().await;
    hosted.push(&hosted.token, &["main"]).await;
    let (_, token) = hosted.member(&PUSHES, true, false).await;
    let mut slow = Vec::new();
    for service in ["git-upload-pack", "git-receive-pack"].repeat(20) {
        let mut wire = Wire::to(hosted.served.port).await;
        wire.write(begun(&hosted, &token, service).as_bytes()).await;
        slow.push(wire);
    }
    let proof = format!("Authorization: Bearer {}", hosted.token);
    for _ in 0..10 {
        assert_eq!(statuses(&four(&hosted, &hosted.shop.workspace, "shop", &proof).await), [200; 4]);
    }
    hosted.commit("second").await;
    hosted.push(&hosted.token, &["main"]).await;
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_too_large_moves_nothing() {
    let hosted = Hosted::with(100_000).await;
    std::fs::write(hosted.work.path().join("noise"), noise(3_000_000)).unwrap();
    done(hosted.work.path(), &["add", "noise"]).await;
    hosted.commit("large").await;
    let _ = hosted.refused(&hosted.token, &["main"]).await;
    assert_eq!(hosted.hosted_head("main").await, "");
    let repository = hosted.served.folder.path().join(format!("{}.git", hosted.shop.project));
    assert_eq!(done(&repository, &["count-objects"]).await, "0 objects, 0 kilobytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_pushes_at_once_one_wins() {
    let hosted = Hosted::start().await;
    hosted.push(&hosted.token, &["main"]).await;
    let other = tempfile::tempdir().unwrap();
    let url = hosted.url(&hosted.token);
    done(other.path(), &["clone", "--quiet", &url, "copy"]).await;
    let copy = other.path().join("copy");
    done(&copy, &["commit", "--quiet", "--allow-empty", "-m", "theirs"]).await;
    hosted.commit("ours").await;
    let words = ["push", &url, "main"];
    let (ours, theirs) = tokio::join!(run(hosted.work.path(), &words), run(&copy, &words));
    assert!(ours.status.success() != theirs.status.success(), "{} {}", said(&ours), said(&theirs));
    let winner = if ours.status.success() {
        hosted.own_head().await
    } else {
        done(&copy, &["rev-parse", "HEAD"]).await
    };
    assert_eq!(hosted.hosted_head("main").await, winner);
}

/// The four requests that git makes, each by one with this line of proof.
async fn four(hosted: &Hosted, workspace: &str, project: &str, proof: &str) -> Vec<Told> {
    let base = format!("/git/{workspace}/{project}.git");
    let mut told = Vec::new();
    for (service, body) in [("git-upload-pack", "0000"), ("git-receive-pack", "0000")] {
        let first = format!("GET {base}/info/refs?service={service} HTTP/1.1");
        let mut head = vec![first.as_str(), "Host: localhost:8080"];
        head.extend((!proof.is_empty()).then_some(proof));
        told.push(ask(hosted.served.port, &head, "").await);
        let (first, kind) = (
            format!("POST {base}/{service} HTTP/1.1"),
            format!("Content-Type: application/x-{service}-request"),
        );
        let mut head = vec![first.as_str(), "Host: localhost:8080", &kind, "Content-Length: 4"];
        head.extend((!proof.is_empty()).then_some(proof));
        told.push(ask(hosted.served.port, &head, body).await);
    }
    told
}

fn statuses(told: &[Told]) -> Vec<u16> {
    told.iter().map(|one| one.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_gits_is_decided() {
    let hosted = Hosted::start().await;
    let workspace = hosted.shop.workspace.clone();
    let project = hosted.shop.project.clone();
    let bearer = |token: &str| format!("Authorization: Bearer {token}");
    let signed_in =
        hosted.served.world.sign_in("olga@example.com", PASSWORD).await.expect(200).cookie().unwrap();
    for nobody in [
        "",
        "Authorization: Basic !",
        "Authorization: Basic eDp5",
        "Authorization: Bearer stoa_pat_wrong",
        &format!("Cookie: {signed_in}"),
    ] {
        let told = four(&hosted, &workspace, &project, nobody).await;
        assert_eq!(statuses(&told), [401; 4], "{nobody}");
        assert!(told.iter().all(|one| one.header("www-authenticate").unwrap().starts_with("Basic")));
    }
    // Nobody looks on by git, and of two tokens none counts.
    let (proof, tess) = (bearer(&hosted.token), hosted.member(&PUSHES, true, true).await.0.id);
    let viewing = format!("{proof}\r\nStoa-View-As: {tess}");
    assert_eq!(statuses(&four(&hosted, &workspace, &project, &viewing).await), [403; 4]);
    let twice = format!("{proof}\r\n{proof}");
    assert_eq!(statuses(&four(&hosted, &workspace, &project, &twice).await), [401; 4]);
    // Of the owner everything is taken, before and after.
    assert_eq!(statuses(&four(&hosted, &workspace, &project, &bearer(&hosted.token)).await), [200; 4]);
    // (actions, project allowed) → fetching and pushing.
    for (actions, allowed, fetch, push) in [
        (&[][..], false, 404, 404),
        (&PUSHES[..], false, 404, 404),
        (&[][..], true, 403, 403),
        (&["use_ide"][..], true, 403, 403),
        (&["view_projects"][..], true, 200, 403),
        (&PUSHES[..], true, 200, 200),
    ] {
        let (_, token) = hosted.member(actions, allowed, false).await;
        let told = four(&hosted, &workspace, &project, &bearer(&token)).await;
        assert_eq!(statuses(&told), [fetch, fetch, push, push], "{actions:?} {allowed}");
        // What isn't allowed answers as what never was.
        let unknown = four(&hosted, &workspace, "never-made", &bearer(&token)).await;
        assert_eq!(statuses(&unknown), [404; 4]);
        if !allowed {
            assert_eq!(told[0].body, unknown[0].body);
            assert_eq!(told[2].body, unknown[2].body);
        }
    }
    let elsewhere = four(&hosted, "never-made", &project, &bearer(&hosted.token)).await;
    assert_eq!(statuses(&elsewhere), [404; 4]);
    assert_eq!(statuses(&four(&hosted, &workspace, &project, &bearer(&hosted.token)).await), [200; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_git_wouldnt_send_is_refused() {
    let hosted = Hosted::start().await;
    let proof = format!("Authorization: Bearer {}", hosted.token);
    let base = format!("/git/{}/shop.git", hosted.shop.workspace);
    let kind = "Content-Type: application/x-git-receive-pack-request";
    let push = async |kind: &str, body: &str| {
        let (first, length) =
            (format!("POST {base}/git-receive-pack HTTP/1.1"), format!("Content-Length: {}", body.len()));
        ask(hosted.served.port, &[&first, "Host: localhost:8080", &proof, kind, &length], body).await
    };
    let refused = push("Content-Type: text/plain", "0000").await;
    assert_eq!(refused.status, 415);
    assert!(refused.body.contains(kind), "{}", refused.body);
    assert_eq!(push(kind, "hello, this is no push").await.status, 422);
    assert_eq!(push(kind, "0003").await.status, 422);
    assert_eq!(push(kind, "00").await.status, 422);
    for path in [
        "/info/refs",
        "/info/refs?service=git-upload-archive",
        "/HEAD",
        "/objects/info/packs",
        "/../x.git/info/refs",
    ] {
        let first = format!("GET {base}{path} HTTP/1.1");
        assert_eq!(
            ask(hosted.served.port, &[&first, "Host: localhost:8080", &proof], "").await.status,
            404,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_account_git_says_what_is_missing() {
    let served = Served::start().await;
    let told =
        served.get("localhost:8080", "/git/acme/shop.git/info/refs?service=git-upload-pack", &[]).await;
    assert_eq!(told.status, 503);
    assert!(told.body.contains("set-up link"), "{}", told.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_hook_nothing_is_pushed() {
    let hosted = Hosted::start().await;
    std::fs::remove_file(hosted.served.folder.path().join("hooks/pre-receive")).unwrap();
    let _ = hosted.refused(&hosted.token, &["main"]).await;
    assert_eq!(hosted.hosted_head("main").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_breaks_off_when_the_right_to_it_ends() {
    let hosted = Hosted::start().await;
    std::fs::write(hosted.work.path().join("noise"), noise(40_000_000)).unwrap();
    done(hosted.work.path(), &["add", "noise"]).await;
    hosted.commit("large").await;
    hosted.push(&hosted.token, &["main"]).await;
    let (member, token) = hosted.member(&["view_projects"], true, false).await;

    let wanted = format!("0032want {}\n00000009done\n", hosted.own_head().await);
    let request = format!(
        "POST /git/{}/shop.git/git-upload-pack HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/x-git-upload-pack-request\r\nContent-Length: {}\r\n\r\n{wanted}",
        hosted.shop.workspace,
        wanted.len(),
    );
    let mut wire = Wire::to(hosted.served.port).await;
    wire.write(request.as_bytes()).await;
    let head = wire.until(b"\r\n\r\n").await;
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    let _ = wire.until(b"PACK").await;
    // Nobody reads: most of it is still to come. What the same member follows ends with the same question.
    let mut events = Wire::to(hosted.served.port).await;
    let path = format!("{}/events", hosted.shop.workspace_path);
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer {token}\r\n\r\n");
    events.write(request.as_bytes()).await;
    assert!(events.until(b"\r\n\r\n").await.starts_with(b"HTTP/1.1 200"));
    let path = format!("{}/members/{}", hosted.shop.workspace_path, member.id);
    let _ = hosted.shop.owner.delete(&path, None).await.expect(204);
    let told = four(&hosted, &hosted.shop.workspace, "shop", &format!("Authorization: Bearer {token}")).await;
    assert_eq!(statuses(&told), [404; 4]);
    let _ = events.until(b"event: end").await;
    let rest = wire.rest().await;
    assert!(rest.len() < 40_000_000, "{} bytes came", rest.len());
    assert!(!rest.ends_with(b"0\r\n\r\n"), "it looks whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_while_they_asked_is_sent_nothing() {
    let hosted = Hosted::start().await;
    hosted.push(&hosted.token, &["main"]).await;
    let (member, token) = hosted.member(&["view_projects"], true, false).await;
    let wanted = format!("0032want {}\n00000009done\n", hosted.own_head().await);
    let request = format!(
        "POST /git/{}/shop.git/git-upload-pack HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/x-git-upload-pack-request\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        hosted.shop.workspace,
        wanted.len(),
    );
    let mut wire = Wire::to(hosted.served.port).await;
    wire.write(request.as_bytes()).await;
    // Whoever asks for the body has decided.
    let _ = wire.until(b"100 Continue\r\n\r\n").await;
    let path = format!("{}/members/{}", hosted.shop.workspace_path, member.id);
    let _ = hosted.shop.owner.delete(&path, None).await.expect(204);
    let told = wire.answer().await;
    assert_eq!(told.status, 404, "{}", told.body);
}
