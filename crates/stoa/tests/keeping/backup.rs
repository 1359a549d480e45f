//! Backing up and bringing back.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use stoa_storage::Place;

use super::archives::{self, LAST, Member};
use super::ground::{Ground, W, chains_and_epoch, empty_postgres, give_key, names, sign_in, tables_of};
use super::support::{GoesOn, Installation, git, until};

fn path(ground: &Ground, name: &str) -> String {
    ground.stoa.folder.path().join(name).to_str().unwrap().to_owned()
}

/// What was given out before doesn't count; who knows the password gets in, and finds what was there.
fn everything_is_there(ground: &Ground, beside: &Installation) -> String {
    beside.send(&ground.owner, "GET", "/me", None).expect(401);
    beside.send(&ground.token, "GET", "/me", None).expect(401);
    beside.send("", "GET", &format!("/invitations/{}", ground.invitation), None).expect(410);
    let cookie = sign_in(beside, "olga@example.com").expect(200).cookie();
    let get = |path: &str| beside.send(&cookie, "GET", path, None).expect(200);
    let invitations = get(&format!("{W}/invitations")).json();
    assert_eq!(invitations["items"][0]["status"], "pending");
    let projects = get(&format!("{W}/projects")).json();
    assert_eq!(projects["items"].as_array().unwrap().len(), 2, "{projects}");
    cookie
}

/// The repository has all that its branches need, and the records say of them what it says.
fn the_repository_is_whole(ground: &Ground, beside: &Installation, cookie: &str) -> String {
    let repository = beside.data().join("repositories").join(format!("{}.git", ground.project));
    let (succeeded, said) = git(&repository, &["fsck", "--full", "--strict"]);
    assert!(succeeded, "{said}");
    let told = until("the branch as the repository has it", || {
        let head = Command::new("git").current_dir(&repository).args(["rev-parse", "main"]).output().unwrap();
        let head = String::from_utf8(head.stdout).unwrap().trim().to_owned();
        let branches =
            beside.send(cookie, "GET", &format!("{W}/projects/shop/branches"), None).expect(200).json();
        (branches["items"][0]["commit"]["id"] == json!(head)).then_some(head)
    });
    let token = beside.send(
        cookie,
        "POST",
        "/session/confirm",
        Some(json!({ "password": super::support::PASSWORD })),
    );
    token.expect(204);
    let token = beside
        .send(cookie, "POST", "/me/tokens", Some(json!({ "name": "again" })))
        .expect(201)
        .field("token");
    let remote = format!("http://x:{token}@localhost:{}/git/acme/shop.git", beside.port);
    let (succeeded, said) = git(beside.folder.path(), &["clone", "--quiet", &remote, "cloned"]);
    assert!(succeeded, "{said}");
    told
}

#[test]
fn what_is_backed_up_while_people_work_is_brought_back_whole_and_in_a_new_epoch() {
    let mut ground = Ground::new();
    let file = path(&ground, "kept.tar.zst");
    let (goes_on, pushed) = (AtomicBool::new(true), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let _ends = GoesOn(&goes_on);
        let work = &ground.work;
        scope.spawn(|| {
            while goes_on.load(Ordering::SeqCst) {
                Ground::push(work, pushed.load(Ordering::SeqCst));
                pushed.fetch_add(1, Ordering::SeqCst);
            }
        });
        until("some pushes", || (pushed.load(Ordering::SeqCst) > 2).then_some(()));
        let said = ground.stoa.told(&["backup", &file]);
        assert!(said.contains("1 account, 1 workspace, 2 repositories."), "{said}");
        assert!(said.contains(&ground.stoa.data().join("master.key").display().to_string()), "{said}");
    });
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // Nothing lies beside it, and the key isn't in it.
    assert!(names(ground.stoa.folder.path()).iter().all(|name| !name.ends_with(".part")));
    let members = archives::read(file.as_ref());
    let listed: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let bundle = format!("repositories/{}.bundle", ground.project);
    assert_eq!(listed, ["manifest.json", "records.sqlite", &bundle, "checks.json"]);
    let key = std::fs::read_to_string(ground.stoa.data().join("master.key")).unwrap();
    for member in &members {
        let found = member.bytes.windows(key.trim().len()).any(|window| window == key.trim().as_bytes());
        assert!(!found, "the key stands in {}", member.name);
    }

    let mut beside = ground.beside(&[]);
    let said = beside.told(&["restore", &file]);
    assert!(said.contains("1 session, 1 access token and 1 link have ended"), "{said}");
    assert_eq!(names(&beside.data()), ["master.key", "repositories", "stoa.lock", "stoa.sqlite"]);
    let (events, epoch) = chains_and_epoch(Place::Sqlite(beside.data().join("stoa.sqlite")));
    assert!(events > 5 && epoch == 2, "{events} {epoch}");
    let _ = beside.run();
    let cookie = everything_is_there(&ground, &beside);
    the_repository_is_whole(&ground, &beside, &cookie);
    beside.end();
    ground.stoa.end();
}

