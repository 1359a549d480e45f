//! What an application in a sandbox can't see, reach or do.

use std::net::TcpListener;

use stoa_agent::protocol::EnforcedBy;

use crate::support::Instance;

/// What is asked in ctypes: a system call by its number, giving the error's name.
const CALL: &str = "import ctypes, errno, os\n\
    libc = ctypes.CDLL(None, use_errno=True)\n\
    def call(*numbers):\n\
    \x20   ctypes.set_errno(0)\n\
    \x20   outcome = libc.syscall(*[ctypes.c_long(number) for number in numbers])\n\
    \x20   return 'done' if outcome >= 0 else errno.errorcode[ctypes.get_errno()]\n";

#[tokio::test]
async fn it_sees_what_is_its_own_and_nothing_else() {
    let instance = Instance::new().start().await;
    let root = instance.ask("import os; answer = ' '.join(sorted(os.listdir('/')))").await;
    assert_eq!(
        root.replace("lib32 ", "").replace("lib64 ", "").replace("libx32 ", ""),
        ".stoa app bin data dev etc lib proc sbin tmp usr"
    );
    let seen = instance.ask("answer = open('/etc/passwd').read() + open('/etc/hosts').read()").await;
    assert!(seen.contains("app:x:") && seen.contains("shop") && seen.lines().count() == 4, "{seen}");
    let state = instance.place.display().to_string();
    for path in [
        state.as_str(),
        "/home",
        "/root",
        "/var",
        "/run",
        "/sys",
        "/etc/shadow",
        "/etc/machine-id",
        "/tmp/..",
    ] {
        let found = instance.ask(&format!("import os; answer = os.path.exists({path:?})")).await;
        assert_eq!(found, if path == "/tmp/.." { "True" } else { "False" }, "{path}");
    }
    let processes =
        instance.ask("import os; answer = sorted(int(n) for n in os.listdir('/proc') if n.isdigit())").await;
    let pid = instance.application().await;
    assert_eq!(processes, format!("[1, {pid}]"));
    let names = instance.ask("import os; answer = sorted(os.environ)").await;
    let known = ["HOME", "LC_CTYPE", "PATH", "PORT", "PWD", "PYTHONDONTWRITEBYTECODE"];
    for name in names.trim_matches(['[', ']']).split(", ") {
        assert!(known.contains(&name.trim_matches('\'')), "{name} in {names}");
    }
}

#[tokio::test]
async fn it_writes_to_its_data_and_to_memory_alone() {
    let instance = Instance::new().start().await;
    assert_eq!(instance.ask("open('/data/kept', 'w').write('x'); answer = 'written'").await, "written");
    assert_eq!(std::fs::read_to_string(instance.place.join("data/kept")).unwrap(), "x");
    for file in [
        "/app/more.py",
        "/app/probe.py",
        "/etc/passwd",
        "/usr/bin/more",
        "/more",
        "/.stoa/init",
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
    ] {
        let answer = instance.ask(&format!("open({file:?}, 'w'); answer = 'written'")).await;
        assert!(
            ["Permission denied", "Read-only", "No such file"].iter().any(|said| answer.contains(said)),
            "{file}: {answer}"
        );
    }
    for folder in ["/tmp", "/dev/shm"] {
        // Twice as much as there is room for.
        let fill = format!(
            "import os\nwith open('{folder}/full', 'wb') as file:\n  for _ in range(32): file.write(bytes(1 << 20))\nanswer = 'written'"
        );
        assert!(instance.ask(&fill).await.contains("No space left"), "{folder}");
    }
}

#[tokio::test]
async fn it_has_no_rights_and_gains_none() {
    let instance = Instance::new().start().await;
    let status = instance.ask("answer = open('/proc/self/status').read()").await;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    for name in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(name), ["0000000000000000"], "{name}");
    }
    assert_eq!(field("NoNewPrivs:"), ["1"]);
    assert_eq!(field("Seccomp:"), ["2"]);
    let user = instance.user.unwrap_or(1000).to_string();
    assert_eq!(field("Uid:"), vec![user; 4]);
    // The second where that user isn't in the namespace at all.
    let answer = instance.ask("import os; os.setuid(0); answer = 'root'").await;
    assert!(answer.contains("not permitted") || answer.contains("Invalid argument"), "{answer}");
}

