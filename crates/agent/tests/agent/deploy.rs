//! An agent with a real repository, real builds and real applications.

use std::path::{Path, PathBuf};
use std::process::Command as Program;

use stoa_agent::protocol::{
    Event, InstanceState, Mode, Order, PutInstance, Valid, WantedHealth, WantedLimits,
};
use stoa_domain::JobId;
use tokio::runtime::Runtime;

use crate::support::house::{House, succeeded};
use crate::support::until;

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

    let Event::Failed { sentence, quote, .. } = house.deploy(&machine, house.commit("unwell", &[])).await
    else {
        panic!("an unwell release went through")
    };
    assert_eq!(sentence, "`/` answered 500.");
    assert_eq!(quote.as_deref(), Some("unwell begins"), "what the other release wrote isn't its");
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

/// How an application never becomes healthy, how long it may take to, and what is said of it.
const NEVER_HEALTHY: [(&str, u64, &str, &str); 6] = [
    ("time.sleep(600)", 3, "unhealthy", "Nothing listened on port 8000 within 3 s."),
    (
        "own = socket.create_server(('127.0.0.1', 8123)); time.sleep(600)",
        3,
        "unhealthy",
        "Nothing listened on port 8000 within 3 s; it listens on 8123.",
    ),
    (
        "own = socket.create_server(('127.0.0.1', 8000)); time.sleep(600)",
        3,
        "unhealthy",
        "Port 8000 gave no answer within 3 s.",
    ),
    ("sys.exit(1)", 60, "failed", "The application ended before it was healthy (status 1)."),
    (
        "os.kill(os.getpid(), 9)",
        60,
        "failed",
        "The application ended before it was healthy (signal SIGKILL).",
    ),
    (
        "much = bytearray(b'x') * (300 << 20); time.sleep(600)",
        60,
        "failed",
        "Killed: more than 200 MiB of memory.",
    ),
];

#[tokio::test]
async fn what_never_becomes_healthy_says_why_and_the_earlier_release_answers() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let (house, machine) = (&house, &machine);
    let each =
        NEVER_HEALTHY.into_iter().zip(0..).map(|((script, seconds, code, sentence), number)| async move {
            let own = house.beside(number);
            let mut form = own.form();
            form.limits = Some(WantedLimits { memory: Some(200 << 20), ..WantedLimits::default() });
            let first = own.commit("first", &[]);
            let deployed = own.deploy_as(machine, first, &form).await;
            assert!(succeeded(&deployed), "{script}: {deployed:?}");
            let before = own.get(machine, "/").await.unwrap();

            // Every other one can't run beside the earlier release, which is started again.
            let overlaps = number % 2 == 0;
            let settings = format!(
                "[run]\ncommand = [\"python3\", \"app.py\"]\noverlap = {overlaps}\nstop_time = \"1s\"\n\
             [health]\nstart_time = \"{seconds}s\"\n"
            );
            std::fs::write(own.repository.join("stoa.toml"), settings).unwrap();
            let script = format!("import os, socket, sys, time\nprint('never', flush=True)\n{script}\n");
            std::fs::write(own.repository.join("app.py"), &script).unwrap();
            let Event::Failed { code: told, sentence: said, quote } =
                own.deploy_as(machine, own.commit_all("never"), &form).await
            else {
                panic!("{script} became healthy")
            };
            assert_eq!((told.as_str(), said.as_str()), (code, sentence), "{script}");
            assert!(
                quote.as_deref().is_none_or(|quote| quote == "never"),
                "{script}: its own lines alone: {quote:?}"
            );
            assert!(quote.is_some() || code == "failed", "{script}: what it wrote long before is told");
            let after = own.get(machine, "/").await.unwrap();
            assert!(after.starts_with("first ") && (after == before || !overlaps), "{script}: {after}");
            assert_eq!(machine.see(own.instance).await.state, InstanceState::Running, "{script}");
        });
    futures_util::future::join_all(each).await;
    machine.agent.stop_all().await.unwrap();
}

/// Answers badly at `/fine` as the process in `/data/unwell` does: but for the third time that it is asked then.
const UNWELL_LATER: &str = r#"
import http.server, os
asked = []
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        is_well = self.path == "/fine"
        if is_well and "stoa-health" in self.headers.get("User-Agent", "") and os.path.exists("/data/unwell"):
            if open("/data/unwell").read() == str(os.getpid()):
                asked.append(1)
                is_well = len(asked) == 3
                with open("/data/asked", "a") as file: print("well" if is_well else "ill", file=file)
        self.send_response(200 if is_well else 500); self.send_header("Connection", "close"); self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

