//! Webhooks: by which a remote says that something was pushed to it. All that one does is to have it fetched, so that one
//! that is sent twice does no harm; what it says isn't read.

use sha2::{Digest as _, Sha256};
use stoa_domain::permission::remote as may;
use stoa_domain::{Permit, ProjectId, Refusal, Secret, WorkspaceId};
use stoa_storage::attempt::Limit;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::secrets::hash_of;
use crate::{App, Failure};

/// Calls of one webhook that are followed at once, and calls from one address, known or not.
const CALLS: Limit = Limit { count: 60, seconds: 60 };
const FROM_ADDRESS: Limit = Limit { count: 240, seconds: 60 };

/// Bytes of a block of SHA-256 (RFC 2104).
const BLOCK: usize = 64;

/// What a caller shows.
pub struct Hooked<'h> {
    /// `X-Hub-Signature-256`: of the body, as GitHub, Gitea and Forgejo make it.
    pub signature: Option<&'h str>,
    /// `X-Gitlab-Token`: the secret itself.
    pub token: Option<&'h str>,
    pub body: &'h [u8],
}

/// A webhook whose path was called, and that isn't proved yet.
pub struct MetWebhook {
    workspace: WorkspaceId,
    project: ProjectId,
    secret: Secret,
}

/// A webhook that was just made. Its secret is told this once.
pub struct NewWebhook {
    pub url: String,
    pub secret: Secret,
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = Zeroizing::new([0_u8; BLOCK]);
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |with: u8| Zeroizing::new(block.map(|byte| byte ^ with));
    let inner = Sha256::new().chain_update(*padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(*padded(0x5c)).chain_update(inner).finalize().into()
}

fn hexadecimal(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Whether the caller has the secret. Compared without telling by its time where the first difference is.
fn proves(secret: &Secret, hooked: &Hooked<'_>) -> bool {
    let signed = hooked.signature.and_then(|text| text.strip_prefix("sha256=")).and_then(hexadecimal);
    let by_signature =
        signed.is_some_and(|signed| bool::from(signed.ct_eq(&hmac(secret.reveal(), hooked.body))));
    let by_token = hooked.token.is_some_and(|token| {
        let own = Sha256::digest(secret.reveal()).to_vec();
        bool::from(own.ct_eq(&hash_of(token)))
    });
    by_signature || by_token
}

impl App {
    /// A webhook in place of the one that was.
    ///
    /// # Errors
    /// `Conflict` where Stoa hosts the repository, or a fault.
    pub async fn make_webhook(&self, permit: Permit<may::MakeWebhook>) -> Result<NewWebhook, Failure> {
        let (workspace, project) = (permit.workspace(), *permit.target());
        let (path, secret) = (self.new_secret("").text, self.new_secret("").text);
        let hook = path.reveal_text().unwrap_or_default().to_owned();
        let sealed = self.seal_remote(workspace, project, "webhook_secret", &secret).await?;
        self.store().make_webhook(permit, hook.clone(), sealed).await?;
        Ok(NewWebhook { url: format!("{}/api/v1/hooks/{hook}", self.settings().public_url), secret })
    }

    /// # Errors
    /// As [`App::make_webhook`].
    pub async fn remove_webhook(&self, permit: Permit<may::RemoveWebhook>) -> Result<(), Failure> {
        Ok(self.store().remove_webhook(permit).await?)
    }

    /// Which webhook has this path: known before anything of what is sent is read.
    ///
    /// # Errors
    /// `NotFound` where none has, `TooManyRequests`, or a fault.
    pub async fn meet_webhook(&self, hook: &str, address: &str) -> Result<MetWebhook, Failure> {
        self.count(format!("hook:address:{address}"), FROM_ADDRESS).await?;
        let found = self.store().find_by_hook(hook).await?;
        let (workspace, project, sealed) = found.ok_or(Refusal::NotFound)?;
        let secret = self.open_sealed_remote(workspace, project, "webhook_secret", &sealed).await?;
        Ok(MetWebhook { workspace, project, secret })
    }

    /// Has the repository fetched whose webhook was called. Of many calls none is lost: they are followed a little later.
    ///
    /// # Errors
    /// `WebhookUnproved` without its proof, or a fault.
    pub async fn hear_webhook(&self, met: MetWebhook, hooked: Hooked<'_>) -> Result<(), Failure> {
        let MetWebhook { workspace, project, secret } = met;
        if !proves(&secret, &hooked) {
            return Err(Refusal::WebhookUnproved.into());
        }
        let later = self.store().count_attempt(format!("hook:project:{project}"), CALLS).await?;
        Ok(self.store().hear_webhook(workspace, project, later.unwrap_or(0)).await?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn hooked<'h>(signature: Option<&'h str>, token: Option<&'h str>, body: &'h [u8]) -> Hooked<'h> {
        Hooked { signature, token, body }
    }

    /// The values of RFC 4231, 4.3 and 4.7, and GitHub's own example.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let made = |key: &[u8], text: &[u8]| {
            hmac(key, text).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
        };
        assert_eq!(
            made(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            made(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
        let secret = Secret::from_text("It's a Secret to Everybody".to_owned());
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(proves(&secret, &hooked(Some(signature), None, b"Hello, World!")));
        assert!(!proves(&secret, &hooked(Some(signature), None, b"Hello, World?")));
    }

    #[test]
    fn whoever_hasnt_the_secret_proves_nothing() {
        let secret = Secret::from_text("right".to_owned());
        assert!(proves(&secret, &hooked(None, Some("right"), b"")));
        for (signature, token) in [
            (None, None),
            (None, Some("")),
            (None, Some("wrong")),
            (None, Some("righ")),
            (Some("sha256="), None),
            (Some("sha256=00"), None),
            (Some("sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"), None),
            (Some("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"), None),
        ] {
            assert!(!proves(&secret, &hooked(signature, token, b"Hello, World!")), "{signature:?} {token:?}");
        }
    }
}