#[test]
fn a_backup_is_also_made_while_stoa_does_not_run_and_sent_on_by_a_pipe() {
    let mut ground = Ground::new();
    ground.stoa.end();
    let file = path(&ground, "sent.tar.zst");
    let output =
        ground.stoa.command().args(["backup", "-", "--data-dir"]).arg(ground.stoa.data()).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaint.contains("The master key isn't in it"), "{complaint}");
    std::fs::write(&file, output.stdout).unwrap();
    assert!(!ground.stoa.data().join(".backup").exists());
    let mut beside = ground.beside(&[]);
    beside.told(&["restore", &file]);
    let _ = beside.run();
    everything_is_there(&ground, &beside);
}

#[test]
fn a_backup_that_is_cut_short_or_was_changed_is_refused_and_nothing_is_changed() {
    let ground = Ground::new();
    let file = path(&ground, "whole.tar.zst");
    ground.stoa.told(&["backup", &file]);
    let whole = std::fs::read(&file).unwrap();
    let beside = ground.beside(&[]);
    let bad = path(&ground, "bad.tar.zst");
    let refuse = |bytes: &[u8], reason: &str| {
        std::fs::write(&bad, bytes).unwrap();
        let sentence = beside.refusal(&["restore", &bad]);
        assert!(sentence.contains(reason), "{} bytes: {sentence}", bytes.len());
        assert_eq!(names(&beside.data()), ["master.key"], "{sentence}");
    };
    for length in [5, LAST, whole.len() / 2, whole.len() - LAST, whole.len() - 1] {
        refuse(&whole[..length], "is cut short");
    }
    for at in [100, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        refuse(&changed, "was changed");
    }
    refuse(b"", "isn't a backup");
    refuse(b"-- a dump of something else", "isn't a backup");
    let longer = [whole.as_slice(), b"more"].concat();
    refuse(&longer, "is cut short");
}

