//! Desks: real sandboxes with real working copies, terminals and git.

use std::time::Duration;

use futures_util::StreamExt as _;
use stoa_agent::client::ClientError;
use stoa_agent::machine::{Keeping, STALL};
use stoa_agent::protocol::Code;
use stoa_agent::protocol::desk::{
    Against, ChangeFiles, DeskEvent, MakeCommit, MakePack, MergeBranch, OpenDesk, SearchFiles, StageFiles,
    Staging,
};
use stoa_agent::protocol::piece::Piece;
use stoa_domain::AccountId;

use crate::support::desk::{Desk, author, code};
use crate::support::house::{House, Machine, git, id};
use crate::support::until;

fn commit(message: &str) -> MakeCommit {
    MakeCommit { message: message.to_owned(), all: true, author: author() }
}

#[tokio::test]
async fn a_file_is_edited_committed_and_given_as_a_pack() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = house.commit("first", &[]);
    let desk = Desk::open(&house, &machine, &first).await;

    let names: Vec<String> =
        desk.ask().files("", None, None).await.unwrap().entries.into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["app.py", "stoa.toml"], "git's own folder isn't listed");
    let before = desk.ask().read_file("app.py").await.unwrap().tag;
    desk.save("src/deep/new.py", "print('new')\n").await.unwrap();
    desk.save("app.py", "print('other')\n").await.unwrap();
    let none = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"x"))]);
    let stale = desk.ask().write_file("app.py", Some(&before), false, none).await;
    assert_eq!(code(stale), Some(Code::Changed));
    assert_eq!(desk.read("app.py").await.unwrap(), "print('other')\n");

    let status = desk.ask().status().await.unwrap();
    let told: Vec<String> =
        status.changes.iter().map(|one| format!("{}{} {}", one.staged, one.unstaged, one.path)).collect();
    assert_eq!(told, [".M app.py", ".? src/"]);
    assert_eq!((status.ahead, status.head.as_deref()), (0, Some("main")));
    let diff = desk.ask().diff(Against::Branch, Some("app.py")).await.unwrap();
    assert!(diff.text.contains("+print('other')"), "{}", diff.text);
    let original = desk.ask().original(Against::Branch, "app.py").await.unwrap();
    assert!(original.starts_with(b"\nimport http.server"));
    assert_eq!(code(desk.ask().original(Against::Branch, "src/deep/new.py").await), Some(Code::Missing));

    let wanted = SearchFiles {
        text: "print".to_owned(),
        is_expression: false,
        heeds_case: true,
        whole_words: true,
        limit: 10,
    };
    let found = desk.ask().search(&wanted).await.unwrap();
    let told: Vec<_> = found.matches.iter().map(|one| (one.path.as_str(), one.line, one.column)).collect();
    assert_eq!(told, [("app.py", 1, 1), ("src/deep/new.py", 1, 1)], "untracked ones too");

    let staged = StageFiles { staging: Staging::Stage, paths: vec!["src/deep/new.py".to_owned()] };
    desk.ask().stage(&staged).await.unwrap();
    let only = MakeCommit { all: false, ..commit("Only the new one") };
    desk.ask().commit(&only).await.unwrap();
    let made = desk.ask().commit(&commit("All the rest\n\n# not a comment\n")).await.unwrap();
    assert_eq!(code(desk.ask().commit(&commit("Nothing")).await), Some(Code::Conflict));
    let status = desk.ask().status().await.unwrap();
    assert_eq!((status.ahead, status.behind, status.changes.len()), (2, 0, 0));
    assert_eq!(
        status.commits.iter().map(|one| one.subject.as_str()).collect::<Vec<_>>(),
        ["All the rest", "Only the new one"]
    );

    let wanted = MakePack { branch: "main".to_owned(), have: Some(first.to_string()) };
    let pack = desk.ask().pack(&wanted).await.unwrap();
    assert_eq!(pack.commit.to_string(), made.commit);
    let bytes: Vec<bytes::Bytes> = pack.bytes.map(Result::unwrap).collect().await;
    let file = place.path().join("pushed.pack");
    std::fs::write(&file, bytes.concat()).unwrap();
    let unpack = format!("git unpack-objects -q < {}", file.display());
    let status =
        std::process::Command::new("sh").current_dir(&house.repository).args(["-c", &unpack]).status();
    assert!(status.unwrap().success());
    let author = git(&house.repository, &["log", "-1", "--format=%an <%ae> %cn %s", &made.commit]);
    assert_eq!(author, "Anna <anna@example.com> Anna All the rest");
}

