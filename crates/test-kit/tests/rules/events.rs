//! The event stream: what it tells, to whom, and when it ends.

use http::Method;
use http_body_util::BodyExt as _;
use serde_json::json;
use test_kit::{Client, Stream, on_both_databases};

async fn open(client: &Client, path: &str) -> Stream {
    Stream::open(client, client.request(Method::GET, path, None)).await
}

/// Reads on to where the thing is told to have been made.
async fn until_made(stream: &mut Stream, id: &str) {
    let _ = stream.find(|event| event["type"] == "created" && event["resource"]["id"] == id).await;
}

on_both_databases! {
    async fn what_is_written_after_the_answer_is_told_however_late_it_is_read(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let mut stream = open(&olga.client, &workspace.path("/events")).await;
        // Before a byte of the stream was asked for.
        let made = olga.client.post(&workspace.path("/projects"), json!({ "name": "Shop" })).await.expect(201);
        until_made(&mut stream, &made.field("id")).await;
    }

    async fn a_stream_goes_on_from_the_event_it_is_given(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let first = olga.client.post(&workspace.path("/projects"), json!({ "name": "One" })).await.expect(201);
        let path = workspace.path(&format!("/events?after={}", first.field("id")));
        world.clock.pass_seconds(60);
        let second = olga.client.post(&workspace.path("/projects"), json!({ "name": "Two" })).await.expect(201);
        let mut stream = open(&olga.client, &path).await;
        until_made(&mut stream, &second.field("id")).await;
    }

    async fn what_was_before_one_joined_is_told_to_nobody_new(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let first = olga.client.post(&workspace.path("/presets"), json!({ "name": "One", "actions": ["view_logs"] })).await.expect(201);
        let gone = workspace.member("Gus Gone").await;
        let _ = olga.client.delete(&workspace.path(&format!("/members/{}", gone.id)), None).await.expect(204);
        world.clock.pass_seconds(5);
        let tess = workspace.member("Tess Tester").await;
        let path = workspace.path(&format!("/events?after={}", first.field("id")));
        let mut stream = open(&tess.person.client, &path).await;
        let next = stream.find(|event| event["resource"]["kind"] == "member").await;
        assert_eq!(next["resource"]["id"], tess.id, "{next}");
    }

    async fn heartbeats_are_events_only_where_that_is_asked_for(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        // Of a stream that nothing is told on the first piece is a heartbeat.
        for (query, expected) in [
            ("", ": \n\n"), ("?heartbeats=false", ": \n\n"), ("?heartbeats=true", "event: heartbeat\ndata: {}\n\n"),
        ] {
            let request = olga.client.request(Method::GET, &workspace.path(&format!("/events{query}")), None);
            let mut body = olga.client.open(request).await.into_body();
            let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(std::str::from_utf8(&piece).unwrap(), expected, "{query}");
        }
        let mut beating = open(&olga.client, &workspace.path("/events?heartbeats=true")).await;
        let made = olga.client.post(&workspace.path("/projects"), json!({ "name": "Shop" })).await.expect(201).field("id");
        until_made(&mut beating, &made).await;
        let _ = olga.client.get(&workspace.path("/events?heartbeats=often")).await.expect(422);
    }

    async fn another_name_and_a_proved_address_are_told_wherever_one_is_a_member(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await;
        let mut stream = open(&olga.client, &workspace.path("/events")).await;
        let client = &tess.person.client;
        let _ = client.patch("/api/v1/me", json!({ "name": "Tess Tucker" })).await.expect(200);
        let is_hers = |event: &serde_json::Value| event["type"] == "changed" && event["resource"]["id"] == tess.id;
        let _ = stream.find(is_hers).await;
        let _ = client.post("/api/v1/me/email", json!({ "email": "tess@example.org" })).await.expect(202);
        let token = world.mailed_token("tess@example.org", "/account/email/").await;
        let _ = client.post("/api/v1/me/email/confirm", json!({ "token": token })).await.expect(200);
        let _ = stream.find(is_hers).await;
    }

    async fn a_refusal_is_told_to_owners_and_to_the_one_who_was_refused_and_says_nothing_of_it(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (tess, otto) = (workspace.member("Tess Tester").await, workspace.member("Otto Other").await);
        let path = workspace.path("/events");
        let mut owners = open(&olga.client, &path).await;
        let mut hers = open(&tess.person.client, &path).await;
        let mut others = open(&otto.person.client, &path).await;
        let _ = tess.person.client.post(&workspace.path("/presets"), json!({ "name": "Mine", "actions": [] })).await.expect(403);
        for stream in [&mut owners, &mut hers] {
            let told = stream.find(|event| event["type"] == "refused").await;
            assert_eq!(told.as_object().unwrap().keys().collect::<Vec<_>>(), ["at", "type"], "{told}");
        }
        // What comes after it is the next that somebody else hears.
        let _ = olga.client.patch(&workspace.path(""), json!({ "primary_color": "#0e7a5a" })).await.expect(200);
        let next = others.find(|event| event["type"] == "refused" || event["resource"]["kind"] == "workspace").await;
        assert_eq!(next["type"], "changed", "{next}");
    }

    async fn it_ends_with_the_membership_and_says_so(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await;
        let stream = open(&tess.person.client, &workspace.path("/events")).await;
        let _ = olga.client.delete(&workspace.path(&format!("/members/{}", tess.id)), None).await.expect(204);
        let mut told = stream.rest().await;
        let (name, problem) = told.pop().unwrap();
        assert_eq!((name.as_str(), &problem["code"]), ("end", &json!("not_found")));
        let (name, event) = told.pop().unwrap();
        let resource = json!({ "kind": "workspace", "id": workspace.id });
        assert_eq!((name.as_str(), &event["type"], &event["resource"]), ("message", &json!("membership_ended"), &resource));
        assert!(event["at"].is_string() && told.iter().all(|(_, event)| event["type"] != "membership_ended"), "{told:?}");
        // Who signs out is a member still.
        let stream = open(&olga.client, &workspace.path("/events")).await;
        let _ = olga.client.delete("/api/v1/session", None).await.expect(204);
        let told = stream.rest().await;
        assert!(told.last().is_some_and(|(name, problem)| name == "end" && problem["code"] == "unauthenticated"), "{told:?}");
        assert!(told.iter().all(|(_, event)| event["type"] != "membership_ended"), "{told:?}");
    }
}
