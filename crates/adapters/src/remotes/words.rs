//! What git and ssh say, read: which problem it is, and what of it a person is shown.

use stoa_app::ports::Pushed;
use stoa_domain::remote::RemoteProblem;

/// Letters that are shown of it.
const SHOWN: usize = 400;

/// What may not be shown, with what stands for it.
pub(super) struct Hidden {
    /// A token, where there is one: as it is, and as it is sent.
    pub secrets: Vec<stoa_domain::Secret>,
    /// The addresses that were dialled, and the host that they are of.
    pub addresses: Vec<String>,
    pub host: String,
}

impl Hidden {
    /// Git's words in one line, without what may not be shown.
    pub(super) fn clean(&self, said: &str) -> String {
        let mut text = String::new();
        for line in said.lines().filter(|line| !is_noise(line)) {
            let line = line.trim().trim_start_matches("fatal: ").trim_start_matches("error: ");
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(line);
        }
        for secret in self.secrets.iter().filter_map(|secret| secret.reveal_text()) {
            text = text.replace(secret, "•••");
        }
        for address in &self.addresses {
            text = text.replace(address.as_str(), &self.host);
        }
        let plain = |c: char| if c.is_control() || stoa_domain::branch::is_invisible(c) { ' ' } else { c };
        let text: String = text.chars().map(plain).take(SHOWN).collect();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What it means that git would ask somebody for a name and a password.
    pub(super) fn why_asked(&self) -> &'static str {
        if self.secrets.is_empty() {
            "The host wants a credential for this address, and none was given."
        } else {
            "The host didn't accept the token."
        }
    }
}

/// What ssh paints around its warning, and what git adds to whatever a remote says.
fn is_noise(line: &str) -> bool {
    let line = line.trim();
    line.is_empty()
        || is_progress(line)
        || line.starts_with("@@@")
        || line.starts_with("Warning: Permanently added")
        || line.starts_with("Please make sure you have the correct access rights")
        || line == "and the repository exists."
}

/// How far something is: whatever stands after the last return of its line was shown last.
fn is_progress(line: &str) -> bool {
    const DOING: [&str; 7] = [
        "Enumerating objects:",
        "Counting objects:",
        "Compressing objects:",
        "Receiving objects:",
        "Resolving deltas:",
        "Checking connectivity:",
        "Total ",
    ];
    let shown = line.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or_default().trim();
    let shown = shown.strip_prefix("remote:").unwrap_or(shown).trim();
    DOING.iter().any(|doing| shown.starts_with(doing))
}

/// Which problem it is. What git says of a host comes from there; nothing but the state's name rests on it.
pub(super) fn problem(said: &str) -> RemoteProblem {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"]) {
        RemoteProblem::HostKeyChanged
    } else if has(&["ut of memory", "annot allocate memory"]) {
        // Before what git says of the part that it then hadn't got.
        RemoteProblem::TooLarge
    } else if has(&["ssh: not found", "ssh: No such file", "cannot run ssh"]) {
        RemoteProblem::NoProgram
    } else if has(&[
        "Permission denied",
        "Authentication failed",
        "terminal prompts disabled",
        "could not read Username",
        "could not read Password",
        "error: 401",
        "error: 403",
        "HTTP 401",
        "HTTP 403",
        "Too many authentication failures",
    ]) {
        RemoteProblem::Refused
    } else if has(&["error: 404", "not found", "does not appear to be a git repository", "does not exist"]) {
        RemoteProblem::NoRepository
    } else if has(&["error: 301", "error: 302", "error: 303", "error: 307", "error: 308", "redirect"]) {
        RemoteProblem::Moved
    } else if has(&[
        "fsck error",
        "badObject",
        "index-pack failed",
        "invalid index-pack output",
        "bad object",
        "did not send all necessary objects",
    ]) {
        RemoteProblem::Damaged
    } else if has(&["Operation too slow", "timed out", "Timeout", "timeout", "not responding"]) {
        RemoteProblem::TimedOut
    } else {
        RemoteProblem::Away
    }
}

/// Whether the host's certificate isn't one that this machine trusts: GnuTLS's words, and OpenSSL's.
pub(super) fn distrusts(said: &str) -> bool {
    [
        "server certificate verification failed",
        "unable to get local issuer certificate",
        "self-signed certificate",
    ]
    .iter()
    .any(|words| said.contains(words))
}

/// Whether git would have asked somebody for a name and a password: the host didn't take what it was shown.
pub(super) fn asks_again(said: &str) -> bool {
    ["terminal prompts disabled", "could not read Username", "could not read Password"]
        .iter()
        .any(|words| said.contains(words))
}

