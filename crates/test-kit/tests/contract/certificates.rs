//! Certificates of hosts: which are asked for and when, how often at most, what is kept of them, and what is told.

use serde_json::{Value, json};
use stoa_app::certificate::CertificateScope;
use stoa_app::ports::{Clock as _, IssueProblem};
use stoa_domain::certificate::Trouble;
use stoa_storage::certificate::tries::FailedCertificate;
use test_kit::Client;
use test_kit::on_both_databases;
use test_kit::world::{PASSWORD, Person, Workspace, World as TheWorld};

const DAY: i64 = 24 * 3600;

/// The path of the settings of a running instance.
async fn made(workspace: &Workspace<'_>, name: &str) -> String {
    let server = workspace.server().await;
    made_on(workspace, &server, name).await
}

async fn made_on(workspace: &Workspace<'_>, server: &str, name: &str) -> String {
    let project = workspace.project(name, &["main"]).await;
    let instance = workspace.instance(&project, server, name, "staging", "main").await;
    workspace.path(&format!("/instances/{instance}/settings"))
}

/// Domains alone.
fn domains() -> CertificateScope {
    CertificateScope { public: None, given: false }
}

/// Makes these all the instance's domains, each proved.
async fn prove(world: &TheWorld, client: &Client, path: &str, hosts: &[&str]) {
    let wanted: Vec<Value> = hosts.iter().map(|host| json!({ "host": host })).collect();
    let seen = client.patch(path, json!({ "domains": wanted })).await.expect(200).json();
    for domain in seen["domains"].as_array().unwrap() {
        let (name, proof) = (domain["proof_name"].as_str().unwrap(), domain["proof"].as_str().unwrap());
        world.names.set(name, &[proof]);
    }
    world.clock.pass_seconds(61);
    for _ in 0..hosts.len() {
        world.app.check_due_domains().await.unwrap();
    }
}

async fn domain(client: &Client, path: &str, number: usize) -> Value {
    client.get(path).await.expect(200).json()["domains"][number].clone()
}

/// Asks until nothing more is asked for, and tells what was.
async fn ask_all(world: &TheWorld, scope: &CertificateScope) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        world.app.issue_due(scope).await.unwrap();
        let asked = world.certificates.take_asked();
        if asked.is_empty() {
            return all;
        }
        all.extend(asked.into_iter().map(|(host, _)| host));
    }
}

async fn served(world: &TheWorld, scope: &CertificateScope) -> Vec<String> {
    world.app.list_certificates(scope).await.unwrap().into_iter().map(|(host, _)| host).collect()
}

/// Signed in again, after longer than a session lasts.
async fn again(world: &TheWorld, person: &Person) -> Client {
    let answer = world.sign_in(&person.email, PASSWORD).await.expect(200);
    world.nobody().with_cookie(answer.cookie().unwrap())
}

fn refusal(trouble: Trouble, retry_after: Option<i64>) -> IssueProblem {
    IssueProblem { trouble, detail: "it isn't reached".to_owned(), retry_after, is_account_unknown: false }
}

