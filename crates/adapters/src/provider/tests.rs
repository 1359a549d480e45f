//! A provider that follows a script: whatever it signs, only what answers the browser's own question is taken.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::outgoing::{Allowed, Rules};

/// Made for this test, and good for nothing else.
const KEY: &str = include_str!("test-key.pem");

const BACK: &str = "http://localhost:8080/oidc/callback";

/// What the next ID token says.
#[derive(Clone, Default)]
struct Script {
    nonce: Option<String>,
    audience: String,
}

struct Scripted {
    issuer: String,
    script: Mutex<Script>,
}

impl Scripted {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let scripted = Arc::new(Self { issuer, script: Mutex::default() });
        let answering = scripted.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                answering.answer(connection).await;
            }
        });
        scripted
    }

    async fn answer(&self, mut connection: TcpStream) {
        let mut head = vec![0; 16 * 1024];
        let size = connection.read(&mut head).await.unwrap();
        let request = String::from_utf8_lossy(&head[..size]).into_owned();
        let body = self.body_for(request.split(' ').nth(1).unwrap_or_default()).to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let _ = connection.write_all(answer.as_bytes()).await;
    }

    fn key() -> CoreRsaPrivateSigningKey {
        CoreRsaPrivateSigningKey::from_pem(KEY, Some(JsonWebKeyId::new("one".to_owned()))).unwrap()
    }

    fn body_for(&self, path: &str) -> Value {
        let own = |path: &str| format!("{}{path}", self.issuer);
        match path {
            "/.well-known/openid-configuration" => json!({
                "issuer": self.issuer, "authorization_endpoint": own("/auth"), "token_endpoint": own("/token"),
                "jwks_uri": own("/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
            "/keys" => json!({ "keys": [Self::key().as_verification_key()] }),
            _ => json!({ "access_token": "a", "token_type": "Bearer", "id_token": self.id_token() }),
        }
    }

    /// Signed as it has to be; what it says is the script's.
    fn id_token(&self) -> String {
        let Script { nonce, audience } = self.script.lock().unwrap().clone();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({
            "iss": self.issuer, "sub": "s-1", "aud": audience, "iat": 1_700_000_000_i64, "exp": 4_102_444_800_i64,
            "nonce": nonce, "email": "olga@example.com", "email_verified": true,
        });
        let signed = format!("{}.{}", part(json!({ "alg": "RS256", "kid": "one" })), part(claims));
        let signature = Self::key().sign(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.unwrap()))
    }
}

/// Goes there and back, with an ID token that the script makes of the nonce that was asked with.
async fn visit(script: impl FnOnce(&str) -> Script) -> Result<Vouched, ProviderProblem> {
    let scripted = Scripted::start().await;
    let listed = scripted.issuer.trim_start_matches("http://");
    let rules = Rules { allow: vec![Allowed::parse(listed).unwrap()], ..Rules::default() };
    let settings = ProviderSettings {
        name: "Company".to_owned(),
        issuer: scripted.issuer.clone(),
        client_id: "stoa".to_owned(),
        client_secret: None,
    };
    let provider = OidcProvider::new(settings, Outgoing::new(rules));
    let sent = provider.begin(BACK.to_owned()).await?;
    let [nonce, _]: [String; 2] = serde_json::from_slice(sent.remembered.reveal()).unwrap();
    assert!(sent.url.contains(&format!("nonce={nonce}")), "{}", sent.url);
    *scripted.script.lock().unwrap() = script(&nonce);
    provider.finish(BACK.to_owned(), Secret::from_text("code".to_owned()), sent.remembered).await
}

fn says(nonce: Option<&str>, audience: &str) -> Script {
    Script { nonce: nonce.map(str::to_owned), audience: audience.to_owned() }
}

#[tokio::test]
async fn an_id_token_counts_for_the_visit_that_asked_for_it_alone() {
    let vouched = visit(|nonce| says(Some(nonce), "stoa")).await.unwrap();
    assert_eq!((vouched.subject.as_str(), vouched.email_verified), ("s-1", true));
    for (script, word) in [(says(Some("of another visit"), "stoa"), "nonce"), (says(None, "stoa"), "nonce")] {
        let refused = visit(|_| script).await.unwrap_err();
        assert!(refused.0.contains(word), "{}", refused.0);
    }
    let refused = visit(|nonce| says(Some(nonce), "another client")).await.unwrap_err();
    assert!(refused.0.contains("audience"), "{}", refused.0);
}
