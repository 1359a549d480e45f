//! A sign-in provider by OpenID Connect: authorization code with PKCE, state and nonce. All that it is asked goes
//! through the vetted client.

#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
};
use stoa_app::ports::{ProviderProblem, SentToProvider, SignInProvider, Vouched};
use stoa_domain::Secret;
use tokio::time::Instant;

use crate::outgoing::{Limits, Outgoing, OutgoingError};

/// For how long what the provider says of itself is taken as known.
const KNOWN: Duration = Duration::from_secs(600);

/// What the operator has set of it.
#[derive(Clone)]
pub struct ProviderSettings {
    /// What people call it: on the button.
    pub name: String,
    /// Its issuer, exactly as it names itself.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<Secret>,
}

/// With what the provider's own description tells: where people sign in, and perhaps where codes are redeemed and who
/// somebody is.
type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

pub struct OidcProvider {
    settings: ProviderSettings,
    vetted: Vetted,
    known: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

fn problem(what: &str, error: &dyn std::error::Error) -> ProviderProblem {
    let mut text = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    ProviderProblem(text)
}

/// The vetted client, as the protocol's library asks it.
struct Vetted(Outgoing);

impl<'c> AsyncHttpClient<'c> for Vetted {
    type Error = OutgoingError;
    type Future = BoxFuture<'c, Result<HttpResponse, OutgoingError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.0.exchange(request.map(Bytes::from), Limits::default()).await?;
            Ok(answer.map(Vec::from))
        })
    }
}

impl OidcProvider {
    #[must_use]
    pub fn new(settings: ProviderSettings, outgoing: Outgoing) -> Self {
        Self { settings, vetted: Vetted(outgoing), known: Mutex::new(None) }
    }

    async fn metadata(&self) -> Result<CoreProviderMetadata, ProviderProblem> {
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, metadata)) = known.as_ref()
                && at.elapsed() < KNOWN
            {
                return Ok(metadata.clone());
            }
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone())
            .map_err(|error| problem("its issuer isn't an address", &error))?;
        // It refuses a provider that names itself otherwise.
        let asked: BoxFuture<'_, _> = Box::pin(CoreProviderMetadata::discover_async(issuer, &self.vetted));
        let found = asked.await.map_err(|error| problem("it can't be discovered", &error))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    /// What is known may be old: its keys have changed.
    fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Stoa as the provider knows it; `back` is where it sends the browser afterwards.
    fn client(&self, metadata: CoreProviderMetadata, back: String) -> Result<Client, ProviderProblem> {
        let back =
            RedirectUrl::new(back).map_err(|error| problem("the way back isn't an address", &error))?;
        let id = ClientId::new(self.settings.client_id.clone());
        let client = CoreClient::from_provider_metadata(metadata, id, self.client_secret());
        Ok(client.set_redirect_uri(back))
    }

    async fn begun(&self, back: String) -> Result<SentToProvider, ProviderProblem> {
        let metadata = self.metadata().await?;
        let client = self.client(metadata, back)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let remembered = serde_json::to_string(&[nonce.secret(), verifier.secret()])
            .map_err(|error| problem("what to remember can't be written", &error))?;
        Ok(SentToProvider {
            url: url.into(),
            state: Secret::from_text(state.into_secret()),
            remembered: Secret::from_text(remembered),
        })
    }

    fn client_secret(&self) -> Option<ClientSecret> {
        let secret = self.settings.client_secret.as_ref()?;
        secret.reveal_text().map(|text| ClientSecret::new(text.to_owned()))
    }

    async fn vouched(
        &self,
        back: String,
        code: Secret,
        remembered: Secret,
    ) -> Result<Vouched, ProviderProblem> {
        let [nonce, verifier]: [String; 2] = serde_json::from_slice(remembered.reveal())
            .map_err(|error| problem("what was remembered can't be read", &error))?;
        let metadata = self.metadata().await?;
        let issuer = metadata.issuer().to_string();
        let client = self.client(metadata, back)?;
        let code = AuthorizationCode::new(code.reveal_text().unwrap_or_default().to_owned());
        let request = client
            .exchange_code(code)
            .map_err(|error| problem("it has no token endpoint", &error))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier));
        let asked: BoxFuture<'_, _> = Box::pin(request.request_async(&self.vetted));
        let answer = asked.await.map_err(|error| problem("it doesn't take the code", &error))?;
        let token =
            answer.id_token().ok_or_else(|| ProviderProblem("it answered without an ID token".to_owned()))?;
        // Signature, issuer, audience, end and nonce.
        let claims = token.claims(&client.id_token_verifier(), &Nonce::new(nonce)).map_err(|error| {
            self.forget();
            problem("its ID token isn't taken", &error)
        })?;
        let subject = claims.subject().clone();
        let mut email = claims.email().map(|email| email.to_string());
        let mut email_verified = claims.email_verified().unwrap_or(false);
        if email.is_none()
            && let Ok(request) = client.user_info(answer.access_token().clone(), Some(subject.clone()))
        {
            let asked: BoxFuture<'_, Result<CoreUserInfoClaims, _>> =
                Box::pin(request.request_async(&self.vetted));
            let told = asked.await.map_err(|error| problem("it doesn't tell of its user", &error))?;
            email = told.email().map(|email| email.to_string());
            email_verified = told.email_verified().unwrap_or(false);
        }
        Ok(Vouched { issuer, subject: subject.to_string(), email, email_verified })
    }
}

impl SignInProvider for OidcProvider {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    fn begin(&self, back: String) -> BoxFuture<'_, Result<SentToProvider, ProviderProblem>> {
        Box::pin(self.begun(back))
    }

    fn finish(
        &self,
        back: String,
        code: Secret,
        remembered: Secret,
    ) -> BoxFuture<'_, Result<Vouched, ProviderProblem>> {
        Box::pin(self.vouched(back, code, remembered))
    }
}
