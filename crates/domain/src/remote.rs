//! Repositories elsewhere: the addresses that are taken, and how it stands with one.

use std::fmt;

/// Letters of an address.
const LONGEST: usize = 500;

/// Where a repository is that isn't Stoa's own. Nothing in it begins an option, names a program, or carries a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteUrl {
    text: String,
    way: RemoteWay,
    user: Option<String>,
    host: String,
    port: u16,
}

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteWay {
    Https,
    /// Without encryption: for addresses that the operator has opened, and for no other.
    Http,
    Ssh,
}

impl RemoteUrl {
    /// `https://host[:port]/path`, `ssh://[user@]host[:port]/path` or `user@host:path`; `http://` is one too, and is
    /// settled where it is dialled.
    ///
    /// # Errors
    /// Why it is none: a sentence.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("Give the address of the repository, such as https://git.example.com/team/shop.git.");
        }
        if text.len() > LONGEST || !text.bytes().all(is_plain) {
            return Err("This address holds something that no address of a repository has.");
        }
        if text.starts_with('-') {
            return Err("An address can't begin with a hyphen.");
        }
        let Some((scheme, rest)) = text.split_once("://") else { return Self::scp_like(text) };
        // Neither it nor the host knows capitals (RFC 3986, 3.1 and 3.2.2).
        let scheme = scheme.to_ascii_lowercase();
        let way = match scheme.as_str() {
            "https" => RemoteWay::Https,
            "http" => RemoteWay::Http,
            "ssh" => RemoteWay::Ssh,
            _ => return Err("A repository is reached by https:// or ssh://, and by nothing else."),
        };
        let (authority, path) =
            rest.split_once('/').ok_or("The address names no repository after its host.")?;
        check_path(path)?;
        let (user, place) = match authority.rsplit_once('@') {
            None => (None, authority),
            Some(_) if way != RemoteWay::Ssh => {
                return Err("An address holds no user name and no token. Give the token by itself.");
            }
            Some((user, place)) => (Some(checked_user(user)?), place),
        };
        let standard = match way {
            RemoteWay::Https => 443,
            RemoteWay::Http => 80,
            RemoteWay::Ssh => 22,
        };
        let (host, port) = host_and_port(place, standard)?;
        let before = user.as_ref().map_or(String::new(), |user| format!("{user}@"));
        let text = format!("{scheme}://{before}{}/{path}", place.to_ascii_lowercase());
        Ok(Self { text, way, user, host, port })
    }

    /// What git calls scp-like: `git@host:team/shop.git`.
    fn scp_like(text: &str) -> Result<Self, &'static str> {
        const NONE: &str =
            "A repository's address begins with https:// or ssh://, or has the form git@host:path.";
        let (authority, path) = text.split_once(':').ok_or(NONE)?;
        let (user, host) = authority.split_once('@').ok_or(NONE)?;
        // `helper::address` is git's way to name a program.
        if path.starts_with([':', '-']) {
            return Err(NONE);
        }
        check_path(path.strip_prefix('/').unwrap_or(path))?;
        let user = checked_user(user)?;
        let (host, port) = host_and_port(host, 22)?;
        Ok(Self { text: text.to_owned(), way: RemoteWay::Ssh, user: Some(user), host, port })
    }

    /// As it was given, scheme and host in lower case, and as git takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub const fn way(&self) -> RemoteWay {
        self.way
    }

    /// Lower case; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether a credential that was given for the one may go to the other.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.way == other.way && self.host == other.host && self.port == other.port && self.user == other.user
    }
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Nothing that a shell, a configuration file or a terminal takes for more than a letter.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/@%+,=[]".contains(&byte)
}

