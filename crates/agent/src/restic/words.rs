//! What restic says, read.

use serde::Deserialize;
use serde_json::Value;

use super::ResticError;

/// A snapshot, as far as it counts here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Snapshot {
    pub id: String,
}

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub snapshot: String,
    /// Bytes of what was read, and of what came to the repository for it.
    pub size: u64,
    pub added: u64,
}

/// How many percent a line of progress says are done.
pub(super) fn percent(line: &str) -> Option<u8> {
    let value: Value = serde_json::from_str(line).ok()?;
    if value.get("message_type")? != "status" {
        return None;
    }
    let share = value.get("percent_done").and_then(Value::as_f64).unwrap_or(0.0).clamp(0.0, 1.0);
    // In whole percent, which fit.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some((share * 100.0) as u8)
}

/// The last line of `backup --json`.
pub(super) fn stored(out: &str) -> Option<Stored> {
    out.lines().rev().find_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        if value.get("message_type")? != "summary" {
            return None;
        }
        Some(Stored {
            snapshot: value.get("snapshot_id")?.as_str()?.to_owned(),
            size: value.get("total_bytes_processed")?.as_u64()?,
            added: value.get("data_added")?.as_u64()?,
        })
    })
}

/// The answer of `snapshots --json`, the oldest first.
pub(super) fn snapshots(out: &str) -> Result<Vec<Snapshot>, ResticError> {
    let list: Option<Vec<Snapshot>> = serde_json::from_str(out)
        .map_err(|error| ResticError::Refused { verb: "snapshots", said: error.to_string() })?;
    let list = list.unwrap_or_default();
    if list.iter().all(|one| is_id(&one.id)) {
        Ok(list)
    } else {
        Err(ResticError::Refused { verb: "snapshots", said: "an id that isn't one".to_owned() })
    }
}

/// Whether it is the name of something in a repository.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a lock was made behind our walls, where every machine is called the same.
pub(super) fn is_ours(lock: &str) -> bool {
    serde_json::from_str::<Value>(lock)
        .is_ok_and(|value| value.get("hostname").and_then(Value::as_str) == Some("stoa"))
}

/// Whether it complains of something, and each time of this.
fn only(said: &str, is_one: impl Fn(&Value) -> bool) -> bool {
    let mut errors = said.lines().filter(|line| line.contains("\"message_type\":\"error\"")).peekable();
    let is_one = |line: &str| {
        serde_json::from_str::<Value>(line).is_ok_and(|told| told.get("error").is_some_and(&is_one))
    };
    errors.peek().is_some() && errors.all(is_one)
}

fn has_vanished(error: &Value) -> bool {
    error.get("Err").and_then(Value::as_i64) == Some(2)
        || error.to_string().contains("no such file or directory")
}

/// Whether all that it complains of are files that had gone when it came to them.
pub(super) fn only_vanished(said: &str) -> bool {
    only(said, has_vanished)
}

/// Whether that may be it, and otherwise files of which it doesn't say what was wrong. So it tells of those that it stored
/// again, because the repository lacks parts of what an earlier snapshot has of them; but of others, too.
pub(super) fn may_be_lacking(said: &str) -> bool {
    only(said, |error| error.as_object().is_some_and(serde_json::Map::is_empty) || has_vanished(error))
}

/// Whether what it complains of is that something in the repository isn't what it was, or isn't there.
pub(super) fn is_damage(said: &str) -> bool {
    const DAMAGE: [&str; 6] = [
        "ciphertext verification failed",
        "returned invalid hash",
        "wrong data returned",
        "invalid data returned",
        "not found in repository",
        "not found in index",
    ];
    let is_missing = said.contains("<data/") && said.contains("no such file or directory");
    is_missing || DAMAGE.iter().any(|words| said.contains(words))
}

