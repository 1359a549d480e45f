//! What the two sides say to each other before anything is asked: a line of JSON each.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stoa_domain::Secret;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::LinkError;
use crate::protocol::{PROTOCOL, SecretText};

/// Bytes of a line at most.
const LONGEST: usize = 1024;

/// The agent's.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hello {
    /// The one that it speaks.
    protocol: u32,
    /// By which it joins, where nobody knows its certificate yet.
    token: Option<SecretText>,
}

impl Hello {
    pub fn new(token: Option<&Secret>) -> Self {
        Self { protocol: PROTOCOL, token: token.cloned().map(SecretText) }
    }

    pub fn check(&self) -> Result<(), LinkError> {
        // Another protocol is told by the first answer on the link, where it can be shown.
        if self.protocol == 0 { Err(LinkError::NotAGreeting) } else { Ok(()) }
    }

    pub fn token(self) -> Option<Secret> {
        self.token.map(|token| token.0)
    }
}

/// Why the control plane doesn't take a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It knows nobody with this certificate.
    Unknown,
    TokenUnknown,
    TokenUsed,
    /// The server was removed there.
    Removed,
    /// It has troubles of its own: come again.
    Failed,
}

/// The control plane's.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Answer {
    Welcome { machine: Uuid },
    Refused { code: Refusal },
}

pub(super) async fn write<T: Serialize>(
    stream: &mut (impl AsyncWrite + Unpin),
    said: &T,
) -> Result<(), LinkError> {
    let mut line = Zeroizing::new(serde_json::to_vec(said).map_err(|_| LinkError::NotAGreeting)?);
    line.push(b'\n');
    stream.write_all(&line).await?;
    Ok(stream.flush().await?)
}

/// Not a byte more than the line: what comes behind it is another's to read.
pub(super) async fn read<T: DeserializeOwned>(stream: &mut (impl AsyncRead + Unpin)) -> Result<T, LinkError> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    loop {
        match stream.read_u8().await? {
            b'\n' => break,
            _ if line.len() == LONGEST => return Err(LinkError::NotAGreeting),
            byte => line.push(byte),
        }
    }
    // What stands in it may be a secret: that it can't be read is all that is said.
    serde_json::from_slice(&line).map_err(|_| LinkError::NotAGreeting)
}
