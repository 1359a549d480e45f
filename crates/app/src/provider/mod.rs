//! Signing in at a provider that the operator has named. A provider vouches for an address; it makes no account, and it
//! is no second factor.

use serde::{Deserialize, Serialize};
use stoa_domain::email::EmailAddress;
use stoa_domain::{AccountId, AccountNeed, AccountPermit, AccountStanding, Conflict, Refusal, Secret};
use stoa_storage::attempt::Limit;
use stoa_storage::ceremony::CeremonyKind;
pub use stoa_storage::identity::OwnIdentity;
use stoa_storage::identity::{Identity, NewLink};
use subtle::ConstantTimeEq as _;

use crate::ports::{ProviderProblem, SignInProvider, Vouched};
use crate::second_factor::{BegunPasskey, ShownFactor};
use crate::session::{SignedIn, Visitor, counted};
use crate::{App, Failure, Fault};

/// Where the provider sends the browser back to: a page, which takes what came with it out of the address and posts it.
const BACK: &str = "/oidc/callback";

const SENT: Limit = Limit { count: 60, seconds: 300 };

/// What is kept while the browser is away.
#[derive(Serialize, Deserialize)]
struct Away {
    state: String,
    /// Of the provider's adapter.
    remembered: String,
}

/// Whom the provider has named, while a second factor is due.
#[derive(Serialize, Deserialize)]
struct Named {
    issuer: String,
    subject: String,
    email: String,
}

/// An account that the provider's word is for, and what is to be kept of it once it is signed in.
struct NamedAccount {
    id: AccountId,
    link: Option<Identity>,
}

/// Where to send the browser, and the secret that binds the answer to it.
pub struct SentAway {
    pub url: String,
    pub secret: Secret,
}

fn failed(problem: &ProviderProblem) -> Failure {
    tracing::warn!(problem = %problem.0, "the sign-in provider didn't do its part");
    Refusal::Conflict(Conflict::ProviderFailed).into()
}

fn over() -> Failure {
    Refusal::invalid(
        "state",
        "over",
        "This took too long, was done already, or began in another browser. Begin again.",
    )
    .into()
}

impl App {
    /// What the provider is called, where there is one.
    #[must_use]
    pub fn provider_name(&self) -> Option<&str> {
        self.outside().provider.as_ref().map(|provider| provider.name())
    }

    fn provider(&self) -> Result<&dyn SignInProvider, Refusal> {
        self.outside().provider.as_deref().ok_or(Refusal::NotFound)
    }

    fn back(&self) -> String {
        format!("{}{BACK}", self.settings().public_url)
    }

    /// Sends the browser to the provider, to sign in or, with a permit, to link its account.
    ///
    /// # Errors
    /// `NotFound` without a provider; `Conflict` where it doesn't answer; `TooManyRequests`.
    pub async fn send_to_provider(
        &self,
        link: Option<AccountPermit>,
        visitor: &Visitor,
    ) -> Result<SentAway, Failure> {
        let provider = self.provider()?;
        let bucket = format!("provider:address:{}", counted(&visitor.address));
        self.count(bucket, SENT).await?;
        let account = link.as_ref().map(|permit| permit.actor().account);
        if let Some(account) = account {
            self.linkable(account).await?;
        }
        let begun = provider.begin(self.back()).await.map_err(|problem| failed(&problem))?;
        let text = |secret: &Secret| secret.reveal_text().unwrap_or_default().to_owned();
        let away = Away { state: text(&begun.state), remembered: text(&begun.remembered) };
        let away = Secret::new(serde_json::to_vec(&away).map_err(Fault::new)?);
        let secret = self.begin_ceremony(account, CeremonyKind::Provider, &away).await?;
        Ok(SentAway { url: begun.url, secret })
    }

    /// The account's address, where it may be linked by it: only one that was confirmed.
    async fn linkable(&self, account: AccountId) -> Result<String, Failure> {
        let own = self.store().find_account(account).await?.ok_or(Refusal::Unauthenticated)?;
        if own.email_verified_at.is_none() {
            return Err(Refusal::Conflict(Conflict::OwnEmailUnverified).into());
        }
        Ok(own.email_canonical)
    }

