//! The hostile sweep: every registered route, asked by everybody who may not, for things of their own, of others and
//! of nobody. Each denial leaves the records as they were, and before and after it whoever may succeeds.
//!
//! A route is swept because it is registered. There is no list of exceptions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::body::Body;
use futures_util::stream::{self, StreamExt as _};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use stoa_app::ports::LogLine;
use stoa_domain::{Action, Timestamp};
use stoa_http::Registered;
use stoa_http::gate::GateKind;
use test_kit::described::undescribed;
use test_kit::world::{Member, PASSWORD, Person, World};
use test_kit::{Answer, Client, Kind};

/// An id that never existed.
const NOBODYS: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Routes at once.
const AT_ONCE: usize = 4;

/// A world in which every route has what it is about.
struct Scene {
    world: World,
    owner: Person,
    workspace: String,
    slug: String,
    words: BTreeMap<&'static str, String>,
    /// Somebody who was a member, and who has a workspace of their own.
    stranger: Person,
    strangers: BTreeMap<&'static str, String>,
    removed: Person,
    plain: Member,
}

impl Scene {
    async fn new(route: &Registered) -> Self {
        let world = World::on(Kind::Sqlite).await;
        let owner = world.set_up().await;
        let (mut words, mut strangers) = (BTreeMap::new(), BTreeMap::new());
        let stranger;
        let (removed, plain, target);
        let (id, slug);
        {
            let workspace = world.workspace(&owner, "Acme").await;
            (id, slug) = (workspace.id.clone(), workspace.slug.clone());
            let was_there = workspace.member("Otto Other").await;
            let gone = workspace.member("Rita Removed").await;
            plain = workspace.member("Paul Plain").await;
            target = workspace.member("Tina Target").await;
            for member in [&was_there, &gone] {
                let path = workspace.path(&format!("/members/{}", member.id));
                let _ = owner.client.delete(&path, None).await.expect(204);
            }
            stranger = was_there.person;
            removed = gone.person;
            let invited = owner
                .client
                .post(&workspace.path("/invitations"), json!({ "email": "wait@example.com" }))
                .await;
            words.insert("invitation", invited.expect(201).field("id"));
            words.insert("member", target.id.clone());
            words.insert("account", target.person.account.clone());
            let preset = json!({ "name": "Night watch", "actions": ["view_logs"] });
            let made = owner.client.post(&workspace.path("/presets"), preset.clone()).await;
            words.insert("preset", made.expect(201).field("id"));
            if route.path.ends_with("/backup-storage/test") {
                let body = json!({ "endpoint": "https://s3.example.com", "bucket": "backups", "key_id": "k", "key": "a-key" });
                let _ = owner.client.put(&workspace.path("/backup-storage"), body).await.expect(200);
            }
            let project = if route.path.contains("/remote") {
                let url = "https://git.example.com/team/shop.git";
                let project = workspace.remote_project("Shop", url, None).await;
                for branch in ["main", "topic"] {
                    world.repositories.commit(project.parse().unwrap(), branch, "first");
                }
                world.app.fetch_due_remotes().await.unwrap();
                project
            } else {
                workspace.project("Shop", &["main", "topic"]).await
            };
            words.insert("project", project.clone());
            let commits = owner.client.get(&workspace.path(&format!("/projects/{project}/commits"))).await;
            words.insert("commit", commits.expect(200).json()["items"][0]["id"].as_str().unwrap().to_owned());
            // What would forbid the route's own success isn't made.
            let is_new_server = route.method == Method::POST && route.path.ends_with("/servers");
            if !is_new_server {
                let server = workspace.server().await;
                words.insert("server", server.clone());
                let is_server_to_go =
                    route.method == Method::DELETE && route.path.ends_with("/servers/{server}");
                if !is_server_to_go {
                    let body = json!({ "name": "Staging", "project": project, "server": server, "stage": "staging", "branch": "main" });
                    let made =
                        owner.client.post(&workspace.path("/instances"), body).await.expect(202).json();
                    // A job can be cancelled while it waits, an instance acted on when none does.
                    if !route.path.ends_with("/jobs/{job}/cancel") {
                        world.drain().await;
                    }
                    let instance = made["id"].as_str().unwrap().to_owned();
                    words.insert("job", made["job"]["id"].as_str().unwrap().to_owned());
                    let list = owner
                        .client
                        .get(&workspace.path(&format!("/instances/{instance}/deployments")))
                        .await;
                    words.insert(
                        "deployment",
                        list.expect(200).json()["items"][0]["id"].as_str().unwrap().to_owned(),
                    );
                    if route.path.contains("/backups/") {
                        let path = workspace.path(&format!("/instances/{instance}/backups"));
                        let _ = owner.client.post(&path, json!({})).await.expect(202);
                        world.drain().await;
                        let made = owner.client.get(&path).await.expect(200).json();
                        words.insert("backup", made["items"][0]["id"].as_str().unwrap().to_owned());
                    }
                    if route.path.contains("/settings/") {
                        let path = workspace.path(&format!("/instances/{instance}/settings"));
                        let body = json!({ "domains": [{ "host": "shop.example.org" }] });
                        let _ = owner.client.patch(&path, body).await.expect(200);
                        let made = owner.client.get(&format!("{path}/changes")).await.expect(200).json();
                        words.insert("change", made["items"][0]["id"].as_str().unwrap().to_owned());
                        words.insert("domain", "shop.example.org".to_owned());
                    }
                    if route.path.contains("/ai") {
                        let body =
                            json!({ "provider": "openai", "model": "m", "api_key": "sk-of-the-sweep" });
                        let _ = owner.client.put(&workspace.path("/ai"), body).await.expect(200);
                        world.machines.write_line(instance.parse().unwrap(), line());
                    }
                    words.insert("instance", instance);
                }
            }
            let other = world.workspace(&stranger, "Other").await;
            let invited =
                stranger.client.post(&other.path("/invitations"), json!({ "email": "x@example.com" })).await;
            strangers.insert("invitation", invited.expect(201).field("id"));
            let made = stranger.client.post(&other.path("/presets"), preset).await;
            strangers.insert("preset", made.expect(201).field("id"));
            strangers.insert("project", other.project("Theirs", &["main"]).await);
            let members = stranger.client.get(&other.path("/members")).await.expect(200).json();
            strangers.insert("member", members["items"][0]["id"].as_str().unwrap().to_owned());
        }
        Self { world, owner, workspace: id, slug, words, stranger, strangers, removed, plain }
    }

