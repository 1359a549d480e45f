//! Invitations: what a link tells, to whom, and whom it lets in.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use test_kit::world::{PASSWORD, Wishes, Workspace};
use test_kit::{Client, Kind, Stream, World, on_both_databases};
use tokio_util::sync::CancellationToken;

async fn invite(workspace: &Workspace<'_>, email: &str) -> Value {
    workspace
        .owner
        .client
        .post(&workspace.path("/invitations"), json!({ "email": email }))
        .await
        .expect(201)
        .json()
}

/// Far longer than anything takes: what isn't there by then won't come.
const LONGEST: Duration = Duration::from_secs(60);

fn person(name: &str) -> Value {
    json!({ "name": name, "password": PASSWORD })
}

on_both_databases! {
    async fn a_link_that_went_by_mail_says_whether_the_address_has_an_account(world: World) {
        let olga = world.set_up().await;
        let (one, other) = (world.workspace(&olga, "One").await, world.workspace(&olga, "Other").await);
        let made = invite(&one, "Anna@Example.com").await;
        assert_eq!((&made["status"], &made["link"]), (&json!("pending"), &Value::Null), "the link is in the mail alone");
        let link = one.link_of("anna@example.com").await;
        let page = world.nobody().get(&format!("/api/v1/invitations/{link}")).await.expect(200);
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let page = page.json();
        assert_eq!((&page["workspace"]["name"], &page["invited_by"]), (&json!("One"), &json!("Olga Owner")));
        assert_eq!(page["account_exists"], false);
        let path = format!("/api/v1/invitations/{link}/accept");
        let joined = world.nobody().post(&path, person("Anna")).await.expect(200);
        let anna = world.nobody().with_cookie(joined.cookie().unwrap());
        assert_eq!(anna.get("/api/v1/me").await.expect(200).json()["email_verified"], true);
        let seen = anna.get(&one.path("")).await.expect(200).json();
        assert_eq!(seen["permissions"], json!({ "actions": [], "projects": [], "instances": [], "servers": [] }));
        // The same address once more: nothing but signing in to it accepts.
        let _ = invite(&other, "anna@example.com").await;
        let link = other.link_of("anna@example.com").await;
        assert_eq!(world.nobody().get(&format!("/api/v1/invitations/{link}")).await.expect(200).json()["account_exists"], true);
        let path = format!("/api/v1/invitations/{link}/accept");
        let taken = json!({ "name": "Eve", "password": "a password of eve's own" });
        assert_eq!(world.nobody().post(&path, taken).await.expect(401).code().unwrap(), "unauthenticated");
        assert_eq!(world.nobody().post(&path, json!({})).await.expect(401).code().unwrap(), "unauthenticated");
        let _ = world.sign_in("anna@example.com", PASSWORD).await.expect(200);
        assert_eq!(olga.client.post(&path, json!({})).await.expect(403).code().unwrap(), "wrong_account");
        assert_eq!(anna.post(&path, json!({})).await.expect(200).json()["workspace"]["slug"], "other");
        // What the link is comes before what is sent to it.
        for body in [json!({}), json!({ "name": "Anna" }), json!({ "color": "red" }), json!([])] {
            assert_eq!(anna.post(&path, body).await.expect(410).code().unwrap(), "invitation_used");
        }
        let _ = anna.send(Method::POST, &path, None).await.expect(410);
        let _ = anna.post(&path.replace(&link, "unknown"), json!([])).await.expect(404);
    }

    async fn one_invitation_makes_one_membership(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let _ = invite(&workspace, "anna@example.com").await;
        let path = format!("/api/v1/invitations/{}/accept", workspace.link_of("anna@example.com").await);
        let nobody = world.nobody();
        let (one, other) = tokio::join!(nobody.post(&path, person("Anna")), nobody.post(&path, person("Other")));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert!(statuses[0] == 200 && matches!(statuses[1], 401 | 410), "{} {}", one.text, other.text);
        let members = olga.client.get(&workspace.path("/members?q=anna@example.com")).await.expect(200).json();
        assert_eq!(members["items"].as_array().unwrap().len(), 1);
    }

    async fn an_invitation_ends_with_its_inviters_ownership(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let otto = workspace.member("Otto Owner").await;
        workspace.make_owner(&otto).await;
        let path = workspace.path("/invitations");
        let _ = otto.person.client.post(&path, json!({ "email": "anna@example.com" })).await.expect(201);
        let link = workspace.link_of("anna@example.com").await;
        let member = workspace.path(&format!("/members/{}", otto.id));
        let _ = olga.client.patch(&member, json!({ "role": "member" })).await.expect(200);
        let page = format!("/api/v1/invitations/{link}");
        assert_eq!(world.nobody().get(&page).await.expect(410).code().unwrap(), "invitation_revoked");
        let refused = world.nobody().post(&format!("{page}/accept"), person("Anna")).await.expect(410);
        assert_eq!(refused.code().unwrap(), "invitation_revoked");
        let log = olga.client.get(&workspace.path("/audit?action=invitation.revoke")).await.expect(200).json();
        assert_eq!(log["items"][0]["sentence"], "revoked the invitation of anna@example.com", "{log}");
        assert_eq!(log["items"][0]["actor_name"], "Olga Owner");
        // It stands in nobody's way, and doesn't come back with the inviter.
        assert_eq!(olga.client.get(&path).await.expect(200).json()["items"], json!([]));
        let _ = olga.client.post(&path, json!({ "email": "anna@example.com" })).await.expect(201);
        workspace.make_owner(&otto).await;
        let _ = world.nobody().get(&page).await.expect(410);
    }

    async fn after_a_restore_an_invitation_says_that_its_link_is_void(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let made = invite(&workspace, "anna@example.com").await;
        let page = format!("/api/v1/invitations/{}", workspace.link_of("anna@example.com").await);
        let listed = async |client: &Client| client.get(&workspace.path("/invitations")).await.expect(200).json()["items"][0].clone();
        assert_eq!((&listed(&olga.client).await["status"], &listed(&olga.client).await["mail"]["status"]), (&json!("pending"), &json!("sent")));
        let _ = world.store.begin_epoch().await.unwrap();
        let again = world.sign_in(&olga.email, PASSWORD).await.expect(200);
        let owner = world.nobody().with_cookie(again.cookie().unwrap());
        let _ = world.nobody().get(&page).await.expect(410);
        assert_eq!(listed(&owner).await["status"], "expired");
        // What to do is what is done about any that has expired.
        let path = workspace.path(&format!("/invitations/{}/resend", made["id"].as_str().unwrap()));
        assert_eq!(owner.post(&path, json!({})).await.expect(200).field("status"), "pending");
        let page = format!("/api/v1/invitations/{}", workspace.link_of("anna@example.com").await);
        let _ = world.nobody().get(&page).await.expect(200);
    }

    async fn an_invitation_that_was_refused_counts_against_nobody(world: World) {
        let olga = world.set_up().await;
        let one = world.workspace(&olga, "One").await;
        let _ = olga.client.post(&one.path("/invitations"), json!({ "email": "anna@example.com" })).await.expect(201);
        for _ in 0..12 {
            let again = olga.client.post(&one.path("/invitations"), json!({ "email": "anna@example.com" })).await;
            assert_eq!(again.expect(409).code().unwrap(), "invitation_pending");
        }
        let other = world.workspace(&olga, "Other").await;
        let _ = olga.client.post(&other.path("/invitations"), json!({ "email": "anna@example.com" })).await.expect(201);
    }

    async fn addresses_are_compared_in_one_form(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/invitations");
        let _ = invite(&workspace, "anna@example.com").await;
        for same in ["ANNA@example.com", " anna@example.com ", "anna@EXAMPLE.com", "ａｎｎａ@example.com"] {
            let answer = olga.client.post(&path, json!({ "email": same })).await;
            let code = answer.code().unwrap_or_default();
            // In one form, or none at all.
            assert!(matches!(code.as_str(), "invitation_pending" | "invalid"), "{same}: {}", answer.text);
        }
        for wrong in ["anna", "@example.com", "anna@", "anna@exa mple.com", "a@b@c.example", "anna@example.com\r\nBcc: x@y.example", ""] {
            let refused = olga.client.post(&path, json!({ "email": wrong })).await.expect(422);
            assert_eq!(refused.json()["errors"][0]["field"], "email", "{wrong:?}");
        }
        assert_eq!(olga.client.post(&path, json!({ "email": "olga@example.com" })).await.expect(409).code().unwrap(), "already_member");
    }

    async fn of_two_who_invite_one_address_at_once_one_is_told(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let otto = workspace.member("Otto Owner").await;
        workspace.make_owner(&otto).await;
        let (path, body) = (workspace.path("/invitations"), json!({ "email": "anna@example.com" }));
        let (one, other) =
            tokio::join!(olga.client.post(&path, body.clone()), otto.person.client.post(&path, body.clone()));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", one.text, other.text);
        let refused = if one.status.as_u16() == 409 { one } else { other };
        assert_eq!(refused.code().unwrap(), "invitation_pending");
        world.send_mails().await;
        assert_eq!(world.mail.sent().iter().filter(|letter| letter.to == "anna@example.com").count(), 1);
    }

    async fn a_link_that_ran_out_says_so_and_a_resend_brings_a_new_one(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let made = invite(&workspace, "anna@example.com").await;
        let old = format!("/api/v1/invitations/{}", workspace.link_of("anna@example.com").await);
        world.clock.pass_seconds(6 * 24 * 3600);
        let _ = world.nobody().get(&old).await.expect(200);
        world.clock.pass_seconds(24 * 3600);
        assert_eq!(world.nobody().get(&old).await.expect(410).code().unwrap(), "invitation_expired");
        let refused = world.nobody().post(&format!("{old}/accept"), person("Anna")).await.expect(410);
        assert_eq!(refused.code().unwrap(), "invitation_expired");
        let olga = world.nobody().with_cookie(world.sign_in("olga@example.com", PASSWORD).await.expect(200).cookie().unwrap());
        let listed = olga.get(&workspace.path("/invitations")).await.expect(200).json();
        assert_eq!(listed["items"][0]["status"], "expired");
        let resend = workspace.path(&format!("/invitations/{}/resend", made["id"].as_str().unwrap()));
        assert_eq!(olga.post(&resend, json!({})).await.expect(200).json()["status"], "pending");
        assert_eq!(world.nobody().get(&old).await.expect(410).code().unwrap(), "invitation_replaced");
        let new = workspace.link_of("anna@example.com").await;
        let _ = world.nobody().post(&format!("/api/v1/invitations/{new}/accept"), person("Anna")).await.expect(200);
    }

    async fn a_link_that_a_restore_ended_says_so_until_another_one_is_sent(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let made = invite(&workspace, "anna@example.com").await;
        let resend = workspace.path(&format!("/invitations/{}/resend", made["id"].as_str().unwrap()));
        let first = format!("/api/v1/invitations/{}", workspace.link_of("anna@example.com").await);
        let _ = olga.client.post(&resend, json!({})).await.expect(200);
        let second = format!("/api/v1/invitations/{}", workspace.link_of("anna@example.com").await);
        let why = async |page: &str| world.nobody().get(page).await.expect(410).code().unwrap().to_owned();
        assert_eq!(why(&first).await, "invitation_replaced");
        let _ = world.store.begin_epoch().await.unwrap();
        // There is no newer one to use: not for the first either.
        for page in [&first, &second] {
            assert_eq!(why(page).await, "invitation_voided");
            let refused = world.nobody().post(&format!("{page}/accept"), person("Anna")).await.expect(410);
            assert_eq!(refused.code().unwrap(), "invitation_voided");
        }
        let olga = world.nobody().with_cookie(world.sign_in("olga@example.com", PASSWORD).await.expect(200).cookie().unwrap());
        let _ = olga.post(&resend, json!({})).await.expect(200);
        assert_eq!(why(&second).await, "invitation_replaced");
        let new = workspace.link_of("anna@example.com").await;
        let _ = world.nobody().post(&format!("/api/v1/invitations/{new}/accept"), person("Anna")).await.expect(200);
        assert_eq!(why(&second).await, "invitation_used");
    }

    async fn a_message_goes_along_as_plain_text(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/invitations");
        let body = json!({ "email": "anna@example.com", "message": " Hello <b>Anna</b>\r\n\r\n\r\nsee http://wiki.example " });
        let made = olga.client.post(&path, body).await.expect(201).json();
        assert_eq!(made["message"], "Hello <b>Anna</b>\n\nsee http://wiki.example");
        let link = workspace.link_of("anna@example.com").await;
        let letter = world.mail.sent().pop().unwrap();
        assert!(letter.html.contains("Hello &#60;b&#62;Anna") && !letter.html.contains("<b>"), "{}", letter.html);
        let first = letter.text.lines().find(|line| line.contains("://")).unwrap();
        assert!(first.ends_with(&link), "{}", letter.text);
        let page = world.nobody().get(&format!("/api/v1/invitations/{link}")).await.expect(200).json();
        assert_eq!(page["message"], made["message"]);
        assert_eq!(page["expires_at"], made["expires_at"]);
        for wrong in ["x".repeat(1001), "a\u{202e}b".to_owned(), "a\u{7}b".to_owned()] {
            let body = json!({ "email": "bob@example.com", "message": wrong });
            assert_eq!(olga.client.post(&path, body).await.expect(422).json()["errors"][0]["field"], "message");
        }
        // A resend says it again.
        let resend = workspace.path(&format!("/invitations/{}/resend", made["id"].as_str().unwrap()));
        assert_eq!(olga.client.post(&resend, json!({})).await.expect(200).json()["message"], made["message"]);
    }

    async fn a_mail_server_that_answers_after_the_lease_settles_nothing(world: World) {
        use stoa_storage::mail::MailOutcome;
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let _ = invite(&workspace, "anna@example.com").await;
        let slow = world.store.claim_mail(120).await.unwrap().expect("a mail that waits");
        assert!(world.store.claim_mail(120).await.unwrap().is_none(), "it is taken");
        world.clock.pass_seconds(121);
        let next = world.store.claim_mail(120).await.unwrap().expect("its lease has ended");
        assert_eq!((next.id, next.fence), (slow.id, slow.fence + 1));
        let state = async || {
            let listed = olga.client.get(&workspace.path("/invitations")).await.expect(200).json();
            listed["items"][0]["mail"]["status"].as_str().unwrap().to_owned()
        };
        world.store.settle_mail(slow.id, slow.fence, MailOutcome::Refused("550 too late".to_owned())).await.unwrap();
        assert_eq!(state().await, "waiting", "whoever has it now says how it ended");
        world.store.settle_mail(next.id, next.fence, MailOutcome::Sent).await.unwrap();
        assert_eq!(state().await, "sent");
        world.store.settle_mail(slow.id, slow.fence, MailOutcome::Refused("550 too late".to_owned())).await.unwrap();
        assert_eq!(state().await, "sent");
    }

    async fn owners_alone_are_told_how_each_try_of_a_mail_ended(world: World) {
        use stoa_storage::mail::MailOutcome;
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await;
        let made = invite(&workspace, "anna@example.com").await;
        let get = |client: &test_kit::Client| client.request(http::Method::GET, &workspace.path("/events"), None);
        let mut owners = Stream::open(&olga.client, get(&olga.client)).await;
        let mut members = Stream::open(&tess.person.client, get(&tess.person.client)).await;
        let first = world.store.claim_mail(120).await.unwrap().expect("a mail that waits");
        let again = MailOutcome::Again { next_at: world.store.now(), error: "451 later".to_owned() };
        world.store.settle_mail(first.id, first.fence, again).await.unwrap();
        let told = json!({ "kind": "invitation", "id": made["id"] });
        assert_eq!(owners.until("status").await["resource"], told, "it waits");
        let second = world.store.claim_mail(120).await.unwrap().expect("it is due again");
        world.store.settle_mail(second.id, second.fence, MailOutcome::Sent).await.unwrap();
        assert_eq!(owners.until("status").await["resource"], told, "it was sent");
        // What comes after it is the first that a plain member hears.
        let _ = olga.client.patch(&workspace.path(""), json!({ "name": "Acme & Co" })).await.expect(200);
        let (_, heard) = members.next().await.expect("the workspace's new name");
        assert_eq!(heard["resource"]["kind"], "workspace", "{heard}");
    }

    async fn a_mail_that_waits_for_its_server_holds_no_other_up(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (answers, stop) = (CancellationToken::new(), CancellationToken::new());
        world.mail.hold("anna@example.com", answers.clone());
        let _ = invite(&workspace, "anna@example.com").await;
        let sending = tokio::spawn(world.app.clone().run_mails(stop.clone()));
        let _ = invite(&workspace, "berta@example.com").await;
        world.mail.until_sent_to("berta@example.com").await;
        assert!(!world.mail.is_sent_to("anna@example.com"));
        answers.cancel();
        world.mail.until_sent_to("anna@example.com").await;
        stop.cancel();
        sending.await.unwrap();
        assert_eq!(world.mail.sent().len(), 2, "each went once");
    }

    async fn more_mails_that_wait_than_there_are_lines_hold_no_other_up(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let (answers, stop) = (CancellationToken::new(), CancellationToken::new());
        let slow: Vec<String> = (0..9).map(|number| format!("slow-{number}@example.com")).collect();
        for email in &slow {
            world.mail.hold(email, answers.clone());
            let _ = invite(&workspace, email).await;
        }
        let _ = invite(&workspace, "berta@example.com").await;
        let sending = tokio::spawn(world.app.clone().run_mails(stop.clone()));
        let sent = tokio::time::timeout(LONGEST, world.mail.until_sent_to("berta@example.com")).await;
        assert!(sent.is_ok(), "those that wait keep it");
        assert_eq!(world.mail.sent().len(), 1);
        answers.cancel();
        for email in &slow {
            world.mail.until_sent_to(email).await;
        }
        stop.cancel();
        sending.await.unwrap();
        assert_eq!(world.mail.sent().len(), slow.len() + 1, "each went once");
    }

    async fn a_line_is_kept_for_mails_that_are_new(world: World) {
        use stoa_storage::mail::MailOutcome;
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let _ = invite(&workspace, "anna@example.com").await;
        let failed = world.store.claim_new_mail(120).await.unwrap().expect("it is new");
        let again = MailOutcome::Again { next_at: world.store.now(), error: "421 later".to_owned() };
        world.store.settle_mail(failed.id, failed.fence, again).await.unwrap();
        let _ = invite(&workspace, "berta@example.com").await;
        let new = world.store.claim_new_mail(120).await.unwrap().expect("it is new");
        assert_eq!(new.recipient, "berta@example.com", "the other one is due before it, and was tried");
        assert!(world.store.claim_new_mail(120).await.unwrap().is_none());
        assert_eq!(world.store.claim_mail(120).await.unwrap().expect("it is due").id, failed.id);
    }

    async fn a_link_by_mail_confirms_the_address_of_who_is_signed_in_with_it(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let otto = acme.member("Otto Owner").await;
        let other = world.workspace(&otto.person, "Other").await;
        let me = olga.client.get("/api/v1/me").await.expect(200).json();
        assert_eq!((&me["email_verified"], me["workspaces"].as_array().unwrap().len()), (&json!(false), 1));
        let _ = otto.person.client.post(&other.path("/invitations"), json!({ "email": "olga@example.com" })).await.expect(201);
        // Merely having the address offers nothing.
        assert!(!olga.client.get("/api/v1/me").await.expect(200).text.contains("Other"));
        let link = other.link_of("olga@example.com").await;
        let _ = olga.client.post(&format!("/api/v1/invitations/{link}/accept"), json!({})).await.expect(200);
        assert_eq!(olga.client.get("/api/v1/me").await.expect(200).json()["email_verified"], true);
    }

    async fn what_the_mail_server_said_stands_beside_the_invitation(world: World) {
        use stoa_app::ports::Delivery;
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let _ = invite(&workspace, "anna@example.com").await;
        world.mail.answer_next(Delivery::Waiting("451 later".to_owned()));
        assert!(world.app.send_next().await.unwrap());
        assert!(!world.app.send_next().await.unwrap(), "it is tried again after a pause");
        let mail = async || olga.client.get(&workspace.path("/invitations")).await.expect(200).json()["items"][0]["mail"].clone();
        let waiting = mail().await;
        assert_eq!((&waiting["status"], &waiting["error"]), (&json!("waiting"), &json!("451 later")));
        assert!(waiting["next_try_at"].is_string() && waiting["since"].is_string(), "{waiting}");
        world.clock.pass_seconds(31);
        world.mail.answer_next(Delivery::Refused("550 no such mailbox".to_owned()));
        assert!(world.app.send_next().await.unwrap());
        let refused = mail().await;
        assert_eq!((&refused["status"], &refused["error"]), (&json!("refused"), &json!("550 no such mailbox")));
        assert_eq!(refused["next_try_at"], Value::Null);
        world.clock.pass_seconds(3 * 24 * 3600);
        assert!(!world.app.send_next().await.unwrap(), "what was refused for good isn't tried again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_link_verifies_nothing_and_tells_nothing() {
    let world = World::with(Kind::Sqlite, Wishes { mail: false, ..Wishes::default() }).await;
    let olga = world.set_up().await;
    assert_eq!(olga.client.get("/api/v1/me").await.expect(200).json()["email_verified"], false);
    let (one, other) = (world.workspace(&olga, "One").await, world.workspace(&olga, "Other").await);
    let token = |made: &Value| made["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let made = invite(&one, "anna@example.com").await;
    assert!(made["link"].as_str().unwrap().starts_with("http://localhost:8080/invitations/"), "{made}");
    let listed = olga.client.get(&one.path("/invitations")).await.expect(200).json();
    assert_eq!(listed["items"][0].get("link"), None, "it is shown once");
    let path = format!("/api/v1/invitations/{}/accept", token(&made));
    let joined = world.nobody().post(&path, person("Anna")).await.expect(200);
    let anna = world.nobody().with_cookie(joined.cookie().unwrap());
    assert_eq!(anna.get("/api/v1/me").await.expect(200).json()["email_verified"], false);
    let members = olga.client.get(&one.path("/members?q=anna")).await.expect(200).json();
    assert_eq!(members["items"][0]["account"]["email_verified"], false);
    let made = invite(&other, "anna@example.com").await;
    let page = format!("/api/v1/invitations/{}", token(&made));
    assert_eq!(world.nobody().get(&page).await.expect(200).json().get("account_exists"), None);
    assert_eq!(olga.client.get(&page).await.expect(200).json().get("account_exists"), None);
    assert_eq!(anna.get(&page).await.expect(200).json()["account_exists"], true);
    let id = made["id"].as_str().unwrap();
    let again = olga
        .client
        .post(&other.path(&format!("/invitations/{id}/resend")), json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(world.nobody().get(&page).await.expect(410).code().unwrap(), "invitation_replaced");
    let _ = world.nobody().get(&format!("/api/v1/invitations/{}", token(&again))).await.expect(200);
}