fn checked_user(user: &str) -> Result<String, &'static str> {
    let is_good = !user.is_empty()
        && user.len() <= 64
        && !user.starts_with(['-', '.'])
        && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if is_good { Ok(user.to_owned()) } else { Err("This isn't a user name that an address can have.") }
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.trim_matches('/').is_empty() {
        return Err("The address names no repository after its host.");
    }
    let is_good = path
        .split('/')
        .all(|part| !part.starts_with('-') && part != ".." && part != "." && !part.contains(['@', '[', ']']));
    if is_good { Ok(()) } else { Err("This isn't a path that a repository's address can have.") }
}

fn host_and_port(place: &str, standard: u16) -> Result<(String, u16), &'static str> {
    const NO_HOST: &str = "This isn't a host that an address can have.";
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(NO_HOST)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| NO_HOST)?;
            (host, after)
        }
        None => {
            let (host, after) = place.split_at(place.find(':').unwrap_or(place.len()));
            let is_good = !host.is_empty()
                && host.len() <= 253
                && host.split('.').all(|label| {
                    !label.is_empty()
                        && label.len() <= 63
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                        && label
                            .bytes()
                            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                });
            if !is_good {
                return Err(NO_HOST);
            }
            (host, after)
        }
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => standard,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0).ok_or("This isn't a port.")?
        }
        _ => return Err("This isn't a port."),
    };
    Ok((host.to_ascii_lowercase(), port))
}

/// What keeps a remote repository from being fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteProblem {
    /// It isn't reached, or doesn't answer as git does.
    Away,
    /// It hung: nothing came any more, or not all within the time.
    TimedOut,
    /// It refuses the credential, or wants one.
    Refused,
    /// It knows no such repository, or hides it.
    NoRepository,
    /// Its host shows another key than the one that was pinned.
    HostKeyChanged,
    /// It has more than is taken.
    TooLarge,
    /// Its address is one that isn't dialled.
    NotAllowed,
    /// It sends whoever asks somewhere else.
    Moved,
    /// What it sends isn't sound.
    Damaged,
    /// The machine lacks the program by which it is reached.
    NoProgram,
    /// The machine's disk has too little left.
    NoSpace,
}

