//! What an application says of itself: `stoa.toml` and `Procfile`.
//!
//! Wrong is refused, never guessed, with a sentence that says where. It can ask for things; it can grant nothing.

mod application;
mod connect_as;
mod cron;
mod database;
mod procfile;
mod recognised;
mod schedules;
mod static_files;
mod values;

use std::path::Path;

use crate::folders::tree::{by_descriptor, open_below};

pub use application::{Application, Build, Expected, Health, Process, Release};
pub use connect_as::ConnectAs;
pub(crate) use cron::Cron;
pub use database::Postgresql;
pub use recognised::Recognised;
pub use values::Problem;

/// Names of the files by which it is settled whether an application can be run: in the root of its repository, and in the
/// folder that its `stoa.toml` names.
pub const LOOKED_INTO: [&str; 12] = [
    "stoa.toml",
    "Procfile",
    "Dockerfile",
    "odoo-bin",
    "manage.py",
    "requirements.txt",
    "app.py",
    "wsgi.py",
    "main.py",
    "package.json",
    "package-lock.json",
    "index.html",
];

/// Bytes of a `stoa.toml` at most.
const LARGEST: u64 = 64 * 1024;

/// Reads what stands in a folder: the root of a repository.
///
/// # Errors
/// One sentence about what isn't right, with its place.
pub fn read(folder: &Path) -> Result<Application, Problem> {
    read_whole(folder).map(|(application, _)| application)
}

/// By what it is known how an application is run.
#[derive(Debug)]
pub enum KnownBy {
    /// Its own `[run]`.
    Itself,
    Procfile,
    Recognised(Recognised),
}

impl KnownBy {
    /// What a log says of it first; nothing of what says so itself.
    #[must_use]
    pub fn sentence(&self, application: &Application) -> Option<String> {
        match self {
            Self::Itself => None,
            Self::Procfile => {
                let others = application.processes.iter().map(|process| format!(", {}", process.name));
                Some(format!("Taken from the Procfile: web{}", others.collect::<String>()))
            }
            Self::Recognised(Recognised { kind, why, .. }) => {
                Some(format!("Taken for {kind}, because {why}. This stoa.toml would say the same:"))
            }
        }
    }
}

/// The same, with by what it is known.
///
/// # Errors
/// One sentence about what isn't right, with its place.
pub fn read_whole(folder: &Path) -> Result<(Application, KnownBy), Problem> {
    let text = optional_file(&folder.join("stoa.toml"), "stoa.toml")?;
    let mut application = match &text {
        Some(text) => application::parse(text)?,
        None => Application::default(),
    };
    // Held until it was read: a link on the way may not lead out of the repository.
    let held = open_below(folder, Path::new(&application.folder))
        .map_err(|error| not_below(&application.folder, &error))?;
    if !application.run.command.is_empty() {
        return Ok((application, KnownBy::Itself));
    }
    let base = by_descriptor(&held);
    if let Some(text) = optional_file(&base.join("Procfile"), "Procfile")? {
        procfile::add(&mut application, &text)?;
        return Ok((application, KnownBy::Procfile));
    }
    if base.join("Dockerfile").is_file() {
        return Err(Problem::plain(
            "not_recognised",
            "A Dockerfile is run by container servers only, and this isn't one. Write a stoa.toml with [run]",
        ));
    }
    if let Some(recognised) = recognised::recognise(&base) {
        recognised::complete(&mut application, &recognised)?;
        return Ok((application, KnownBy::Recognised(recognised)));
    }
    Err(match text {
        Some(_) => Problem::plain(
            "stoa_toml",
            "stoa.toml has no [run], and there is no Procfile and nothing recognised",
        ),
        None => Problem::plain(
            "not_recognised",
            "There is no stoa.toml, no Procfile and no Dockerfile, and nothing is recognised: no odoo-bin, no manage.py of \
             Django, no app.py of Flask with a requirements.txt, no package.json with a script `start`, no index.html. \
             Write a stoa.toml with [run]",
        ),
    })
}

/// The folder in which a `stoa.toml` says that the application stands; `None` where it isn't right.
#[must_use]
pub fn folder(text: &str) -> Option<String> {
    application::parse(text).ok().map(|application| application.folder)
}

/// Names and lengths of the secrets that a `stoa.toml` asks to be made. One that isn't right asks for none: its deployment
/// says what is wrong.
#[must_use]
pub fn generated(text: &str) -> Vec<(String, usize)> {
    let expected = application::parse(text).map(|application| application.environment).unwrap_or_default();
    expected.into_iter().filter_map(|expected| Some((expected.name, expected.generate?))).collect()
}

fn not_below(path: &str, error: &std::io::Error) -> Problem {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "isn't in the repository",
        std::io::ErrorKind::NotADirectory => "isn't a folder",
        _ => "leads out of the repository",
    };
    Problem::plain("stoa_toml", format!("stoa.toml: folder `{path}` {why}"))
}

fn optional_file(file: &Path, name: &str) -> Result<Option<String>, Problem> {
    let unreadable = |why: &str| Problem::plain("stoa_toml", format!("{name} {why}"));
    let about = match std::fs::symlink_metadata(file) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(unreadable("can't be read")),
    };
    // It could lead out of the repository.
    if about.is_symlink() {
        return Err(unreadable("is a link. It has to be the file itself"));
    }
    if !about.is_file() {
        return Err(unreadable("isn't a file"));
    }
    if about.len() > LARGEST {
        return Err(unreadable("is above 64 KiB"));
    }
    std::fs::read_to_string(file).map(Some).map_err(|_| unreadable("isn't text in UTF-8"))
}
