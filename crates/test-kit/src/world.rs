//! A world: an installation with a fake outside, and people in it who ask through the API.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use serde_json::{Value, json};
use stoa_adapters::vault::MasterVault;
use stoa_app::passwords::Passwords;
use stoa_app::ports::Outside;
use stoa_app::secrets::{TOKEN_PREFIX, hash_of};
use stoa_app::settings::{MailRoute, WorkspaceCreation};
use stoa_app::{App, Settings};
use stoa_domain::{InstanceId, ProjectId};
use stoa_http::{Frame, Registered, Site};
use stoa_storage::{Place, Store};

use crate::canary;
use crate::client::Client;
use crate::databases::{self, Fresh, Kind, fresh};
use crate::fake::buckets::FakeBuckets;
use crate::fake::certificates::FakeCertificates;
use crate::fake::clock::{FakeClock, FakeRng};
use crate::fake::desks::FakeDesks;
use crate::fake::expectations::NearExpectations;
use crate::fake::fleet::FakeFleet;
use crate::fake::folders::FakeFolders;
use crate::fake::logos::NearLogos;
use crate::fake::machines::FakeMachines;
use crate::fake::mail::FakeMail;
use crate::fake::models::FakeModels;
use crate::fake::names::FakeNames;
use crate::fake::provider::FakeProvider;
use crate::fake::remotes::FakeRemotes;
use crate::fake::repositories::FakeRepositories;

/// The token of the set-up link.
pub const SETUP_TOKEN: &str = "a-setup-token-that-is-long-enough-for-one";

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery";

const ORIGIN: &str = "http://localhost:8080";

/// An installation.
pub struct World {
    pub app: App,
    pub store: Store,
    pub clock: Arc<FakeClock>,
    pub mail: Arc<FakeMail>,
    pub provider: Arc<FakeProvider>,
    pub machines: Arc<FakeMachines>,
    pub fleet: Arc<FakeFleet>,
    pub buckets: Arc<FakeBuckets>,
    pub desks: Arc<FakeDesks>,
    pub repositories: Arc<FakeRepositories>,
    pub remotes: Arc<FakeRemotes>,
    pub models: Arc<FakeModels>,
    pub names: Arc<FakeNames>,
    pub certificates: Arc<FakeCertificates>,
    pub router: Router,
    pub registered: Vec<Registered>,
    numbers: AtomicU32,
    _canary: Canary,
    fresh: Fresh,
}

/// Looks, when a world ends, for what everybody in it knows: it stands neither in its log nor, in the clear, in its
/// records. Those on PostgreSQL are of the same code, and aren't a file.
struct Canary(Option<PathBuf>);

impl Drop for Canary {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let secrets = [PASSWORD, SETUP_TOKEN, TOKEN_PREFIX];
        canary::was_not_heard(&secrets);
        for file in self.0.iter().flat_map(|file| [file.clone(), file.with_extension("sqlite-wal")]) {
            let bytes = std::fs::read(file).unwrap_or_default();
            canary::is_absent(&secrets, "the records", &bytes);
        }
    }
}

/// Somebody with an account.
#[derive(Clone)]
pub struct Person {
    pub client: Client,
    pub account: String,
    pub email: String,
}

/// A workspace, and who made it.
pub struct Workspace<'w> {
    world: &'w World,
    pub owner: Person,
    pub id: String,
    pub slug: String,
}

/// A member of a workspace.
#[derive(Clone)]
pub struct Member {
    pub person: Person,
    pub id: String,
}

/// What a world is made with besides its database.
#[derive(Clone, Copy)]
pub struct Wishes {
    pub mail: bool,
    pub workspace_creation: WorkspaceCreation,
    /// Whether there is a sign-in provider.
    pub provider: bool,
}

impl Default for Wishes {
    fn default() -> Self {
        Self { mail: true, workspace_creation: WorkspaceCreation::Everyone, provider: false }
    }
}

