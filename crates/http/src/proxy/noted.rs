//! What is written down of a request: who asked for what, how it was answered, and when.

use http::StatusCode;
use http::request::Parts;
use tokio::time::Instant;

use crate::site::Site;

/// Bytes of a path that are written.
const LONGEST: usize = 2_000;

/// As other servers write it: nobody was there any more.
pub(super) const LEFT: u16 = 499;

pub(super) struct Noted {
    what: String,
    who: String,
    begun: Instant,
}

impl Noted {
    pub fn of(parts: &Parts, site: &Site, is_connected: bool) -> Self {
        let who = crate::peer::address(site, parts).unwrap_or_default();
        let who = if is_connected { format!("{who} connected as a user") } else { who };
        Self { what: Self::what(parts), who, begun: Instant::now() }
    }

    /// Of a query only that there was one: links that let somebody in stand in queries.
    fn what(parts: &Parts) -> String {
        // A path is of ASCII, but for what a client sent that isn't.
        let shown: String = parts.uri.path().chars().take(LONGEST).collect();
        let rest = if shown.len() < parts.uri.path().len() { "…" } else { "" };
        let query = if parts.uri.query().is_some() { "?…" } else { "" };
        format!("{} {shown}{rest}{query}", parts.method)
    }

    /// `None`: whoever asked left before there was an answer.
    pub fn line(self, status: Option<StatusCode>) -> String {
        let Self { what, who, begun } = self;
        let from = if who.is_empty() { String::new() } else { format!(" from {who}") };
        format!(
            "{what} {} in {} ms{from}",
            status.map_or(LEFT, |status| status.as_u16()),
            begun.elapsed().as_millis()
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_query_of_a_request_is_not_written() {
        let request = http::Request::get("/reset?token=hunter2").body(()).unwrap();
        let what = Noted::what(&request.into_parts().0);
        assert_eq!(what, "GET /reset?…");
        let long = http::Request::get(format!("/{}", "x".repeat(3_000))).body(()).unwrap();
        assert_eq!(Noted::what(&long.into_parts().0).len(), "GET ".len() + LONGEST + "…".len());
    }
}