#[test]
fn a_backup_of_a_newer_version_is_refused_and_so_is_what_no_backup_holds() {
    let ground = Ground::new();
    let file = path(&ground, "whole.tar.zst");
    ground.stoa.told(&["backup", &file]);
    let members = archives::read(file.as_ref());
    let beside = ground.beside(&[]);
    let bad = path(&ground, "bad.tar.zst");
    let refuse = |members: &[Member], reason: &str| {
        archives::write(bad.as_ref(), members);
        let sentence = beside.refusal(&["restore", &bad]);
        assert!(sentence.contains(reason), "{reason}: {sentence}");
        let left: Vec<_> = names(&beside.data()).into_iter().filter(|name| name != "stoa.lock").collect();
        assert!(left == ["master.key"] || left == ["master.key", "repositories"], "{left:?}");
        assert!(names(&beside.data().join("repositories")).is_empty());
    };
    let manifest = |name: &str, value: serde_json::Value| {
        let mut changed = members.clone();
        let mut manifest: serde_json::Value = serde_json::from_slice(&changed[0].bytes).unwrap();
        manifest[name] = value;
        manifest["stoa"] = json!("9.9.9");
        changed[0].bytes = serde_json::to_vec(&manifest).unwrap();
        changed
    };
    refuse(&manifest("schema", json!(9999)), "was written by Stoa 9.9.9, which is newer than this one");
    refuse(&manifest("format", json!(2)), "was written by Stoa 9.9.9, which is newer than this one");
    let mut newer = manifest("format", json!(2));
    newer[0].bytes = br#"{"format":3,"stoa":"10.0.0","another":"form"}"#.to_vec();
    refuse(&newer, "was written by Stoa 10.0.0");

    let with = |at: usize, name: &str, kind: tar::EntryType| {
        let mut changed = members.clone();
        changed.insert(at, Member { name: name.to_owned(), kind, bytes: b"evil".to_vec() });
        changed
    };
    let file = tar::EntryType::Regular;
    for (name, kind) in [
        ("../evil", file),
        ("/etc/evil", file),
        ("repositories/../../evil.bundle", file),
        ("repositories/shop.bundle", file),
        ("master.key", file),
        ("records.sqlite", file),
        ("repositories/01890a5d-ac96-774b-bcce-b302099a8057.bundle", tar::EntryType::Symlink),
        ("repositories/01890a5d-ac96-774b-bcce-b302099a8057.bundle", tar::EntryType::Directory),
    ] {
        refuse(&with(2, name, kind), "doesn't belong into a backup");
    }
    refuse(&with(members.len(), "repositories/more", file), "doesn't belong into a backup");
    // The hash of the whole is right, and one of a member isn't.
    let mut other = members.clone();
    other[3].name = "checks.jso".to_owned();
    refuse(&other, "doesn't belong into a backup");
    refuse(&members[..3], "a part of it was changed");
    // Records and repositories that aren't what they should be.
    let mut damaged = members.clone();
    let middle = damaged[1].bytes.len() / 2;
    damaged[1].bytes[middle..].fill(7);
    refuse(&damaged, "stoa: ");
    let mut damaged = members.clone();
    let end = damaged[2].bytes.len() - 40;
    damaged[2].bytes[end] ^= 1;
    refuse(&damaged, "the repository");
}