/// What is told of it: the first line that says something.
pub(super) fn first_line(said: &str) -> String {
    let line =
        said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it failed without a word");
    let told: Option<serde_json::Value> = serde_json::from_str(line).ok();
    // With `--json` its errors are JSON too: what went wrong, and where in the data.
    let told = told.as_ref().and_then(|told| {
        let item = told["item"].as_str().unwrap_or_default().trim_start_matches("/backup/data/");
        let message = told["error"]["message"].as_str().or_else(|| told["message"].as_str());
        let why = message.unwrap_or("it can't be read").rsplit(": ").next()?;
        let item: String = item.chars().filter(|letter| !letter.is_control()).take(80).collect();
        told.is_object().then(|| if item.is_empty() { why.to_owned() } else { format!("{item}: {why}") })
    });
    let line = told.as_deref().unwrap_or(line);
    line.trim_start_matches("Fatal: ").chars().take(300).collect()
}

/// Whether `restic version` tells of one before this. One that tells nothing is taken for a newer one.
pub(super) fn is_older(said: &str, than: [u32; 2]) -> bool {
    let Some(version) = said.strip_prefix("restic ").and_then(|rest| rest.split([' ', '-']).next()) else {
        return false;
    };
    let mut parts = version.split('.').map_while(|part| part.parse().ok());
    match (parts.next(), parts.next()) {
        (Some(first), Some(second)) => [first, second] < than,
        _ => false,
    }
}

/// A verb as it is told, from a closed list.
pub(super) fn verb(verb: &str) -> &'static str {
    const KNOWN: [&str; 10] =
        ["backup", "restore", "dump", "forget", "prune", "init", "snapshots", "unlock", "list", "version"];
    KNOWN.into_iter().find(|known| *known == verb).unwrap_or("cat")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn progress_and_the_end_are_told_apart() {
        assert_eq!(percent(r#"{"message_type":"status","percent_done":0.385}"#), Some(38));
        let end = r#"{"message_type":"summary","data_added":1150,"total_bytes_processed":3,"snapshot_id":"92ad0f14"}"#;
        assert_eq!(percent(end), None);
        assert_eq!(
            stored(&format!("something\n{end}\n")),
            Some(Stored { snapshot: "92ad0f14".to_owned(), size: 3, added: 1150 })
        );
        assert_eq!(stored("something\n"), None);
    }

    #[test]
    fn what_is_older_is_known_by_its_number() {
        assert!(is_older("restic 0.12.1 compiled with go1.18 on linux/amd64\n", [0, 14]));
        assert!(is_older("restic 0.9.6-dev (compiled manually)", [0, 14]));
        for newer in [
            "restic 0.14.0 compiled with go1.19.8 on linux/amd64\n",
            "restic 0.18.1",
            "restic 1.0.0",
            "something",
        ] {
            assert!(!is_older(newer, [0, 14]), "{newer}");
        }
    }

    #[test]
    fn only_what_went_away_is_no_failure() {
        let gone = r#"{"message_type":"error","error":{"Op":"lstat","Path":"/backup/data/x","Err":2},"during":"scan","item":"x"}"#;
        let closed = r#"{"message_type":"error","error":{"Op":"open","Path":"/backup/data/x","Err":13},"during":"archival","item":"x"}"#;
        assert!(only_vanished(gone));
        assert!(!only_vanished(&format!("{gone}\n{closed}")));
        assert!(!only_vanished("Fatal: something else"));
        // As restic 0.14 says of a file whose parts the repository lacks.
        let lacking =
            r#"{"message_type":"error","error":{},"during":"archival","item":"/backup/data/large"}"#;
        assert!(!only_vanished(lacking) && !may_be_lacking(closed));
        assert!(may_be_lacking(&format!("{gone}\n{lacking}")));
        assert!(!may_be_lacking(&format!("{lacking}\n{closed}")));
    }

    #[test]
    fn a_pattern_that_means_one_path_means_no_other() {
        assert_eq!(super::super::exactly("/backup/data/a*[b]$c"), "/backup/data/a\\*\\[b\\]$$c");
    }
}
