//! Logs: what is asked wrongly, and what comes of it.

use serde_json::json;
use stoa_app::ports::LogLine;
use stoa_domain::Timestamp;
use test_kit::on_both_databases;

fn line(at: i64, text: &str) -> LogLine {
    LogLine {
        position: format!("1-{at}"),
        at: Timestamp::from_micros(at),
        stream: "stdout".to_owned(),
        level: Some("info".to_owned()),
        text: text.to_owned(),
    }
}

on_both_databases! {
    async fn what_is_asked_wrongly_of_a_log_is_told_by_its_field(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let path = workspace.path(&format!("/instances/{instance}/logs"));
        let long = "x".repeat(1001);
        for (asked, field) in [
            ("?source=mail".to_owned(), "source"),
            ("?source=deployment".to_owned(), "deployment"),
            (format!("?source=proxy&deployment={instance}"), "deployment"),
            ("?limit=0".to_owned(), "limit"),
            ("?limit=10001".to_owned(), "limit"),
            ("?level=loud".to_owned(), "level"),
            ("?level=".to_owned(), "level"),
            ("?level=error,error,error,error,error".to_owned(), "level"),
            (format!("?q={long}"), "q"),
            ("?since=2026-11-26T12:00:00Z&until=2026-11-26T11:00:00Z".to_owned(), "until"),
            ("?after=nowhere".to_owned(), "after"),
            ("?before=1-".to_owned(), "before"),
            ("?from=1-%2B2".to_owned(), "from"),
            ("?to=99999999999999999999-1".to_owned(), "to"),
            ("?from=1-18446744073709551615".to_owned(), "from"),
            ("/outline?from=1-1000000000000001".to_owned(), "from"),
            ("?after=1-0&before=1-9".to_owned(), "from"),
            ("?follow=true&to=1-9".to_owned(), "follow"),
            (format!("/outline?find={long}"), "find"),
            ("/outline?before=x".to_owned(), "before"),
            ("/download?form=pdf".to_owned(), "form"),
            ("/download?level=loud".to_owned(), "level"),
        ] {
            let refused = olga.client.get(&format!("{path}{asked}")).await.expect(422).json();
            assert_eq!(refused["errors"][0]["field"], json!(field), "{asked}: {refused}");
        }
    }

    async fn a_log_is_outlined_and_downloaded_as_it_is_read(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        for at in 0..3 {
            world.machines.write_line(instance, line(at, &format!("line {at}")));
        }
        let path = workspace.path(&format!("/instances/{instance}/logs"));
        let told = olga.client.get(&format!("{path}/outline?find=line%202")).await.expect(200).json();
        assert_eq!((&told["lines"], &told["found"], &told["position"]), (&json!(3), &json!([2]), &json!("1-0")));
        assert_eq!(told["levels"], json!({ "error": 0, "warn": 0, "info": 3, "debug": 0 }));
        let file = olga.client.get(&format!("{path}/download")).await.expect(200);
        assert_eq!(file.headers["content-disposition"], "attachment; filename=\"application-log.txt\"");
        assert_eq!(file.headers["x-content-type-options"], "nosniff");
        assert_eq!(file.text.lines().count(), 3);
        assert!(file.text.starts_with("1970-01-01T00:00:00.000Z info stdout line 0\n"), "{}", file.text);
        let file = olga.client.get(&format!("{path}/download?form=ndjson&source=proxy")).await.expect(200);
        assert_eq!(file.headers["content-disposition"], "attachment; filename=\"proxy-log.ndjson\"");
        assert!(file.text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));

        let otto = workspace.member("Otto Other").await;
        workspace.grant(&otto, json!({ "actions": ["restart_instances"], "instances": [instance.to_string()] })).await;
        for what in ["", "/outline", "/download"] {
            let _ = otto.person.client.get(&format!("{path}{what}")).await.expect(403);
        }
        workspace.grant(&otto, json!({ "actions": ["view_logs"], "instances": [instance.to_string()] })).await;
        for what in ["", "/outline", "/download"] {
            let _ = otto.person.client.get(&format!("{path}{what}")).await.expect(200);
        }
    }

    async fn a_log_is_read_without_what_has_become_secret_since(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let other = workspace.instance(&project, &server, "Other", "staging", "main").await;
        let path = workspace.path(&format!("/instances/{instance}"));
        let set = |is_secret: bool| {
            json!({ "environment": [{ "name": "KEY", "value": "was-in-the-open", "secret": is_secret }] })
        };
        let _ = olga.client.put(&format!("{path}/environment"), set(false)).await.expect(200);
        let _ = olga.client.get(&format!("{path}/logs")).await.expect(200);
        assert_eq!(world.machines.secrets_of(instance), Some(Vec::new()));
        // By whoever changes it, at once: lines may be on their way.
        let _ = olga.client.put(&format!("{path}/environment"), set(true)).await.expect(200);
        assert_eq!(world.machines.secrets_of(instance), Some(vec!["was-in-the-open".to_owned()]));
        let settings = json!({ "environment": [{ "name": "NEW", "value": "by-the-settings", "secret": true }] });
        let _ = olga.client.patch(&format!("{path}/settings"), settings).await.expect(200);
        assert_eq!(world.machines.secrets_of(instance), Some(vec!["by-the-settings".to_owned()]));
        // A machine that has forgotten it is told before it reads, whatever of the log is asked.
        for what in ["", "/outline", "/download"] {
            world.machines.forget_secrets();
            let _ = olga.client.get(&format!("{path}/logs{what}")).await.expect(200);
            assert_eq!(world.machines.secrets_of(instance), Some(vec!["by-the-settings".to_owned()]), "{what}");
        }
        assert_eq!(world.machines.secrets_of(other), None);
    }

    async fn secrets_are_bounded_together(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let path = workspace.path(&format!("/instances/{instance}/environment"));
        let long = "k".repeat(32 * 1024);
        let variables = |count: usize, secret: bool, value: Option<&str>| {
            let one = |at| json!({ "name": format!("KEY_{at}"), "value": value, "secret": secret });
            (0..count).map(one).collect::<Vec<_>>()
        };
        let put = |all: Vec<serde_json::Value>| olga.client.put(&path, json!({ "environment": all }));
        let _ = put(variables(12, false, Some(&long))).await.expect(200);
        let _ = put(variables(7, true, Some(&long))).await.expect(200);
        // Those that are kept count too.
        let mut more = variables(7, true, None);
        more.push(json!({ "name": "ONE_MORE", "value": &long, "secret": true }));
        let refused = put(more).await.expect(422).json();
        assert_eq!(refused["errors"][0]["code"], "too_large", "{refused}");
        let _ = put(variables(7, true, None)).await.expect(200);
    }
}
