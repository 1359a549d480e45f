//! An agent with a real repository, real builds and real applications.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command as Program;

use stoa_agent::protocol::{Event, InstanceState, Mode, Order, Valid};
use stoa_domain::JobId;
use support::house::{House, succeeded};
use support::until;
use tokio::runtime::Runtime;

#[tokio::test]
async fn what_fails_leaves_the_earlier_release_running() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let progress = house.deploy(&machine, house.commit("first", &[])).await;
    assert!(succeeded(&progress), "{progress:?}");
    let first = house.get(&machine, "/").await.unwrap();
    assert!(first.starts_with("first ") && first.ends_with(" hello"), "{first}");

    let Event::Failed { code, sentence, quote } =
        house.deploy(&machine, house.commit("second", &["broken"])).await
    else {
        panic!("a broken build went through")
    };
    assert!(sentence.contains("status 3"), "{code} {sentence} {quote:?}");
    assert!(quote.unwrap_or_default().contains("it is broken") || sentence.contains("it is broken"));
    assert_eq!(house.get(&machine, "/").await.unwrap(), first);

    let Event::Failed { sentence, .. } = house.deploy(&machine, house.commit("unwell", &[])).await else {
        panic!("an unwell release went through")
    };
    assert_eq!(sentence, "`/` answered 500.");
    assert_eq!(house.get(&machine, "/").await.unwrap(), first, "the same process answers");

    assert!(succeeded(&house.deploy(&machine, house.commit("third", &[])).await));
    assert!(house.get(&machine, "/").await.unwrap().starts_with("third "));
    let restarted = machine.client.restart(house.order(), house.instance, Mode::Hard).await;
    assert!(succeeded(&machine.outcome(restarted).await));
    assert!(house.get(&machine, "/").await.unwrap().starts_with("third "));
    let stopped = machine.client.stop(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(stopped).await));
    assert_eq!(machine.see(house.instance).await.state, InstanceState::Stopped);
    assert!(house.get(&machine, "/").await.is_err());
    let deleted = machine.client.delete_instance(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(deleted).await));
    assert_eq!(machine.client.instances().await.unwrap(), []);
    let left = walk(&house.place.join("state"), &house.instance.to_string());
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_is_started_runs_when_it_answers_and_not_before() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    assert!(succeeded(&house.deploy(&machine, house.commit("first", &[])).await));
    let first = house.get(&machine, "/fine").await.unwrap();
    let unwell = house.place.join("state/data").join(house.instance.to_string()).join("unwell");
    std::fs::write(&unwell, "").unwrap();
    // Its process is there; and then it isn't.
    for stop in [false, true] {
        if stop {
            let stopped = machine.client.stop(house.order(), house.instance).await;
            assert!(succeeded(&machine.outcome(stopped).await));
        }
        let started = machine.client.start(house.order(), house.instance).await;
        let Event::Failed { code, sentence, .. } = machine.outcome(started).await else {
            panic!("what answers badly was started")
        };
        assert_eq!((code.as_str(), sentence.as_str()), ("unhealthy", "`/` answered 500."));
        let seen = machine.see(house.instance).await;
        assert_eq!(
            (seen.state, seen.sentence.as_deref()),
            (InstanceState::Failed, Some("`/` answered 500."))
        );
        // What ran before is looked after as before; what was started in vain is ended.
        let there = house.get(&machine, "/fine").await.ok();
        assert_eq!(there, (!stop).then(|| first.clone()));
    }
    std::fs::remove_file(&unwell).unwrap();
    for _ in 0..2 {
        let started = machine.client.start(house.order(), house.instance).await;
        assert!(succeeded(&machine.outcome(started).await));
        assert_eq!(machine.see(house.instance).await.state, InstanceState::Running);
    }
    machine.agent.stop_all().await.unwrap();
}

