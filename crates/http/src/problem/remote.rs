//! What is said where a remote repository keeps something from being done.

use stoa_domain::Refusal;
use stoa_domain::remote::RemoteProblem;

use super::{Told, told};

/// Of the refusals that are a remote's.
pub(super) fn tell(refusal: &Refusal) -> Told {
    let (problem, said) = match refusal {
        Refusal::Remote { problem, said } => (Some(*problem), said.as_str()),
        Refusal::RemoteTakesNothing { said } => (None, said.as_str()),
        _ => (None, ""),
    };
    let quoted = if said.is_empty() { String::new() } else { format!(" It said: “{said}”.") };
    match problem {
        None => told(
            409,
            "remote_refused",
            "The repository doesn't take it",
            format!(
                "The remote repository doesn't take what is pushed. Give the credential the right to write.{quoted}"
            ),
        ),
        Some(problem @ (RemoteProblem::Away | RemoteProblem::TimedOut)) => {
            told(502, "remote_unavailable", "Repository away", format!("{}{quoted}", problem.sentence()))
        }
        Some(problem) => {
            told(409, "remote_refused", "The repository refuses", format!("{}{quoted}", problem.sentence()))
        }
    }
}

pub(super) fn example() -> Refusal {
    let said = "ssh: connect to host git.example.com port 22: Connection refused".to_owned();
    Refusal::Remote { problem: RemoteProblem::Away, said }
}

pub(super) fn example_of_refusal() -> Refusal {
    Refusal::RemoteTakesNothing { said: "[remote rejected] (protected branch hook declined)".to_owned() }
}
