//! How applications in sandboxes start, end, and outlive those who started them.

#![allow(clippy::print_stdout)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use stoa_agent::init::Control;
use stoa_agent::sandbox::{Ended, Identity, Mounts, Plan};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::{Instance, PATIENCE, process, until};

const NAMESPACE: &str = "import os; answer = os.readlink('/proc/self/ns/pid')";

#[tokio::test]
async fn a_soft_restart_keeps_the_sandbox_and_a_hard_one_makes_another() {
    let mut instance = Instance::new().start().await;
    let (space, pid) = (instance.ask(NAMESPACE).await, instance.application().await);
    Control::soft_restart(&instance.control(), PATIENCE).await.unwrap();
    assert_eq!(instance.ask(NAMESPACE).await, space);
    assert_ne!(instance.application().await, pid);
    assert_eq!(
        instance.status().await.application().unwrap().ends,
        0,
        "being restarted isn't ending by itself"
    );
    // Process 1 tells namespaces apart: the kernel gives the number of one that is gone to the next.
    let first = instance.identity;
    first.end().await.unwrap();
    instance.start_again().await;
    assert_ne!(instance.identity, first);
    assert_eq!(instance.ask("answer = 'here'").await, "here");
}

#[tokio::test]
async fn requests_wait_through_soft_restarts() {
    let instance = Instance::new().start().await;
    instance.ask("answer = 1").await;
    let restarts = async {
        for _ in 0..5 {
            Control::soft_restart(&instance.control(), PATIENCE).await.unwrap();
        }
    };
    let requests = async {
        let mut answered = 0;
        while answered < 300 {
            let question = format!("answer = {answered} * 2");
            let asked = futures_util::future::join_all((0..10).map(|_| instance.ask(&question))).await;
            for answer in asked {
                assert_eq!(answer, (answered * 2).to_string());
            }
            answered += 10;
        }
    };
    tokio::join!(restarts, requests);
}

#[tokio::test]
async fn one_that_ignores_its_signal_is_killed_after_its_time() {
    let mut instance = Instance::new();
    instance.environment.push(("IGNORE_TERM".to_owned(), "yes".to_owned()));
    instance.processes[0].stop_seconds = 1;
    let instance = instance.start().await;
    instance.ask("answer = 1").await;
    let pid = instance.application().await;
    Control::soft_restart(&instance.control(), PATIENCE).await.unwrap();
    assert_ne!(instance.application().await, pid);
    instance.line_with("The application didn't end within 1 s: killed").await;
    Control::stop(&instance.control(), Some(Duration::from_secs(1)), PATIENCE).await.unwrap();
    until("the sandbox ends", async || (!instance.identity.is_alive()).then_some(())).await;
}

#[tokio::test]
async fn what_is_under_way_has_the_applications_own_time_to_end() {
    let mut instance = Instance::new();
    instance.processes[0].stop_seconds = 1;
    let instance = instance.start().await;
    let endless = async {
        let said = instance.ask("print('it begins', flush=True)\nimport time; time.sleep(3600)").await;
        assert_eq!(said, "", "it was cut off");
    };
    let restart = async {
        instance.line_with("it begins").await;
        Control::soft_restart(&instance.control(), PATIENCE).await.unwrap();
        instance.line_with("1 connections were still open after 1 s").await;
    };
    tokio::join!(endless, restart);
    // One that has more is waited for: it goes on as soon as nothing is under way.
    let mut instance = Instance::new();
    instance.processes[0].stop_seconds = 3600;
    let instance = instance.start().await;
    let pid = instance.application().await;
    let question = "import os, time\nprint('it begins', flush=True)\nwhile not os.path.exists('/data/go'): time.sleep(0.01)\nanswer = 'whole'";
    let last = async { assert_eq!(instance.ask(question).await, "whole") };
    let restart = async {
        instance.line_with("it begins").await;
        let restart = async { Control::soft_restart(&instance.control(), PATIENCE).await.unwrap() };
        let go = async {
            until("it restarts", async || instance.status().await.is_restarting.then_some(())).await;
            std::fs::write(instance.place.join("data/go"), "").unwrap();
        };
        tokio::join!(restart, go);
        assert_ne!(instance.application().await, pid);
    };
    tokio::join!(last, restart);
}

