//! The example that tries to get out, held against a list of what has to be refused to it.

use std::net::{TcpListener, UdpSocket};
use std::path::Path;

use crate::support::{Instance, until};

/// How each line has to begin, whatever the machine.
const DEMANDED: &[&str] = &[
    "refused: reading /etc/shadow: ",
    "refused: reading /proc/1/root: ",
    "refused: writing /app/planted: ",
    "refused: writing /.stoa/init: ",
    "refused: a device: ",
    "refused: finding secrets: FileNotFoundError",
    "refused: metadata of the cloud: ",
    "refused: the machine's loopback, port 22: ",
    "refused: the machine by its gateway, port 22: ",
    "refused: a private network, 192.168.1.1:80: ",
    "refused: the socket /run/docker.sock: ",
    "refused: a raw socket: ",
    "refused: a link for its own socket in /run: ",
    "refused: a link for its own socket in /.stoa: ",
    "refused: processes of others: ProcessLookupError",
    "refused: /proc/1/environ: PermissionError",
    "refused: /proc/1/mem: PermissionError",
    "refused: ptrace of process 1: PermissionError",
    "refused: ending process 1: PermissionError",
    "refused: a user namespace: PermissionError",
    "refused: mounting: PermissionError",
    "refused: becoming root: ",
    "bounded: fork bomb: ",
    "bounded: 10,000 connections to itself: ",
    "bounded: 1 GiB of log: ",
    "bounded: filling /tmp: ",
    "bounded: filling /dev/shm: ",
];

fn size(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[tokio::test]
async fn the_hostile_example_is_refused_everything() {
    let neighbour = Instance::new().start().await;
    neighbour.ask("open('/data/secret', 'w').write('x'); answer = 1").await;
    let records = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for name in ["stoa.db", "master.key"] {
        std::fs::write(records.path().join(name), "x").unwrap();
        paths.push(records.path().join(name));
    }
    paths.push(neighbour.place.join("data/secret"));
    paths.push(neighbour.place.join("data"));

    let mut instance = Instance::new();
    let sockets = [instance.socket(), instance.control(), neighbour.socket(), neighbour.control()]
        .map(|path| path.display().to_string());
    let mut open = vec![TcpListener::bind("127.0.0.1:0").unwrap()];
    let outward = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent by this; without a way out of this machine there is no outward address to be reached by.
    if outward.connect("203.0.113.1:9").is_ok() {
        open.push(TcpListener::bind((outward.local_addr().unwrap().ip(), 0)).unwrap());
    }
    let addresses: Vec<String> =
        open.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect();
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();

    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hostile/app.py");
    std::fs::copy(example, instance.place.join("app/app.py")).unwrap();
    instance.processes = vec![crate::support::process("", &["python3", "app.py"])];
    for (name, value) in [
        ("HOSTILE_FILES", paths.join(":")),
        ("HOSTILE_SOCKETS", sockets.join(":")),
        ("HOSTILE_ADDRESSES", addresses.join(",")),
    ] {
        instance.environment.push((name.to_owned(), value));
    }
    let instance = instance.start().await;
    let pid = instance.application().await;
    let ask = "GET / HTTP/1.0\r\n\r\n";
    let answer = until("all is tried", async || {
        let answer = crate::support::ask(&instance.socket(), ask).await.ok()?;
        answer.starts_with("HTTP/1.0 200").then_some(answer)
    })
    .await;
    let said: Vec<&str> = answer.split_once("\r\n\r\n").unwrap().1.lines().collect();

    let mut demanded: Vec<String> = DEMANDED.iter().map(|&line| line.to_owned()).collect();
    for path in &paths {
        demanded.extend([format!("refused: reading {path}: "), format!("refused: writing {path}: ")]);
    }
    demanded.extend(sockets.iter().map(|path| format!("refused: the socket {path}: ")));
    demanded.extend(addresses.iter().map(|address| format!("refused: connecting to {address}: ")));
    for line in &demanded {
        assert!(said.iter().any(|said| said.starts_with(line.as_str())), "{line:?} in {said:#?}");
    }
    assert!(!answer.contains("REACHED"), "{said:#?}");

    assert_eq!(instance.application().await, pid, "it still stands, and was never started again");
    assert_eq!(neighbour.ask("answer = open('/data/secret').read()").await, "x");
    instance.line_with("lines were dropped").await;
    assert!(size(&instance.place.join("logs")) < 256 << 20, "of 1 GiB little is kept");
    for listener in &open {
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "{:?} was reached", listener.local_addr());
    }
    let run = std::fs::symlink_metadata(instance.socket()).unwrap();
    assert!(std::os::unix::fs::FileTypeExt::is_socket(&run.file_type()));
}
