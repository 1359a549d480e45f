//! No change is lost: tags and `If-Match`; and of two changes at once one wins and the other is told.

use http::{HeaderValue, Method};
use serde_json::{Value, json};
use test_kit::{Answer, Client, on_both_databases};

async fn guarded(client: &Client, method: Method, path: &str, tag: &str, body: Option<Value>) -> Answer {
    let mut request = client.request(method, path, body.as_ref());
    request.headers_mut().insert("if-match", tag.parse().unwrap());
    client.send_request(request).await
}

on_both_databases! {
    async fn a_tag_that_cant_be_read_is_of_nothing_that_there_is(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let mut request = olga.client.request(Method::PATCH, &workspace.path(""), Some(&json!({ "name": "Other" })));
        request.headers_mut().insert("if-match", HeaderValue::from_bytes(b"\"\xe4\"").unwrap());
        let refused = olga.client.send_request(request).await.expect(412);
        assert_eq!(refused.code().unwrap(), "precondition_failed");
        assert_eq!(olga.client.get(&workspace.path("")).await.expect(200).field("name"), "Acme");
    }

    async fn an_object_is_changed_from_what_was_seen_of_it(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let tester = workspace.member("Tess Tester").await;
        let none = json!({ "actions": [], "projects": [], "instances": [], "servers": [] });
        let some = json!({ "actions": ["view_logs"], "projects": [], "instances": [], "servers": [] });
        let variables = |value: &str| json!({ "environment": [{ "name": "A", "value": value, "secret": false }] });
        let below = |rest: String| workspace.path(&rest);
        let patch = Method::PATCH;
        for (path, method, first, second) in [
            ("/api/v1/me".to_owned(), &patch, json!({ "name": "One" }), json!({ "name": "Two" })),
            (workspace.path(""), &patch, json!({ "name": "One" }), json!({ "name": "Two" })),
            (below(format!("/servers/{server}")), &patch, json!({ "name": "One" }), json!({ "name": "Two" })),
            (below(format!("/projects/{project}")), &patch, json!({ "name": "One" }), json!({ "name": "Two" })),
            (below(format!("/instances/{instance}")), &patch, json!({ "name": "One" }), json!({ "name": "Two" })),
            (below(format!("/members/{}", tester.id)), &patch, json!({ "role": "owner" }), json!({ "role": "member" })),
            (below(format!("/members/{}/permissions", tester.id)), &Method::PUT, some, none),
            (below(format!("/instances/{instance}/environment")), &Method::PUT, variables("1"), variables("2")),
        ] {
            let tag = olga.client.get(&path).await.expect(200).header("etag").expect("a tag").to_owned();
            let again = olga.client.get(&path).await.expect(200);
            assert_eq!(again.header("etag"), Some(tag.as_str()), "{path}: nothing was changed");
            let stale = guarded(&olga.client, method.clone(), &path, "\"stale\"", Some(first.clone())).await.expect(412);
            assert_eq!(stale.code().unwrap(), "precondition_failed", "{path}");
            let changed = guarded(&olga.client, method.clone(), &path, &tag, Some(first)).await.expect(200);
            let newer = changed.header("etag").expect("a tag").to_owned();
            assert_ne!(newer, tag, "{path}");
            let late = guarded(&olga.client, method.clone(), &path, &tag, Some(second.clone())).await.expect(412);
            assert_eq!(late.code().unwrap(), "precondition_failed", "{path}");
            let several = format!("\"other\", {newer}");
            let _ = guarded(&olga.client, method.clone(), &path, &several, Some(second)).await.expect(200);
        }
        // What is done to an instance isn't a change of what can be edited, and its answer has the tag too.
        let path = below(format!("/instances/{instance}"));
        let tag = olga.client.get(&path).await.expect(200).header("etag").unwrap().to_owned();
        let begun = olga.client.post(&format!("{path}/restart"), json!({ "mode": "soft" })).await.expect(202);
        assert_eq!(begun.header("etag"), Some(tag.as_str()));
    }

    async fn nothing_is_deleted_that_was_changed_meanwhile(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let tester = workspace.member("Tess Tester").await;
        for (path, body, gone) in [
            (workspace.path(&format!("/members/{}", tester.id)), None, 204),
            (workspace.path(&format!("/instances/{instance}")), Some(json!({ "confirm": "Shop" })), 202),
            (workspace.path(&format!("/projects/{project}")), None, 204),
            (workspace.path(&format!("/servers/{server}")), None, 204),
            (workspace.path(""), Some(json!({ "confirm": "acme" })), 204),
        ] {
            let tag = olga.client.get(&path).await.expect(200).header("etag").expect("a tag").to_owned();
            let stale = guarded(&olga.client, Method::DELETE, &path, "\"stale\"", body.clone()).await.expect(412);
            assert_eq!(stale.code().unwrap(), "precondition_failed", "{path}");
            let _ = guarded(&olga.client, Method::DELETE, &path, &tag, body).await.expect(gone);
            world.drain().await;
            let _ = olga.client.get(&path).await.expect(404);
        }
    }

    async fn a_slug_is_had_by_one_of_two(world: World) {
        let olga = world.set_up().await;
        let wish = json!({ "name": "Acme" });
        let ask = || olga.client.post("/api/v1/workspaces", wish.clone());
        let (one, other) = tokio::join!(ask(), ask());
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", one.text, other.text);
        let refused = if one.status.as_u16() == 409 { one } else { other };
        assert_eq!(refused.code().unwrap(), "slug_taken");
    }

    async fn of_two_owners_who_remove_each_other_one_stays(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let otto = workspace.member("Otto Owner").await;
        workspace.make_owner(&otto).await;
        let members = olga.client.get(&workspace.path("/members?q=olga")).await.expect(200).json();
        let own = workspace.path(&format!("/members/{}", members["items"][0]["id"].as_str().unwrap()));
        let theirs = workspace.path(&format!("/members/{}", otto.id));
        let (one, other) = tokio::join!(olga.client.delete(&theirs, None), otto.person.client.delete(&own, None));
        let done = [&one, &other].iter().filter(|answer| answer.status.as_u16() == 204).count();
        assert_eq!(done, 1, "{} {} and {} {}", one.status, one.text, other.status, other.text);
        let seen = [olga.client.get(&workspace.path("")).await, otto.person.client.get(&workspace.path("")).await];
        let left: Vec<_> = seen.iter().filter(|answer| answer.status.as_u16() == 200).collect();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].json()["role"], "owner");
    }
}
