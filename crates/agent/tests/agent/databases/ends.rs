//! What goes on in a database ends with its instance, and nobody is let in then.

use stoa_agent::protocol::{InstanceState, WantedLimits};

use super::shop::{alone, begin, beside, commit, notes, role, says, write};
use crate::support::desk::Desk;
use crate::support::house::{House, Machine, succeeded};
use crate::support::until;

/// How many sessions a role has, and whether it is let in, as another instance sees it.
async fn seen(other: &House, machine: &Machine, role: &str) -> String {
    let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'");
    let lets_in = format!("SELECT rolcanlogin FROM pg_roles WHERE rolname = '{role}'");
    format!("{} {}", says(other, machine, &sessions).await, says(other, machine, &lets_in).await)
}

#[tokio::test]
async fn what_a_stopped_application_began_in_its_database_ends_with_it() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let other = beside(&house, 1);
    let machine = house.machine().await;
    let first = commit(&house, "one");
    assert!(succeeded(&house.deploy(&machine, first.clone()).await));
    assert!(succeeded(&other.deploy(&machine, commit(&other, "one")).await));
    write(&house, &machine, "kept").await;
    let own = role(&house, &machine).await;
    begin(&house, &machine, "SELECT pg_sleep(3600)", 3).await;
    until("they go on", async || (seen(&other, &machine, &own).await == "3 t").then_some(())).await;
    let begun = machine.client.stop(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(begun).await));
    assert_eq!(seen(&other, &machine, &own).await, "0 f");

    // A desk that is opened there has the database.
    let desk = Desk::open(&house, &machine, &first).await;
    assert_eq!(seen(&other, &machine, &own).await, "0 t");
    drop(desk);

    until("the desk is gone and nobody is let in", async || {
        let begun = machine.client.stop(house.order(), house.instance).await;
        assert!(succeeded(&machine.outcome(begun).await));
        (seen(&other, &machine, &own).await == "0 f").then_some(())
    })
    .await;

    let begun = machine.client.start(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(begun).await));
    assert_eq!(
        (notes(&house, &machine).await, seen(&other, &machine, &own).await),
        ("kept".into(), "0 t".into())
    );
    machine.agent.stop_all().await.unwrap();
}

#[test]
fn an_application_whose_database_grows_too_large_is_stopped_and_so_is_what_it_began() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let other = beside(&house, 1);
    alone(async {
        let machine = house.machine().await;
        for one in [&house, &other] {
            assert!(succeeded(&one.deploy(&machine, commit(one, "one")).await));
        }
        let own = role(&house, &machine).await;
        let mut form = house.form();
        form.limits = Some(WantedLimits { disk: Some(64 << 20), ..WantedLimits::default() });
        machine.client.put_instance(house.order(), house.instance, &form).await.unwrap();
        let fill = "DO $$ BEGIN FOR i IN 1..100000 LOOP \
                    INSERT INTO notes SELECT repeat(md5(random()::text), 30) FROM generate_series(1, 1000); \
                    PERFORM pg_sleep(0.1); END LOOP; END $$";
        begin(&house, &machine, fill, 1).await;
        let sentence = until("it is stopped", async || {
            let seen = machine.see(house.instance).await;
            seen.sentence.filter(|_| seen.state == InstanceState::Failed)
        })
        .await;
        assert_eq!(sentence, "Stopped: its data takes more than 64 MiB.");
        until("what it began has ended, and nobody is let in", async || {
            (seen(&other, &machine, &own).await == "0 f").then_some(())
        })
        .await;
        machine.agent.stop_all().await.unwrap();
    });
}
