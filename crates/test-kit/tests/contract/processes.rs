//! What runs of an instance, and what is run at its times: told to everybody who sees the instance.

use serde_json::json;
use stoa_app::ports::{InstanceProcess, InstanceProcesses, InstanceSchedule, RunOutcome, ScheduleRun};
use stoa_domain::Timestamp;
use test_kit::on_both_databases;

fn running() -> InstanceProcesses {
    let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
    let process = |name: Option<&str>| InstanceProcess {
        name: name.map(str::to_owned),
        is_running: true,
        began: Some(at(60)),
        ends: 0,
        last_end: None,
    };
    let ended = |outcome, end: &str| ScheduleRun {
        began: at(3600),
        ended: Some(at(3605)),
        outcome: Some(outcome),
        end: Some(end.to_owned()),
    };
    let goes_on = ScheduleRun { began: at(7200), ended: None, outcome: None, end: None };
    let schedule = InstanceSchedule {
        name: "tidy".to_owned(),
        cron: "0 * * * *".to_owned(),
        next_at: Some(at(10_800)),
        runs: vec![
            goes_on,
            ended(RunOutcome::Failed, "status 3"),
            ended(RunOutcome::OutOfTime, "it took longer than 5 s"),
        ],
    };
    InstanceProcesses { processes: vec![process(None), process(Some("worker"))], schedules: vec![schedule] }
}

on_both_databases! {
    async fn processes_and_schedules_are_told_to_whoever_sees_the_instance(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        let instance = workspace.instance(&project, &server, "Shop", "staging", "main").await;
        let path = workspace.path(&format!("/instances/{instance}/processes"));
        let seen = olga.client.get(&path).await.expect(200).json();
        assert_eq!(seen, json!({ "processes": [], "schedules": [] }));

        world.machines.run(instance, running());
        let mia = workspace.member("Mia Member").await;
        let _ = mia.person.client.get(&path).await.expect(404);
        workspace.grant(&mia, json!({ "instances": [instance.to_string()] })).await;
        let seen = mia.person.client.get(&path).await.expect(200).json();
        let of_application = json!({ "name": null, "is_running": true, "began_at": "1970-01-01T00:01:00.000Z", "ends": 0, "last_end": null });
        assert_eq!((&seen["processes"][0], &seen["processes"][1]["name"]), (&of_application, &json!("worker")));
        let schedule = &seen["schedules"][0];
        assert_eq!((&schedule["name"], &schedule["cron"], &schedule["next_at"]), (&json!("tidy"), &json!("0 * * * *"), &json!("1970-01-01T03:00:00.000Z")));
        assert_eq!(schedule["runs"][0], json!({ "began_at": "1970-01-01T02:00:00.000Z", "ended_at": null, "outcome": null, "end": null }));
        assert_eq!(schedule["runs"][1]["outcome"], json!("failed"));
        assert_eq!((&schedule["runs"][2]["outcome"], &schedule["runs"][2]["end"]), (&json!("out_of_time"), &json!("it took longer than 5 s")));
    }
}