#[tokio::test]
async fn one_that_ends_is_started_again_and_so_are_further_processes() {
    let mut instance = Instance::new();
    instance.processes.push(process("worker", &["sh", "-c", "echo working; exec sleep 600"]));
    instance.processes.push(process("missing", &["no-such-program"]));
    let instance = instance.start().await;
    let working = instance.line_with("working").await;
    assert_eq!(working.stream, "worker:stdout");
    let first = instance.status().await;
    let _ = instance.ask("import os, signal; os.kill(os.getpid(), signal.SIGTERM)").await;
    instance.line_with("The application ended (signal SIGTERM)").await;
    until("it runs again", async || {
        let now = instance.status().await.application()?.clone();
        (now.ends == 1 && now.pid.is_some()).then_some(())
    })
    .await;
    assert_eq!(instance.ask("answer = 'again'").await, "again");
    let now = instance.status().await;
    assert_eq!(now.processes[1], first.processes[1], "the other process isn't touched");
    assert_eq!((now.processes[2].pid, now.processes[2].ends > 0), (None, true));
    instance.line_with("The process missing can't be started").await;
}

#[tokio::test]
async fn what_it_writes_becomes_lines_bounded_and_marked() {
    let instance = Instance::new().start().await;
    let write = "import sys\nraw = sys.stdout.buffer\nraw.write(b'plain\\n\\xff\\xfe binary\\n' + b'x' * 200000 + b'\\n' + b'after\\n'); raw.flush(); answer = 1";
    assert_eq!(instance.ask(write).await, "1");
    instance.line_with("after").await;
    let lines = instance.lines().await;
    let of = |text: &str| lines.iter().find(|line| line.text.contains(text)).unwrap();
    assert_eq!((of("plain").stream.as_str(), of("plain").text.as_str()), ("stdout", "plain"));
    assert_eq!(of("binary").text, "\\xff\\xfe binary");
    let long = of("xxxx");
    assert!(
        long.text.ends_with(" …[cut]") && long.text.starts_with(&"x".repeat(64 * 1024)),
        "{}",
        long.text.len()
    );
    assert!(long.text.len() < 64 * 1024 + 16);
    // A flood: dropped, counted, and said.
    let flood = "import sys\nfor _ in range(200): sys.stdout.write('flood\\n' * 1000)\nsys.stdout.flush(); answer = 1";
    assert_eq!(instance.ask(flood).await, "1");
    let said = instance.line_with("lines were dropped").await;
    let dropped: usize = said.text.split(' ').next().unwrap().parse().unwrap();
    assert!(dropped > 0 && said.stream == "stoa");
    // The rest is counted when it was taken in.
    until("all are counted", async || {
        let lines = instance.lines().await;
        let dropped: usize = lines
            .iter()
            .filter(|line| line.text.contains("lines were dropped"))
            .map(|line| line.text.split(' ').next().unwrap().parse::<usize>().unwrap())
            .sum();
        let kept = lines.iter().filter(|line| line.text == "flood").count();
        (kept + dropped == 200_000).then_some(())
    })
    .await;
}

/// Not a test: what the tests below start, and kill. It starts what stands in its environment, says so, and waits.
#[tokio::test]
#[ignore = "started by other tests"]
async fn a_starter() {
    let place = std::env::var("STARTER_PLACE").unwrap();
    let place = Path::new(&place);
    if std::env::var("STARTER_WHAT").unwrap() == "application" {
        let instance = std::mem::ManuallyDrop::new(Instance::at(place).start().await);
        std::fs::write(place.join("identity"), serde_json::to_vec(&instance.identity).unwrap()).unwrap();
    } else {
        let instance = std::mem::ManuallyDrop::new(Instance::at(place));
        let begun = place.join("cache/begun");
        // The name makes its processes found.
        let text = format!("touch /cache/begun; sleep 600 & wait; : {}", place.display());
        tokio::spawn(async move {
            run(&instance, &["sh", "-c", &text], PATIENCE * 10, &CancellationToken::new()).await
        });
        until("the command runs", async || begun.exists().then_some(())).await;
    }
    println!("\nstarted");
    std::future::pending::<()>().await;
}

/// Another process that has started it.
fn starter(place: &Path, what: &str) -> Starter {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "life::a_starter"])
        .env("STARTER_PLACE", place)
        .env("STARTER_WHAT", what)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "started"));
    Starter(child)
}

struct Starter(Child);

impl Starter {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Numbers of the processes of which a word of their command contains this.
fn processes_with(text: &str) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let own = i32::try_from(std::process::id()).unwrap();
    numbers
        .filter(|pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            *pid != own && String::from_utf8_lossy(&words).contains(text)
        })
        .collect()
}

