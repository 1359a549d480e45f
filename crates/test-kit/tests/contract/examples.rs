//! Examples: what there is and what it needs, and all of one made by one call, or nothing of it.

use serde_json::{Value, json};
use stoa_app::ports::Programs;
use test_kit::on_both_databases;
use test_kit::world::{Person, Workspace, World};

const KEYS: [&str; 4] = ["guestbook", "shop", "notes", "site"];

async fn list(workspace: &Workspace<'_>, person: &Person) -> Vec<Value> {
    let answer = person.client.get(&workspace.path("/examples")).await.expect(200).json();
    answer["items"].as_array().unwrap().clone()
}

/// How many projects, instances, servers and repositories there are.
async fn counted(world: &World, workspace: &Workspace<'_>, owner: &Person) -> [usize; 4] {
    let mut found = [0; 4];
    for (place, noun) in ["projects", "instances", "servers"].iter().enumerate() {
        let list = owner.client.get(&workspace.path(&format!("/{noun}"))).await.expect(200).json();
        found[place] = list["items"].as_array().unwrap().len();
    }
    found[3] = world.repositories.projects().len();
    found
}

on_both_databases! {
    async fn one_call_makes_server_project_and_instance_and_begins_the_deployment(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let examples = list(&workspace, &olga).await;
        assert_eq!(examples.iter().map(|one| one["key"].as_str().unwrap()).collect::<Vec<_>>(), KEYS);
        for example in &examples {
            assert_eq!((&example["may"], &example["blocked"]), (&json!(["deploy"]), &json!({})), "{example}");
            assert!(example["needs"].as_array().unwrap().iter().all(|need| need["is_there"] == json!(true)), "{example}");
        }

        let path = workspace.path("/examples");
        let made = olga.client.post(&path, json!({ "example": "guestbook" })).await.expect(202);
        assert!(made.header("location").unwrap().contains("/jobs/"));
        let made = made.json();
        assert_eq!((&made["name"], &made["slug"], &made["stage"]), (&json!("Guestbook"), &json!("guestbook"), &json!("production")));
        assert_eq!((&made["status"], &made["branch"], &made["server"]["slug"]), (&json!("deploying"), &json!("main"), &json!("local")));
        assert_eq!((&made["job"]["kind"], &made["job"]["status"]), (&json!("deploy"), &json!("queued")));
        let project = olga.client.get(&workspace.path("/projects/guestbook")).await.expect(200).json();
        assert_eq!((&project["repository"]["has_commits"], &project["instances"]), (&json!(true), &json!(1)));
        let paths = world.repositories.begun(project["id"].as_str().unwrap().parse().unwrap());
        assert_eq!(paths, ["README.md", "app.py", "stoa.toml"]);
        world.drain().await;
        let now = olga.client.get(&workspace.path("/instances/guestbook")).await.expect(200).json();
        assert_eq!(now["status"], json!("running"));
        // By whom, and as what, like a deployment of one's own.
        let deployments = olga.client.get(&workspace.path("/instances/guestbook/deployments")).await.expect(200).json();
        assert_eq!((&deployments["items"][0]["cause"], &deployments["items"][0]["started_by"]["name"]), (&json!("create"), &json!("Olga Owner")));
        let log = olga.client.get(&workspace.path("/audit?limit=200")).await.expect(200).json();
        let said: Vec<&str> = log["items"].as_array().unwrap().iter().filter_map(|event| event["sentence"].as_str()).collect();
        assert!(said.contains(&"deployed the example Guestbook") && said.contains(&"added the server local"), "{said:?}");

        // Again is another one, and nothing is left of the first one's name to be in the way.
        let again = olga.client.post(&path, json!({ "example": "guestbook", "server": "local" })).await.expect(202).json();
        assert_eq!((&again["slug"], &again["project"]["slug"]), (&json!("guestbook-2"), &json!("guestbook-2")));
        assert_eq!(counted(&world, &workspace, &olga).await, [2, 2, 1, 2]);
    }

    async fn what_the_server_lacks_is_said_before_and_nothing_is_made(world: World) {
        world.machines.have_programs(Programs { python: true, ..Programs::default() });
        world.machines.lose_outgoing("slirp4netns isn't installed on this machine.");
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let examples = list(&workspace, &olga).await;
        let blocked: Vec<_> = examples.iter().map(|one| one["blocked"]["deploy"]["code"].as_str()).collect();
        assert_eq!(blocked, [None, Some("server_lacks"), Some("server_lacks"), None]);
        let there: Vec<_> = examples[1]["needs"].as_array().unwrap().iter().map(|need| need["is_there"].as_bool()).collect();
        assert_eq!(there, [Some(false); 3]);
        let node = &examples[2]["needs"][0];
        assert!(node["missing"].as_str().unwrap().contains("apt-get install nodejs npm"), "{node}");
        let refused = olga.client.post(&workspace.path("/examples"), json!({ "example": "shop" })).await.expect(409);
        assert_eq!(refused.code().as_deref(), Some("server_lacks"));
        for what in ["python3-venv", "apt-get install postgresql", "slirp4netns"] {
            assert!(refused.field("detail").contains(what), "{}", refused.text);
        }
        assert_eq!(counted(&world, &workspace, &olga).await, [0; 4]);
        let _ = olga.client.post(&workspace.path("/examples"), json!({ "example": "site" })).await.expect(202);
    }

    async fn where_a_step_fails_nothing_is_there_and_it_can_be_asked_for_again(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/examples");
        let wish = || json!({ "example": "notes" });
        for (wrong, status, code) in [
            (json!({ "example": "wiki" }), 422, "invalid"),
            (json!({}), 422, "invalid"),
            (json!({ "example": "notes", "branch": "main" }), 422, "invalid"),
            (json!({ "example": "notes", "server": "elsewhere" }), 404, "not_found"),
        ] {
            let answer = olga.client.post(&path, wrong).await.expect(status);
            assert_eq!(answer.code().as_deref(), Some(code));
        }
        assert_eq!(counted(&world, &workspace, &olga).await, [0; 4]);
        // The repository can't be made.
        world.repositories.fail_next(std::io::ErrorKind::PermissionDenied);
        let _ = olga.client.post(&path, wish()).await.expect(500);
        assert_eq!(counted(&world, &workspace, &olga).await, [0, 0, 1, 0]);
        // Its first commit stands, and whoever asked for it isn't an owner any more.
        let otto = workspace.member("Otto Owner").await;
        workspace.make_owner(&otto).await;
        let (is_reached, go) = world.repositories.pause_begin();
        let demoted = async {
            is_reached.await.unwrap();
            let member = workspace.path(&format!("/members/{}", otto.id));
            let _ = olga.client.patch(&member, json!({ "role": "member" })).await.expect(200);
            go.send(()).unwrap();
        };
        let (refused, ()) = tokio::join!(otto.person.client.post(&path, wish()), demoted);
        assert_eq!(refused.expect(403).code().as_deref(), Some("owner_required"));
        assert_eq!(counted(&world, &workspace, &olga).await, [0, 0, 1, 0]);
        let made = olga.client.post(&path, wish()).await.expect(202).json();
        assert_eq!((&made["slug"], &made["project"]["slug"]), (&json!("notes"), &json!("notes")));
        assert_eq!(counted(&world, &workspace, &olga).await, [1, 1, 1, 1]);
    }

    async fn owners_alone_see_and_deploy_them_and_administrators_alone_add_the_machine(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/examples");
        let mia = workspace.member("Mia Member").await;
        let all: Vec<&str> = stoa_domain::Action::ALL.iter().map(|action| action.key()).collect();
        workspace.grant(&mia, json!({ "actions": all })).await;
        let wish = || json!({ "example": "site" });
        assert_eq!(mia.person.client.get(&path).await.expect(403).code().as_deref(), Some("owner_required"));
        assert_eq!(mia.person.client.post(&path, wish()).await.expect(403).code().as_deref(), Some("owner_required"));

        workspace.make_owner(&mia).await;
        let examples = list(&workspace, &mia.person).await;
        assert!(examples.iter().all(|one| one["blocked"]["deploy"]["code"] == json!("administrator_required")), "{examples:?}");
        let refused = mia.person.client.post(&path, wish()).await.expect(403);
        assert_eq!(refused.code().as_deref(), Some("administrator_required"));
        assert_eq!(counted(&world, &workspace, &olga).await, [0; 4]);
        let server = workspace.server().await;
        let examples = list(&workspace, &mia.person).await;
        assert!(examples.iter().all(|one| one["blocked"] == json!({})), "{examples:?}");
        let made = mia.person.client.post(&path, wish()).await.expect(202).json();
        assert_eq!((made["server"]["id"].as_str(), &made["name"]), (Some(server.as_str()), &json!("Site")));
        assert_eq!(counted(&world, &workspace, &olga).await, [1, 1, 1, 1]);
    }
}