    fn path(&self, route: &Registered, words: &BTreeMap<&'static str, String>) -> String {
        let mut path = String::new();
        for segment in route.path.split('/').skip(1) {
            let word = match segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
                None => segment.to_owned(),
                Some("workspace") => self.workspace.clone(),
                Some(name) => words.get(name).cloned().unwrap_or_else(|| NOBODYS.to_owned()),
            };
            write!(path, "/{word}").unwrap();
        }
        if !route.operation.sample.query.is_empty() {
            write!(path, "?{}", route.operation.sample.query).unwrap();
        }
        path
    }

    fn body(&self, route: &Registered, person: &Person) -> Option<Value> {
        let mut text = route.operation.sample.body.as_ref()?.to_string();
        let mut put = |name: &str, value: &str| text = text.replace(&format!("{{{name}}}"), value);
        put("unique", &format!("unique-{}", self.world.number()));
        put("own_email", &person.email);
        put("own_account", &person.account);
        put("own_password", PASSWORD);
        put("workspace_slug", &self.slug);
        put("instance_name", "Staging");
        for name in ["project", "server", "instance", "member", "deployment"] {
            put(name, self.words.get(name).map_or(NOBODYS, String::as_str));
        }
        Some(serde_json::from_str(&text).unwrap())
    }

    async fn ask(
        &self,
        client: &Client,
        person: &Person,
        route: &Registered,
        words: &BTreeMap<&'static str, String>,
    ) -> Answer {
        let answer = self.ask_undescribed(client, person, route, words).await;
        // A stream's body was read no further than its head.
        if !(route.operation.sample.streams && answer.status.is_success()) {
            let found = undescribed(route, &answer);
            assert!(
                found.is_empty(),
                "{} isn't as it is described: {found:#?}\n{}",
                name(route),
                answer.text
            );
        }
        answer
    }

    async fn ask_undescribed(
        &self,
        client: &Client,
        person: &Person,
        route: &Registered,
        words: &BTreeMap<&'static str, String>,
    ) -> Answer {
        let body = self.body(route, person);
        let mut request = client.request(route.method.clone(), &self.path(route, words), body.as_ref());
        if let Some((kind, bytes)) = route.operation.sample.raw {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            *request.body_mut() = Body::from(bytes);
        }
        if !route.operation.sample.streams {
            return client.send_request(request).await;
        }
        // It doesn't end by itself: how it begins is what counts.
        let response = client.open(request).await;
        if response.status().is_success() {
            let (parts, _) = response.into_parts();
            return Answer { status: parts.status, headers: parts.headers, text: String::new() };
        }
        client
            .send_request(client.request(route.method.clone(), &self.path(route, words), body.as_ref()))
            .await
    }

    async fn ask_as(&self, person: &Person, route: &Registered) -> Answer {
        self.ask(&person.client, person, route, &self.words).await
    }

    /// Grants what is named, and nothing else.
    async fn grant(&self, actions: &[&str], with_resources: bool) {
        let workspace = self.world.known_workspace(&self.owner, &self.workspace, &self.slug);
        let list = |name: &str| match self.words.get(name) {
            Some(id) if with_resources => json!([id]),
            _ => json!([]),
        };
        let profile = json!({
            "actions": actions, "projects": list("project"), "instances": list("instance"), "servers": list("server"),
        });
        workspace.grant(&self.plain, profile).await;
    }

    /// Everything in the records but the audit log and what tells its readers of a refusal, the counters of attempts, and
    /// when somebody was last seen.
    async fn records(&self) -> String {
        let all = self.world.dump(&["audit_events", "attempts", "sessions", "access_tokens"]).await;
        let told = |line: &&str| line.starts_with("events: ") && line.contains(" type=refused ");
        all.lines().filter(|line| !told(line)).map(|line| format!("{line}\n")).collect()
    }
}

