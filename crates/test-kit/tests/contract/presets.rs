//! Presets: four that every workspace has, and its own; and what members are told by.

use http::Method;
use serde_json::{Value, json};
use test_kit::on_both_databases;

fn names(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

on_both_databases! {
    async fn a_workspace_makes_renames_and_deletes_its_own(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/presets");
        let built_in = ["Developer", "Tester", "Support", "Client"];
        let first = olga.client.get(&path).await.expect(200).json();
        assert_eq!(names(&first), built_in);
        for preset in first["items"].as_array().unwrap() {
            assert!(preset["built_in"] == json!(true) && preset["sentence"].as_str().unwrap().ends_with('.'), "{preset}");
            let one = format!("{path}/{}", preset["id"].as_str().unwrap());
            let _ = olga.client.delete(&one, None).await.expect(404);
        }
        let made = olga.client.post(&path, json!({ "name": "Night watch", "actions": ["view_logs", "restart_instances"] })).await.expect(201);
        let one = format!("{path}/{}", made.field("id"));
        assert_eq!(olga.client.get(&one).await.expect(200).header("etag"), made.header("etag"));
        let renamed = olga.client.patch(&one, json!({ "name": "Day watch" })).await.expect(200).json();
        assert_eq!((&renamed["name"], &renamed["actions"]), (&json!("Day watch"), &json!(["restart_instances", "view_logs"])));
        let changed = olga.client.patch(&one, json!({ "actions": ["view_logs"] })).await.expect(200).json();
        assert_eq!((&changed["name"], &changed["actions"]), (&json!("Day watch"), &json!(["view_logs"])));
        let list = names(&olga.client.get(&path).await.expect(200).json());
        assert_eq!(list.last().unwrap(), "Day watch");
        let _ = olga.client.delete(&one, None).await.expect(204);
        assert_eq!(names(&olga.client.get(&path).await.expect(200).json()), built_in);
        let _ = olga.client.delete(&one, None).await.expect(404);
        for action in ["preset.create", "preset.change", "preset.delete"] {
            let found = olga.client.get(&workspace.path(&format!("/audit?action={action}"))).await.expect(200).json();
            let done = found["items"].as_array().unwrap().iter().find(|event| event["outcome"] == "done");
            assert_eq!(done.unwrap()["resource_kind"], "preset", "{action}: {found}");
        }
    }

    async fn a_name_is_one_presets_and_no_built_in_ones(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/presets");
        let new = |name: &str| json!({ "name": name, "actions": ["view_logs"] });
        let first = olga.client.post(&path, new("Night watch")).await.expect(201);
        let second = olga.client.post(&path, new("Day watch")).await.expect(201);
        for name in ["Night watch", "night WATCH", "Tester", "developer"] {
            assert_eq!(olga.client.post(&path, new(name)).await.expect(409).code().unwrap(), "conflict", "{name}");
            if !name.eq_ignore_ascii_case("night watch") || name == "Night watch" {
                let one = format!("{path}/{}", second.field("id"));
                let _ = olga.client.patch(&one, json!({ "name": name })).await.expect(409);
            }
        }
        // Its own name in other letters is no other one's.
        let _ = olga.client.patch(&format!("{path}/{}", first.field("id")), json!({ "name": "NIGHT WATCH" })).await.expect(200);
        for wrong in [
            json!({ "name": "", "actions": ["view_logs"] }), json!({ "name": "X", "actions": [] }), json!({ "name": "X", "actions": ["fly"] }),
            json!({ "name": "X" }), json!({ "name": "X", "actions": ["view_logs"], "projects": [] }), json!({ "name": "x".repeat(200), "actions": ["view_logs"] }),
        ] {
            assert_eq!(olga.client.post(&path, wrong.clone()).await.expect(422).code().unwrap(), "invalid", "{wrong}");
        }
        let other = world.workspace(&olga, "Other").await;
        let _ = olga.client.post(&other.path("/presets"), new("Night watch")).await.expect(201);
    }

    async fn a_preset_is_changed_from_what_was_seen_of_it(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/presets");
        let made = olga.client.post(&path, json!({ "name": "Night watch", "actions": ["view_logs"] })).await.expect(201);
        let one = format!("{path}/{}", made.field("id"));
        let tag = made.header("etag").unwrap().to_owned();
        let guarded = |method: Method, tag: &str, body: Option<Value>| {
            let mut request = olga.client.request(method, &one, body.as_ref());
            request.headers_mut().insert("if-match", tag.parse().unwrap());
            request
        };
        let _ = olga.client.send_request(guarded(Method::PATCH, &tag, Some(json!({ "name": "A" })))).await.expect(200);
        let _ = olga.client.send_request(guarded(Method::PATCH, &tag, Some(json!({ "name": "B" })))).await.expect(412);
        let _ = olga.client.send_request(guarded(Method::DELETE, &tag, None)).await.expect(412);
        let now = olga.client.get(&one).await.expect(200).header("etag").unwrap().to_owned();
        let _ = olga.client.send_request(guarded(Method::DELETE, &now, None)).await.expect(204);
    }

    async fn members_are_told_by_the_preset_that_they_come_nearest_to(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await;
        let told = async || {
            let list = olga.client.get(&workspace.path("/members?brief=true&role=member")).await.expect(200).json();
            assert!(list["items"][0].get("permissions").is_none());
            list["items"][0]["summary"]["preset"].clone()
        };
        assert_eq!(told().await, json!(null));
        let tester = ["view_projects", "restart_instances", "connect_as_user", "view_logs"];
        workspace.grant(&tess, json!({ "actions": tester })).await;
        assert_eq!(told().await, json!({ "name": "Tester", "changed": false }));
        let more = [&tester[..], &["stop_instances"]].concat();
        workspace.grant(&tess, json!({ "actions": more })).await;
        assert_eq!(told().await, json!({ "name": "Tester", "changed": true }));
        let own = json!({ "name": "Senior tester", "actions": more });
        let made = olga.client.post(&workspace.path("/presets"), own).await.expect(201);
        assert_eq!(told().await, json!({ "name": "Senior tester", "changed": false }));
        // A preset that goes leaves the profile as it is, told by another name.
        let _ = olga.client.delete(&workspace.path(&format!("/presets/{}", made.field("id"))), None).await.expect(204);
        assert_eq!(told().await, json!({ "name": "Tester", "changed": true }));
    }
}
