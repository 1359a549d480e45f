//! What can be set of an instance besides its variables: limits, how it is asked whether it is well, domains of its
//! own; and the words for what a change changed. What touches the machine itself (its paths, options of its programs)
//! isn't among it.

use crate::instance::closed_set;

closed_set! {
    /// A thing that can be set.
    Setting {
        Environment = "environment",
        Domain = "domain",
        Branch = "branch",
        Health = "health",
        Memory = "memory",
        Processor = "processor",
        Processes = "processes",
        Disk = "disk",
        BackupSchedule = "backup_schedule",
        Visibility = "visibility",
        Protection = "protection",
        Name = "name",
    }
}

impl Setting {
    /// Whether what runs goes on as it was started until it is started anew.
    #[must_use]
    pub const fn needs_restart(self) -> bool {
        match self {
            Self::Environment
            | Self::Health
            | Self::Memory
            | Self::Processor
            | Self::Processes
            | Self::Disk => true,
            Self::Domain
            | Self::Branch
            | Self::BackupSchedule
            | Self::Visibility
            | Self::Protection
            | Self::Name => false,
        }
    }

    /// Whether only owners set it.
    #[must_use]
    pub const fn is_of_owners(self) -> bool {
        matches!(self, Self::Protection | Self::Name)
    }
}

closed_set! {
    /// What became of a thing that was set.
    Turn { Added = "added", Changed = "changed", Removed = "removed" }
}

closed_set! {
    /// By what a limit is enforced.
    EnforcedBy {
        /// The kernel, for all processes of the sandbox together.
        ControlGroups = "control_groups",
        /// Limits of the kernel on each process, and a look each second at all together.
        Watch = "watch",
        /// A limit of the kernel on the user that the instance has.
        User = "user",
        /// Counted again and again, and stopped where it is more.
        Count = "count",
        Nothing = "nothing",
    }
}

/// What one limit can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub least: i64,
    pub most: i64,
    /// What holds where nothing is set; `None`: no limit.
    pub usual: Option<i64>,
}

const MIB: i64 = 1 << 20;

/// Bytes of memory of all its processes together.
pub const MEMORY: Range = Range { least: 64 * MIB, most: 1024 * 1024 * MIB, usual: Some(1024 * MIB) };
/// Thousandths of one processor.
pub const PROCESSOR: Range = Range { least: 50, most: 256_000, usual: None };
/// Processes and threads at once.
pub const PROCESSES: Range = Range { least: 16, most: 32_768, usual: Some(512) };
/// Bytes of data.
pub const DISK: Range = Range { least: 64 * MIB, most: 16 * 1024 * 1024 * MIB, usual: Some(20 * 1024 * MIB) };

impl Range {
    #[must_use]
    pub fn takes(self, wanted: Option<i64>) -> bool {
        wanted.is_none_or(|number| (self.least..=self.most).contains(&number))
    }
}

/// What an instance may use. `None`: what is usual.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub memory: Option<i64>,
    /// Thousandths of one processor.
    pub processor: Option<i64>,
    /// Processes and threads at once.
    pub processes: Option<i64>,
    /// Bytes of data.
    pub disk: Option<i64>,
}

impl Limits {
    /// Each with what it is called and what it can be.
    #[must_use]
    pub const fn each(self) -> [(Setting, Option<i64>, Range); 4] {
        [
            (Setting::Memory, self.memory, MEMORY),
            (Setting::Processor, self.processor, PROCESSOR),
            (Setting::Processes, self.processes, PROCESSES),
            (Setting::Disk, self.disk, DISK),
        ]
    }
}

/// How an instance is asked whether it is well, where it isn't left to what its application says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// Asked by GET; empty: that something listens is enough.
    pub path: String,
    /// Codes (`204`) or classes of them (`2xx`).
    pub status: Vec<String>,
    /// Seconds until the first good answer.
    pub start_seconds: i64,
    /// Seconds between later questions.
    pub every_seconds: i64,
    /// So many bad answers, and it is restarted.
    pub failures: i64,
}

/// The same bounds as in `stoa.toml`.
const LONGEST_START: i64 = 600;
const LONGEST_EVERY: i64 = 3600;
const MOST_FAILURES: i64 = 100;
const LONGEST_PATH: usize = 1024;
const MOST_STATUSES: usize = 20;