    /// The browser is back. `None`: its account is linked now. Otherwise it is signed in.
    ///
    /// # Errors
    /// `Invalid` where the answer isn't to this browser's question; `SecondFactorDue`, after which
    /// [`App::show_factor_after_provider`] goes on; `Conflict` where the provider or its address isn't taken.
    pub async fn come_back_from_provider(
        &self,
        secret: &str,
        code: Secret,
        state: &str,
        asking: Option<&AccountStanding>,
        visitor: Visitor,
    ) -> Result<Option<SignedIn>, Failure> {
        let provider = self.provider()?;
        let (link, away) = self.take_ceremony(secret, CeremonyKind::Provider).await?.ok_or_else(over)?;
        let away: Away = serde_json::from_slice(away.reveal()).map_err(Fault::new)?;
        if !bool::from(away.state.as_bytes().ct_eq(state.as_bytes())) {
            return Err(over());
        }
        let remembered = Secret::from_text(away.remembered);
        let vouched =
            provider.finish(self.back(), code, remembered).await.map_err(|problem| failed(&problem))?;
        if let Some(account) = link {
            let asking = asking.filter(|asking| asking.actor.account == account);
            let asking = asking.ok_or(Refusal::LinkingOfAnother)?;
            self.link(asking, vouched).await?;
            return Ok(None);
        }
        let named = self.account_of(&vouched).await?;
        let link = self.link_of(&named).await?;
        match self.sign_in_as(named.id, ShownFactor::default(), link, visitor).await {
            Err(Failure::Refused(due @ Refusal::SecondFactorDue { .. })) => {
                // The same browser goes on with the same secret. Nothing is linked before it has shown the factor.
                let state =
                    named.link.map(|Identity { issuer, subject, email }| Named { issuer, subject, email });
                let state = Secret::new(serde_json::to_vec(&state).map_err(Fault::new)?);
                self.begin_ceremony_by(secret, named.id, CeremonyKind::ProviderFactor, &state).await?;
                Err(due.into())
            }
            other => other.map(Some),
        }
    }

    /// The account that the provider's word is for: the one that is linked, or the one that has the same address, where
    /// both have verified it. None is made.
    async fn account_of(&self, vouched: &Vouched) -> Result<NamedAccount, Failure> {
        if let Some(id) = self.store().find_identity(&vouched.issuer, &vouched.subject).await? {
            return Ok(NamedAccount { id, link: None });
        }
        let email = verified(vouched)?;
        let id = self.account_with(&email).await?;
        if self.store().find_own_identity(id, &vouched.issuer).await?.is_some() {
            // Somebody else there has its address by now.
            return Err(Refusal::Conflict(Conflict::IdentityTaken).into());
        }
        Ok(NamedAccount { id, link: Some(identity(vouched)) })
    }

    async fn account_with(&self, email: &EmailAddress) -> Result<AccountId, Failure> {
        let found = self.store().find_account_by_email(email.canonical()).await?;
        let Some(account) = found.filter(|account| account.is_active) else {
            return Err(Refusal::Conflict(Conflict::NoAccountForProvider).into());
        };
        if account.email_verified_at.is_none() {
            return Err(Refusal::Conflict(Conflict::OwnEmailUnverified).into());
        }
        Ok(account.id)
    }

    /// What is kept where the sign-in is done: the link, and the mail that tells of it.
    async fn link_of(&self, named: &NamedAccount) -> Result<Option<NewLink>, Failure> {
        let Some(identity) = named.link.clone() else { return Ok(None) };
        let own = self.store().find_account(named.id).await?.ok_or(Refusal::WrongCredentials)?;
        let email = EmailAddress::parse(&identity.email).ok_or_else(over)?;
        let notice = self.link_notice(&own.email_canonical).await?;
        Ok(Some(NewLink { identity, email_canonical: email.canonical().to_owned(), notice }))
    }

