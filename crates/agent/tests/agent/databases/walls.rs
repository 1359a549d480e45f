//! What an instance reaches, and what it doesn't.

use std::process::Command as Program;

use futures_util::StreamExt as _;
use stoa_agent::protocol::{LogQuery, Mode};

use super::shop::{
    address, alone, back_up, beside, bring_back, commit, notes, parts, role, says, says_to, server, write,
};
use crate::support::house::{House, succeeded};
use crate::support::until;

#[tokio::test]
async fn each_instance_has_a_database_of_its_own_and_reaches_no_other() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let other = beside(&house, 1);
    let machine = house.machine().await;
    for one in [&house, &other] {
        let event = one.deploy(&machine, commit(one, "one")).await;
        assert!(succeeded(&event), "{event:?}");
    }
    write(&house, &machine, "mine").await;
    write(&other, &machine, "theirs").await;
    assert_eq!(
        (notes(&house, &machine).await, notes(&other, &machine).await),
        ("mine".into(), "theirs".into())
    );
    assert_eq!(says(&house, &machine, "SELECT count(*) FROM notes WHERE text = 'MINE'").await, "1", "citext");

    let (own, theirs) = (address(&house, &machine).await, address(&other, &machine).await);
    let ((role, password), (their_role, _)) = (parts(&own), parts(&theirs));
    let url = |role: &str, name: &str| format!("postgresql://{role}:{password}@/{name}?host=/run/postgresql");
    // By its own role: to others' databases, PostgreSQL's own, and for replication.
    for name in [their_role.as_str(), "postgres", "template1"] {
        let said = says_to(&house, &machine, "SELECT 1", &url(&role, name)).await;
        assert!(said.contains("pg_hba.conf rejects connection"), "{name}: {said}");
    }
    let said = says_to(&house, &machine, "SELECT 1", &format!("{own}&replication=database")).await;
    assert!(said.contains("FATAL") && !said.starts_with('1'), "{said}");
    // By others' roles, whose passwords it doesn't know; and by the one that Stoa works by in its own database.
    let (working, has_users) = (format!("{role}_work"), nix::unistd::geteuid().is_root());
    for (one, name) in [(&*their_role, &*their_role), ("stoa", "postgres"), (&*working, &*role)] {
        let said = says_to(&house, &machine, "SELECT 1", &url(one, name)).await;
        let is_theirs = has_users && one == their_role;
        let how = if is_theirs { "Peer authentication failed" } else { "password authentication failed" };
        assert!(said.contains(how), "{one}: {said}");
    }
    // Nor by their address, once it became known: the kernel says whose process it is.
    if has_users {
        let said = says_to(&house, &machine, "SELECT 1", &theirs).await;
        assert!(said.contains("Peer authentication failed"), "{said}");
        assert_eq!(says_to(&other, &machine, "SELECT 1", &theirs).await, "1");
    }
    let said = says_to(&house, &machine, "SELECT 1", &url("postgres", "postgres")).await;
    assert!(said.contains("FATAL"), "{said}");
    // What would lead out of the database.
    for text in [
        "COPY notes FROM '/etc/passwd'",
        "COPY notes FROM PROGRAM 'id'",
        "CREATE ROLE more",
        "CREATE DATABASE more",
        "CREATE EXTENSION file_fdw",
        "SELECT pg_read_file('/data/cluster/pg_hba.conf')",
        &format!("SET ROLE \"{their_role}\""),
        &format!("ALTER ROLE \"{role}\" SUPERUSER"),
    ] {
        let said = says(&house, &machine, text).await;
        assert!(said.contains("ERROR"), "{text}: {said}");
    }
    // One query that wants all of the memory is told that there is none; the others go on, in the same server.
    let before = says(&other, &machine, "SELECT pg_postmaster_start_time()").await;
    let greedy = "SELECT cardinality(array_agg(repeat(i::text, 1000))) FROM generate_series(1, 1000000) i";
    let said = says(&house, &machine, greedy).await;
    assert!(said.contains("out of memory"), "{said}");
    assert_eq!(says(&other, &machine, "SELECT pg_postmaster_start_time()").await, before);
    // It listens on no network: not for those that reach one either.
    let said = says_to(&house, &machine, "SELECT 1", "postgresql://stoa@127.0.0.1/postgres").await;
    assert!(said.contains("refused"), "{said}");

    // The password is in no log, no list of processes and no file that is open to read.
    house.get(&machine, "/print").await.unwrap();
    let query = LogQuery { query: Some("it is".to_owned()), ..LogQuery::default() };
    let line = until("the line", async || {
        let lines = machine.client.logs(house.instance, &query).await.unwrap();
        lines.map(Result::unwrap).collect::<Vec<_>>().await.pop()
    })
    .await;
    assert!(line.text.contains("[secret removed]") && !line.text.contains(&password), "{}", line.text);
    for entry in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&words).contains(&password), "{}", entry.path().display());
    }
    for folder in ["databases", "postgresql/logs", "logs", "deployments", "operations", "run"] {
        let found = Program::new("grep")
            .args(["-rl", "--", &password])
            .arg(place.path().join("state").join(folder))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout), "", "{folder}");
    }

    // With one instance its database goes, and with the last one the server.
    let begun = machine.client.delete_instance(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(begun).await));
    let left =
        says(&other, &machine, "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database").await;
    assert!(left.contains(&their_role) && !left.contains(&role), "{left}");
    assert_eq!(
        says(&other, &machine, &format!("SELECT count(*) FROM pg_roles WHERE rolname = '{role}'")).await,
        "0"
    );
    assert!(server(&house).is_some());
    let begun = machine.client.delete_instance(other.order(), other.instance).await;
    assert!(succeeded(&machine.outcome(begun).await));
    assert_eq!(server(&house), None);
}

