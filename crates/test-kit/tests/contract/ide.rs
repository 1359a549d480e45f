//! The IDE: a desk is held for as long as the right to it lasts, paths are words, and a push is decided by its own rule.

use http::header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderValue, Method};
use serde_json::json;
use stoa_app::ports::DeskOf;
use stoa_domain::InstanceId;
use test_kit::world::{Member, PASSWORD, Workspace, World};
use test_kit::{Answer, Client, on_both_databases};

/// A workspace with two instances of one branch, and a member who may use the IDE of the first.
struct Scene<'w> {
    workspace: Workspace<'w>,
    editor: Member,
    first: InstanceId,
    second: InstanceId,
}

async fn scene(world: &World) -> Scene<'_> {
    let owner = world.set_up().await;
    let workspace = world.workspace(&owner, "Acme").await;
    let project = workspace.project("Shop", &["main"]).await;
    let server = workspace.server().await;
    let first = workspace.instance(&project, &server, "First", "staging", "main").await;
    let second = workspace.instance(&project, &server, "Second", "development", "main").await;
    let editor = workspace.member("Erik Editor").await;
    let profile = json!({ "actions": ["use_ide"], "instances": [first.to_string()] });
    workspace.grant(&editor, profile).await;
    Scene { workspace, editor, first, second }
}

impl Scene<'_> {
    fn path(&self, rest: &str) -> String {
        self.workspace.path(&format!("/instances/{}{rest}", self.first))
    }

    async fn open(&self, client: &Client) -> Answer {
        client.send(Method::POST, &self.path("/desk"), None).await
    }
}