#[tokio::test]
async fn what_stops_answering_is_restarted_after_so_many_failures_in_a_row_and_not_before() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    // By itself it would never be healthy, nor be asked again so soon: its settings say how it is asked.
    let settings = "[run]\ncommand = [\"python3\", \"app.py\"]\nstop_time = \"1s\"\n\
         [health]\npath = \"/never\"\nstart_time = \"2s\"\nevery = \"1h\"\nfailures = 1\n";
    std::fs::write(house.repository.join("stoa.toml"), settings).unwrap();
    std::fs::write(house.repository.join("app.py"), UNWELL_LATER).unwrap();
    let mut form = house.form();
    form.health = Some(WantedHealth {
        path: "/fine".to_owned(),
        status: vec!["200".to_owned()],
        start_seconds: 60,
        every_seconds: 1,
        failures: 3,
    });
    let deployed = house.deploy_as(&machine, house.commit_all("one"), &form).await;
    assert!(succeeded(&deployed), "{deployed:?}");
    let first = house.get(&machine, "/fine").await.unwrap();
    let data = house.place.join("state/data").join(house.instance.to_string());
    std::fs::write(data.join("unwell.new"), &first).unwrap();
    std::fs::rename(data.join("unwell.new"), data.join("unwell")).unwrap();
    let said = until("it isn't well", async || {
        let seen = machine.see(house.instance).await;
        seen.sentence.filter(|_| seen.state == InstanceState::Failed)
    })
    .await;
    assert_eq!(said, "The application doesn't answer; it is restarted.");
    until("it answers again", async || {
        let seen = machine.see(house.instance).await.state;
        let answer = house.get(&machine, "/fine").await.ok()?;
        (seen == InstanceState::Running && !answer.is_empty() && answer != first).then_some(())
    })
    .await;
    let asked = std::fs::read_to_string(data.join("asked")).unwrap();
    assert_eq!(asked.lines().collect::<Vec<_>>(), ["ill", "ill", "well", "ill", "ill", "ill"]);
    machine.agent.stop_all().await.unwrap();
}

/// Takes three failed looks to begin once more, and ends when it is told to.
const SLOW_AGAIN: &str = r#"
import http.server, os, time
if os.path.exists("/data/begun"): time.sleep(4)
open("/data/begun", "a").write("begun\n")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/end": os._exit(1)
        self.send_response(200); self.send_header("Connection", "close"); self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

#[tokio::test]
async fn what_ended_and_takes_long_to_begin_is_given_the_time_for_it() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    std::fs::write(house.repository.join("stoa.toml"), "[run]\ncommand = [\"python3\", \"app.py\"]\n")
        .unwrap();
    std::fs::write(house.repository.join("app.py"), SLOW_AGAIN).unwrap();
    let deployed = house.deploy_as(&machine, house.commit_all("one"), &house.form()).await;
    assert!(succeeded(&deployed), "{deployed:?}");
    let first = house.get(&machine, "/").await.unwrap();
    let _ = house.get(&machine, "/end").await;
    until("it runs again", async || {
        let answer =
            house.get(&machine, "/").await.ok().filter(|answer| !answer.is_empty() && *answer != first);
        (answer.is_some() && machine.see(house.instance).await.state == InstanceState::Running).then_some(())
    })
    .await;
    let begun = house.place.join("state/data").join(house.instance.to_string()).join("begun");
    assert_eq!(std::fs::read_to_string(begun).unwrap(), "begun\n".repeat(2), "it wasn't restarted meanwhile");
    machine.agent.stop_all().await.unwrap();
}

/// Tells how many processes it may begin, or takes 300 MiB.
const GREEDY: &str = r#"
import http.server, os, time
def fork():
    children = []
    try:
        while len(children) < 300:
            child = os.fork()
            if child == 0: time.sleep(600)
            children.append(child)
    except OSError: pass
    for child in children: os.kill(child, 9); os.waitpid(child, 0)
    return len(children)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/eat": much = bytearray(b"x") * (300 << 20)
        body = str(fork() if self.path == "/fork" else os.getpid())
        self.send_response(200); self.send_header("Connection", "close"); self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

#[tokio::test]
async fn memory_and_processes_are_as_the_settings_say_at_the_next_start() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    std::fs::write(house.repository.join("stoa.toml"), "[run]\ncommand = [\"python3\", \"app.py\"]\n")
        .unwrap();
    std::fs::write(house.repository.join("app.py"), GREEDY).unwrap();
    let limited = |memory: u64, processes: u64| {
        let limits =
            WantedLimits { memory: Some(memory), processes: Some(processes), ..WantedLimits::default() };
        PutInstance { limits: Some(limits), ..house.form() }
    };
    let forks = async || house.get(&machine, "/fork").await.unwrap().parse::<u64>().unwrap();
    let deployed = house.deploy_as(&machine, house.commit_all("greedy"), &limited(200 << 20, 40)).await;
    assert!(succeeded(&deployed), "{deployed:?}");
    let count = forks().await;
    assert!(count > 20 && count < 40, "{count}");
    let first = house.get(&machine, "/").await.unwrap();
    assert!(house.get(&machine, "/eat").await.unwrap_or_default().is_empty(), "it takes more than it may");
    let said = until("it isn't well", async || {
        let seen = machine.see(house.instance).await;
        seen.sentence.filter(|_| seen.state == InstanceState::Failed)
    })
    .await;
    assert_eq!(said, "Killed: more than 200 MiB of memory; it is started again.");
    until("it answers again", async || {
        let answer = house.get(&machine, "/").await.ok()?;
        (!answer.is_empty() && answer != first).then_some(())
    })
    .await;

    let more = limited(600 << 20, 80);
    machine.client.put_instance(house.order(), house.instance, &more).await.unwrap();
    let restarted = machine.client.restart(house.order(), house.instance, Mode::Hard).await;
    assert!(succeeded(&machine.outcome(restarted).await));
    let count = forks().await;
    assert!(count > 60 && count < 80, "{count}");
    assert!(!house.get(&machine, "/eat").await.unwrap().is_empty(), "it takes no more than it may");
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
    if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
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
