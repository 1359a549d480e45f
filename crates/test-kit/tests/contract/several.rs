//! The same profile for several members at once: all of them, or none.

use serde_json::{Value, json};
use test_kit::on_both_databases;
use test_kit::world::{Member, Workspace};

async fn seen(workspace: &Workspace<'_>, member: &Member) -> test_kit::Answer {
    let path = workspace.path(&format!("/members/{}/permissions", member.id));
    workspace.owner.client.get(&path).await.expect(200)
}

fn profile(members: Value) -> Value {
    json!({ "members": members, "actions": ["view_logs"], "projects": [], "instances": [], "servers": [],
        "until": { "view_logs": "2026-12-01T00:00:00Z" } })
}

on_both_databases! {
    async fn each_gets_the_whole_of_it_an_audit_event_and_is_told(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let project = workspace.project("Shop", &["main"]).await;
        let members = [workspace.member("Anna").await, workspace.member("Ben").await, workspace.member("Carl").await];
        workspace.grant(&members[1], json!({ "actions": ["use_ide"], "projects": [project] })).await;
        let path = workspace.path("/members/permissions");
        let mut body = profile(json!([]));
        body["projects"] = json!([project]);
        let mut named = Vec::new();
        for member in &members[..2] {
            named.push(json!({ "id": member.id, "etag": seen(&workspace, member).await.header("etag").unwrap() }));
        }
        body["members"] = json!(named);
        let set = olga.client.put(&path, body).await.expect(200).json();
        assert_eq!(set["members"], json!([members[0].id, members[1].id]));
        for member in &members[..2] {
            let now = seen(&workspace, member).await;
            assert_eq!((now.json(), now.header("etag")), (set["permissions"].clone(), set["etag"].as_str()));
            let log = olga.client.get(&workspace.path(&format!("/audit?action=member.set_permissions&resource={}", member.id))).await;
            assert_eq!(log.expect(200).json()["items"][0]["detail"]["together"], 2);
        }
        assert_eq!(seen(&workspace, &members[2]).await.json()["actions"], json!([]));
        let log = olga.client.get(&workspace.path("/audit?action=member.set_permissions_of_several")).await.expect(200).json();
        let detail = &log["items"][0]["detail"];
        assert_eq!(detail["added"]["projects"][0]["id"], json!(project));
        assert_eq!(detail["members"].as_array().unwrap().len(), 2);
        let _ = members[0].person.client.get(&workspace.path(&format!("/projects/{project}"))).await.expect(403);
    }

    async fn where_one_cannot_be_set_none_is(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (anna, ben, otto) = (workspace.member("Anna").await, workspace.member("Ben").await, workspace.member("Otto").await);
        workspace.make_owner(&otto).await;
        let path = workspace.path("/members/permissions");
        let stranger = world.workspace(&anna.person, "Theirs").await.member("Stella").await;
        let never = "01890a5d-ac96-774b-bcce-b302099a8057";
        let one = |id: &str| json!({ "id": id });
        let nothing = seen(&workspace, &anna).await.json();
        for (members, status, code) in [
            (json!([one(&anna.id), { "id": ben.id, "etag": "\"stale\"" }]), 412, "precondition_failed"),
            (json!([one(&anna.id), one(&otto.id)]), 409, "conflict"),
            (json!([one(&anna.id), one(never)]), 422, "invalid"),
            (json!([one(&anna.id), { "id": never, "etag": "\"any\"" }]), 422, "invalid"),
            (json!([one(&anna.id), one(&stranger.id)]), 422, "invalid"),
            (json!([one(&anna.id), one(&anna.id)]), 422, "invalid"),
            (json!([one(&anna.id), one("anna")]), 422, "invalid"),
            (json!([]), 422, "invalid"),
            (json!([{ "id": anna.id, "name": "Anna" }]), 422, "invalid"),
        ] {
            let refused = olga.client.put(&path, profile(members.clone())).await.expect(status);
            assert_eq!(refused.code().unwrap(), code, "{members}");
            assert_eq!(seen(&workspace, &anna).await.json(), nothing, "{members}");
        }
        // Before anything is read of them: an old ETag would be told otherwise.
        let many = vec![json!({ "id": anna.id, "etag": "\"stale\"" }); 501];
        let refused = olga.client.put(&path, profile(json!(many))).await.expect(422).json();
        assert_eq!((&refused["errors"][0]["field"], &refused["errors"][0]["code"]), (&json!("members"), &json!("out_of_range")));
        let mut foreign = profile(json!([one(&anna.id), one(&ben.id)]));
        foreign["projects"] = json!([never]);
        assert_eq!(olga.client.put(&path, foreign).await.expect(422).json()["errors"][0]["field"], "projects.0");
        let mut past = profile(json!([one(&anna.id)]));
        past["until"] = json!({ "view_logs": "2020-01-01T00:00:00Z" });
        assert_eq!(olga.client.put(&path, past).await.expect(422).json()["errors"][0]["code"], "past");
        assert_eq!(seen(&workspace, &anna).await.json(), nothing);
    }

    async fn thousands_of_entries_are_kept_and_given_back_sorted(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (anna, ben) = (workspace.member("Anna").await, workspace.member("Ben").await);
        let mut projects = Vec::new();
        for number in 0..120 {
            let made = olga.client.post(&workspace.path("/projects"), json!({ "name": format!("Shop {number}") })).await;
            projects.push(made.expect(201).field("id"));
        }
        let grantable = olga.client.get(&workspace.path("/permissions/grantable")).await.expect(200).json();
        assert_eq!(grantable["projects"].as_array().unwrap().len(), 120);
        // The same ids again and again: a set has each once.
        let wanted: Vec<&String> = projects.iter().cycle().take(20_000).collect();
        let body = json!({ "members": [{ "id": anna.id }, { "id": ben.id }], "actions": [], "projects": wanted, "instances": [], "servers": [] });
        let set = olga.client.put(&workspace.path("/members/permissions"), body).await.expect(200).json();
        projects.sort_unstable();
        assert_eq!(set["permissions"]["projects"], json!(projects));
        assert_eq!(seen(&workspace, &ben).await.json()["projects"], json!(projects));
    }
}
