//! What a sandbox is to be, and what that is in bubblewrap's words.

use std::path::Path;

use super::abilities::Abilities;
use super::limits::Limits;
use crate::init::descriptor;

/// Where programs are looked for inside.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the machine's /etc has that only says where in /usr something is: `cc` and `awk` are links through the one,
/// libraries below /usr/local are found by the other.
const LEADING_INTO_USR: [&str; 2] = ["alternatives", "ld.so.cache"];

/// Something for these to be mounted on.
pub(super) fn make_places(etc: &Path) -> std::io::Result<()> {
    for name in LEADING_INTO_USR {
        let (outside, inside) = (Path::new("/etc").join(name), etc.join(name));
        if outside.is_dir() {
            std::fs::create_dir_all(inside)?;
        } else if outside.exists() {
            std::fs::write(inside, "")?;
        }
    }
    Ok(())
}

/// The folders of an instance that a sandbox sees.
#[derive(Debug, Clone, Copy)]
pub struct Mounts<'p> {
    /// At `/app`.
    pub app: &'p Path,
    pub is_app_writable: bool,
    /// At `/data`, writable.
    pub data: Option<&'p Path>,
    /// At `/cache`, writable.
    pub cache: Option<&'p Path>,
    /// The folder of PostgreSQL's socket, at `/run/postgresql`. A socket takes connections whatever its mount is.
    pub database: Option<&'p Path>,
}

/// What a sandbox is to be.
pub struct Plan<'p> {
    /// Of the sandbox, for its control groups: letters, digits, `-`.
    pub name: String,
    pub hostname: String,
    /// The instance's own user, where Stoa runs as root.
    pub user: Option<u32>,
    pub mounts: Mounts<'p>,
    /// The sandbox's own folder, outside of it.
    pub place: &'p Path,
    /// Where an application's log goes.
    pub log_folder: Option<&'p Path>,
    pub limits: Limits,
    /// Whether it reaches no mail server: what it holds is somebody else's people.
    pub is_mail_off: bool,
}

impl Plan<'_> {
    /// The number that the user has inside.
    pub(super) fn inside_user(&self) -> u32 {
        self.user.unwrap_or(1000)
    }
}

/// What process 1 is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stage<'p> {
    /// An application, or a single command.
    Instance,
    /// The server's PostgreSQL: it has no network.
    Server,
    /// A member's desk, whose working copy stands at `/desk`, writable.
    Desk(&'p Path),
}

/// bubblewrap's argument vector. Each path in it is made of ids; none begins with a dash.
pub(super) fn bubblewrap(
    plan: &Plan<'_>,
    abilities: &Abilities,
    program: &Path,
    dies_with_us: bool,
    stage: Stage<'_>,
) -> Vec<String> {
    let mut words: Vec<String> = vec![abilities.bubblewrap.clone()];
    let mut add = |more: &[&str]| words.extend(more.iter().map(|&word| word.to_owned()));
    add(&[
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--new-session",
        "--as-pid-1",
    ]);
    add(&["--hostname", &plan.hostname, "--clearenv"]);
    if dies_with_us {
        add(&["--die-with-parent"]);
    }
    if abilities.is_root {
        // Process 1 needs these to become the instance's user, and gives them up by it.
        add(&[
            "--cap-drop",
            "ALL",
            "--cap-add",
            "CAP_SETUID",
            "--cap-add",
            "CAP_SETGID",
            "--cap-add",
            "CAP_SETPCAP",
        ]);
    } else {
        let user = plan.inside_user().to_string();
        add(&["--unshare-user", "--uid", &user, "--gid", &user, "--cap-drop", "ALL"]);
    }
    add(&["--seccomp", &descriptor::FILTER.to_string(), "--info-fd", &descriptor::ABOUT.to_string()]);
    add(&["--ro-bind", "/usr", "/usr"]);
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        let outside = format!("/{name}");
        match std::fs::read_link(&outside) {
            Ok(_) => add(&["--symlink", &format!("usr/{name}"), &outside]),
            Err(_) if Path::new(&outside).is_dir() => add(&["--ro-bind", &outside, &outside]),
            Err(_) => {}
        }
    }
    add(&["--ro-bind", &text(&plan.place.join("etc")), "/etc"]);
    if Path::new("/etc/ssl/certs").is_dir() {
        add(&["--ro-bind", "/etc/ssl/certs", "/etc/ssl/certs"]);
    }
    for name in LEADING_INTO_USR {
        let outside = format!("/etc/{name}");
        if Path::new(&outside).exists() {
            add(&["--ro-bind", &outside, &outside]);
        }
    }
    add(&["--proc", "/proc", "--dev", "/dev"]);
    let temporary = plan.limits.temporary.to_string();
    add(&["--perms", "1777", "--size", &temporary, "--tmpfs", "/tmp"]);
    add(&["--perms", "1777", "--size", &temporary, "--tmpfs", "/dev/shm"]);
    add(&[if plan.mounts.is_app_writable { "--bind" } else { "--ro-bind" }, &text(plan.mounts.app), "/app"]);
    if let Some(data) = plan.mounts.data {
        add(&["--bind", &text(data), "/data"]);
    }
    if let Some(cache) = plan.mounts.cache {
        add(&["--bind", &text(cache), "/cache"]);
    }
    if let Some(database) = plan.mounts.database {
        // What bubblewrap makes on the way by itself is for its owner alone.
        add(&["--perms", "0755", "--dir", "/run"]);
        add(&["--ro-bind", &text(database), crate::postgresql::SOCKETS]);
    }
    let arm = match stage {
        Stage::Instance | Stage::Server => "inside",
        Stage::Desk(working_copy) => {
            add(&["--bind", &text(working_copy), "/desk"]);
            "desk"
        }
    };
    // The application's user runs it too where files are served without a process of the application's.
    add(&["--perms", "0755", "--dir", "/.stoa", "--ro-bind", &text(program), "/.stoa/init"]);
    add(&["--remount-ro", "/", "--chdir", "/", "--", "/.stoa/init", "init", arm]);
    words
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
