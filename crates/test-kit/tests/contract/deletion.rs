//! Deleting one's account: everything of it ends, the address is free, the log keeps the name.

use serde_json::json;
use stoa_domain::AdministratorPermit;
use test_kit::on_both_databases;
use test_kit::world::{PASSWORD, Person};

on_both_databases! {
    async fn everything_of_a_deleted_account_ends(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tess = workspace.member("Tess Tester").await;
        let person = &tess.person;
        let _ = world.authenticator(person).await;
        let made = person.client.post("/api/v1/me/tokens", json!({ "name": "script" })).await.expect(201);
        let script = person.client.with_token(made.field("token"));
        let _ = world.nobody().post("/api/v1/session/reset", json!({ "email": person.email })).await.expect(202);
        let reset = world.mailed_token(&person.email, "/reset/").await;
        let wrong = person.client.delete("/api/v1/me", Some(json!({ "confirm": "olga@example.com" }))).await.expect(422);
        assert_eq!(wrong.json()["errors"][0]["field"], "confirm");
        let gone = person.client.delete("/api/v1/me", Some(json!({ "confirm": person.email.to_uppercase() }))).await.expect(204);
        assert!(gone.header("set-cookie").unwrap().contains("Max-Age=0"));
        let _ = person.client.get("/api/v1/me").await.expect(401);
        let _ = script.get("/api/v1/me").await.expect(401);
        let _ = world.sign_in(&person.email, PASSWORD).await.expect(401);
        let body = json!({ "password": "a new and good sentence" });
        let _ = world.nobody().post(&format!("/api/v1/reset/{reset}"), body).await.expect(404);
        let members = olga.client.get(&workspace.path("/members")).await.expect(200).json();
        assert_eq!(members["items"].as_array().unwrap().len(), 1);
        let audit = olga.client.get(&workspace.path("/audit?action=member.leave")).await.expect(200).json();
        assert_eq!((&audit["items"][0]["actor_name"], &audit["items"][0]["detail"]["because"]), (&json!("Tess Tester"), &json!("account_deleted")));
        let own = world.store.list_audit(stoa_domain::WorkspaceId::INSTALLATION, &Default::default(), 50).await.unwrap();
        assert!(own.iter().any(|event| event.action == "account.delete" && event.actor_name == "Tess Tester"));
        // The address is free: whoever is invited with it makes an account of their own.
        let _ = olga.client.post(&workspace.path("/invitations"), json!({ "email": person.email })).await.expect(201);
        let link = workspace.link_of(&person.email).await;
        let accept = json!({ "name": "Tess Again", "password": PASSWORD });
        let _ = world.nobody().post(&format!("/api/v1/invitations/{link}/accept"), accept).await.expect(200);
    }

    async fn a_last_owner_stays_and_is_told_of_which_workspaces(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let tess = acme.member("Tess Tester").await;
        let _ = world.workspace(&tess.person, "Mine").await;
        let _ = world.workspace(&tess.person, "Also mine").await;
        let confirm = json!({ "confirm": tess.person.email });
        let refused = tess.person.client.delete("/api/v1/me", Some(confirm)).await.expect(409);
        assert_eq!(refused.code().unwrap(), "last_owner");
        assert_eq!(refused.json()["workspaces"], json!([{ "name": "Also mine" }, { "name": "Mine" }]));
        // Nothing of it was done, not even in the log.
        assert_eq!(tess.person.client.get("/api/v1/me").await.expect(200).json()["workspaces"].as_array().unwrap().len(), 3);
        let audit = olga.client.get(&acme.path("/audit?action=member.leave")).await.expect(200).json();
        assert_eq!(audit["items"], json!([]));
        // Whoever alone administers the installation stays too.
        acme.make_owner(&tess).await;
        let refused = olga.client.delete("/api/v1/me", Some(json!({ "confirm": olga.email }))).await.expect(409);
        assert_eq!(refused.code().unwrap(), "conflict");
    }

    async fn two_owners_cannot_both_go_at_once(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let (one, other) = (acme.member("One Owner").await, acme.member("Other Owner").await);
        let second = world.workspace(&one.person, "Second").await;
        let _ = one.person.client.post(&second.path("/invitations"), json!({ "email": other.person.email })).await.expect(201);
        let link = second.link_of(&other.person.email).await;
        let _ = other.person.client.post(&format!("/api/v1/invitations/{link}/accept"), json!({})).await.expect(200);
        let members = one.person.client.get(&second.path("/members")).await.expect(200).json();
        let id = members["items"].as_array().unwrap().iter().find(|one| one["role"] == "member").unwrap()["id"].as_str().unwrap().to_owned();
        let _ = one.person.client.patch(&second.path(&format!("/members/{id}")), json!({ "role": "owner" })).await.expect(200);
        let (first, last) = tokio::join!(gone(&one.person), gone(&other.person));
        let mut statuses = [first, last];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
    }

    async fn nobody_is_named_an_owner_who_deletes_their_account_meanwhile(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let otto = acme.member("Otto Owner").await.person;
        let without = world.workspace(&otto, "Without").await;
        let set = async |person: &Person, status: &str| {
            let path = format!("/api/v1/administration/accounts/{}", person.account);
            let _ = olga.client.patch(&path, json!({ "status": status })).await.expect(200);
        };
        set(&otto, "disabled").await;
        let path = format!("/api/v1/administration/workspaces/{}/owners", without.slug);
        // Not each time do they meet.
        for number in 0..8 {
            let named = acme.member(&format!("Named {number}")).await.person;
            let body = json!({ "account": named.account });
            let (owner, gone) = tokio::join!(olga.client.post(&path, body), gone(&named));
            let both = (owner.status.as_u16(), gone);
            assert!(both == (200, 409) || both == (422, 204), "{both:?}: {}", owner.text);
            if gone == 409 {
                set(&named, "disabled").await;
            }
        }
    }

    async fn of_two_administrators_who_go_at_once_one_stays(world: World) {
        let olga = world.set_up().await;
        let acme = world.workspace(&olga, "Acme").await;
        let set = |account: &str, is_admin| {
            let machine = AdministratorPermit::on_the_machine("account.change_administrator", "root".to_owned());
            world.app.set_administrator(machine, account.parse().unwrap(), is_admin)
        };
        // In no workspace, where one would wait for the other.
        let administrator = async |number: u32| {
            let made = acme.member(&format!("Admin {number}")).await;
            let _ = olga.client.delete(&acme.path(&format!("/members/{}", made.id)), None).await.expect(204);
            set(&made.person.account, true).await.unwrap();
            made.person
        };
        let mut left = administrator(0).await;
        set(&olga.account, false).await.unwrap();
        // Not each time do they meet.
        for number in 1..=5 {
            let next = administrator(number).await;
            let (first, last) = tokio::join!(gone(&left), gone(&next));
            let mut statuses = [first, last];
            statuses.sort_unstable();
            assert_eq!(statuses, [204, 409]);
            if first == 204 {
                left = next;
            }
        }
    }
}

/// Deletes the account; the status that came of it.
async fn gone(person: &Person) -> u16 {
    person.client.delete("/api/v1/me", Some(json!({ "confirm": person.email }))).await.status.as_u16()
}