#[tokio::test]
async fn calls_that_open_walls_are_refused() {
    use nix::libc;
    let instance = Instance::new().start().await;
    let calls: [(&str, i64, &str); 14] = [
        ("unshare", libc::SYS_unshare, "0x10000000"),
        ("setns", libc::SYS_setns, "0, 0"),
        ("mount", libc::SYS_mount, "0, 0, 0, 0, 0"),
        ("umount", libc::SYS_umount2, "0, 0"),
        ("keyctl", libc::SYS_keyctl, "0, 0, 0"),
        ("add_key", libc::SYS_add_key, "0, 0, 0, 0, 0"),
        ("bpf", libc::SYS_bpf, "0, 0, 0"),
        ("io_uring_setup", libc::SYS_io_uring_setup, "1, 0"),
        ("kexec_load", libc::SYS_kexec_load, "0, 0, 0, 0"),
        ("perf_event_open", libc::SYS_perf_event_open, "0, 0, 0, 0, 0"),
        ("userfaultfd", libc::SYS_userfaultfd, "0"),
        ("pivot_root", libc::SYS_pivot_root, "0, 0"),
        ("open_by_handle_at", libc::SYS_open_by_handle_at, "0, 0, 0"),
        ("clone with a user namespace", libc::SYS_clone, "0x10000011, 0, 0, 0, 0"),
    ];
    for (name, number, arguments) in calls {
        let answer = instance.ask(&format!("{CALL}answer = call({number}, {arguments})")).await;
        assert_eq!(answer, "EPERM", "{name}");
    }
    assert_eq!(instance.ask(&format!("{CALL}answer = call({}, 0, 0)", libc::SYS_clone3)).await, "ENOSYS");
    // The same calls by their numbers of another interface of the same processor.
    #[cfg(target_arch = "x86_64")]
    assert_eq!(
        instance.ask(&format!("{CALL}answer = call({}, 0x10000000)", 0x4000_0000 + libc::SYS_unshare)).await,
        "EPERM"
    );
    // What a language needs to start programs is there.
    assert_eq!(
        instance.ask("import subprocess; answer = subprocess.check_output(['echo', 'hello'])").await,
        "b'hello\\n'"
    );
}

#[tokio::test]
async fn it_has_the_families_of_sockets_of_its_network_and_no_other() {
    use nix::libc;
    let instance = Instance::new().start().await;
    for (family, answers) in [
        (libc::AF_UNIX, "done"),
        (libc::AF_INET, "done"),
        (libc::AF_INET6, "done"),
        (libc::AF_NETLINK, "done"),
        // To the hypervisor, past every route.
        (libc::AF_VSOCK, "EPERM"),
        (libc::AF_PACKET, "EPERM"),
        (libc::AF_ALG, "EPERM"),
        (libc::AF_BLUETOOTH, "EPERM"),
    ] {
        let kind = if family == libc::AF_ALG { libc::SOCK_SEQPACKET } else { libc::SOCK_DGRAM };
        let call = format!("{CALL}answer = call({}, {family}, {kind}, 0)", libc::SYS_socket);
        assert_eq!(instance.ask(&call).await, answers, "family {family}");
    }
}

#[tokio::test]
async fn it_gets_nothing_that_its_starter_happened_to_have_open() {
    use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
    use nix::sys::stat::Mode;
    // As a shell or a service manager leaves them: without the flag that closes them for the next program.
    let folder = tempfile::tempdir().unwrap();
    let inherited = open(folder.path(), OFlag::O_DIRECTORY | OFlag::O_RDONLY, Mode::empty()).unwrap();
    // With a number that no stage of a sandbox takes for its own.
    let number = fcntl(&inherited, FcntlArg::F_DUPFD(200)).unwrap();
    let instance = Instance::new().start().await;
    let open_ones = instance
        .ask("import os; answer = [os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if os.path.lexists(f'/proc/self/fd/{n}')]")
        .await;
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    // Seen from within, the path may have another beginning; its end stays.
    assert!(!open_ones.contains(name), "{open_ones}");
    let mine = std::fs::read_link(format!("/proc/self/fd/{number}")).unwrap();
    assert!(mine.ends_with(name), "it is open here");
}