#[test]
fn another_key_or_none_or_one_that_others_read_is_refused() {
    let ground = Ground::new();
    let file = path(&ground, "whole.tar.zst");
    ground.stoa.told(&["backup", &file]);
    let beside = Installation::prepare(&[]);
    let none = beside.refusal(&["restore", &file]);
    assert!(none.contains("the master key that the backup was made with is needed"), "{none}");
    assert!(!beside.data().exists());
    let other = Ground::new();
    give_key(&other.stoa.data().join("master.key"), &beside);
    let sentence = beside.refusal(&["restore", &file]);
    assert!(sentence.contains("isn't the one that this backup was made with"), "{sentence}");
    give_key(&ground.stoa.data().join("master.key"), &beside);
    let key = beside.data().join("master.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(beside.refusal(&["restore", &file]).contains("may be read by others"));
    assert_eq!(names(&beside.data()), ["master.key"]);
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let ground = Ground::new();
    let file = path(&ground, "whole.tar.zst");
    ground.stoa.told(&["backup", &file]);
    let before = std::fs::read(&file).unwrap();
    assert!(ground.stoa.refusal(&["backup", &file]).contains("no backup is written over"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let sentence = ground.stoa.refusal(&["restore", &file]);
    assert!(sentence.contains("isn't empty"), "{sentence}");
    ground.stoa.send(&ground.owner, "GET", "/me", None).expect(200);
    // Nor where Stoa was never started, and nothing is made by asking.
    let nothing = Installation::prepare(&[]);
    let sentence = nothing.refusal(&["backup", &path(&ground, "nothing.tar.zst")]);
    assert!(sentence.contains("there are no records"), "{sentence}");
    assert!(
        !nothing.data().exists()
            && names(ground.stoa.folder.path()).iter().all(|name| !name.contains("nothing"))
    );
}

#[test]
fn a_full_disk_leaves_nothing_of_a_backup() {
    let ground = Ground::new();
    let disk = ground.stoa.folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    // A disk of its own, in a name space of its own; what is left on it is listed before it goes.
    let script = format!(
        "mount -t tmpfs -o size=256k none {0} || exit 42; {1} backup {0}/kept.tar.zst --data-dir {2}; echo ended $?; ls -A {0}",
        disk.display(),
        env!("CARGO_BIN_EXE_stoa"),
        ground.stoa.data().display()
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "bash", "-c", &script]).env_remove("STOA_TEST_POSTGRES");
    let output = command.output().unwrap();
    let (said, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(42) {
        println!("SKIPPED: no disk can be mounted here: {complaint}");
        return;
    }
    assert_eq!(said.trim(), "ended 1", "{complaint}");
    assert!(complaint.contains("the disk is full"), "{complaint}");
}

#[test]
fn a_backup_that_is_told_to_end_leaves_nothing_behind() {
    use std::io::Read as _;
    let ground = Ground::new();
    // More than a pipe that nobody reads takes, and nothing that gets smaller.
    let mut random = vec![0; 4 << 20];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut random).unwrap();
    std::fs::write(ground.work.join("random"), random).unwrap();
    assert!(git(&ground.work, &["add", "."]).0);
    Ground::push(&ground.work, 1);
    let mut child = ground
        .stoa
        .command()
        .args(["backup", "-", "--data-dir"])
        .arg(ground.stoa.data())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let aside = ground.stoa.data().join(".backup");
    until("it is under way", || aside.join("bundle").exists().then_some(()));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::SIGINT).unwrap();
    let status = child.wait().unwrap();
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert_eq!(status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("nothing is left of it"), "{complaint}");
    assert!(!aside.exists());
}

#[test]
fn a_restore_that_was_killed_is_begun_anew_and_nothing_starts_from_its_half() {
    let ground = Ground::new();
    let file = path(&ground, "whole.tar.zst");
    ground.stoa.told(&["backup", &file]);
    let mut beside = ground.beside(&[]);
    beside.told(&["restore", &file]);
    // As it is left where it is killed between the last step and the end.
    std::fs::create_dir(beside.data().join(".restore")).unwrap();
    assert!(beside.refused().contains("holds a restore that was cut off"));
    assert!(beside.refusal(&["migrate"]).contains("holds a restore that was cut off"));
    beside.told(&["restore", &file]);
    let _ = beside.run();
    let cookie = everything_is_there(&ground, &beside);
    the_repository_is_whole(&ground, &beside, &cookie);
}

#[test]
fn a_backup_of_postgresql_is_brought_back_to_either_database() {
    let address = empty_postgres();
    let ground = Ground::on_postgres(&address);
    let file = path(&ground, "kept.tar.zst");
    let said = ground.stoa.told(&["backup", &file]);
    assert!(said.contains("1 account, 1 workspace, 2 repositories."), "{said}");
    assert!(ground.stoa.refusal(&["restore", &file]).contains("isn't empty"));

    let mut beside = ground.beside(&[]);
    beside.told(&["restore", &file]);
    let _ = beside.run();
    let cookie = everything_is_there(&ground, &beside);
    the_repository_is_whole(&ground, &beside, &cookie);

    let mut other = ground.beside(&[("STOA_DATABASE_URL", &address)]);
    let sentence = other.refusal(&["restore", &file]);
    assert!(sentence.contains("the database isn't empty"), "{sentence}");
    let empty = empty_postgres();
    other.environment = vec![("STOA_DATABASE_URL".to_owned(), empty.clone())];
    other.told(&["restore", &file]);
    assert!(tables_of(&empty) > 30);
    assert!(!other.data().join("stoa.sqlite").exists());
    let _ = other.run();
    let cookie = everything_is_there(&ground, &other);
    the_repository_is_whole(&ground, &other, &cookie);
}
