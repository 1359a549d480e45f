//! How it stands with a remote repository, whose right it is to change it, and what a webhook does.

use base64::Engine as _;
use serde_json::{Value, json};
use stoa_domain::remote::RemoteProblem;
use test_kit::world::Person;
use test_kit::{Answer, Kind, World, on_both_databases};

/// As a host sends it that knows no page and no account.
async fn call(person: &Person, path: &str, body: &Value, headers: &[(&str, String)]) -> Answer {
    let client = person.client.with_token("none");
    let mut request = client.request(http::Method::POST, path, Some(body));
    request.headers_mut().remove(http::header::AUTHORIZATION);
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    client.send_request(request).await
}

const URL: &str = "ssh://git@git.example.com/team/shop.git";

/// As openssl signs it.
fn signed(secret: &str, body: &[u8]) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", secret, "-binary"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    let out = child.wait_with_output().unwrap().stdout;
    format!("sha256={}", out.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

on_both_databases! {
async fn problems_are_told_to_whoever_sees_the_project_and_end_by_themselves(world: World) {
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let project = workspace.remote_project("Shop", URL, None).await;
    let mia = workspace.member("Mia Member").await;
    workspace.grant(&mia, json!({ "actions": ["view_projects"], "projects": [project] })).await;
    let path = workspace.path(&format!("/projects/{project}"));
    let seen = async || mia.person.client.get(&path).await.expect(200).json()["repository"]["remote"].clone();
    assert_eq!(seen().await["status"], "waiting");
    for problem in RemoteProblem::ALL {
        world.remotes.fail(Some(*problem));
        world.clock.pass_seconds(3600);
        world.app.fetch_due_remotes().await.unwrap();
        let told = seen().await;
        assert_eq!(told["problem"]["code"], problem.key());
        assert_eq!(told["problem"]["detail"], problem.sentence());
    }
    let since = seen().await["problem"]["since"].clone();
    assert!(since.is_string());
    // Too soon: it is left alone for longer and longer.
    let before = world.remotes.fetched().len();
    world.clock.pass_seconds(600);
    world.app.fetch_due_remotes().await.unwrap();
    assert_eq!(world.remotes.fetched().len(), before);
    world.remotes.fail(None);
    world.clock.pass_seconds(3600);
    world.app.fetch_due_remotes().await.unwrap();
    let well = seen().await;
    assert_eq!((&well["status"], &well["problem"]), (&json!("fetched"), &json!(null)));
    // What it is opened by is the owners' to know.
    let refused = mia.person.client.get(&format!("{path}/remote")).await;
    assert_eq!(refused.expect(403).code().as_deref(), Some("owner_required"));
}

async fn a_webhook_has_it_fetched_once_its_proof_is_right(world: World) {
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let project = workspace.remote_project("Shop", URL, None).await;
    world.app.fetch_due_remotes().await.unwrap();
    let path = workspace.path(&format!("/projects/{project}/remote"));
    let made = olga.client.post(&format!("{path}/webhook"), json!({})).await.expect(201).json();
    let (url, secret) = (made["url"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let hook = url.strip_prefix("http://localhost:8080").unwrap();
    let remote = olga.client.get(&path).await.expect(200).json();
    assert_eq!(remote["webhook_url"], json!(url));
    assert!(!remote.to_string().contains(secret), "it was told once");

    let count = || world.remotes.fetched().len();
    let before = count();
    let body = json!({ "ref": "refs/heads/main" });
    for headers in [
        vec![],
        vec![("x-gitlab-token", "wrong".to_owned())],
        vec![("x-hub-signature-256", format!("sha256={}", "0".repeat(64)))],
    ] {
        let refused = call(&olga, hook, &body.clone(), &headers).await.expect(401);
        assert!(refused.field("detail").starts_with("The webhook's signature or token isn't right."), "{}", refused.text);
    }
    let _ = call(&olga, "/api/v1/hooks/unknown", &body, &[]).await.expect(404);
    world.app.fetch_due_remotes().await.unwrap();
    assert_eq!(count(), before);

    let token = [("x-gitlab-token", secret.to_owned())];
    // Sent again it does no harm: it is fetched once for both.
    let _ = call(&olga, hook, &body, &token).await.expect(204);
    let _ = call(&olga, hook, &body, &token).await.expect(204);
    world.app.fetch_due_remotes().await.unwrap();
    assert_eq!(count(), before + 1);

    let signature = [("x-hub-signature-256", signed(secret, body.to_string().as_bytes()))];
    let _ = call(&olga, hook, &body, &signature).await.expect(204);
    let _ = call(&olga, hook, &json!({ "ref": "other" }), &signature).await.expect(401);
    world.app.fetch_due_remotes().await.unwrap();
    assert_eq!(count(), before + 2);

    // More than a call a second are followed a little later, and none is lost.
    for _ in 0..61 {
        let _ = call(&olga, hook, &body, &token).await.expect(204);
    }
    world.app.fetch_due_remotes().await.unwrap();
    assert_eq!(count(), before + 3);
    world.clock.pass_seconds(10);
    let _ = call(&olga, hook, &body, &token).await.expect(204);
    world.app.fetch_due_remotes().await.unwrap();
    assert_eq!(count(), before + 3, "not at once");
    world.clock.pass_seconds(60);
    world.app.fetch_due_remotes().await.unwrap();
    assert_eq!(count(), before + 4, "and not never");

    // Whoever knows no path isn't even listened to.
    let large = json!({ "ref": "x".repeat(5 * 1024 * 1024) });
    let _ = call(&olga, "/api/v1/hooks/unknown", &large, &[]).await.expect(404);
    let _ = call(&olga, hook, &large, &token).await.expect(413);

    let _ = olga.client.delete(&format!("{path}/webhook"), None).await.expect(204);
    let _ = call(&olga, hook, &body, &token).await.expect(404);
}

async fn one_that_is_well_is_looked_at_every_five_minutes_and_beside_a_webhook_every_thirty(world: World) {
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let project = workspace.remote_project("Shop", URL, None).await;
    let fetched = async || {
        world.app.fetch_due_remotes().await.unwrap();
        world.remotes.fetched().len()
    };
    let again = async |seconds: i64, when: &str| {
        let before = fetched().await;
        world.clock.pass_seconds(seconds - 1);
        assert_eq!(fetched().await, before, "{when}: a second too early");
        world.clock.pass_seconds(1);
        assert_eq!(fetched().await, before + 1, "{when}");
    };
    again(300, "once it is well").await;
    again(300, "and again").await;
    let path = workspace.path(&format!("/projects/{project}/remote/webhook"));
    let made = olga.client.post(&path, json!({})).await.expect(201).json();
    again(300, "beside a webhook of which nothing was heard").await;
    let hook = made["url"].as_str().unwrap().strip_prefix("http://localhost:8080").unwrap();
    let token = [("x-gitlab-token", made["secret"].as_str().unwrap().to_owned())];
    let before = fetched().await;
    let _ = call(&olga, hook, &json!({ "ref": "refs/heads/main" }), &token).await.expect(204);
    assert_eq!(fetched().await, before + 1, "as the webhook says");
    again(1800, "beside a webhook").await;
    again(1800, "and again beside it").await;
    world.clock.pass_seconds(24 * 3600);
    again(300, "beside a webhook that is silent for a day").await;
}

async fn another_place_voids_the_token_and_the_pinned_key(world: World) {
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let token = json!({ "token": "secret-token" });
    let https = "https://git.example.com/team/shop.git";
    let project = workspace.remote_project("Shop", https, Some(token.clone())).await;
    let path = workspace.path(&format!("/projects/{project}/remote"));
    let change = async |body: Value| olga.client.patch(&path, body).await.expect(200).json();
    assert_eq!(change(json!({ "url": "https://git.example.com/team/other.git" })).await["credential"], "token");
    assert_eq!(change(json!({ "url": "https://git.example.org/team/other.git" })).await["credential"], "none");
    let by_ssh = change(json!({ "url": URL })).await;
    assert_eq!(by_ssh["credential"], "deploy_key");
    world.app.fetch_due_remotes().await.unwrap();
    let pinned = olga.client.get(&path).await.expect(200).json();
    assert_eq!(pinned["host_key"]["fingerprint"], "SHA256:QQ");
    let refused = olga.client.patch(&path, json!({ "credential": token })).await.expect(422).json();
    assert_eq!(refused["errors"][0]["field"], "credential");
    let moved = change(json!({ "url": "ssh://git@git.example.org/team/shop.git" })).await;
    assert_eq!((&moved["host_key"], &moved["public_key"]), (&json!(null), &by_ssh["public_key"]));
    // Accepted together with another address, a key is that address's: the old one isn't asked.
    let accepted = json!({ "url": "ssh://git@git.example.net/team/shop.git", "host_key": "SHA256:QQ" });
    assert_eq!(change(accepted).await["host_key"]["fingerprint"], "SHA256:QQ");
    assert_eq!(world.remotes.looked_at().last().unwrap(), "ssh://git@git.example.net/team/shop.git");
    // A change that was made from something older is refused.
    let stale = base64::engine::general_purpose::STANDARD.encode("x");
    let mut request = olga.client.request(http::Method::PATCH, &path, Some(&json!({ "url": URL })));
    request.headers_mut().insert(http::header::IF_MATCH, format!("\"{stale}\"").parse().unwrap());
    let _ = olga.client.send_request(request).await.expect(412);
    let mut request = olga.client.request(http::Method::DELETE, &format!("{path}/credential"), None);
    request.headers_mut().insert(http::header::IF_MATCH, format!("\"{stale}\"").parse().unwrap());
    let _ = olga.client.send_request(request).await.expect(412);
}

async fn a_workspace_with_many_that_are_due_comes_no_more_often_than_its_share(world: World) {
    let olga = world.set_up().await;
    let many = world.workspace(&olga, "Many").await;
    for number in 0..5 {
        let _ = many.remote_project(&format!("Shop {number}"), URL, None).await;
        world.clock.pass_seconds(1);
    }
    let one = world.workspace(&olga, "One").await;
    let own = one.remote_project("Own", URL, None).await;
    world.clock.pass_seconds(1);
    world.app.fetch_due_remotes().await.unwrap();
    let fetched: Vec<String> = world.remotes.fetched().iter().map(ToString::to_string).collect();
    assert_eq!(fetched.len(), 6);
    assert_eq!(fetched[2], own, "after two of those that wait for longer");
}

async fn a_key_is_pinned_only_for_the_address_at_which_it_was_shown(world: World) {
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let project = workspace.remote_project("Shop", URL, None).await;
    let path = workspace.path(&format!("/projects/{project}/remote"));
    // While it is fetched its address becomes another.
    let other = "ssh://git@git.example.org/team/shop.git";
    let (client, place) = (olga.client.clone(), path.clone());
    world.remotes.meanwhile(Box::pin(async move {
        let _ = client.patch(&place, json!({ "url": other })).await.expect(200);
    }));
    world.remotes.fail(Some(RemoteProblem::Refused));
    world.app.fetch_due_remotes().await.unwrap();
    let seen = olga.client.get(&path).await.expect(200).json();
    assert_eq!((&seen["url"], &seen["host_key"]), (&json!(other), &json!(null)));
}

async fn a_turn_that_was_lost_writes_nothing_down(world: World) {
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let project = workspace.remote_project("Shop", URL, None).await;
    let path = workspace.path(&format!("/projects/{project}/remote"));
    // Whoever has it doesn't come back for longer than it is held, and another fetches.
    let (app, clock) = (world.app.clone(), world.clock.clone());
    world.remotes.meanwhile(Box::pin(async move {
        clock.pass_seconds(120);
        app.fetch_due_remotes().await.unwrap();
    }));
    world.remotes.fail_once(RemoteProblem::Damaged);
    world.app.fetch_due_remotes().await.unwrap();
    let seen = olga.client.get(&path).await.expect(200).json();
    assert_eq!((&seen["status"], &seen["problem"]), (&json!("fetched"), &json!(null)), "{seen}");
}

}

#[tokio::test]
async fn what_isnt_an_address_makes_no_project() {
    let world = World::on(Kind::Sqlite).await;
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    for repository in [
        json!({ "kind": "remote" }),
        json!({ "kind": "remote", "url": "file:///etc" }),
        json!({ "kind": "remote", "url": "ext::sh -c x" }),
        json!({ "kind": "remote", "url": "https://user:word@example.com/x" }),
        json!({ "kind": "remote", "url": "http://example.com/x" }),
        json!({ "kind": "remote", "url": URL, "credential": { "token": "x" } }),
        json!({ "kind": "remote", "url": "https://example.com/x", "credential": { "token": "a b" } }),
        json!({ "kind": "remote", "url": "https://example.com/x", "credential": { "token": "x", "user": "a:b" } }),
        json!({ "kind": "hosted", "url": URL }),
        json!({ "kind": "elsewhere" }),
    ] {
        let body = json!({ "name": "Shop", "repository": repository });
        let _ = olga.client.post(&workspace.path("/projects"), body).await.expect(422);
    }
    let all = olga.client.get(&workspace.path("/projects")).await.expect(200).json();
    assert!(all["items"].as_array().unwrap().is_empty());
    // A hosted one has no remote to look at.
    let hosted = workspace.project("Hosted", &[]).await;
    let _ = olga.client.get(&workspace.path(&format!("/projects/{hosted}/remote"))).await.expect(409);
}
