//! Workspaces, members and their permissions, through the API.

use serde_json::json;
use test_kit::on_both_databases;
use test_kit::world::PASSWORD;

on_both_databases! {
    async fn the_first_account_is_made_once(world: World) {
        let nobody = world.nobody();
        assert_eq!(nobody.get("/api/v1/workspaces").await.expect(503).code().unwrap(), "setup_needed");
        let wrong = json!({ "token": "no", "name": "O", "email": "o@example.com", "password": PASSWORD });
        assert_eq!(nobody.post("/api/v1/setup", wrong).await.expect(422).code().unwrap(), "invalid");
        let olga = world.set_up().await;
        let again = json!({ "token": test_kit::world::SETUP_TOKEN, "name": "O", "email": "o@example.com", "password": PASSWORD });
        assert_eq!(nobody.post("/api/v1/setup", again).await.expect(409).code().unwrap(), "conflict");
        assert_eq!(olga.client.get("/api/v1/me").await.expect(200).field("email"), "olga@example.com");
    }

    async fn a_new_member_sees_nothing_and_may_nothing(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Ünïcode GmbH").await;
        assert_eq!(workspace.slug, "unicode-gmbh");
        let tester = workspace.member("Tess Tester").await;
        let seen = tester.person.client.get(&workspace.path("")).await.expect(200).json();
        assert_eq!(seen["role"], "member");
        assert_eq!(seen["permissions"], json!({ "actions": [], "projects": [], "instances": [], "servers": [] }));
        let refused = tester.person.client.get(&workspace.path("/invitations")).await.expect(403);
        assert_eq!(refused.code().unwrap(), "owner_required");
        assert_eq!(refused.json()["ask"][0]["name"], "Olga Owner");
    }

    async fn a_removed_member_is_a_stranger(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        let _ = olga.client.delete(&workspace.path(&format!("/members/{}", tester.id)), None).await.expect(204);
        assert_eq!(tester.person.client.get(&workspace.path("")).await.expect(404).code().unwrap(), "not_found");
        let mine = tester.person.client.get("/api/v1/workspaces").await.expect(200).json();
        assert_eq!(mine["items"], json!([]));
    }

    async fn the_last_owner_stays(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let members = olga.client.get(&workspace.path("/members")).await.expect(200).json();
        let own = members["items"][0]["id"].as_str().unwrap().to_owned();
        let path = workspace.path(&format!("/members/{own}"));
        assert_eq!(olga.client.delete(&path, None).await.expect(409).code().unwrap(), "last_owner");
        assert_eq!(olga.client.patch(&path, json!({ "role": "member" })).await.expect(409).code().unwrap(), "last_owner");
    }

    async fn two_owners_who_save_at_once_do_not_lose_an_update(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        let path = workspace.path(&format!("/members/{}/permissions", tester.id));
        let seen = olga.client.get(&path).await.expect(200);
        let tag = seen.header("etag").unwrap().to_owned();
        let body = |action: &str| json!({ "actions": [action], "projects": [], "instances": [], "servers": [] });
        let put = |action: &str| {
            let body = body(action);
            let mut request = olga.client.request(http::Method::PUT, &path, Some(&body));
            request.headers_mut().insert("if-match", tag.parse().unwrap());
            request
        };
        let _ = olga.client.send_request(put("view_logs")).await.expect(200);
        let late = olga.client.send_request(put("restart_instances")).await.expect(412);
        assert_eq!(late.code().unwrap(), "precondition_failed");
        assert_eq!(olga.client.get(&path).await.expect(200).json()["actions"], json!(["view_logs"]));
    }

    async fn a_slug_that_was_given_up_leads_to_the_workspace(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let _ = olga.client.patch(&workspace.path(""), json!({ "slug": "acme-two" })).await.expect(200);
        let moved = olga.client.get("/api/v1/workspaces/acme").await;
        assert!(matches!(moved.status.as_u16(), 200 | 308), "{} {}", moved.status, moved.text);
        let refused = olga.client.post("/api/v1/workspaces", json!({ "name": "Acme" })).await.expect(409);
        assert_eq!(refused.code().unwrap(), "slug_taken", "an old slug stays reserved");
    }

    async fn nothing_of_one_workspace_is_seen_from_another(world: World) {
        let olga = world.set_up().await;
        let one = world.workspace(&olga, "One").await;
        let tester = one.member("Tess Tester").await;
        let two = world.workspace(&tester.person, "Two").await;
        assert_eq!(olga.client.get(&two.path("")).await.expect(404).code().unwrap(), "not_found");
        let foreign = two.path(&format!("/members/{}", tester.id));
        assert_eq!(tester.person.client.get(&foreign).await.expect(404).code().unwrap(), "not_found");
    }
}
