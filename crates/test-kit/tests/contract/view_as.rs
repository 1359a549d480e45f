//! Viewing as a member: what that member sees, read-only, for owners, and in the log.

use http::{Method, Request};
use serde_json::{Value, json};
use stoa_http::gate::GateKind;
use test_kit::world::{Member, Workspace};
use test_kit::{Answer, Client, Stream, on_both_databases};

fn as_member(client: &Client, method: Method, path: &str, member: &str) -> Request<axum::body::Body> {
    let mut request = client.request(method, path, None);
    request.headers_mut().insert("stoa-view-as", member.parse().unwrap());
    request
}

async fn look(workspace: &Workspace<'_>, member: &Member, rest: &str) -> Answer {
    let client = &workspace.owner.client;
    client.send_request(as_member(client, Method::GET, &workspace.path(rest), &member.id)).await
}

async fn views(workspace: &Workspace<'_>) -> Vec<Value> {
    let log =
        workspace.owner.client.get(&workspace.path("/audit?action=member.view_as")).await.expect(200).json();
    log["items"].as_array().unwrap().clone()
}

on_both_databases! {
    async fn an_owner_is_answered_as_the_member_is(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (server, project) = (workspace.server().await, workspace.project("Shop", &["main"]).await);
        let hidden = workspace.project("Hidden", &["main"]).await;
        let live = workspace.instance(&project, &server, "Live", "production", "main").await.to_string();
        let test = workspace.instance(&project, &server, "Test", "staging", "main").await.to_string();
        let tess = workspace.member("Tess Tester").await;
        workspace.grant(&tess, json!({ "actions": ["view_logs", "view_projects", "stop_instances"], "projects": [project], "instances": [test] })).await;
        for rest in [
            String::new(), "/projects".into(), "/instances".into(), "/servers".into(), "/jobs".into(), "/members".into(),
            format!("/projects/{project}"), format!("/projects/{hidden}"), format!("/instances/{test}"), format!("/instances/{live}"),
            format!("/servers/{server}"), format!("/instances/{test}/deployments"), format!("/instances/{live}/deployments"),
            format!("/projects/{project}/branches"), format!("/members/{}/permissions", tess.id), format!("/members/{}/explain?action=use_ide", tess.id),
            format!("/members/{}/explain?instance={live}", tess.id), "/presets".into(), "/invitations".into(),
        ] {
            let seen = look(&workspace, &tess, &rest).await;
            let own = tess.person.client.get(&workspace.path(&rest)).await;
            if own.status.as_u16() == 403 && own.code().as_deref() == Some("owner_required") {
                assert_eq!(seen.code().as_deref(), Some("view_as_read_only"), "{rest}");
            } else {
                assert_eq!((seen.status, seen.json()), (own.status, own.json()), "{rest}");
            }
            assert_eq!((seen.header("cache-control"), seen.header("vary")), (Some("no-store"), Some("Stoa-View-As")), "{rest}");
        }
        // Whoever asks without it is answered as themselves.
        assert_eq!(olga.client.get(&workspace.path("")).await.expect(200).json()["role"], "owner");
    }

    async fn nothing_is_done_and_what_is_closed_stays_closed(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await;
        for route in &world.registered {
            let path = route.path.replace("{workspace}", &workspace.slug).replace("{member}", &tess.id).replace(['{', '}'], "");
            let request = as_member(&olga.client, route.method.clone(), &path, &tess.id);
            let response = olga.client.open(request).await;
            if route.operation.sample.streams && response.status().is_success() {
                assert!(route.gate.is_viewed_as, "{} {}", route.method, route.path);
                continue;
            }
            let answer = Answer::read(response).await;
            let is_open = route.method == Method::GET && route.gate.is_viewed_as;
            if is_open {
                assert_ne!(answer.code().as_deref(), Some("view_as_read_only"), "{} {}", route.method, route.path);
                assert!(route.gate.kind == GateKind::Workspace && route.path.starts_with("/api/v1/workspaces/{workspace}"));
            } else {
                assert_eq!(
                    (answer.status.as_u16(), answer.code().as_deref()), (403, Some("view_as_read_only")),
                    "{} {}: {}", route.method, route.path, answer.text
                );
            }
        }
        let operations: Vec<_> = world.registered.iter().filter(|route| route.gate.is_viewed_as).map(|route| route.operation.id).collect();
        for closed in ["readLogs", "listAudit", "listOwnAudit", "viewEnvironment", "visitInstance"] {
            assert!(!operations.contains(&closed), "{closed}");
        }
    }

    async fn only_owners_look_on_and_by_no_token(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let other = world.workspace(&olga, "Other").await;
        let (tess, ben) = (workspace.member("Tess Tester").await, workspace.member("Ben").await);
        let stranger = other.member("Stella").await;
        let ask = async |client: &Client, member: &str| {
            client.send_request(as_member(client, Method::GET, &workspace.path(""), member)).await
        };
        assert_eq!(ask(&ben.person.client, &tess.id).await.expect(403).code().unwrap(), "view_as_read_only");
        assert_eq!(ask(&ben.person.client, &ben.id).await.expect(403).code().unwrap(), "view_as_read_only");
        assert_eq!(ask(&stranger.person.client, &tess.id).await.expect(404).code().unwrap(), "not_found");
        assert_eq!(ask(&world.nobody(), &tess.id).await.expect(401).code().unwrap(), "unauthenticated");
        for unknown in [stranger.id.as_str(), "01890a5d-ac96-774b-bcce-b302099a8057", "tess", ""] {
            assert_eq!(ask(&olga.client, unknown).await.expect(404).code().unwrap(), "not_found", "{unknown}");
        }
        for body in [json!({ "name": "whole" }), json!({ "name": "narrow", "actions": ["view_logs"] })] {
            let made = olga.client.post("/api/v1/me/tokens", body).await.expect(201);
            let by_token = world.nobody().with_token(made.field("token"));
            assert_eq!(ask(&by_token, &tess.id).await.expect(403).code().unwrap(), "permission_denied");
        }
        let _ = ask(&olga.client, &tess.id).await.expect(200);
        let _ = olga.client.delete(&workspace.path(&format!("/members/{}", tess.id)), None).await.expect(204);
        let _ = ask(&olga.client, &tess.id).await.expect(404);
    }

    async fn it_is_in_the_log_before_it_is_answered_and_again_while_it_goes_on(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (tess, ben) = (workspace.member("Tess Tester").await, workspace.member("Ben").await);
        for rest in ["", "/instances", "/projects", ""] {
            let _ = look(&workspace, &tess, rest).await;
        }
        let seen = views(&workspace).await;
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!((&seen[0]["actor_name"], &seen[0]["resource_name"]), (&json!("Olga Owner"), &json!("Tess Tester")));
        world.clock.pass_seconds(601);
        let _ = look(&workspace, &tess, "").await.expect(200);
        let _ = look(&workspace, &ben, "").await.expect(200);
        assert_eq!(views(&workspace).await.len(), 3);
        // The member has done nothing, and is told nothing of it.
        let mine = tess.person.client.get(&workspace.path("/audit/mine")).await.expect(200).json();
        assert!(!mine.to_string().contains("view_as"), "{mine}");
    }

    async fn the_stream_is_the_members_and_ends_when_one_is_an_owner_no_more(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (tess, otto) = (workspace.member("Tess Tester").await, workspace.member("Otto").await);
        workspace.make_owner(&otto).await;
        let (seen, hidden) = (workspace.project("Seen", &["main"]).await, workspace.project("Hidden", &["main"]).await);
        workspace.grant(&tess, json!({ "actions": ["view_projects"], "projects": [seen] })).await;
        let path = workspace.path(&format!("/events?view_as={}", tess.id));
        let client = &otto.person.client;
        let mut stream = Stream::open(client, client.request(Method::GET, &path, None)).await;
        for project in [&hidden, &seen] {
            let path = workspace.path(&format!("/projects/{project}"));
            let _ = olga.client.patch(&path, json!({ "name": format!("{project}x") })).await.expect(200);
        }
        loop {
            let event = stream.until("changed").await;
            assert_ne!(event["resource"]["id"], json!(hidden));
            if event["resource"]["id"] == json!(seen) {
                break;
            }
        }
        workspace.grant(&tess, json!({})).await;
        let _ = stream.until("access_changed").await;
        let path = workspace.path(&format!("/members/{}", otto.id));
        let _ = olga.client.patch(&path, json!({ "role": "member" })).await.expect(200);
        assert_eq!(stream.end().await["code"], "view_as_read_only");
        for wrong in ["/events?view_as=tess", "/events?view_as=", "/events?view%5Fas=tess"] {
            let answer = olga.client.get(&workspace.path(wrong)).await;
            assert!(matches!(answer.status.as_u16(), 404 | 422), "{wrong}: {}", answer.text);
        }
        for path in [
            workspace.path(&format!("/jobs?view_as={}", tess.id)), workspace.path(&format!("?view_as={}", tess.id)),
            workspace.path("?view%5Fas=tess"), "/api/v1/me?view_as".to_owned(), "/api/v1/health?a=b&view_as=".to_owned(),
        ] {
            let refused = olga.client.get(&path).await.expect(403);
            assert_eq!(refused.code().unwrap(), "view_as_read_only", "{path}");
            let _ = world.nobody().get(&path).await.expect(if path.contains("health") { 403 } else { 401 });
        }
    }
}
