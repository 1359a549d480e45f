//! Killed at each step of a member's desk: while it is opened, with programs running in it, and while it is pushed from.

use serde_json::{Value, json};

use super::shop::{Ground, W};
use crate::support::desk::{Terminal, is_running};
use crate::support::owners::{until_all_is_owned, until_quiet};
use crate::support::tracer::{Call, Moment, kill_at};
use crate::support::{Answer, until};

impl Ground {
    fn desk(&self, method: &str, rest: &str, body: Option<Value>) -> Option<Answer> {
        self.asking().ask(method, &format!("/instances/shop/{rest}"), body)
    }

    fn open_desk(&self) -> Value {
        self.desk("POST", "desk", None).unwrap().expect(200).json()
    }

    fn terminal(&self) -> Terminal {
        Terminal::open(&self.stoa, &self.owner, &format!("{W}/instances/shop"))
    }

    fn end_desk(&self) {
        let _ = self.desk("DELETE", "desk?discard=true", None).unwrap().expect(204);
    }
}

#[test]
fn a_desk_that_is_cut_off_while_it_is_opened_is_there_whole_at_the_next_try() {
    let mut ground = Ground::new("Shop");
    let instance = ground.id("shop");
    let (desks, run) = (format!("/desks/{instance}/"), format!("/run/{instance}/"));
    let begun = || Moment::at(Call::MakeFolder, &[&run], false);
    let moments = [
        ("its place", Moment::at(Call::MakeFolder, &[&run], true)),
        ("its working copy's folder", Moment::at(Call::MakeFolder, &[&desks], true)),
        ("its sandbox", Moment::at(Call::Open, &[&run, "/start.log"], false).after(begun())),
        ("its first program", Moment::at(Call::Connect, &["/desk.sock"], true).after(begun())),
        ("noted", Moment::at(Call::Rename, &[&desks], false)),
        ("noted, its end", Moment::at(Call::Rename, &[&desks], true)),
    ];
    for (step, moment) in moments {
        let tracer = kill_at(ground.stoa.pid(), moment);
        let answer = ground.desk("POST", "desk", None);
        assert!(answer.is_none(), "{step}: it never came there: {}", answer.unwrap().text);
        assert!(tracer.join().unwrap(), "{step}");
        ground.stoa.was_killed();
        assert_eq!(ground.on_own_socket(&instance).as_deref(), Some("version 0"), "{step}: it goes on");
        ground.stoa.run();
        until_all_is_owned(&ground.stoa);
        ground.open_desk();
        let mut terminal = ground.terminal();
        terminal.run("test \"$(cat version)\" = 0 && git status --porcelain > /dev/null && echo who''le");
        terminal.run("echo");
        terminal.type_in("git rev-parse HEAD");
        terminal.shows(&ground.head_of("main"));
        drop(terminal);
        ground.end_desk();
        until_all_is_owned(&ground.stoa);
    }
}

#[test]
fn what_runs_in_a_desk_ends_with_the_program_and_what_was_written_stays() {
    let mut ground = Ground::new("Shop");
    ground.open_desk();
    let mut terminal = ground.terminal();
    // One in the terminal's session, and one that has left it.
    let (near, far) = ("8640017", "8640029");
    terminal.run(&format!("sleep {near} &"));
    terminal.run(&format!("setsid sleep {far} < /dev/null > /dev/null 2>&1 &"));
    terminal.run("echo draft > kept");
    until("both", || (is_running(near) && is_running(far)).then_some(()));
    ground.stoa.kill();
    until("nothing of the desk to run", || (!is_running(near) && !is_running(far)).then_some(()));
    drop(terminal);
    ground.stoa.run();
    until_all_is_owned(&ground.stoa);
    let opened = ground.open_desk();
    assert_eq!(opened["is_new"], false, "{opened}");
    let mut terminal = ground.terminal();
    terminal.type_in("cat kept");
    terminal.shows("draft");
    drop(terminal);
    ground.end_desk();
    until_all_is_owned(&ground.stoa);
}

/// Where a push is cut off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// As soon as git takes it in.
    Taking,
    /// As soon as the branch has moved.
    Moved,
}

#[test]
fn a_push_from_a_desk_that_is_cut_off_is_wholly_done_or_wholly_not() {
    let mut ground = Ground::new("Shop");
    let instance = ground.id("shop");
    let repository = ground.stoa.data().join("repositories").join(format!("{}.git", ground.project));
    let named = repository.to_str().unwrap().to_owned();
    let branch = repository.join("refs/heads/main");
    for (number, at) in [At::Taking, At::Moved, At::Taking, At::Moved].into_iter().enumerate() {
        let version = number + 1;
        ground.open_desk();
        let mut terminal = ground.terminal();
        terminal.run(&format!("echo {version} > version"));
        drop(terminal);
        let message = json!({ "message": format!("Version {version}"), "all": true });
        let made = ground.desk("POST", "git/commit", Some(message)).unwrap().expect(200).json();
        let commit = made["commit"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        let before = ground.head_of("main");
        let asking = ground.asking();
        let pushing = std::thread::spawn(move || asking.ask("POST", "/instances/shop/git/push", None));
        match at {
            At::Taking => {
                // It may be over before anybody sees it.
                until("git to take it in", || (is_running(&named) || pushing.is_finished()).then_some(()));
            }
            At::Moved => {
                until("the branch to move", || {
                    std::fs::read_to_string(&branch).ok().filter(|now| now.trim() == commit)
                });
            }
        }
        ground.stoa.kill();
        let was_told = pushing.join().unwrap().is_some_and(|answer| answer.status == 200);
        assert!(ground.on_own_socket(&instance).is_some(), "{version}: it goes on");
        ground.stoa.run();
        until_quiet(&ground.stoa);
        let is_done = ground.head_of("main") == commit;
        assert!(is_done || (at == At::Taking && !was_told), "{version}: what was moved, or told, is there");
        let opened = ground.open_desk();
        assert_eq!(opened["is_new"], false, "{version}: {opened}");
        if !is_done {
            assert_eq!(ground.head_of("main"), before, "{version}");
            // The commit is in the working copy still, and goes at the next try.
            let pushed = ground.desk("POST", "git/push", None).unwrap().expect(200).json();
            assert_eq!(pushed["commit"], commit.as_str(), "{version}");
        }
        until("the new one", || {
            ground.visit("shop").filter(|answer| *answer == format!("version {version}"))
        });
        let deployed = until("its end", || {
            Some(ground.newest_deployment("shop")).filter(|one| one["ended_at"].is_string())
        });
        assert_eq!((&deployed["commit"], &deployed["status"]), (&json!(commit), &json!("succeeded")));
        ground.end_desk();
        until_all_is_owned(&ground.stoa);
    }
}
