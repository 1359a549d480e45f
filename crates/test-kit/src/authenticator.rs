//! An authenticator app, and letters with links: what people have beside their password.

use std::time::Duration;

use serde_json::json;
use stoa_app::ports::{Clock as _, Letter};
use tokio::time::Instant;
use totp_rs::{Builder, Secret, Totp};

use crate::world::{PASSWORD, Person, World};

/// How long a test waits for a letter that goes on its way after its answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody's authenticator app.
pub struct Authenticator(Totp);

impl Authenticator {
    /// From the secret that is shown, in base32.
    ///
    /// # Panics
    /// Where it isn't one.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let secret = Secret::try_from_base32(secret).expect("base32");
        Self(Builder::new().with_secret(secret).with_account_name("test").build().expect("a secret"))
    }

    /// The code of now. Half a minute passes first, so that each is a new one.
    ///
    /// # Panics
    /// Before 1970.
    pub fn next_code(&self, world: &World) -> String {
        world.clock.pass_seconds(30);
        self.code(world)
    }

    /// The code of this moment.
    ///
    /// # Panics
    /// Before 1970.
    #[must_use]
    pub fn code(&self, world: &World) -> String {
        let seconds = u64::try_from(world.clock.now().micros() / 1_000_000).expect("after 1970");
        self.0.generate(seconds).to_string()
    }
}

impl World {
    /// Gives somebody an authenticator app. With it, the recovery codes that were shown.
    ///
    /// # Panics
    /// Where an answer isn't as it should be.
    pub async fn authenticator(&self, person: &Person) -> (Authenticator, Vec<String>) {
        let begun = person.client.post("/api/v1/me/second-factor", json!({})).await.expect(201);
        let app = Authenticator::of(&begun.field("secret"));
        let body = json!({ "ceremony": begun.field("ceremony"), "code": app.next_code(self) });
        let done = person.client.post("/api/v1/me/second-factor/confirm", body).await.expect(200).json();
        let codes = done["recovery_codes"].as_array().map(Vec::as_slice).unwrap_or_default();
        (app, codes.iter().map(|code| code.as_str().expect("a code").to_owned()).collect())
    }

    /// The newest letter to an address that has `words` in it, once it is there.
    ///
    /// # Panics
    /// Where none comes.
    pub async fn letter(&self, to: &str, words: &str) -> Letter {
        let end = Instant::now() + PATIENCE;
        loop {
            self.send_mails().await;
            let letters = self.mail.sent();
            let found = letters.iter().rev().find(|letter| letter.to == to && letter.text.contains(words));
            if let Some(letter) = found {
                return letter.clone();
            }
            assert!(Instant::now() < end, "no letter to {to} with {words:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The secret at the end of the link in the newest letter to an address.
    ///
    /// # Panics
    /// Where none comes.
    pub async fn mailed_token(&self, to: &str, path: &str) -> String {
        let letter = self.letter(to, path).await;
        let at = letter.text.find(path).expect("a link") + path.len();
        letter.text[at..].split_whitespace().next().expect("a token").to_owned()
    }

    /// Signs in with a second factor's code.
    pub async fn sign_in_with(&self, email: &str, code: &str) -> crate::Answer {
        let body = json!({ "email": email, "password": PASSWORD, "code": code });
        self.nobody().post("/api/v1/session", body).await
    }
}