async fn save(client: &Client, path: &str, text: &'static str, guard: &[(http::HeaderName, &str)]) -> Answer {
    let mut request = client.request(Method::PUT, path, None);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    for (name, value) in guard {
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    *request.body_mut() = axum::body::Body::from(text);
    client.send_request(request).await
}

/// Waits until so many hold a desk. One that nobody ends fails by an assertion, and doesn't hang.
async fn until_held(holders: &mut tokio::sync::watch::Receiver<usize>, wanted: usize) {
    let held =
        tokio::time::timeout(std::time::Duration::from_secs(60), holders.wait_for(|count| *count == wanted))
            .await;
    let _ =
        held.unwrap_or_else(|_| panic!("the desk isn't held {wanted} times")).expect("the desks are there");
}

on_both_databases! {
    async fn a_desk_is_held_for_as_long_as_the_right_lasts(world: World) {
        let scene = scene(&world).await;
        let mut holders = world.desks.holders();
        let _ = scene.open(&scene.editor.person.client).await.expect(200);
        let _ = scene.open(&scene.editor.person.client).await.expect(200);
        assert_eq!(*holders.borrow_and_update(), 1, "once for one browser");
        let again = world.sign_in(&scene.editor.person.email, PASSWORD).await.expect(200);
        let other = world.nobody().with_cookie(again.cookie().unwrap());
        let _ = scene.open(&other).await.expect(200);
        assert_eq!(*holders.borrow_and_update(), 2);
        // Signing out in one browser doesn't end it for the other.
        let _ = other.delete("/api/v1/session", None).await.expect(204);
        until_held(&mut holders, 1).await;
        let _ = scene.editor.person.client.get(&scene.path("/git/status")).await.expect(200);
        scene.workspace.grant(&scene.editor, json!({ "actions": ["view_logs"], "instances": [scene.first.to_string()] })).await;
        until_held(&mut holders, 0).await;
        let refused = scene.open(&scene.editor.person.client).await.expect(403);
        assert_eq!(refused.json()["missing"], json!(["use_ide"]));
    }

    async fn another_browser_leaves_the_terminals_of_the_first_and_there_are_so_many_desks(world: World) {
        let scene = scene(&world).await;
        let client = &scene.editor.person.client;
        let _ = scene.open(client).await.expect(200);
        let again = world.sign_in(&scene.editor.person.email, PASSWORD).await.expect(200);
        let other = world.nobody().with_cookie(again.cookie().unwrap());
        let _ = scene.open(&other).await.expect(200);
        let log = client.get(&scene.workspace.path("/audit/mine")).await.expect(200).json();
        let opened = log["items"].as_array().unwrap().iter().filter(|one| one["action"] == "ide.open").count();
        assert_eq!(opened, 1, "its processes were begun once, and its terminals are those of then");
        let project = scene.workspace.project("Blog", &["main"]).await;
        let server = client.get(&scene.path("")).await.expect(200).json()["server"].clone();
        assert!(server.is_null(), "not theirs to see");
        let server = scene.workspace.owner.client.get(&scene.path("")).await.expect(200).json()["server"]["id"].as_str().unwrap().to_owned();
        let mut instances = vec![scene.first.to_string()];
        for number in 1..=4 {
            let name = format!("Blog {number}");
            instances.push(scene.workspace.instance(&project, &server, &name, "development", "main").await.to_string());
        }
        scene.workspace.grant(&scene.editor, json!({ "actions": ["use_ide"], "instances": instances })).await;
        let desk = |instance: &str| scene.workspace.path(&format!("/instances/{instance}/desk"));
        for instance in &instances[..4] {
            let _ = client.send(Method::POST, &desk(instance), None).await.expect(200);
        }
        let refused = client.send(Method::POST, &desk(&instances[4]), None).await.expect(429);
        assert_eq!(refused.code().unwrap(), "too_many_requests");
        let _ = client.send(Method::POST, &desk(&instances[0]), None).await.expect(200);
    }

    async fn commits_bear_the_name_of_the_account(world: World) {
        let scene = scene(&world).await;
        let _ = scene.open(&scene.editor.person.client).await.expect(200);
        let path = scene.path("/git/commit");
        let made = scene.editor.person.client.post(&path, json!({ "message": "Mine", "all": true })).await;
        assert_eq!(made.expect(200).field("commit").len(), 40);
        let desk = DeskOf { instance: scene.first, account: scene.editor.person.account.parse().unwrap() };
        let author = world.desks.author(desk).unwrap();
        assert_eq!((author.name.as_str(), &author.email), ("Erik Editor", &scene.editor.person.email));
        let empty = scene.editor.person.client.post(&path, json!({ "message": " \n", "all": true })).await;
        assert_eq!(empty.expect(422).json()["errors"][0]["field"], "message");
    }

    async fn a_file_is_one_word_of_the_path_and_never_shown_as_if_it_were_stoas(world: World) {
        let scene = scene(&world).await;
        let client = &scene.editor.person.client;
        let path = scene.path("/files/src%2Fpage.html");
        let saved = save(client, &path, "<script>alert(1)</script>", &[]).await.expect(200);
        assert_eq!(saved.header("etag"), Some("\"2\""));
        let read = client.get(&path).await.expect(200);
        assert_eq!(read.text, "<script>alert(1)</script>");
        assert_eq!(read.header("content-type"), Some("application/octet-stream"));
        assert_eq!(read.header("content-disposition"), Some("attachment"));
        assert_eq!(read.header("x-content-type-options"), Some("nosniff"));
        assert!(read.header("content-security-policy").unwrap().starts_with("sandbox;"));
        let stale = save(client, &path, "other", &[(IF_MATCH, "\"0\"")]).await.expect(412);
        assert_eq!(stale.code().unwrap(), "precondition_failed");
        let _ = save(client, &path, "other", &[(IF_NONE_MATCH, "*")]).await.expect(200);
        let mut request = client.request(Method::PUT, &path, None);
        *request.body_mut() = axum::body::Body::from("x");
        let _ = client.send_request(request).await.expect(415);
        // What a member does is that member's alone: the same path of another's desk has nothing of it.
        let owner = &scene.workspace.owner.client;
        assert_eq!(owner.get(&path).await.expect(200).text, "");
    }

    async fn a_push_needs_every_instance_that_deploys_the_branch(world: World) {
        let scene = scene(&world).await;
        let client = &scene.editor.person.client;
        let refused = client.send(Method::POST, &scene.path("/git/push"), None).await.expect(403);
        assert_eq!(refused.code().unwrap(), "target_not_allowed");
        assert!(!refused.text.contains("Second") && !refused.text.contains(&scene.second.to_string()), "{}", refused.text);
        let status = client.get(&scene.path("/git/status")).await.expect(200).json();
        assert_eq!(status["push_blocked"]["code"], "target_not_allowed");
        assert_eq!(status["deploys"].as_array().unwrap().len(), 1, "{status}");
        let both = [scene.first.to_string(), scene.second.to_string()];
        scene.workspace.grant(&scene.editor, json!({ "actions": ["use_ide"], "instances": both })).await;
        let status = client.get(&scene.path("/git/status")).await.expect(200).json();
        assert_eq!((status["push_blocked"].is_null(), status["deploys"].as_array().unwrap().len()), (true, 2));
        // Here is nowhere to push to: it is decided, and that's what counts.
        let _ = client.send(Method::POST, &scene.path("/git/push"), None).await.expect(503);
    }

    async fn what_is_done_in_a_desk_is_in_the_audit_log(world: World) {
        let scene = scene(&world).await;
        let client = &scene.editor.person.client;
        let _ = scene.open(client).await.expect(200);
        let _ = scene.open(client).await.expect(200);
        let _ = client.post(&scene.path("/git/commit"), json!({ "message": "Mine", "all": true })).await.expect(200);
        let _ = client.send(Method::POST, &scene.path("/git/merge"), None).await.expect(200);
        let _ = client.delete(&scene.path("/desk?discard=true"), None).await.expect(204);
        let log = client.get(&scene.workspace.path("/audit/mine")).await.expect(200).json();
        let said: Vec<&str> = log["items"].as_array().unwrap().iter().filter_map(|one| one["action"].as_str()).collect();
        let ide: Vec<&str> = said.into_iter().filter(|action| action.starts_with("ide.")).rev().collect();
        assert_eq!(ide, ["ide.open", "ide.commit", "ide.merge", "ide.end"]);
    }

    async fn what_isnt_asked_rightly_is_refused(world: World) {
        let scene = scene(&world).await;
        let client = &scene.editor.person.client;
        for rest in ["/search?q=", "/search", "/git/diff?against=else", "/files?limit=0", "/git/original?path="] {
            assert_eq!(client.get(&scene.path(rest)).await.status.as_u16(), 422, "{rest}");
        }
        let wrong = client.post(&scene.path("/git/stage"), json!({ "do": "throw away", "paths": [] })).await;
        assert_eq!(wrong.expect(422).json()["errors"][0]["field"], "do");
        let socket = client.get(&scene.path("/terminal")).await.expect(422);
        assert_eq!(socket.code().unwrap(), "invalid");
    }
}