#[tokio::test]
async fn who_pushes_second_is_told_and_merges() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = house.commit("first", &[]);
    let desk = Desk::open(&house, &machine, &first).await;
    desk.save("mine.txt", "mine\n").await.unwrap();
    desk.ask().commit(&commit("Mine")).await.unwrap();
    let second = house.commit("second", &[]);
    let wanted = MakePack { branch: "main".to_owned(), have: Some(second.to_string()) };
    assert_eq!(code(desk.ask().pack(&wanted).await), Some(Code::Changed));
    let merge = MergeBranch { commit: second.to_string(), author: author() };
    assert_eq!(code(desk.ask().merge(&merge).await), Some(Code::UnknownCommit));
    house.bring(&machine, &second).await;
    assert_eq!(desk.ask().merge(&merge).await.unwrap().conflicts, Vec::<String>::new());
    assert!(desk.read("app.py").await.unwrap().contains("second"));
    assert!(desk.ask().pack(&wanted).await.is_ok());

    // And where both changed the same.
    desk.save("app.py", "mine alone\n").await.unwrap();
    desk.ask().commit(&commit("Mine alone")).await.unwrap();
    let third = house.commit("third", &[]);
    house.bring(&machine, &third).await;
    let merge = MergeBranch { commit: third.to_string(), author: author() };
    assert_eq!(desk.ask().merge(&merge).await.unwrap().conflicts, ["app.py"]);
    let status = desk.ask().status().await.unwrap();
    assert!(status.is_merging && status.changes.iter().any(|one| one.is_conflict), "{status:?}");
    let unsettled = MakeCommit { all: false, ..commit("Too early") };
    assert_eq!(code(desk.ask().commit(&unsettled).await), Some(Code::Conflict));
    desk.save("app.py", "settled\n").await.unwrap();
    desk.ask().commit(&commit("Settled")).await.unwrap();
    let wanted = MakePack { branch: "main".to_owned(), have: Some(third.to_string()) };
    assert!(desk.ask().pack(&wanted).await.is_ok());
}

#[tokio::test]
async fn git_push_in_a_terminal_names_the_way_and_what_it_moves_counts_for_nothing() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = house.commit("first", &[]);
    let desk = Desk::open(&house, &machine, &first).await;
    desk.save("mine.txt", "mine\n").await.unwrap();
    let made = desk.ask().commit(&commit("Mine")).await.unwrap().commit;
    for words in ["git push", "git push . HEAD:refs/remotes/stoa/main"] {
        let said = desk.shell(&format!("{words}; git rev-parse stoa/main")).await;
        assert!(said.contains("In the IDE, below the files, is Push"), "{words}: {said}");
        assert!(said.ends_with(&first.to_string()), "{words}: {said}");
    }
    // Whoever doesn't heed it has moved a name of their own.
    desk.shell("git push --no-verify . HEAD:refs/remotes/stoa/main").await;
    assert_eq!(desk.shell("git rev-parse stoa/main").await, made);
    let status = desk.ask().status().await.unwrap();
    assert_eq!((status.ahead, status.behind, status.base), (1, 0, Some(first.to_string())));
    assert_eq!(status.commits.len(), 1);
    let diff = desk.ask().diff(Against::Branch, None).await.unwrap();
    assert!(diff.text.contains("+mine"), "{}", diff.text);
    assert_eq!(code(desk.ask().original(Against::Branch, "mine.txt").await), Some(Code::Missing));
    let wanted = MakePack { branch: "main".to_owned(), have: Some(first.to_string()) };
    assert_eq!(desk.ask().pack(&wanted).await.unwrap().commit.to_string(), made);

    // Without the branch, and without a name for where it stood.
    desk.shell("git checkout -q --detach; git branch -D main; git update-ref -d refs/remotes/stoa/main")
        .await;
    let status = desk.ask().status().await.unwrap();
    assert_eq!((status.head, status.ahead), (None, 1));
    let ClientError::Refused(problem) = desk.ask().pack(&wanted).await.err().unwrap() else {
        panic!("no answer")
    };
    assert_eq!(problem.code, Code::Conflict);
    assert!(problem.detail.contains("git switch -c main"), "{}", problem.detail);
    desk.shell("git switch -q -c main").await;
    assert_eq!(desk.ask().pack(&wanted).await.unwrap().commit.to_string(), made);

    // A remote of the member's own is the member's.
    let said = desk
        .shell("git init -q --bare /tmp/own; git push -q /tmp/own main; git -C /tmp/own rev-parse main")
        .await;
    assert_eq!(said, made);
}

