//! The same member gets the same things from lists, searches, counts, autocompletion, events, jobs and deployments:
//! exactly what the decision allows one by one. Compared over every row, for many profiles.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use stoa_domain::Action;
use test_kit::on_both_databases;
use test_kit::world::{Member, Workspace, World};

type Ids = BTreeSet<String>;

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Everything that there is, as an owner sees it: the id and the name of each.
struct Everything {
    of: BTreeMap<&'static str, BTreeMap<String, String>>,
    /// Of each instance its project.
    project_of: BTreeMap<String, String>,
    /// Of each job its instance.
    job_of: BTreeMap<String, String>,
}

impl Everything {
    fn ids(&self, noun: &str) -> Vec<String> {
        self.of[noun].keys().cloned().collect()
    }
}

/// A list, read page by page. `None` where it isn't for the member.
async fn listed(workspace: &Workspace<'_>, member: &Member, path: &str) -> Option<Vec<Value>> {
    let (mut found, mut after) = (Vec::new(), String::new());
    let sign = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = member.person.client.get(&workspace.path(&format!("{path}{sign}limit=2{after}"))).await;
        if page.status.as_u16() == 403 {
            return None;
        }
        let page = page.expect(200).json();
        found.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Some(found),
        }
    }
}

fn ids(items: &[Value]) -> Ids {
    let ids: Ids = items.iter().map(|item| text(&item["id"])).collect();
    assert_eq!(ids.len(), items.len(), "something stands twice in one list");
    ids
}

async fn one_by_one(workspace: &Workspace<'_>, member: &Member, noun: &str, all: &[String]) -> Ids {
    let mut seen = Ids::new();
    for id in all {
        let answer = member.person.client.get(&workspace.path(&format!("/{noun}/{id}"))).await;
        match answer.status.as_u16() {
            200 => _ = seen.insert(id.clone()),
            403 | 404 => {}
            other => panic!("{other}: {}", answer.text),
        }
    }
    seen
}

/// Every second, every third, …: profiles that differ in all three lists.
fn part(all: &[String], step: usize, from: usize) -> Value {
    if step == 0 { json!([]) } else { json!(all.iter().skip(from).step_by(step).collect::<Vec<_>>()) }
}

async fn everything(workspace: &Workspace<'_>) -> Everything {
    let server = workspace.server().await;
    let (mut projects, mut instances) = (BTreeMap::new(), BTreeMap::new());
    let (mut project_of, mut job_of) = (BTreeMap::new(), BTreeMap::new());
    for number in 0..3 {
        let name = format!("Shop {number}");
        let project = workspace.project(&name, &["main"]).await;
        for stage in ["production", "staging"] {
            let name = format!("{stage} {number}");
            let instance = workspace.instance(&project, &server, &name, stage, "main").await.to_string();
            project_of.insert(instance.clone(), project.clone());
            instances.insert(instance, name);
        }
        projects.insert(project, name);
    }
    let jobs = workspace.owner.client.get(&workspace.path("/jobs?limit=200")).await.expect(200).json();
    for job in jobs["items"].as_array().unwrap() {
        job_of.insert(text(&job["id"]), text(&job["instance"]));
    }
    let servers = BTreeMap::from([(server, "local".to_owned())]);
    let of = BTreeMap::from([("projects", projects), ("instances", instances), ("servers", servers)]);
    Everything { of, project_of, job_of }
}

/// A stream of events, opened before something happens.
struct Stream {
    body: Body,
    read: String,
}

impl Stream {
    async fn open(workspace: &Workspace<'_>, member: &Member) -> Self {
        let client = &member.person.client;
        let response = client.open(client.request(Method::GET, &workspace.path("/events"), None)).await;
        assert_eq!(response.status().as_u16(), 200);
        Self { body: response.into_body(), read: String::new() }
    }

    /// Everything that is told until the workspace itself is.
    async fn until_the_workspace_is_told(&mut self) -> Vec<Value> {
        loop {
            let told = self
                .read
                .split("\n\n")
                .filter_map(|frame| frame.lines().find_map(|line| line.strip_prefix("data: ")));
            let told: Vec<Value> = told.filter_map(|data| serde_json::from_str(data).ok()).collect();
            if told.iter().any(|event| event["resource"]["kind"] == "workspace") {
                return told;
            }
            let frame = self.body.frame().await.expect("the stream goes on").unwrap();
            self.read.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap()));
        }
    }
}

