//! The fields of `stoa.toml`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::de::DeTable;

use super::connect_as::{self, ConnectAs};
use super::database::{self, Postgresql};
use super::schedules;
use super::static_files;
use super::values::{Problem, Table, Text};
use crate::init::Schedule;
use crate::logs::Fields;

const MINUTE: Duration = Duration::from_secs(60);

/// Letters of a generated secret: fewer could be guessed.
const SHORTEST_GENERATED: i64 = 16;
const LONGEST_GENERATED: i64 = 256;

/// A process: the application, or a further one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Empty for the application.
    pub name: String,
    pub command: Vec<String>,
    /// Number of the signal.
    pub stop_signal: i32,
    pub stop_seconds: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    pub commands: Vec<Vec<String>>,
    /// Folders below `/cache`.
    pub cache: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub time_limit: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub command: Vec<String>,
    pub time_limit: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Empty: a connection alone.
    pub path: String,
    /// `2xx`, `404`.
    pub status: Vec<String>,
    pub start_time: Duration,
    pub every: Duration,
    pub failures: u32,
}

/// A variable that the application expects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    pub name: String,
    pub about: Option<String>,
    pub required: bool,
    pub default: Option<String>,
    /// Letters of a secret that is made once, where nothing is set.
    #[serde(default)]
    pub generate: Option<usize>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    pub folder: String,
    pub build: Build,
    pub release: Release,
    pub run: Process,
    pub port: u16,
    pub overlap: bool,
    pub working_folder: String,
    pub processes: Vec<Process>,
    #[serde(default)]
    pub schedules: Vec<Schedule>,
    pub health: Health,
    /// A link of this name in `/app` leads to `/data`.
    pub data_folder: Option<String>,
    /// The SQLite file below `/data`.
    pub sqlite: Option<String>,
    #[serde(default)]
    pub postgresql: Option<Postgresql>,
    /// Patterns of what isn't worth a backup.
    #[serde(default)]
    pub exclude: Vec<String>,
    pub environment: Vec<Expected>,
    /// None too in a release that was made before this was read.
    #[serde(default)]
    pub connect_as: Option<ConnectAs>,
    /// Where its log is lines of JSON.
    #[serde(default)]
    pub logs: Option<Fields>,
}

impl Default for Application {
    fn default() -> Self {
        Self {
            folder: ".".to_owned(),
            build: Build {
                commands: Vec::new(),
                cache: vec!["pip".to_owned(), "npm".to_owned()],
                environment: Vec::new(),
                time_limit: 15 * MINUTE,
            },
            release: Release { command: Vec::new(), time_limit: 10 * MINUTE },
            run: Process { name: String::new(), command: Vec::new(), stop_signal: 15, stop_seconds: 10 },
            port: 8000,
            overlap: true,
            working_folder: ".".to_owned(),
            processes: Vec::new(),
            schedules: Vec::new(),
            health: Health {
                path: "/".to_owned(),
                status: vec!["2xx".to_owned(), "3xx".to_owned()],
                start_time: MINUTE,
                every: Duration::from_secs(15),
                failures: 3,
            },
            data_folder: None,
            sqlite: None,
            postgresql: None,
            exclude: Vec::new(),
            environment: Vec::new(),
            connect_as: None,
            logs: None,
        }
    }
}

impl Application {
    /// What is started, as a deployment's log says it.
    #[must_use]
    pub fn started(&self) -> String {
        match static_files::served(&self.run.command) {
            Some(folder) => format!("Serving the files of `{folder}`"),
            None => format!("$ {}", self.run.command.join(" ")),
        }
    }
}

pub(super) fn parse(source: &str) -> Result<Application, Problem> {
    let text = Text(source);
    let whole = DeTable::parse(source).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let what = error.message().lines().next().unwrap_or("it isn't TOML").to_owned();
        Problem::plain(
            "stoa_toml",
            format!("stoa.toml, line {}, column {}: {what}", text.line(at), text.column(at)),
        )
    })?;
    let mut top = Table::new(text, "", whole.get_ref());
    let mut application = Application::default();
    version(&mut top)?;
    if let Some(folder) = top.path("folder")? {
        application.working_folder.clone_from(&folder);
        application.folder = folder;
    }
    build(&mut top, &mut application.build)?;
    if let Some(mut table) = top.table("release")? {
        application.release.command = table.command("command")?;
        application.release.time_limit =
            table.duration("time_limit", 60 * MINUTE)?.unwrap_or(application.release.time_limit);
        table.end()?;
    }
    database::parse(&mut top, &mut application)?;
    run(&mut top, &mut application)?;
    for (name, span, mut table) in top.tables("processes")? {
        if !is_name(&name) {
            return Err(text.wrong(&span, "a process's name has letters, digits, `-` and `_`, 32 at most"));
        }
        let mut process = Process { name, ..Application::default().run };
        process.command = table.command("command")?;
        if process.command.is_empty() {
            return Err(text.wrong(&span, &format!("processes.{} has no command", process.name)));
        }
        stopping(&mut table, text, &mut process)?;
        table.end()?;
        application.processes.push(process);
    }
    health(&mut top, &mut application.health)?;
    if let Some(mut table) = top.table("data")? {
        application.data_folder = table.path("folder")?;
        application.exclude = exclude(&mut table)?;
        table.end()?;
    }
    environment(&mut top, text, &mut application)?;
    application.logs = logs(&mut top, text)?;
    application.schedules = schedules::parse(&mut top, text, &application)?;
    static_files::parse(&mut top, &mut application)?;
    application.connect_as = connect_as::parse(&mut top)?;
    top.end()?;
    Ok(application)
}

