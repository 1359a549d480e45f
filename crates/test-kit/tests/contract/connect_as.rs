//! Connect as: users, links and sessions, asked through the API.

use std::time::Duration;

use serde_json::{Value, json};
use stoa_app::ports::ConnectAnswer;
use stoa_domain::InstanceId;
use test_kit::world::{Member, PASSWORD, Workspace};
use test_kit::{Answer, Client, World};
use tokio_util::sync::CancellationToken;

const REASON: &str = "Ticket 4182: discount isn't shown";

/// An instance that runs, and a member with exactly the permission for it.
struct Scene<'w> {
    workspace: Workspace<'w>,
    instance: InstanceId,
    member: Member,
}

impl<'w> Scene<'w> {
    async fn new(world: &'w World) -> Self {
        let owner = world.set_up().await;
        let workspace = world.workspace(&owner, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let member = workspace.member("Mia Member").await;
        let scene = Self { workspace, instance, member };
        scene.grant(&scene.member).await;
        scene
    }

    async fn grant(&self, member: &Member) {
        let profile = json!({ "actions": ["connect_as_user"], "instances": [self.instance.to_string()] });
        self.workspace.grant(member, profile).await;
    }

    fn path(&self, rest: &str) -> String {
        self.workspace.path(&format!("/instances/{}/connect-as{rest}", self.instance))
    }

    fn client(&self) -> &Client {
        &self.member.person.client
    }

    async fn ask_as(&self, client: &Client) -> Answer {
        client.post(&self.path(""), json!({ "user": "kim", "reason": REASON })).await
    }

    async fn link(&self) -> String {
        token_of(&self.ask_as(self.client()).await.expect(201))
    }

    async fn open(&self, client: &Client, token: &str) -> Answer {
        client.post(&format!("/api/v1/connect/{token}"), json!({})).await
    }

    async fn sessions(&self, client: &Client) -> Vec<Value> {
        let found = client.get(&self.path("/sessions")).await.expect(200).json();
        found["items"].as_array().unwrap().clone()
    }

    /// Operation, outcome and both names, the oldest first.
    async fn audit(&self) -> Vec<(String, String, String, String)> {
        let found = self
            .workspace
            .owner
            .client
            .get(&self.workspace.path("/audit?limit=100"))
            .await
            .expect(200)
            .json();
        let mut events: Vec<_> = found["items"].as_array().unwrap().iter().collect();
        events.reverse();
        let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let of_ours = events.into_iter().filter(|event| text(event, "action").starts_with("connect_as."));
        of_ours
            .map(|event| {
                let actor =
                    event["actor"]["name"].as_str().or(event["actor_name"].as_str()).unwrap_or_default();
                (text(event, "action"), text(event, "outcome"), actor.to_owned(), text(event, "second_name"))
            })
            .collect()
    }
}

fn token_of(answer: &Answer) -> String {
    answer.field("url").strip_prefix("http://localhost:8080/connect/").unwrap().to_owned()
}

async fn a_member_picks_gives_a_reason_and_connects(world: World) {
    let scene = Scene::new(&world).await;
    let (client, member) = (scene.client(), &scene.member);
    let found = client.get(&scene.path("/users?q=ki")).await.expect(200).json();
    assert_eq!(
        found["items"][0],
        json!({ "id": "kim", "login": "kim@shop.example", "name": "User kim", "active": true })
    );
    let shown =
        client.get(&scene.workspace.path(&format!("/instances/{}", scene.instance))).await.expect(200).json();
    assert_eq!((&shown["may"], &shown["blocked"]), (&json!(["connect_as"]), &json!({})));

    let asked = scene.ask_as(client).await.expect(201);
    assert_eq!(asked.header("cache-control"), Some("no-store"));
    assert_eq!(scene.sessions(client).await, Vec::<Value>::new());
    let opened = scene.open(client, &token_of(&asked)).await.expect(200).json();
    let url = opened["url"].as_str().unwrap();
    let label = url.strip_prefix("http://").unwrap().strip_suffix(".localhost:8080").unwrap();
    assert!(stoa_domain::connect_as::is_label(label), "{url}");
    assert_eq!(
        world.machines.opened_sessions(),
        [(scene.instance, "kim".to_owned(), "Mia Member".to_owned())]
    );

    let sessions = scene.sessions(client).await;
    assert_eq!(sessions.len(), 1);
    assert_eq!(
        (&sessions[0]["user"]["name"], &sessions[0]["reason"], &sessions[0]["account"], &sessions[0]["url"]),
        (&json!("User kim"), &json!(REASON), &json!("Mia Member"), &json!(url))
    );
    let id = sessions[0]["id"].as_str().unwrap();
    let _ = client.delete(&scene.path(&format!("/sessions/{id}")), None).await.expect(204);
    let _ = client.delete(&scene.path(&format!("/sessions/{id}")), None).await.expect(404);
    assert_eq!(scene.sessions(client).await, Vec::<Value>::new());
    world.app.end_connect_sessions().await.unwrap();
    let ended = world.machines.ended_sessions();
    assert_eq!((ended.len(), ended[0][0].0.as_str()), (1, "sessionid"));
    // It is told once.
    world.app.end_connect_sessions().await.unwrap();
    assert_eq!(world.machines.ended_sessions().len(), 1);
    let event = |what: &str| {
        (format!("connect_as.{what}"), "done".to_owned(), "Mia Member".to_owned(), "User kim".to_owned())
    };
    assert_eq!(scene.audit().await, [event("ask"), event("open"), event("end")]);
    // Nothing of it is anywhere in the records as it is.
    if matches!(world.place(), stoa_storage::Place::Sqlite(_)) {
        let records = world.dump(&[]).await;
        assert!(!records.contains("canary-session") && !records.contains(&token_of(&asked)));
    }
    let _ = member;
}

async fn a_link_works_once_in_time_and_for_its_account(world: World) {
    let scene = Scene::new(&world).await;
    let client = scene.client();
    let refused = |answer: Answer, status: u16, code: &str| {
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_deref()),
            (status, Some(code)),
            "{}",
            answer.text
        );
    };
    // Of many at once, one.
    let link = scene.link().await;
    let answers = futures_util::future::join_all((0..6).map(|_| scene.open(client, &link))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status.as_u16() == 200).count(), 1);
    refused(scene.open(client, &link).await, 410, "connect_used");
    assert_eq!(world.machines.opened_sessions().len(), 1);
    // Another account's, an owner's too, and nobody's.
    let link = scene.link().await;
    refused(scene.open(&scene.workspace.owner.client, &link).await, 403, "wrong_account");
    refused(scene.open(&world.nobody(), &link).await, 401, "unauthenticated");
    // Not by a token of its own account: a browser goes on.
    let _ = client.post("/api/v1/session/confirm", json!({ "password": PASSWORD })).await.expect(204);
    let token =
        client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201).field("token");
    refused(scene.open(&world.nobody().with_token(token), &link).await, 403, "permission_denied");
    let _ = scene.open(client, &link).await.expect(200);
    // A minute is over.
    let link = scene.link().await;
    world.clock.pass_seconds(61);
    refused(scene.open(client, &link).await, 410, "connect_expired");
    // The permission is gone, then the instance.
    let link = scene.link().await;
    scene.workspace.grant(&scene.member, json!({ "instances": [scene.instance.to_string()] })).await;
    refused(scene.open(client, &link).await, 403, "permission_denied");
    scene.workspace.grant(&scene.member, json!({ "actions": ["connect_as_user"] })).await;
    refused(scene.open(client, &link).await, 404, "not_found");
    // One that was taken back.
    scene.grant(&scene.member).await;
    let asked = scene.ask_as(client).await.expect(201);
    let _ = client.delete(&scene.path(&format!("/sessions/{}", asked.field("id"))), None).await.expect(204);
    refused(scene.open(client, &token_of(&asked)).await, 410, "connect_used");
    refused(scene.open(client, "never-made").await, 404, "not_found");
    assert_eq!(world.machines.opened_sessions().len(), 2);
}