    async fn link(&self, asking: &AccountStanding, vouched: Vouched) -> Result<(), Failure> {
        let permit = self.authorize_account(asking, AccountNeed::Session, "account.link_provider")?;
        let own = self.linkable(asking.actor.account).await?;
        let email = verified(&vouched)?;
        if email.canonical() != own {
            return Err(Refusal::Conflict(Conflict::OtherEmailAtProvider).into());
        }
        let notice = self.link_notice(&own).await?;
        Ok(self
            .store()
            .link_identity(permit, NewLink { identity: identity(&vouched), email_canonical: own, notice })
            .await?)
    }

    async fn link_notice(&self, to: &str) -> Result<Option<stoa_storage::mail::NewMail>, Failure> {
        let name = self.provider_name().unwrap_or_default();
        let sentence = format!("Your account can be signed in to at {name} from now on.");
        self.notice(to, "A sign-in provider was linked", &sentence).await
    }

    /// What a passkey is asked, by the browser that the provider has just named.
    ///
    /// # Errors
    /// `Invalid` where nobody was named; `Conflict` without a passkey.
    pub async fn ask_for_passkey_after_provider(&self, secret: &str) -> Result<BegunPasskey, Failure> {
        let found = self.find_ceremony_account(secret, CeremonyKind::ProviderFactor).await?;
        self.ask_for_passkey(found.ok_or_else(over)?).await
    }

    /// The second factor, after the provider has named somebody.
    ///
    /// # Errors
    /// `Invalid` where nobody was named; `SecondFactorDue`; `TooManyRequests`.
    pub async fn show_factor_after_provider(
        &self,
        secret: &str,
        shown: ShownFactor,
        visitor: Visitor,
    ) -> Result<SignedIn, Failure> {
        let found = self.find_ceremony_state(secret, CeremonyKind::ProviderFactor).await?;
        let (account, state) = found.ok_or_else(over)?;
        let id = account.ok_or_else(over)?;
        let state: Option<Named> = serde_json::from_slice(state.reveal()).map_err(Fault::new)?;
        let link = state.map(|Named { issuer, subject, email }| Identity { issuer, subject, email });
        if let Some(identity) = &link {
            // The account may have another address by now.
            let email = EmailAddress::parse(&identity.email).ok_or_else(over)?;
            if self.account_with(&email).await? != id {
                return Err(over());
            }
        }
        let link = self.link_of(&NamedAccount { id, link }).await?;
        let signed_in = self.sign_in_as(id, shown, link, visitor).await?;
        self.take_ceremony(secret, CeremonyKind::ProviderFactor).await?;
        Ok(signed_in)
    }

    /// Who one is to the provider; `None` where the account isn't linked.
    ///
    /// # Errors
    /// `NotFound` without a provider.
    pub async fn view_identity(&self, permit: AccountPermit) -> Result<Option<OwnIdentity>, Failure> {
        let issuer = self.provider()?.issuer();
        Ok(self.store().find_own_identity(permit.actor().account, issuer).await?)
    }

    /// # Errors
    /// `NotFound` without a provider, or where the account isn't linked.
    pub async fn unlink_identity(&self, permit: AccountPermit) -> Result<(), Failure> {
        let issuer = self.provider()?.issuer().to_owned();
        let own = self.store().find_account(permit.actor().account).await?.ok_or(Refusal::Unauthenticated)?;
        let name = self.provider_name().unwrap_or_default();
        let sentence = format!("Your account can't be signed in to at {name} any more.");
        let notice = self.notice(&own.email_canonical, "A sign-in provider was removed", &sentence).await?;
        Ok(self.store().unlink_identity(permit, issuer, notice).await?)
    }
}

fn identity(vouched: &Vouched) -> Identity {
    Identity {
        issuer: vouched.issuer.clone(),
        subject: vouched.subject.clone(),
        email: vouched.email.clone().unwrap_or_default(),
    }
}

/// The address, where the provider says that it has verified it.
fn verified(vouched: &Vouched) -> Result<EmailAddress, Refusal> {
    let email = vouched.email.as_deref().filter(|_| vouched.email_verified).and_then(EmailAddress::parse);
    email.ok_or(Refusal::Conflict(Conflict::EmailUnverifiedAtProvider))
}
