//! What is hidden is like what never was, in every trace that its asker can read; and a narrowed token is less than its
//! account everywhere.

use serde_json::{Value, json};
use test_kit::on_both_databases;

/// An event without what differs between any two.
fn without_its_moment(mut event: Value) -> Value {
    for field in ["id", "at"] {
        event.as_object_mut().unwrap().remove(field).unwrap();
    }
    event
}

on_both_databases! {
    async fn asking_for_something_hidden_leaves_the_trace_of_asking_for_nothing(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let (server, project) = (acme.server().await, acme.project("Shop", &["main"]).await);
        let shop = acme.instance(&project, &server, "Shop", "staging", "main").await;
        let tess = acme.member("Tess Tester").await;
        let mine = acme.path("/audit/mine?limit=1");
        for (hidden, absent) in [
            (format!("/instances/{shop}"), format!("/instances/{}", uuid::Uuid::max())),
            ("/instances/shop".to_owned(), "/instances/nothing".to_owned()),
            (format!("/servers/{server}"), "/servers/nothing".to_owned()),
        ] {
            let mut traces = Vec::new();
            for path in [hidden, absent] {
                let _ = tess.person.client.get(&acme.path(&path)).await.expect(404);
                let event = tess.person.client.get(&mine).await.expect(200).json()["items"][0].clone();
                assert_eq!(event["outcome"], "refused", "{event}");
                traces.push(without_its_moment(event));
            }
            assert_eq!(traces[0], traces[1]);
        }
        // The owner reads what it was.
        let all = olga.client.get(&acme.path(&format!("/audit?resource={shop}"))).await.expect(200).json();
        assert!(all["items"].as_array().unwrap().iter().any(|event| event["outcome"] == "refused"), "{all}");
        let _ = tess.person.client.get(&acme.path(&format!("/audit/mine?resource={shop}"))).await.expect(422);
    }

    async fn ones_own_events_are_paged_without_a_number(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tess = acme.member("Tess Tester").await;
        for _ in 0..5 {
            let _ = tess.person.client.get(&acme.path("/servers/nothing")).await.expect(404);
        }
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = tess.person.client.get(&acme.path(&format!("/audit/mine?limit=2{after}"))).await;
            let page = page.expect(200).json();
            for event in page["items"].as_array().unwrap() {
                assert_eq!(event.get("seq"), None);
                seen.push(event["id"].as_str().unwrap().to_owned());
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        let length = seen.len();
        seen.dedup();
        assert!(length >= 5 && seen.len() == length, "{seen:?}");
    }

    async fn a_session_that_was_ended_counts_no_more_however_lately_it_was_used(world: World) {
        let olga = world.set_up().await;
        let who = json!({ "email": olga.email, "password": test_kit::world::PASSWORD });
        let signed_in = olga.client.post("/api/v1/session", who).await.expect(200);
        let other = olga.client.with_cookie(signed_in.cookie().unwrap());
        let _ = other.get("/api/v1/me").await.expect(200);
        let sessions = olga.client.get("/api/v1/me/sessions").await.expect(200).json();
        let id = sessions["items"].as_array().unwrap().iter().find(|one| one["is_current"] == false).unwrap()["id"].clone();
        let _ = other.get("/api/v1/me").await.expect(200);
        let _ = olga.client.delete(&format!("/api/v1/me/sessions/{}", id.as_str().unwrap()), None).await.expect(204);
        let _ = other.get("/api/v1/me").await.expect(401);
        let _ = olga.client.get("/api/v1/me").await.expect(200);
    }

    async fn a_narrowed_token_makes_no_workspace_and_sees_no_other(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let other = world.workspace(&olga, "Other").await;
        let _ = olga.client.post("/api/v1/session/confirm", json!({ "password": test_kit::world::PASSWORD })).await;
        let mut tokens = Vec::new();
        for limits in [json!({ "actions": ["view_projects"] }), json!({ "workspaces": [acme.id] }), json!({})] {
            let mut wish = limits.clone();
            wish["name"] = json!("script");
            let token = olga.client.post("/api/v1/me/tokens", wish).await.expect(201).field("token");
            tokens.push(olga.client.with_token(token));
        }
        let [by_actions, by_workspaces, whole] = &tokens[..] else { panic!() };
        for (client, status) in [(by_actions, 403), (by_workspaces, 403), (whole, 201)] {
            let _ = client.post("/api/v1/workspaces", json!({ "name": "Made by a token" })).await.expect(status);
        }
        for (client, path, at) in [
            (by_workspaces, "/api/v1/workspaces", "items"),
            (by_workspaces, "/api/v1/me", "workspaces"),
        ] {
            let seen = client.get(path).await.expect(200).json();
            let slugs: Vec<_> = seen[at].as_array().unwrap().iter().map(|one| one["slug"].clone()).collect();
            assert_eq!(slugs, [json!("acme")], "{path}");
        }
        let seen = by_actions.get(&other.path("")).await.expect(200).json();
        assert_eq!((&seen["role"], &seen["permissions"]["actions"]), (&json!("member"), &json!(["view_projects"])));
        for (path, at) in [("/api/v1/workspaces", "items"), ("/api/v1/me", "workspaces")] {
            let seen = by_actions.get(path).await.expect(200).json();
            assert!(seen[at].as_array().unwrap().iter().all(|one| one["role"] == "member"), "{seen}");
        }
    }
}
