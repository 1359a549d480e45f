//! Links over real sockets: who is believed, what isn't said to whom, and when one ends.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use stoa_agent::client::Client;
use stoa_agent::link::{self, Identity, Known, LinkError, Refusal, answer, knock};
use stoa_domain::{MachineId, Secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const MACHINE: MachineId = MachineId::new(uuid::Uuid::from_u128(7));

fn identity(name: &str) -> Identity {
    Identity::parse(&Identity::make(name).unwrap()).unwrap()
}

fn known(installation: &Identity) -> Known {
    let fingerprint = installation.fingerprint();
    Known { origin: "http://localhost".to_owned(), fingerprint, has_joined: true, is_removed: false }
}

/// What comes to an end, whichever: two who believe each other where they mustn't would talk on for ever.
async fn ends<T>(talk: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), talk).await.expect("they part")
}

/// Both ends of a connection.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (near, listener.accept().await.unwrap().0)
}

/// An agent that says who it is, and can be asked more slowly than one waits.
fn router() -> Router {
    const HELLO: &str =
        r#"{"protocol":1,"version":"0","abilities":{"no_sandbox":null,"no_outgoing":null,"limits_by":""}}"#;
    #[allow(clippy::disallowed_methods)]
    Router::new().route("/v1/hello", get(|| async { HELLO }))
}

#[tokio::test]
async fn each_side_knows_the_other_by_its_certificate() {
    let (stoa, machine) = (identity("Stoa"), identity("agent"));
    let (near, far) = pair().await;
    let token = Secret::from_text("once".to_owned());
    let pinned = known(&stoa);
    let knocking = knock(near, &pinned, &machine, Some(&token));
    let answering = async {
        let knocking = answer(far, &stoa).await.unwrap();
        assert_eq!(knocking.certificate, machine.fingerprint());
        assert_eq!(knocking.token.as_ref().unwrap().reveal(), b"once");
        knocking.welcome(MACHINE).await.unwrap()
    };
    let (dialled, stream) = tokio::join!(knocking, answering);
    let dialled = dialled.unwrap();
    assert_eq!(dialled.machine, MACHINE);
    let serving = tokio::spawn(dialled.serve(router()));
    let client = Client::connect_by_link(stream).await.unwrap();
    assert!(!client.is_closed());
    client.end();
    tokio::time::timeout(Duration::from_secs(5), client.ended()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), serving)
        .await
        .expect("the agent hears of the end")
        .unwrap()
        .ok();
}

#[tokio::test]
async fn another_installation_is_told_nothing() {
    let (other, machine) = (identity("Other"), identity("agent"));
    let (near, far) = pair().await;
    let pinned = known(&identity("Stoa"));
    let token = Secret::from_text("once".to_owned());
    let talk = async { tokio::join!(knock(near, &pinned, &machine, Some(&token)), answer(far, &other)) };
    let (knocked, answered) = ends(talk).await;
    assert!(matches!(knocked, Err(LinkError::OtherInstallation)));
    assert!(answered.is_err(), "neither who asks nor a token");
}

#[tokio::test]
async fn who_shows_no_certificate_or_says_rubbish_isnt_heard() {
    let stoa = identity("Stoa");
    for said in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0], &[0; 64]] {
        let (mut near, far) = pair().await;
        let answering = tokio::spawn({
            let stoa = Identity::parse(&Identity::make("Stoa").unwrap()).unwrap();
            async move { answer(far, &stoa).await.map(drop) }
        });
        near.write_all(said).await.unwrap();
        let mut heard = Vec::new();
        near.shutdown().await.unwrap();
        near.read_to_end(&mut heard).await.ok();
        assert!(answering.await.unwrap().is_err());
    }
    // TLS without a certificate of one's own.
    let (near, far) = pair().await;
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let name = rustls::pki_types::ServerName::try_from("stoa").unwrap();
    let (knocked, answered) = tokio::join!(connector.connect(name, near), answer(far, &stoa));
    assert!(knocked.is_err() && answered.is_err());
}

#[tokio::test]
async fn a_greeting_is_a_line_and_no_more() {
    let (stoa, machine) = (identity("Stoa"), identity("agent"));
    let (near, far) = pair().await;
    let pinned = known(&stoa);
    let refusing = async { answer(far, &stoa).await.unwrap().refuse(Refusal::Removed).await };
    let (knocked, refused) = tokio::join!(knock(near, &pinned, &machine, None), refusing);
    refused.unwrap();
    assert!(matches!(knocked, Err(LinkError::Refused(Refusal::Removed))));
}

#[tokio::test]
async fn a_link_that_falls_silent_ends_on_both_sides() {
    let (stoa, machine) = (identity("Stoa"), identity("agent"));
    let ((near, between_near), (between_far, far)) = (pair().await, pair().await);
    let cut = tokio_util::sync::CancellationToken::new();
    // Bytes go through until it is cut; then none do, and nobody is told.
    let ((from_near, into_near), (from_far, into_far)) =
        (between_near.into_split(), between_far.into_split());
    for (mut from, mut into) in [(from_near, into_far), (from_far, into_near)] {
        let is_cut = cut.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = tokio::io::copy(&mut from, &mut into) => {}
                () = is_cut.cancelled() => std::future::pending().await,
            }
        });
    }
    let pinned = known(&stoa);
    let answering = async { answer(far, &stoa).await.unwrap().welcome(MACHINE).await.unwrap() };
    let (dialled, stream) = tokio::join!(knock(near, &pinned, &machine, None), answering);
    let serving = tokio::spawn(dialled.unwrap().serve(router()));
    let client = Client::connect_by_link(stream).await.unwrap();
    // It holds for as long as pings are answered.
    tokio::time::timeout(link::PING + Duration::from_secs(2), client.ended()).await.unwrap_err();
    cut.cancel();
    let longest = link::PING + link::SILENCE + Duration::from_secs(5);
    tokio::time::timeout(longest, client.ended()).await.expect("the control plane notices");
    tokio::time::timeout(longest, serving).await.expect("the agent notices").unwrap().ok();
}

#[tokio::test]
async fn a_replica_is_who_has_the_installations_own_certificate() {
    let (stoa, machine) = (identity("Stoa"), identity("agent"));
    let (near, far) = pair().await;
    let pinned = known(&stoa);
    let talk = async { tokio::join!(knock(near, &pinned, &machine, None), link::answer_replica(far, &stoa)) };
    let (knocked, answered) = ends(talk).await;
    assert!(knocked.is_err());
    assert!(matches!(answered, Err(LinkError::OtherInstallation)), "an agent is no replica");
    let (near, far) = pair().await;
    let (_, answered) = tokio::join!(knock(near, &pinned, &stoa, None), async {
        link::answer_replica(far, &stoa).await.map(drop)
    });
    answered.unwrap();
}