/// How the application writes its log.
fn logs(top: &mut Table<'_>, text: Text<'_>) -> Result<Option<Fields>, Problem> {
    let Some(mut table) = top.table("logs")? else { return Ok(None) };
    let format = table.string("format")?;
    let mut fields = Fields::default();
    let mut named = None;
    for (key, field) in [
        ("level_field", &mut fields.level),
        ("message_field", &mut fields.message),
        ("time_field", &mut fields.time),
    ] {
        let Some((name, span)) = table.string(key)? else { continue };
        if name.is_empty() || name.len() > 100 {
            return Err(text.wrong(&span, &format!("{key} is the name of a field, of 100 letters at most")));
        }
        *field = Some(name);
        named = Some((key, span));
    }
    table.end()?;
    match (format.as_ref().map(|(format, span)| (format.as_str(), span)), named) {
        (Some(("json", _)), _) => Ok(Some(fields)),
        (None | Some(("text", _)), None) => Ok(None),
        (None | Some(("text", _)), Some((key, span))) => {
            Err(text.wrong(&span, &format!("{key} is for logs of the format \"json\"")))
        }
        (Some((_, span)), _) => Err(text.wrong(span, "logs.format is \"text\" or \"json\"")),
    }
}

/// Patterns as restic reads them, one a line: nothing that is more than one, a comment, or the contrary.
fn exclude(table: &mut Table<'_>) -> Result<Vec<String>, Problem> {
    let patterns = table.texts("exclude")?.unwrap_or_default();
    let fits = |pattern: &String| {
        (1..=256).contains(&pattern.len())
            && !pattern.starts_with(['!', '#'])
            && !pattern.chars().any(char::is_control)
            && pattern.trim() == pattern
            && pattern.split('/').all(|part| part != "..")
    };
    if patterns.len() > 100 || !patterns.iter().all(fits) {
        let what =
            "stoa.toml: data.exclude is a list of patterns below the data folder: [\"cache\", \"*.tmp\"]";
        return Err(Problem::plain("stoa_toml", what));
    }
    Ok(patterns)
}

fn version(top: &mut Table<'_>) -> Result<(), Problem> {
    match top.integer("version", 1, i64::MAX)? {
        None | Some(1) => Ok(()),
        Some(newer) => Err(Problem::plain(
            "stoa_toml",
            format!("stoa.toml is of version {newer}; this server reads version 1"),
        )),
    }
}

fn build(top: &mut Table<'_>, build: &mut Build) -> Result<(), Problem> {
    let Some(mut table) = top.table("build")? else { return Ok(()) };
    build.commands = table.commands("commands")?;
    build.cache = table.texts("cache")?.unwrap_or_else(|| build.cache.clone());
    build.environment = table.variables("environment")?;
    table.refuse("include", "isn't possible with this version yet: the whole folder becomes the release")?;
    build.time_limit = table.duration("time_limit", 60 * MINUTE)?.unwrap_or(build.time_limit);
    table.end()
}

fn run(top: &mut Table<'_>, application: &mut Application) -> Result<(), Problem> {
    let Some(mut table) = top.table("run")? else { return Ok(()) };
    application.run.command = table.command("command")?;
    if let Some(port) = table.integer("port", 1, 65_535)? {
        application.port = u16::try_from(port).unwrap_or(application.port);
    }
    application.overlap = table.boolean("overlap")?.unwrap_or(application.overlap);
    let text = table.text();
    stopping(&mut table, text, &mut application.run)?;
    if let Some(folder) = table.path("working_folder")? {
        application.working_folder = folder;
    }
    table.end()
}

fn stopping(table: &mut Table<'_>, text: Text<'_>, process: &mut Process) -> Result<(), Problem> {
    if let Some((signal, span)) = table.string("stop_signal")? {
        let number = match signal.as_str() {
            "TERM" => 15,
            "INT" => 2,
            "QUIT" => 3,
            "HUP" => 1,
            "USR1" => 10,
            "USR2" => 12,
            _ => return Err(text.wrong(&span, "stop_signal is TERM, INT, QUIT, HUP, USR1 or USR2")),
        };
        process.stop_signal = number;
    }
    if let Some(time) = table.duration("stop_time", 2 * MINUTE)? {
        process.stop_seconds = time.as_secs();
    }
    Ok(())
}