async fn sessions_end_with_what_they_rest_on(world: World) {
    let scene = Scene::new(&world).await;
    let client = scene.client();
    let owner = &scene.workspace.owner.client;
    let ends = async |what: &str, count: usize| {
        world.app.end_connect_sessions().await.unwrap();
        assert_eq!(scene.sessions(owner).await.len(), 0, "{what}");
        assert_eq!(world.machines.ended_sessions().len(), count, "{what}: the application is told");
    };
    let opens = async || {
        let _ = scene.open(client, &scene.link().await).await.expect(200);
        assert_eq!(scene.sessions(client).await.len(), 1);
    };
    opens().await;
    // Nothing of it has ended.
    world.app.end_connect_sessions().await.unwrap();
    assert_eq!(scene.sessions(owner).await[0]["url"], Value::Null, "an owner isn't led into another's");
    scene.workspace.grant(&scene.member, json!({ "instances": [scene.instance.to_string()] })).await;
    ends("the permission", 1).await;
    scene.grant(&scene.member).await;
    opens().await;
    scene.workspace.grant(&scene.member, json!({ "actions": ["connect_as_user"] })).await;
    ends("the instance", 2).await;
    scene.grant(&scene.member).await;
    opens().await;
    world.clock.pass_seconds(3601);
    ends("the hour", 3).await;
    opens().await;
    let id = scene.sessions(owner).await[0]["id"].as_str().unwrap().to_owned();
    let _ = owner.delete(&scene.path(&format!("/sessions/{id}")), None).await.expect(204);
    ends("an owner", 4).await;
    opens().await;
    let _ = client.delete("/api/v1/session", None).await.expect(204);
    ends("signing out", 5).await;
    // A disabled account has no session any more.
    let again = world.sign_in(&scene.member.person.email, PASSWORD).await.expect(200);
    let again = world.nobody().with_cookie(again.cookie().unwrap());
    let link = token_of(&scene.ask_as(&again).await.expect(201));
    let _ = scene.open(&again, &link).await.expect(200);
    let _ = owner.post("/api/v1/session/confirm", json!({ "password": PASSWORD })).await.expect(204);
    let account = format!("/api/v1/administration/accounts/{}", scene.member.person.account);
    let _ = owner.patch(&account, json!({ "status": "disabled" })).await.expect(200);
    ends("disabling the account", 6).await;
    let causes: Vec<_> =
        scene.audit().await.into_iter().filter(|event| event.0 == "connect_as.end").collect();
    assert_eq!(causes.len(), 6);
    let of_mia = causes.iter().filter(|event| event.2 == "Mia Member" && event.3 == "User kim").count();
    assert_eq!(of_mia, 5, "the owner ended one: {causes:?}");
}

