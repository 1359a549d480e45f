//! Why nobody connects as a user, in words.

use serde_json::json;
use stoa_domain::ConnectRefusal;

use super::{Told, told};

pub(super) fn tell(refusal: &ConnectRefusal) -> Told {
    match refusal {
        ConnectRefusal::NoWay => told(
            409,
            "conflict",
            "Not possible here",
            "The application doesn't say how to connect as its users. Add [connect_as] to its stoa.toml and deploy it.",
        ),
        ConnectRefusal::NotPossible(sentence) => told(409, "conflict", "Not possible now", sentence.clone()),
        ConnectRefusal::Failed { sentence, quote } => {
            let mut answer =
                told(502, "application_failed", "The application didn't do it", sentence.clone());
            if let Some(quote) = quote {
                answer.more.insert("quote".to_owned(), json!(quote));
            }
            answer
        }
        ConnectRefusal::TicketUsed => told(
            410,
            "connect_used",
            "Link used",
            "This link was used already. Each works once: ask for a new one.",
        ),
        ConnectRefusal::TicketExpired => told(
            410,
            "connect_expired",
            "Link too old",
            "This link is more than a minute old. Ask for a new one.",
        ),
        ConnectRefusal::TicketOfAnother => told(
            403,
            "wrong_account",
            "Another account",
            "This link works for the account that asked for it alone. Sign in with that one, and ask for a new link.",
        ),
        ConnectRefusal::TooMany => told(
            409,
            "conflict",
            "Too many at once",
            "As many sessions as one account may have go on already. End one of them first.",
        ),
    }
}

/// One of each code, for the list.
pub(super) fn examples() -> [ConnectRefusal; 4] {
    [
        ConnectRefusal::TicketUsed,
        ConnectRefusal::TicketExpired,
        ConnectRefusal::TicketOfAnother,
        ConnectRefusal::Failed {
            sentence: "The application's command `open` ended with status 1.".to_owned(),
            quote: None,
        },
    ]
}