impl World {
    pub async fn on(kind: Kind) -> Self {
        Self::with(kind, Wishes::default()).await
    }

    /// # Panics
    /// Where a part can't be made.
    pub async fn with(kind: Kind, wishes: Wishes) -> Self {
        Self::build(kind, wishes, None, None).await
    }

    /// A world whose repositories are real ones, in a folder: `repositories` isn't theirs then.
    ///
    /// # Panics
    /// Where a part can't be made.
    pub async fn with_git(kind: Kind, folder: &std::path::Path) -> Self {
        let real = stoa_adapters::repositories::GitRepositories::new(folder.to_owned()).expect("a folder");
        Self::build(kind, Wishes::default(), Some(Arc::new(real)), None).await
    }

    /// A world whose repositories are real ones, and the remote ones too: `remotes` isn't theirs then.
    ///
    /// # Panics
    /// Where a part can't be made.
    pub async fn with_remotes(
        kind: Kind,
        folder: &std::path::Path,
        remotes: Arc<dyn stoa_app::ports::Remotes>,
    ) -> Self {
        let real = stoa_adapters::repositories::GitRepositories::new(folder.to_owned()).expect("a folder");
        Self::build(kind, Wishes::default(), Some(Arc::new(real)), Some(remotes)).await
    }

    async fn build(
        kind: Kind,
        wishes: Wishes,
        real: Option<Arc<dyn stoa_app::ports::Repositories>>,
        real_remotes: Option<Arc<dyn stoa_app::ports::Remotes>>,
    ) -> Self {
        canary::listen();
        let clock = Arc::new(FakeClock::default());
        let rng = Arc::new(FakeRng::default());
        let fresh = fresh(kind, clock.clone(), rng.clone()).await;
        let store =
            Store::open(fresh.place.clone(), clock.clone(), rng.clone()).await.expect("the records open");
        let vault = MasterVault::new([7; 32].into());
        store.create_installation(vault.key_check().expect("a key check")).await.expect("an installation");
        let mail = Arc::new(FakeMail::default());
        let provider = Arc::new(FakeProvider::default());
        let machines = Arc::new(FakeMachines::default());
        let buckets = Arc::new(FakeBuckets::default());
        let desks = Arc::new(FakeDesks::default());
        let fleet = Arc::new(FakeFleet::new(machines.clone(), desks.clone()));
        let repositories = Arc::new(FakeRepositories::default());
        let remotes = Arc::new(FakeRemotes::default());
        let models = Arc::new(FakeModels::default());
        let names = Arc::new(FakeNames::default());
        let certificates = Arc::new(FakeCertificates::default());
        let outside = Outside {
            clock: clock.clone(),
            ids: rng.clone(),
            rng,
            vault: Arc::new(vault),
            // The least there is: what is tested here isn't how hard they are to guess.
            passwords: Passwords::with_memory(2, 8).expect("a hasher"),
            repositories: real.unwrap_or_else(|| repositories.clone()),
            remotes: real_remotes.unwrap_or_else(|| remotes.clone()),
            fleet: fleet.clone(),
            buckets: buckets.clone(),
            logos: Arc::new(NearLogos),
            models: models.clone(),
            provider: wishes.provider.then(|| provider.clone() as Arc<dyn stoa_app::ports::SignInProvider>),
            mail: wishes.mail.then(|| mail.clone() as Arc<dyn stoa_app::ports::Mail>),
            folders: Arc::new(FakeFolders),
            names: names.clone(),
            certificates: Some(certificates.clone()),
            expectations: Arc::new(NearExpectations),
        };
        let settings = Settings {
            public_url: ORIGIN.to_owned(),
            instance_domain: "localhost".to_owned(),
            instance_port: ":8080".to_owned(),
            scheme: "http",
            workspace_creation: wishes.workspace_creation,
            setup_token_hash: Some(hash_of(SETUP_TOKEN)),
            local_server: true,
            version: "0.1.0",
            mail_route: wishes.mail.then(|| MailRoute {
                server: "mail.example.com:587".to_owned(),
                sender: "stoa@example.com".to_owned(),
            }),
            notes: Vec::new(),
        };
        let app = App::new(store.clone(), settings, outside);
        let (router, registered) = stoa_http::api(Frame::new(app.clone(), site()));
        Self {
            app,
            store,
            clock,
            mail,
            provider,
            machines,
            fleet,
            buckets,
            desks,
            repositories,
            remotes,
            models,
            names,
            certificates,
            router,
            registered,
            numbers: AtomicU32::new(0),
            _canary: Canary(match &fresh.place {
                Place::Sqlite(file) => Some(file.clone()),
                Place::Postgres(_) => None,
            }),
            fresh,
        }
    }