#[tokio::test]
async fn an_application_goes_on_when_its_starter_is_killed() {
    let place = tempfile::tempdir().unwrap();
    let mut child = starter(place.path(), "application");
    let identity: Identity =
        serde_json::from_slice(&std::fs::read(place.path().join("identity")).unwrap()).unwrap();
    let mut instance = Instance::at(place.path());
    instance.name = String::new();
    instance.identity = identity;
    let before = instance.ask("import os; answer = os.getpid()").await;
    child.kill();
    assert!(identity.is_alive());
    assert_eq!(instance.ask("import os; answer = os.getpid()").await, before);
    assert_eq!(
        instance.ask("open('/data/later', 'w').write('x'); print('line of later'); answer = 1").await,
        "1"
    );
    // A new agent finds it by its control socket.
    assert_eq!(instance.application().await.to_string(), before);
    Control::soft_restart(&instance.control(), PATIENCE).await.unwrap();
    assert_ne!(instance.ask("import os; answer = os.getpid()").await, before);
    identity.end().await.unwrap();
    nothing_is_left_of(place.path()).await;
    tidy(place.path(), child.0.id());
}

/// What the next start of an agent does.
fn tidy(place: &Path, starter: u32) {
    let name = Instance::name(place, starter);
    crate::support::sandboxes().tidy(&name, &place.join("run")).unwrap();
}

#[tokio::test]
async fn a_command_ends_with_its_starter() {
    let place = tempfile::tempdir().unwrap();
    let mut child = starter(place.path(), "command");
    assert!(processes_with(&place.path().display().to_string()).len() > 1);
    child.kill();
    nothing_is_left_of(place.path()).await;
    tidy(place.path(), child.0.id());
}

fn in_group(name: &str) -> Vec<i32> {
    let is_in =
        |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default().contains(name);
    processes_with("").into_iter().filter(is_in).collect()
}

/// bubblewrap names the place in its arguments; slirp4netns is its child.
async fn nothing_is_left_of(place: &Path) {
    let name = place.file_name().unwrap().to_string_lossy().replace('.', "");
    let place = place.display().to_string();
    until("nothing is left", async || processes_with(&place).is_empty().then_some(())).await;
    // Nor a process in a control group, which each test names after its folder.
    until("nobody is left", async || in_group(&format!("-{name}")).is_empty().then_some(())).await;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&place));
}

async fn run(
    instance: &Instance,
    command: &[&str],
    time_limit: Duration,
    cancel: &CancellationToken,
) -> (std::io::Result<Ended>, Vec<(String, String)>) {
    let (app, cache, place) =
        (instance.place.join("app"), instance.place.join("cache"), instance.place.join("run"));
    std::os::unix::fs::chown(&app, instance.user, instance.user).unwrap();
    let plan = Plan {
        name: instance.name.clone(),
        hostname: "shop".to_owned(),
        user: instance.user,
        mounts: Mounts { app: &app, is_app_writable: true, data: None, cache: Some(&cache), database: None },
        place: &place,
        log_folder: None,
        limits: instance.limits,
        is_mail_off: instance.is_mail_off,
    };
    let mut orders = instance.orders();
    orders.once = true;
    orders.processes = vec![process("", command)];
    let (sender, mut receiver) = mpsc::channel(16);
    let running = instance.sandboxes.run_command(&plan, &orders, time_limit, cancel, sender);
    let reading = async {
        let mut lines = Vec::new();
        while let Some(line) = receiver.recv().await {
            lines.push((line.stream.to_owned(), String::from_utf8(line.text).unwrap()));
        }
        lines
    };
    tokio::join!(running, reading)
}

#[tokio::test]
async fn a_command_runs_to_its_end_with_its_lines_and_its_status() {
    let instance = Instance::new();
    let go = CancellationToken::new();
    let command = [
        "sh",
        "-c",
        "echo one; echo two >&2; echo kept > /cache/kept; echo built > /app/built; ls /data; exit 7",
    ];
    let (ended, mut lines) = run(&instance, &command, PATIENCE, &go).await;
    assert_eq!(ended.unwrap(), Ended::Status(7));
    lines.sort();
    let line = |stream: &str, text: &str| (stream.to_owned(), text.to_owned());
    let no_data = "ls: cannot access '/data': No such file or directory";
    assert_eq!(lines, [line("stderr", no_data), line("stderr", "two"), line("stdout", "one")]);
    assert_eq!(std::fs::read_to_string(instance.place.join("app/built")).unwrap(), "built\n");
    assert_eq!(std::fs::read_to_string(instance.place.join("cache/kept")).unwrap(), "kept\n");
    let (ended, lines) = run(&instance, &["no-such-program"], PATIENCE, &go).await;
    assert_ne!(ended.unwrap(), Ended::Status(0));
    assert!(lines.iter().any(|(_, text)| text.contains("no-such-program")), "{lines:?}");
}

