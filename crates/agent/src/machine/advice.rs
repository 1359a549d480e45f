//! What to write where a common mistake shows in what a command says.

use crate::stoa_toml::Application;

/// Whether a line says that SQLite couldn't write where a database is: its own words for a folder, and for a file, that
/// can't be written.
pub(super) fn is_unwritable(line: &[u8]) -> bool {
    let line = String::from_utf8_lossy(line);
    line.contains("unable to open database file") || line.contains("attempt to write a readonly database")
}

/// For everybody, behind which command ended with which status.
pub(super) const IN_SHORT: &str = "SQLite can't write below /app, where nothing changes once it is built. Keep the database in /data; what to write stands in the log";

/// For the log: what to write.
pub(super) fn lines(application: &Application) -> Vec<String> {
    let path = application.sqlite.as_deref().unwrap_or("db.sqlite3");
    let mut lines = vec![
        "SQLite can't write below /app: nothing changes there once it is built. What is in /data outlives releases."
            .to_owned(),
    ];
    if application.sqlite.is_none() {
        lines.push("So that it is kept there, and backed up, write into stoa.toml:".to_owned());
        let settings =
            ["[database]".to_owned(), "kind = \"sqlite\"".to_owned(), format!("path = \"{path}\"")];
        lines.extend(settings.map(|line| format!("    {line}")));
    }
    lines.push(format!(
        "Its address is in DATABASE_URL: sqlite:////data/{path}. Settings of Django can name it so:"
    ));
    lines.push(format!("    \"NAME\": Path(os.environ.get(\"STOA_DATA\", BASE_DIR)) / \"{path}\","));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sqlite_says_is_known_and_what_to_write_is_what_is_missing() {
        for said in [
            "django.db.utils.OperationalError: unable to open database file",
            "sqlite3.OperationalError: attempt to write a readonly database",
        ] {
            assert!(is_unwritable(said.as_bytes()), "{said}");
        }
        assert!(!is_unwritable(b"could not open file app.py"));
        let mut application = Application::default();
        let said = lines(&application).join("\n");
        assert!(
            said.contains("    [database]\n    kind = \"sqlite\"\n    path = \"db.sqlite3\"\n"),
            "{said}"
        );
        application.sqlite = Some("own.db".to_owned());
        let said = lines(&application).join("\n");
        assert!(!said.contains("[database]") && said.contains("sqlite:////data/own.db"), "{said}");
    }
}