impl HealthCheck {
    /// The field that is wrong, and what is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut problems = Vec::new();
        let is_path = self.path.is_empty()
            || (self.path.starts_with('/') && self.path.bytes().all(|byte| (0x21..0x7f).contains(&byte)));
        if !is_path || self.path.len() > LONGEST_PATH {
            problems.push((
                "path",
                "A path begins with / and has no spaces; empty, it is enough that something listens.",
            ));
        }
        let are_codes = !self.status.is_empty()
            && self.status.len() <= MOST_STATUSES
            && self.status.iter().all(|status| is_status(status));
        if !are_codes {
            problems.push(("status", "Give codes from 100 to 599, such as 204, or classes, such as 2xx."));
        }
        if !(1..=LONGEST_START).contains(&self.start_seconds) {
            problems.push(("start_seconds", "This is from 1 to 600 seconds."));
        }
        if !(1..=LONGEST_EVERY).contains(&self.every_seconds) {
            problems.push(("every_seconds", "This is from 1 to 3600 seconds."));
        }
        if !(1..=MOST_FAILURES).contains(&self.failures) {
            problems.push(("failures", "This is from 1 to 100."));
        }
        problems
    }

    /// As it is kept, and as people read it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { path, status, start_seconds, every_seconds, failures } = self;
        let status = status.join(",");
        format!(
            "{path} answers {status} within {start_seconds} s, asked every {every_seconds} s, {failures} failures"
        )
    }

    /// The reverse of [`HealthCheck::to_text`].
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split(' ').collect();
        let [
            path,
            "answers",
            status,
            "within",
            start,
            "s,",
            "asked",
            "every",
            every,
            "s,",
            failures,
            "failures",
        ] = fields.as_slice()
        else {
            return None;
        };
        Some(Self {
            path: (*path).to_owned(),
            status: status.split(',').map(str::to_owned).collect(),
            start_seconds: start.parse().ok()?,
            every_seconds: every.parse().ok()?,
            failures: failures.parse().ok()?,
        })
    }
}

fn is_status(status: &str) -> bool {
    let (class, rest) = status.split_at_checked(1).unwrap_or(("", ""));
    matches!(class, "1" | "2" | "3" | "4" | "5")
        && rest.len() == 2
        && (rest == "xx" || rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A host name that an instance is reached by besides its own: in lower case, its letters of other scripts as punycode.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// The one form of what was typed.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const NO_NAME: &str =
            "Write a host name alone, such as shop.example.org: no scheme, no port, no path, no star.";
        let text = text.trim();
        let text = text.strip_suffix('.').unwrap_or(text);
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| NO_NAME)?;
        let labels: Vec<&str> = ascii.split('.').collect();
        let is_label = |label: &&str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if ascii.len() > 253 || labels.len() < 2 || !labels.iter().all(is_label) {
            return Err(NO_NAME);
        }
        // An address by numbers, in whichever spelling, ends in a label of digits; nobody proves one by DNS.
        let last = labels.last().copied().unwrap_or_default();
        if !last.bytes().any(|byte| byte.is_ascii_lowercase()) || last.starts_with("0x") {
            return Err("An address by numbers can't be proved. Use a name.");
        }
        Ok(Self(ascii))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people read it.
    #[must_use]
    pub fn shown(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }

    /// Where its proof stands.
    #[must_use]
    pub fn proof_name(&self) -> String {
        format!("_stoa.{}", self.0)
    }

    /// Whether it is `other`, or stands below it.
    #[must_use]
    pub fn is_within(&self, other: &str) -> bool {
        let other = crate::host::normal(other);
        self.0 == other || self.0.strip_suffix(&other).is_some_and(|rest| rest.ends_with('.'))
    }
}

/// Most domains of one instance.
pub const MOST_DOMAINS: usize = 50;

/// Seconds for which a domain that was never proved keeps others from it: three days.
pub const UNPROVED_SECONDS: i64 = 3 * 24 * 3600;

