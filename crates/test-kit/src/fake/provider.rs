//! A sign-in provider that vouches for whom a test says.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::BoxFuture;
use stoa_app::ports::{ProviderProblem, SentToProvider, SignInProvider, Vouched};
use stoa_domain::Secret;

/// Each visit has a state and something to remember of its own.
#[derive(Default)]
pub struct FakeProvider {
    visits: AtomicU32,
    next: Mutex<Option<Vouched>>,
}

impl FakeProvider {
    /// Whom it vouches for from now on.
    ///
    /// # Panics
    /// Where a test that had it panicked.
    pub fn vouch(&self, subject: &str, email: &str, email_verified: bool) {
        *self.next.lock().unwrap() = Some(Vouched {
            issuer: self.issuer().to_owned(),
            subject: subject.to_owned(),
            email: Some(email.to_owned()),
            email_verified,
        });
    }
}

impl SignInProvider for FakeProvider {
    fn name(&self) -> &str {
        "Company"
    }

    fn issuer(&self) -> &str {
        "https://id.example.com"
    }

    fn begin(&self, back: String) -> BoxFuture<'_, Result<SentToProvider, ProviderProblem>> {
        let visit = self.visits.fetch_add(1, Ordering::SeqCst);
        let text = |text: String| Secret::from_text(text);
        Box::pin(async move {
            Ok(SentToProvider {
                url: format!("https://id.example.com/auth?back={back}&state=state-{visit}"),
                state: text(format!("state-{visit}")),
                remembered: text(format!("nonce-{visit}")),
            })
        })
    }

    /// Takes the code `code`, once the browser has brought back what belongs to its own visit.
    fn finish(
        &self,
        _: String,
        code: Secret,
        remembered: Secret,
    ) -> BoxFuture<'_, Result<Vouched, ProviderProblem>> {
        let known = self.next.lock().unwrap().clone();
        Box::pin(async move {
            let remembers = remembered.reveal_text().is_some_and(|text| text.starts_with("nonce-"));
            known
                .filter(|_| remembers && code.reveal_text() == Some("code"))
                .ok_or_else(|| ProviderProblem("the code isn't one".to_owned()))
        })
    }
}