fn health(top: &mut Table<'_>, health: &mut Health) -> Result<(), Problem> {
    let Some(mut table) = top.table("health")? else { return Ok(()) };
    if let Some((path, span)) = table.string("path")? {
        let is_path = path.is_empty()
            || (path.starts_with('/') && path.bytes().all(|byte| (0x21..0x7f).contains(&byte)));
        if !is_path {
            return Err(table.text().wrong(&span, "health.path begins with `/`"));
        }
        health.path = path;
    }
    health.status = table.statuses("status")?.unwrap_or_else(|| health.status.clone());
    health.start_time = table.duration("start_time", 10 * MINUTE)?.unwrap_or(health.start_time);
    health.every = table.duration("every", 60 * MINUTE)?.unwrap_or(health.every);
    if let Some(failures) = table.integer("failures", 1, 100)? {
        health.failures = u32::try_from(failures).unwrap_or(health.failures);
    }
    table.end()
}

fn environment(top: &mut Table<'_>, text: Text<'_>, application: &mut Application) -> Result<(), Problem> {
    for (name, span, mut table) in top.tables("environment")? {
        if name.starts_with("STOA_") || name == "PORT" {
            return Err(text.wrong(&span, &format!("{name} is set by Stoa")));
        }
        let about = table.string("about")?.map(|(about, _)| about);
        let secret = table.boolean("secret")?;
        let required = table.boolean("required")?.unwrap_or(false);
        let default = table.string("default")?.map(|(default, _)| default);
        let generate = table.integer("generate", SHORTEST_GENERATED, LONGEST_GENERATED)?;
        table.end()?;
        let generate = generate.and_then(|length| usize::try_from(length).ok());
        if secret == Some(true) && default.is_some() {
            return Err(text.wrong(&span, &format!("environment.{name} is secret, so it has no default")));
        }
        if generate.is_some() && (secret == Some(false) || default.is_some()) {
            let what = format!("environment.{name} is generated, so it is secret and has no default");
            return Err(text.wrong(&span, &what));
        }
        application.environment.push(Expected { name, about, required, default, generate });
    }
    Ok(())
}

pub(super) fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sentence(text: &str) -> String {
        parse(text).unwrap_err().sentence
    }

    #[test]
    fn the_example_of_the_documentation_is_read() {
        let text = "[run]\ncommand = [\"python3\", \"app.py\"]\n\n[health]\npath = \"/health\"\n\n[database]\nkind = \"sqlite\"\npath = \"guestbook.db\"\n";
        let read = parse(text).unwrap();
        assert_eq!(read.run.command, ["python3", "app.py"]);
        assert_eq!(read.health.path, "/health");
        assert!(!read.overlap, "one SQLite file has one application");
        assert_eq!(read.sqlite.as_deref(), Some("guestbook.db"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert_eq!(
            sentence("[run]\ncommand = [\"a\"]\n\n[health]\nstart_time = \"20m\"\n"),
            "stoa.toml, line 5: health.start_time is \"20m\"; at most 10m"
        );
        assert_eq!(
            sentence("[run]\ncomand = [\"a\"]\n"),
            "stoa.toml, line 2: `comand` isn't known in [run]; did you mean `command`?"
        );
        assert_eq!(
            sentence("\n[run]\ncommand = \"python3 app.py\"\n"),
            "stoa.toml, line 3: run.command must be a list of words: [\"python3\", \"app.py\"]"
        );
        assert_eq!(sentence("folder = \"../other\"\n"), "stoa.toml, line 1: folder may not contain `..`");
        assert_eq!(sentence("folder = \"/etc\"\n"), "stoa.toml, line 1: folder may not be absolute");
        assert_eq!(sentence("version = 2\n"), "stoa.toml is of version 2; this server reads version 1");
        assert!(sentence("[run\n").starts_with("stoa.toml, line 1, column 5: "), "{}", sentence("[run\n"));
        assert_eq!(sentence("[nonsense]\n"), "stoa.toml, line 1: `nonsense` isn't known at the top");
        assert_eq!(
            sentence("[run]\nport = 0\n"),
            "stoa.toml, line 2: run.port must be a number from 1 to 65535"
        );
        assert_eq!(sentence("[environment.PORT]\n"), "stoa.toml, line 1: PORT is set by Stoa");
    }

    #[test]
    fn a_generated_variable_has_a_length_and_is_secret() {
        let read = |more: &str| parse(&format!("[environment.SECRET_KEY]\ngenerate = 50\n{more}"));
        assert_eq!(read("about = \"signs\"\nsecret = true\n").unwrap().environment[0].generate, Some(50));
        for more in ["default = \"x\"\n", "secret = false\n"] {
            assert_eq!(
                read(more).unwrap_err().sentence,
                "stoa.toml, line 1: environment.SECRET_KEY is generated, so it is secret and has no default"
            );
        }
        assert_eq!(
            sentence("[environment.SECRET_KEY]\ngenerate = 8\n"),
            "stoa.toml, line 2: environment.SECRET_KEY.generate must be a number from 16 to 256"
        );
    }

    #[test]
    fn further_processes_have_times_and_signals_of_their_own() {
        let read = parse(
            "[run]\ncommand = [\"web\"]\n[processes.worker]\ncommand = [\"work\"]\nstop_signal = \"INT\"\nstop_time = \"2m\"\n",
        )
        .unwrap();
        assert_eq!((read.processes[0].stop_signal, read.processes[0].stop_seconds), (2, 120));
    }
}