/// Something happens to each thing there is, and last to the workspace: what the member is told of.
async fn told_of(
    world: &World,
    workspace: &Workspace<'_>,
    member: &Member,
    all: &Everything,
) -> BTreeMap<String, Ids> {
    let mut stream = Stream::open(workspace, member).await;
    let owner = &workspace.owner.client;
    let mut job_of = all.job_of.clone();
    for (noun, things) in &all.of {
        for (id, name) in things {
            let path = workspace.path(&format!("/{noun}/{id}"));
            let _ = owner.patch(&path, json!({ "name": name })).await.expect(200);
            if *noun == "instances" {
                let begun = owner
                    .post(&format!("{path}/restart"), json!({ "mode": "soft" }))
                    .await
                    .expect(202)
                    .json();
                job_of.insert(text(&begun["job"]["id"]), id.clone());
            }
        }
    }
    world.drain().await;
    let _ = owner.patch(&workspace.path(""), json!({ "name": "Acme" })).await.expect(200);
    let mut told: BTreeMap<String, Ids> = BTreeMap::new();
    for event in stream.until_the_workspace_is_told().await {
        let (kind, id) = (text(&event["resource"]["kind"]), text(&event["resource"]["id"]));
        let (kind, id) =
            if kind == "job" { ("jobs".to_owned(), job_of[&id].clone()) } else { (format!("{kind}s"), id) };
        told.entry(kind).or_default().insert(id);
    }
    told
}

/// What lists and searches hold, compared with what is seen one by one.
async fn compare_lists(workspace: &Workspace<'_>, member: &Member, all: &Everything, noun: &str, seen: &Ids) {
    let found = listed(workspace, member, &format!("/{noun}")).await.unwrap_or_default();
    assert_eq!(ids(&found), *seen, "{noun}");
    for search in ["1", "STAGING", "shop", "o", "nothing has this"] {
        let found = listed(workspace, member, &format!("/{noun}?q={}", search.replace(' ', "%20"))).await;
        let has = |id: &&String| all.of[noun][*id].to_lowercase().contains(&search.to_lowercase());
        let expected: Ids = seen.iter().filter(has).cloned().collect();
        assert_eq!(ids(&found.unwrap_or_default()), expected, "{noun} with {search} in their names");
    }
}

/// Counts, and what things name of others.
async fn compare_counts(
    workspace: &Workspace<'_>,
    member: &Member,
    all: &Everything,
    seen: &BTreeMap<&str, Ids>,
    lists_projects: bool,
) {
    let mine = member.person.client.get("/api/v1/workspaces").await.expect(200).json();
    let projects = lists_projects.then(|| seen["projects"].len());
    let expected = json!({ "members": 2, "projects": projects, "instances": seen["instances"].len() });
    assert_eq!(mine["items"][0]["counts"], expected, "{mine}");
    for project in listed(workspace, member, "/projects").await.unwrap_or_default() {
        let id = text(&project["id"]);
        let own: Ids = seen["instances"].iter().filter(|one| all.project_of[*one] == id).cloned().collect();
        assert_eq!(project["instances"], json!(own.len()), "{project}");
        let branches = member
            .person
            .client
            .get(&workspace.path(&format!("/projects/{id}/branches")))
            .await
            .expect(200)
            .json();
        let on: Ids = branches["items"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|one| ids(one["instances"].as_array().unwrap()))
            .collect();
        assert_eq!(on, own, "{branches}");
    }
    for server in listed(workspace, member, "/servers").await.unwrap() {
        assert_eq!(server["instances"], json!(seen["instances"].len()), "{server}");
    }
    for instance in listed(workspace, member, "/instances").await.unwrap() {
        let names_its_server = !instance["server"].is_null();
        assert_eq!(names_its_server, !seen["servers"].is_empty(), "{instance}");
    }
    for (filter, id) in seen["instances"]
        .iter()
        .map(|one| ("project", &all.project_of[one]))
        .chain(all.of["servers"].keys().map(|one| ("server", one)))
    {
        let found = ids(&listed(workspace, member, &format!("/instances?{filter}={id}")).await.unwrap());
        let expected: Ids = seen["instances"]
            .iter()
            .filter(|one| filter == "server" || all.project_of[*one] == *id)
            .cloned()
            .collect();
        assert_eq!(found, expected, "by {filter}");
    }
}