    /// What the edge stands on, anew.
    #[must_use]
    pub fn frame(&self) -> Frame {
        Frame::new(self.app.clone(), site())
    }

    /// Somebody who isn't signed in.
    #[must_use]
    pub fn nobody(&self) -> Client {
        Client::nobody(self.router.clone(), ORIGIN.to_owned())
    }

    /// A number that nobody was given before.
    pub fn number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::SeqCst)
    }

    /// The first account: administrator of the installation.
    pub async fn set_up(&self) -> Person {
        let body = json!({ "token": SETUP_TOKEN, "name": "Olga Owner", "email": "olga@example.com", "password": PASSWORD });
        let answer = self.nobody().post("/api/v1/setup", body).await.expect(201);
        self.person(&answer, "olga@example.com")
    }

    fn person(&self, answer: &crate::Answer, email: &str) -> Person {
        let cookie = answer.cookie().expect("a session");
        let value = answer.json();
        let account =
            value["id"].as_str().or_else(|| value["account"]["id"].as_str()).expect("an account").to_owned();
        Person { client: self.nobody().with_cookie(cookie), account, email: email.to_owned() }
    }

    /// Signs somebody in once more.
    pub async fn sign_in(&self, email: &str, password: &str) -> crate::Answer {
        self.nobody().post("/api/v1/session", json!({ "email": email, "password": password })).await
    }

    /// A workspace of this person's.
    pub async fn workspace(&self, owner: &Person, name: &str) -> Workspace<'_> {
        let answer = owner.client.post("/api/v1/workspaces", json!({ "name": name })).await.expect(201);
        Workspace { world: self, owner: owner.clone(), id: answer.field("id"), slug: answer.field("slug") }
    }

    /// A workspace that is there already, by one of its owners.
    #[must_use]
    pub fn known_workspace(&self, owner: &Person, id: &str, slug: &str) -> Workspace<'_> {
        Workspace { world: self, owner: owner.clone(), id: id.to_owned(), slug: slug.to_owned() }
    }

    /// All rows of all tables but those that are named, as text: to see that nothing changed. SQLite only.
    ///
    /// # Panics
    /// On PostgreSQL.
    pub async fn dump(&self, but: &[&str]) -> String {
        databases::dump(&self.fresh.place, but).await
    }

    /// Where the records lie.
    #[must_use]
    pub fn place(&self) -> &stoa_storage::Place {
        &self.fresh.place
    }

    /// Sends what waits to be sent.
    pub async fn send_mails(&self) {
        while self.app.send_next().await.expect("mails can be sent") {}
    }

    /// Carries out the jobs that wait.
    pub async fn drain(&self) {
        self.app.drain_jobs().await.expect("jobs are carried out");
    }
}

fn site() -> Site {
    Site {
        origin: ORIGIN.to_owned(),
        host: "localhost".to_owned(),
        port: 8080,
        secure: false,
        loopback: true,
        trusted_proxies: Vec::new(),
        version: "0.1.0",
    }
}

