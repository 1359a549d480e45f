//! Providers that refuse, stall, lie and never end: each is a sentence, in both forms.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;
use stoa_adapters::models::{HttpModels, Patience};
use stoa_adapters::outgoing::{Allowed, Outgoing, Rules, Surroundings};
use test_kit::Kind;
use test_kit::world::World;

use super::Scene;
use super::scripted::{Act, Form, Scripted, failure, head, stream_head};

const KEY: &str = "sk-live-9a8b7c6d5e4f9f3c";

async fn scene(form: Form, port: u16) -> Scene {
    let scene = Scene::new(World::on(Kind::Sqlite).await).await;
    let name = if form == Form::OpenAi { "openai" } else { "anthropic" };
    let _ = scene.set(json!({ "provider": name, "model": "m", "api_key": KEY })).await.expect(200);
    let patience = Patience {
        first_byte: Duration::from_secs(1),
        silence: Duration::from_secs(1),
        whole: Duration::from_secs(20),
        body: 300_000,
        ..Patience::default()
    };
    ask_with(&scene, patience, port);
    scene
}

/// From now on the provider at this port is asked, in the place of all.
fn ask_with(scene: &Scene, patience: Patience, port: u16) {
    let allow = vec![Allowed::parse(&format!("127.0.0.1:{port}")).unwrap()];
    let models = HttpModels::new(Outgoing::new(Rules { allow, ..Rules::default() }))
        .with_patience(patience)
        .all_at(format!("http://127.0.0.1:{port}/v1").parse().unwrap());
    scene.world.models.ask_instead(Arc::new(models));
}

