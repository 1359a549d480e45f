//! Administering the installation: what administrators see and do, and what stays closed to them.

use serde_json::{Value, json};
use test_kit::world::{PASSWORD, Person, Wishes};
use test_kit::{Kind, World, on_both_databases};

const WORKSPACES: &str = "/api/v1/administration/workspaces";
const ACCOUNTS: &str = "/api/v1/administration/accounts";

fn account_path(person: &Person) -> String {
    format!("{ACCOUNTS}/{}", person.account)
}

async fn set_status(olga: &Person, of: &Person, status: &str) -> test_kit::Answer {
    olga.client.patch(&account_path(of), json!({ "status": status })).await
}

fn item<'v>(list: &'v Value, name: &str) -> &'v Value {
    let found = list["items"].as_array().unwrap().iter().find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("{name} isn't in {list}"))
}

on_both_databases! {
    async fn an_administrator_sees_a_workspace_from_outside_alone(world: World) {
        let olga = world.set_up().await;
        let hers = world.workspace(&olga, "Acme").await;
        let otto = hers.member("Otto Other").await;
        let other = world.workspace(&otto.person, "Böcklin & Söhne").await;
        let _ = otto.person.client.post(&other.path("/projects"), json!({ "name": "Hidden project" })).await.expect(201);
        let list = olga.client.get(WORKSPACES).await.expect(200).json();
        let seen = item(&list, "Böcklin & Söhne");
        assert_eq!(seen["size"], json!({ "members": 1, "projects": 1, "servers": 0, "instances": 0 }));
        assert_eq!((&seen["owners"][0]["name"], &seen["has_active_owner"]), (&json!("Otto Other"), &json!(true)));
        let keys: std::collections::BTreeSet<&str> = seen.as_object().unwrap().keys().map(String::as_str).collect();
        let all = ["id", "slug", "name", "owners", "has_active_owner", "size", "created_at"];
        assert_eq!(keys, std::collections::BTreeSet::from(all));
        assert!(!list.to_string().contains("Hidden project"));
        // No standing follows from it.
        for rest in ["", "/members", "/projects", "/audit"] {
            assert_eq!(olga.client.get(&other.path(rest)).await.expect(404).code().unwrap(), "not_found");
        }
        assert_eq!(olga.client.delete(&other.path(""), Some(json!({ "confirm": other.slug }))).await.status.as_u16(), 404);
    }

    async fn a_password_that_is_set_on_the_machine_ends_access_tokens(world: World) {
        let olga = world.set_up().await;
        let made = olga.client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201);
        let script = olga.client.with_token(made.field("token"));
        let permit = stoa_domain::AdministratorPermit::on_the_machine("account.reset_password", "root".to_owned());
        let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA".to_owned();
        let _ = world.app.reset_password(permit, olga.account.parse().unwrap(), hash).await.unwrap();
        let _ = script.get("/api/v1/me").await.expect(401);
        let _ = olga.client.get("/api/v1/me").await.expect(401);
    }

    async fn a_lost_second_factor_is_removed_on_the_machine(world: World) {
        let olga = world.set_up().await;
        let tess = world.workspace(&olga, "Acme").await.member("Tess Tester").await.person;
        let _ = world.authenticator(&tess).await;
        let permit = || stoa_domain::AdministratorPermit::on_the_machine("account.remove_second_factor", "root".to_owned());
        let account: stoa_domain::AccountId = tess.account.parse().unwrap();
        let _ = world.app.remove_second_factor(permit(), account).await.unwrap();
        let _ = tess.client.get("/api/v1/me").await.expect(401);
        let signed_in = world.sign_in(&tess.email, PASSWORD).await.expect(200);
        let own = world.nobody().with_cookie(signed_in.cookie().unwrap());
        let seen = own.get("/api/v1/me/second-factor").await.expect(200).json();
        assert_eq!((&seen["authenticator_since"], &seen["recovery_codes_left"]), (&Value::Null, &json!(0)));
        let _ = world.letter(&tess.email, "Your second factor was removed").await;
        let log = world.store.list_audit(stoa_domain::WorkspaceId::INSTALLATION, &Default::default(), 50).await.unwrap();
        let event = log.iter().find(|event| event.action == "account.remove_second_factor").unwrap();
        assert_eq!((event.resource_name.as_deref(), event.detail.as_str()), (Some("Tess Tester"), r#"{"system_user":"root"}"#));
        assert!(log.iter().any(|event| event.action == "account.remove_authenticator"));
        assert!(world.app.remove_second_factor(permit(), account).await.is_err());
    }

    async fn lists_are_searched_and_paged(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        for name in ["Änne B", "Bert", "Änne Ä"] {
            let _ = acme.member(name).await;
        }
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = olga.client.get(&format!("{ACCOUNTS}?limit=2{after}")).await.expect(200).json();
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 2);
            seen.extend(items.iter().map(|one| one["name"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(seen, ["Änne Ä", "Änne B", "Bert", "Olga Owner"]);
        let found = olga.client.get(&format!("{ACCOUNTS}?q=%C3%A4nne")).await.expect(200).json();
        assert_eq!(found["items"].as_array().unwrap().len(), 2, "whatever the case, on both databases: {found}");
        let by_owner = olga.client.get(&format!("{WORKSPACES}?q=OLGA@example")).await.expect(200).json();
        assert_eq!(by_owner["items"][0]["slug"], "acme");
        let none = olga.client.get(&format!("{WORKSPACES}?q=nothing")).await.expect(200).json();
        assert_eq!(none["items"], json!([]));
    }

    async fn disabling_an_account_ends_all_that_it_is_signed_in_by(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tina = acme.member("Tina Tester").await;
        let client = &tina.person.client;
        let _ = client.post("/api/v1/session/confirm", json!({ "password": PASSWORD })).await.expect(204);
        let token = client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201).field("token");
        let by_token = world.nobody().with_token(&token);
        let _ = by_token.get("/api/v1/me").await.expect(200);
        let changed = set_status(&olga, &tina.person, "disabled").await.expect(200).json();
        assert_eq!(changed["status"], "disabled");
        // Owners see it beside the member; the other members aren't told.
        let otto = acme.member("Otto Other").await;
        for (client, told) in [(&olga.client, json!("disabled")), (&otto.person.client, Value::Null)] {
            let members = client.get(&acme.path("/members")).await.expect(200).json();
            let found = members["items"].as_array().unwrap().iter().find(|one| one["id"] == json!(tina.id)).unwrap();
            assert_eq!(found["account"]["status"], told, "{found}");
        }
        for ended in [client, &by_token] {
            assert_eq!(ended.get("/api/v1/me").await.expect(401).code().unwrap(), "unauthenticated");
            assert_eq!(ended.get(&acme.path("")).await.expect(401).code().unwrap(), "unauthenticated");
        }
        assert_eq!(world.sign_in(&tina.person.email, PASSWORD).await.expect(401).code().unwrap(), "unauthenticated");
        // What was ended doesn't come back with the account.
        assert_eq!(set_status(&olga, &tina.person, "active").await.expect(200).json()["status"], "active");
        let _ = client.get("/api/v1/me").await.expect(401);
        let _ = by_token.get("/api/v1/me").await.expect(401);
        let again = world.sign_in(&tina.person.email, PASSWORD).await.expect(200);
        let again = world.nobody().with_cookie(again.cookie().unwrap());
        let _ = again.get(&acme.path("")).await.expect(200);
        // In both logs, once for each change.
        let log = olga.client.get(&acme.path("/audit")).await.expect(200).json();
        let actions: Vec<&str> =
            log["items"].as_array().unwrap().iter().filter_map(|event| event["action"].as_str()).collect();
        assert_eq!(actions.iter().filter(|action| **action == "account.disable").count(), 1, "{actions:?}");
        assert_eq!(actions.iter().filter(|action| **action == "account.enable").count(), 1, "{actions:?}");
        let installation = world.store.list_audit(stoa_domain::WorkspaceId::INSTALLATION, &Default::default(), 50).await.unwrap();
        let disabled: Vec<_> = installation.iter().filter(|event| event.action == "account.disable").collect();
        assert_eq!(disabled.len(), 1);
        assert_eq!((disabled[0].actor_name.as_str(), disabled[0].resource_name.as_deref()), ("Olga Owner", Some("Tina Tester")));
        // The same again changes nothing and is no event.
        let _ = set_status(&olga, &tina.person, "active").await.expect(200);
        let after = world.store.list_audit(stoa_domain::WorkspaceId::INSTALLATION, &Default::default(), 50).await.unwrap();
        assert_eq!(after.iter().filter(|event| event.action == "account.enable").count(), 1);
    }

    async fn an_owner_is_named_only_where_none_is_active(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let (otto, tina) = (acme.member("Otto Owner").await, acme.member("Tina Tester").await);
        let other = world.workspace(&otto.person, "Other").await;
        let path = format!("{WORKSPACES}/{}/owners", other.slug);
        let name = |person: &Person| json!({ "account": person.account });
        let refused = olga.client.post(&path, name(&tina.person)).await.expect(409);
        assert_eq!(refused.code().unwrap(), "conflict");
        // The warning before a last owner is disabled.
        let seen = olga.client.get(&format!("{ACCOUNTS}?q=otto")).await.expect(200).json();
        assert_eq!(item(&seen, "Otto Owner")["last_owner_of"], json!([{ "slug": "other", "name": "Other" }]));
        let _ = set_status(&olga, &otto.person, "disabled").await.expect(200);
        let list = olga.client.get(&format!("{WORKSPACES}?q=other")).await.expect(200).json();
        assert_eq!(item(&list, "Other")["has_active_owner"], false);
        for (body, code) in [
            (json!({ "account": "01890a5d-ac96-774b-bcce-b302099a8057" }), "unknown"),
            (json!({ "account": "tina" }), "unknown"),
            (name(&otto.person), "disabled"),
        ] {
            assert_eq!(olga.client.post(&path, body).await.expect(422).json()["errors"][0]["code"], code);
        }
        let missing = format!("{WORKSPACES}/nowhere/owners");
        assert_eq!(olga.client.post(&missing, name(&tina.person)).await.expect(404).code().unwrap(), "not_found");
        let named = olga.client.post(&path, name(&tina.person)).await.expect(200).json();
        assert_eq!(named["has_active_owner"], true);
        let seen = tina.person.client.get(&other.path("")).await.expect(200).json();
        assert_eq!(seen["role"], "owner");
        // Not the administrator.
        let _ = olga.client.get(&other.path("")).await.expect(404);
        let log = tina.person.client.get(&other.path("/audit?action=workspace.name_owner")).await.expect(200).json();
        assert_eq!(log["items"][0]["resource_name"], "Tina Tester", "{log}");
        assert_eq!(log["items"][0]["address"], Value::Null, "from where it was done is the installation's to know");
        assert_eq!(olga.client.post(&path, name(&tina.person)).await.expect(409).code().unwrap(), "conflict");
    }

    async fn two_administrators_never_disable_one_another(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let otto = acme.member("Otto Owner").await;
        assert_eq!(set_status(&olga, &olga, "disabled").await.expect(409).code().unwrap(), "conflict");
        let machine = stoa_domain::AdministratorPermit::on_the_machine("account.change_administrator", "root".to_owned());
        let account = otto.person.account.parse().unwrap();
        world.app.set_administrator(machine, account, true).await.unwrap();
        let (one, two) =
            tokio::join!(set_status(&olga, &otto.person, "disabled"), set_status(&otto.person, &olga, "disabled"));
        let done = [&one, &two].iter().filter(|answer| answer.status.as_u16() == 200).count();
        assert_eq!(done, 1, "{} {}", one.text, two.text);
    }

    async fn an_open_stream_ends_with_its_account(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tina = acme.member("Tina Tester").await;
        let client = &tina.person.client;
        let request = client.request(http::Method::GET, &acme.path("/events"), None);
        let response = client.open(request).await;
        assert_eq!(response.status().as_u16(), 200);
        let _ = set_status(&olga, &tina.person, "disabled").await.expect(200);
        let body = axum::body::to_bytes(axum::body::Body::new(response.into_body()), 1 << 20).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains("event: end") && text.contains("unauthenticated"), "{text}");
    }

    async fn administrators_alone_create_where_the_operator_says_so(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tina = acme.member("Tina Tester").await;
        for (person, may) in [(&olga, true), (&tina.person, true)] {
            assert_eq!(person.client.get("/api/v1/me").await.expect(200).json()["may_create_workspaces"], may);
        }
        let state = olga.client.get("/api/v1/administration/state").await.expect(200).json();
        assert_eq!(state["workspace_creation"], "everyone");
        assert_eq!(state["counts"], json!({ "accounts": 2, "workspaces": 1, "instances": 0 }));
        assert!(state["storage"]["database_size"].as_i64().unwrap() > 0, "{state}");
        assert_eq!(state["mail"]["server"], "mail.example.com:587");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_create_a_workspace_is_told_before() {
    use stoa_app::settings::WorkspaceCreation;
    let wishes =
        Wishes { mail: false, workspace_creation: WorkspaceCreation::Administrators, ..Wishes::default() };
    let world = World::with(Kind::Sqlite, wishes).await;
    let olga = world.set_up().await;
    let acme = world.workspace(&olga, "Acme").await;
    let made = olga
        .client
        .post(&acme.path("/invitations"), json!({ "email": "tina@example.com" }))
        .await
        .expect(201);
    let token = made.field("link").rsplit('/').next().unwrap().to_owned();
    let joined = world
        .nobody()
        .post(&format!("/api/v1/invitations/{token}/accept"), json!({ "name": "Tina", "password": PASSWORD }))
        .await
        .expect(200);
    let tina = world.nobody().with_cookie(joined.cookie().unwrap());
    assert_eq!(tina.get("/api/v1/me").await.expect(200).json()["may_create_workspaces"], false);
    let refused = tina.post("/api/v1/workspaces", json!({ "name": "Hers" })).await.expect(403);
    assert_eq!(refused.code().unwrap(), "administrator_required");
    let state = olga.client.get("/api/v1/administration/state").await.expect(200).json();
    assert_eq!(
        (&state["workspace_creation"], &state["mail"]["is_configured"]),
        (&json!("administrators"), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_mail_server_said_last_is_told_to_administrators() {
    let world = World::on(Kind::Sqlite).await;
    let olga = world.set_up().await;
    let acme = world.workspace(&olga, "Acme").await;
    let _ =
        olga.client.post(&acme.path("/invitations"), json!({ "email": "a@example.com" })).await.expect(201);
    world.mail.answer_next(stoa_app::ports::Delivery::Waiting("421 Try later".to_owned()));
    assert!(world.app.send_next().await.unwrap());
    let mail = olga.client.get("/api/v1/administration/state").await.expect(200).json()["mail"].clone();
    assert_eq!((&mail["waiting"], &mail["last_error"]["detail"]), (&json!(1), &json!("421 Try later")));
    assert_eq!(mail["last_error"]["is_given_up"], false);
}