/// What an application wrote.
fn line() -> LogLine {
    LogLine {
        position: "1-0".to_owned(),
        at: Timestamp::from_micros(1),
        stream: "stdout".to_owned(),
        level: None,
        text: "Error: it broke".to_owned(),
    }
}

/// A route's way to be gated, from its key.
enum Gated {
    Public,
    Account,
    Administrator,
    Member { listed: bool },
    Owner,
    OwnerOrSelf,
    Started,
    Actions { keys: Vec<&'static str>, listed: bool },
}

fn gated(route: &Registered) -> Gated {
    match route.gate.kind {
        GateKind::Public => return Gated::Public,
        GateKind::Account(_) => return Gated::Account,
        GateKind::Administrator => return Gated::Administrator,
        GateKind::Workspace => {}
    }
    let (need, kind) = route.gate.permission.split_once('@').unwrap_or((&route.gate.permission, "workspace"));
    // What else it is decided on, `project+instances`, is only known from the body.
    let kind = kind.split('+').next().unwrap_or_default();
    let listed = matches!(kind, "project" | "instance" | "server" | "job");
    match need {
        "member" => Gated::Member { listed },
        "owner" if kind == "member" => Gated::OwnerOrSelf,
        "owner" => Gated::Owner,
        "started" => Gated::Started,
        key => {
            let action =
                Action::from_key(key).unwrap_or_else(|| panic!("{key} of {} isn't an action", route.path));
            Gated::Actions { keys: vec![action.key()], listed }
        }
    }
}

fn name(route: &Registered) -> String {
    format!("{} {}", route.method, route.path)
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str, route: &Registered, who: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_deref()),
        (status, Some(code)),
        "{} by {who}: {}",
        name(route),
        answer.text
    );
}

