//! What an application is taken for that says nothing of how it is run: by the files that its kind always has. What is
//! recognised is a `stoa.toml` of its own, so that the same could be said by one.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::application::{self, Application};
use super::values::Problem;
use crate::folders::tree::{by_descriptor, open_below};

/// Bytes of a file that is looked into, at most.
const LARGEST: u64 = 256 * 1024;

/// What it was taken for, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    pub kind: &'static str,
    pub why: String,
    /// The file that would say the same.
    pub toml: String,
}

/// A file of the repository itself, as text; none that is a link, a folder, or too large to be looked into.
fn text(folder: &Path, name: &str) -> Option<String> {
    let (held, name) = parent(folder, name)?;
    let file = by_descriptor(&held).join(name);
    let about = std::fs::symlink_metadata(&file).ok()?;
    (about.is_file() && about.len() <= LARGEST).then(|| std::fs::read_to_string(file).ok())?
}

fn has(folder: &Path, name: &str) -> bool {
    parent(folder, name).is_some_and(|(held, name)| {
        std::fs::symlink_metadata(by_descriptor(&held).join(name)).is_ok_and(|about| about.is_file())
    })
}

/// The folder that a file is in, which no link leads out of the repository to.
fn parent<'n>(folder: &Path, name: &'n str) -> Option<(OwnedFd, &'n str)> {
    let (above, name) = name.rsplit_once('/').unwrap_or((".", name));
    Some((open_below(folder, Path::new(above)).ok()?, name))
}

/// Whether a list of requirements names a package: at the beginning of a line, whatever version follows.
fn requires(requirements: &str, package: &str) -> bool {
    requirements.lines().any(|line| {
        let line = line.trim().to_ascii_lowercase();
        line.strip_prefix(package).is_some_and(|rest| {
            !rest.starts_with(|letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
        })
    })
}

/// A list of words as `stoa.toml` has it.
fn words(words: &[&str]) -> String {
    let quoted: Vec<String> =
        words.iter().map(|word| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("[{}]", quoted.join(", "))
}

const VENV: [&str; 4] = ["python3", "-m", "venv", ".venv"];
const PIP: [&str; 5] = [".venv/bin/pip", "install", "--quiet", "-r", "requirements.txt"];

/// The commands that build a Python application, and the Python that runs it.
fn python(requirements: Option<&str>) -> (Vec<String>, &'static str) {
    match requirements {
        Some(_) => (vec![words(&VENV), words(&PIP)], ".venv/bin/python"),
        None => (Vec::new(), "python3"),
    }
}

/// The `[build]` that these commands are.
fn build(commands: &[String]) -> String {
    if commands.is_empty() {
        String::new()
    } else {
        format!("[build]\ncommands = [{}]\n\n", commands.join(", "))
    }
}

fn odoo(folder: &Path) -> Option<Recognised> {
    if !has(folder, "odoo-bin") {
        return None;
    }
    let requirements = text(folder, "requirements.txt");
    let (commands, python) = python(requirements.as_deref());
    let build = build(&commands);
    let mut command = vec![python, "odoo-bin", "--http-port=8000", "--proxy-mode", "--data-dir=/data/odoo"];
    if has(folder, "odoo.conf") {
        command.push("--config=odoo.conf");
    }
    let toml = format!(
        "{build}[run]\ncommand = {}\noverlap = false\n\n[health]\npath = \"/web/health\"\nstart_time = \"5m\"\n\n[connect_as]\nkind = \"odoo\"\n",
        words(&command)
    );
    Some(Recognised { kind: "Odoo", why: "it has odoo-bin".to_owned(), toml })
}

/// The module of its settings, as `manage.py` names it.
fn settings_module(manage: &str) -> Option<String> {
    let after = manage.split("DJANGO_SETTINGS_MODULE").nth(1)?;
    let module: String = after
        .trim_start_matches(|letter: char| !letter.is_ascii_alphabetic())
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || "_.".contains(*letter))
        .collect();
    (!module.is_empty()).then_some(module)
}

/// A package with a `wsgi.py`: the one beside `manage.py` that its settings are in.
fn wsgi(folder: &Path, module: &str) -> Option<String> {
    let package = module.split('.').next().filter(|package| !package.is_empty())?;
    has(folder, &format!("{package}/wsgi.py")).then(|| format!("{package}.wsgi"))
}

/// The file beside `manage.py` in which the settings keep an SQLite database, as those have it that Django begins with:
/// `BASE_DIR / "db.sqlite3"`. One that is in the repository already isn't meant: its content would be lost sight of.
fn sqlite(folder: &Path, module: &str) -> Option<String> {
    let settings = text(folder, &format!("{}.py", module.replace('.', "/")))?;
    let lines = || settings.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    if !lines().any(|line| line.contains("django.db.backends.sqlite3")) {
        return None;
    }
    let mut names = lines().filter_map(|line| {
        let (_, place) = line.split_once("NAME")?.1.split_once("BASE_DIR")?;
        let name = place.split(['"', '\'']).nth(1)?;
        let is_plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter));
        // Nothing but a name follows: no folder, and nothing that is made of it.
        let mut pieces = place.split(['"', '\'']);
        let (before, after) = (pieces.next()?.trim(), pieces.nth(1)?.trim());
        let is_whole = matches!(before, "/" | ",") && !after.contains('/');
        (is_plain && is_whole && name.starts_with(|letter: char| letter.is_ascii_alphanumeric()))
            .then_some(name)
    });
    let name = names.next().filter(|_| names.next().is_none())?;
    (!has(folder, name)).then(|| name.to_owned())
}

