//! Why nothing came of an outgoing call: each a sentence that whoever set the address may read.

use std::time::Duration;

/// The sentences name what was typed in, never what a private name leads to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutgoingError {
    #[error("This isn't an address that can be asked. Give one such as https://service.example.com.")]
    NoUrl,
    #[error(
        "The address has to begin with https://, or with http:// where it is a private one that the operator has listed."
    )]
    Scheme,
    #[error("The address may not hold a user name or a password.")]
    Credentials,
    #[error("Plain http is only for private addresses that the operator has listed. Use https.")]
    PlainHttp,
    #[error(
        "{host}:{port} is a private address. The operator of this installation can open it by listing it in STOA_EGRESS_ALLOW."
    )]
    Private { host: String, port: u16 },
    #[error("{0} leads to an address that is never asked.")]
    Never(String),
    #[error("This is the address of Stoa itself.")]
    Own,
    #[error("There is no host named {0}, or its name can't be looked up at the moment.")]
    Unknown(String),
    #[error("No connection came about: {0}.")]
    NotConnected(String),
    #[error("No connection came about in time.")]
    ConnectTimeout,
    #[error("No answer came within {} seconds.", .0.as_secs())]
    NoAnswer(Duration),
    #[error("The answer stopped: nothing came for {} seconds.", .0.as_secs())]
    Silence(Duration),
    #[error("The answer was cut off in the middle.")]
    CutOff,
    #[error("The answer is longer than {0} bytes, so it was given up.")]
    TooLong(usize),
    #[error("What came isn't an answer in HTTP.")]
    Garbage,
    #[error("The connection can't be prepared.")]
    Unprepared,
}

impl OutgoingError {
    /// What reqwest says, in our words: its own text may hold the whole address, and names the library.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let mut source = std::error::Error::source(error);
        let mut deepest = None;
        while let Some(one) = source {
            if let Some(ours) = one.downcast_ref::<Self>() {
                return ours.clone();
            }
            deepest = Some(one.to_string());
            source = one.source();
        }
        if error.is_connect() {
            if error.is_timeout() {
                return Self::ConnectTimeout;
            }
            return Self::NotConnected(in_one_line(&deepest.unwrap_or_else(|| "it failed".to_owned())));
        }
        if error.is_body() || error.is_decode() { Self::CutOff } else { Self::Garbage }
    }
}

fn in_one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    line.trim().trim_end_matches('.').to_owned()
}
