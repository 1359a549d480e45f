//! The list of one's workspaces says how much there is in each, of what one may see there and of nothing else.

use serde_json::{Value, json};
use test_kit::{Client, on_both_databases};

/// What the list says of the workspace with this name.
async fn counts(client: &Client, name: &str) -> Value {
    let list = client.get("/api/v1/workspaces").await.expect(200).json();
    let found = list["items"].as_array().unwrap().iter().find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("{name} in {list}"))["counts"].clone()
}

fn of(members: i64, projects: impl Into<Option<i64>>, instances: i64) -> Value {
    json!({ "members": members, "projects": projects.into(), "instances": instances })
}

on_both_databases! {
    async fn an_owner_counts_all_and_a_member_what_is_allowed(world: World) {
        let olga = world.set_up().await;
        let (acme, _) = (world.workspace(&olga, "Acme").await, world.workspace(&olga, "Blank").await);
        let tess = acme.member("Tess Tester").await;
        let server = acme.server().await;
        let (shop, other) = (acme.project("Shop", &["main"]).await, acme.project("Other", &["main"]).await);
        let first = acme.instance(&shop, &server, "First", "staging", "main").await.to_string();
        let second = acme.instance(&shop, &server, "Second", "staging", "main").await.to_string();
        let _ = acme.instance(&other, &server, "Third", "staging", "main").await;
        assert_eq!(counts(&olga.client, "Acme").await, of(2, 2, 3));
        assert_eq!(counts(&olga.client, "Blank").await, of(1, 0, 0));
        assert_eq!(counts(&tess.person.client, "Acme").await, of(2, None, 0));
        for client in [&olga.client, &tess.person.client] {
            let list = client.get("/api/v1/workspaces").await.expect(200).json();
            for listed in list["items"].as_array().unwrap() {
                let path = format!("/api/v1/workspaces/{}", listed["slug"].as_str().unwrap());
                let seen = client.get(&path).await.expect(200).json();
                assert_eq!((&listed["may"], &listed["blocked"]), (&seen["may"], &seen["blocked"]), "{listed}");
                let is_blocked = seen["may"] != json!([]) && listed["name"] == "Acme";
                assert_eq!(listed["blocked"]["delete"].is_object(), is_blocked, "{listed}");
            }
        }
        acme.grant(&tess, json!({ "actions": ["view_projects"], "projects": [shop], "instances": [first, second] })).await;
        assert_eq!(counts(&tess.person.client, "Acme").await, of(2, 1, 2));
        // A list that isn't shown isn't counted.
        acme.grant(&tess, json!({ "projects": [shop], "instances": [first] })).await;
        assert_eq!(counts(&tess.person.client, "Acme").await, of(2, None, 1));
        // The first and the last of a list are so by how it is sorted, not by their bytes.
        for name in ["a b", "Zebra", "äpfel"] {
            let _ = world.workspace(&olga, name).await;
        }
        for name in ["a b", "Acme", "äpfel", "Blank", "Zebra"] {
            assert!(counts(&olga.client, name).await.is_object(), "{name}");
        }
        // What was found by a search is counted like the rest.
        let found = olga.client.get("/api/v1/workspaces?q=acm&limit=1").await.expect(200).json();
        assert_eq!(found["items"][0]["counts"], of(2, 2, 3));
    }

    async fn what_has_ended_counts_no_more(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tess = acme.member("Tess Tester").await;
        let server = acme.server().await;
        let shop = acme.project("Shop", &["main"]).await;
        let one = acme.instance(&shop, &server, "One", "staging", "main").await.to_string();
        let profile = json!({
            "actions": ["view_projects"], "projects": [shop], "instances": [one], "servers": [],
            "until": { "view_projects": "2026-11-24T15:00:00Z", shop.as_str(): "2026-11-24T14:00:00Z", one.as_str(): "2026-11-24T13:00:00Z" },
        });
        let path = acme.path(&format!("/members/{}/permissions", tess.id));
        let _ = olga.client.put(&path, profile).await.expect(200);
        for expected in [of(2, 1, 1), of(2, 1, 0), of(2, 0, 0), of(2, None, 0)] {
            assert_eq!(counts(&tess.person.client, "Acme").await, expected);
            world.clock.pass_seconds(3600);
        }
    }

    async fn a_narrowed_token_counts_projects_only_where_it_may_list_them(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let _ = acme.project("Shop", &["main"]).await;
        for (actions, projects) in [(json!(["view_projects"]), Some(1)), (json!(["view_logs"]), None)] {
            let made = olga.client.post("/api/v1/me/tokens", json!({ "name": "script", "actions": actions })).await.expect(201);
            let script = olga.client.with_token(made.field("token"));
            assert_eq!(script.get(&acme.path("/projects")).await.status.as_u16() == 200, projects.is_some());
            assert_eq!(counts(&script, "Acme").await, of(1, projects, 0));
        }
    }

    async fn where_a_second_factor_is_missing_nothing_is_counted(world: World) {
        let olga = world.set_up().await;
        let _ = world.authenticator(&olga).await;
        let (acme, _) = (world.workspace(&olga, "Acme").await, world.workspace(&olga, "Blank").await);
        let tess = acme.member("Tess Tester").await;
        let _ = olga.client.patch(&acme.path(""), json!({ "requires_second_factor": true })).await.expect(200);
        assert_eq!(counts(&tess.person.client, "Acme").await, json!(null));
        assert_eq!(counts(&olga.client, "Acme").await, of(2, 0, 0));
        let _ = world.authenticator(&tess.person).await;
        assert_eq!(counts(&tess.person.client, "Acme").await, of(2, None, 0));
    }
}