#[tokio::test]
async fn it_reaches_neither_this_machine_nor_a_cloud_nor_a_neighbour() {
    let mut open = vec![TcpListener::bind("127.0.0.1:0").unwrap()];
    open.extend(crate::support::outward().map(|address| TcpListener::bind((address, 0)).unwrap()));
    let instance = Instance::new().start().await;
    let connect = |address: String, port: u16| {
        format!(
            "import socket; socket.create_connection(({address:?}, {port}), timeout=3); answer = 'reached'"
        )
    };
    for listener in &open {
        let address = listener.local_addr().unwrap();
        // It is there for others.
        std::net::TcpStream::connect(address).unwrap();
        listener.accept().unwrap();
        let answer = instance.ask(&connect(address.ip().to_string(), address.port())).await;
        assert!(
            answer.contains("refused") || answer.contains("unreachable") || answer.contains("denied"),
            "{address}: {answer}"
        );
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "{address} was reached");
    }
    let loopback = open[0].local_addr().unwrap().port();
    // The way out's own gateway, by which it would lead to the machine's loopback.
    for (address, port) in [
        ("10.0.2.2", loopback),
        ("169.254.169.254", 80),
        ("10.1.2.3", 80),
        ("192.168.1.1", 80),
        ("172.17.0.1", 80),
        ("100.64.0.1", 80),
    ] {
        let answer = instance.ask(&connect(address.to_owned(), port)).await;
        assert!(!answer.contains("reached") && !answer.contains("timed out"), "{address}: {answer}");
    }
    let routes = instance.ask("answer = open('/proc/net/route').read()").await;
    assert_eq!(routes.contains("tap0"), instance.sandboxes.abilities().no_outgoing.is_none(), "{routes}");
    let answer = instance.ask("import subprocess; answer = subprocess.run(['ip', 'route', 'add', 'blackhole', '198.51.100.0/24'], capture_output=True)").await;
    assert!(answer.contains("Operation not permitted"), "{answer}");
}

#[tokio::test]
async fn what_the_operator_lists_is_reached_and_nothing_beside_it() {
    let outward = crate::support::outward();
    if crate::support::need::lacks("network", outward.is_some()) {
        return;
    }
    let address = outward.unwrap();
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut instance = Instance::new();
    if crate::support::need::lacks("network", instance.sandboxes.abilities().no_outgoing.is_none()) {
        return;
    }
    // An address once by itself, once with a port: one route.
    let allowed = vec![address.to_string(), format!("{address}:{port}")];
    instance.sandboxes = stoa_agent::sandbox::Sandboxes::new(crate::support::program(), allowed);
    let instance = instance.start().await;
    let connect = |address: &str| {
        format!(
            "import socket; socket.create_connection(({address:?}, {port}), timeout=10); answer = 'reached'"
        )
    };
    assert_eq!(instance.ask(&connect(&address.to_string())).await, "reached");
    assert!(instance.ask(&connect("10.1.2.3")).await.contains("denied"));
    assert!(instance.ask(&connect("169.254.169.254")).await.contains("denied"));
}

#[tokio::test]
async fn process_1_is_out_of_its_reach() {
    let mut instance = Instance::new();
    instance.environment.push(("TOKEN".to_owned(), "a-secret-of-this-instance".to_owned()));
    let instance = instance.start().await;
    let pid = instance.application().await;
    for file in ["environ", "mem", "maps", "auxv", "syscall", "stack", "fdinfo"] {
        let answer = instance.ask(&format!("open('/proc/1/{file}', 'rb').read(); answer = 'read'")).await;
        assert!(
            answer.contains("Permission")
                || answer.contains("Is a directory")
                || answer.contains("No such file"),
            "{file}: {answer}"
        );
    }
    for folder in ["fd", "root", "cwd", "map_files"] {
        let answer =
            instance.ask(&format!("import os; os.listdir('/proc/1/{folder}'); answer = 'read'")).await;
        assert!(answer.contains("Permission") || answer.contains("permitted"), "{folder}: {answer}");
    }
    // PTRACE_ATTACH, PTRACE_SEIZE and reading its memory by call.
    for arguments in ["101, 16, 1, 0, 0", "101, 0x4206, 1, 0, 0", "310, 1, 0, 0, 0, 0, 0"] {
        if cfg!(target_arch = "x86_64") {
            assert_eq!(
                instance.ask(&format!("{CALL}answer = call({arguments})")).await,
                "EPERM",
                "{arguments}"
            );
        }
    }
    let every = "import os, signal\nfor number in set(signal.Signals) - {signal.SIGCHLD}:\n  os.kill(1, number)\nanswer = 'sent'";
    assert_eq!(instance.ask(every).await, "sent");
    assert_eq!(instance.application().await, pid, "it was stopped or restarted");
    assert!(!instance.status().await.is_restarting);
    // Nor does the machine's list of processes give anything away.
    let machine = std::process::Command::new("ps").args(["-eo", "args"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&machine.stdout).contains("a-secret-of-this-instance"));
}

