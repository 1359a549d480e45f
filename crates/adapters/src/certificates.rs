//! Certificates by ACME (RFC 8555), with `http-01`: the authority asks the host for a token, by HTTP.
//!
//! It is asked through the one client for outgoing calls. Its own address is the operator's, so it may be a private one.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::RETRY_AFTER;
use http_body_util::{BodyExt as _, Full};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, Error,
    HttpClient, Identifier, NewAccount, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use stoa_app::certificate::{Certificates, IssueProblem, Issued, KeepsForAuthority};
use stoa_domain::certificate::Trouble;
use stoa_domain::{Secret, Timestamp};
use x509_parser::pem::Pem;

use crate::outgoing::{Limits, Outgoing};

/// An order that takes longer is given up, and begun anew later.
const WHOLE: Duration = Duration::from_secs(300);

/// How long one step is asked after.
const STEP: Duration = Duration::from_secs(120);

/// Longest sentence of an authority's that is kept.
const LONGEST: usize = 300;

/// Seconds that are meant where an authority wants to be left alone and doesn't say for how long in a number.
const A_WHILE: i64 = 3600;

/// An authority, by its directory.
pub struct AcmeCertificates {
    directory: String,
    contact: Option<String>,
    outgoing: Outgoing,
}

/// Seconds for which the authority wanted to be left alone when it last said so.
type LeftAlone = Arc<Mutex<Option<i64>>>;

/// The outgoing client, as the library wants one.
struct Vetted {
    outgoing: Outgoing,
    left_alone: LeftAlone,
}

impl HttpClient for Vetted {
    fn request(
        &self,
        request: http::Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let (outgoing, left_alone) = (self.outgoing.clone(), self.left_alone.clone());
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = match body.collect().await {
                Ok(body) => body.to_bytes(),
                Err(never) => match never {},
            };
            let request = http::Request::from_parts(parts, body);
            let answer = outgoing.exchange(request, Limits::default()).await;
            let answer = answer.map_err(|error| Error::Other(Box::new(error)))?;
            if matches!(answer.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                let told = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let seconds = told.map(|text| text.trim().parse().unwrap_or(A_WHILE));
                *left_alone.lock().unwrap_or_else(PoisonError::into_inner) = seconds;
            }
            Ok(BytesResponse::from(answer.map(Full::new)))
        })
    }
}

/// What an error of the library's means for whoever waits for the certificate.
fn problem(error: &Error) -> IssueProblem {
    match error {
        Error::Api(said) => said_no(said),
        Error::Other(error) => away(error),
        other => away(other),
    }
}

fn away(error: &dyn std::fmt::Display) -> IssueProblem {
    IssueProblem::away(cut(&error.to_string()))
}

/// What an authority answers, by its kind (RFC 8555, 6.7).
fn said_no(said: &Problem) -> IssueProblem {
    let kind = said.r#type.as_deref().unwrap_or_default();
    let kind = kind.strip_prefix("urn:ietf:params:acme:error:").unwrap_or(kind);
    let trouble = match kind {
        "rateLimited" => Trouble::Limited,
        "serverInternal" | "badNonce" | "accountDoesNotExist" => Trouble::Away,
        _ if said.status == Some(429) => Trouble::Limited,
        _ if said.status.is_some_and(|status| status >= 500) => Trouble::Away,
        _ => Trouble::Refused,
    };
    let detail = said.subproblems.iter().find_map(|part| part.detail.as_deref());
    let detail = detail.or(said.detail.as_deref()).unwrap_or(kind);
    IssueProblem {
        trouble,
        detail: cut(detail),
        retry_after: None,
        is_account_unknown: kind == "accountDoesNotExist",
    }
}

fn refused(detail: &str) -> IssueProblem {
    IssueProblem {
        trouble: Trouble::Refused,
        detail: cut(detail),
        retry_after: None,
        is_account_unknown: false,
    }
}

/// What somebody else wrote: one line, not a long one, and no full stop.
fn cut(text: &str) -> String {
    let line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let kept: String = words.chars().take(LONGEST).collect();
    kept.trim_end_matches('.').to_owned()
}

impl AcmeCertificates {
    /// `contact`: an address of mail, which the authority may write to.
    #[must_use]
    pub fn new(directory: String, contact: Option<&str>, outgoing: Outgoing) -> Self {
        Self { directory, contact: contact.map(|address| format!("mailto:{address}")), outgoing }
    }

    async fn account(
        &self,
        left_alone: &LeftAlone,
        kept: Option<Secret>,
        keeps: &dyn KeepsForAuthority,
    ) -> Result<Account, IssueProblem> {
        let vetted = Vetted { outgoing: self.outgoing.clone(), left_alone: left_alone.clone() };
        let builder = Account::builder_with_http(Box::new(vetted));
        if let Some(kept) = kept {
            let credentials: AccountCredentials = serde_json::from_slice(kept.reveal())
                .map_err(|_| IssueProblem::away("the account that was kept can't be read"))?;
            return builder.from_credentials(credentials).await.map_err(|error| problem(&error));
        }
        let contact: Vec<&str> = self.contact.as_deref().into_iter().collect();
        let wanted =
            NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let made = builder.create(&wanted, self.directory.clone(), None).await;
        let (account, credentials) = made.map_err(|error| problem(&error))?;
        let text = serde_json::to_vec(&credentials)
            .map_err(|_| IssueProblem::away("the account that was made can't be kept"))?;
        // Before anything is asked with it: what comes next may fail, and would make another one each time.
        keeps.account(Secret::new(text)).await?;
        Ok(account)
    }

