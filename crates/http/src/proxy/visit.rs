//! *Members only*: the codes by which a visitor comes back from the public host, and the cookie they are given for.
//!
//! Both are a [`Visit`] under a seal: who, from which session, to which instance, since when. Of a cookie nothing is
//! kept, and of a code only that it came back; the right itself is decided anew at every request, so that ending the
//! session or the membership ends it at once. Replicas share the key, so that a visitor may come back to another of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use stoa_app::authority::PathWords;
use stoa_domain::permission::instance;
use stoa_domain::{
    AccountId, AccountStanding, Actor, Credential, InstanceId, Refusal, SessionId, Via, WorkspaceId,
};
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;
use uuid::Uuid;

use super::visitor;
use crate::answer::{Answer, Html};
use crate::argument::{Again, Around, Query};
use crate::gate::{Asked, May};
use crate::router::{Operation, Routes};
use crate::site::Site;

/// Seconds for which a code may be brought back.
const CODE_SECONDS: u64 = 10;
/// Seconds for which the cookie spares the way over the public host.
pub(super) const VISIT_SECONDS: u64 = 12 * 3600;

/// Who visits what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visit {
    pub workspace: WorkspaceId,
    pub instance: InstanceId,
    pub account: AccountId,
    pub session: SessionId,
}

impl Visit {
    /// As the gates ask for it.
    pub(super) fn asked(&self, address: Option<String>) -> Asked {
        let actor = Actor {
            account: self.account,
            name: String::new(),
            via: Via::Page,
            credential: Credential::Session(self.session),
            address,
        };
        let path = vec![
            ("workspace".to_owned(), self.workspace.to_string()),
            ("instance".to_owned(), self.instance.to_string()),
        ];
        Asked {
            // A visit changes nothing, so neither administration nor an entered password is carried by it.
            account: AccountStanding {
                actor,
                is_admin: false,
                revision: 0,
                limits: None,
                confirmed: false,
                viewing: None,
            },
            path: PathWords::new(path),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code = 1,
    Cookie = 2,
}

const FIXED: usize = 1 + 16 * 4 + 8 + 16;

/// The seal.
pub(crate) struct Visits {
    key: [u8; 32],
}

/// What a code was made for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Brought {
    pub visit: Visit,
    /// The path on the host to open.
    pub to: String,
    /// By which the installation knows that it came back.
    pub nonce: [u8; 16],
}

impl Visits {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// A code for the way back to `to` on one of the instance's hosts, and on no other.
    pub(crate) fn code(&self, visit: &Visit, host: &str, to: &str, now: u64) -> String {
        // No host has a space, and neither has a path as it is kept.
        self.seal(Kind::Code, visit, &format!("{host} {to}"), now)
    }

    /// What a code was made for, in time, and on the host that it was made for. That it comes back once is for the
    /// records to say.
    pub(super) fn of_code(&self, code: &str, instance: InstanceId, host: &str, now: u64) -> Option<Brought> {
        let (visit, to, nonce) = self.open(Kind::Code, code, now, CODE_SECONDS)?;
        let (own, to) = to.split_once(' ')?;
        let is_its = visit.instance == instance && own == host;
        is_its.then(|| Brought { visit, to: to.to_owned(), nonce })
    }

    pub(super) fn cookie(&self, visit: &Visit, now: u64) -> String {
        self.seal(Kind::Cookie, visit, "", now)
    }

    pub(super) fn of_cookie(&self, text: &str, instance: InstanceId, now: u64) -> Option<Visit> {
        let (visit, ..) = self.open(Kind::Cookie, text, now, VISIT_SECONDS)?;
        (visit.instance == instance).then_some(visit)
    }

