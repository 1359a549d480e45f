//! Personal access tokens: never more than their account, and less where they are narrowed.

use serde_json::{Value, json};
use test_kit::world::{PASSWORD, Person, SETUP_TOKEN, Workspace};
use test_kit::{Answer, Client, on_both_databases};

async fn token(person: &Person, wish: Value) -> Client {
    let mut body = json!({ "name": "script" });
    body.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
    let made = person.client.post("/api/v1/me/tokens", body).await.expect(201);
    person.client.with_token(made.field("token"))
}

fn slugs(answer: &Value) -> Vec<&str> {
    answer.as_array().unwrap().iter().map(|one| one["slug"].as_str().unwrap()).collect()
}

async fn shop(workspace: &Workspace<'_>) -> String {
    let server = workspace.server().await;
    let project = workspace.project("Shop", &["main"]).await;
    workspace.instance(&project, &server, "Shop", "staging", "main").await.to_string()
}

on_both_databases! {
    async fn a_token_cannot_touch_its_account(world: World) {
        let olga = world.set_up().await;
        let script = token(&olga, json!({})).await;
        let own = json!({ "password": PASSWORD });
        let new = json!({ "old_password": PASSWORD, "new_password": "another good password" });
        let _ = script.get("/api/v1/me").await.expect(200);
        for refused in [
            script.patch("/api/v1/me", json!({ "name": "Other" })).await,
            script.post("/api/v1/me/password", new).await,
            script.get("/api/v1/me/sessions").await,
            script.get("/api/v1/me/tokens").await,
            script.post("/api/v1/me/tokens", json!({ "name": "more" })).await,
            script.post("/api/v1/session/confirm", own).await,
            script.delete("/api/v1/session", None).await,
            script.post("/api/v1/setup", json!({ "token": SETUP_TOKEN, "name": "O", "email": "o@example.com", "password": PASSWORD })).await,
        ] {
            assert_eq!((refused.status.as_u16(), refused.code().as_deref()), (403, Some("permission_denied")), "{}", refused.text);
        }
    }

    async fn a_token_accepts_no_invitation(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        let other = world.workspace(&olga, "Other").await;
        let _ = olga.client.post(&other.path("/invitations"), json!({ "email": tester.person.email })).await.expect(201);
        let link = other.link_of(&tester.person.email).await;
        let script = token(&tester.person, json!({})).await;
        let path = format!("/api/v1/invitations/{link}/accept");
        for body in [json!({}), json!({ "name": "Tess", "password": PASSWORD })] {
            let refused = script.post(&path, body).await.expect(403);
            assert_eq!(refused.code().unwrap(), "permission_denied");
        }
        let _ = tester.person.client.post(&path, json!({})).await.expect(200);
    }

    async fn a_token_for_one_workspace_knows_no_other(world: World) {
        let olga = world.set_up().await;
        let (one, other) = (world.workspace(&olga, "One").await, world.workspace(&olga, "Other").await);
        let script = token(&olga, json!({ "workspaces": [one.id] })).await;
        let _ = script.get(&one.path("")).await.expect(200);
        assert_eq!(script.get(&other.path("")).await.expect(404).code().unwrap(), "not_found");
        assert_eq!(slugs(&script.get("/api/v1/workspaces").await.expect(200).json()["items"]), ["one"]);
        assert_eq!(slugs(&script.get("/api/v1/me").await.expect(200).json()["workspaces"]), ["one"]);
        let refused = script.post("/api/v1/workspaces", json!({ "name": "Third" })).await.expect(403);
        assert_eq!(refused.code().unwrap(), "permission_denied");
        // An empty list means none.
        let nowhere = token(&olga, json!({ "workspaces": [] })).await;
        assert_eq!(slugs(&nowhere.get("/api/v1/workspaces").await.expect(200).json()["items"]), Vec::<&str>::new());
        let _ = nowhere.get(&one.path("")).await.expect(404);
    }

    async fn a_token_for_some_actions_is_nobodys_owner(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let instance = shop(&workspace).await;
        let script = token(&olga, json!({ "actions": ["view_logs"] })).await;
        let seen = script.get(&workspace.path("")).await.expect(200).json();
        assert_eq!((&seen["permissions"]["actions"], &seen["may"]), (&json!(["view_logs"]), &json!([])));
        let path = workspace.path(&format!("/instances/{instance}"));
        assert_eq!(script.get(&path).await.expect(200).json()["may"], json!(["read_logs"]));
        let _ = script.get(&format!("{path}/logs")).await.expect(200);
        let refused = script.post(&format!("{path}/restart"), json!({ "mode": "soft" })).await.expect(403);
        assert_eq!((refused.code().as_deref(), &refused.json()["missing"]), (Some("permission_denied"), &json!(["restart_instances"])));
        assert_eq!(refused.field("detail"), "This token isn't given the permission Restart.");
        let log = olga.client.get(&workspace.path("/audit?action=instance.restart")).await.expect(200).json();
        let said = log["items"][0]["sentence"].as_str().unwrap();
        assert!(said.starts_with("wasn't allowed to restart") && said.ends_with("with the access token that asked"), "{said}");
        // Whoever is the owner isn't told to ask the owner.
        let told = |answer: Answer| (answer.code().unwrap(), answer.field("detail"));
        let (code, sentence) = told(script.get(&workspace.path("/audit")).await.expect(403));
        assert!(code == "owner_required" && sentence.contains("this token is narrowed"), "{sentence}");
        let (code, sentence) = told(script.post("/api/v1/workspaces", json!({ "name": "Mine" })).await.expect(403));
        assert!(code == "permission_denied" && sentence.contains("This token is narrowed"), "{sentence}");
        let (code, sentence) = told(script.get("/api/v1/administration/accounts").await.expect(403));
        assert!(code == "administrator_required" && sentence.contains("This token is narrowed"), "{sentence}");
        let (code, sentence) = told(script.get(&workspace.path("/members?action=view_logs")).await.expect(403));
        assert!(code == "owner_required" && sentence.contains("this token is narrowed"), "{sentence}");
        let here = workspace.path("/servers");
        let (code, sentence) = told(script.post(&here, json!({ "name": "again", "local": true })).await.expect(403));
        assert!(code == "owner_required" && sentence.contains("this token is narrowed"), "{sentence}");
        let nothing = token(&olga, json!({ "actions": [] })).await;
        let _ = nothing.get(&format!("{path}/logs")).await.expect(403);
        // Nor does it take its account out of where that belongs.
        let tess = workspace.member("Tess Tester").await;
        let own = workspace.path(&format!("/members/{}", tess.id));
        let narrowed = token(&tess.person, json!({ "actions": ["view_logs"] })).await;
        assert_eq!(narrowed.delete(&own, None).await.expect(403).code().unwrap(), "permission_denied");
        // A member is told whom to ask, by whatever token.
        let (code, sentence) = told(narrowed.get(&workspace.path("/audit")).await.expect(403));
        assert!(code == "owner_required" && sentence.contains("Ask Olga Owner"), "{sentence}");
        let _ = token(&tess.person, json!({})).await.delete(&own, None).await.expect(204);
    }

    async fn a_token_ends_at_its_end_and_with_its_account(world: World) {
        let olga = world.set_up().await;
        let past = json!({ "name": "late", "expires_at": "2020-01-01T00:00:00Z" });
        let refused = olga.client.post("/api/v1/me/tokens", past).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["field"], "expires_at");
        let script = token(&olga, json!({ "expires_at": "2026-11-24T13:00:00Z" })).await;
        let _ = script.get("/api/v1/me").await.expect(200);
        world.clock.pass_seconds(3601);
        let _ = script.get("/api/v1/me").await.expect(401);
        let _ = olga.client.post("/api/v1/session/confirm", json!({ "password": PASSWORD })).await.expect(204);
        let made = olga.client.post("/api/v1/me/tokens", json!({ "name": "short" })).await.expect(201);
        let script = olga.client.with_token(made.field("token"));
        let _ = script.get("/api/v1/me").await.expect(200);
        let _ = olga.client.delete(&format!("/api/v1/me/tokens/{}", made.field("id")), None).await.expect(204);
        let _ = script.get("/api/v1/me").await.expect(401);
        for wish in [json!({ "actions": ["fly"] }), json!({ "workspaces": ["never-made"] })] {
            let mut body = json!({ "name": "wrong" });
            body.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
            let _ = olga.client.post("/api/v1/me/tokens", body).await.expect(422);
        }
    }

    async fn narrowing_tells_of_no_workspace_of_others(world: World) {
        let olga = world.set_up().await;
        let tess = world.workspace(&olga, "Acme").await.member("Tess Tester").await.person;
        let secret = world.workspace(&olga, "Secret").await;
        let answer = async |workspace: &str| {
            let body = json!({ "name": "script", "workspaces": [workspace] });
            tess.client.post("/api/v1/me/tokens", body).await.expect(422).text
        };
        let unknown = answer("never-made").await;
        assert_eq!(answer(&secret.slug).await, unknown);
        assert_eq!(answer(&secret.id).await, unknown);
    }

    async fn a_token_that_counts_no_more_is_told_so(world: World) {
        let _ = world.set_up().await;
        let refused = world.nobody().with_token("stoa_pat_wrong".to_owned()).get("/api/v1/me").await.expect(401);
        assert_eq!(refused.code().unwrap(), "unauthenticated");
        assert!(refused.field("detail").starts_with("This token isn't valid"), "{}", refused.text);
        assert_eq!(world.nobody().get("/api/v1/me").await.expect(401).field("detail"), "Sign in first.");
    }

    async fn all_other_sessions_end_with_a_new_password(world: World) {
        let olga = world.set_up().await;
        let other = world.nobody().with_cookie(world.sign_in(&olga.email, PASSWORD).await.expect(200).cookie().unwrap());
        let new = json!({ "old_password": PASSWORD, "new_password": "another good password" });
        let _ = olga.client.post("/api/v1/me/password", new).await.expect(204);
        let _ = olga.client.get("/api/v1/me").await.expect(200);
        let _ = other.get("/api/v1/me").await.expect(401);
        let _ = world.sign_in(&olga.email, PASSWORD).await.expect(401);
        let _ = world.sign_in(&olga.email, "another good password").await.expect(200);
    }
}