/// Seconds until a domain's proof is looked for again. One that isn't proved yet is looked for often at first, where its
/// DNS answers at all; once its claim has lapsed, once a day: it may still be whoever had it that mends its DNS.
#[must_use]
pub const fn next_look(is_verified: bool, has_answered: bool, age_seconds: i64) -> i64 {
    if is_verified {
        return 3600;
    }
    let young = match age_seconds {
        ..3600 => 60,
        3600..86_400 => 600,
        86_400..=UNPROVED_SECONDS => return 3600,
        _ => return 86_400,
    };
    match (has_answered, young) {
        (true, _) => young,
        (false, 60) => 600,
        (false, _) => 3600,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_looked_for_less_often_the_longer_it_isnt_there() {
        let looks = |has_answered| {
            [0, 3600, 86_400, UNPROVED_SECONDS, UNPROVED_SECONDS + 1]
                .map(|age| next_look(false, has_answered, age))
        };
        assert_eq!(looks(true), [60, 600, 3600, 3600, 86_400]);
        assert_eq!(looks(false), [600, 3600, 3600, 3600, 86_400]);
        assert_eq!(next_look(true, false, i64::MAX), 3600);
    }

    #[test]
    fn a_domain_has_one_form_and_is_a_name() {
        for (typed, kept) in [
            ("Shop.Example.ORG.", "shop.example.org"),
            (" bücher.example ", "xn--bcher-kva.example"),
            ("ｓｈｏｐ.example", "shop.example"),
            ("a.b-c.example2", "a.b-c.example2"),
        ] {
            assert_eq!(DomainName::parse(typed).map(|name| name.0), Ok(kept.to_owned()), "{typed}");
        }
        let long = format!("{}.example", "a".repeat(64));
        let longer = format!("{}example", "abcdefgh.".repeat(30));
        for wrong in [
            "",
            "localhost",
            "*.example.org",
            "a b.example",
            "http://shop.example",
            "shop.example:80",
            "shop.example/x",
            "-a.example",
            "a-.example",
            "a..example",
            "_stoa.example",
            "10.0.0.1",
            "1.2.3",
            "0x7f.0x1",
            "[::1]",
            "a.example\n.b",
            "a\0.example",
            "..",
            long.as_str(),
            longer.as_str(),
        ] {
            assert!(DomainName::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_domain_within_another_is_known_by_its_labels() {
        let name = |text| DomainName::parse(text).unwrap_or_else(|wrong| unreachable!("{wrong}"));
        assert!(name("stoa.example").is_within("Stoa.example:8443"));
        assert!(name("a.b.stoa.example").is_within("stoa.example."));
        assert!(!name("mystoa.example").is_within("stoa.example"));
        assert!(!name("example.org").is_within("shop.example.org"));
    }

    #[test]
    fn a_health_check_is_read_back_as_it_was_kept_and_can_smuggle_nothing() {
        let check = HealthCheck {
            path: "/health?deep=1".to_owned(),
            status: vec!["2xx".to_owned(), "404".to_owned()],
            start_seconds: 60,
            every_seconds: 15,
            failures: 3,
        };
        assert_eq!(check.problems(), []);
        assert_eq!(HealthCheck::from_text(&check.to_text()).as_ref(), Some(&check));
        let listens = HealthCheck { path: String::new(), ..check.clone() };
        assert_eq!(listens.problems(), []);
        assert_eq!(HealthCheck::from_text(&listens.to_text()), Some(listens));
        for path in ["health", "/a b", "/a\r\nHost: x", "/ü", &format!("/{}", "a".repeat(1024))] {
            let wrong = HealthCheck { path: path.to_owned(), ..check.clone() };
            assert_eq!(wrong.problems().len(), 1, "{path}");
        }
        for status in ["", "99", "600", "2x", "2xxx", "20 ", "abc", "é1"] {
            let wrong = HealthCheck { status: vec![status.to_owned()], ..check.clone() };
            assert_eq!(wrong.problems().len(), 1, "{status}");
        }
        let wrong =
            HealthCheck { start_seconds: 0, every_seconds: 3601, failures: 0, status: Vec::new(), ..check };
        let fields: Vec<_> = wrong.problems().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["status", "start_seconds", "every_seconds", "failures"]);
    }

    #[test]
    fn a_limit_is_within_its_range_or_the_usual_one() {
        assert!(MEMORY.takes(None) && MEMORY.takes(Some(64 << 20)) && !MEMORY.takes(Some((64 << 20) - 1)));
        assert!(!PROCESSOR.takes(Some(0)) && !PROCESSES.takes(Some(-1)) && !DISK.takes(Some(i64::MAX)));
    }
}
