//! A request that is sent twice with one key is done once.

use http::Method;
use serde_json::{Value, json};
use test_kit::{Answer, Client, on_both_databases};

async fn send(client: &Client, path: &str, key: &str, body: Value) -> Answer {
    let mut request = client.request(Method::POST, path, Some(&body));
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    client.send_request(request).await
}

on_both_databases! {
    async fn the_same_key_gives_the_first_answer_again(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/projects");
        let first = send(&olga.client, &path, "one", json!({ "name": "Shop" })).await.expect(201);
        let again = send(&olga.client, &path, "one", json!({ "name": "Shop" })).await.expect(201);
        assert_eq!(first.field("id"), again.field("id"));
        assert_eq!(first.header("etag"), again.header("etag"));
        let projects = olga.client.get(&path).await.expect(200).json();
        assert_eq!(projects["items"].as_array().unwrap().len(), 1);
        let other = send(&olga.client, &path, "one", json!({ "name": "Other" })).await.expect(422);
        assert_eq!(other.code().unwrap(), "idempotency_mismatch");
        world.clock.pass_seconds(24 * 3600 + 1);
        let later = send(&olga.client, &path, "one", json!({ "name": "Later" })).await.expect(201);
        assert_ne!(first.field("id"), later.field("id"));
    }

    async fn an_answer_is_given_again_only_to_who_still_may(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let second = workspace.member("Otto Owner").await;
        workspace.make_owner(&second).await;
        let path = workspace.path("/projects");
        let _ = send(&second.person.client, &path, "k", json!({ "name": "Shop" })).await.expect(201);
        let member = workspace.path(&format!("/members/{}", second.id));
        let _ = olga.client.patch(&member, json!({ "role": "member" })).await.expect(200);
        let refused = send(&second.person.client, &path, "k", json!({ "name": "Shop" })).await.expect(403);
        assert_eq!(refused.code().unwrap(), "owner_required");
    }

    async fn of_what_only_reads_a_key_says_nothing(world: World) {
        let olga = world.set_up().await;
        for key in ["", "a key with blanks"] {
            let mut request = olga.client.request(Method::GET, "/api/v1/me", None);
            request.headers_mut().insert("idempotency-key", key.parse().unwrap());
            let _ = olga.client.send_request(request).await.expect(200);
        }
        let _ = send(&olga.client, "/api/v1/me/tokens", "", json!({ "name": "git" })).await.expect(422);
        let mut request = olga.client.request(Method::POST, "/api/v1/me/tokens", Some(&json!({ "name": "git" })));
        for key in ["one", "two"] {
            request.headers_mut().append("idempotency-key", key.parse().unwrap());
        }
        let refused = olga.client.send_request(request).await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], "Idempotency-Key", "{refused}");
    }

    async fn a_secret_is_shown_in_the_first_answer_alone(world: World) {
        let olga = world.set_up().await;
        let first = send(&olga.client, "/api/v1/me/tokens", "t", json!({ "name": "git" })).await.expect(201);
        assert!(first.field("token").starts_with("stoa_pat_"));
        let again = send(&olga.client, "/api/v1/me/tokens", "t", json!({ "name": "git" })).await.expect(201);
        assert_eq!(again.json()["token"], Value::Null);
        assert_eq!(again.field("id"), first.field("id"));
        assert!(again.field("shown_once").contains("first answer"));
    }

    async fn what_was_refused_may_be_tried_again_with_its_key(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/projects");
        let _ = send(&olga.client, &path, "k", json!({ "name": "" })).await.expect(422);
        let _ = send(&olga.client, &path, "k", json!({ "name": "Shop" })).await.expect(201);
    }
}