async fn an_application_says_nothing(world: World) {
    let scene = Scene::new(&world).await;
    let (client, owner) = (scene.client(), &scene.workspace.owner.client);
    for _ in 0..2 {
        let _ = scene.open(client, &scene.link().await).await.expect(200);
    }
    let sessions = scene.sessions(client).await;
    assert_eq!(sessions.len(), 2);
    world.machines.hang(true);
    let stop = CancellationToken::new();
    let looking = world.app.run_connect_sessions(stop.clone());
    let ends = async {
        let id = sessions[0]["id"].as_str().unwrap();
        let _ = client.delete(&scene.path(&format!("/sessions/{id}")), None).await.expect(204);
        while world.machines.kept_waiting() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Its application doesn't answer. The other session ends all the same.
        scene.workspace.grant(&scene.member, json!({ "instances": [scene.instance.to_string()] })).await;
        while !scene.sessions(owner).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(looking, ends) };
    tokio::time::timeout(Duration::from_secs(12), both).await.expect("both sessions end");
}

test_kit::on_both_databases! {
    async fn an_application_that_says_nothing_holds_up_no_end(world: World) {
        an_application_says_nothing(world).await;
    }
    async fn connecting_is_asked_opened_listed_and_ended(world: World) {
        a_member_picks_gives_a_reason_and_connects(world).await;
    }
    async fn a_connect_link_works_once_in_time_and_for_its_account(world: World) {
        a_link_works_once_in_time_and_for_its_account(world).await;
    }
    async fn connect_sessions_end_with_what_they_rest_on(world: World) {
        sessions_end_with_what_they_rest_on(world).await;
    }
}

#[tokio::test]
async fn what_is_no_user_and_no_reason_is_refused() {
    let world = World::on(test_kit::Kind::Sqlite).await;
    let scene = Scene::new(&world).await;
    let ask = async |body: Value| scene.client().post(&scene.path(""), body).await;
    let problem = |answer: Answer| {
        let told = answer.expect(422).json();
        (told["errors"][0]["field"].as_str().unwrap().to_owned(), told["detail"].as_str().unwrap().to_owned())
    };
    for reason in ["", " \n ", "a\u{202e}b", &"x".repeat(501)] {
        assert_eq!(problem(ask(json!({ "user": "kim", "reason": reason })).await).0, "reason");
    }
    for user in ["", "a\nb", &"x".repeat(201)] {
        assert_eq!(problem(ask(json!({ "user": user, "reason": REASON })).await).0, "user");
    }
    let (field, detail) = problem(ask(json!({ "user": "old", "reason": REASON })).await);
    assert_eq!((field.as_str(), detail.as_str()), ("user", "This user is switched off in the application."));
    let _ = ask(json!({ "user": "kim" })).await.expect(422);
    let _ = ask(json!({ "user": "kim", "reason": REASON, "minutes": 600 })).await.expect(422);
    // One whom the list doesn't show by its id is for the application to know.
    let _ = ask(json!({ "user": "77", "reason": REASON })).await.expect(201);
}