/// The fingerprint that ssh says a host has shown, where it isn't the pinned one.
pub(super) fn offered(said: &str) -> Option<String> {
    said.split_whitespace()
        .map(|word| word.trim_end_matches('.'))
        .find(|word| word.starts_with("SHA256:") && word.len() == 50)
        .map(str::to_owned)
}

/// What `git push --porcelain` reports of the one branch; `None` where it reports nothing.
pub(super) fn reported(out: &str) -> Option<Pushed> {
    let line = out.lines().find(|line| line.contains(":refs/heads/"))?;
    let (flag, rest) = line.split_once('\t')?;
    if flag != "!" {
        return Some(Pushed::Done);
    }
    let summary = rest.split('\t').nth(1).unwrap_or_default();
    let is_elsewhere = ["stale info", "fetch first", "non-fast-forward", "needs force", "cannot lock ref"]
        .iter()
        .any(|word| summary.contains(word));
    if is_elsewhere { Some(Pushed::Otherwise) } else { Some(Pushed::Refused(summary.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_shown_without_secrets_and_addresses() {
        let hidden = Hidden {
            secrets: ["tok-123", "Z2l0OnRvay0xMjM="]
                .map(|text| stoa_domain::Secret::from_text(text.to_owned()))
                .to_vec(),
            addresses: vec!["10.1.2.3".to_owned()],
            host: "git.example.com".to_owned(),
        };
        let said = "@@@@@@@@\nssh: connect to host 10.1.2.3 port 22: \u{1b}[31mConnection refused\r\nfatal: no tok-123 here\nremote: Counting objects:  50% (1/2)\rremote: Counting objects: 100% (2/2), done.\nReceiving objects:  50% (1/2)\rhe sent Basic Z2l0OnRvay0xMjM=\n\nPlease make sure you have the correct access rights\nand the repository exists.\n";
        let shown = hidden.clean(said);
        assert_eq!(
            shown,
            "ssh: connect to host git.example.com port 22: [31mConnection refused no ••• here Receiving objects: 50% (1/2) he sent Basic •••"
        );
    }

    #[test]
    fn each_problem_is_known_by_what_is_said() {
        for (said, which) in [
            ("git@h: Permission denied (publickey).", RemoteProblem::Refused),
            (
                "fatal: could not read Username for 'https://h': terminal prompts disabled",
                RemoteProblem::Refused,
            ),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 403",
                RemoteProblem::Refused,
            ),
            ("fatal: repository 'https://h/x/' not found", RemoteProblem::NoRepository),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 301",
                RemoteProblem::Moved,
            ),
            ("Host key verification failed.", RemoteProblem::HostKeyChanged),
            ("fatal: fsck error in packed object", RemoteProblem::Damaged),
            ("fatal: Out of memory, realloc failed", RemoteProblem::TooLarge),
            ("fatal: mmap failed: Cannot allocate memory\nfatal: index-pack failed", RemoteProblem::TooLarge),
            ("fatal: dumb http transport does not support shallow capabilities", RemoteProblem::Away),
            ("ssh: connect to host h port 22: Connection refused", RemoteProblem::Away),
            ("error: RPC failed; curl 28 Operation too slow.", RemoteProblem::TimedOut),
        ] {
            assert_eq!(problem(said), which, "{said}");
        }
    }

    #[test]
    fn a_certificate_that_nobody_vouches_for_is_told_by_both_libraries_words() {
        let gnutls =
            "fatal: unable to access 'https://h/r/': server certificate verification failed. CAfile: none";
        let openssl =
            "fatal: unable to access 'https://h/r/': SSL certificate problem: self-signed certificate";
        assert!(distrusts(gnutls) && distrusts(openssl));
        assert!(!distrusts(
            "fatal: unable to access 'https://h/r/': SSL certificate problem: certificate has expired"
        ));
        assert_eq!(problem(gnutls), RemoteProblem::Away);
    }

    #[test]
    fn a_report_says_what_became_of_a_branch() {
        let line =
            |flag: &str, summary: &str| format!("To h\n{flag}\taaaa:refs/heads/main\t{summary}\nDone\n");
        assert_eq!(reported(&line(" ", "a..b")), Some(Pushed::Done));
        assert_eq!(reported(&line("=", "[up to date]")), Some(Pushed::Done));
        assert_eq!(reported(&line("!", "[rejected] (stale info)")), Some(Pushed::Otherwise));
        let refused = "[remote rejected] (protected branch hook declined)";
        assert_eq!(reported(&line("!", refused)), Some(Pushed::Refused(refused.to_owned())));
        assert_eq!(reported("fatal: x"), None);
    }
}