/// Jobs and deployments, which are seen with their instances.
async fn compare_work(
    workspace: &Workspace<'_>,
    member: &Member,
    all: &Everything,
    seen: &Ids,
    reads_logs: bool,
) {
    let found = ids(&listed(workspace, member, "/jobs").await.unwrap());
    let jobs: Vec<String> = all.job_of.keys().cloned().collect();
    let visible = one_by_one(workspace, member, "jobs", &jobs).await;
    let expected: Ids = all
        .job_of
        .iter()
        .filter(|(_, instance)| seen.contains(*instance))
        .map(|(job, _)| job.clone())
        .collect();
    assert_eq!(visible, expected);
    assert!(found.is_superset(&expected), "jobs that are seen one by one aren't listed");
    for job in listed(workspace, member, "/jobs").await.unwrap() {
        assert!(seen.contains(job["instance"].as_str().unwrap()), "{job}");
    }
    for instance in all.of["instances"].keys() {
        let path = format!("/instances/{instance}/deployments");
        let answer = member.person.client.get(&workspace.path(&path)).await;
        let expected = match (seen.contains(instance), reads_logs) {
            (false, _) => 404,
            (true, false) => 403,
            (true, true) => 200,
        };
        assert_eq!(answer.status.as_u16(), expected, "{}", answer.text);
        let jobs = member
            .person
            .client
            .get(&workspace.path(&format!("/jobs?instance={instance}")))
            .await
            .expect(200)
            .json();
        assert_eq!(jobs["items"].as_array().unwrap().is_empty(), !seen.contains(instance), "{jobs}");
    }
}

on_both_databases! {
    async fn every_way_to_see_things_shows_exactly_what_may_be_seen(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let all = everything(&workspace).await;
        let member = workspace.member("Tess Tester").await;
        let every = Action::ALL.map(Action::key);
        for (round, actions) in [&every[..0], &["view_projects"][..], &every[..]].into_iter().enumerate() {
            for step in 0..4 {
                let profile = json!({
                    "actions": actions, "projects": part(&all.ids("projects"), step, round % 2),
                    "instances": part(&all.ids("instances"), step, round), "servers": part(&all.ids("servers"), step, 0),
                });
                workspace.grant(&member, profile.clone()).await;
                let mut seen = BTreeMap::new();
                for noun in ["projects", "instances", "servers"] {
                    let one_by_one = one_by_one(&workspace, &member, noun, &all.ids(noun)).await;
                    let granted: Ids = profile[noun].as_array().unwrap().iter().map(text).collect();
                    let may_open = noun != "projects" || actions.contains(&"view_projects");
                    assert_eq!(one_by_one, if may_open { granted } else { Ids::new() }, "{noun} with {profile}");
                    compare_lists(&workspace, &member, &all, noun, &one_by_one).await;
                    seen.insert(noun, one_by_one);
                }
                compare_counts(&workspace, &member, &all, &seen, actions.contains(&"view_projects")).await;
                compare_work(&workspace, &member, &all, &seen["instances"], actions.contains(&"view_logs")).await;
                let told = told_of(&world, &workspace, &member, &all).await;
                let of = |kind: &str| told.get(kind).cloned().unwrap_or_default();
                for noun in ["projects", "instances", "servers"] {
                    assert_eq!(of(noun), seen[noun], "events of {noun} with {profile}");
                }
                assert_eq!(of("jobs"), seen["instances"], "events of jobs with {profile}");
            }
        }
        // All of it is an owner's; the log of all that happened too, and nobody else's.
        assert_eq!(ids(&listed(&workspace, &Member { person: olga, id: String::new() }, "/instances").await.unwrap()).len(), 6);
        let refused = member.person.client.get(&workspace.path("/audit")).await.expect(403);
        assert_eq!(refused.code().unwrap(), "owner_required");
        let mine = listed(&workspace, &member, "/audit/mine").await.unwrap();
        assert!(mine.iter().all(|event| event["actor"] == json!(member.person.account)));
    }
}