#[tokio::test]
async fn a_terminal_is_of_its_sandbox_and_found_again() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let desk = Desk::open(&house, &machine, &house.commit("first", &[])).await;
    let name = id();
    let mut typing = desk.terminal(name, true).await;
    assert_eq!(typing.run("tty").await, "/dev/pts/0");
    assert_eq!(typing.run("stty size").await, "24 80");
    assert_eq!(typing.run("echo $GREETING $STOA_INSTANCE $PWD").await, "hello shop /desk");
    assert_eq!(typing.run("cat /proc/1/cmdline | tr '\\0' ' '").await, "/.stoa/init init desk");
    // What is in the desk sees neither the agent's socket nor anything that process 1 holds.
    assert!(typing.run("ls /proc/1/fd").await.contains("Permission denied"));
    assert_eq!(typing.run("ls -A /desk /app | tr '\\n' ' '").await, "/app:  /desk: .git app.py stoa.toml");
    let resized = Piece::Resize(stoa_agent::protocol::piece::Size { columns: 132, rows: 40 });
    typing.send(resized).await;
    assert_eq!(typing.run("stty size").await, "40 132");
    typing.run("sleep 1000 & echo begun").await;
    typing.type_in("echo \"kept $((40 + 2))\"\n").await;
    typing.shows("kept 42").await;
    drop(typing);

    let mut again = desk.terminal(name, false).await;
    again.shows("kept 42").await;
    again.text.clear();
    // Ctrl-C reaches what runs in front, and it alone.
    again.type_in("sleep 1000\n").await;
    again.shows("sleep 1000").await;
    until("it sleeps", async || {
        let listed = desk.shell("pgrep -c sleep").await;
        (listed == "2").then_some(())
    })
    .await;
    again.type_in("\u{3}").await;
    assert_eq!(again.run("jobs -r | wc -l").await, "1");
    // The one by which was looked is over, too.
    until("one is left", async || (desk.ask().terminals().await.unwrap() == [name]).then_some(())).await;
    again.type_in("exit 3\n").await;
    let ended = until("it is over", async || match again.shown.next().await {
        Some(Ok(Piece::Ended(status))) => Some(status),
        _ => None,
    })
    .await;
    assert_eq!(ended, 3);
    assert_eq!(code(desk.ask().terminal(name, false, crate::support::desk::SIZE).await), Some(Code::Missing));
}

/// Whether a process of this machine has the mark in its command line.
fn runs(mark: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(mark))
}

