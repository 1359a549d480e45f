//! What is told to whoever asks for more than goes on at once.

use stoa_domain::AtOnce;

use super::{Told, told};

/// Seconds after which something that goes on may be over.
const AT_ONCE_AGAIN: i64 = 10;

/// Of one's own there are too many, or the installation has no more to give.
pub(super) fn at_once(what: AtOnce, most: usize) -> Told {
    let (is_own, detail) = match what {
        AtOnce::GitOfAccount => (
            true,
            format!(
                "{most} fetches and pushes of your account go on already. Wait until one of them is over."
            ),
        ),
        AtOnce::GitOfWorkspace => (
            true,
            format!("{most} fetches and pushes of this workspace go on already. Try again in a moment."),
        ),
        AtOnce::Git => (
            false,
            format!(
                "Stoa serves {most} fetches and pushes at once, and they all go on. Try again in a moment."
            ),
        ),
        AtOnce::MergesOfAccount => {
            (true, format!("{most} merges or previews of your account go on already. Try again in a moment."))
        }
        AtOnce::Merges => (
            false,
            format!("Stoa looks at {most} merges at once, and they all go on. Try again in a moment."),
        ),
        AtOnce::DesksOfAccount => (
            true,
            format!(
                "Your account has desks open on {most} other instances already. Close one of them first."
            ),
        ),
        AtOnce::StreamsOfAccount => (
            true,
            format!(
                "Your account follows {most} live streams already, in all its tabs and programs. Close one of them first."
            ),
        ),
        AtOnce::Links => (
            false,
            format!("{most} links of servers are being set up at once already. Try again in a moment."),
        ),
        AtOnce::Streams => (
            false,
            format!("Stoa serves {most} live streams at once, and they are all open. Try again in a moment."),
        ),
    };
    let mut answer = if is_own {
        told(429, "too_many_requests", "Too many requests", detail)
    } else {
        told(503, "unavailable", "Not available", detail)
    };
    answer.retry_after = Some(AT_ONCE_AGAIN);
    answer
}
