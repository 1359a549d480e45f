//! Grants that end: told with their end, refused from that moment on, and the pages hear of it.

use http::Method;
use serde_json::{Value, json};
use test_kit::world::{Member, Workspace};
use test_kit::{Answer, Stream, on_both_databases};

const IN_AN_HOUR: &str = "2026-11-24T13:00:00.000Z";
const HOUR: i64 = 3600;

async fn put(workspace: &Workspace<'_>, member: &Member, profile: Value) -> Answer {
    workspace.owner.client.put(&workspace.path(&format!("/members/{}/permissions", member.id)), profile).await
}

on_both_databases! {
    async fn an_end_is_told_wherever_the_profile_is(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let project = workspace.project("Shop", &["main"]).await;
        let tess = workspace.member("Tess Tester").await;
        let path = workspace.path(&format!("/members/{}/permissions", tess.id));
        let for_good = json!({ "actions": ["view_logs", "use_ide"], "projects": [project], "instances": [], "servers": [] });
        let before = put(&workspace, &tess, for_good.clone()).await.expect(200);
        assert!(before.json().get("until").is_none(), "what doesn't end isn't told");
        let mut ending = for_good.clone();
        ending["until"] = json!({ "view_logs": IN_AN_HOUR, project.as_str(): "2026-11-25T12:00:00+01:00" });
        let set = put(&workspace, &tess, ending).await.expect(200);
        let until = json!({ "view_logs": IN_AN_HOUR, project.as_str(): "2026-11-25T11:00:00.000Z" });
        assert_eq!(set.json()["until"], until);
        assert_ne!(set.header("etag"), before.header("etag"), "an end is something that is edited");
        let seen = olga.client.get(&path).await.expect(200);
        assert_eq!((seen.json(), seen.header("etag")), (set.json(), set.header("etag")));
        let list = olga.client.get(&workspace.path("/members?q=tess")).await.expect(200).json();
        assert_eq!(list["items"][0]["permissions"]["until"], until);
        let own = tess.person.client.get(&workspace.path("")).await.expect(200).json();
        assert_eq!(own["permissions"]["until"], until);
        // What was sent once more with what was seen of it stays as it is.
        assert_eq!(put(&workspace, &tess, seen.json()).await.expect(200).json(), set.json());
        let brief = olga.client.get(&workspace.path("/members?q=tess&brief=true")).await.expect(200).json();
        let first = json!({ "at": IN_AN_HOUR, "everything": false, "kind": "action", "action": "view_logs", "count": 2 });
        assert_eq!(brief["items"][0]["summary"]["ends"], first);
    }

    async fn a_row_tells_the_first_end_and_of_how_many_it_is(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
        let instance = workspace.instance(&project, &server, "Test", "staging", "main").await.to_string();
        let tess = workspace.member("Tess Tester").await;
        let later = "2026-11-25T13:00:00.000Z";
        let mut profile = json!({ "actions": ["view_logs", "use_ide", "stop_instances"], "projects": [project],
            "instances": [instance], "servers": [server], "until": { "use_ide": later } });
        let seen = async || {
            let list = olga.client.get(&workspace.path("/members?q=tess&brief=true")).await.expect(200).json();
            list["items"][0]["summary"]["ends"].clone()
        };
        let _ = put(&workspace, &tess, profile.clone()).await.expect(200);
        assert_eq!(seen().await, json!({ "at": later, "everything": false, "kind": "action", "action": "use_ide", "count": 1 }));
        for key in ["view_logs", project.as_str(), server.as_str()] {
            profile["until"][key] = json!(later);
        }
        profile["until"][instance.as_str()] = json!(IN_AN_HOUR);
        let _ = put(&workspace, &tess, profile).await.expect(200);
        assert_eq!(seen().await, json!({ "at": IN_AN_HOUR, "everything": false, "kind": "instance", "count": 5 }));
        // The log tells each with its kind, because a project and an instance may have one name, and times as the API does.
        let log = olga.client.get(&workspace.path("/audit?action=member.set_permissions&limit=1")).await.expect(200).json();
        let end = |of: &str, kind: &str, id: &str, after: &str| json!({ "of": of, "kind": kind, "id": id, "before": null, "after": after });
        assert_eq!(log["items"][0]["detail"]["until"], json!([
            { "of": "view_logs", "kind": "action", "before": null, "after": later },
            end("Shop", "project", &project, later),
            end("Test", "instance", &instance, IN_AN_HOUR),
            end(log["items"][0]["detail"]["until"][3]["of"].as_str().unwrap(), "server", &server, later),
        ]));
        world.clock.pass_seconds(HOUR);
        assert_eq!(seen().await["count"], json!(4), "what is over isn't counted");
    }

    async fn only_what_is_granted_ends_and_only_later(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (project, other) = (workspace.project("Shop", &["main"]).await, workspace.project("Other", &["main"]).await);
        let tess = workspace.member("Tess Tester").await;
        let path = workspace.path(&format!("/members/{}/permissions", tess.id));
        let before = olga.client.get(&path).await.expect(200);
        for (key, time, code) in [
            ("view_logs", "2026-11-24T12:00:00Z", "past"), ("view_logs", "2020-01-01T00:00:00Z", "past"),
            ("view_logs", "tomorrow", "invalid"), ("use_ide", IN_AN_HOUR, "not_granted"), ("fly", IN_AN_HOUR, "not_granted"),
            (other.as_str(), IN_AN_HOUR, "not_granted"), ("01890a5d-ac96-774b-bcce-b302099a8057", IN_AN_HOUR, "not_granted"),
        ] {
            let profile = json!({ "actions": ["view_logs"], "projects": [project], "instances": [], "servers": [], "until": { key: time } });
            let refused = put(&workspace, &tess, profile).await.expect(422).json();
            assert_eq!((&refused["errors"][0]["field"], &refused["errors"][0]["code"]), (&json!(format!("until.{key}")), &json!(code)));
        }
        for until in [json!(null), json!([]), json!({ "view_logs": null }), json!({ "view_logs": 7 })] {
            let profile = json!({ "actions": ["view_logs"], "projects": [], "instances": [], "servers": [], "until": until });
            let _ = put(&workspace, &tess, profile).await.expect(422);
        }
        assert_eq!(olga.client.get(&path).await.expect(200).json(), before.json(), "nothing was changed");
    }

    async fn from_its_end_on_it_is_refused_though_nobody_took_it_away(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
        let instance = workspace.instance(&project, &server, "Test", "staging", "main").await.to_string();
        let tess = workspace.member("Tess Tester").await;
        let profile = json!({ "actions": ["stop_instances", "view_logs"], "projects": [], "instances": [instance], "servers": [],
            "until": { "stop_instances": IN_AN_HOUR, instance.as_str(): "2026-11-24T14:00:00Z" } });
        let tag = put(&workspace, &tess, profile).await.expect(200).header("etag").unwrap().to_owned();
        let seen = async || tess.person.client.get(&workspace.path(&format!("/instances/{instance}"))).await;
        assert_eq!(seen().await.expect(200).json()["may"], json!(["read_logs", "stop"]));
        world.clock.pass_seconds(HOUR);
        assert_eq!(seen().await.expect(200).json()["may"], json!(["read_logs"]));
        let stop = workspace.path(&format!("/instances/{instance}/stop"));
        assert_eq!(tess.person.client.post(&stop, json!({})).await.expect(403).json()["missing"], json!(["stop_instances"]));
        let path = workspace.path(&format!("/members/{}/permissions", tess.id));
        assert_ne!(olga.client.get(&path).await.expect(200).header("etag"), Some(tag.as_str()));
        world.clock.pass_seconds(HOUR);
        let _ = seen().await.expect(404);
        let list = tess.person.client.get(&workspace.path("/instances")).await.expect(200).json();
        assert_eq!(list["items"], json!([]));
    }

    async fn what_rested_on_it_ends_and_the_pages_are_told_once(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
        let instance = workspace.instance(&project, &server, "Test", "staging", "main").await.to_string();
        let tess = workspace.member("Tess Tester").await;
        let profile = json!({ "actions": ["view_logs", "use_ide"], "projects": [project], "instances": [instance], "servers": [],
            "until": { "view_logs": IN_AN_HOUR, project.as_str(): IN_AN_HOUR } });
        let _ = put(&workspace, &tess, profile).await.expect(200);
        let get = |client: &test_kit::Client, rest: &str| client.request(Method::GET, &workspace.path(rest), None);
        let own = &tess.person.client;
        let mut logs = get(own, &format!("/instances/{instance}/logs?follow=true"));
        logs.headers_mut().insert("accept", "text/event-stream".parse().unwrap());
        let log = Stream::open(own, logs).await;
        let mut hers = Stream::open(own, get(own, "/events")).await;
        let mut owners = Stream::open(&olga.client, get(&olga.client, "/events")).await;
        world.clock.pass_seconds(HOUR);
        // Without anybody's word: the decision is asked again and again.
        let problem = log.end().await;
        assert_eq!((&problem["code"], &problem["missing"]), (&json!("permission_denied"), &json!(["view_logs"])));
        world.app.end_grants().await.unwrap();
        world.app.end_grants().await.unwrap();
        let told = hers.until("access_changed").await;
        assert!(told.get("resource").is_none(), "{told}");
        let told = owners.until("changed").await;
        assert_eq!(told["resource"], json!({ "kind": "member", "id": tess.id }));
        let audit = olga.client.get(&workspace.path("/audit?action=member.grant_ended")).await.expect(200).json();
        let events = audit["items"].as_array().unwrap();
        assert_eq!(events.len(), 1, "{audit}");
        assert_eq!((&events[0]["via"], &events[0]["resource_name"]), (&json!("system"), &json!("Tess Tester")));
        assert_eq!(events[0]["detail"]["actions"], json!(["view_logs"]));
        assert_eq!(events[0]["detail"]["projects"], json!([project]));
        let path = workspace.path(&format!("/members/{}/permissions", tess.id));
        let left = json!({ "actions": ["use_ide"], "projects": [], "instances": [instance], "servers": [] });
        assert_eq!(olga.client.get(&path).await.expect(200).json(), left);
    }

    async fn owners_who_save_at_once_are_told_of_each_other(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let otto = workspace.member("Otto Owner").await;
        workspace.make_owner(&otto).await;
        let tess = workspace.member("Tess Tester").await;
        let path = workspace.path(&format!("/members/{}/permissions", tess.id));
        let tag = olga.client.get(&path).await.expect(200).header("etag").unwrap().to_owned();
        let guarded = |client: &test_kit::Client, action: &str| {
            let body = json!({ "actions": [action], "projects": [], "instances": [], "servers": [], "until": { action: IN_AN_HOUR } });
            let mut request = client.request(Method::PUT, &path, Some(&body));
            request.headers_mut().insert("if-match", tag.parse().unwrap());
            request
        };
        let (one, other) = (guarded(&olga.client, "view_logs"), guarded(&otto.person.client, "use_ide"));
        let (one, other) = tokio::join!(olga.client.send_request(one), otto.person.client.send_request(other));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "{} {}", one.text, other.text);
    }
}