impl RemoteProblem {
    pub const ALL: &[Self] = &[
        Self::Away,
        Self::TimedOut,
        Self::Refused,
        Self::NoRepository,
        Self::HostKeyChanged,
        Self::TooLarge,
        Self::NotAllowed,
        Self::Moved,
        Self::Damaged,
        Self::NoProgram,
        Self::NoSpace,
    ];

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::TimedOut => "timed_out",
            Self::Refused => "refused",
            Self::NoRepository => "no_repository",
            Self::HostKeyChanged => "host_key_changed",
            Self::TooLarge => "too_large",
            Self::NotAllowed => "not_allowed",
            Self::Moved => "moved",
            Self::Damaged => "damaged",
            Self::NoProgram => "no_program",
            Self::NoSpace => "no_space",
        }
    }

    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|problem| problem.key() == key)
    }

    /// What it is, and what to do: a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Away => "The repository's host isn't reached, or doesn't answer as git does.",
            Self::TimedOut => "The repository's host stopped answering in the middle, so it was given up.",
            Self::Refused => "The repository refuses the credential. Give it one that may read it.",
            Self::NoRepository => "There is no such repository, or the credential may not see it.",
            Self::HostKeyChanged => {
                "The repository's host shows another key than before. Compare it with the one its operator names, then accept it."
            }
            Self::TooLarge => "The repository has more than Stoa takes.",
            Self::NotAllowed => "The repository's address is one that Stoa doesn't dial.",
            Self::Moved => "The address leads elsewhere. Give the address where the repository is now.",
            Self::Damaged => "What the repository sends isn't sound, so nothing of it was taken.",
            Self::NoProgram => "The machine that Stoa runs on has no ssh. Install openssh-client on it.",
            Self::NoSpace => "The disk that Stoa keeps repositories on has too little left. Make room on it.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_by_https_and_ssh_are_taken() {
        for (text, way, host, port) in [
            ("https://git.example.com/team/shop.git", RemoteWay::Https, "git.example.com", 443),
            ("https://GIT.example.com:8443/shop", RemoteWay::Https, "git.example.com", 8443),
            ("http://127.0.0.1:3000/shop.git", RemoteWay::Http, "127.0.0.1", 3000),
            ("ssh://git@example.com/~team/shop.git", RemoteWay::Ssh, "example.com", 22),
            ("ssh://git@[2001:db8::1]:2222/shop.git", RemoteWay::Ssh, "2001:db8::1", 2222),
            ("git@example.com:team/shop.git", RemoteWay::Ssh, "example.com", 22),
            ("git@example.com:/srv/shop.git", RemoteWay::Ssh, "example.com", 22),
        ] {
            let url = RemoteUrl::parse(text);
            let said = url.as_ref().map(|url| (url.way(), url.host(), url.port()));
            assert_eq!(said, Ok((way, host, port)), "{text}");
        }
    }

    #[test]
    fn capitals_of_scheme_and_host_say_nothing() {
        for (text, as_str) in [
            ("HTTPS://GitHub.com/Team/Shop", "https://github.com/Team/Shop"),
            ("Ssh://Git@GIT.example.com:2222/Shop.git", "ssh://Git@git.example.com:2222/Shop.git"),
        ] {
            assert_eq!(RemoteUrl::parse(text).map(|url| url.as_str().to_owned()), Ok(as_str.to_owned()));
        }
        assert!(RemoteUrl::parse("FILE:///srv/shop.git").is_err());
    }

    #[test]
    fn whatever_git_could_take_for_more_than_an_address_is_refused() {
        for text in [
            "",
            "shop",
            "/srv/shop.git",
            "file:///srv/shop.git",
            "git://example.com/shop.git",
            "ext::sh -c x",
            "ext::x",
            "git@ext::x",
            "ftp://example.com/x",
            "-oProxyCommand=x",
            "--upload-pack=x",
            "ssh://-oProxyCommand=x/shop",
            "ssh://git@-x/shop",
            "-x@example.com:shop",
            "git@-x:shop",
            "git@example.com:-shop",
            "git@example.com:a/--upload-pack=x",
            "https://user@example.com/shop",
            "https://user:token@example.com/shop",
            "ssh://git:word@example.com/shop",
            "https://example.com",
            "https://example.com/",
            "https://example.com:0/x",
            "https://example.com:99999/x",
            "https://example.com:+80/x",
            "https://exa mple.com/x",
            "https://example.com/x?y",
            "https://example.com/x#y",
            "https://example.com/a/../b",
            "https://example.com/$(x)",
            "https://example.com/`x`",
            "https://example.com/x\n",
            "https://example.com/x\u{202e}",
            "git@example.com:'x'",
        ] {
            // A trailing line break is trimmed; what stands within never is.
            let text = text.strip_suffix('\n').map_or_else(|| text.to_owned(), |text| format!("{text}\ny"));
            assert!(RemoteUrl::parse(&text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_credential_stays_with_its_place() {
        let parse = |text| RemoteUrl::parse(text).ok();
        let same = |one, other| match (parse(one), parse(other)) {
            (Some(one), Some(other)) => one.is_same_place(&other),
            _ => unreachable!("{one} {other}"),
        };
        assert!(same("https://example.com/a", "https://example.com:443/b"));
        assert!(!same("https://example.com/a", "https://example.org/a"));
        assert!(!same("https://example.com/a", "http://example.com:443/a"));
        assert!(!same("https://example.com/a", "https://example.com:8443/a"));
        assert!(!same("ssh://git@example.com/a", "ssh://root@example.com/a"));
    }

    #[test]
    fn each_problem_is_known_by_its_key() {
        for problem in RemoteProblem::ALL {
            assert_eq!(RemoteProblem::from_key(problem.key()), Some(*problem));
        }
    }
}
