//! Backups by restic itself, of a real application in a real sandbox: made while it runs, read back, brought back whole
//! or not at all, and restored by hand.

use std::path::{Path, PathBuf};
use std::process::Command as Program;

use futures_util::{StreamExt as _, TryStreamExt as _};
use http::HeaderValue;
use sha2::{Digest as _, Sha256};
use stoa_agent::protocol::{
    BeginBackup, BeginRestore, Code, Event, RepositoryAccess, RepositoryPlace, SecretText,
};
use stoa_domain::Secret;
use stoa_domain::branch::CommitId;
use uuid::Uuid;

use crate::support::house::{House, Machine, git, id, succeeded};
use crate::support::until;

const PASSWORD: &str = "a-password-of-a-repository";

/// Keeps notes in SQLite and files beside it.
const APPLICATION: &str = r#"
import http.server, os, sqlite3, sys
base = sqlite3.connect("/data/kept/notes.db", check_same_thread=False, isolation_level=None) if os.makedirs("/data/kept", exist_ok=True) is None else None
base.execute("PRAGMA journal_mode = wal")
base.execute("CREATE TABLE IF NOT EXISTS notes (text)")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/add/"):
            base.execute("INSERT INTO notes VALUES (?)", (self.path[5:],))
        if self.path.startswith("/run/"):
            import urllib.parse; exec(urllib.parse.unquote(self.path[5:]))
        body = " ".join(["VERSION"] + [row[0] for row in base.execute("SELECT text FROM notes")]).encode()
        well = not (os.path.exists("/data/ill") and self.path == "/")
        self.send_response(200 if well else 500); self.send_header("Connection", "close"); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

const SETTINGS: &str = r#"
[run]
command = ["python3", "app.py"]
stop_time = "1s"
[health]
start_time = "5s"
[database]
kind = "sqlite"
path = "./kept/notes.db"
[data]
exclude = ["*.tmp", "cache/"]
"#;

fn commit(house: &House, version: &str) -> CommitId {
    commit_with(house, version, SETTINGS)
}

fn commit_with(house: &House, version: &str, settings: &str) -> CommitId {
    std::fs::write(house.repository.join("app.py"), APPLICATION.replace("VERSION", version)).unwrap();
    std::fs::write(house.repository.join("stoa.toml"), settings).unwrap();
    git(&house.repository, &["add", "--all"]);
    git(&house.repository, &["commit", "--quiet", "--message", version]);
    CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap()
}

fn access() -> RepositoryAccess {
    let password = SecretText(Secret::from_text(PASSWORD.to_owned()));
    RepositoryAccess { password, place: RepositoryPlace::Disk {} }
}