fn django(folder: &Path) -> Option<Recognised> {
    let manage = text(folder, "manage.py").filter(|text| text.contains("DJANGO_SETTINGS_MODULE"))?;
    let requirements = text(folder, "requirements.txt");
    let (mut commands, python) = python(requirements.as_deref());
    let module = settings_module(&manage);
    // A release can't be written: the file that the settings name is a link to where it outlives releases.
    let database = module.as_deref().and_then(|module| sqlite(folder, module));
    commands.extend(database.iter().map(|name| words(&["ln", "-s", &format!("/data/{name}"), name])));
    let has_gunicorn = requirements.as_deref().is_some_and(|text| requires(text, "gunicorn"));
    let command = match module.and_then(|module| wsgi(folder, &module)).filter(|_| has_gunicorn) {
        Some(module) => words(&[".venv/bin/gunicorn", "--bind", "127.0.0.1:8000", &module]),
        None => words(&[python, "manage.py", "runserver", "--noreload", "127.0.0.1:8000"]),
    };
    let toml = format!(
        "{}[release]\ncommand = {}\n\n[run]\ncommand = {command}\n\n{}[connect_as]\nkind = \"django\"\n",
        build(&commands),
        words(&[python, "manage.py", "migrate", "--noinput"]),
        database
            .as_ref()
            .map_or_else(String::new, |name| format!("[database]\nkind = \"sqlite\"\npath = \"{name}\"\n\n"))
    );
    let kept = database.map_or_else(String::new, |name| format!(", and its settings keep {name} in SQLite"));
    let why = format!("its manage.py names DJANGO_SETTINGS_MODULE{kept}");
    Some(Recognised { kind: "Django", why, toml })
}

fn flask(folder: &Path) -> Option<Recognised> {
    let requirements = text(folder, "requirements.txt").filter(|text| requires(text, "flask"))?;
    let module = ["app", "wsgi", "main"].into_iter().find(|module| {
        text(folder, &format!("{module}.py"))
            .is_some_and(|text| text.contains("Flask(") || text.contains("create_app("))
    })?;
    let build = build(&python(Some(&requirements)).0);
    let source = text(folder, &format!("{module}.py")).unwrap_or_default();
    // The name that it is given; Flask itself looks for `app` and `application`.
    let name = source.lines().find_map(|line| {
        let (name, rest) = line.split_once('=')?;
        let is_name = name.trim().chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        (is_name && rest.trim_start().starts_with("Flask(")).then(|| name.trim().to_owned())
    });
    let command = match name.filter(|_| requires(&requirements, "gunicorn")) {
        Some(name) => words(&[".venv/bin/gunicorn", "--bind", "127.0.0.1:8000", &format!("{module}:{name}")]),
        None => words(&[".venv/bin/flask", "--app", module, "run", "--host", "127.0.0.1", "--port", "8000"]),
    };
    let why = format!("its requirements.txt names Flask, and {module}.py makes an application");
    Some(Recognised { kind: "Flask", why, toml: format!("{build}[run]\ncommand = {command}\n") })
}

fn node(folder: &Path) -> Option<Recognised> {
    let package: serde_json::Value = serde_json::from_str(&text(folder, "package.json")?).ok()?;
    let script =
        |name: &str| package["scripts"][name].as_str().is_some_and(|script| !script.trim().is_empty());
    if !script("start") {
        return None;
    }
    let install = if has(folder, "package-lock.json") { "ci" } else { "install" };
    let mut commands = vec![words(&["npm", install])];
    if script("build") {
        commands.push(words(&["npm", "run", "build"]));
    }
    let toml = format!(
        "[build]\ncommands = [{}]\n\n[run]\ncommand = {}\n",
        commands.join(", "),
        words(&["npm", "start"])
    );
    Some(Recognised { kind: "Node", why: "its package.json has a script `start`".to_owned(), toml })
}

fn static_files(folder: &Path) -> Option<Recognised> {
    has(folder, "index.html").then(|| Recognised {
        kind: "static files",
        why: "it has index.html".to_owned(),
        toml: "[static]\nfolder = \".\"\n".to_owned(),
    })
}