    async fn issue_now(
        &self,
        left_alone: &LeftAlone,
        host: String,
        kept: Option<Secret>,
        keeps: Arc<dyn KeepsForAuthority>,
    ) -> Result<Issued, IssueProblem> {
        let account = self.account(left_alone, kept, keeps.as_ref()).await?;
        let retries = RetryPolicy::new().timeout(STEP);
        let identifiers = [Identifier::Dns(host)];
        let order = account.new_order(&NewOrder::new(&identifiers)).await;
        let mut order = order.map_err(|error| problem(&error))?;
        prove(&mut order, keeps.as_ref()).await?;
        match order.poll_ready(&retries).await {
            Ok(OrderStatus::Ready) => {}
            Ok(_) | Err(Error::Api(_)) => return Err(why(&mut order).await),
            Err(error) => return Err(problem(&error)),
        }
        let key = Secret::from_text(order.finalize().await.map_err(|error| problem(&error))?);
        let chain = order.poll_certificate(&retries).await.map_err(|error| problem(&error))?;
        let (begins_at, ends_at) =
            validity(&chain).ok_or_else(|| IssueProblem::away("it sent no certificate"))?;
        Ok(Issued { chain, key, begins_at, ends_at })
    }
}

/// Puts the answers where they are asked for, and says so.
async fn prove(order: &mut Order, keeps: &dyn KeepsForAuthority) -> Result<(), IssueProblem> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(|error| problem(&error))?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let none = || refused("it offers no proof by HTTP");
        let mut challenge = authorization.challenge(ChallengeType::Http01).ok_or_else(none)?;
        let answer = challenge.key_authorization().as_str().to_owned();
        keeps.challenge(challenge.token.clone(), answer).await?;
        challenge.set_ready().await.map_err(|error| problem(&error))?;
    }
    Ok(())
}

/// What the authority says of an order that came to nothing.
async fn why(order: &mut Order) -> IssueProblem {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        let error = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(error) = error {
            return said_no(error);
        }
    }
    refused("it didn't accept the proof that the host leads here")
}

/// When the first certificate of a chain begins and ends to count.
fn validity(chain: &str) -> Option<(Timestamp, Timestamp)> {
    let pem = Pem::iter_from_buffer(chain.as_bytes()).next()?.ok()?;
    let certificate = pem.parse_x509().ok()?;
    let validity = certificate.validity();
    let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
    Some((at(validity.not_before.timestamp()), at(validity.not_after.timestamp())))
}

impl Certificates for AcmeCertificates {
    fn directory(&self) -> &str {
        &self.directory
    }

    fn issue(
        &self,
        host: String,
        account: Option<Secret>,
        keeps: Arc<dyn KeepsForAuthority>,
    ) -> BoxFuture<'_, Result<Issued, IssueProblem>> {
        Box::pin(async move {
            let left_alone = LeftAlone::default();
            let issued = self.issue_now(&left_alone, host, account, keeps);
            let outcome = match tokio::time::timeout(WHOLE, issued).await {
                Ok(outcome) => outcome,
                Err(_) => Err(IssueProblem::away("it took too long")),
            };
            outcome.map_err(|mut problem| {
                problem.retry_after = *left_alone.lock().unwrap_or_else(PoisonError::into_inner);
                problem
            })
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(said: serde_json::Value) -> IssueProblem {
        problem(&Error::Api(serde_json::from_value(said).unwrap()))
    }

    #[test]
    fn what_an_authority_answers_is_told_by_its_kind() {
        let kind = |word: &str| format!("urn:ietf:params:acme:error:{word}");
        for (word, status, trouble, is_unknown) in [
            ("rateLimited", 429, Trouble::Limited, false),
            ("unauthorized", 403, Trouble::Refused, false),
            ("rejectedIdentifier", 400, Trouble::Refused, false),
            ("caa", 403, Trouble::Refused, false),
            ("accountDoesNotExist", 400, Trouble::Away, true),
            ("serverInternal", 500, Trouble::Away, false),
            ("somethingNew", 503, Trouble::Away, false),
            ("somethingNew", 429, Trouble::Limited, false),
        ] {
            let told = of(json!({ "type": kind(word), "detail": "Because.\nOf this.", "status": status }));
            assert_eq!((told.trouble, told.is_account_unknown), (trouble, is_unknown), "{word}");
            assert_eq!(told.detail, "Because. Of this");
        }
        let told = of(json!({ "type": kind("caa"), "status": 403 }));
        assert_eq!(told.detail, "caa", "where nothing is said, the kind is");
        let long = of(json!({ "type": kind("caa"), "detail": "x\u{1b}[31m ".repeat(1000), "status": 403 }));
        assert!(long.detail.len() <= 2 * LONGEST && !long.detail.contains('\u{1b}'));
    }

    #[test]
    fn what_keeps_an_authority_from_being_asked_is_no_refusal() {
        for error in [Error::Str("x"), Error::Timeout(None), Error::Crypto] {
            assert_eq!(problem(&error).trouble, Trouble::Away);
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        assert_eq!(validity(""), None);
        assert_eq!(validity("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), None);
    }
}