on_both_databases! {
    async fn hosts_that_serve_get_certificates_and_their_keys_are_sealed(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = made(&workspace, "Shop").await;
        let scope = CertificateScope { public: Some("stoa.example".to_owned()), given: true };
        world.certificates.set_now(world.clock.now());
        let claimed = olga.client.patch(&path, json!({ "domains": [{ "host": "shop.example.org" }] })).await.expect(200).json();
        assert_eq!(claimed["domains"][0]["certificate"], Value::Null);
        world.app.issue_due(&scope).await.unwrap();
        let asked: Vec<String> = world.certificates.take_asked().into_iter().map(|(host, _)| host).collect();
        assert_eq!(asked, ["shop-acme.localhost", "stoa.example"], "a domain that isn't proved has none");
        prove(&world, &olga.client, &path, &["shop.example.org"]).await;
        world.app.issue_due(&scope).await.unwrap();
        assert_eq!(world.certificates.take_asked(), [("shop.example.org".to_owned(), true)], "with the account that was made");
        let seen = olga.client.get(&path).await.expect(200).json();
        for certificate in [&seen["domains"][0]["certificate"], &seen["certificate"]] {
            assert!(certificate["ends_at"].is_string() && certificate["trouble"].is_null(), "{seen}");
        }
        let (chain, key) = world.app.open_certificate("shop.example.org").await.unwrap().unwrap();
        assert_eq!((chain.as_str(), key.reveal_text()), ("chain of shop.example.org", Some("canary key of shop.example.org")));
        if matches!(world.place(), stoa_storage::Place::Sqlite(_)) {
            assert!(!world.dump(&[]).await.contains("canary"), "neither a key nor the account is to be read");
        }
        let audit = olga.client.get(&workspace.path("/audit?action=certificate.issue")).await.expect(200).json();
        assert_eq!(audit["items"].as_array().unwrap().len(), 2);
        assert_eq!(audit["items"][0]["sentence"], "had a certificate issued for shop.example.org");
        // What proves something is there for its host alone, and for minutes.
        let token = "token-of-shop-example-org";
        let find = async |host: &str| world.app.find_challenge(host, token).await.unwrap();
        assert_eq!(find("shop.example.org").await.as_deref(), Some("answer for shop.example.org"));
        assert_eq!(find("stoa.example").await, None);
        world.clock.pass_seconds(601);
        assert_eq!(find("shop.example.org").await, None);
        assert_eq!(world.app.find_challenge("shop.example.org", "../x").await.unwrap(), None);
    }

    async fn a_host_that_leads_elsewhere_is_asked_for_once_it_leads_here(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = made(&workspace, "Shop").await;
        world.names.point("shop.example.org", Some(&["203.0.113.9"]));
        prove(&world, &olga.client, &path, &["shop.example.org"]).await;
        assert_eq!(ask_all(&world, &domains()).await, [""; 0]);
        let seen = domain(&olga.client, &path, 0).await;
        assert_eq!((&seen["leads"], &seen["leads_to"], &seen["should_lead_to"]), (&json!("elsewhere"), &json!(["203.0.113.9"]), &json!(["127.0.0.1"])));
        assert_eq!(seen["certificate"]["trouble"], "dns");
        assert_eq!(seen["certificate"]["problem"], "shop.example.org points to 203.0.113.9, and should point to 127.0.0.1");
        // Whoever may not look isn't told which domains there are, by whatever name they guess.
        let member = workspace.member("Nora").await;
        let instance = olga.client.get(path.trim_end_matches("/settings")).await.expect(200).field("id");
        workspace.grant(&member, json!({ "actions": ["view_logs"], "instances": [instance] })).await;
        let mut told = Vec::new();
        for host in ["shop.example.org", "nobodys.example.org"] {
            let check = format!("{path}/domains/{host}/check");
            told.push(member.person.client.post(&check, json!({})).await.expect(403).text);
            assert_eq!(olga.client.post(&check.replace(host, "nobodys.example.org"), json!({})).await.expect(404).code().as_deref(), Some("not_found"));
        }
        assert_eq!(told[0], told[1]);
        // One address of two is enough to fail.
        world.names.point("shop.example.org", Some(&["127.0.0.1", "2001:db8::9"]));
        let check = format!("{path}/domains/shop.example.org/check");
        let checked = olga.client.post(&check, json!({})).await.expect(200).json();
        assert_eq!(checked["leads"], "elsewhere");
        assert_eq!(ask_all(&world, &domains()).await, [""; 0]);
        world.names.point("shop.example.org", Some(&[]));
        assert_eq!(olga.client.post(&check, json!({})).await.expect(200).json()["leads"], "nowhere");
        assert_eq!(ask_all(&world, &domains()).await, [""; 0]);
        // Whoever has mended it and looks doesn't wait.
        world.names.point("shop.example.org", Some(&["127.0.0.1"]));
        assert_eq!(ask_all(&world, &domains()).await, [""; 0], "not before its time");
        assert_eq!(olga.client.post(&check, json!({})).await.expect(200).json()["leads"], "here");
        assert_eq!(ask_all(&world, &domains()).await, ["shop.example.org"]);
        let audit = olga.client.get(&workspace.path("/audit?action=certificate.refuse")).await.expect(200).json();
        assert_eq!(audit["items"], json!([]), "nobody refused anything");
    }

    async fn what_is_mended_while_it_is_tried_is_tried_again_at_once(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = made(&workspace, "Shop").await;
        prove(&world, &olga.client, &path, &["shop.example.org"]).await;
        let check = format!("{path}/domains/shop.example.org/check");
        world.store.want_certificates(&domains(), "https://acme.example/directory").await.unwrap();
        let due = async || world.store.list_due_certificates(&domains(), 9, 9).await.unwrap();
        let claim = async || world.store.claim_certificate(due().await.remove(0)).await.unwrap().unwrap();
        let fails = async |claimed, trouble| {
            let next_at = world.clock.now().plus_seconds(DAY);
            let failed = FailedCertificate { trouble, problem: "x".to_owned(), failures: 1, next_at };
            world.store.certificate_failed(&claimed, failed).await.unwrap();
        };
        // The first try, and a later one: it looked before the DNS was mended.
        for _ in 0..2 {
            let claimed = claim().await;
            world.clock.pass_seconds(1);
            assert_eq!(olga.client.post(&check, json!({})).await.expect(200).json()["leads"], "here");
            assert!(due().await.is_empty(), "one is on its way");
            world.clock.pass_seconds(1);
            fails(claimed, Trouble::Dns).await;
        }
        // Nobody has looked since it began.
        let claimed = claim().await;
        world.clock.pass_seconds(1);
        fails(claimed, Trouble::Dns).await;
        assert!(due().await.is_empty(), "it has its pause");
        // What the authority refuses keeps its pause, whoever looks.
        world.clock.pass_seconds(DAY);
        let claimed = claim().await;
        world.clock.pass_seconds(1);
        let _ = olga.client.post(&check, json!({})).await.expect(200);
        fails(claimed, Trouble::Refused).await;
        assert!(due().await.is_empty());
    }

    async fn after_a_refusal_it_is_asked_less_and_less_and_told_why(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = made(&workspace, "Shop").await;
        prove(&world, &olga.client, &path, &["shop.example.org"]).await;
        world.certificates.refuse(Some(refusal(Trouble::Refused, None)));
        assert_eq!(ask_all(&world, &domains()).await.len(), 1);
        let told = domain(&olga.client, &path, 0).await["certificate"].clone();
        assert_eq!((&told["trouble"], &told["problem"], &told["ends_at"]), (&json!("refused"), &json!("it isn't reached"), &Value::Null));
        let check = format!("{path}/domains/shop.example.org/check");
        let _ = olga.client.post(&check, json!({})).await.expect(200);
        assert!(ask_all(&world, &domains()).await.is_empty(), "a look doesn't shorten the authority's rest");
        // Minute by minute for an hour, then hour by hour for a day.
        let mut tries = 0;
        for _ in 0..60 {
            world.clock.pass_seconds(60);
            tries += ask_all(&world, &domains()).await.len();
        }
        assert_eq!(tries, 2);
        for _ in 0..24 {
            world.clock.pass_seconds(3600);
            tries += ask_all(&world, &domains()).await.len();
        }
        assert_eq!(tries, 4);
        let audit = olga.client.get(&workspace.path("/audit?action=certificate.refuse")).await.expect(200).json();
        assert_eq!(audit["items"].as_array().unwrap().len(), 1, "once, and not each time");
        // As long as the authority says.
        world.certificates.refuse(Some(refusal(Trouble::Limited, Some(3 * DAY))));
        world.clock.pass_seconds(2 * DAY);
        assert_eq!(ask_all(&world, &domains()).await.len(), 1);
        world.certificates.refuse(None);
        world.clock.pass_seconds(3 * DAY - 60);
        assert!(ask_all(&world, &domains()).await.is_empty());
        world.clock.pass_seconds(61);
        world.certificates.set_now(world.clock.now());
        assert_eq!(ask_all(&world, &domains()).await.len(), 1);
        let told = domain(&again(&world, &olga).await, &path, 0).await["certificate"].clone();
        assert!(told["ends_at"].is_string() && told["trouble"].is_null() && told["problem"].is_null(), "{told}");
    }

    async fn a_certificate_is_renewed_in_time_and_counts_while_that_fails(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = made(&workspace, "Shop").await;
        prove(&world, &olga.client, &path, &["shop.example.org"]).await;
        world.certificates.set_now(world.clock.now());
        assert_eq!(ask_all(&world, &domains()).await.len(), 1);
        world.clock.pass_seconds(59 * DAY);
        assert!(ask_all(&world, &domains()).await.is_empty());
        world.certificates.refuse(Some(refusal(Trouble::Away, None)));
        world.clock.pass_seconds(2 * DAY);
        assert_eq!(ask_all(&world, &domains()).await.len(), 1);
        let told = domain(&again(&world, &olga).await, &path, 0).await["certificate"].clone();
        assert!(told["ends_at"].is_string() && told["trouble"] == "away", "{told}");
        assert_eq!(served(&world, &domains()).await, ["shop.example.org"]);
        world.certificates.refuse(None);
        world.certificates.set_now(world.clock.now());
        world.clock.pass_seconds(3600);
        assert_eq!(ask_all(&world, &domains()).await.len(), 1);
        let renewed = domain(&again(&world, &olga).await, &path, 0).await["certificate"].clone();
        assert!(renewed["ends_at"].as_str() > told["ends_at"].as_str() && renewed["trouble"].is_null(), "{renewed}");
    }

    async fn one_asks_at_a_time_and_what_comes_too_late_isnt_taken(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = made(&workspace, "Shop").await;
        prove(&world, &olga.client, &path, &["shop.example.org"]).await;
        world.certificates.close();
        let rounds: Vec<_> = (0..4)
            .map(|_| {
                let app = world.app.clone();
                tokio::spawn(async move { app.issue_due(&domains()).await.unwrap() })
            })
            .collect();
        while world.certificates.count_asked() == 0 {
            tokio::task::yield_now().await;
        }
        // Another process's round, while the first is being answered.
        world.app.issue_due(&domains()).await.unwrap();
        world.certificates.open();
        for round in rounds {
            round.await.unwrap();
        }
        assert_eq!(world.certificates.take_asked().len(), 1);
        // Whoever was held up for longer than its lease finds that somebody else went on.
        world.clock.pass_seconds(61 * DAY);
        let due = world.store.list_due_certificates(&domains(), 2, 9).await.unwrap().remove(0);
        let first = world.store.claim_certificate(due.clone()).await.unwrap().unwrap();
        assert!(world.store.claim_certificate(due.clone()).await.unwrap().is_none());
        world.clock.pass_seconds(421);
        let second = world.store.claim_certificate(due).await.unwrap().unwrap();
        let issued = |chain: &str| stoa_storage::certificate::tries::IssuedCertificate {
            chain: chain.to_owned(),
            private_key: vec![1],
            directory: "https://authority.example/directory".to_owned(),
            ends_at: world.clock.now().plus_seconds(90 * DAY),
            renew_at: world.clock.now().plus_seconds(60 * DAY),
        };
        let id = uuid::Uuid::from_u128(1);
        assert!(!world.store.certificate_issued(&first, id, issued("late")).await.unwrap());
        assert!(world.store.certificate_issued(&second, id, issued("in time")).await.unwrap());
        assert_eq!(world.store.find_certificate("shop.example.org").await.unwrap().unwrap().0, "in time");
    }

    async fn a_proof_that_is_gone_ends_what_is_served_and_a_domain_that_is_gone_ends_its_key(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = made(&workspace, "Shop").await;
        prove(&world, &olga.client, &path, &["shop.example.org"]).await;
        world.certificates.set_now(world.clock.now());
        assert_eq!(ask_all(&world, &domains()).await.len(), 1);
        assert_eq!(served(&world, &domains()).await, ["shop.example.org"]);
        let proof = domain(&olga.client, &path, 0).await["proof"].as_str().unwrap().to_owned();
        let check = format!("{path}/domains/shop.example.org/check");
        world.names.set("_stoa.shop.example.org", &[]);
        let _ = olga.client.post(&check, json!({})).await.expect(200);
        assert!(served(&world, &domains()).await.is_empty());
        world.clock.pass_seconds(61 * DAY);
        assert!(ask_all(&world, &domains()).await.is_empty(), "nor is it renewed");
        let client = again(&world, &olga).await;
        world.names.set("_stoa.shop.example.org", &[&proof]);
        let _ = client.post(&check, json!({})).await.expect(200);
        assert_eq!(served(&world, &domains()).await, ["shop.example.org"], "it has its own again");
        let _ = client.patch(&path, json!({ "domains": [] })).await.expect(200);
        assert!(world.store.find_certificate("shop.example.org").await.unwrap().is_none(), "its key went with it");
        // So it does with an instance.
        prove(&world, &client, &path, &["shop.example.org"]).await;
        assert_eq!(ask_all(&world, &domains()).await.len(), 1);
        let instance = path.trim_end_matches("/settings");
        let _ = client.delete(instance, Some(json!({ "confirm": "Shop" }))).await.expect(202);
        world.drain().await;
        world.app.issue_due(&domains()).await.unwrap();
        assert!(world.store.find_certificate("shop.example.org").await.unwrap().is_none());
    }

    async fn nobody_asks_oftener_by_taking_a_domain_away_and_adding_it_again(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = made(&workspace, "Shop").await;
        world.certificates.set_now(world.clock.now());
        let mut tries = 0;
        for _ in 0..8 {
            prove(&world, &olga.client, &path, &["shop.example.org"]).await;
            tries += ask_all(&world, &domains()).await.len();
            let _ = olga.client.patch(&path, json!({ "domains": [] })).await.expect(200);
            world.clock.pass_seconds(600);
        }
        assert_eq!(tries, 4);
        prove(&world, &olga.client, &path, &["shop.example.org"]).await;
        assert!(ask_all(&world, &domains()).await.is_empty());
        let told = domain(&olga.client, &path, 0).await["certificate"].clone();
        assert_eq!(told["trouble"], "waits");
        assert_eq!(told["problem"], "no more than 4 certificates for this name in a week, so that there is room for others");
        world.clock.pass_seconds(8 * DAY);
        world.certificates.set_now(world.clock.now());
        assert_eq!(ask_all(&world, &domains()).await.len(), 1);
    }

    async fn a_workspace_that_asks_for_many_leaves_room_for_another(world: World) {
        let olga = world.set_up().await;
        let many = world.workspace(&olga, "Many").await;
        let few = world.workspace(&olga, "Few").await;
        let server = many.server().await;
        let (path, other) = (made_on(&many, &server, "Shop").await, made(&few, "Blog").await);
        world.certificates.set_now(world.clock.now());
        let hosts: Vec<String> = (0..19).map(|number| format!("shop-{number}.example.org")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        prove(&world, &olga.client, &path, &hosts).await;
        assert_eq!(ask_all(&world, &domains()).await.len(), 19);
        let more = made_on(&many, &server, "More").await;
        prove(&world, &olga.client, &more, &["a.example.org", "b.example.org", "c.example.org"]).await;
        prove(&world, &olga.client, &other, &["blog.example.org"]).await;
        let asked = ask_all(&world, &domains()).await;
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(asked.contains(&"blog.example.org".to_owned()), "{asked:?}");
        let told: Vec<Value> = olga.client.get(&more).await.expect(200).json()["domains"].as_array().unwrap().clone();
        let waiting = told.iter().filter(|one| one["certificate"]["trouble"] == "waits").count();
        assert_eq!(waiting, 2, "{told:?}");
        world.clock.pass_seconds(3700);
        assert_eq!(ask_all(&world, &domains()).await.len(), 2);
    }

    async fn another_authority_is_asked_for_all_of_it_anew(world: World) {
        let scope = CertificateScope { public: Some("stoa.example".to_owned()), given: false };
        world.certificates.set_now(world.clock.now());
        assert_eq!(ask_all(&world, &scope).await, ["stoa.example"]);
        world.certificates.move_to("https://other.example/directory");
        world.app.issue_due(&scope).await.unwrap();
        assert_eq!(world.certificates.take_asked(), [("stoa.example".to_owned(), false)], "with an account there");
        assert!(ask_all(&world, &scope).await.is_empty());
        world.certificates.refuse(Some(refusal(Trouble::Refused, None)));
        world.certificates.move_to("https://third.example/directory");
        assert_eq!(ask_all(&world, &scope).await.len(), 1, "and is left alone after a refusal as any other");
        assert_eq!(served(&world, &scope).await, ["stoa.example"]);
    }

    async fn an_account_that_the_authority_forgot_is_made_anew(world: World) {
        let scope = CertificateScope { public: Some("stoa.example".to_owned()), given: false };
        let mut unknown = refusal(Trouble::Away, None);
        world.app.issue_due(&scope).await.unwrap();
        assert_eq!(world.certificates.take_asked(), [("stoa.example".to_owned(), false)]);
        unknown.is_account_unknown = true;
        world.certificates.refuse(Some(unknown));
        world.clock.pass_seconds(61 * DAY);
        world.app.issue_due(&scope).await.unwrap();
        assert_eq!(world.certificates.take_asked(), [("stoa.example".to_owned(), true)]);
        world.certificates.refuse(None);
        world.clock.pass_seconds(3600);
        world.app.issue_due(&scope).await.unwrap();
        assert_eq!(world.certificates.take_asked(), [("stoa.example".to_owned(), false)]);
    }
}
