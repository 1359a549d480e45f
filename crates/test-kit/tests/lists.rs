//! What a list holds is what may be seen one by one: compared over every row, for many profiles.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stoa_domain::Action;
use test_kit::on_both_databases;
use test_kit::world::{Member, Workspace};

async fn ids(workspace: &Workspace<'_>, member: &Member, path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut after = String::new();
    loop {
        let answer = member.person.client.get(&workspace.path(&format!("{path}limit=2{after}"))).await;
        if answer.status.as_u16() == 403 {
            return found;
        }
        let page = answer.expect(200).json();
        for item in page["items"].as_array().unwrap() {
            assert!(found.insert(item["id"].as_str().unwrap().to_owned()), "twice in one list");
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
}

async fn one_by_one(
    workspace: &Workspace<'_>,
    member: &Member,
    noun: &str,
    all: &[String],
) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
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

on_both_databases! {
    async fn a_list_holds_exactly_what_may_be_seen(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let (mut projects, mut instances) = (Vec::new(), Vec::new());
        for number in 0..3 {
            let project = workspace.project(&format!("Shop {number}"), &["main"]).await;
            for stage in ["production", "staging"] {
                let name = format!("{stage} {number}");
                instances.push(workspace.instance(&project, &server, &name, stage, "main").await.to_string());
            }
            projects.push(project);
        }
        let servers = vec![server];
        let member = workspace.member("Tess Tester").await;
        let every = Action::ALL.map(Action::key);
        for (round, actions) in [&every[..0], &["view_projects"][..], &every[..]].into_iter().enumerate() {
            for step in 0..4 {
                let profile = json!({
                    "actions": actions, "projects": part(&projects, step, round % 2),
                    "instances": part(&instances, step, round), "servers": part(&servers, step, 0),
                });
                workspace.grant(&member, profile.clone()).await;
                for (noun, all) in [("projects", &projects), ("instances", &instances), ("servers", &servers)] {
                    let seen = one_by_one(&workspace, &member, noun, all).await;
                    let listed = ids(&workspace, &member, &format!("/{noun}?")).await;
                    assert_eq!(listed, seen, "{noun} with {profile}");
                    let granted = profile[noun].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned());
                    let granted: BTreeSet<String> = granted.collect();
                    let may_open = noun != "projects" || actions.contains(&"view_projects");
                    assert_eq!(seen, if may_open { granted } else { BTreeSet::new() }, "{noun} with {profile}");
                    let found = ids(&workspace, &member, &format!("/{noun}?q=1&")).await;
                    assert!(found.is_subset(&listed), "a search finds more than the list has");
                }
                // What an instance names of others is what one may see of them too.
                let listed = member.person.client.get(&workspace.path("/instances?limit=200")).await.expect(200).json();
                for instance in listed["items"].as_array().unwrap() {
                    let is_server_seen = profile["servers"].as_array().unwrap().contains(&json!(servers[0]));
                    assert_eq!(instance["server"].is_null(), !is_server_seen, "{profile}");
                }
                let jobs = member.person.client.get(&workspace.path("/jobs?limit=200")).await.expect(200).json();
                for job in jobs["items"].as_array().unwrap() {
                    assert!(profile["instances"].as_array().unwrap().contains(&job["instance"]), "{job}");
                }
            }
        }
    }
}