#[tokio::test]
async fn without_a_holder_it_ends_whole_and_its_working_copy_stays() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = house.commit("first", &[]);
    let mut desk = Desk::open(&house, &machine, &first).await;
    let mut typing = desk.terminal(id(), true).await;
    // Each says its mark in its own command line.
    let marks = [id(), id()].map(|id| id.to_string());
    let forever = |mark: &str, file: &str| {
        format!("sh -c ': {mark}; while :; do date > /data/{file}; sleep 0.05; done' >/dev/null 2>&1 &")
    };
    typing.run(&format!("{} disown; true", forever(&marks[0], "alive"))).await;
    typing.run(&format!("nohup setsid {} true", forever(&marks[1], "other"))).await;
    desk.save("kept.txt", "kept").await.unwrap();
    let data = place.path().join(format!("state/data/{}", house.instance));
    until("it writes", async || data.join("alive").exists().then_some(())).await;
    until("the other too", async || data.join("other").exists().then_some(())).await;
    assert!(marks.iter().all(|mark| runs(mark)));
    desk.held = None;
    assert!(typing.over().await || typing.text.is_empty());
    until("nothing is left of it", async || (!marks.iter().any(|mark| runs(mark))).then_some(())).await;
    assert_eq!(code(desk.ask().status().await), Some(Code::NoDesk));
    assert_eq!(code(desk.ask().files("", None, None).await), Some(Code::NoDesk));
    let wanted = OpenDesk { branch: "main".to_owned(), commit: first.to_string(), author: author() };
    assert_eq!(code(desk.ask().open(&wanted).await), Some(Code::NoDesk), "nobody holds it");
    desk.hold().await;
    assert!(!desk.ask().open(&wanted).await.unwrap().is_new);
    assert_eq!(desk.read("kept.txt").await.unwrap(), "kept");
}

#[tokio::test]
async fn two_members_see_nothing_of_each_others() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = house.commit("first", &[]);
    let anna = Desk::open(&house, &machine, &first).await;
    let ben = Desk::of(&house, &machine, AccountId::new(id()), &first).await;
    anna.save("secret.txt", "of Anna alone").await.unwrap();
    let terminal = id();
    let mut typing = anna.terminal(terminal, true).await;
    typing.run("sleep 4711 & echo begun").await;
    assert_eq!(code(ben.read("secret.txt").await), Some(Code::Missing));
    assert_eq!(
        code(ben.ask().terminal(terminal, false, crate::support::desk::SIZE).await),
        Some(Code::Missing)
    );
    assert_eq!(ben.ask().terminals().await.unwrap(), Vec::<uuid::Uuid>::new());
    assert_eq!(ben.shell("grep -rl 'of Anna' /desk /data /tmp /app /etc 2>/dev/null | wc -l").await, "0");
    assert_eq!(ben.shell("pgrep -f 4711 | wc -l").await, "0");
    assert_eq!(ben.shell("ls -d /desk/.. /desks /work 2>/dev/null | wc -l").await, "1");
    let changes = ben.ask().status().await.unwrap().changes;
    assert!(changes.is_empty(), "{changes:?}");
    // Their data is the instance's: that they share.
    anna.shell("echo shared > /data/note").await;
    assert_eq!(ben.shell("cat /data/note").await, "shared");
}

