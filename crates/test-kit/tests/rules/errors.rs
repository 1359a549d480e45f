//! Each code of `docs/errors.md` made to happen once, through the router, with a sentence that a person can act on. A
//! code that is listed and doesn't happen here fails the test, and so does one that happens and isn't listed.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request};
use serde_json::json;
use stoa_app::ports::{BoxedWire, ConnectAnswer, ModelProblem, Programs};
use stoa_app::settings::WorkspaceCreation;
use stoa_domain::remote::RemoteProblem;
use stoa_http::Patience;
use stoa_http::git::{Git, Hosting, LARGEST_PUSH, Reads};
use stoa_http::proxy::{Applications, At, Route, RouteState};
use test_kit::world::{PASSWORD, Wishes, Workspace};
use test_kit::{Answer, Client, Kind, World, golden};
use tokio::sync::watch;

/// Code and status of each row of the list.
fn documented() -> BTreeSet<(String, u16)> {
    let text = std::fs::read_to_string(golden::path_in_tree("docs/errors.md")).unwrap();
    let row = |line: &str| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let status = cells.next()?.parse().ok()?;
        Some((cells.next()?.trim_matches('`').to_owned(), status))
    };
    text.lines().filter_map(row).collect()
}

fn token_of(answer: &Answer) -> String {
    answer.field("link").rsplit('/').next().unwrap().to_owned()
}

async fn world(wishes: Wishes) -> World {
    World::with(Kind::Sqlite, wishes).await
}

/// Without a mail server: links are shown.
async fn quiet_world() -> World {
    world(Wishes { mail: false, ..Wishes::default() }).await
}

/// What happens to accounts: signing in, tokens, the first set-up.
async fn of_accounts(answers: &mut Vec<Answer>) {
    let world = World::on(Kind::Sqlite).await;
    let nobody = world.nobody();
    answers.push(nobody.get("/api/v1/me").await);
    let olga = world.set_up().await;
    answers.push(nobody.get("/api/v1/me").await);
    let foreign = Request::post("/api/v1/session")
        .header(HOST, "localhost:8080")
        .header("origin", "https://evil.example");
    answers.push(nobody.send_request(foreign.body(Body::empty()).unwrap()).await);
    let mut plain = olga.client.request(Method::POST, "/api/v1/workspaces", Some(&json!({ "name": "Acme" })));
    plain.headers_mut().insert(CONTENT_TYPE, "text/plain".parse().unwrap());
    answers.push(olga.client.send_request(plain).await);
    answers.push(olga.client.post("/api/v1/workspaces", json!({ "name": "x".repeat(1_100_000) })).await);
    answers.push(olga.client.post("/api/v1/workspaces", json!({ "name": "" })).await);
    answers.push(olga.client.get("/api/v1/workspaces/never-made").await);
    let wrong = json!({ "email": "olga@example.com", "password": "not the password" });
    for _ in 0..10 {
        let _ = nobody.post("/api/v1/session", wrong.clone()).await.expect(401);
    }
    answers.push(nobody.post("/api/v1/session", wrong).await);
    let keyed = |name: &str| {
        let body = json!({ "name": name });
        let mut request = olga.client.request(Method::POST, "/api/v1/workspaces", Some(&body));
        request.headers_mut().insert("idempotency-key", "one".parse().unwrap());
        request
    };
    let _ = olga.client.send_request(keyed("One")).await.expect(201);
    answers.push(olga.client.send_request(keyed("Two")).await);
    world.clock.pass_seconds(601);
    answers.push(olga.client.post("/api/v1/me/tokens", json!({ "name": "late" })).await);
    world.clock.pass_seconds(901);
    let _ = olga.client.post("/api/v1/session/confirm", json!({ "password": PASSWORD })).await.expect(204);
    let _ = world.authenticator(&olga).await;
    answers.push(world.sign_in(&olga.email, PASSWORD).await);
    let workspace = world.workspace(&olga, "Acme").await;
    let tess = workspace.member("Tess Tester").await;
    let demand = json!({ "requires_second_factor": true });
    let _ = olga.client.patch(&workspace.path(""), demand).await.expect(200);
    answers.push(tess.person.client.get(&workspace.path("")).await);
}

