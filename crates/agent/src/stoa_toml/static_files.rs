//! `[static]`: files that are served without a process of the application, by one of Stoa's own.

use super::application::Application;
use super::values::{Problem, Table};

/// Where process 1's own program stands inside, which serves them.
const PROGRAM: [&str; 3] = ["/.stoa/init", "init", "static"];

pub(super) fn parse(top: &mut Table<'_>, application: &mut Application) -> Result<(), Problem> {
    let Some(mut table) = top.table("static")? else { return Ok(()) };
    let folder = table.path("folder")?.unwrap_or_else(|| ".".to_owned());
    let index = table.path("index")?.unwrap_or_else(|| "index.html".to_owned());
    let not_found = table.path("not_found")?.unwrap_or_default();
    table.end()?;
    if !application.run.command.is_empty() {
        return Err(Problem::plain(
            "stoa_toml",
            "stoa.toml has [static] and [run]: files are served without a process of the application, or by one",
        ));
    }
    let own = PROGRAM.into_iter().map(str::to_owned);
    application.run.command = own.chain([folder, index, not_found]).collect();
    Ok(())
}

/// What its files are served from, where that is what it is; for people instead of the command.
pub(super) fn served(command: &[String]) -> Option<&str> {
    match command {
        [program, init, verb, folder, ..] if [program, init, verb] == PROGRAM => Some(folder),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::application;

    #[test]
    fn files_are_served_by_a_process_of_stoas_own() {
        let read = application::parse("[static]\nfolder = \"public\"\nnot_found = \"404.html\"\n").unwrap();
        assert_eq!(read.run.command, ["/.stoa/init", "init", "static", "public", "index.html", "404.html"]);
        assert_eq!(read.started(), "Serving the files of `public`");
        let wrong = |text: &str| application::parse(text).unwrap_err().sentence;
        assert_eq!(
            wrong("[static]\nfolder = \"../public\"\n"),
            "stoa.toml, line 2: static.folder may not contain `..`"
        );
        assert_eq!(
            wrong("[static]\nindx = \"a\"\n"),
            "stoa.toml, line 2: `indx` isn't known in [static]; did you mean `index`?"
        );
        assert!(wrong("[static]\n[run]\ncommand = [\"a\"]\n").contains("[static] and [run]"));
    }
}