    fn seal(&self, kind: Kind, visit: &Visit, to: &str, now: u64) -> String {
        let mut bytes = Vec::with_capacity(FIXED + to.len());
        bytes.push(kind as u8);
        for id in [visit.workspace.uuid(), visit.instance.uuid(), visit.account.uuid(), visit.session.uuid()]
        {
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes.extend_from_slice(&now.to_be_bytes());
        bytes.extend_from_slice(&random::<16>());
        bytes.extend_from_slice(to.as_bytes());
        let mark = self.mark(&bytes);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(mark))
    }

    fn open(&self, kind: Kind, text: &str, now: u64, seconds: u64) -> Option<(Visit, String, [u8; 16])> {
        let (bytes, mark) = text.split_once('.')?;
        let (bytes, mark) = (URL_SAFE_NO_PAD.decode(bytes).ok()?, URL_SAFE_NO_PAD.decode(mark).ok()?);
        if !bool::from(self.mark(&bytes).ct_eq(&mark)) || bytes.len() < FIXED || bytes[0] != kind as u8 {
            return None;
        }
        let id = |at: usize| bytes.get(at..at + 16).and_then(|part| Uuid::from_slice(part).ok());
        let made = u64::from_be_bytes(bytes.get(65..73)?.try_into().ok()?);
        let nonce = bytes.get(73..89)?.try_into().ok()?;
        let to = String::from_utf8(bytes.get(FIXED..)?.to_vec()).ok()?;
        // One that is of the future was sealed by a clock that was set back since: it doesn't count for ever.
        if now.checked_sub(made).is_none_or(|age| age > seconds) {
            return None;
        }
        let visit = Visit {
            workspace: WorkspaceId::new(id(1)?),
            instance: InstanceId::new(id(17)?),
            account: AccountId::new(id(33)?),
            session: SessionId::new(id(49)?),
        };
        Some((visit, to, nonce))
    }

    /// HMAC-SHA-256 (RFC 2104), with a key of 32 bytes.
    fn mark(&self, message: &[u8]) -> [u8; 32] {
        let padded = |with: u8| {
            let mut block = [with; 64];
            for (byte, key) in block.iter_mut().zip(self.key) {
                *byte ^= key;
            }
            block
        };
        let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
        Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
    }
}

/// Random bytes. A system that gives none can't keep any secret: the process ends.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(%error, "the system gives no random bytes");
        std::process::abort();
    }
    bytes
}

/// Seconds since 1970, by the system's clock: what a seal says has to mean the same to every replica.
#[allow(clippy::disallowed_methods)]
pub(super) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A path on the instance's own host, never another address.
pub(super) fn own_path(text: &str) -> String {
    let good = text.starts_with('/')
        && !text.starts_with("//")
        && !text.starts_with("/\\")
        && text.len() <= 4_000
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if good { text.to_owned() } else { "/".to_owned() }
}

impl Site {
    /// The name of the cookie that a visitor of an instance for members has there.
    pub(super) fn visit_cookie(&self) -> String {
        if self.secure { "__Host-stoa-visit".to_owned() } else { format!("stoa-visit-{}", self.port) }
    }
}

/// The public host's side: it stands with the other routes, so that its gate is tested as theirs.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes.get(
        "/visit/{workspace}/{instance}",
        visit,
        Operation::new("visitInstance", 200, "A page that leads on to an instance for members.")
            .query("to=/")
            .refuses(&["permission_denied"]),
    )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WayBack {
    /// The path on the instance's host to open.
    to: Option<String>,
    /// The host of the instance's that the visitor came from.
    at: Option<String>,
}