async fn of_workspaces(answers: &mut Vec<Answer>) {
    let world =
        world(Wishes { workspace_creation: WorkspaceCreation::Administrators, ..Wishes::default() }).await;
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let tester = workspace.member("Tess Tester").await;
    answers.push(tester.person.client.get(&workspace.path("/invitations")).await);
    answers.push(tester.person.client.get(&workspace.path("/projects")).await);
    answers.push(tester.person.client.post("/api/v1/workspaces", json!({ "name": "Mine" })).await);
    answers.push(olga.client.post("/api/v1/workspaces", json!({ "name": "Acme" })).await);
    let mut looking_on =
        olga.client.request(Method::POST, &workspace.path("/projects"), Some(&json!({ "name": "Shop" })));
    looking_on.headers_mut().insert("stoa-view-as", tester.id.parse().unwrap());
    answers.push(olga.client.send_request(looking_on).await);
    let members = olga.client.get(&workspace.path("/members?q=olga")).await.expect(200).json();
    let own = members["items"][0]["id"].as_str().unwrap().to_owned();
    answers.push(olga.client.delete(&workspace.path(&format!("/members/{own}")), None).await);
    let body = json!({ "name": "Acme Two" });
    let mut late = olga.client.request(Method::PATCH, &workspace.path(""), Some(&body));
    late.headers_mut().insert("if-match", "\"of another time\"".parse().unwrap());
    answers.push(olga.client.send_request(late).await);
}

async fn of_invitations(answers: &mut Vec<Answer>) {
    let world = quiet_world().await;
    let olga = world.set_up().await;
    answers.push(world.nobody().post("/api/v1/session/reset", json!({ "email": olga.email })).await);
    let workspace = world.workspace(&olga, "Acme").await;
    let path = workspace.path("/invitations");
    let invite = async |email: &str| olga.client.post(&path, json!({ "email": email })).await;
    let open = async |token: &str| world.nobody().get(&format!("/api/v1/invitations/{token}")).await;
    let person = json!({ "name": "Anna", "password": PASSWORD });

    let used = invite("anna@example.com").await.expect(201);
    let accept = format!("/api/v1/invitations/{}/accept", token_of(&used));
    let _ = world.nobody().post(&accept, person).await.expect(200);
    answers.push(open(&token_of(&used)).await);
    answers.push(invite("anna@example.com").await);

    let first = invite("ben@example.com").await.expect(201);
    answers.push(invite("ben@example.com").await);
    let resend = format!("{path}/{}/resend", first.field("id"));
    let second = olga.client.post(&resend, json!({})).await.expect(200);
    answers.push(open(&token_of(&first)).await);
    let accept = format!("/api/v1/invitations/{}/accept", token_of(&second));
    answers.push(olga.client.post(&accept, json!({})).await);
    let _ = olga.client.delete(&format!("{path}/{}", first.field("id")), None).await.expect(204);
    answers.push(open(&token_of(&second)).await);

    let old = invite("carl@example.com").await.expect(201);
    let restored = invite("dora@example.com").await.expect(201);
    world.clock.pass_seconds(7 * 24 * 3600 + 1);
    answers.push(open(&token_of(&old)).await);

    let _ = world.store.begin_epoch().await.unwrap();
    answers.push(open(&token_of(&restored)).await);
}

async fn of_instances(answers: &mut Vec<Answer>) {
    let world = World::on(Kind::Sqlite).await;
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let server = workspace.server().await;
    let project = workspace.project("Shop", &["main"]).await;
    let new = json!({ "name": "Shop", "project": project, "server": server, "stage": "production", "branch": "main" });
    let made = olga.client.post(&workspace.path("/instances"), new).await.expect(202);
    let path = workspace.path(&format!("/instances/{}", made.field("id")));
    // Its first deployment hasn't begun.
    answers.push(olga.client.post(&format!("{path}/restart"), json!({ "mode": "soft" })).await);
    world.drain().await;
    answers.push(olga.client.delete(&workspace.path(&format!("/projects/{project}")), None).await);
    let _ = olga.client.patch(&path, json!({ "is_protected": true })).await.expect(200);
    answers.push(olga.client.delete(&path, Some(json!({ "confirm": "Shop" }))).await);
    let begun = olga.client.post(&format!("{path}/backups"), json!({})).await.expect(202);
    world.drain().await;
    let path = workspace.path(&format!("/backups/{}/download", begun.field("id")));
    let mut beyond = olga.client.request(Method::GET, &path, None);
    beyond.headers_mut().insert("range", "bytes=9999-".parse().unwrap());
    answers.push(olga.client.send_request(beyond).await);
}

async fn of_a_machine_without_walls(answers: &mut Vec<Answer>) {
    let world = World::on(Kind::Sqlite).await;
    world.machines.lose_sandbox("Install bubblewrap on the server: apt-get install bubblewrap.");
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let server = workspace.server().await;
    let project = workspace.project("Shop", &["main"]).await;
    let new =
        json!({ "name": "Shop", "project": project, "server": server, "stage": "staging", "branch": "main" });
    answers.push(olga.client.post(&workspace.path("/instances"), new).await);
}