#[tokio::test]
async fn its_socket_and_its_neighbours_are_nowhere() {
    let (instance, neighbour) = tokio::join!(Instance::new().start(), Instance::new().start());
    neighbour.ask("open('/data/secret', 'w').write('x'); answer = 1").await;
    let walk = "import os, stat\nfound = []\nfor folder, folders, files in os.walk('/'):\n  folders[:] = [f for f in folders if os.path.join(folder, f) != '/proc']\n  for name in files:\n    path = os.path.join(folder, name)\n    try:\n      if stat.S_ISSOCK(os.lstat(path).st_mode) or name == 'secret': found.append(path)\n    except OSError: pass\nanswer = found";
    assert_eq!(instance.ask(walk).await, "[]");
    // No name leads to a socket, so none can be put in its place; that of outside stays what it is.
    let replace = "import os; os.symlink('/data', '/run/application.sock'); answer = 'replaced'";
    assert!(instance.ask(replace).await.starts_with("FileNotFoundError"));
    // Its own descriptors: nothing that was meant for process 1.
    let descriptors = instance.ask("import os; answer = sorted(os.readlink('/proc/self/fd/' + n).split(':')[0] for n in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + n) or True and os.path.islink('/proc/self/fd/' + n))").await;
    assert!(
        !descriptors.contains("logs") && !descriptors.contains("memfd") && !descriptors.contains(".sock"),
        "{descriptors}"
    );
    assert!(std::os::unix::fs::FileTypeExt::is_socket(
        &std::fs::symlink_metadata(instance.socket()).unwrap().file_type()
    ));
    let other = instance
        .ask("import socket; socket.create_connection(('127.0.0.1', 8001), timeout=3); answer = 'reached'")
        .await;
    assert!(other.contains("refused"), "{other}");
}

#[tokio::test]
async fn a_fork_bomb_is_bounded_and_swept_away() {
    let instance = Instance::new().start().await;
    let bomb = "import os, time\ncount = 0\ntry:\n  while count < 5000:\n    if os.fork() == 0:\n      os.setsid(); time.sleep(600)\n    count += 1\nexcept OSError: pass\nanswer = count";
    let count: u64 = instance.ask(bomb).await.parse().unwrap();
    assert!(count > 10 && count <= instance.limits.processes, "{count}");
    let first = instance.application().await;
    stoa_agent::init::Control::soft_restart(&instance.control(), crate::support::PATIENCE).await.unwrap();
    let processes = instance.ask("import os; answer = sum(n.isdigit() for n in os.listdir('/proc'))").await;
    assert_eq!(processes, "2");
    assert_ne!(instance.application().await, first);
}

#[tokio::test]
async fn a_share_of_the_processor_is_written_where_there_are_groups_for_it() {
    let mut instance = Instance::new();
    instance.limits.processor = Some(500);
    let instance = instance.start().await;
    let is_limited = instance.sandboxes.abilities().enforcement().processor == EnforcedBy::ControlGroups;
    // By its number outside: the application knows only the one inside.
    let pid = instance.identity.pid;
    let own = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let groups = own.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controller, path) = (fields.next()?, fields.next()?.trim_start_matches('/'));
        Some(std::path::Path::new("/sys/fs/cgroup").join(controller).join(path))
    });
    let written: Vec<String> = groups
        .filter(|group| group.ends_with(&instance.name))
        .flat_map(|group| {
            let read = |name: &str| std::fs::read_to_string(group.join(name)).ok();
            let first = read("cpu.cfs_quota_us").zip(read("cpu.cfs_period_us"));
            let first = first.map(|(quota, period)| format!("{} {}", quota.trim(), period.trim()));
            [first, read("cpu.max").map(|both| both.trim().to_owned())]
        })
        .flatten()
        .collect();
    assert_eq!(written, vec!["50000 100000"; usize::from(is_limited)], "{own}");
}

#[tokio::test]
async fn too_much_memory_ends_the_application_and_nobody_else() {
    let instance = Instance::new().start().await;
    let pid = instance.application().await;
    // As two processes, so that none of them has too much for itself alone. The application is the larger one.
    let eat = "import os, signal\nchild = os.fork()\nmuch = []\n\
        while len(much) < (12 if child else 6): much.append(bytearray(b'x') * (16 << 20))\n\
        while True: signal.pause()";
    let _ = crate::support::ask(&instance.socket(), eat).await;
    let again = crate::support::until("it was started again", async || {
        let application = instance.status().await.application()?.clone();
        (application.ends > 0 && application.pid.is_some_and(|now| now != pid)).then_some(application)
    })
    .await;
    assert!(again.last_end.unwrap().contains("SIGKILL"));
    assert!(instance.identity.is_alive());
    assert!(instance.sandboxes.ran_out_of_memory(&instance.name));
    assert_eq!(instance.ask("answer = 'here again'").await, "here again");
}