/// In the order of the documentation. `folder` is where the application stands.
pub(super) fn recognise(folder: &Path) -> Option<Recognised> {
    [odoo, django, flask, node, static_files].into_iter().find_map(|kind| kind(folder))
}

/// What is recognised says how it is built, prepared and run, and how one connects; what the file says itself, it says.
pub(super) fn complete(application: &mut Application, recognised: &Recognised) -> Result<(), Problem> {
    let found = application::parse(&recognised.toml)?;
    application.run.command = found.run.command;
    application.overlap &= found.overlap;
    if application.build.commands.is_empty() {
        application.build.commands = found.build.commands;
        // It goes with what the build makes for it.
        if application.sqlite.is_none() && application.postgresql.is_none() {
            application.sqlite = found.sqlite;
        }
    }
    if application.release.command.is_empty() {
        application.release.command = found.release.command;
    }
    if application.connect_as.is_none() {
        application.connect_as = found.connect_as;
    }
    let usual = Application::default().health;
    if application.health == usual {
        application.health = found.health;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{ConnectAs, KnownBy, LOOKED_INTO, read_whole};
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = place.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        place
    }

    fn taken(files: &[(&str, &str)]) -> (&'static str, String) {
        let place = folder(files);
        let (application, known_by) = read_whole(place.path()).unwrap();
        // What a push is read by is enough to know that it can be run.
        let looked_into = files.iter().filter(|(name, _)| LOOKED_INTO.contains(name));
        assert!(read_whole(folder(&looked_into.copied().collect::<Vec<_>>()).path()).is_ok());
        let recognised = if let KnownBy::Recognised(recognised) = known_by { Some(recognised) } else { None };
        let recognised = recognised.unwrap();
        // The file that it is told says the same.
        let said = application::parse(&recognised.toml).unwrap();
        assert_eq!(application, said, "{}", recognised.toml);
        (recognised.kind, application.run.command.join(" "))
    }

    const MANAGE: &str = "os.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")\n";

    #[test]
    fn a_folder_may_be_a_link_within_the_repository_and_never_out_of_it() {
        let outside = folder(&[("Procfile", "web: python3 x.py --password=canary\n"), ("wsgi.py", "")]);
        let place = folder(&[("real/Procfile", "web: python3 y.py\n"), ("manage.py", MANAGE)]);
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, place.path().join(name)).unwrap();
        link(outside.path(), "out");
        link(Path::new("real"), "in");
        link(outside.path(), "shop");
        let said = |name: &str| {
            std::fs::write(place.path().join("stoa.toml"), format!("folder = \"{name}\"\n")).unwrap();
            let found = read_whole(place.path()).map(|(application, _)| application.run.command.join(" "));
            // With a command of its own, too.
            let own = format!("folder = \"{name}\"\n[run]\ncommand = [\"true\"]\n");
            std::fs::write(place.path().join("stoa.toml"), own).unwrap();
            assert_eq!(read_whole(place.path()).is_ok(), found.is_ok(), "{name}");
            found
        };
        assert!(said("in").unwrap().contains("y.py"));
        for (name, why) in [
            ("out", "leads out of the repository"),
            ("out/deeper", "leads out of the repository"),
            ("nowhere", "isn't in the repository"),
            ("manage.py", "isn't a folder"),
        ] {
            let problem = said(name).unwrap_err();
            assert!(problem.sentence.ends_with(why), "{name}: {}", problem.sentence);
            assert!(!problem.sentence.contains("canary"));
        }
        assert!(!has(place.path(), "shop/wsgi.py"), "through a link that leads out");
    }

    #[test]
    fn each_kind_is_known_by_its_files() {
        assert_eq!(
            taken(&[("manage.py", MANAGE)]),
            ("Django", "python3 manage.py runserver --noreload 127.0.0.1:8000".to_owned())
        );
        assert_eq!(
            taken(&[
                ("manage.py", MANAGE),
                ("requirements.txt", "Django\ngunicorn==23.0\n"),
                ("shop/wsgi.py", "")
            ]),
            ("Django", ".venv/bin/gunicorn --bind 127.0.0.1:8000 shop.wsgi".to_owned())
        );
        assert_eq!(
            taken(&[("requirements.txt", "flask>=3\n"), ("app.py", "app = Flask(__name__)\n")]),
            ("Flask", ".venv/bin/flask --app app run --host 127.0.0.1 --port 8000".to_owned())
        );
        assert_eq!(
            taken(&[("requirements.txt", "gunicorn\nFlask\n"), ("wsgi.py", "site = Flask(__name__)\n")]).1,
            ".venv/bin/gunicorn --bind 127.0.0.1:8000 wsgi:site"
        );
        assert_eq!(
            taken(&[("package.json", r#"{"scripts": {"start": "node server.js", "build": "tsc"}}"#)]),
            ("Node", "npm start".to_owned())
        );
        assert_eq!(taken(&[("index.html", "<h1>Hi</h1>")]).0, "static files");
        let (kind, command) = taken(&[("odoo-bin", ""), ("requirements.txt", "psycopg2\n")]);
        assert_eq!((kind, command.starts_with(".venv/bin/python odoo-bin --http-port=8000")), ("Odoo", true));
    }

    #[test]
    fn a_django_that_keeps_its_database_beside_itself_is_given_a_place_for_it() {
        let settings = |name: &str| {
            format!(
                "DATABASES = {{\n  'default': {{\n    'ENGINE': 'django.db.backends.sqlite3',\n    'NAME': {name},\n  }}\n}}\n"
            )
        };
        let kept = |settings: &str, more: &[(&str, &str)]| {
            let files = [&[("manage.py", MANAGE), ("shop/settings.py", settings)], more].concat();
            taken(&files);
            let (application, _) = read_whole(folder(&files).path()).unwrap();
            (application.sqlite.clone(), application.build.commands.last().map(|command| command.join(" ")))
        };
        let linked = |name: &str| (Some(name.to_owned()), Some(format!("ln -s /data/{name} {name}")));
        assert_eq!(kept(&settings("BASE_DIR / 'db.sqlite3'"), &[]), linked("db.sqlite3"));
        assert_eq!(kept(&settings("os.path.join(BASE_DIR, \"shop.db\")"), &[]), linked("shop.db"));
        for (name, more) in [
            // In the repository already; in a folder; where somebody says it; not SQLite.
            ("BASE_DIR / 'db.sqlite3'", &[("db.sqlite3", "SQLite")][..]),
            ("BASE_DIR / 'kept' / 'db.sqlite3'", &[]),
            ("BASE_DIR / 'kept/db.sqlite3'", &[]),
            ("BASE_DIR / os.environ['NAME']", &[]),
            ("os.environ['NAME']", &[]),
        ] {
            assert_eq!(kept(&settings(name), more), (None, None), "{name}");
        }
        let other = settings("BASE_DIR / 'x'").replace("sqlite3", "mysql");
        assert_eq!(kept(&other, &[]), (None, None));
        // What the repository says of its database itself is what counts.
        let own = "[database]\nkind = \"sqlite\"\npath = \"own.db\"\n";
        let settings = settings("BASE_DIR / 'db.sqlite3'");
        let files = [("manage.py", MANAGE), ("shop/settings.py", &*settings), ("stoa.toml", own)];
        assert_eq!(read_whole(folder(&files).path()).unwrap().0.sqlite.as_deref(), Some("own.db"));
    }

    #[test]
    fn what_only_looks_like_one_isnt_taken_for_it() {
        for files in [
            &[("manage.py", "print('no')")][..],
            &[("requirements.txt", "flask-login\n"), ("app.py", "app = Flask(__name__)\n")],
            &[("package.json", r#"{"scripts": {"test": "x"}}"#)],
            &[("package.json", "not json")],
            &[("docs/index.html", "")],
        ] {
            let place = folder(files);
            assert_eq!(read_whole(place.path()).unwrap_err().code, "not_recognised", "{files:?}");
        }
    }

    #[test]
    fn the_first_that_fits_is_taken_and_a_file_of_its_own_comes_before() {
        assert_eq!(taken(&[("manage.py", MANAGE), ("index.html", "")]).0, "Django");
        let place = folder(&[("index.html", ""), ("Procfile", "web: python3 app.py\nmail: ./mail\n")]);
        let (application, known_by) = read_whole(place.path()).unwrap();
        assert_eq!(application.run.command[2].as_str(), "python3 app.py");
        assert_eq!(known_by.sentence(&application).unwrap(), "Taken from the Procfile: web, mail");
        // Without [run] in it, only that comes from what is recognised.
        let own = "[release]\ncommand = [\"true\"]\n[health]\npath = \"/well\"\n";
        let place = folder(&[("manage.py", MANAGE), ("stoa.toml", own)]);
        let (application, known_by) = read_whole(place.path()).unwrap();
        assert!(matches!(known_by, KnownBy::Recognised(Recognised { kind: "Django", .. })), "{known_by:?}");
        assert_eq!(
            (application.release.command.join(" "), application.health.path),
            ("true".to_owned(), "/well".to_owned())
        );
        assert_eq!(application.connect_as, Some(ConnectAs::Django));
    }

    #[test]
    fn what_leads_out_of_the_repository_isnt_looked_into() {
        let place = folder(&[("elsewhere", "<h1>Hi</h1>")]);
        std::os::unix::fs::symlink("elsewhere", place.path().join("index.html")).unwrap();
        assert!(read_whole(place.path()).is_err());
    }
}