async fn of_a_machine_that_is_away(answers: &mut Vec<Answer>) {
    let world = World::on(Kind::Sqlite).await;
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let made = olga.client.post(&workspace.path("/servers"), json!({ "name": "Far" })).await.expect(201);
    let project = workspace.project("Shop", &["main"]).await;
    let new = json!({ "name": "Shop", "project": project, "server": made.field("id"), "stage": "staging", "branch": "main" });
    answers.push(olga.client.post(&workspace.path("/instances"), new).await);
}

async fn of_a_machine_without_programs(answers: &mut Vec<Answer>) {
    let world = World::on(Kind::Sqlite).await;
    world.machines.have_programs(Programs::default());
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    answers.push(olga.client.post(&workspace.path("/examples"), json!({ "example": "shop" })).await);
}

/// A real repository, in which two branches don't go together, and one of them is deployed.
async fn of_merges(answers: &mut Vec<Answer>) {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with_git(Kind::Sqlite, folder.path()).await;
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let project = workspace.project("Shop", &[]).await;
    let work = test_kit::work::Work::new(&folder.path().join(format!("{project}.git")));
    work.commit("main", None, &[("a.txt", "one\n")]);
    work.commit("topic", Some("main"), &[("a.txt", "two\n")]);
    work.commit("main", None, &[("a.txt", "three\n")]);
    world.app.compare_heads().await.unwrap();
    let path = workspace.path(&format!("/projects/{project}/merge"));
    let body = json!({ "source": "topic", "target": "main" });
    answers.push(olga.client.post(&path, body.clone()).await);
    let server = workspace.server().await;
    let _ = workspace.instance(&project, &server, "Shop", "staging", "main").await;
    let merger = workspace.member("Mia Merger").await;
    workspace.grant(&merger, json!({ "actions": ["merge_branches"], "projects": [project] })).await;
    answers.push(merger.person.client.post(&path, body).await);
}

/// An application is asked for a session as one of its users, and links to sessions are followed twice and too late.
async fn of_connecting(answers: &mut Vec<Answer>) {
    let world = World::on(Kind::Sqlite).await;
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let server = workspace.server().await;
    let project = workspace.project("Shop", &["main"]).await;
    let shop = workspace.instance(&project, &server, "Shop", "staging", "main").await;
    let path = workspace.path(&format!("/instances/{shop}/connect-as"));
    let link = async || {
        let asked =
            olga.client.post(&path, json!({ "user": "kim", "reason": "Ticket 4182" })).await.expect(201);
        format!("/api/v1/connect/{}", asked.field("url").rsplit('/').next().unwrap())
    };
    let (first, late) = (link().await, link().await);
    world.machines.answer_connecting(ConnectAnswer::Failed {
        sentence: "The application's command `open` ended with status 1.".to_owned(),
        quote: None,
    });
    answers.push(olga.client.post(&first, json!({})).await);
    answers.push(olga.client.post(&first, json!({})).await);
    world.clock.pass_seconds(61);
    answers.push(olga.client.post(&late, json!({})).await);
}

async fn new_project(workspace: &Workspace<'_>) -> Answer {
    workspace.owner.client.post(&workspace.path("/projects"), json!({ "name": "Shop" })).await
}

/// A model provider refuses.
async fn of_remotes(answers: &mut Vec<Answer>) {
    let world = World::on(Kind::Sqlite).await;
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let project = workspace.remote_project("Shop", "https://git.example.com/shop.git", None).await;
    let path = workspace.path(&format!("/projects/{project}/remote"));
    for problem in [RemoteProblem::Away, RemoteProblem::Refused] {
        world.remotes.fail(Some(problem));
        answers.push(olga.client.patch(&path, json!({ "host_key": "SHA256:x" })).await);
    }
}

async fn of_models(answers: &mut Vec<Answer>) {
    let world = World::on(Kind::Sqlite).await;
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    let body = json!({ "provider": "openai", "model": "m", "api_key": "sk-0123456789" });
    let _ = olga.client.put(&workspace.path("/ai"), body).await.expect(200);
    let problem = ModelProblem::new("The provider answered 401: “invalid key”. Check the key.");
    world.models.answer_next(vec![Err(problem)]);
    answers.push(olga.client.post(&workspace.path("/ai/test"), json!({})).await);
}

