//! Bodies are read strictly.

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use serde_json::json;
use test_kit::{Answer, Client, on_both_databases};

/// A body as it is, whatever it is.
fn raw(client: &Client, method: Method, path: &str, kind: Option<&str>, body: &str) -> Request<Body> {
    let mut request = client.request(method, path, Some(&json!({})));
    match kind {
        Some(kind) => _ = request.headers_mut().insert(CONTENT_TYPE, kind.parse().unwrap()),
        None => _ = request.headers_mut().remove(CONTENT_TYPE),
    }
    *request.body_mut() = Body::from(body.to_owned());
    request
}

async fn post(client: &Client, path: &str, body: &str) -> Answer {
    client.send_request(raw(client, Method::POST, path, Some("application/json"), body)).await
}

#[track_caller]
fn field_of(answer: &Answer) -> String {
    assert_eq!((answer.status.as_u16(), answer.code().as_deref()), (422, Some("invalid")), "{}", answer.text);
    answer.json()["errors"][0]["field"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn a_body_holds_what_is_named_once_and_nothing_else(world: World) {
        let olga = world.set_up().await;
        let path = "/api/v1/workspaces";
        for (body, field) in [
            (r#"{"name":"Acme","color":"red"}"#, "color"),
            (r#"{"name":"Acme","name":"Other"}"#, "name"),
            (r#"{"slug":"acme"}"#, "name"),
            (r#"{"name":7}"#, "name"),
            (r#"{"name":null}"#, "name"),
            (r#"{"name":"Acme"} {}"#, ""),
            ("[]", ""),
            ("", ""),
        ] {
            assert_eq!(field_of(&post(&olga.client, path, body).await), field, "{body}");
        }
        let deep = format!(r#"{{"name":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
        let refused = post(&olga.client, path, &deep).await;
        assert_eq!(field_of(&refused), "");
        assert_eq!(refused.json()["errors"][0]["code"], "too_deep");
        assert_eq!(olga.client.get(path).await.expect(200).json()["items"], json!([]), "nothing was made");
        for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/json; charset=latin1")] {
            let request = raw(&olga.client, Method::POST, path, kind, r#"{"name":"Acme"}"#);
            let refused = olga.client.send_request(request).await.expect(415);
            assert_eq!(refused.code().unwrap(), "unsupported_media_type", "{kind:?}");
        }
        let request = raw(&olga.client, Method::POST, path, Some("application/json; charset=UTF-8"), r#"{"name":"Acme"}"#);
        let _ = olga.client.send_request(request).await.expect(201);
    }

    async fn where_nothing_is_asked_nothing_may_be_said(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let invited = olga.client.post(&workspace.path("/invitations"), json!({ "email": "a@example.com" })).await;
        let path = workspace.path(&format!("/invitations/{}", invited.expect(201).field("id")));
        let resend = format!("{path}/resend");
        assert_eq!(field_of(&post(&olga.client, &resend, r#"{"email":"b@example.com"}"#).await), "email");
        let plain = raw(&olga.client, Method::POST, &resend, Some("text/plain"), "hello");
        let _ = olga.client.send_request(plain).await.expect(415);
        let _ = post(&olga.client, &resend, "{}").await.expect(200);
        let _ = olga.client.send(Method::POST, &resend, None).await.expect(200);
        let _ = olga.client.delete(&path, Some(json!({ "force": true }))).await.expect(422);
        let _ = olga.client.delete(&path, None).await.expect(204);
    }

    async fn where_every_field_may_be_left_out_so_may_the_body(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
        let _ = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        for verb in ["stop", "start", "deploy", "backups"] {
            let path = workspace.path(&format!("/instances/shop/{verb}"));
            let plain = raw(&olga.client, Method::POST, &path, Some("text/plain"), "{}");
            let _ = olga.client.send_request(plain).await.expect(415);
            let untyped = raw(&olga.client, Method::POST, &path, None, "{}");
            let _ = olga.client.send_request(untyped).await.expect(415);
            assert_eq!(field_of(&post(&olga.client, &path, r#"{"mode":"soft"}"#).await), "mode", "{verb}");
            let begun = olga.client.send_request(raw(&olga.client, Method::POST, &path, None, "")).await.expect(202);
            let job = &begun.json()["job"];
            let place = workspace.path(&format!("/jobs/{}", job["id"].as_str().unwrap())).replace(&workspace.slug, &workspace.id);
            assert_eq!(begun.header("location"), Some(place.as_str()), "{verb}");
            world.clock.pass_seconds(1);
            world.drain().await;
            let done = olga.client.get(&place).await.expect(200).json();
            assert_eq!((&done["kind"], &done["status"]), (&job["kind"], &json!("succeeded")), "{verb}");
        }
    }

    async fn a_body_comes_unpacked_and_says_what_it_is(world: World) {
        let olga = world.set_up().await;
        let sent = |coding: &str| {
            let mut request = raw(&olga.client, Method::POST, "/api/v1/workspaces", Some("application/json"), r#"{"name":"Acme"}"#);
            request.headers_mut().insert("content-encoding", coding.parse().unwrap());
            request
        };
        for coding in ["gzip", "br", "identity, gzip"] {
            let refused = olga.client.send_request(sent(coding)).await.expect(415);
            assert!(refused.field("detail").contains("without a Content-Encoding"), "{}", refused.text);
        }
        let _ = olga.client.send_request(sent("identity")).await.expect(201);
        let workspace = world.workspace(&olga, "Other").await;
        let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
        let _ = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let path = workspace.path("/instances/shop/files/a.txt");
        for kind in [None, Some("text/plain"), Some("application/json")] {
            let refused = olga.client.send_request(raw(&olga.client, Method::PUT, &path, kind, "x")).await.expect(415);
            assert!(refused.field("detail").contains("Content-Type: application/octet-stream"), "{}", refused.text);
        }
    }

    async fn a_field_is_named_in_one_way_wherever_it_is(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
        let _ = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let path = workspace.path("/instances/shop/settings");
        for (domain, field) in [
            (json!({ "host": "not a host" }), "domains.1.host"),
            (json!({ "host": 7 }), "domains.1.host"),
            (json!({}), "domains.1.host"),
            (json!({ "host": "b.example.org", "owner": "me" }), "domains.1.owner"),
        ] {
            let wish = json!({ "domains": [{ "host": "a.example.org" }, domain] });
            assert_eq!(field_of(&olga.client.patch(&path, wish).await), field, "{domain}");
        }
    }

    async fn a_query_holds_what_is_named_and_nothing_else(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=many", "limit"),
            ("after=of-another-list", "after"),
            ("order=name", "order"),
            ("limit=1&limit=2", "limit"),
            ("q=a&limit=many", "limit"),
            ("q=a&limit=", "limit"),
            ("q=a&order=name", "order"),
        ] {
            let answer = olga.client.get(&workspace.path(&format!("/members?{query}"))).await;
            assert_eq!(field_of(&answer), field, "{query}");
            assert!(!answer.text.contains("JSON"), "{}", answer.text);
        }
        let answer = olga.client.get(&workspace.path("/backups?limit=5&deleted=maybe")).await;
        assert_eq!((field_of(&answer).as_str(), answer.field("detail").as_str()), ("deleted", "This has to be true or false."));
        for query in ["stage=live", "status=gone"] {
            let answer = olga.client.get(&workspace.path(&format!("/instances?{query}"))).await;
            assert_eq!(field_of(&answer), query.split('=').next().unwrap(), "{query}");
        }
    }
}
