//! Moving everything to PostgreSQL.

use std::process::Stdio;

use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use stoa_storage::{Place, keeping};

use super::ground::{
    Ground, W, block, chains_and_epoch, counts_of_postgres, counts_of_sqlite, empty_postgres, names,
    tables_of,
};
use crate::support::{Installation, until};

#[test]
fn everything_moves_to_postgresql_and_who_is_signed_in_stays_so() {
    let mut ground = Ground::new();
    let address = empty_postgres();
    let (_, said, complaint) = ground.stoa.command_with(&["migrate", "--to", "-"], &address);
    assert!(complaint.contains("already runs on"), "{said}{complaint}");
    assert_eq!(tables_of(&address), 0);
    ground.stoa.end();
    let (succeeded, said, complaint) =
        ground.stoa.command_with(&["migrate", "--to", "-"], &format!("{address}\n"));
    assert!(succeeded, "{complaint}");
    let file = ground.stoa.data().join("stoa.sqlite");
    let (ours, theirs) = (counts_of_sqlite(&file), counts_of_postgres(&address));
    assert_eq!(ours, theirs, "no table is forgotten");
    assert!(said.contains(&format!("of {} tables", ours.len() - 1)), "{said}");
    assert!(said.contains("STOA_DATABASE_URL") && !said.contains("STOA_LOCAL_SERVER"), "{said}");
    assert!(!said.contains(&address) && !complaint.contains(&address));
    let (events, epoch) = chains_and_epoch(Place::Postgres(address.clone()));
    assert!(events > 5 && epoch == 1 && said.contains(&format!("{events} events")), "{said}");
    nothing_goes_on_with_the_old_records(&ground.stoa, &address);
    // Taken back by hand, they can be moved once more; there it isn't empty now.
    let mark = ground.stoa.data().join("stoa.sqlite.moved");
    let marked = std::fs::read(&mark).unwrap();
    std::fs::remove_file(&mark).unwrap();
    let (succeeded, _, complaint) = ground.stoa.command_with(&["migrate", "--to", "-"], &address);
    assert!(!succeeded && complaint.contains("the database isn't empty"), "{complaint}");
    assert!(names(&ground.stoa.data()).iter().all(|name| !name.contains("mov")), "nothing was moved");
    std::fs::write(&mark, &marked).unwrap();

    // Killed after the last row and before the mark: the next start with the new address sets it.
    std::fs::rename(&mark, mark.with_extension("moving")).unwrap();
    ground.stoa.environment.push(("STOA_DATABASE_URL".to_owned(), address));
    let _ = ground.stoa.run();
    assert_eq!(std::fs::read(&mark).unwrap(), marked);
    let me = ground.stoa.send(&ground.owner, "GET", "/me", None).expect(200);
    assert_eq!(me.json()["workspaces"][0]["slug"], "acme");
    let log = ground.stoa.log();
    assert!(!log.contains("already exists"), "a start is no news for the database: {log}");
    let (_, said, _) = ground.stoa.command_with(&["doctor"], "");
    assert!(said.contains("ok       records, version") && !said.contains("hosts"), "{said}");
    ground.stoa.send(&ground.token, "GET", &format!("{W}/projects/shop"), None).expect(200);
    ground.stoa.send("", "GET", &format!("/invitations/{}", ground.invitation), None).expect(200);
    Ground::push(&ground.work, 1);
    assert!(ground.stoa.refusal(&["migrate", "--to", "-"]).contains("on PostgreSQL already"));
    ground.stoa.end();
}

