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
        ] {
            let answer = olga.client.get(&workspace.path(&format!("/members?{query}"))).await;
            assert_eq!(field_of(&answer), field, "{query}");
        }
        for query in ["stage=live", "status=gone", "project=shop", "server=x"] {
            let answer = olga.client.get(&workspace.path(&format!("/instances?{query}"))).await;
            assert_eq!(field_of(&answer), query.split('=').next().unwrap(), "{query}");
        }
    }
}
