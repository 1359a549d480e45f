//! The deploy key's side of a connection: an ssh agent of one key and one connection (draft-ietf-sshm-ssh-agent). The
//! private part never leaves this process; ssh asks it to sign.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::keys::{DeployKey, string};

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// What a signature of a user's is made for (RFC 4252, 7): a session's id as a string, then this number.
const USERAUTH_REQUEST: u8 = 50;

/// Bytes of a question.
const LONGEST: u32 = 64 * 1024;

/// Answers until it is dropped.
pub(super) struct Agent(JoinHandle<()>);

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Agent {
    pub(super) fn start(listener: UnixListener, key: DeployKey) -> Self {
        let key = Arc::new(key);
        Self(tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let key = key.clone();
                serving.spawn(async move {
                    // Whoever goes away in the middle wants no answer.
                    let _ = serve(stream, &key).await;
                });
            }
        }))
    }
}

async fn serve(mut stream: UnixStream, key: &DeployKey) -> io::Result<()> {
    loop {
        let length = stream.read_u32().await?;
        if length == 0 || length > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut question = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        stream.read_exact(&mut question).await?;
        stream.write_all(&string(&answer(&question, key))).await?;
    }
}

fn answer(question: &[u8], key: &DeployKey) -> Vec<u8> {
    match question.split_first() {
        Some((&REQUEST_IDENTITIES, _)) => {
            let one = [string(&key.blob()), string(b"stoa")].concat();
            [[IDENTITIES_ANSWER].as_slice(), &1_u32.to_be_bytes(), &one].concat()
        }
        Some((&SIGN_REQUEST, rest)) => signed(rest, key).unwrap_or_else(|| vec![FAILURE]),
        _ => vec![FAILURE],
    }
}

/// Only for signing in, and only with this key.
fn signed(rest: &[u8], key: &DeployKey) -> Option<Vec<u8>> {
    let (blob, rest) = taken(rest)?;
    let (text, _) = taken(rest)?;
    let (_, after_session) = taken(text)?;
    let is_sign_in = after_session.first() == Some(&USERAUTH_REQUEST);
    (blob == key.blob() && is_sign_in)
        .then(|| [[SIGN_RESPONSE].as_slice(), &string(&key.sign(text))].concat())
}

/// A string of the protocol, and what follows it.
fn taken(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use stoa_domain::Secret;

    use super::*;

    fn key(byte: u8) -> DeployKey {
        DeployKey::open(&Secret::new(vec![byte; 32])).unwrap()
    }

    fn sign(key: &DeployKey, text: &[u8]) -> Vec<u8> {
        [[SIGN_REQUEST].as_slice(), &string(&key.blob()), &string(text), &0_u32.to_be_bytes()].concat()
    }

    #[test]
    fn it_signs_a_sign_in_with_its_own_key_and_nothing_else() {
        let own = key(1);
        let sign_in = [string(b"session"), vec![USERAUTH_REQUEST], b"rest".to_vec()].concat();
        assert_eq!(answer(&sign(&own, &sign_in), &own)[0], SIGN_RESPONSE);
        assert_eq!(answer(&sign(&key(2), &sign_in), &own), [FAILURE]);
        assert_eq!(answer(&sign(&own, b"anything"), &own), [FAILURE]);
        assert_eq!(answer(&sign(&own, &string(b"session")), &own), [FAILURE]);
        for question in [&[][..], &[17], &[SIGN_REQUEST], &[SIGN_REQUEST, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(answer(question, &own), [FAILURE], "{question:?}");
        }
        let listed = answer(&[REQUEST_IDENTITIES], &own);
        assert_eq!(listed[..5], [IDENTITIES_ANSWER, 0, 0, 0, 1]);
    }
}