/// Decides whether the account that is signed in here may open the instance, and sends the browser back with a code.
async fn visit(
    May(permit): May<instance::Visit>,
    Around(frame): Around,
    Again(asked): Again,
    Query(wish): Query<WayBack>,
) -> Answer<Html> {
    let Credential::Session(session) = permit.actor().credential else {
        return Err(Refusal::TokenMayNot.into());
    };
    let visit = Visit {
        workspace: permit.workspace(),
        instance: *permit.target(),
        account: permit.actor().account,
        session,
    };
    // Where the instance is comes from its own record. What the browser says chooses among the hosts that serve it, and
    // leads nowhere else.
    let at = stoa_domain::host::normal(wish.at.as_deref().unwrap_or_default());
    let url = match frame.app.url_at_host(visit.workspace, visit.instance, &at).await? {
        Some(url) => url,
        None => {
            let seen = frame.app.authorize::<instance::View>(&asked.account, &asked.path).await?;
            frame.app.view_instance(seen).await?.url.ok_or(Refusal::NotFound)?
        }
    };
    let host = url.split_once("://").map_or(url.as_str(), |(_, place)| place);
    let host = stoa_domain::host::normal(host);
    let to = own_path(wish.to.as_deref().unwrap_or("/"));
    let code = frame.visits.code(&visit, &host, &to, now());
    let nonce = URL_SAFE_NO_PAD.encode(random::<16>());
    Ok(Html(visitor::way_back(&format!("{url}/.stoa/visit"), &url, &code, &nonce)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn visit(instance: u128) -> Visit {
        Visit {
            workspace: WorkspaceId::new(Uuid::from_u128(1)),
            instance: InstanceId::new(Uuid::from_u128(instance)),
            account: AccountId::new(Uuid::from_u128(3)),
            session: SessionId::new(Uuid::from_u128(4)),
        }
    }

    #[test]
    fn a_code_works_in_time_and_for_its_instance() {
        let visits = Visits::new([7; 32]);
        let (own, other) = (visit(2), visit(5));
        let host = "shop.example.org";
        let code = visits.code(&own, host, "/orders?page=2", 100);
        assert_eq!(visits.of_code(&code, other.instance, host, 101), None);
        assert_eq!(visits.of_code(&code, own.instance, "shop-acme.localhost", 101), None);
        assert_eq!(visits.of_code(&code, own.instance, host, 111), None);
        assert_eq!(visits.of_code(&code, own.instance, host, 99), None);
        let brought = visits.of_code(&code, own.instance, host, 110).unwrap();
        assert_eq!((brought.visit, brought.to.as_str()), (own, "/orders?page=2"));
        let next = visits.code(&own, host, "/orders?page=2", 100);
        assert_ne!(visits.of_code(&next, own.instance, host, 110).unwrap().nonce, brought.nonce);
    }

    #[test]
    fn a_code_is_no_cookie_and_no_other_key_makes_either() {
        let (visits, stranger) = (Visits::new([7; 32]), Visits::new([8; 32]));
        let own = visit(2);
        let cookie = visits.cookie(&own, 100);
        assert_eq!(visits.of_cookie(&cookie, own.instance, 101), Some(own));
        assert_eq!(visits.of_cookie(&cookie, visit(5).instance, 101), None);
        assert_eq!(visits.of_cookie(&cookie, own.instance, 100 + VISIT_SECONDS + 1), None);
        assert_eq!(visits.of_code(&cookie, own.instance, "", 101), None);
        assert_eq!(visits.of_cookie(&visits.code(&own, "", "/", 100), own.instance, 101), None);
        assert_eq!(visits.of_cookie(&stranger.cookie(&own, 100), own.instance, 101), None);
        let changed = cookie.replacen(|letter: char| letter.is_ascii_lowercase(), "Z", 1);
        assert_eq!(visits.of_cookie(&changed, own.instance, 101), None);
    }

    #[test]
    fn the_mark_is_the_one_of_the_standard() {
        // RFC 4231 has no case with a key of 32 bytes; this is the same computation by another program.
        let mark = Visits::new([0x0b; 32]).mark(b"Hi There");
        let text: String = mark.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7");
    }

    #[test]
    fn the_way_back_never_leaves_the_instances_host() {
        assert_eq!(own_path("/a?b=c"), "/a?b=c");
        for foreign in
            ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\r\nSet-Cookie: x", "/ä"]
        {
            assert_eq!(own_path(foreign), "/", "{foreign:?}");
        }
    }
}