async fn sweep(route: Registered) {
    let who = &name(&route);
    // Before: whoever may succeeds, in a world of its own, because success changes it.
    let before = Scene::new(&route).await;
    let own = before.own_words(&before.owner, &route).await;
    let answer = before.ask(&before.owner.client, &before.owner, &route, &own).await;
    assert_eq!(answer.status.as_u16(), route.operation.sample.status, "{who} by an owner: {}", answer.text);

    let scene = Scene::new(&route).await;
    let (nobody, bad) = (scene.world.nobody(), scene.world.nobody().with_token("stoa_pat_of_nobody"));
    let bad_cookie = scene.world.nobody().with_cookie("stoa-8080=of-nobody");
    let gated = gated(&route);
    if matches!(gated, Gated::Administrator) {
        scene.ask_with_narrowed_tokens(&route).await;
    }
    let records = scene.records().await;
    if !matches!(gated, Gated::Public) {
        for (client, who) in [(&nobody, "nobody"), (&bad, "a bad token"), (&bad_cookie, "a bad session")] {
            let answer = scene.ask(client, &scene.owner, &route, &scene.words).await;
            assert_refused(&answer, 401, "unauthenticated", &route, who);
        }
    }
    if matches!(gated, Gated::Administrator) {
        // Who owns workspaces, and who is in them, administers nothing by that.
        for (person, who) in [(&scene.stranger, "an owner of a workspace"), (&scene.plain.person, "a member")]
        {
            assert_refused(&scene.ask_as(person, &route).await, 403, "administrator_required", &route, who);
        }
    }
    if route.gate.kind == GateKind::Workspace {
        for (person, who) in [(&scene.stranger, "an outsider"), (&scene.removed, "a removed member")] {
            assert_refused(&scene.ask_as(person, &route).await, 404, "not_found", &route, who);
        }
        scene.ask_for_others_and_nobodys(&route).await;
        match &gated {
            Gated::Owner | Gated::OwnerOrSelf | Gated::Started => {
                let answer = scene.ask_as(&scene.plain.person, &route).await;
                let listed = ["{project}", "{instance}", "{server}", "{job}", "{backup}"]
                    .iter()
                    .any(|word| route.path.contains(word));
                let (status, code) = if listed { (404, "not_found") } else { (403, "owner_required") };
                if !route.path.contains("{invitation}") {
                    assert_refused(&answer, status, code, &route, "a member without anything");
                } else {
                    assert!(matches!(answer.status.as_u16(), 403 | 404), "{who}: {}", answer.text);
                }
            }
            Gated::Member { listed: true } | Gated::Actions { listed: true, .. } => {
                let answer = scene.ask_as(&scene.plain.person, &route).await;
                assert_refused(&answer, 404, "not_found", &route, "a member without anything");
            }
            Gated::Actions { listed: false, .. } => {
                let answer = scene.ask_as(&scene.plain.person, &route).await;
                assert_refused(&answer, 403, "permission_denied", &route, "a member without anything");
            }
            _ => {}
        }
    }
    let after = scene.records().await;
    let changed: Vec<&str> = after.lines().filter(|line| !records.contains(*line)).collect();
    assert!(records == after, "{who}: a denial changed the records: {changed:#?}");
    scene.ask_with_halves(&route, &gated).await;
    let own = scene.own_words(&scene.owner, &route).await;
    let answer = scene.ask(&scene.owner.client, &scene.owner, &route, &own).await;
    assert_eq!(
        answer.status.as_u16(),
        route.operation.sample.status,
        "{who} by an owner, afterwards: {}",
        answer.text
    );
}