/// Starting it again goes on for as long as `health.start_time` says, which is longer here than an order may wait.
#[tokio::test]
async fn who_wants_it_stopped_doesnt_wait_for_what_is_started_again_in_vain() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let progress = house.deploy(&machine, house.commit("once", &[])).await;
    assert!(succeeded(&progress), "{progress:?}");
    let process = machine.see(house.instance).await.process.unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(process), nix::sys::signal::SIGKILL).unwrap();
    until("it is started again", async || {
        (machine.see(house.instance).await.state == InstanceState::Starting).then_some(())
    })
    .await;
    let stop = Order { valid: Valid::from_millis(20_000).unwrap(), ..house.order() };
    let stopped = machine.outcome(machine.client.stop(stop, house.instance).await).await;
    assert!(succeeded(&stopped), "{stopped:?}");
    let seen = machine.see(house.instance).await;
    assert_eq!((seen.state, seen.sentence), (InstanceState::Stopped, None), "as somebody wished");

    // A restart that is taken back before it runs again leaves nothing that runs, and says why.
    let restart = machine.client.restart(house.order(), house.instance, Mode::Hard).await.unwrap();
    let is_begun = async || {
        let seen = machine.see(house.instance).await.state;
        matches!(seen, InstanceState::Starting | InstanceState::Waiting).then_some(())
    };
    until("it is restarted", is_begun).await;
    machine.client.cancel(house.order(), JobId::new(restart.id)).await.unwrap();
    assert_eq!(machine.outcome(Ok(restart)).await, Event::Cancelled);
    let seen = machine.see(house.instance).await;
    assert_eq!(seen.state, InstanceState::Stopped);
    assert!(seen.sentence.unwrap_or_default().contains("cancelled"));
}

fn walk(folder: &Path, name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| {
        let is_link = path.is_symlink();
        let mut found = if path.is_dir() && !is_link { walk(&path, name) } else { Vec::new() };
        if path.file_name().unwrap().to_string_lossy().contains(name) {
            found.push(path);
        }
        found
    };
    entries.flat_map(below).collect()
}

#[test]
fn an_agent_that_was_gone_finds_the_same_process_again() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let first = Runtime::new().unwrap();
    let before = first.block_on(async {
        let machine = house.machine().await;
        let progress = house.deploy(&machine, house.commit("first", &[])).await;
        assert!(succeeded(&progress), "{progress:?}");
        house.get(&machine, "/").await.unwrap()
    });
    // All of the agent ends here, without a word to anybody.
    first.shutdown_background();
    Runtime::new().unwrap().block_on(async {
        let machine = house.machine().await;
        assert_eq!(machine.see(house.instance).await.state, InstanceState::Running);
        assert_eq!(house.get(&machine, "/").await.unwrap(), before);
        assert_eq!(machine.agent.stop_all().await.unwrap(), 1);
    });
}

/// A small disk of its own.
struct Disk(tempfile::TempDir);

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Program::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn an_application_that_fills_the_disk_is_stopped() {
    if support::need::lacks("root", nix::unistd::geteuid().is_root()) {
        return;
    }
    let disk = Disk(tempfile::tempdir().unwrap());
    let mount = ["-t", "tmpfs", "-o", "size=1300m", "tmpfs"];
    assert!(Program::new("mount").args(mount).arg(disk.0.path()).status().unwrap().success());
    let house = House::new(disk.0.path());
    let machine = house.machine().await;
    let progress = house.deploy(&machine, house.commit("first", &[])).await;
    assert!(succeeded(&progress), "{progress:?}");
    // Some more, by somebody else, so that what the application writes is what is too much.
    std::fs::write(disk.0.path().join("other"), vec![0_u8; 450 << 20]).unwrap();
    let asked = house.get(&machine, "/fill").await;
    let phase = until("it is stopped", async || {
        let seen = machine.see(house.instance).await;
        seen.sentence.filter(|_| seen.state == InstanceState::Failed)
    })
    .await;
    assert_eq!(phase, "Stopped: it was filling the server's disk.", "{asked:?}");
    until("it has ended", async || (machine.agent.count_running() == 0).then_some(())).await;
}