#[tokio::test]
async fn an_application_that_cant_be_asked_says_why() {
    let world = World::on(test_kit::Kind::Sqlite).await;
    let scene = Scene::new(&world).await;
    let (client, owner) = (scene.client(), &scene.workspace.owner.client);
    // What it wrote is a log's: only for whoever may read logs.
    let fails = || ConnectAnswer::Failed {
        sentence: "The application's command `open` ended with status 1.".to_owned(),
        quote: Some("no such table: users".to_owned()),
    };
    world.machines.answer_connecting(fails());
    let told = scene.open(client, &scene.link().await).await.expect(502).json();
    assert_eq!((&told["code"], &told["quote"]), (&json!("application_failed"), &Value::Null));
    world.machines.answer_connecting(fails());
    let link = token_of(&scene.ask_as(owner).await.expect(201));
    let told = scene.open(owner, &link).await.expect(502).json();
    assert_eq!(told["quote"], "no such table: users");
    assert_eq!(scene.open(owner, &link).await.expect(410).code().as_deref(), Some("connect_used"));
    let audit = scene.audit().await;
    assert_eq!(audit.iter().filter(|event| event.0 == "connect_as.open" && event.1 == "failed").count(), 2);

    let shown = async |client: &Client| {
        let found = client.get(&scene.workspace.path(&format!("/instances/{}", scene.instance))).await;
        found.expect(200).json()["blocked"]["connect_as"].clone()
    };
    let stop = scene.workspace.path(&format!("/instances/{}/stop", scene.instance));
    let _ = owner.post(&stop, json!({})).await.expect(202);
    world.drain().await;
    let said = "The instance isn't running. Start it first.";
    assert_eq!(shown(client).await["detail"], said);
    for answer in [client.get(&scene.path("/users")).await, scene.ask_as(client).await] {
        assert_eq!(answer.expect(409).field("detail"), said);
    }
    let start = scene.workspace.path(&format!("/instances/{}/start", scene.instance));
    let _ = owner.post(&start, json!({})).await.expect(202);
    world.drain().await;
    world.machines.lose_users();
    let deploy = scene.workspace.path(&format!("/instances/{}/deploy", scene.instance));
    let _ = owner.post(&deploy, json!({})).await.expect(202);
    world.drain().await;
    let blocked = shown(client).await;
    assert_eq!(blocked["code"], "conflict");
    assert!(blocked["detail"].as_str().unwrap().contains("[connect_as]"), "{blocked}");
    let _ = client.get(&scene.path("/users")).await.expect(409);
}

#[tokio::test]
async fn a_link_that_is_asked_for_again_by_its_key_was_shown_once() {
    let world = World::on(test_kit::Kind::Sqlite).await;
    let scene = Scene::new(&world).await;
    let body = json!({ "user": "kim", "reason": REASON });
    let ask = async || {
        let mut request = scene.client().request(http::Method::POST, &scene.path(""), Some(&body));
        request.headers_mut().insert("idempotency-key", "one".parse().unwrap());
        scene.client().send_request(request).await.expect(201).json()
    };
    let (first, again) = (ask().await, ask().await);
    assert!(first["url"].is_string());
    assert_eq!((&again["id"], &again["url"]), (&first["id"], &Value::Null));
    assert_eq!(again["shown_once"], "url was shown in the first answer alone");
}

#[tokio::test]
async fn nobody_asks_without_end() {
    let world = World::on(test_kit::Kind::Sqlite).await;
    let scene = Scene::new(&world).await;
    for _ in 0..16 {
        let _ = scene.ask_as(scene.client()).await.expect(201);
    }
    assert_eq!(scene.ask_as(scene.client()).await.expect(409).field("title"), "Too many at once");
    // Links that nobody used are over after a minute.
    world.clock.pass_seconds(61);
    for _ in 0..15 {
        let _ = scene.ask_as(scene.client()).await.expect(201);
    }
    for _ in 0..120 {
        let _ = scene.client().get(&scene.path("/users")).await.expect(200);
    }
    let _ = scene.client().get(&scene.path("/users")).await.expect(429);
}

#[tokio::test]
async fn the_page_of_a_link_is_the_same_for_every_link_and_does_nothing_by_itself() {
    let world = World::on(test_kit::Kind::Sqlite).await;
    let scene = Scene::new(&world).await;
    let link = scene.link().await;
    let shown = scene.client().get(&format!("/connect/{link}")).await.expect(200);
    let never = world.nobody().get("/connect/never-made").await.expect(200);
    assert_eq!(shown.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    let without_nonce = |answer: &Answer| {
        let (before, rest) = answer.text.split_once("nonce=\"").unwrap();
        format!("{before}{}", rest.split_once('"').unwrap().1)
    };
    assert_eq!(without_nonce(&shown), without_nonce(&never));
    assert!(!shown.text.contains(&link) && !shown.text.contains("kim"));
    let policy = shown.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action http://*.localhost:8080") && !policy.contains("unsafe"), "{policy}");
    assert!(world.machines.opened_sessions().is_empty());
}