/// A small disk of its own for a test.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(size: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"];
        let status = Command::new("mount").args(arguments).arg(folder.path()).status().unwrap();
        assert!(status.success());
        Self(folder)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_command_that_fills_the_disk_is_ended() {
    if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
        return;
    }
    let disk = Disk::mount("700m");
    let mut instance = Instance::at(&disk.0.path().join("place"));
    // This disk is in memory.
    instance.limits.memory = 1 << 30;
    let fill = ["sh", "-c", "head -c 300000000 /dev/zero > /app/full; sleep 600"];
    let (ended, _) = run(&instance, &fill, PATIENCE, &CancellationToken::new()).await;
    assert_eq!(ended.unwrap(), Ended::DiskFull);
}

#[tokio::test]
async fn a_command_that_takes_too_long_or_is_cancelled_ends_whole() {
    let instance = Instance::new();
    let endless = ["sh", "-c", "trap '' TERM; setsid sleep 600 & sleep 600"];
    let (ended, _) = run(&instance, &endless, Duration::from_secs(1), &CancellationToken::new()).await;
    assert_eq!(ended.unwrap(), Ended::OutOfTime);
    let cancel = CancellationToken::new();
    let later = cancel.clone();
    let begun = instance.place.join("cache/begun");
    let cancelling = async {
        until("it runs", async || begun.exists().then_some(())).await;
        later.cancel();
    };
    let endless = ["sh", "-c", "touch /cache/begun; sleep 600"];
    let ((ended, _), ()) = tokio::join!(run(&instance, &endless, PATIENCE, &cancel), cancelling);
    assert_eq!(ended.unwrap(), Ended::Cancelled);
    nothing_is_left_of(&instance.place).await;
}

#[tokio::test]
async fn the_length_of_a_path_is_no_matter() {
    let kept = tempfile::tempdir().unwrap();
    let place = kept.path().join("a".repeat(120));
    let instance = Instance::at(&place).start().await;
    assert_eq!(instance.ask("answer = 'here'").await, "here");
    Control::soft_restart(&instance.control(), PATIENCE).await.unwrap();
}

#[tokio::test]
async fn nothing_is_left_of_an_application_that_was_ended() {
    let instance = Instance::new().start().await;
    instance.ask("import subprocess; subprocess.Popen(['setsid', 'sleep', '600']); answer = 1").await;
    assert!(!processes_with(&instance.place.display().to_string()).is_empty());
    instance.identity.end().await.unwrap();
    instance.sandboxes.tidy(&instance.name, &instance.place.join("run")).unwrap();
    nothing_is_left_of(&instance.place).await;
    assert!(!instance.place.join("run").exists());
}

#[tokio::test]
async fn bytes_go_through_in_both_directions_until_each_side_ends() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let instance = Instance::new().start().await;
    let large = "x".repeat(3_000_000);
    let answer = instance.ask(&format!("text = {large:?}\nanswer = text * 2")).await;
    assert_eq!(answer.len(), 6_000_000);
    // Whoever only listens hears the end.
    let mut stream = stoa_agent::init::connect(&instance.socket()).await.unwrap();
    stream.write_all(b"import os; os._exit(1)").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty());
}

/// Where there is no device for it, instances run without a way out, and the rest is as ever.
#[test]
fn without_a_way_out_the_rest_holds() {
    if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
        return;
    }
    let hide = "mount -t tmpfs none /dev/net && exec \"$0\" \"$@\"";
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", hide])
        .arg(std::env::current_exe().unwrap())
        // One after the other: in one process they have one user, whose processes are counted together.
        .arg("--test-threads=1")
        .args(["walls::it_sees", "walls::it_reaches_neither", "walls::its_socket", "walls::a_fork_bomb"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains(" 4 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// As an ordinary user all of it holds too, but for a user of its own for each instance.
#[test]
fn an_ordinary_user_has_the_same_walls() {
    if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
        return;
    }
    use std::os::unix::process::CommandExt as _;
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--test-threads=2", "walls::", "life::", "--skip", "databases::", "--skip", "ordinary_user"])
        // What is demanded of root, an ordinary user of the same machine may lack: the device for a network, too.
        .env_remove("TESTS_NEED")
        .env_remove("TESTS_SKIPPED")
        .env_remove("TMPDIR")
        .env("HOME", "/tmp")
        .uid(65_534)
        .gid(65_534)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
