//! What this machine can do: found out by trying, once.

use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::limits::Groups;
use super::plan::PATH;

/// What was found.
#[derive(Debug, Clone)]
pub struct Abilities {
    pub(super) bubblewrap: String,
    pub(super) slirp4netns: String,
    pub(super) ip: String,
    pub(super) is_root: bool,
    pub(super) groups: Groups,
    /// Why nothing can be started here, and what to do about it.
    pub no_sandbox: Option<String>,
    /// Why sandboxes reach nothing outside.
    pub no_outgoing: Option<String>,
    /// By what limits are enforced.
    pub limits_by: String,
}

/// A program's place, looked for where an administrator's shell looks.
fn find(name: &str) -> Option<PathBuf> {
    PATH.split(':').map(|folder| Path::new(folder).join(name)).find(|file| file.is_file())
}

fn works(program: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} can't be started: {error}", program.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().next().unwrap_or("it failed without a word").to_owned())
}

impl Abilities {
    #[must_use]
    pub fn find() -> Self {
        let is_root = nix::unistd::geteuid().is_root();
        let (bubblewrap, slirp4netns, ip) = (find("bwrap"), find("slirp4netns"), find("ip"));
        let groups = Groups::find();
        let no_sandbox = match (&bubblewrap, &ip) {
            (None, _) => Some(
                "bubblewrap isn't installed on this machine. Install it: apt-get install bubblewrap"
                    .to_owned(),
            ),
            (_, None) => Some(
                "The program ip isn't installed on this machine. Install it: apt-get install iproute2"
                    .to_owned(),
            ),
            (Some(bubblewrap), Some(_)) => {
                let trial = [
                    "--unshare-user-try",
                    "--unshare-pid",
                    "--unshare-net",
                    "--unshare-ipc",
                    "--ro-bind",
                    "/",
                    "/",
                    "--proc",
                    "/proc",
                    "--",
                    "/bin/true",
                ];
                works(bubblewrap, &trial).err().map(|said| {
                    format!("This machine's kernel doesn't let Stoa make sandboxes ({said}). Allow user namespaces, or run Stoa as root")
                })
            }
        };
        let no_outgoing = if slirp4netns.is_none() {
            Some("slirp4netns isn't installed on this machine: instances reach nothing outside. Install it: apt-get install slirp4netns".to_owned())
        } else if !may_use_tun() {
            Some("/dev/net/tun isn't there for Stoa's user: instances reach nothing outside.".to_owned())
        } else {
            None
        };
        let words = |found: Option<PathBuf>| {
            found.map(|file| file.to_string_lossy().into_owned()).unwrap_or_default()
        };
        Self {
            bubblewrap: words(bubblewrap),
            slirp4netns: words(slirp4netns),
            ip: words(ip),
            is_root,
            limits_by: groups.words().to_owned(),
            groups,
            no_sandbox,
            no_outgoing,
        }
    }

    /// By what each limit is enforced.
    #[must_use]
    pub fn enforcement(&self) -> crate::protocol::EnforcementView {
        self.groups.enforcement()
    }

    /// Whether each instance gets a user of its own.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.is_root
    }
}

fn may_use_tun() -> bool {
    std::fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun").is_ok()
}

/// The networks that no instance reaches: private ones, and this machine by whatever address.
///
/// # Errors
/// Where the machine doesn't say which addresses are its own: then nothing is closed by guessing.
pub(super) fn prohibited_networks() -> io::Result<Vec<String>> {
    let mut networks: Vec<String> =
        ["169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
            .map(str::to_owned)
            .to_vec();
    let own = nix::ifaddrs::getifaddrs()?
        .filter_map(|interface| Some(interface.address?.as_sockaddr_in()?.ip()))
        .filter(|own| !own.is_loopback());
    networks.extend(own.map(|own| format!("{own}/32")));
    networks.sort();
    networks.dedup();
    Ok(networks)
}

/// The address of an entry of the operator's list: `10.1.2.3`, `10.1.2.3:5432` or a name with a port.
pub(super) fn address_of(entry: &str) -> Option<String> {
    // There is no way out but by IPv4.
    if let Ok(address) = entry.parse::<IpAddr>() {
        return address.is_ipv4().then(|| format!("{address}/32"));
    }
    let found = entry.to_socket_addrs().ok()?.find(std::net::SocketAddr::is_ipv4)?;
    Some(format!("{}/32", found.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_operators_list_becomes_one_address_or_none() {
        let of = |entry| address_of(entry);
        assert_eq!(of("10.1.2.3").as_deref(), Some("10.1.2.3/32"));
        assert_eq!(of("10.1.2.3:5432").as_deref(), Some("10.1.2.3/32"));
        assert_eq!(of("fd00::1"), None);
        assert_eq!(of("[fd00::1]:80"), None);
        assert_eq!(of("10.0.0.0/8"), None);
    }
}