#[tokio::test]
async fn what_is_planted_in_a_working_copy_never_runs_outside_of_its_desk() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = house.commit("first", &[]);
    let desk = Desk::open(&house, &machine, &first).await;
    let outside = place.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::set_permissions(&outside, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    // Each notes where it runs: in the desk, or where the test's own folder is.
    let note = format!("echo $0 >> /tmp/ran; touch {}/ran; exit 0", outside.display());
    let plant = format!(
        "printf '#!/bin/sh\\n{note}\\n' > /tmp/plant && chmod +x /tmp/plant && cp /tmp/plant /desk/plant && \
         for h in pre-commit post-commit post-checkout post-merge post-index-change reference-transaction; do \
         mkdir -p .git/hooks && cp /tmp/plant .git/hooks/$h; done; \
         git config core.fsmonitor /desk/plant; git config core.pager /desk/plant; git config core.editor /desk/plant; \
         git config filter.x.clean '/desk/plant; cat'; git config filter.x.smudge '/desk/plant; cat'; \
         git config diff.external /desk/plant; git config alias.status '!/desk/plant'; \
         git config gpg.program /desk/plant; git config commit.gpgSign false; \
         git config uploadpack.packObjectsHook /desk/plant; \
         printf '[include]\\npath = /desk/more\\n' >> .git/config; \
         printf '[core]\\nsshCommand = /desk/plant\\n' > more; echo '*.py filter=x diff=x' > .gitattributes"
    );
    desk.shell(&plant).await;
    desk.save("app.py", "changed\n").await.unwrap();
    desk.ask().status().await.unwrap();
    desk.ask().diff(Against::Branch, None).await.unwrap();
    desk.ask().original(Against::Branch, "app.py").await.unwrap();
    let made = desk.ask().commit(&commit("With plants")).await;
    let wanted = MakePack { branch: "main".to_owned(), have: Some(first.to_string()) };
    let pack = desk.ask().pack(&wanted).await.unwrap();
    let _: Vec<_> = pack.bytes.collect().await;
    let second = house.commit("second", &[]);
    house.bring(&machine, &second).await;
    let _ = desk.ask().merge(&MergeBranch { commit: second.to_string(), author: author() }).await;
    // Staged, taken back, thrown away; and opened once more, where nothing of its sandbox is left.
    for staging in [Staging::Stage, Staging::Unstage, Staging::Discard] {
        desk.save("app.py", "once more\n").await.unwrap();
        let wanted = StageFiles { staging, paths: vec!["app.py".to_owned()] };
        desk.ask().stage(&wanted).await.unwrap_or_else(|error| panic!("{staging:?}: {error}"));
    }
    assert!(desk.shell("wc -l < /tmp/ran").await.parse::<u32>().unwrap() > 2, "they do run, there: {made:?}");
    let account = desk.account;
    desk.ask().end(false).await.unwrap();
    drop(desk);
    let desk = Desk::of(&house, &machine, account, &second).await;
    desk.ask().status().await.unwrap();
    assert!(desk.shell("cat .git/hooks/post-checkout").await.contains("/ran"), "they are planted still");
    assert!(!outside.join("ran").exists(), "and nowhere else");
}

#[tokio::test]
async fn a_status_that_stands_still_is_ended_with_what_it_waits_for() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let desk = Desk::open(&house, &machine, &house.commit("first", &[])).await;
    let plant = "printf '#!/bin/sh\\nexec sleep 8640041\\n' > /tmp/hangs && chmod +x /tmp/hangs && \
                 git config core.fsmonitor /tmp/hangs";
    desk.shell(plant).await;
    let refused = desk.ask().status().await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Conflict), "{refused}");
    assert!(refused.to_string().contains("core.fsmonitor"), "{refused}");
    until("what it waited for to be gone", async || {
        let line = "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -c '^86400[4]1$'";
        (desk.shell(line).await.trim() == "0").then_some(())
    })
    .await;
    desk.shell("git config --unset core.fsmonitor").await;
    assert!(desk.ask().status().await.unwrap().changes.is_empty());
}