fn wanted(backup: Uuid) -> BeginBackup {
    BeginBackup { backup, repository: access(), settings: r#"{"branch":"main"}"#.to_owned() }
}

struct Made {
    backup: Uuid,
    size: u64,
    added: u64,
    warning: Option<String>,
}

async fn back_up(house: &House, machine: &Machine) -> Made {
    let backup = id();
    let begun = machine.client.back_up(house.order(), house.instance, &wanted(backup)).await.unwrap();
    let events = machine.events(&begun).await;
    assert!(succeeded(&events.last().unwrap().event), "{events:?}");
    let stored = events.iter().find_map(|told| match &told.event {
        Event::Stored { backup, size, added, warning, .. } => Some((*backup, *size, *added, warning.clone())),
        _ => None,
    });
    let (told, size, added, warning) = stored.unwrap();
    assert_eq!(told, backup);
    let steps: Vec<_> = events
        .iter()
        .filter_map(|told| match &told.event {
            Event::Step { name, progress: None } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(steps, ["repository", "database", "store", "verify"]);
    let is_read =
        |told: &Event| matches!(told, Event::Step { name, progress: Some(100) } if name == "verify");
    assert!(events.iter().any(|told| is_read(&told.event)), "{events:?}");
    Made { backup, size, added, warning }
}

fn restore_of(house: &House, backup: Uuid, commit: Option<&CommitId>, release: Uuid) -> BeginRestore {
    BeginRestore {
        backup,
        of: house.instance.uuid(),
        repository: access(),
        safety: Some(wanted(id())),
        deployment: id(),
        release,
        commit: commit.map(ToString::to_string),
        size: 1000,
    }
}

fn data(house: &House) -> PathBuf {
    house.place.join("state/data").join(house.instance.to_string())
}

fn repository(house: &House) -> PathBuf {
    house.place.join("state/backups").join(house.instance.to_string())
}

/// restic, started by hand with the key.
fn by_hand(repository: &Path, arguments: &[&str]) -> String {
    let key = repository.with_extension("key");
    std::fs::write(&key, PASSWORD).unwrap();
    let output = Program::new("restic")
        .args(["--no-cache", "--password-file"])
        .arg(&key)
        .arg("--repo")
        .arg(repository)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The one key of a repository, which restic has opened: in its place by what is in it, and not stretched for long.
fn is_opened_at_once(repository: &Path) {
    let mut keys: Vec<_> =
        std::fs::read_dir(repository.join("keys")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let key = keys.pop().unwrap();
    assert_eq!(keys, Vec::<PathBuf>::new(), "what restic itself made is gone");
    let text = std::fs::read(&key).unwrap();
    let name: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(key.file_name().unwrap().to_str(), Some(name.as_str()));
    let said: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!((&said["N"], &said["r"], &said["p"]), (&1024.into(), &8.into(), &1.into()));
}

async fn run(house: &House, machine: &Machine, python: &str) {
    let python = python.replace(' ', "%20").replace('\n', "%0A").replace('"', "%22");
    house.get(machine, &format!("/run/{python}")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_comes_back_while_what_came_later_is_kept_in_a_backup_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = commit(&house, "first");
    assert!(succeeded(&house.deploy(&machine, first.clone()).await));
    house.get(&machine, "/add/one").await.unwrap();
    run(&house, &machine, "open('/data/file','w').write('as it was'); os.chmod('/data/file',0); os.mkfifo('/data/pipe'); os.symlink('/etc/shadow','/data/link'); open('/data/left.tmp','w'); os.makedirs('/data/cache'); open('/data/cache/x','w')").await;
    let made = back_up(&house, &machine).await;
    assert!(made.size > 0 && made.added > 0);

    // Nothing is new in the second, and it says so.
    let again = back_up(&house, &machine).await;
    assert!(again.added < made.added, "{} of {}", again.added, made.added);

    // By hand, without Stoa.
    is_opened_at_once(&repository(&house));
    let restored = place.path().join("by-hand");
    let tag = format!("backup={}", made.backup);
    let target = restored.to_str().unwrap();
    by_hand(&repository(&house), &["restore", "latest", "--tag", &tag, "--target", target]);
    assert_eq!(std::fs::read_to_string(restored.join("data/file")).unwrap(), "as it was");
    assert_eq!(std::fs::read_link(restored.join("data/link")).unwrap(), Path::new("/etc/shadow"));
    assert!(!restored.join("data/left.tmp").exists() && !restored.join("data/cache").exists());
    assert!(!restored.join("data/kept/notes.db").exists(), "a copy of it stands beside");
    let base = rusqlite::Connection::open(restored.join("database.sqlite")).unwrap();
    let note: String = base.query_row("SELECT text FROM notes", [], |row| row.get(0)).unwrap();
    assert_eq!(note, "one");
    let about = std::fs::read_to_string(restored.join("about.json")).unwrap();
    assert!(about.contains(first.as_str()) && about.contains("data/kept/notes.db"), "{about}");

    // A later commit and later data go; both are in the backup that is made first.
    let second = commit(&house, "second");
    assert!(succeeded(&house.deploy(&machine, second).await));
    house.get(&machine, "/add/two").await.unwrap();
    run(&house, &machine, "os.remove('/data/file'); open('/data/new','w').write('new')").await;
    assert_eq!(house.get(&machine, "/").await.unwrap(), "second one two");
    house.put(&machine).await;
    let wish = restore_of(&house, made.backup, Some(&first), id());
    let safety = wish.safety.as_ref().unwrap().backup;
    let begun = machine.client.restore(house.order(), house.instance, &wish).await;
    let events = machine.events(&begun.unwrap()).await;
    assert!(succeeded(&events.last().unwrap().event), "{events:?}");
    assert_eq!(house.get(&machine, "/").await.unwrap(), "first one");
    assert_eq!(std::fs::read_to_string(data(&house).join("file")).unwrap(), "as it was");
    assert!(!data(&house).join("new").exists());
    let names: Vec<_> = std::fs::read_dir(place.path().join("state/restores"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, [format!("{}.json", house.instance).as_str()], "what was replaced is gone");

    let restored = place.path().join("safety");
    let tag = format!("backup={safety}");
    by_hand(
        &repository(&house),
        &["restore", "latest", "--tag", &tag, "--target", restored.to_str().unwrap()],
    );
    assert_eq!(std::fs::read_to_string(restored.join("data/new")).unwrap(), "new");
    by_hand(&repository(&house), &["check", "--read-data"]);
    assert!(by_hand(&repository(&house), &["list", "locks"]).is_empty());
}

/// Writes to two databases until it is told to stop.
const WRITERS: &str = r#"def write(name):
    import os, sqlite3, threading
    base = sqlite3.connect('/data/' + name, timeout=60, isolation_level=None)
    base.execute('PRAGMA journal_mode = wal')
    base.execute('CREATE TABLE numbers (number, text)')
    def on():
        own, number = sqlite3.connect('/data/' + name, timeout=60, isolation_level=None), 0
        while not os.path.exists('/data/stop'):
            own.execute('BEGIN IMMEDIATE')
            own.executemany('INSERT INTO numbers VALUES (?, ?)', [(number, 'x' * 700)] * 20)
            own.execute('DELETE FROM numbers WHERE number = ?', (number - 5,))
            own.execute('COMMIT')
            number += 1
    threading.Thread(target=on, daemon=True).start()
for name in ('orders.bin', 'kept/events'): write(name)
open('/data/damaged.db', 'wb').write(b'SQLite format 3' + bytes(1) + os.urandom(8176))"#;

#[tokio::test(flavor = "multi_thread")]
async fn every_database_is_whole_though_it_is_written_to_and_what_cant_be_is_said() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    // Known by its Procfile: it names no database.
    std::fs::write(house.repository.join("app.py"), APPLICATION.replace("VERSION", "first")).unwrap();
    std::fs::write(house.repository.join("Procfile"), "web: python3 app.py\n").unwrap();
    git(&house.repository, &["add", "--all"]);
    git(&house.repository, &["commit", "--quiet", "--message", "first"]);
    let first = CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap();
    let _ = std::fs::remove_file(house.repository.join("stoa.toml"));
    assert!(succeeded(&house.deploy(&machine, first.clone()).await));
    house.get(&machine, "/add/one").await.unwrap();
    run(&house, &machine, WRITERS).await;
    assert!(data(&house).join("orders.bin-wal").exists());
    let made = back_up(&house, &machine).await;
    let warning = made.warning.unwrap();
    assert!(warning.starts_with("No sound copy of the database damaged.db could be made"), "{warning}");
    run(&house, &machine, "open('/data/stop', 'w')").await;
    let wish = restore_of(&house, made.backup, Some(&first), id());
    let ended = machine.outcome(machine.client.restore(house.order(), house.instance, &wish).await).await;
    assert!(succeeded(&ended), "{ended:?}");
    assert_eq!(house.get(&machine, "/").await.unwrap(), "first one");
    for name in ["orders.bin", "kept/events"] {
        let file = data(&house).join(name);
        assert!(!data(&house).join(format!("{name}-wal")).exists(), "{name}: what was in it is in the copy");
        let base = rusqlite::Connection::open(&file).unwrap();
        let said: String = base.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(said, "ok", "{name}");
        // Each change is whole: so many rows of each number.
        let torn = "SELECT COUNT(*) FROM (SELECT number FROM numbers GROUP BY number HAVING COUNT(*) <> 20)";
        let torn: i64 = base.query_row(torn, [], |row| row.get(0)).unwrap();
        let all: i64 = base.query_row("SELECT COUNT(*) FROM numbers", [], |row| row.get(0)).unwrap();
        assert!(torn == 0 && all > 0, "{name}: {torn} of {all}");
    }
    assert_eq!(std::fs::read(data(&house).join("damaged.db")).unwrap().len(), 8192, "as it was");

    // One that is named is no better.
    let settings = SETTINGS.replace("./kept/notes.db", "./damaged.db");
    assert!(succeeded(&house.deploy(&machine, commit_with(&house, "second", &settings)).await));
    let warning = back_up(&house, &machine).await.warning.unwrap();
    assert!(warning.starts_with("No sound copy of the database damaged.db could be made"), "{warning}");
    run(&house, &machine, "os.remove('/data/damaged.db')").await;
    assert_eq!(back_up(&house, &machine).await.warning, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_application_excludes_is_of_its_data_alone() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let all = r#"["*", "*.sqlite", "data", "/data", "*.json", "backup/data"]"#;
    let settings = SETTINGS.replace(r#"["*.tmp", "cache/"]"#, all);
    let first = commit_with(&house, "first", &settings);
    assert!(succeeded(&house.deploy(&machine, first.clone()).await));
    house.get(&machine, "/add/one").await.unwrap();
    run(&house, &machine, "open('/data/file','w').write('excluded')").await;
    let made = back_up(&house, &machine).await;
    house.get(&machine, "/add/two").await.unwrap();
    let wish = restore_of(&house, made.backup, Some(&first), id());
    let begun = machine.client.restore(house.order(), house.instance, &wish).await;
    let events = machine.events(&begun.unwrap()).await;
    // What the database needs beside it was excluded, its folder too: it is said, or it is there.
    let is_back = succeeded(&events.last().unwrap().event);
    assert!(is_back, "{events:?}");
    assert_eq!(house.get(&machine, "/").await.unwrap(), "first one");
    assert!(!data(&house).join("file").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_what_came_back_isnt_well_everything_is_as_it_was() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = commit(&house, "first");
    assert!(succeeded(&house.deploy(&machine, first.clone()).await));
    run(&house, &machine, "open('/data/ill','w')").await;
    let ill = back_up(&house, &machine).await;
    run(&house, &machine, "os.remove('/data/ill')").await;
    house.get(&machine, "/add/later").await.unwrap();
    let wish = restore_of(&house, ill.backup, Some(&first), id());
    let ended = machine.outcome(machine.client.restore(house.order(), house.instance, &wish).await).await;
    assert!(matches!(&ended, Event::Failed { code, .. } if code == "unhealthy"), "{ended:?}");
    assert_eq!(house.get(&machine, "/").await.unwrap(), "first later");
    assert!(!data(&house).join("ill").exists());
    assert!(std::fs::read_dir(place.path().join("state/restores")).unwrap().next().is_none());

    // And where there is nothing to bring back.
    let wish = restore_of(&house, id(), Some(&first), id());
    let ended = machine.outcome(machine.client.restore(house.order(), house.instance, &wish).await).await;
    assert!(
        matches!(&ended, Event::Failed { sentence, .. } if sentence.contains("isn't there")),
        "{ended:?}"
    );
    assert_eq!(house.get(&machine, "/").await.unwrap(), "first later");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_restore_from_being_done_is_said_as_what_it_is() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = commit(&house, "first");
    assert!(succeeded(&house.deploy(&machine, first.clone()).await));
    let made = back_up(&house, &machine).await;
    let other = || SecretText(Secret::from_text("another-password-altogether".to_owned()));
    let mut unsaved = restore_of(&house, made.backup, Some(&first), id());
    unsaved.safety.as_mut().unwrap().repository.password = other();
    let mut unread = restore_of(&house, made.backup, Some(&first), id());
    unread.safety = None;
    unread.repository.password = other();
    for (wish, said) in [
        (unsaved, "The backup of what is there now failed, so nothing was changed: the key"),
        (unread, "The restore failed: the key"),
    ] {
        let ended = machine.outcome(machine.client.restore(house.order(), house.instance, &wish).await).await;
        assert!(matches!(&ended, Event::Failed { sentence, .. } if sentence.starts_with(said)), "{ended:?}");
        assert_eq!(house.get(&machine, "/").await.unwrap(), "first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_goes_on_where_it_broke_and_a_backup_that_is_removed_is_gone() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    assert!(succeeded(&house.deploy(&machine, commit(&house, "first")).await));
    run(&house, &machine, "open('/data/large','wb').write(os.urandom(3000000))").await;
    let made = back_up(&house, &machine).await;
    // What comes short of what was stored isn't given away as all of it, and isn't kept.
    let lacks = (&access(), made.size + (1 << 20), false);
    let short = machine.client.archive(house.instance, made.backup, lacks, None).await.unwrap();
    let pieces: Vec<_> = short.bytes.collect().await;
    assert!(pieces.last().is_some_and(Result::is_err), "it ends as if it were whole");
    let read = async |range: Option<&'static str>| {
        let range = range.map(HeaderValue::from_static);
        let access = (&access(), made.size, false);
        let answer = machine.client.archive(house.instance, made.backup, access, range).await.unwrap();
        let bytes: Vec<u8> =
            answer.bytes.map(|piece| piece.unwrap().to_vec()).collect::<Vec<_>>().await.concat();
        (answer.status.as_u16(), answer.headers, bytes)
    };
    let (status, headers, whole) = read(None).await;
    assert_eq!(status, 200);
    assert_eq!(headers["accept-ranges"], "bytes");
    let (status, headers, rest) = read(Some("bytes=1000-")).await;
    assert_eq!((status, &rest), (206, &whole[1000..].to_vec()));
    assert_eq!(headers["content-range"], format!("bytes 1000-{}/{}", whole.len() - 1, whole.len()).as_str());
    let (status, _, piece) = read(Some("bytes=7-9")).await;
    assert_eq!((status, piece), (206, whole[7..10].to_vec()));
    assert_eq!(read(Some("bytes=999999999-")).await.0, 416);
    let tar = zstd::decode_all(whole.as_slice()).unwrap();
    assert!(tar.len() > 3_000_000);

    let wrong = RepositoryAccess {
        password: SecretText(Secret::from_text("another-password-altogether".to_owned())),
        ..access()
    };
    let refused = machine.client.find_backup(house.instance, made.backup, &wrong).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Failed), "{refused}");

    machine.client.forget_backup(house.instance, made.backup, &access()).await.unwrap();
    let gone = machine.client.find_backup(house.instance, made.backup, &access()).await.unwrap_err();
    assert_eq!(gone.code(), Some(Code::UnknownBackup));
    let left: u64 = walk(&repository(&house).join("data"));
    assert!(left < 100_000, "{left} bytes are left of it");
    machine.client.forget_backup(house.instance, made.backup, &access()).await.unwrap();
}

/// Bytes of the files in a repository's folders.
fn walk(folder: &Path) -> u64 {
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

/// No process has it among its words or in its environment.
fn nothing_tells_the_password() {
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        for file in ["cmdline", "environ"] {
            let Ok(bytes) = std::fs::read(process.path().join(file)) else { continue };
            let told = String::from_utf8_lossy(&bytes);
            assert!(!told.contains(PASSWORD), "{}: {told}", process.path().display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_last_backup_nothing_is_deleted_and_the_backups_stay_when_it_is() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    assert!(succeeded(&house.deploy(&machine, commit(&house, "first")).await));
    back_up(&house, &machine).await;
    let other = SecretText(Secret::from_text("another-password-altogether".to_owned()));
    let mut last = wanted(id());
    last.repository.password = other;
    let ended = machine
        .outcome(machine.client.delete_instance_after(house.order(), house.instance, &last).await)
        .await;
    assert!(matches!(&ended, Event::Failed { .. }), "{ended:?}");
    assert_eq!(house.get(&machine, "/").await.unwrap(), "first");
    let last = wanted(id());
    let ended = machine
        .outcome(machine.client.delete_instance_after(house.order(), house.instance, &last).await)
        .await;
    assert!(succeeded(&ended), "{ended:?}");
    assert!(!data(&house).exists());
    assert!(machine.client.find_backup(house.instance, last.backup, &access()).await.is_ok());
    // With the last of them its repository goes.
    let all: serde_json::Value =
        serde_json::from_str(&by_hand(&repository(&house), &["snapshots", "--json"])).unwrap();
    for snapshot in all.as_array().unwrap() {
        let tag = snapshot["tags"][0].as_str().unwrap().strip_prefix("backup=").unwrap();
        machine.client.forget_backup(house.instance, tag.parse().unwrap(), &access()).await.unwrap();
    }
    assert!(!repository(&house).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_cancelled_leaves_nothing_and_the_next_is_made_all_the_same() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    assert!(succeeded(&house.deploy(&machine, commit(&house, "first")).await));
    run(&house, &machine, "open('/data/large','wb').write(os.urandom(60000000))").await;
    let backup = id();
    let order = house.order();
    let begun = machine.client.back_up(order, house.instance, &wanted(backup)).await.unwrap();
    until("it stores", async || {
        let view = machine.client.operation(stoa_domain::JobId::new(begun.id)).await.unwrap();
        (view.step.as_deref() == Some("store")).then_some(())
    })
    .await;
    nothing_tells_the_password();
    machine.client.cancel(order, stoa_domain::JobId::new(begun.id)).await.unwrap();
    assert_eq!(machine.events(&begun).await.pop().unwrap().event, Event::Cancelled);
    assert_eq!(by_hand(&repository(&house), &["snapshots", "--json"]).trim(), "[]".to_owned());
    assert!(walk(&repository(&house).join("data")) < 100_000);
    assert!(by_hand(&repository(&house), &["list", "locks"]).is_empty());
    assert!(std::fs::read_dir(place.path().join("state/copies")).unwrap().next().is_none());
    back_up(&house, &machine).await;
}

fn packs(repository: &Path) -> impl Iterator<Item = PathBuf> {
    let folders = std::fs::read_dir(repository.join("data")).unwrap().map(|entry| entry.unwrap().path());
    folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path())
}

/// A pack of what was stored, not of restic's own trees: the largest.
fn largest_pack(repository: &Path) -> PathBuf {
    packs(repository).max_by_key(|pack| pack.metadata().unwrap().len()).unwrap()
}

fn tells_of_damage(sentence: &str) -> bool {
    sentence.starts_with("The backup failed: what is stored is damaged (")
        && sentence.ends_with("How it is repaired stands in docs/operations.md, under Backups of instances.")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_is_found_though_nothing_changed_and_is_repaired_as_the_documentation_says() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    assert!(succeeded(&house.deploy(&machine, commit(&house, "first")).await));
    run(&house, &machine, "open('/data/large', 'wb').write(os.urandom(3 << 20))").await;
    let damaged = back_up(&house, &machine).await;
    let pack = largest_pack(&repository(&house));
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::set_permissions(&pack, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&pack, &bytes).unwrap();

    // Nothing of it is stored anew: only who reads all of it back finds out.
    let begun = machine.client.back_up(house.order(), house.instance, &wanted(id())).await;
    let Event::Failed { code, sentence, .. } = machine.outcome(begun).await else {
        panic!("what is damaged counts as a backup")
    };
    assert_eq!(code, "failed");
    assert!(tells_of_damage(&sentence), "{sentence}");

    // By hand: what is damaged is put aside, and the next backup stores it anew.
    std::fs::rename(&pack, place.path().join("aside")).unwrap();
    by_hand(&repository(&house), &["rebuild-index"]);
    let sound = back_up(&house, &machine).await;
    // What the older backup alone had stays lost.
    machine.client.forget_backup(house.instance, damaged.backup, &access()).await.unwrap();
    by_hand(&repository(&house), &["check", "--read-data"]);

    let archive = async |anew: bool, range: Option<&'static str>| {
        let wanted = (&access(), sound.size, anew);
        let range = range.map(HeaderValue::from_static);
        let archive = machine.client.archive(house.instance, sound.backup, wanted, range).await?;
        archive.bytes.try_collect::<Vec<_>>().await
    };
    assert!(archive(false, None).await.is_ok());

    // What restic itself keeps of the folders, too: of that it says nothing where it reads it back.
    for pack in packs(&repository(&house)) {
        let bytes: Vec<u8> = std::fs::read(&pack).unwrap().iter().map(|byte| byte ^ 1).collect();
        std::fs::set_permissions(&pack, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(&pack, bytes).unwrap();
    }
    let begun = machine.client.back_up(house.order(), house.instance, &wanted(id())).await;
    let Event::Failed { sentence, .. } = machine.outcome(begun).await else {
        panic!("what is damaged counts as a backup")
    };
    assert!(tells_of_damage(&sentence), "{sentence}");
    // Nor is half of it given away as all.
    assert!(archive(false, None).await.is_ok(), "one that was made before is whole");
    assert!(archive(true, None).await.is_err(), "the archive ends as if it were whole");
    // And who asks is told why.
    let why = archive(false, Some("bytes=0-0")).await.err().unwrap();
    assert_eq!(why.code(), Some(Code::Damaged), "{why}");
    let wish = BeginRestore { safety: None, ..restore_of(&house, sound.backup, None, id()) };
    let begun = machine.client.restore(house.order(), house.instance, &wish).await;
    let Event::Failed { code, .. } = machine.outcome(begun).await else { panic!("it is restored") };
    assert_eq!(code, "backup_damaged");
}
