//! Which Python a built-in way is run with: the one that runs the application.

use std::path::Path;

use crate::machine::start::inside;
use crate::stoa_toml::Application;

/// Folders in which a virtual environment usually stands.
const USUAL: [&str; 3] = [".venv", "venv", "env"];

fn is_python(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    name.strip_prefix("python")
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// As it is called inside. `app` is the release's folder.
pub(super) fn find(app: &Path, application: &Application) -> String {
    let folder = application.working_folder.trim_start_matches("./");
    let there = |path: &str| {
        let path =
            path.strip_prefix("/app/").map(str::to_owned).unwrap_or_else(|| format!("{folder}/{path}"));
        // Links of a virtual environment lead to where it is mounted: that one is there is all that can be seen.
        !path.split('/').any(|part| part == "..") && std::fs::symlink_metadata(app.join(path)).is_ok()
    };
    // A line of a Procfile is one word of a shell's.
    let words = application.run.command.iter().flat_map(|word| word.split_whitespace());
    for word in words.map(|word| word.trim_matches(['"', '\''])) {
        if is_python(word) {
            return word.to_owned();
        }
        // What stands in a virtual environment's `bin` has its Python beside it.
        if let Some((bin, _)) = word.rsplit_once('/') {
            let beside = format!("{bin}/python");
            if bin.ends_with("bin") && there(&beside) {
                return beside;
            }
        }
    }
    let usual = USUAL.iter().map(|name| format!("{name}/bin/python")).find(|path| there(path));
    usual.map_or_else(
        || "python3".to_owned(),
        |path| format!("{}/{path}", inside(&application.working_folder)),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn found(command: &[&str], files: &[&str]) -> String {
        let app = tempfile::tempdir().unwrap();
        for file in files {
            let file = app.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let mut application = Application::default();
        application.run.command = command.iter().map(|&word| word.to_owned()).collect();
        find(app.path(), &application)
    }

    #[test]
    fn it_is_the_one_that_runs_the_application() {
        let venv = [".venv/bin/python"];
        assert_eq!(found(&["python3.11", "manage.py", "runserver"], &venv), "python3.11");
        assert_eq!(found(&["/usr/bin/python3", "odoo-bin"], &[]), "/usr/bin/python3");
        assert_eq!(found(&[".venv/bin/gunicorn", "shop.wsgi"], &venv), ".venv/bin/python");
        assert_eq!(found(&["/app/.venv/bin/gunicorn", "shop.wsgi"], &venv), "/app/.venv/bin/python");
        assert_eq!(found(&["/bin/sh", "-c", "exec .venv/bin/gunicorn shop.wsgi"], &venv), ".venv/bin/python");
        assert_eq!(found(&["gunicorn", "shop.wsgi"], &["venv/bin/python"]), "/app/venv/bin/python");
        assert_eq!(found(&["gunicorn", "shop.wsgi"], &[]), "python3");
        assert_eq!(found(&["pythonista"], &[]), "python3");
    }
}
