//! `Procfile`: the line `web` is the application, other lines are further processes.

use super::application::{Application, Process};
use super::values::Problem;

pub(super) fn add(application: &mut Application, text: &str) -> Result<(), Problem> {
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong =
            |what: &str| Problem::plain("stoa_toml", format!("Procfile, line {}: {what}", number + 1));
        let (name, command) = line.split_once(':').ok_or_else(|| wrong("a line is `name: command`"))?;
        let (name, command) = (name.trim(), command.trim());
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_name || command.is_empty() {
            return Err(wrong("a line is `name: command`"));
        }
        // The text is the application's own; nothing is put into it.
        let command = vec!["/bin/sh".to_owned(), "-c".to_owned(), command.to_owned()];
        if name == "web" {
            application.run.command = command;
        } else if application.processes.iter().any(|process| process.name == name) {
            return Err(wrong("this process is there already"));
        } else {
            application.processes.push(Process {
                name: name.to_owned(),
                command,
                ..Application::default().run
            });
        }
    }
    if application.run.command.is_empty() {
        return Err(Problem::plain("stoa_toml", "Procfile has no line `web:`"));
    }
    Ok(())
}
