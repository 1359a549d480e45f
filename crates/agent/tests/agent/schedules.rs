//! What is run at its times: in a real sandbox, beside the application, by the minute.

use std::time::Duration;

use futures_util::StreamExt as _;
use stoa_agent::protocol::{LogQuery, ProcessesView, RunOutcome, RunView};
use stoa_domain::branch::CommitId;

use crate::support::house::{House, Machine, git, succeeded};

/// A minute has to begin, and more than one where a second run is waited for.
const MINUTES: Duration = Duration::from_secs(240);

const SETTINGS: &str = r#"
[run]
command = ["python3", "app.py"]
stop_time = "1s"
[schedules.greet]
command = ["sh", "-c", "echo \"says $GREETING\"; echo done >> /data/greeted"]
cron = "* * * * *"
[schedules.fail]
command = ["sh", "-c", "exit 3"]
cron = "* * * * *"
[schedules.limited]
command = ["sleep", "1000"]
cron = "* * * * *"
time_limit = "1s"
[schedules.slow]
command = ["sleep", "1000"]
cron = "* * * * *"
[schedules.nothing]
command = ["not-a-program"]
cron = "* * * * *"
[schedules.later]
command = ["true"]
cron = "0 0 29 2 *"
"#;

fn commit(house: &House, version: &str) -> CommitId {
    house.commit(version, &[]);
    std::fs::write(house.repository.join("stoa.toml"), SETTINGS).unwrap();
    git(&house.repository, &["add", "--all"]);
    git(&house.repository, &["commit", "--quiet", "--message", "with schedules"]);
    CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap()
}

fn runs(seen: &ProcessesView, name: &str) -> Vec<RunView> {
    let schedule = seen.schedules.iter().find(|schedule| schedule.name == name);
    schedule.map(|schedule| schedule.runs.clone()).unwrap_or_default()
}

async fn until(
    house: &House,
    machine: &Machine,
    what: &str,
    is_so: impl Fn(&ProcessesView) -> bool,
) -> ProcessesView {
    let looking = async {
        loop {
            let seen = machine.client.processes(house.instance).await.unwrap();
            if is_so(&seen) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    match tokio::time::timeout(MINUTES, looking).await {
        Ok(seen) => seen,
        Err(_) => panic!("not within minutes: {what}; {:?}", machine.client.processes(house.instance).await),
    }
}

async fn log(house: &House, machine: &Machine) -> Vec<(String, String)> {
    let lines = machine.client.logs(house.instance, &LogQuery::default()).await.unwrap();
    lines.map(|line| line.map(|line| (line.stream, line.text)).unwrap()).collect().await
}

#[tokio::test]
async fn what_is_run_at_its_times_is_never_run_twice_at_once_and_ends_with_its_release() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let event = house.deploy(&machine, commit(&house, "one")).await;
    assert!(succeeded(&event), "{event:?}");
    let seen = machine.client.processes(house.instance).await.unwrap();
    assert_eq!(seen.processes.len(), 1);
    assert!(seen.processes[0].is_running && seen.processes[0].began.is_some(), "{seen:?}");
    let later = seen.schedules.iter().find(|schedule| schedule.name == "later").unwrap();
    assert_eq!((later.cron.as_str(), later.runs.len()), ("0 0 29 2 *", 0));
    assert!(later.next.is_some());

    let ended = |name: &'static str| {
        move |seen: &ProcessesView| runs(seen, name).iter().any(|run| run.ended.is_some())
    };
    let seen = until(&house, &machine, "a run that is out of time", ended("limited")).await;
    let last = |name: &str| runs(&seen, name).pop().map(|run| (run.outcome, run.end));
    assert_eq!(last("greet"), Some((Some(RunOutcome::Succeeded), Some("status 0".to_owned()))));
    assert_eq!(last("fail"), Some((Some(RunOutcome::Failed), Some("status 3".to_owned()))));
    let told = Some((Some(RunOutcome::OutOfTime), Some("it took longer than 1 s".to_owned())));
    assert_eq!(last("limited"), told);
    assert_eq!(last("slow"), Some((None, None)), "it goes on");
    let (outcome, end) = last("nothing").unwrap();
    assert_eq!(outcome, Some(RunOutcome::Failed));
    assert!(end.unwrap().starts_with("can't be started: "));
    let lines = log(&house, &machine).await;
    let has = |stream: &str, text: &str| lines.iter().any(|(of, said)| of == stream && said == text);
    assert!(has("greet:stdout", "says hello"), "{lines:?}");
    assert!(has("stoa", "The schedule fail ended (status 3)"), "{lines:?}");

    // Each minute the one is run again; the one that goes on isn't.
    let twice = |seen: &ProcessesView| runs(seen, "greet").len() > 1;
    let seen = until(&house, &machine, "a second run", twice).await;
    assert_eq!(runs(&seen, "slow").len(), 1, "never two of one name");
    let skipped = ("stoa".to_owned(), "The schedule slow still runs: this time it isn't run".to_owned());
    assert!(log(&house, &machine).await.contains(&skipped));

    // Another release: what goes on ends with the one that it is of; what was run is remembered.
    let event = house.deploy(&machine, commit(&house, "two")).await;
    assert!(succeeded(&event), "{event:?}");
    let stopped =
        |seen: &ProcessesView| runs(seen, "slow").iter().any(|run| run.outcome == Some(RunOutcome::Stopped));
    let seen = until(&house, &machine, "the end of what went on", stopped).await;
    assert!(runs(&seen, "greet").len() > 1);
    let again = |seen: &ProcessesView| runs(seen, "slow").iter().any(|run| run.ended.is_none());
    let seen = until(&house, &machine, "a run of the new release", again).await;
    assert_eq!(runs(&seen, "slow").len(), 2);

    // Stopped: nothing goes on, nothing is to come.
    let begun = machine.client.stop(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(begun).await));
    let seen = machine.client.processes(house.instance).await.unwrap();
    assert_eq!(seen.processes, []);
    assert!(seen.schedules.iter().all(|one| one.next.is_none()));
    assert!(seen.schedules.iter().flat_map(|one| &one.runs).all(|run| run.ended.is_some()), "{seen:?}");

    // Kept beyond the agent's own end.
    drop(machine);
    let machine = house.machine().await;
    let kept = machine.client.processes(house.instance).await.unwrap();
    assert_eq!(kept.schedules, seen.schedules);

    let begun = machine.client.delete_instance(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(begun).await));
    assert!(std::fs::read_dir(place.path().join("state/schedules")).unwrap().next().is_none());
}