/// Whoever isn't told the new address would go on with them for years, night for night.
fn nothing_goes_on_with_the_old_records(stoa: &Installation, address: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let mark = stoa.data().join("stoa.sqlite.moved");
    assert_eq!(std::fs::metadata(&mark).unwrap().permissions().mode() & 0o777, 0o600);
    let host = keeping::name_of(address).unwrap();
    let kept = stoa.folder.path().join("stale.tar.zst");
    let kept = kept.to_str().unwrap();
    let mut sentences = vec![stoa.refused()];
    for words in [
        &["backup", kept][..],
        &["migrate"],
        &["migrate", "--to", "postgres://localhost/other"],
        &["admin", "accounts"],
    ] {
        sentences.push(stoa.refusal(words));
    }
    for sentence in &sentences {
        assert!(
            sentence.contains(&format!("the records were moved: they are in {host}, since 2")),
            "{sentence}"
        );
        assert!(
            sentence.contains("Set STOA_DATABASE_URL") && sentence.contains("stoa.sqlite.moved"),
            "{sentence}"
        );
        assert!(!sentence.contains("postgres:") && !sentence.contains("@"), "{sentence}");
    }
    assert!(!std::path::Path::new(kept).exists());
    let output = stoa.command().arg("doctor").arg("--data-dir").arg(stoa.data()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success() && said.contains("missing  records: the records were moved"), "{said}");
    // Not even once the old file is gone: a start would make an empty installation.
    let (file, aside) = (stoa.data().join("stoa.sqlite"), stoa.data().join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    assert!(stoa.refused().contains("the records were moved"));
    assert!(stoa.refusal(&["admin", "accounts"]).contains("the records were moved"));
    std::fs::rename(aside, file).unwrap();
}

#[test]
fn what_people_are_told_of_an_address_holds_nobodys_name_nor_password() {
    let told = keeping::name_of("postgres://stoa:hush@db.example:5433/records?sslmode=disable").unwrap();
    assert_eq!(told, "the database records at db.example:5433");
    let told = keeping::name_of("postgres:///records?host=/run/postgresql&user=stoa&password=hush").unwrap();
    assert_eq!(told, "the database records at /run/postgresql:5432");
}

#[test]
fn an_address_with_a_password_is_refused_where_others_could_read_it() {
    let stoa = Installation::prepare(&[]);
    let sentence = stoa.refusal(&["migrate", "--to", "postgres://stoa:hush@localhost/stoa"]);
    assert!(sentence.contains("stoa migrate --to -") && !sentence.contains("hush"), "{sentence}");
    assert!(!stoa.data().exists());
    let (succeeded, _, complaint) = stoa.command_with(&["migrate", "--to", "-"], "http://localhost\n");
    assert!(!succeeded && complaint.contains("has to begin with postgres://"), "{complaint}");
}

#[test]
fn a_database_that_is_not_empty_stays_as_it_is() {
    let mut ground = Ground::new();
    ground.stoa.end();
    let address = empty_postgres();
    block(async {
        let mut connection = PgConnection::connect(&address).await.unwrap();
        connection.execute("CREATE TABLE somebodys (id BIGINT)").await.unwrap();
    });
    let (succeeded, _, complaint) = ground.stoa.command_with(&["migrate", "--to", "-"], &address);
    assert!(
        !succeeded && complaint.contains("the database isn't empty: it has the table somebodys"),
        "{complaint}"
    );
    assert_eq!(tables_of(&address), 1);
    let _ = ground.stoa.run();
    ground.stoa.send(&ground.owner, "GET", "/me", None).expect(200);
}

/// What the driver adds to it is of PostgreSQL's own source, and tells nobody anything.
#[test]
fn what_the_database_refuses_is_told_in_its_own_words_and_once() {
    let address = empty_postgres();
    let nowhere = address.replacen("/kept_", "/never_made_", 1);
    let (succeeded, _, complaint) =
        Installation::prepare(&[("STOA_DATABASE_URL", &nowhere)]).command_with(&["migrate"], "");
    assert!(!succeeded && complaint.contains("does not exist"), "{complaint}");
    assert!(!complaint.contains("at line"), "{complaint}");
    assert_eq!(complaint.matches("does not exist").count(), 1, "{complaint}");
}

fn hash_of(stoa: &Installation) -> Vec<u8> {
    Sha256::digest(std::fs::read(stoa.data().join("stoa.sqlite")).unwrap()).to_vec()
}

#[test]
fn a_move_that_is_killed_in_the_middle_leaves_the_old_as_it_is_and_the_new_empty() {
    let mut ground = Ground::new();
    ground.stoa.end();
    let file = ground.stoa.data().join("stoa.sqlite");
    // So much that it takes a while; of a table that nothing else is in.
    block(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        connection
            .execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)
                    INSERT INTO attempts (bucket, count, window_at) SELECT 'test:' || i, 1, i FROM n",
            )
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
    let (before, address) = (hash_of(&ground.stoa), empty_postgres());
    let mut child = ground
        .stoa
        .command()
        .args(["migrate", "--to", &address, "--data-dir"])
        .arg(ground.stoa.data())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    block(async {
        let mut watching = PgConnection::connect(&address).await.unwrap();
        loop {
            let copying: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'stoa keeping'
                    AND datname = current_database() AND query LIKE 'INSERT INTO \"attempts\"%'",
            )
            .fetch_one(&mut watching)
            .await
            .unwrap();
            if copying > 0 {
                return;
            }
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
            tokio::task::yield_now().await;
        }
    });
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    until("the end of its transaction", || {
        (tables_of(&address) == 0 && connections(&address) == 0).then_some(())
    });
    assert_eq!(hash_of(&ground.stoa), before);
    assert!(!names(&ground.stoa.data()).iter().any(|name| name.contains("move")));
    // The next start says what became of it, and clears what it has left.
    let left = |stoa: &Installation| names(&stoa.data()).contains(&"stoa.sqlite.moving".to_owned());
    assert!(left(&ground.stoa));
    let _ = ground.stoa.run();
    assert!(!left(&ground.stoa));
    let log = ground.stoa.log();
    let host = keeping::name_of(&address).unwrap();
    assert!(log.contains(&format!("moving the records was cut off: to {host}")), "{log}");
    ground.stoa.send(&ground.owner, "GET", "/me", None).expect(200);
    ground.stoa.end();
    // And the same place takes it, the next time.
    let (succeeded, _, complaint) = ground.stoa.command_with(&["migrate", "--to", "-"], &address);
    assert!(succeeded, "{complaint}");
}

fn connections(address: &str) -> i64 {
    block(async {
        let mut watching = PgConnection::connect(address).await.unwrap();
        sqlx::query_scalar(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'stoa keeping'
                AND datname = current_database()",
        )
        .fetch_one(&mut watching)
        .await
        .unwrap()
    })
}