impl Scene {
    /// The words of a path that aren't resources of a workspace: one's own session, one's own token.
    async fn own_words(&self, person: &Person, route: &Registered) -> BTreeMap<&'static str, String> {
        let mut words = self.words.clone();
        if route.path.contains("/me/sessions/{id}") {
            let _ = self.world.sign_in(&person.email, PASSWORD).await.expect(200);
            let sessions = person.client.get("/api/v1/me/sessions").await.expect(200).json();
            let other = sessions["items"]
                .as_array()
                .unwrap()
                .iter()
                .find(|session| session["is_current"] != json!(true));
            words.insert("id", other.unwrap()["id"].as_str().unwrap().to_owned());
        }
        if route.path.contains("/me/tokens/{id}") {
            let made = person.client.post("/api/v1/me/tokens", json!({ "name": "mine" })).await.expect(201);
            words.insert("id", made.field("id"));
        }
        if route.path.ends_with("/connect-as/sessions/{id}") {
            let path = format!(
                "/api/v1/workspaces/{}/instances/{}/connect-as",
                self.workspace, self.words["instance"]
            );
            let asked = person.client.post(&path, json!({ "user": "kim", "reason": "The sweep" })).await;
            words.insert("id", asked.expect(201).field("id"));
        }
        // What changes an account demands that its password was entered a moment ago.
        let confirm = person.client.post("/api/v1/session/confirm", json!({ "password": PASSWORD })).await;
        assert_eq!(confirm.status.as_u16(), 204, "{}", confirm.text);
        words
    }

    /// Tokens of the administrator's that have less than its account.
    async fn ask_with_narrowed_tokens(&self, route: &Registered) {
        let client = &self.owner.client;
        let _ = client.post("/api/v1/session/confirm", json!({ "password": PASSWORD })).await.expect(204);
        for (key, limits) in
            [("actions", json!([])), ("workspaces", json!([])), ("workspaces", json!([self.workspace]))]
        {
            let mut body = json!({ "name": format!("narrowed {}", self.world.number()) });
            body[key] = limits;
            let token = client.post("/api/v1/me/tokens", body.clone()).await.expect(201).field("token");
            let answer =
                self.ask(&self.world.nobody().with_token(&token), &self.owner, route, &self.words).await;
            assert_refused(&answer, 403, "administrator_required", route, &format!("a token with {body}"));
        }
    }

    /// An owner too gets nothing of another workspace's, and nothing for an id that never was.
    async fn ask_for_others_and_nobodys(&self, route: &Registered) {
        let named: Vec<&'static str> = [
            "member",
            "invitation",
            "project",
            "commit",
            "server",
            "instance",
            "deployment",
            "job",
            "backup",
        ]
        .into_iter()
        .filter(|name| route.path.contains(&format!("{{{name}}}")))
        .collect();
        for name in named {
            let mut others = self.words.clone();
            for id in [self.strangers.get(name).cloned(), Some(NOBODYS.to_owned())].into_iter().flatten() {
                others.insert(name, id);
                let answer = self.ask(&self.owner.client, &self.owner, route, &others).await;
                assert_refused(&answer, 404, "not_found", route, "an owner, for a thing that isn't there");
            }
        }
    }

    /// The permission without the resource, the resource without the permission, and both.
    async fn ask_with_halves(&self, route: &Registered, gated: &Gated) {
        let every: Vec<&str> = Action::ALL.map(Action::key).to_vec();
        let plain = &self.plain.person;
        match gated {
            Gated::Actions { keys, listed } => {
                let without: Vec<&str> = every.iter().copied().filter(|key| !keys.contains(key)).collect();
                self.grant(&without, true).await;
                let answer = self.ask_as(plain, route).await;
                assert_refused(&answer, 403, "permission_denied", route, "a member with the resource alone");
                assert_eq!(answer.json()["missing"], json!(keys), "{}", name(route));
                assert_eq!(answer.json()["ask"][0]["name"], "Olga Owner", "{}", name(route));
                if *listed {
                    self.grant(&every, false).await;
                    let answer = self.ask_as(plain, route).await;
                    assert_refused(&answer, 404, "not_found", route, "a member with the permission alone");
                }
            }
            Gated::Member { listed: true } => {
                self.grant(&every, false).await;
                assert_refused(
                    &self.ask_as(plain, route).await,
                    404,
                    "not_found",
                    route,
                    "a member without the resource",
                );
                self.grant(&[], true).await;
                let answer = self.ask_as(plain, route).await;
                assert_eq!(
                    answer.status.as_u16(),
                    route.operation.sample.status,
                    "{} with the resource: {}",
                    name(route),
                    answer.text
                );
            }
            Gated::Owner | Gated::OwnerOrSelf | Gated::Started => {
                self.grant(&every, true).await;
                let answer = self.ask_as(plain, route).await;
                if !route.path.contains("{invitation}") {
                    assert_refused(&answer, 403, "owner_required", route, "a member with everything");
                }
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_through_a_route_that_may_not() {
    let (_, registered) = stoa_http::routes::all("0.1.0").into_parts();
    assert!(registered.len() > 50, "{}", registered.len());
    let swept: Vec<Result<(), String>> = stream::iter(registered)
        .map(|route| async move {
            let who = name(&route);
            tokio::spawn(sweep(route)).await.map_err(|error| format!("{who}: {error}"))
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let failed: Vec<String> = swept.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{} routes failed, see above: {failed:#?}", failed.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_with_both_halves_succeeds_where_an_action_suffices() {
    let (_, registered) = stoa_http::routes::all("0.1.0").into_parts();
    for route in registered {
        let Gated::Actions { keys, .. } = gated(&route) else { continue };
        let scene = Scene::new(&route).await;
        scene.grant(&keys, true).await;
        let plain = &scene.plain.person;
        let own = scene.own_words(plain, &route).await;
        let answer = scene.ask(&plain.client, plain, &route, &own).await;
        assert_eq!(
            answer.status.as_u16(),
            route.operation.sample.status,
            "{}: {}",
            name(&route),
            answer.text
        );
    }
}
