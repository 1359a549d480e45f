//! Work that goes on after its answer, followed to its end.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use serde_json::Value;

use super::failed::Failed;
use super::show::defused;
use super::{Desk, field};
use crate::output::{complain, say, say_json};

/// How often it is asked how it goes.
const EACH: Duration = Duration::from_millis(500);

/// `deploy: build, 40 %`.
pub fn in_words(job: &Value) -> String {
    let (kind, step) = (field(job, "kind"), field(job, "step"));
    let mut words = if step.is_empty() { kind.to_owned() } else { format!("{kind}: {step}") };
    if let Some(progress) = job["progress"].as_i64() {
        words.push_str(&format!(", {progress} %"));
    }
    words
}

/// Follows the job of an answer to its end, if that is wished. `done` is the sentence at the end.
pub async fn follow(desk: &Desk, mut answer: Value, done: &str) -> Result<(), Failed> {
    let Some(id) = answer["job"]["id"].as_str().map(str::to_owned) else {
        return desk.print(&answer, |_| say(&format!("{done}.")));
    };
    if !desk.waits {
        return desk.print(&answer, |answer| say(&format!("It goes on: {}", in_words(&answer["job"]))));
    }
    let path = desk.path(&["jobs", &id])?;
    let mut progress = Progress::new(desk.json);
    let job = loop {
        let job = desk.call.get(&path).await?.body;
        match field(&job, "status") {
            "queued" | "running" => progress.show(&in_words(&job)),
            _ => break job,
        }
        tokio::time::sleep(EACH).await;
    };
    progress.end();
    let outcome = match field(&job, "status") {
        "succeeded" => Ok(()),
        "cancelled" => Err(Failed::Other("it was cancelled".to_owned())),
        _ => {
            let error = &job["error"];
            let sentence = match field(error, "detail") {
                "" => format!("it failed ({})", field(error, "code")),
                detail => format!("it failed: {}", defused(detail, false)),
            };
            Err(Failed::Other(sentence))
        }
    };
    let backup = answer["backup"].as_str().map(str::to_owned);
    if desk.json && (backup.is_some() || !answer["blocked"].is_null()) {
        answer = as_it_is_now(desk, answer, backup.as_deref()).await?;
        if let Some(backup) = backup {
            answer["backup"] = backup.into();
        }
    }
    answer["job"] = job;
    if desk.json {
        say_json(&serde_json::to_string_pretty(&answer)?);
    } else if outcome.is_ok() {
        match answer["url"].as_str().map(|url| defused(url, false)) {
            // Where it answers now; of a backup that says nothing.
            Some(url) if !matches!(field(&answer["job"], "kind"), "stop" | "delete" | "backup") => {
                say(&format!("{done}: {url}"))
            }
            _ => say(&format!("{done}.")),
        }
    }
    outcome
}

/// The instance after the job: while that went on, much was blocked; or the backup that was made. One that is gone is as it
/// was.
async fn as_it_is_now(desk: &Desk, before: Value, backup: Option<&str>) -> Result<Value, Failed> {
    let path = match backup {
        Some(backup) => desk.path(&["backups", backup])?,
        None => desk.path(&["instances", field(&before, "id")])?,
    };
    match desk.call.get(&path).await {
        Ok(now) => Ok(now.body),
        Err(Failed::Refused(problem)) if problem.status == 404 => Ok(before),
        Err(failed) => Err(failed),
    }
}

/// One line that is written anew on a terminal, and a line for each step elsewhere.
struct Progress {
    is_terminal: bool,
    /// Scripts read standard error too: there is one object on it, or nothing.
    is_silent: bool,
    last: String,
}

impl Progress {
    fn new(is_silent: bool) -> Self {
        Self { is_terminal: std::io::stderr().is_terminal(), is_silent, last: String::new() }
    }

    fn show(&mut self, words: &str) {
        if self.is_silent || words == self.last {
            return;
        }
        words.clone_into(&mut self.last);
        let words = defused(words, false);
        if self.is_terminal {
            let mut err = std::io::stderr().lock();
            // A terminal that is gone has no reader any more.
            let _ = write!(err, "\r\x1b[K{words}").and_then(|()| err.flush());
        } else {
            complain(&words);
        }
    }

    fn end(&self) {
        if self.is_terminal && !self.last.is_empty() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}