impl Workspace<'_> {
    /// A path below the workspace.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/workspaces/{}{rest}", self.slug)
    }

    /// The secret at the end of the newest invitation's link, from its mail.
    pub async fn link_of(&self, email: &str) -> String {
        self.world.send_mails().await;
        let letters = self.world.mail.sent();
        let letter = letters.iter().rev().find(|letter| letter.to.contains(email)).expect("a mail");
        let at = letter.text.find("/invitations/").expect("a link in the mail") + "/invitations/".len();
        letter.text[at..].split_whitespace().next().expect("a token").to_owned()
    }

    /// Invites a new person, who accepts.
    pub async fn member(&self, name: &str) -> Member {
        let plain: String = name.to_lowercase().replace(' ', "-").chars().filter(char::is_ascii).collect();
        let email = format!("{plain}-{}@example.com", self.world.number());
        let path = self.path("/invitations");
        let invited = self.owner.client.post(&path, json!({ "email": email })).await.expect(201);
        assert_eq!(invited.field("status"), "pending");
        let token = self.link_of(&email).await;
        let accepted = self
            .world
            .nobody()
            .post(
                &format!("/api/v1/invitations/{token}/accept"),
                json!({ "name": name, "password": PASSWORD }),
            )
            .await
            .expect(200);
        let cookie = accepted.cookie().expect("a session");
        let client = self.world.nobody().with_cookie(cookie);
        let account = client.get("/api/v1/me").await.expect(200).field("id");
        let members =
            self.owner.client.get(&self.path(&format!("/members?q={email}"))).await.expect(200).json();
        let id = members["items"][0]["id"].as_str().expect("the new member in the list").to_owned();
        Member { person: Person { client, account, email }, id }
    }

    pub async fn make_owner(&self, member: &Member) {
        let path = self.path(&format!("/members/{}", member.id));
        let _ = self.owner.client.patch(&path, json!({ "role": "owner" })).await.expect(200);
    }

    /// Grants exactly this.
    pub async fn grant(&self, member: &Member, profile: Value) {
        let path = self.path(&format!("/members/{}/permissions", member.id));
        let whole = |key: &str| profile.get(key).cloned().unwrap_or_else(|| json!([]));
        let body = json!({
            "actions": whole("actions"), "projects": whole("projects"),
            "instances": whole("instances"), "servers": whole("servers"),
        });
        let _ = self.owner.client.put(&path, body).await.expect(200);
    }

    /// This machine as a server. Its id.
    pub async fn server(&self) -> String {
        self.owner
            .client
            .post(&self.path("/servers"), json!({ "name": "local", "local": true }))
            .await
            .expect(201)
            .field("id")
    }

    /// A project with branches that have a commit each. Its id.
    pub async fn project(&self, name: &str, branches: &[&str]) -> String {
        let id = self
            .owner
            .client
            .post(&self.path("/projects"), json!({ "name": name }))
            .await
            .expect(201)
            .field("id");
        let project: ProjectId = id.parse().expect("an id");
        for branch in branches {
            self.world.repositories.commit(project, branch, &format!("first on {branch}"));
        }
        self.world.app.compare_heads().await.expect("the branches are known");
        id
    }

    /// A project whose repository is a remote one. Its id.
    pub async fn remote_project(&self, name: &str, url: &str, credential: Option<Value>) -> String {
        let mut repository = json!({ "kind": "remote", "url": url });
        if let Some(credential) = credential {
            repository["credential"] = credential;
        }
        let body = json!({ "name": name, "repository": repository });
        self.owner.client.post(&self.path("/projects"), body).await.expect(201).field("id")
    }

    /// An instance that runs. Its id.
    pub async fn instance(
        &self,
        project: &str,
        server: &str,
        name: &str,
        stage: &str,
        branch: &str,
    ) -> InstanceId {
        let body =
            json!({ "name": name, "project": project, "server": server, "stage": stage, "branch": branch });
        let answer = self.owner.client.post(&self.path("/instances"), body).await.expect(202);
        self.world.drain().await;
        let value = answer.json();
        let id = value["id"].as_str().or_else(|| value["instance"]["id"].as_str()).expect("an instance's id");
        id.parse().expect("an id")
    }
}
