//! A real model server, asked in both forms: llama.cpp, with a model of random weights.

// Whoever runs the tests has to see that one of them couldn't.
#![allow(clippy::print_stderr)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use test_kit::Kind;
use test_kit::world::World;

use super::Scene;
use super::explain::real;

const KEY: &str = "sk-real-0123456789ab";

struct Server {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    /// `None` where the machine can't run one, which is said.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/model-server");
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut process = Command::new(script)
            .arg(folder.path())
            .arg(KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if let Ok(port) = line.trim().parse() {
            return Some(Self { process, port, _folder: folder });
        }
        let status = process.wait().unwrap();
        let said = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(status.code(), Some(75), "{said}");
        eprintln!("SKIPPED: {said}");
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

async fn answers(provider: &str, server: &Server) {
    let scene = Scene::new(World::on(Kind::Sqlite).await).await;
    scene.world.models.ask_instead(real(server.port));
    let mut settings = json!({ "provider": provider, "model": "tiny.gguf", "api_key": KEY });
    if provider == "custom" {
        settings["base_url"] = json!(format!("http://127.0.0.1:{}", server.port));
    }
    let _ = scene.set(settings.clone()).await.expect(200);
    let olga = &scene.olga.client;
    let tried = olga.post(&scene.path("/ai/test"), json!({})).await.expect(200).json();
    assert!(!tried["reply"].as_str().unwrap().is_empty(), "{tried}");
    // Where its first bytes are no letter, this server leaves out how an answer in Anthropic's form begins, and with it
    // what it was asked.
    let counts =
        if provider == "anthropic" { &["output_tokens"][..] } else { &["input_tokens", "output_tokens"] };
    for count in counts {
        assert!(tried["usage"][*count].as_i64().unwrap() > 0, "{tried}");
    }
    let models = olga.get(&scene.path("/ai/models")).await.expect(200).json();
    // It names its one model by its file.
    assert!(models["items"][0].as_str().unwrap().ends_with("tiny.gguf"), "{models}");

    scene.write(&["starting", "Error: no such table: shop", "exit 1"]);
    let events = scene.explain(&scene.reader.client).await.rest().await;
    let (kind, last) = events.last().unwrap();
    assert_eq!((kind.as_str(), &last["done"]), ("message", &json!(true)), "{events:?}");
    assert!(events.iter().any(|(_, event)| event["delta"].is_string()), "{events:?}");
    assert!(last["usage"]["input_tokens"].as_i64().unwrap() > 100, "{last}");

    settings["api_key"] = json!("sk-wrong-0123456789");
    let _ = scene.set(settings).await.expect(200);
    let refused = olga.post(&scene.path("/ai/test"), json!({})).await.expect(502);
    let detail = refused.field("detail");
    assert!(detail.starts_with("The provider answered 401: “Invalid"), "{detail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_model_server_answers_in_both_forms() {
    let Some(server) = tokio::task::spawn_blocking(Server::start).await.unwrap() else { return };
    for provider in ["custom", "openai", "anthropic"] {
        answers(provider, &server).await;
    }
}