/// What ends the desk that this test holds.
async fn told(desk: &mut Desk<'_>) -> String {
    let held = desk.held.as_mut().unwrap();
    match tokio::time::timeout(crate::support::PATIENCE, held.next()).await {
        Ok(Some(Ok(DeskEvent::Ended(reason)))) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_working_copy_becomes_so_large_and_is_kept_for_so_long() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let often = Duration::from_millis(50);
    let keeping = Keeping { largest: 4 << 20, look: often, sweep: often, ..Keeping::default() };
    let machine = Machine::start_with(place.path().join("state"), Vec::new(), STALL, keeping).await;
    let first = house.commit("first", &[]);
    let mut desk = Desk::open(&house, &machine, &first).await;
    let account = desk.account;
    desk.save("mine.txt", "mine").await.unwrap();
    let typing = desk.terminal(id(), true).await;
    typing.type_in("sleep 8640031 & head -c 8M /dev/zero > large\n").await;
    assert_eq!(told(&mut desk).await, "Its working copy takes more than 10 GiB.");
    until("its processes to be gone", async || (!runs("8640031")).then_some(())).await;
    drop(desk);

    // Copies of others: one that was used on the 29th day, one that wasn't, and this one, which is held again.
    let desks = place.path().join("state/desks").join(house.instance.to_string());
    let of = |account: AccountId| desks.join(account.to_string());
    std::fs::remove_file(of(account).join("work/large")).unwrap();
    let desk = Desk::of(&house, &machine, account, &first).await;
    assert_eq!(desk.read("mine.txt").await.unwrap(), "mine", "what it had is there still");
    let used = |account: AccountId, days: u64| {
        std::fs::create_dir_all(of(account).join("work")).unwrap();
        let note = std::fs::File::options().create(true).append(true).open(of(account).join("desk.json"));
        let (note, ago) = (note.unwrap(), Duration::from_secs(days * 24 * 3600));
        note.set_modified(note.metadata().unwrap().modified().unwrap() - ago).unwrap();
    };
    let [young, old] = [(); 2].map(|()| AccountId::new(id()));
    used(young, 29);
    used(account, 31);
    used(old, 31);
    until("the old one to be gone", async || (!of(old).exists()).then_some(())).await;
    assert!(of(young).exists() && of(account).join("desk.json").exists(), "it is held");
    drop(desk);
    until("it to be gone, too", async || (!of(account).exists()).then_some(())).await;
    assert!(of(young).join("work").exists());
}

#[tokio::test]
async fn a_desk_that_nobody_uses_is_ended_and_its_copy_stays() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    // Far longer than it takes to open it.
    let keeping =
        Keeping { unused: Duration::from_secs(3), look: Duration::from_millis(50), ..Keeping::default() };
    let machine = Machine::start_with(place.path().join("state"), Vec::new(), STALL, keeping).await;
    let first = house.commit("first", &[]);
    let mut desk = Desk::open(&house, &machine, &first).await;
    assert_eq!(told(&mut desk).await, "It wasn't used for an hour.");
    let copy = place.path().join("state/desks").join(house.instance.to_string());
    assert!(copy.join(desk.account.to_string()).join("desk.json").exists());
    let run = place.path().join("state/run").join(house.instance.to_string());
    until("its place to be gone", async || std::fs::read_dir(&run).unwrap().next().is_none().then_some(()))
        .await;
}

#[tokio::test]
async fn files_are_opened_below_the_folder_and_nothing_else_is() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let desk = Desk::open(&house, &machine, &house.commit("first", &[])).await;
    let secret = place.path().join("secret.txt");
    std::fs::write(&secret, "of the machine").unwrap();
    desk.shell(&format!(
        "ln -s {} link; ln -s / root; ln -s ../../.. up; mkfifo pipe; mkdir folder; ln -s /data folder/data; \
         ln -s app.py near",
        secret.display()
    ))
    .await;
    for path in ["link", "near", "pipe", "folder", "root/etc/passwd", "up/agent.key", "folder/data/x"] {
        assert_eq!(code(desk.read(path).await), Some(Code::Invalid), "{path} read");
        assert_eq!(code(desk.save(path, "x").await), Some(Code::Invalid), "{path} written");
    }
    for path in ["/etc/passwd", "../desk.json", "a/../../desk.json", "", "a//b", "."] {
        assert_eq!(code(desk.read(path).await), Some(Code::Invalid), "{path}");
    }
    for path in
        [".git/config", ".GIT/config", ".git./config", "a/.gIt/hooks/x", "git~1/config", ".g\u{200c}it/x"]
    {
        assert_eq!(code(desk.save(path, "x").await), Some(Code::Invalid), "{path}");
        assert_eq!(code(desk.ask().remove_file(path, None).await), Some(Code::Invalid), "{path}");
        let moved = ChangeFiles::Rename { from: "app.py".to_owned(), to: path.to_owned() };
        assert_eq!(code(desk.ask().change_files(&moved).await), Some(Code::Invalid), "{path}");
        let made = ChangeFiles::MakeFolder { path: path.to_owned() };
        assert_eq!(code(desk.ask().change_files(&made).await), Some(Code::Invalid), "{path}");
    }
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "of the machine");
    // Links are removed and moved as what they are.
    desk.ask().remove_file("root", None).await.unwrap();
    desk.ask().remove_file("link", None).await.unwrap();
    desk.ask().remove_file("folder", None).await.unwrap();
    assert!(secret.exists() && std::path::Path::new("/etc/passwd").exists());
    let kinds = desk.ask().files("", None, None).await.unwrap().entries;
    let kinds: Vec<String> = kinds.iter().map(|one| format!("{:?} {}", one.kind, one.name)).collect();
    assert_eq!(kinds, ["File app.py", "Link near", "Special pipe", "File stoa.toml", "Link up"]);
    // What is saved belongs to the instance's user, and to nobody else.
    desk.save("mine.txt", "x").await.unwrap();
    assert_eq!(desk.shell("stat -c %U mine.txt; echo y >> mine.txt && wc -c < mine.txt").await, "app\n3");
    let taken = ChangeFiles::Rename { from: "mine.txt".to_owned(), to: "app.py".to_owned() };
    assert_eq!(code(desk.ask().change_files(&taken).await), Some(Code::Conflict), "nothing is replaced");
}

