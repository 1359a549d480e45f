//! How much was used when: by whom it is seen, and what is told of what wasn't measured.

use serde_json::{Value, json};
use test_kit::on_both_databases;

fn last(figures: &Value) -> &Value {
    figures.as_array().unwrap().last().unwrap()
}

on_both_databases! {
    async fn figures_are_of_the_range_that_is_asked_and_gaps_are_told_as_gaps(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        for (path, name) in [(format!("/servers/{server}/metrics"), "server"), (format!("/instances/{instance}/metrics"), "instance")] {
            let path = workspace.path(&path);
            for (asked, range, step, points) in [("", "day", 120, 720), ("?range=hour", "hour", 10, 360), ("?range=day", "day", 120, 720), ("?range=week", "week", 900, 672)] {
                let told = olga.client.get(&format!("{path}{asked}")).await.expect(200).json();
                assert_eq!((&told["range"], &told["step"]), (&json!(range), &json!(step)), "{name} {asked}");
                for series in ["processor", "memory", "disk"] {
                    let figures = told[series].as_array().unwrap();
                    assert_eq!(figures.len(), points, "{name} {asked} {series}");
                    let nulls = figures.iter().filter(|figure| figure.is_null()).count();
                    assert_eq!((nulls, figures[points - 2].as_f64()), (points - 2, Some(0.0)), "a gap is no zero, and zero no gap");
                }
            }
            for asked in ["?range=year", "?range=", "?range=HOUR"] {
                let refused = olga.client.get(&format!("{path}{asked}")).await.expect(422).json();
                assert_eq!(refused["errors"][0]["field"], json!("range"), "{asked}");
            }
            let _ = olga.client.get(&format!("{path}?step=1")).await.expect(422);
        }
        let told = olga.client.get(&workspace.path(&format!("/servers/{server}/metrics"))).await.expect(200).json();
        assert_eq!((last(&told["processor"]), last(&told["received"]), last(&told["sent"])), (&json!(12.5), &json!(1500), &json!(700)));
        assert_eq!((&told["processors"], &told["whole_memory"], &told["whole_disk"]), (&json!(2), &json!(8_u64 << 30), &json!(100_u64 << 30)));
        let told = olga.client.get(&workspace.path(&format!("/instances/{instance}/metrics"))).await.expect(200).json();
        assert_eq!((last(&told["processor"]), last(&told["requests"]), last(&told["errors"])), (&json!(25.5), &json!(150.0), &json!(3.0)));
        assert_eq!(told["most"], json!({ "processor": 50.0, "memory": 1 << 30, "disk": 20_u64 << 30 }));
    }

    async fn who_sees_a_thing_sees_its_figures_and_nobody_else(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let of_server = workspace.path(&format!("/servers/{server}/metrics"));
        let of_instance = workspace.path(&format!("/instances/{instance}/metrics"));
        let otto = workspace.member("Otto Other").await;
        let client = &otto.person.client;
        let all = json!(["view_projects", "restart_instances", "connect_as_user", "merge_branches", "stop_instances", "delete_instances", "manage_backups", "view_logs", "use_ide", "manage_settings"]);
        let nobodys = workspace.path("/instances/01890a5d-ac96-774b-bcce-b302099a8057/metrics");
        workspace.grant(&otto, json!({ "actions": all })).await;
        for path in [&of_server, &of_instance] {
            let refused = client.get(path).await.expect(404);
            let never_there = client.get(&nobodys).await.expect(404);
            assert_eq!(refused.json()["detail"], never_there.json()["detail"]);
        }
        // Each alone: the one says nothing of the other.
        workspace.grant(&otto, json!({ "instances": [instance.to_string()] })).await;
        let told = client.get(&of_instance).await.expect(200);
        assert!(!told.text.contains(&server) && !told.text.contains("processors"), "how large the server is is the server's: {}", told.text);
        let _ = client.get(&of_server).await.expect(404);
        workspace.grant(&otto, json!({ "servers": [server] })).await;
        let _ = client.get(&of_server).await.expect(200);
        let _ = client.get(&of_instance).await.expect(404);
        workspace.grant(&otto, json!({})).await;
        for path in [&of_server, &of_instance] {
            let _ = client.get(path).await.expect(404);
        }
    }

    async fn a_server_that_doesnt_answer_is_told_as_that(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        world.machines.lose_metrics();
        for path in [format!("/servers/{server}/metrics"), format!("/instances/{instance}/metrics")] {
            let told = olga.client.get(&workspace.path(&path)).await.expect(503);
            assert_eq!(told.code().unwrap(), "server_away");
            assert!(told.json()["detail"].as_str().unwrap().contains("server doesn't answer"), "{}", told.text);
        }
    }

    async fn of_an_instance_that_was_never_deployed_nothing_is_known(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let body = json!({ "name": "Late", "project": project, "server": server, "stage": "staging", "branch": "main" });
        let made = olga.client.post(&workspace.path("/instances"), body).await.expect(202);
        let path = workspace.path(&format!("/instances/{}/metrics?range=week", made.field("id")));
        let told = olga.client.get(&path).await.expect(200).json();
        assert!(told["most"].is_null());
        for series in ["processor", "memory", "disk", "requests", "errors"] {
            let figures = told[series].as_array().unwrap();
            assert!(figures.len() == 672 && figures.iter().all(Value::is_null), "{series}");
        }
    }
}
