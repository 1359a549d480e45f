//! What goes on without the agent, and comes back.

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stoa_agent::protocol::{BeginDeployment, Event, Mode};
use stoa_domain::JobId;

use super::shop::{
    Heart, address, alone, back_up, beside, commit, notes, parts, restore_of, says, server, until_step, write,
};
use crate::support::house::{House, id, succeeded};
use crate::support::{PATIENCE, until};

#[test]
fn the_database_goes_on_without_the_agent_and_comes_back_after_a_crash() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let (url, before) = alone(async {
        let machine = house.machine().await;
        assert!(succeeded(&house.deploy(&machine, commit(&house, "one")).await));
        write(&house, &machine, "first").await;
        (address(&house, &machine).await, server(&house).unwrap())
    });
    // Another agent on the same folder finds what goes on.
    alone(async {
        let machine = house.machine().await;
        assert_eq!(server(&house), Some(before));
        assert_eq!(notes(&house, &machine).await, "first");
        // A new sandbox, a new release: the same database.
        let begun = machine.client.restart(house.order(), house.instance, Mode::Hard).await;
        assert!(succeeded(&machine.outcome(begun).await));
        assert!(succeeded(&house.deploy(&machine, commit(&house, "two")).await));
        let now = address(&house, &machine).await;
        assert_eq!((parts(&now).0, notes(&house, &machine).await), (parts(&url).0, "first".into()));

        kill(Pid::from_raw(before), Signal::SIGKILL).unwrap();
        until("the database answers again", async || {
            (notes(&house, &machine).await == "first").then_some(())
        })
        .await;
        assert_ne!(server(&house), Some(before));

        // Of a version that isn't installed any more: said, and what runs goes on.
        machine.agent.stop_all().await.unwrap();
        assert_eq!(server(&house), None);
        let version = place.path().join("state/postgresql/base/cluster/PG_VERSION");
        let kept = std::fs::read(&version).unwrap();
        std::fs::write(&version, "14\n").unwrap();
        let event = house.deploy(&machine, commit(&house, "three")).await;
        let sentence = "The server's databases are of PostgreSQL 14, which isn't installed any more. Install it: apt-get install postgresql-14.";
        assert!(matches!(&event, Event::Failed { sentence: said, .. } if said == sentence), "{event:?}");
        std::fs::write(&version, kept).unwrap();
        let begun = machine.client.start(house.order(), house.instance).await;
        assert!(succeeded(&machine.outcome(begun).await));
        assert_eq!(notes(&house, &machine).await, "first");
        machine.agent.stop_all().await.unwrap();

        // Whatever of another one is still at work on its files, they are its own.
        let lock = std::fs::File::open(place.path().join("state/postgresql/alone/lock")).unwrap();
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno).unwrap();
        let event = house.deploy(&machine, commit(&house, "four")).await;
        let sentence = "The server's PostgreSQL can't be started: another one is still at work on its files.";
        assert!(matches!(&event, Event::Failed { sentence: said, .. } if said == sentence), "{event:?}");
        drop(lock);
        let event = house.deploy(&machine, commit(&house, "five")).await;
        assert!(succeeded(&event), "{event:?}");
        let lock = std::fs::File::open(place.path().join("state/postgresql/alone/lock")).unwrap();
        assert!(Flock::lock(lock, FlockArg::LockExclusiveNonblock).is_err(), "it holds it while it runs");
        machine.agent.stop_all().await.unwrap();
    });
}

#[test]
fn an_agent_that_starts_doesnt_wait_for_a_database_that_doesnt_come() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let (plain, third) = (beside(&house, 1), beside(&house, 2));
    alone(async {
        let machine = house.machine().await;
        assert!(succeeded(&house.deploy(&machine, commit(&house, "one")).await));
        write(&house, &machine, "first").await;
        assert!(succeeded(&plain.deploy(&machine, plain.commit("plain", &[])).await));
        machine.agent.stop_all().await.unwrap();
    });
    let heart = Heart::of(&house);
    heart.take_out();
    alone(async {
        let machine = tokio::time::timeout(PATIENCE, house.machine()).await.expect("it starts");
        // Who needs none is as ever.
        until("the other answers", async || {
            plain.get(&machine, "/run").await.ok().filter(|answer| answer.starts_with("plain"))
        })
        .await;
        assert!(succeeded(&plain.deploy(&machine, plain.commit("again", &[])).await));
        // Who needs one waits, and may be told not to.
        third.put(&machine).await;
        let wanted = commit(&third, "one");
        third.bring(&machine, &wanted).await;
        let wanted = BeginDeployment { deployment: id(), release: id(), commit: wanted.to_string() };
        let begun = machine.client.deploy(third.order(), third.instance, &wanted).await.unwrap();
        until_step(&machine, &begun, "database").await;
        machine.client.cancel(third.order(), JobId::new(begun.id)).await.unwrap();
        let event = tokio::time::timeout(PATIENCE, machine.outcome(Ok(begun))).await.unwrap();
        assert_eq!(event, Event::Cancelled);
        heart.put_back();
        until("the database answers", async || {
            house.get(&machine, "/run").await.ok().filter(|answer| answer == "one")
        })
        .await;
        assert_eq!(notes(&house, &machine).await, "first");
        machine.agent.stop_all().await.unwrap();
    });
}

#[test]
fn a_restore_that_is_cut_off_is_taken_back_whole_though_the_database_comes_later() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let data = place.path().join("state/data").join(house.instance.to_string());
    let note = || std::fs::read_to_string(data.join("note")).unwrap();
    alone(async {
        let machine = house.machine().await;
        let first = commit(&house, "one");
        assert!(succeeded(&house.deploy(&machine, first.clone()).await));
        // It isn't well with what is brought back: so the restore stays for a while where both are exchanged.
        write(&house, &machine, "ill").await;
        std::fs::write(data.join("note"), "ill").unwrap();
        let ill = back_up(&house, &machine).await;
        assert_eq!(says(&house, &machine, "DELETE FROM notes").await, "DELETE 1");
        write(&house, &machine, "now").await;
        std::fs::write(data.join("note"), "now").unwrap();
        let wanted = restore_of(&house, ill, &first);
        let begun = machine.client.restore(house.order(), house.instance, &wanted).await.unwrap();
        until_step(&machine, &begun, "health").await;
        assert_eq!(note(), "ill", "it is exchanged");
    });
    kill(Pid::from_raw(server(&house).unwrap()), Signal::SIGKILL).unwrap();
    let heart = Heart::of(&house);
    heart.take_out();
    alone(async {
        let machine = tokio::time::timeout(PATIENCE, house.machine()).await.expect("it starts");
        assert_eq!(machine.agent.count_running(), 0, "nothing runs on half of each");
        heart.put_back();
        until("what was there before runs again", async || {
            house.get(&machine, "/run").await.ok().filter(|answer| answer == "one")
        })
        .await;
        assert_eq!((notes(&house, &machine).await, note()), ("now".into(), "now".into()));
        let databases = "SELECT count(*) FROM pg_database WHERE datname LIKE 'i\\_%'";
        assert_eq!(says(&house, &machine, databases).await, "1", "nothing stands aside any more");
        machine.agent.stop_all().await.unwrap();
    });
}
