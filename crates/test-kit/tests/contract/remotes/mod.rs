//! Remote repositories: reached by ssh and over HTTP as there are elsewhere, kept as mirrors, followed when they move,
//! pushed to without losing what came in between, and said what is wrong with.

mod http;
mod ssh;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stoa_adapters::outgoing::{Allowed, Outgoing, Rules};
use stoa_adapters::remotes::{GitRemotes, RemoteLimits};
use test_kit::work::Work;
use test_kit::world::{Person, Workspace};
use test_kit::{Answer, Kind, World};

/// What tests wait for and take.
const LIMITS: RemoteLimits = RemoteLimits {
    look: Duration::from_secs(60),
    fetch: Duration::from_secs(120),
    push: Duration::from_secs(60),
    silence: Duration::from_secs(4),
    size: 256 * 1024,
    memory: 256 << 20,
    least_free: 0,
};

/// A world with a project whose repository is elsewhere.
struct Scene {
    world: World,
    olga: Person,
    id: String,
    slug: String,
    project: String,
    /// What is there.
    work: Work,
    there: PathBuf,
    /// Where mirrors are.
    mirrors: tempfile::TempDir,
    _folder: tempfile::TempDir,
}

/// A bare repository somewhere, with a working copy.
fn somewhere() -> (tempfile::TempDir, PathBuf, Work) {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("shop.git");
    let work = Work::new(&there);
    let bare = there.to_string_lossy().into_owned();
    let _ = work.git(&["init", "--quiet", "--bare", "--initial-branch=trunk", &bare]);
    work.commit("trunk", None, &[("a.txt", "one\ntwo\nthree\n")]);
    work.commit("idea", Some("trunk"), &[("new.txt", "1\n")]);
    (folder, there, work)
}

/// So many letters of which nothing can be packed to much less.
fn noise(letters: usize) -> String {
    let mut letter: u64 = 1;
    let next = |_| {
        letter = letter.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + u8::try_from((letter >> 33) % 90).unwrap())
    };
    (0..letters).map(next).collect()
}

impl Scene {
    /// `url` of what is there, and the place that the operator has opened.
    async fn new(
        place: &str,
        there: (tempfile::TempDir, PathBuf, Work),
        url: &str,
        credential: Option<Value>,
    ) -> Self {
        Self::within(LIMITS, place, there, url, credential).await
    }

    async fn within(
        limits: RemoteLimits,
        place: &str,
        (folder, there, work): (tempfile::TempDir, PathBuf, Work),
        url: &str,
        credential: Option<Value>,
    ) -> Self {
        let mirrors = tempfile::tempdir().unwrap();
        let rules = Rules { allow: vec![Allowed::parse(place).unwrap()], ..Rules::default() };
        let below = mirrors.path().to_owned();
        let remotes =
            GitRemotes::new(Outgoing::new(rules), move |project| below.join(format!("{project}.git")));
        let remotes = Arc::new(remotes.within(limits));
        let world = World::with_remotes(Kind::Sqlite, mirrors.path(), remotes).await;
        let olga = world.set_up().await;
        let (id, slug, project);
        {
            let workspace = world.workspace(&olga, "Acme").await;
            project = workspace.remote_project("Shop", url, credential).await;
            (id, slug) = (workspace.id.clone(), workspace.slug.clone());
        }
        Self { world, olga, id, slug, project, work, there, mirrors, _folder: folder }
    }

    fn workspace(&self) -> Workspace<'_> {
        self.world.known_workspace(&self.olga, &self.id, &self.slug)
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/workspaces/{}/projects/{}{rest}", self.slug, self.project)
    }

    fn mirror(&self) -> PathBuf {
        self.mirrors.path().join(format!("{}.git", self.project))
    }

    /// Has it fetched now, and tells how it stands then.
    async fn fetch(&self) -> Value {
        let _ = self.olga.client.post(&self.path("/remote/fetch"), json!({})).await.expect(200);
        self.world.app.fetch_due_remotes().await.unwrap();
        self.remote().await
    }

    /// What a fetch has left in the mirror that isn't whole.
    fn halves(&self) -> Vec<PathBuf> {
        let (mut folders, mut found) = (vec![self.mirror().join("objects")], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().starts_with("tmp_") {
                    found.push(entry.path());
                } else if entry.path().is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        found
    }

    async fn remote(&self) -> Value {
        self.olga.client.get(&self.path("/remote")).await.expect(200).json()
    }

    async fn branches(&self) -> Vec<Value> {
        let found = self.olga.client.get(&self.path("/branches")).await.expect(200).json();
        found["items"].as_array().unwrap().clone()
    }

    async fn names(&self) -> Vec<String> {
        let branches = self.branches().await;
        branches.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    }

    async fn merge(&self, source: &str) -> Answer {
        let body = json!({ "source": source, "target": "trunk" });
        self.olga.client.post(&self.path("/merge"), body).await
    }

    /// Where a branch stands there.
    fn head_there(&self, branch: &str) -> String {
        head(&self.there, branch)
    }
}

fn head(repository: &Path, branch: &str) -> String {
    let output = std::process::Command::new("git")
        .arg("--git-dir")
        .arg(repository)
        .args(["rev-parse", "--verify", &format!("refs/heads/{branch}")])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Merges into a branch beside others whose names end as its whole name does, once it has moved there meanwhile.
async fn merges_beside_names_that_end_alike(scene: &Scene) {
    let in_between = scene.work.commit("between", Some("trunk"), &[("b.txt", "b\n")]);
    assert_eq!(scene.fetch().await["status"], "fetched");
    let stood = scene.head_there("trunk");
    let there = scene.there.to_string_lossy().into_owned();
    for (name, to) in [
        ("refs/heads/refs/heads/trunk", &stood),
        ("refs/tags/refs/heads/trunk", &stood),
        ("refs/heads/trunk", &in_between),
    ] {
        let _ = scene.work.git(&["--git-dir", &there, "update-ref", name, to]);
    }
    let refused = scene.merge("idea").await.expect(409);
    assert!(refused.json()["detail"].as_str().unwrap().contains("in between"), "{}", refused.text);
    assert_eq!((scene.head_there("trunk"), head(&scene.mirror(), "trunk")), (in_between, stood.clone()));

    scene.world.app.fetch_due_remotes().await.unwrap();
    let merged = scene.merge("idea").await.expect(200).json();
    assert_eq!(json!(scene.head_there("trunk")), merged["commit"]);
    assert_eq!(json!(head(&scene.mirror(), "trunk")), merged["commit"]);
    assert_eq!(scene.head_there("refs/heads/trunk"), stood);
    assert!(scene.halves().is_empty(), "{:?}", scene.halves());
}