/// The sentence that an owner gets for a test, and a reader at the end of an explanation.
async fn sentence(form: Form, acts: Vec<Act>) -> (String, serde_json::Value) {
    let provider = Scripted::new(acts).await;
    let scene = scene(form, provider.port).await;
    scene.write(&["Error: it broke"]);
    let refused = scene.olga.client.post(&scene.path("/ai/test"), json!({})).await.expect(502);
    assert_eq!(refused.code().as_deref(), Some("provider_error"));
    let events = scene.explain(&scene.reader.client).await.rest().await;
    let (kind, problem) = events.last().unwrap();
    assert_eq!((kind.as_str(), &problem["code"]), ("end", &json!("provider_error")));
    assert_eq!(problem["detail"], refused.json()["detail"], "{form:?}");
    for text in [&refused.text, &problem.to_string()] {
        assert!(!text.contains(&KEY[8..]), "the key shows: {text}");
    }
    (refused.field("detail"), refused.json())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_told_in_the_providers_own_words_without_the_key() {
    for form in Form::BOTH {
        let body = json!({ "error": { "message": format!("Incorrect\u{7} API key\nprovided: {KEY}."), "type": "x" } });
        let (detail, _) = sentence(form, failure("401 Unauthorized", "", &body)).await;
        assert_eq!(
            detail,
            "The provider answered 401: “Incorrect API key provided: [secret removed]”. Check the key."
        );
        let long = json!({ "detail": "x y ".repeat(1_000) });
        let (detail, _) = sentence(form, failure("400 Bad Request", "", &long)).await;
        assert!(detail.len() < 500 && detail.contains('…'), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_provider_says_when_to_come_back() {
    for form in Form::BOTH {
        let body = json!({ "error": { "message": "Rate limit reached" } });
        let (detail, problem) =
            sentence(form, failure("429 Too Many Requests", "Retry-After: 20\r\n", &body)).await;
        assert_eq!(detail, "The provider answered 429: “Rate limit reached”. Try again in 20 seconds.");
        assert_eq!(problem["retry_after"], 20);
        let body =
            json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
        let (detail, problem) = sentence(form, failure("529 Overloaded", "", &body)).await;
        assert_eq!(
            detail,
            "The provider answered 529: “Overloaded”. The fault is on its side; try again later."
        );
        assert!(problem["retry_after"].is_null());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_is_no_answer() {
    for form in Form::BOTH {
        let cut = vec![stream_head(), Act::Say(form.begins(&["It "]))];
        let (detail, _) = sentence(form, cut).await;
        assert_eq!(detail, "The provider's answer was cut off in the middle. Try again.");
        let broken = vec![
            stream_head(),
            Act::Say(form.begins(&["It "])),
            Act::Say(form.breaks("Overloaded by sk-live-9a8b7c6d5e4f9f3c")),
        ];
        let (detail, _) = sentence(form, broken).await;
        assert_eq!(detail, "The provider stopped in the middle: “Overloaded by [secret removed]”.");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_ends() {
    for form in Form::BOTH {
        let (detail, _) = sentence(form, vec![Act::Hold]).await;
        assert_eq!(detail, "The provider didn't answer within 1 seconds.");
        let (detail, _) =
            sentence(form, vec![stream_head(), Act::Say(form.begins(&["It "])), Act::Hold]).await;
        assert!(detail.starts_with("The provider fell silent: nothing came for 1 seconds."), "{detail}");
    }
}

/// Whoever tests a provider looks on. What is asked for its answer waits as long as a model needs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_is_given_up_long_before_an_answer() {
    let long = Duration::from_secs(600);
    let patience = Patience { first_byte: long, silence: long, whole: long, ..Patience::default() };
    for form in Form::BOTH {
        for (acts, said) in [
            (vec![Act::Hold], "The provider didn't answer within 1 seconds."),
            (
                vec![stream_head(), Act::Say(form.begins(&["It "])), Act::Hold],
                "The provider's answer hadn't come to an end after 1 seconds, so it was given up.",
            ),
        ] {
            let provider = Scripted::new(acts).await;
            let scene = scene(form, provider.port).await;
            ask_with(&scene, Patience { trial: Duration::from_secs(1), ..patience }, provider.port);
            let refused = scene.olga.client.post(&scene.path("/ai/test"), json!({})).await.expect(502);
            assert_eq!(refused.field("detail"), said);
        }
        let provider = Scripted::new(form.answer(&["It broke."])).await;
        let scene = scene(form, provider.port).await;
        scene.write(&["Error: it broke"]);
        // No test would be given so little; an explanation is.
        ask_with(&scene, Patience { trial: Duration::ZERO, ..patience }, provider.port);
        let events = scene.explain(&scene.reader.client).await.rest().await;
        assert_eq!(events.last().unwrap().1["done"], true, "{events:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_ends_is_given_up() {
    for form in Form::BOTH {
        let again = form.begins(&["and so on "]);
        let (detail, _) = sentence(form, vec![stream_head(), Act::SayForever(b": ping\n\n".to_vec())]).await;
        assert_eq!(detail, "The provider's answer didn't come to an end, so it was given up.");
        let (detail, _) = sentence(form, vec![stream_head(), Act::SayForever(again)]).await;
        assert!(detail.contains("didn't come to an end, so it was given up."), "{detail}");
        let (detail, _) = sentence(form, vec![stream_head(), Act::SayForever(vec![b'x'; 1024])]).await;
        assert!(detail.starts_with("What the provider sent isn't an answer of a model."), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_called_so() {
    for form in Form::BOTH {
        for acts in [
            vec![stream_head(), Act::Say(b"data: {not json\n\n".to_vec())],
            vec![Act::Say(b"\x16\x03\x01\x02\x00\r\n\r\n".to_vec())],
        ] {
            let (detail, _) = sentence(form, acts).await;
            assert!(detail.starts_with("What the provider sent isn't an answer of a model."), "{detail}");
        }
        let page = vec![Act::Say(head("200 OK", "text/html", "")), Act::Say(b"<h1>Welcome</h1>".to_vec())];
        let (detail, _) = sentence(form, page).await;
        assert!(detail.starts_with("The provider's answer doesn't come as a stream."), "{detail}");
        let gone = vec![Act::Say(head("302 Found", "text/html", "Location: http://127.0.0.1:1/\r\n"))];
        let (detail, _) = sentence(form, gone).await;
        assert!(detail.starts_with("The provider answered 302. It refers to another address"), "{detail}");
        let html =
            vec![Act::Say(head("502 Bad Gateway", "text/html", "")), Act::Say(b"<h1>nginx</h1>".to_vec())];
        let (detail, _) = sentence(form, html).await;
        assert_eq!(detail, "The provider answered 502. The fault is on its side; try again later.");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_forms_are_spoken_and_the_key_goes_where_it_belongs() {
    for form in Form::BOTH {
        let provider = Scripted::new(form.answer(&["Ready. ", "I can read logs."])).await;
        let scene = scene(form, provider.port).await;
        let tried = scene.olga.client.post(&scene.path("/ai/test"), json!({})).await.expect(200).json();
        assert_eq!(tried["reply"], "Ready. I can read logs.");
        assert_eq!(tried["usage"], json!({ "input_tokens": 40, "output_tokens": 7 }));
        let request = &provider.requests()[0];
        let head = request.head.to_lowercase();
        let (path, header) = match form {
            Form::OpenAi => ("post /v1/chat/completions ", format!("authorization: bearer {KEY}")),
            Form::Anthropic => ("post /v1/messages ", format!("x-api-key: {KEY}")),
        };
        assert!(head.starts_with(path) && head.contains(&header), "{head}");
        assert!(!request.body.contains(KEY), "{}", request.body);
    }
}

/// The first look-up leads to the test's server, every later one to another private address.
struct Rebinding(AtomicUsize);

impl Surroundings for Rebinding {
    fn look_up(&self, _: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        let address: IpAddr = if first { "127.0.0.1" } else { "127.0.0.2" }.parse().unwrap();
        Box::pin(async move { Ok(vec![address]) })
    }

    fn own_addresses(&self) -> std::io::Result<Vec<IpAddr>> {
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_address_at_the_second_look_up_gets_nothing() {
    let provider = Scripted::new(Form::OpenAi.answer(&["Ready."])).await;
    let scene = Scene::new(World::on(Kind::Sqlite).await).await;
    let allow = vec![Allowed::parse(&format!("127.0.0.1:{}", provider.port)).unwrap()];
    let rules = Rules { allow, ..Rules::default() };
    let outgoing = Outgoing::with_surroundings(rules, Arc::new(Rebinding(AtomicUsize::new(0))));
    scene.world.models.ask_instead(Arc::new(HttpModels::new(outgoing)));
    let url = format!("http://models.example:{}/v1", provider.port);
    let body = json!({ "provider": "custom", "model": "m", "base_url": url, "api_key": KEY });
    let _ = scene.set(body).await.expect(200);
    let _ = scene.olga.client.post(&scene.path("/ai/test"), json!({})).await.expect(200);
    let refused = scene.olga.client.post(&scene.path("/ai/test"), json!({})).await.expect(502);
    assert!(refused.field("detail").contains("is a private address"), "{}", refused.text);
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_base_url_is_refused_when_it_is_typed_in() {
    let scene = Scene::new(World::on(Kind::Sqlite).await).await;
    scene.world.models.ask_instead(Arc::new(HttpModels::new(Outgoing::new(Rules::default()))));
    for url in [
        "http://127.0.0.1:11434",
        "https://10.0.0.1/v1",
        "http://169.254.169.254/latest",
        "https://[::ffff:127.0.0.1]/v1",
        "https://2130706433/v1",
        "http://1.1.1.1/v1",
        "ftp://models.example/v1",
        "https://user:pw@models.example/v1",
        "https://models.example/v1?key=1",
        "not a url",
    ] {
        let body = json!({ "provider": "custom", "model": "m", "base_url": url });
        let refused = scene.set(body).await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], "base_url", "{url}: {refused}");
    }
}