#[tokio::test]
async fn large_files_and_folders_are_handled_or_refused() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let desk = Desk::open(&house, &machine, &house.commit("first", &[])).await;
    let made = "import os\nos.mkdir('many')\nfor n in range(100000): open(f'many/{n:06}', 'w').close()\n\
                os.mkdir('many/folder')\n";
    desk.save("make.py", made).await.unwrap();
    desk.shell("python3 make.py; head -c 52428800 /dev/urandom > large; head -c 70000000 /dev/zero > huge")
        .await;
    let first = desk.ask().files("many", None, Some(1000)).await.unwrap();
    assert_eq!((first.entries.len(), first.entries[0].name.as_str()), (1000, "folder"));
    let second = desk.ask().files("many", first.next.as_deref(), Some(1000)).await.unwrap();
    assert_eq!((second.entries.len(), second.entries[0].name.as_str()), (1000, "000999"));
    let last = desk.ask().files("many", Some("f099989"), Some(1000)).await.unwrap();
    assert_eq!((last.entries.len(), last.next), (10, None));
    let large = desk.ask().read_file("large").await.unwrap();
    assert_eq!(large.size, 52_428_800);
    let bytes: Vec<bytes::Bytes> = large.bytes.map(Result::unwrap).collect().await;
    let bytes = bytes.concat();
    assert_eq!(bytes.len(), 52_428_800);
    let pieces: Vec<_> =
        bytes.chunks(1 << 16).map(bytes::Bytes::copy_from_slice).map(Ok::<_, std::io::Error>).collect();
    desk.ask().write_file("copy", None, true, futures_util::stream::iter(pieces)).await.unwrap();
    assert_eq!(desk.shell("cmp large copy && echo same").await, "same");
    assert_eq!(code(desk.ask().read_file("huge").await), Some(Code::TooLarge));
    let endless =
        futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(bytes::Bytes::from(vec![0; 1 << 20])));
    let refused = desk.ask().write_file("endless", None, false, endless.take(80)).await;
    assert_eq!(code(refused), Some(Code::TooLarge));
    let names = desk.ask().files("", None, None).await.unwrap().entries;
    assert!(
        names.iter().all(|one| !one.name.contains("endless") && !one.name.starts_with(".stoa")),
        "{names:?}"
    );
    desk.ask().remove_file("many", None).await.unwrap();
}

#[tokio::test]
async fn what_takes_too_much_is_bounded_to_its_desk() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = house.commit("first", &[]);
    let anna = Desk::open(&house, &machine, &first).await;
    let ben = Desk::of(&house, &machine, AccountId::new(id()), &first).await;
    let bomb = anna.terminal(id(), true).await;
    bomb.type_in("f() { f | f & }; f\n").await;
    // Meanwhile the machine and the other go on.
    assert_eq!(ben.read("stoa.toml").await.unwrap().lines().count(), 8);
    anna.ask().end(false).await.unwrap();
    assert_eq!(ben.shell("echo still here").await, "still here");
    let memory = "python3 -c \"x = bytearray(3 << 30); print('had it')\" 2>&1 | tail -1; echo over";
    let shown = ben.shell(memory).await;
    assert!(!shown.contains("had it") && shown.ends_with("over"), "{shown}");
}