#[tokio::test]
async fn an_address_is_another_one_when_nobody_is_left_who_was_told_it() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = commit(&house, "one");
    assert!(succeeded(&house.deploy(&machine, first.clone()).await));
    write(&house, &machine, "kept").await;
    let backup = back_up(&house, &machine).await;
    let mut before = address(&house, &machine).await;
    for what in ["restart", "stop and start", "restore"] {
        match what {
            "restart" => {
                let begun = machine.client.restart(house.order(), house.instance, Mode::Hard).await;
                assert!(succeeded(&machine.outcome(begun).await));
            }
            "restore" => {
                let event = bring_back(&house, &machine, backup, &first).await;
                assert!(succeeded(&event), "{event:?}");
            }
            _ => {
                let begun = machine.client.stop(house.order(), house.instance).await;
                assert!(succeeded(&machine.outcome(begun).await));
                let begun = machine.client.start(house.order(), house.instance).await;
                assert!(succeeded(&machine.outcome(begun).await));
            }
        }
        let now = address(&house, &machine).await;
        assert_eq!(parts(&now).0, parts(&before).0, "{what}");
        assert_ne!(parts(&now).1, parts(&before).1, "{what}");
        // As root it isn't asked for: there the kernel says who comes.
        if !nix::unistd::geteuid().is_root() {
            let said = says_to(&house, &machine, "SELECT 1", &before).await;
            assert!(said.contains("password authentication failed"), "{what}: {said}");
        }
        assert_eq!(notes(&house, &machine).await, "kept", "{what}");
        before = now;
    }
    // A release that starts beside another has the same: both use it.
    assert!(succeeded(&house.deploy(&machine, commit(&house, "two")).await));
    assert_eq!(address(&house, &machine).await, before);
    machine.agent.stop_all().await.unwrap();
}

/// There nobody but who has the password is told from others.
#[test]
fn an_ordinary_user_gives_databases_too() {
    if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
        return;
    }
    use std::os::unix::process::CommandExt as _;
    let output = Program::new(std::env::current_exe().unwrap())
        .args(["--test-threads=1", "reaches_no_other", "who_was_told_it"])
        .env_remove("TMPDIR")
        .env("HOME", "/tmp")
        .uid(65_534)
        .gid(65_534)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let whole = output.status.success() && said.contains(" 2 passed");
    assert!(whole, "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_an_application_does_to_its_database_and_to_others_roles_keeps_nothing() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let (other, third) = (beside(&house, 1), beside(&house, 2));
    alone(async {
        let machine = house.machine().await;
        let first = commit(&house, "one");
        assert!(succeeded(&house.deploy(&machine, first.clone()).await));
        for one in [&other, &third] {
            assert!(succeeded(&one.deploy(&machine, commit(one, "one")).await));
        }
        let gone = role(&house, &machine).await;
        write(&house, &machine, "kept").await;
        // What it has set for its database is set for the one that is brought back.
        let set = format!("ALTER DATABASE \"{gone}\" SET work_mem = '7MB'");
        assert_eq!(says(&house, &machine, &set).await, "ALTER DATABASE");
        let backup = back_up(&house, &machine).await;
        for _ in 0..2 {
            // A template isn't dropped, and it is replaced here, and dropped.
            let template = format!("ALTER DATABASE \"{gone}\" IS_TEMPLATE true");
            assert_eq!(says(&house, &machine, &template).await, "ALTER DATABASE");
            let event = bring_back(&house, &machine, backup, &first).await;
            assert!(succeeded(&event), "{event:?}");
            let databases = format!("SELECT count(*) FROM pg_database WHERE datname LIKE '{gone}%'");
            assert_eq!(says(&house, &machine, &databases).await, "1");
            assert_eq!(says(&house, &machine, "SHOW work_mem").await, "7MB");
        }
        // A role on which another's things depend can't be dropped: it opens nothing any more.
        for name in [gone.clone(), format!("{gone}_work")] {
            let given = format!("GRANT SELECT ON notes TO \"{name}\"");
            assert_eq!(says(&other, &machine, &given).await, "GRANT");
        }
        let template = format!("ALTER DATABASE \"{gone}\" IS_TEMPLATE true");
        assert_eq!(says(&house, &machine, &template).await, "ALTER DATABASE");
        let begun = machine.client.delete_instance(house.order(), house.instance).await;
        let event = machine.outcome(begun).await;
        assert!(succeeded(&event), "{event:?}");
        let left = format!("SELECT count(*) FROM pg_database WHERE datname LIKE '{gone}%'");
        assert_eq!(says(&third, &machine, &left).await, "0");
        let left = format!(
            "SELECT string_agg(rolname || ' ' || rolcanlogin, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE '{gone}%'"
        );
        assert_eq!(says(&third, &machine, &left).await, format!("{gone} false {gone}_work false"));
        // It goes with them.
        let begun = machine.client.delete_instance(other.order(), other.instance).await;
        assert!(succeeded(&machine.outcome(begun).await));
        assert_eq!(says(&third, &machine, &left).await, "");
        machine.agent.stop_all().await.unwrap();
    });
}
