//! Lists that people read by name: as they read, the same on both databases, page by page.

use serde_json::{Value, json};
use test_kit::{Client, on_both_databases};

/// As they are made, and as they are read.
const MADE: [&str; 5] = ["zebra 9", "apple", "Banana", "\u{c4}pfel", "Zebra 10"];
const READ: [&str; 5] = ["\u{c4}pfel", "apple", "Banana", "zebra 9", "Zebra 10"];

fn names(items: &Value, name: fn(&Value) -> &Value) -> Vec<String> {
    items.as_array().unwrap().iter().map(|item| name(item).as_str().unwrap().to_owned()).collect()
}

/// What a list holds under `name`, by its cursors: so many at once.
async fn listed(client: &Client, path: &str, limit: usize, name: fn(&Value) -> &Value) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), String::new());
    let sign = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = client.get(&format!("{path}{sign}limit={limit}{after}")).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        found.extend(names(&page["items"], name));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
}

fn own(item: &Value) -> &Value {
    &item["name"]
}

fn of_account(item: &Value) -> &Value {
    &item["account"]["name"]
}

/// The same whatever the page holds.
async fn assert_read(client: &Client, path: &str, name: fn(&Value) -> &Value, read: &[&str]) {
    for limit in [1, 2, 200] {
        assert_eq!(listed(client, path, limit, name).await, read, "{path}, {limit} at once");
    }
}

on_both_databases! {
    async fn projects_and_instances_are_sorted_as_people_read(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let (mut projects, mut instances) = (Vec::new(), Vec::new());
        for name in MADE {
            let project = workspace.project(name, &["main"]).await;
            instances.push(workspace.instance(&project, &server, name, "staging", "main").await.to_string());
            projects.push(project);
        }
        let tess = workspace.member("Tess Tester").await;
        workspace.grant(&tess, json!({ "actions": ["view_projects"], "projects": projects, "instances": instances })).await;
        for (noun, ids) in [("projects", &projects), ("instances", &instances)] {
            let list = workspace.path(&format!("/{noun}"));
            for client in [&olga.client, &tess.person.client] {
                assert_read(client, &list, own, &READ).await;
                assert_read(client, &format!("{list}?q=Z"), own, &[READ[3], READ[4]]).await;
            }
            // Another name is another place.
            let last = ids.last().unwrap();
            let _ = olga.client.patch(&format!("{list}/{last}"), json!({ "name": "AARDVARK" })).await.expect(200);
            let read = ["AARDVARK", READ[0], READ[1], READ[2], READ[3]];
            assert_read(&tess.person.client, &list, own, &read).await;
        }
        let all = olga.client.get(&workspace.path("/permissions/grantable")).await.expect(200).json();
        for noun in ["projects", "instances"] {
            assert_eq!(names(&all[noun], own), ["AARDVARK", READ[0], READ[1], READ[2], READ[3]], "{all}");
        }
    }

    async fn people_workspaces_and_presets_are_sorted_as_people_read(world: World) {
        let olga = world.set_up().await;
        let _ = olga.client.patch("/api/v1/me", json!({ "name": "olga" })).await.expect(200);
        let workspace = world.workspace(&olga, "Middle").await;
        for name in MADE {
            let member = workspace.member(name).await;
            workspace.make_owner(&member).await;
            let _ = world.workspace(&olga, name).await;
            let preset = json!({ "name": name, "actions": ["view_logs"] });
            let _ = olga.client.post(&workspace.path("/presets"), preset).await.expect(201);
        }
        let with = |more: &'static str| [READ[0], READ[1], READ[2], more, READ[3], READ[4]];
        assert_read(&olga.client, &workspace.path("/members"), of_account, &with("olga")).await;
        assert_read(&olga.client, &workspace.path("/members?q=z"), of_account, &[READ[3], READ[4]]).await;
        assert_read(&olga.client, "/api/v1/workspaces", own, &with("Middle")).await;
        assert_read(&olga.client, "/api/v1/administration/accounts", own, &with("olga")).await;
        assert_read(&olga.client, "/api/v1/administration/workspaces", own, &with("Middle")).await;
        let able = workspace.path("/permissions/who?action=manage_settings");
        assert_read(&olga.client, &able, own, &with("olga")).await;
        let administered = olga.client.get("/api/v1/administration/workspaces").await.expect(200).json();
        let middle = &administered["items"][3];
        assert_eq!((own(middle), names(&middle["owners"], own)), (&json!("Middle"), with("olga").map(str::to_owned).to_vec()));
        let presets = olga.client.get(&workspace.path("/presets")).await.expect(200).json();
        let presets = names(&presets["items"], own);
        assert!(presets.ends_with(&READ.map(str::to_owned)), "{presets:?}");
        let me = olga.client.get("/api/v1/me").await.expect(200).json();
        assert_eq!(names(&me["workspaces"], own), with("Middle"));
        let _ = olga.client.patch(&workspace.path(""), json!({ "name": "\u{c5}rhus" })).await.expect(200);
        let first = olga.client.get("/api/v1/workspaces?limit=3").await.expect(200).json();
        assert_eq!(first["items"][2]["name"], "\u{c5}rhus", "{first}");
    }
}
