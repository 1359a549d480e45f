//! Backing up and bringing back.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use stoa_storage::Place;

use super::archives::{self, LAST, Member};
use super::ground::{
    Ground, W, chains_and_epoch, change, empty_postgres, give_key, names, sign_in, tables_of,
};
use crate::support::{GoesOn, Installation, git, until};

/// What a backup says is in it, and a restore that it has brought back.
const COUNTED: &str = "1 account, 1 workspace, 1 repository and 1 without a commit.";

fn path(ground: &Ground, name: &str) -> String {
    ground.stoa.folder.path().join(name).to_str().unwrap().to_owned()
}

/// What was given out before doesn't count; who knows the password gets in, and finds what was there.
fn everything_is_there(ground: &Ground, beside: &Installation) -> String {
    beside.send(&ground.owner, "GET", "/me", None).expect(401);
    beside.send(&ground.token, "GET", "/me", None).expect(401);
    let link =
        beside.send("", "GET", &format!("/invitations/{}", ground.invitation), None).expect(410).json();
    assert_eq!(link["code"], "invitation_voided", "what ended it was the restore: {link}");
    let cookie = sign_in(beside, "olga@example.com").expect(200).cookie();
    let get = |path: &str| beside.send(&cookie, "GET", path, None).expect(200);
    let invitations = get(&format!("{W}/invitations")).json();
    // Its link is void, and the list says so.
    assert_eq!(invitations["items"][0]["status"], "expired");
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
        Some(json!({ "password": crate::support::PASSWORD })),
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
        assert!(said.contains(COUNTED), "{said}");
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
    assert!(said.contains(COUNTED), "both count alike: {said}");
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
    for length in [5, LAST, whole.len() / 2, whole.len() - 2 * LAST, whole.len() - LAST, whole.len() - 1] {
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
    // Whoever has the key can write anything: that it is looked at is another wall than the proof.
    let key = archives::key_of(&ground.stoa);
    let refuse = |members: &[Member], reason: &str| {
        archives::write(bad.as_ref(), members, Some(key));
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
    refuse(&manifest("format", json!(3)), "was written by Stoa 9.9.9, which is newer than this one");
    let mut newer = manifest("format", json!(3));
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
    // What tar adds to a member by another: read by itself it is one that no backup has.
    let mut long = with(2, "././@LongLink", tar::EntryType::GNULongName);
    long[2].bytes = format!("repositories/{}.bundle\0", ground.project).into_bytes();
    long[3].name = "repositories/anything".to_owned();
    refuse(&long, "doesn't belong into a backup");
    let mut pax = with(1, "pax", tar::EntryType::XHeader);
    pax[1].bytes = b"23 path=records.sqlite\n".to_vec();
    refuse(&pax, "doesn't belong into a backup");
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

/// Whoever can write the file can make every hash in it anew; the key they haven't.
#[test]
fn a_backup_that_somebody_changed_who_has_not_the_key_is_refused() {
    let ground = Ground::new();
    let file = path(&ground, "whole.tar.zst");
    ground.stoa.told(&["backup", &file]);
    let mut members = archives::read(file.as_ref());
    let beside = ground.beside(&[]);
    let forged = path(&ground, "forged.tar.zst");
    let records = ground.stoa.folder.path().join("forged.sqlite");
    std::fs::write(&records, &members[1].bytes).unwrap();
    change(&records, "UPDATE accounts SET is_admin = FALSE");
    members[1].bytes = std::fs::read(&records).unwrap();
    let refuse = |key, more: &[&str], reason: &str| {
        archives::write(forged.as_ref(), &members, key);
        let sentence = beside.refusal(&[&["restore", &forged], more].concat());
        assert!(sentence.contains(reason), "{sentence}");
        assert_eq!(names(&beside.data()), ["master.key"], "{sentence}");
    };
    refuse(Some([7; 32]), &[], "wasn't written by who has the master key");
    refuse(Some([7; 32]), &["--unproved"], "wasn't written by who has the master key");
    refuse(None, &["--unproved"], "wasn't written by who has the master key");
    // Nor is one taken that says it is of the program which had no proofs, unless somebody answers for it.
    let mut manifest: serde_json::Value = serde_json::from_slice(&members[0].bytes).unwrap();
    manifest["format"] = json!(1);
    members[0].bytes = serde_json::to_vec(&manifest).unwrap();
    let refuse = |more: &[&str], reason: &str| {
        archives::write(forged.as_ref(), &members, None);
        let sentence = beside.refusal(&[&["restore", &forged], more].concat());
        assert!(sentence.contains(reason), "{sentence}");
        assert_eq!(names(&beside.data()), ["master.key"], "{sentence}");
    };
    refuse(&[], "was written by an earlier Stoa and proves nothing");
    beside.told(&["restore", &forged, "--unproved"]);
}

/// What is said to be large is looked at before it is read, and what isn't proved isn't unpacked at all.
#[test]
fn a_small_file_that_would_be_large_costs_nothing() {
    let ground = Ground::new();
    let file = path(&ground, "whole.tar.zst");
    ground.stoa.told(&["backup", &file]);
    let manifest = archives::read(file.as_ref()).remove(0);
    let beside = ground.beside(&[]);
    let bomb = path(&ground, "bomb.tar.zst");
    for (kind, first) in [(tar::EntryType::GNULongName, false), (tar::EntryType::Regular, true)] {
        let mut out = zstd::Encoder::new(Vec::new(), 1).unwrap();
        let mut add = |name: &str, kind, size: u64, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(size);
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            out.write_all(header.as_bytes()).unwrap();
            out.write_all(bytes).unwrap();
            out.write_all(&vec![0; bytes.len().next_multiple_of(512) - bytes.len()]).unwrap();
        };
        if !first {
            add("manifest.json", tar::EntryType::Regular, manifest.bytes.len() as u64, &manifest.bytes);
        }
        // 64 MiB of it are there, in a file of a few kilobytes.
        add(if first { "manifest.json" } else { "././@LongLink" }, kind, 3 << 30, &vec![b'a'; 64 << 20]);
        let whole = out.finish().unwrap();
        for key in [Some(archives::key_of(&ground.stoa)), Some([7; 32])] {
            std::fs::write(&bomb, archives::ended(whole.clone(), key)).unwrap();
            let sentence = beside.refusal(&["restore", &bomb]);
            assert!(
                ["doesn't belong", "wasn't written by", "a description larger"]
                    .iter()
                    .any(|reason| sentence.contains(reason)),
                "{sentence}"
            );
        }
    }
}

#[test]
fn records_are_their_owners_alone_also_in_a_folder_that_others_look_into() {
    let mode = |file: &std::path::Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    let open = |file: &std::path::Path, mode| {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let mut stoa = Installation::prepare(&[]);
    std::fs::create_dir(stoa.data()).unwrap();
    open(&stoa.data(), 0o755);
    let _ = stoa.run();
    for name in ["stoa.sqlite", "stoa.sqlite-wal", "stoa.sqlite-shm", "master.key", "stoa.lock"] {
        assert_eq!(mode(&stoa.data().join(name)), 0o600, "{name}");
    }
    assert!(stoa.log().contains("Other users of this machine can look into"), "{}", stoa.log());
    stoa.end();
    // One that an earlier program made is closed.
    open(&stoa.data().join("stoa.sqlite"), 0o644);
    let _ = stoa.run();
    assert_eq!(mode(&stoa.data().join("stoa.sqlite")), 0o600);
    let output = stoa.command().arg("doctor").arg("--data-dir").arg(stoa.data()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("can look into") && said.contains("ok       records, version"), "{said}");
    stoa.end();
}

#[test]
fn a_backup_goes_into_no_folder_that_is_not_there_and_comes_back_by_a_pipe() {
    let ground = Ground::new();
    let sentence = ground.stoa.refusal(&["backup", &path(&ground, "unmounted/kept.tar.zst")]);
    assert!(sentence.contains("there is no folder") && sentence.contains("mounted"), "{sentence}");
    assert!(!ground.stoa.folder.path().join("unmounted").exists());
    let file = path(&ground, "kept.tar.zst");
    ground.stoa.told(&["backup", &file]);
    let mut beside = ground.beside(&[]);
    let mut child = beside
        .command()
        .args(["restore", "-", "--data-dir"])
        .arg(beside.data())
        .stdin(std::fs::File::open(&file).unwrap())
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(names(&beside.data()), ["master.key", "repositories", "stoa.lock", "stoa.sqlite"]);
    let _ = beside.run();
    everything_is_there(&ground, &beside);
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
    assert!(said.contains(COUNTED), "{said}");
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
    let said = other.told(&["restore", &file]);
    assert!(said.contains("start Stoa with STOA_DATABASE_URL set"), "{said}");
    assert!(tables_of(&empty) > 30);
    assert!(!other.data().join("stoa.sqlite").exists());
    let _ = other.run();
    let cookie = everything_is_there(&ground, &other);
    the_repository_is_whole(&ground, &other, &cookie);
}