/// What lies outside fails.
async fn of_faults(answers: &mut Vec<Answer>) {
    let world = World::on(Kind::Sqlite).await;
    let olga = world.set_up().await;
    let workspace = world.workspace(&olga, "Acme").await;
    world.repositories.fail_next(io::ErrorKind::StorageFull);
    answers.push(new_project(&workspace).await);
    world.repositories.fail_next(io::ErrorKind::PermissionDenied);
    answers.push(new_project(&workspace).await);
    let _ = new_project(&workspace).await.expect(201);
    world.store.close().await;
    answers.push(olga.client.get("/api/v1/me").await);
}

struct NoApplications;

impl Applications for NoApplications {
    fn route(&self, _: At) -> Route {
        Route { state: RouteState::Unknown, generation: 0 }
    }

    fn changes(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }

    fn open(&self, _: At) -> BoxFuture<'static, io::Result<BoxedWire>> {
        Box::pin(async { Err(io::Error::other("there are none")) })
    }

    fn note(&self, _: At, _: u16, _: String) {}
}

/// What is settled before a route is looked for.
async fn of_hosts(answers: &mut Vec<Answer>) {
    let world = World::on(Kind::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().to_owned();
    let hosting = Hosting {
        folder: Arc::new(move |project| below.join(project.to_string())),
        hook_program: std::env::current_exe().unwrap(),
        hooks_folder: folder.path().join("hooks"),
        largest_push: LARGEST_PUSH,
        reads: Reads { names: &[], folder: |_| None, read: Arc::new(|_| Ok(())) },
    };
    let frame = world.frame();
    let git = Git::start(frame.clone(), hosting).unwrap();
    let edge = stoa_http::edge(frame, Arc::new(NoApplications), git);
    let client = Client::nobody(edge, "http://localhost:8080".to_owned());
    let elsewhere = Request::get("/").header(HOST, "nobodys.example").body(Body::empty()).unwrap();
    answers.push(client.send_request(elsewhere).await);
}

/// A body that is announced and never comes.
async fn of_slow_bodies(answers: &mut Vec<Answer>) {
    let world = World::on(Kind::Sqlite).await;
    let olga = world.set_up().await;
    let soon = Duration::from_millis(50);
    let frame = world.frame().with_patience(Patience { still: soon, whole: soon });
    let client = Client::nobody(stoa_http::api(frame).0, "http://localhost:8080".to_owned());
    for (path, key) in [("/api/v1/session", None), ("/api/v1/workspaces", Some("one"))] {
        let mut request = olga.client.request(Method::POST, path, Some(&json!({})));
        if let Some(key) = key {
            request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        }
        let never = Body::from_stream(futures_util::stream::pending::<io::Result<Vec<u8>>>());
        answers.push(client.send_request(request.map(|_| never)).await);
    }
    let (first, second) = (&answers[answers.len() - 2], &answers[answers.len() - 1]);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (408, 408), "{} {}", first.text, second.text);
}

fn is_a_sentence(text: &str) -> bool {
    let begins = text.starts_with(|letter: char| letter.is_uppercase());
    begins && text.ends_with('.') && text.split(' ').count() > 2 && !text.contains("Error")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_code_of_the_list_happens_and_says_what_to_do() {
    let mut answers = Vec::new();
    of_accounts(&mut answers).await;
    of_workspaces(&mut answers).await;
    of_invitations(&mut answers).await;
    of_instances(&mut answers).await;
    of_a_machine_without_walls(&mut answers).await;
    of_a_machine_that_is_away(&mut answers).await;
    of_a_machine_without_programs(&mut answers).await;
    of_models(&mut answers).await;
    of_remotes(&mut answers).await;
    of_merges(&mut answers).await;
    of_connecting(&mut answers).await;
    of_faults(&mut answers).await;
    of_hosts(&mut answers).await;
    of_slow_bodies(&mut answers).await;

    let documented = documented();
    let mut happened = BTreeSet::new();
    for answer in answers {
        let code = answer.code().unwrap_or_else(|| panic!("no problem: {} {}", answer.status, answer.text));
        assert_eq!(answer.header(CONTENT_TYPE), Some("application/problem+json"), "{code}");
        let problem = answer.json();
        assert_eq!(problem["status"], answer.status.as_u16(), "{code}");
        assert!(problem["type"].is_string() && problem["title"].is_string(), "{}", answer.text);
        assert!(is_a_sentence(problem["detail"].as_str().unwrap()), "{}", answer.text);
        happened.insert((code, answer.status.as_u16()));
    }
    assert_eq!(happened, documented);
}
