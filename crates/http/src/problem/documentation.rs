//! The list of all problems that clients are told, as a page.

use stoa_domain::{AtOnce, Refusal};

use super::{examples, tell};

/// All codes, sorted.
#[must_use]
pub fn codes() -> Vec<&'static str> {
    let mut codes: Vec<_> = crate::openapi::statuses().into_keys().collect();
    codes.sort_unstable();
    codes
}

/// `docs/errors.md`.
#[must_use]
pub fn documentation() -> String {
    let mut text = String::from(
        "# Error codes\n\nEvery error is `application/problem+json` with these fields: `type`, `title`, `status`, `detail`, `code`. \
         Clients switch on `code`. This page is generated from `crates/http/src/problem.rs`.\n\n\
         | status | code | sentence |\n| --- | --- | --- |\n",
    );
    for refusal in examples() {
        let told = tell(&refusal);
        text.push_str(&format!("| {} | `{}` | {} |\n", told.status.as_u16(), told.code, told.detail));
    }
    text.push_str("| 500 | `internal` | Stoa failed at this. It is in the log of the server; try again. |\n");
    text.push_str("\nGit shows sentences alone. What it is refused by besides:\n\n");
    let of_git = [AtOnce::GitOfAccount, AtOnce::GitOfWorkspace, AtOnce::Git];
    let of_git = of_git.map(|what| Refusal::TooMuchAtOnce { what, most: crate::git::most_at_once(what) });
    for refusal in &of_git {
        text.push_str(&format!("- {}\n", tell(refusal).detail));
    }
    text
}
