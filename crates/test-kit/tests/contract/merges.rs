//! Merging: shown first, decided on the project and on everything that deploys the target, and never over a commit that
//! came in between. On real repositories.

use serde_json::{Value, json};
use stoa_domain::permission::MergeTarget;
use stoa_domain::permission::project::Merge;
use stoa_domain::{
    Actor, Credential, InstanceId, Permit, ProjectId, Refusal, Standing, Via, WorkspaceId, decide,
};
use stoa_storage::merge::{Begun, BegunMerge};
use test_kit::work::Work;
use test_kit::world::{Member, Person, Workspace};
use test_kit::{Answer, Client, Kind, World};

/// A project with `main` and `idea`, which go together, and `clash`, which doesn't go with `main`; `main` is deployed.
struct Scene {
    world: World,
    olga: Person,
    id: String,
    slug: String,
    project: String,
    server: String,
    shop: InstanceId,
    work: Work,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = World::with_git(kind, folder.path()).await;
        let olga = world.set_up().await;
        let (id, slug, project, server, shop, work);
        {
            let workspace = world.workspace(&olga, "Acme").await;
            project = workspace.project("Shop", &[]).await;
            work = Work::new(&folder.path().join(format!("{project}.git")));
            work.commit("main", None, &[("a.txt", "one\ntwo\nthree\n"), ("b.txt", "b\n")]);
            work.commit("idea", Some("main"), &[("new.txt", "1\n2\n")]);
            work.commit("clash", Some("main"), &[("a.txt", "one\nTWO\nthree\n")]);
            work.commit("main", None, &[("a.txt", "one\nzwei\nthree\n")]);
            world.app.compare_heads().await.unwrap();
            server = workspace.server().await;
            shop = workspace.instance(&project, &server, "Shop", "production", "main").await;
            (id, slug) = (workspace.id.clone(), workspace.slug.clone());
        }
        Self { world, olga, id, slug, project, server, shop, work, folder }
    }

    fn workspace(&self) -> Workspace<'_> {
        self.world.known_workspace(&self.olga, &self.id, &self.slug)
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/workspaces/{}{rest}", self.slug)
    }

    async fn ask(&self, client: &Client, body: Value) -> Answer {
        client.post(&self.path(&format!("/projects/{}/merge", self.project)), body).await
    }

    async fn merge(&self, client: &Client, source: &str) -> Answer {
        self.ask(client, json!({ "source": source, "target": "main" })).await
    }

    async fn preview(&self, client: &Client, source: &str) -> Answer {
        self.ask(client, json!({ "source": source, "target": "main", "dry_run": true })).await
    }

    /// A member with exactly this permission, on the project and these instances.
    async fn merger(&self, instances: &[InstanceId]) -> Member {
        let member = self.workspace().member("Mia Merger").await;
        self.grant(&member, &["merge_branches", "view_projects"], instances).await;
        member
    }

    async fn grant(&self, member: &Member, actions: &[&str], instances: &[InstanceId]) {
        let instances: Vec<String> = instances.iter().map(ToString::to_string).collect();
        let profile = json!({ "actions": actions, "projects": [self.project], "instances": instances });
        self.workspace().grant(member, profile).await;
    }

    async fn deployments(&self) -> Vec<Value> {
        let path = self.path(&format!("/instances/{}/deployments", self.shop));
        self.olga.client.get(&path).await.expect(200).json()["items"].as_array().unwrap().clone()
    }

    async fn merges_in_the_log(&self) -> Vec<Value> {
        let path = self.path("/audit?action=project.merge");
        self.olga.client.get(&path).await.expect(200).json()["items"].as_array().unwrap().clone()
    }

    fn project_id(&self) -> ProjectId {
        self.project.parse().unwrap()
    }

    fn workspace_id(&self) -> WorkspaceId {
        self.id.parse().unwrap()
    }

    /// What a member is permitted now, for a target that these instances deploy.
    async fn permit(&self, member: &Member, instances: &[InstanceId]) -> Permit<Merge> {
        let target = MergeTarget { project: self.project_id(), instances: instances.to_vec() };
        let account = member.person.account.parse().unwrap();
        let resources = stoa_domain::Target::resources(&target);
        let access =
            self.world.store.find_access(self.workspace_id(), account, &resources).await.unwrap().unwrap();
        let standing = Standing::new(self.actor(member), access, None).unwrap();
        decide::<Merge>(&standing, target).unwrap()
    }

    fn actor(&self, member: &Member) -> Actor {
        Actor {
            account: member.person.account.parse().unwrap(),
            name: "Mia Merger".to_owned(),
            via: Via::Page,
            // What it came by isn't what is asked here.
            credential: Credential::Job,
            address: None,
        }
    }

    fn begun(&self, member: &Member, commit: &str) -> BegunMerge {
        BegunMerge {
            id: uuid::Uuid::now_v7(),
            project: self.project_id(),
            source: "idea".to_owned(),
            target: "main".to_owned(),
            commit: stoa_domain::branch::CommitId::parse(commit).unwrap(),
            actor: self.actor(member),
            created_at: self.world.store.now(),
        }
    }
}

macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($scene:ident: Scene) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn test($scene: Scene) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test(Scene::new(Kind::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                test(Scene::new(Kind::Postgres).await).await;
            }
        }
    )*};
}

on_both! {
    async fn a_merge_is_shown_then_done_and_deployed_in_the_name_of_who_merged(scene: Scene) {
        let mia = scene.merger(&[scene.shop]).await;
        let client = &mia.person.client;
        let before = scene.work.head("main");
        let shown = scene.preview(client, "idea").await.expect(200).json();
        assert_eq!((&shown["status"], &shown["commit_count"], &shown["file_count"]), (&json!("clean"), &json!(1), &json!(1)));
        assert_eq!((&shown["added"], &shown["removed"]), (&json!(2), &json!(0)));
        assert_eq!((&shown["files"][0]["path"], &shown["files"][0]["change"]), (&json!("new.txt"), &json!("added")));
        assert_eq!(shown["commits"][0]["subject"], "on idea");
        assert_eq!(shown["message"], "Merge idea into main");
        assert_eq!((&shown["deploys"][0]["name"], &shown["deploys"][0]["stage"]), (&json!("Shop"), &json!("production")));
        // Its server isn't allowed, so that it isn't named.
        assert_eq!(shown["deploys"][0]["server"], json!(null));
        assert_eq!(shown["target"], json!({ "branch": "main", "commit": before }));
        assert_eq!(scene.work.head("main"), before, "nothing was merged yet");

        let merged = scene.merge(client, "idea").await.expect(200).json();
        assert_eq!(merged["status"], "merged");
        assert_eq!(merged["commit"], scene.work.head("main"));
        let deployments = merged["deployments"].as_array().unwrap();
        assert_eq!((deployments.len(), &deployments[0]["instance"]["name"]), (1, &json!("Shop")));
        scene.work.fetch("main");
        let told = scene.work.git(&["log", "-1", "--format=%an|%ae|%cn|%s|%P"]);
        let idea = scene.work.head("idea");
        assert_eq!(told, format!("Mia Merger|{}|Stoa|Merge idea into main|{before} {idea}", mia.person.email));

        scene.world.drain().await;
        let newest = scene.deployments().await[0].clone();
        assert_eq!((&newest["cause"], &newest["status"], &newest["commit"]), (&json!("merge"), &json!("succeeded"), &merged["commit"]));
        let log = scene.merges_in_the_log().await;
        assert_eq!((log.len(), &log[0]["actor_name"]), (1, &json!("Mia Merger")), "{log:?}");
        assert_eq!(log[0]["sentence"], "merged idea into main of Shop", "{log:?}");

        let again = scene.merge(client, "idea").await.expect(200).json();
        assert_eq!(again, json!({ "status": "up_to_date", "commit": merged["commit"], "deployments": [] }));
        assert_eq!(scene.preview(client, "idea").await.expect(200).json()["status"], "up_to_date");
        assert_eq!(scene.merges_in_the_log().await.len(), 1);
    }

    async fn conflicts_are_told_by_file_and_line_and_change_nothing(scene: Scene) {
        let before = scene.work.head("main");
        let shown = scene.preview(&scene.olga.client, "clash").await.expect(200).json();
        assert_eq!((&shown["status"], &shown["conflict_count"]), (&json!("conflicts"), &json!(1)));
        let conflict = json!([{ "path": "a.txt", "kind": "lines", "lines": [{ "from": 2, "to": 2 }], "detail": "Both changed the same lines." }]);
        assert_eq!(shown["conflicts"], conflict);
        let refused = scene.merge(&scene.olga.client, "clash").await.expect(409);
        assert_eq!(refused.code().as_deref(), Some("merge_conflict"));
        assert_eq!(refused.json()["conflicts"], conflict);
        assert_eq!(scene.work.head("main"), before);
        assert_eq!(scene.deployments().await.len(), 1);
        assert!(scene.merges_in_the_log().await.is_empty());
    }

    async fn every_instance_that_deploys_the_target_has_to_be_allowed(scene: Scene) {
        let mia = scene.merger(&[scene.shop]).await;
        let client = &mia.person.client;
        let of_branch = async |client: &Client, name: &str| {
            let path = scene.path(&format!("/projects/{}/branches", scene.project));
            let all = client.get(&path).await.expect(200).json();
            all["items"].as_array().unwrap().iter().find(|one| one["name"] == json!(name)).unwrap()["may"].clone()
        };
        let of_instance = async || {
            let path = scene.path(&format!("/instances/{}", scene.shop));
            let one = client.get(&path).await.expect(200).json();
            let list = client.get(&scene.path("/instances")).await.expect(200).json();
            assert_eq!(list["items"][0]["may"], one["may"]);
            one["may"].clone()
        };
        assert_eq!(of_branch(client, "main").await, json!(["merge"]));
        assert_eq!(of_instance().await, json!(["merge"]));
        // A second one, on nobody's list.
        let hidden = scene.workspace().instance(&scene.project, &scene.server, "Secret copy", "staging", "main").await;
        let before = scene.work.head("main");
        for answer in [scene.preview(client, "idea").await, scene.merge(client, "idea").await] {
            let refused = answer.expect(403);
            assert_eq!(refused.code().as_deref(), Some("target_not_allowed"));
            let secret = hidden.to_string();
            assert!(!refused.text.contains(&secret) && !refused.text.contains("Secret") && !refused.text.contains("Shop"), "{}", refused.text);
            assert!(!refused.field("detail").contains(char::is_numeric), "{}", refused.text);
        }
        assert_eq!(scene.work.head("main"), before);
        assert_eq!((of_branch(client, "main").await, of_branch(client, "idea").await), (json!([]), json!(["merge"])));
        assert_eq!(of_instance().await, json!([]));
        // Another target is another question; and whoever is allowed both merges.
        let aside = json!({ "source": "main", "target": "idea", "dry_run": true });
        assert_eq!(scene.ask(client, aside).await.expect(200).json()["deploys"], json!([]));
        scene.grant(&mia, &["merge_branches"], &[scene.shop, hidden]).await;
        let merged = scene.merge(client, "idea").await.expect(200).json();
        assert_eq!(merged["deployments"].as_array().unwrap().len(), 2);
        // The action, and the project.
        scene.grant(&mia, &["view_projects", "use_ide"], &[scene.shop, hidden]).await;
        assert_eq!(scene.merge(client, "clash").await.expect(403).json()["missing"], json!(["merge_branches"]));
        assert_eq!(of_branch(client, "main").await, json!([]));
        let nothing = json!({ "actions": ["merge_branches"], "instances": [scene.shop.to_string()] });
        scene.workspace().grant(&mia, nothing).await;
        assert_eq!(scene.merge(client, "idea").await.expect(404).code().as_deref(), Some("not_found"));
        assert_eq!(of_instance().await, json!([]));
        let log = scene.merges_in_the_log().await;
        let refused: Vec<&str> = log.iter().filter(|one| one["outcome"] == json!("refused")).map(|one| one["sentence"].as_str().unwrap()).collect();
        assert!(refused.len() >= 3, "{log:?}");
    }

    async fn what_changes_before_the_write_is_decided_in_it(scene: Scene) {
        let mia = scene.merger(&[scene.shop]).await;
        let head = scene.work.head("main");
        // An instance is made on the target between the decision and the write.
        let permit = scene.permit(&mia, &[scene.shop]).await;
        let other = scene.workspace().instance(&scene.project, &scene.server, "Late", "staging", "main").await;
        let begun = scene.world.store.begin_merge(permit, scene.begun(&mia, &head)).await.unwrap();
        assert_eq!(begun, Begun::Otherwise);
        // A list entry goes, and with it the target.
        scene.grant(&mia, &["merge_branches"], &[scene.shop, other]).await;
        let permit = scene.permit(&mia, &[scene.shop, other]).await;
        scene.grant(&mia, &["merge_branches"], &[scene.shop]).await;
        let refused = scene.world.store.begin_merge(permit, scene.begun(&mia, &head)).await.unwrap_err();
        assert!(matches!(refused, stoa_storage::Failure::Refused(Refusal::TargetNotAllowed)), "{refused:?}");
        // The permission goes.
        let permit = scene.permit(&mia, &[scene.shop]).await;
        scene.grant(&mia, &["view_projects"], &[scene.shop]).await;
        let refused = scene.world.store.begin_merge(permit, scene.begun(&mia, &head)).await.unwrap_err();
        assert!(matches!(refused, stoa_storage::Failure::Refused(Refusal::PermissionDenied { .. })), "{refused:?}");
        let left = scene.world.store.list_begun_merges(scene.workspace_id(), scene.project_id()).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }

    async fn a_commit_in_between_is_never_lost(scene: Scene) {
        let client = &scene.olga.client;
        let shown = scene.preview(client, "idea").await.expect(200).json();
        let between = scene.work.commit("main", None, &[("between.txt", "x\n")]);
        let wish = json!({
            "source": "idea", "target": "main",
            "source_commit": shown["source"]["commit"], "target_commit": shown["target"]["commit"],
        });
        let refused = scene.ask(client, wish).await.expect(409);
        assert_eq!(refused.code().as_deref(), Some("conflict"));
        assert!(refused.field("detail").contains("Look at the merge again"), "{}", refused.text);
        assert_eq!(scene.work.head("main"), between);
        // A git that was killed holds the branch: said as that, and nothing is left of the merge.
        let lock = scene.folder.path().join(format!("{}.git/refs/heads/main.lock", scene.project));
        std::fs::write(&lock, "").unwrap();
        let refused = scene.merge(client, "idea").await.expect(409);
        assert_eq!(refused.code().as_deref(), Some("conflict"));
        assert!(refused.field("detail").contains("Try again in a moment"), "{}", refused.text);
        std::fs::remove_file(lock).unwrap();
        assert_eq!(scene.work.head("main"), between);
        let left = scene.world.store.list_begun_merges(scene.workspace_id(), scene.project_id()).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
        // Several at once: whoever is told that it was done finds it done.
        for number in 0..4 {
            scene.work.commit(&format!("topic-{number}"), Some("idea"), &[(&format!("t{number}.txt"), "t\n")]);
        }
        let sources = ["topic-0", "topic-1", "topic-2", "topic-3"];
        let answers = futures_util::future::join_all(sources.map(|source| scene.merge(client, source))).await;
        scene.work.fetch("main");
        let mut merged = 0;
        for (source, answer) in sources.iter().zip(answers) {
            match answer.status.as_u16() {
                200 => {
                    merged += 1;
                    let commit = answer.field("commit");
                    let _ = scene.work.git(&["merge-base", "--is-ancestor", &commit, "main"]);
                }
                409 => assert_eq!(answer.code().as_deref(), Some("conflict"), "{}", answer.text),
                _ => panic!("{source}: {}", answer.text),
            }
        }
        assert!(merged >= 1);
        let _ = scene.work.git(&["merge-base", "--is-ancestor", &between, "main"]);
        assert_eq!(scene.merges_in_the_log().await.len(), merged);
        let newest = scene.deployments().await[0].clone();
        assert_eq!(newest["commit"], scene.work.head("main"), "what runs is what the branch holds");
    }

    async fn what_a_crash_has_left_is_found_again_and_is_whose_it_was(scene: Scene) {
        let mia = scene.merger(&[scene.shop]).await;
        let deployments = scene.deployments().await.len();
        // Killed before the branch moved: nothing was merged, and nobody is said to have.
        let permit = scene.permit(&mia, &[scene.shop]).await;
        let unmade = scene.work.head("clash");
        assert_eq!(scene.world.store.begin_merge(permit, scene.begun(&mia, &unmade)).await.unwrap(), Begun::Yes);
        scene.world.app.compare_heads().await.unwrap();
        assert!(scene.merges_in_the_log().await.is_empty());
        // Killed after it moved, before anything was written down; and before that once before it moved, in the same
        // second, so that both made one commit.
        let permit = scene.permit(&mia, &[scene.shop]).await;
        scene.work.fetch("main");
        let _ = scene.work.git(&["merge", "--quiet", "--no-edit", "--no-ff", "idea"]);
        let made = scene.work.git(&["rev-parse", "HEAD"]);
        assert_eq!(scene.world.store.begin_merge(permit, scene.begun(&mia, &made)).await.unwrap(), Begun::Yes);
        let permit = scene.permit(&mia, &[scene.shop]).await;
        assert_eq!(scene.world.store.begin_merge(permit, scene.begun(&mia, &made)).await.unwrap(), Begun::Yes);
        let _ = scene.work.commit("main", None, &[]);
        // The permission is gone by now: what was done was done by right.
        scene.grant(&mia, &["merge_branches"], &[]).await;
        scene.world.app.compare_heads().await.unwrap();
        scene.world.app.compare_heads().await.unwrap();
        let log = scene.merges_in_the_log().await;
        assert_eq!((log.len(), &log[0]["actor_name"]), (1, &json!("Mia Merger")), "{log:?}");
        assert_eq!(log[0]["sentence"], "merged idea into main of Shop");
        let now = scene.deployments().await;
        assert_eq!((now.len(), &now[0]["cause"]), (deployments + 1, &json!("merge")));
        assert_eq!(now[0]["commit"], scene.work.head("main"));
        scene.world.clock.pass_seconds(3601);
        scene.world.app.compare_heads().await.unwrap();
        let left = scene.world.store.list_begun_merges(scene.workspace_id(), scene.project_id()).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(scene.merges_in_the_log().await.len(), 1);
    }

    async fn names_that_no_branch_has_are_refused_each_by_its_field(scene: Scene) {
        let _ = scene.work.git(&["tag", "v1"]);
        let client = &scene.olga.client;
        let before = scene.work.head("main");
        for wrong in ["--upload-pack=touch /tmp/x", "-x", "refs/heads/main", "HEAD", "", "main..idea", "a\nb", "main^{tree}", "@{u}", &before] {
            for (field, body) in [
                ("source", json!({ "source": wrong, "target": "main" })),
                ("target", json!({ "source": "idea", "target": wrong })),
            ] {
                let refused = scene.ask(client, body).await.expect(422);
                assert_eq!(refused.json()["errors"][0]["field"], field, "{wrong:?}: {}", refused.text);
            }
        }
        for unknown in ["nowhere", "v1"] {
            let refused = scene.merge(client, unknown).await.expect(422);
            assert_eq!((&refused.json()["errors"][0]["field"], &refused.json()["errors"][0]["code"]), (&json!("source"), &json!("unknown")));
        }
        let refused = scene.merge(client, "main").await.expect(422);
        assert_eq!(refused.json()["errors"][0]["code"], "same");
        for message in ["a\u{0}b", &"x".repeat(10_001)] {
            let body = json!({ "source": "idea", "target": "main", "message": message });
            assert_eq!(scene.ask(client, body).await.expect(422).json()["errors"][0]["field"], "message");
        }
        let _ = scene.ask(client, json!({ "source": "idea", "target": "main", "force": true })).await.expect(422);
        assert_eq!(scene.work.head("main"), before);
    }

    async fn a_deployed_branch_that_is_deleted_stays_on_the_board(scene: Scene) {
        let mia = scene.merger(&[]).await;
        scene.world.drain().await;
        scene.work.commit("main", None, &[("later.txt", "1\n")]);
        scene.world.app.compare_heads().await.unwrap();
        scene.world.drain().await;
        let bare = scene.folder.path().join(format!("{}.git", scene.project));
        let _ = scene.work.git(&["--git-dir", bare.to_str().unwrap(), "update-ref", "-d", "refs/heads/main"]);
        scene.world.app.compare_heads().await.unwrap();
        let path = scene.path(&format!("/projects/{}/branches", scene.project));
        let board = scene.olga.client.get(&path).await.expect(200).json();
        let main = &board["items"][0];
        assert_eq!((&main["name"], &main["commit"], &main["is_default"]), (&json!("main"), &json!(null), &json!(true)));
        assert_eq!(main["instances"][0]["name"], "Shop");
        assert_eq!(main["blocked"]["merge"]["code"], "conflict");
        let refused = scene.merge(&scene.olga.client, "idea").await.expect(422);
        assert_eq!(refused.json()["errors"][0]["field"], "target");
        // What deploys it goes on. Its next deployment has nothing to deploy: it isn't begun, and why is said.
        let before = scene.deployments().await;
        let deploy = async |body: Value| {
            let path = scene.path(&format!("/instances/{}/deploy", scene.shop));
            scene.olga.client.post(&path, body).await
        };
        let refused = deploy(json!({})).await.expect(409);
        assert_eq!(refused.code().as_deref(), Some("conflict"));
        assert_eq!(refused.field("detail"), "The project has no such branch. Push it first.");
        let shop = scene.olga.client.get(&scene.path(&format!("/instances/{}", scene.shop))).await.expect(200).json();
        assert_eq!((&shop["status"], &shop["job"]), (&json!("running"), &json!(null)));
        assert_eq!(scene.deployments().await, before);
        // How others stand to it nobody can tell.
        for branch in board["items"].as_array().unwrap() {
            assert_eq!((&branch["ahead"], &branch["behind"]), (&json!(null), &json!(null)), "{branch}");
        }
        let commits = scene.olga.client.get(&scene.path(&format!("/projects/{}/commits", scene.project))).await.expect(409);
        assert!(commits.json()["detail"].as_str().unwrap().contains("default branch is gone"), "{}", commits.text);
        // To whoever isn't allowed what deploys it, it is the default one and no more.
        let seen = mia.person.client.get(&path).await.expect(200).json();
        assert_eq!((&seen["items"][0]["instances"], &seen["items"][0]["may"]), (&json!([]), &json!([])));
        // Nor is one of its commits deployed by name: no branch has it. An earlier release is there as before; and the
        // branch, once it is pushed again.
        let refused = deploy(json!({ "commit": before[0]["commit"] })).await.expect(422).json();
        assert_eq!(refused["errors"][0]["detail"], "The instance's branch has no such commit.");
        let _ = deploy(json!({ "release": before[1]["release"] })).await.expect(202);
        scene.world.drain().await;
        scene.work.commit("main", None, &[("again.txt", "1\n")]);
        scene.world.app.compare_heads().await.unwrap();
        scene.world.drain().await;
        let now = scene.deployments().await;
        assert_eq!((now.len(), &now[0]["cause"]), (before.len() + 2, &json!("push")), "{now:?}");
        let _ = deploy(json!({})).await.expect(202);
    }

    async fn a_default_branch_is_one_that_there_is_or_that_is_to_come(scene: Scene) {
        let path = scene.path(&format!("/projects/{}", scene.project));
        let change = async |branch: &str| scene.olga.client.patch(&path, json!({ "default_branch": branch })).await;
        let refused = change("nope").await.expect(422);
        assert_eq!((&refused.json()["errors"][0]["field"], &refused.json()["errors"][0]["code"]), (&json!("default_branch"), &json!("unknown")));
        assert_eq!(scene.olga.client.get(&path).await.expect(200).field("default_branch"), "main");
        assert_eq!(change("idea").await.expect(200).field("default_branch"), "idea");
        let board = scene.olga.client.get(&format!("{path}/branches")).await.expect(200).json();
        assert_eq!((&board["items"][0]["name"], &board["items"][0]["ahead"]), (&json!("idea"), &json!(0)));
        assert!(board["items"][1]["ahead"].is_u64(), "{board}");
        let empty = scene.olga.client.post(&scene.path("/projects"), json!({ "name": "Empty" })).await.expect(201).field("id");
        let path = scene.path(&format!("/projects/{empty}"));
        let named = scene.olga.client.patch(&path, json!({ "default_branch": "trunk" })).await.expect(200);
        assert_eq!(named.field("default_branch"), "trunk");
        let commits = scene.olga.client.get(&format!("{path}/commits")).await.expect(200).json();
        assert_eq!(commits["items"], json!([]));
    }

    async fn a_commit_is_told_to_whoever_sees_the_project(scene: Scene) {
        let mia = scene.merger(&[]).await;
        let idea = scene.work.head("idea");
        let path = |commit: &str| scene.path(&format!("/projects/{}/commits/{commit}", scene.project));
        let told = mia.person.client.get(&path(&idea)).await.expect(200).json();
        assert_eq!((&told["message"], &told["author_name"], &told["file_count"]), (&json!("on idea"), &json!("Anna"), &json!(1)));
        assert_eq!(told["files"][0]["hunks"][0]["lines"], json!(["+1", "+2"]));
        for wrong in ["main", "0000000000000000000000000000000000000000", &idea[..10], "..%2fx"] {
            assert_eq!(mia.person.client.get(&path(wrong)).await.expect(404).code().as_deref(), Some("not_found"));
        }
        let between = |source: &str, target: &str| {
            scene.path(&format!("/projects/{}/difference?source={source}&target={target}", scene.project))
        };
        let told = mia.person.client.get(&between("idea", "main")).await.expect(200).json();
        assert_eq!((&told["file_count"], &told["files"][0]["hunks"][0]["lines"]), (&json!(1), &json!(["+1", "+2"])));
        let refused = mia.person.client.get(&between("idea", "nowhere")).await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], "target");
        let _ = mia.person.client.get(&between("idea", "idea")).await.expect(422);
        scene.grant(&mia, &["merge_branches"], &[]).await;
        let _ = mia.person.client.get(&path(&idea)).await.expect(403);
        let _ = mia.person.client.get(&between("idea", "main")).await.expect(403);
    }
}
