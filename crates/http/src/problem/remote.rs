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
        None => {
            // What a host says of one branch is its own rule, such as a hook's: no other credential changes that.
            let is_own_rule = said.starts_with("[remote rejected]");
            let next = if is_own_rule { "" } else { " Give the credential the right to write." };
            let detail = format!("The remote repository doesn't take what is pushed.{next}{quoted}");
            told(409, "remote_refused", "The repository doesn't take it", detail)
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_credential_is_asked_for_where_that_helps() {
        let detail = |said: &str| tell(&Refusal::RemoteTakesNothing { said: said.to_owned() }).detail;
        assert_eq!(
            detail("[remote rejected] (pre-receive hook declined) Not on a Friday."),
            "The remote repository doesn't take what is pushed. It said: “[remote rejected] (pre-receive hook declined) Not on a Friday.”."
        );
        assert!(detail("error: 403").contains("the right to write"));
    }
}
