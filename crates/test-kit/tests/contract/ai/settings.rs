//! What owners set, and who may see it.

use http::Method;
use serde_json::json;
use test_kit::on_both_databases;
use test_kit::world::PASSWORD;

use super::Scene;

const KEY: &str = "sk-live-9a8b7c6d5e4f9f3c";

on_both_databases! {
    async fn a_key_is_kept_and_never_shown_again(world: World) {
        let scene = Scene::new(world).await;
        let olga = &scene.olga.client;
        let nothing = olga.get(&scene.path("/ai")).await.expect(200).json();
        assert_eq!((&nothing["provider"], &nothing["api_key_set"]), (&json!(null), &json!(false)));
        let body = json!({ "provider": "anthropic", "model": " claude ", "api_key": KEY });
        let set = scene.set(body).await.expect(200);
        let seen = olga.get(&scene.path("/ai")).await.expect(200);
        assert_eq!(set.json(), seen.json());
        assert_eq!(seen.json()["model"], "claude");
        assert_eq!(seen.json()["api_key_last4"], "9f3c");
        assert_eq!(seen.json()["api_key_set_by"], "Olga Owner");
        // Without a key, the model alone changes.
        let changed = scene.set(json!({ "provider": "anthropic", "model": "other" })).await.expect(200).json();
        assert_eq!((&changed["model"], &changed["api_key_last4"]), (&json!("other"), &json!("9f3c")));
        let _ = olga.post(&scene.path("/ai/test"), json!({})).await.expect(200);
        let asked = scene.world.models.asked();
        assert_eq!((asked[0].key.as_deref(), asked[0].model.as_str()), (Some(KEY), "other"));
        let audit = olga.get(&scene.path("/audit")).await.expect(200);
        for action in ["ai.change", "ai.test"] {
            assert!(audit.text.contains(action), "{}", audit.text);
        }
        for text in [set.text, seen.text, audit.text] {
            assert!(!text.contains(KEY), "{text}");
        }
        let _ = olga.delete(&scene.path("/ai"), None).await.expect(204);
        let gone = olga.get(&scene.path("/ai")).await.expect(200).json();
        assert_eq!((&gone["provider"], &gone["api_key_set"]), (&json!(null), &json!(false)));
    }

    async fn another_provider_or_another_address_demands_the_key_anew(world: World) {
        let scene = Scene::new(world).await;
        let custom = |url: &str| json!({ "provider": "custom", "model": "m", "base_url": url });
        let mut first = custom("https://one.example/v1");
        first["api_key"] = json!(KEY);
        let _ = scene.set(first).await.expect(200);
        for other in [
            custom("https://two.example/v1"),
            json!({ "provider": "ollama", "model": "m", "base_url": "https://one.example/v1" }),
            json!({ "provider": "openai", "model": "m" }),
        ] {
            let refused = scene.set(other.clone()).await.expect(422).json();
            let problem = &refused["errors"][0];
            assert_eq!((&problem["field"], &problem["code"]), (&json!("api_key"), &json!("required")), "{other}");
        }
        // Nothing was changed by any of them.
        let kept = scene.olga.client.get(&scene.path("/ai")).await.expect(200).json();
        assert_eq!((&kept["base_url"], &kept["api_key_last4"]), (&json!("https://one.example/v1"), &json!("9f3c")));
        // Said to be none, the key is gone, and the new address gets none.
        let mut without = custom("https://two.example/v1");
        without["api_key"] = json!("");
        let set = scene.set(without).await.expect(200).json();
        assert_eq!(set["api_key_set"], false);
        let _ = scene.olga.client.post(&scene.path("/ai/test"), json!({})).await.expect(200);
        assert_eq!(scene.world.models.asked()[0].key, None);
        // Back at the old address the old key isn't there either.
        let back = scene.set(custom("https://one.example/v1")).await.expect(200).json();
        assert_eq!(back["api_key_set"], false);
    }

    async fn a_base_url_is_for_those_that_have_none_of_their_own(world: World) {
        let scene = Scene::new(world).await;
        let refused = async |body: serde_json::Value| {
            let problem = scene.set(body).await.expect(422).json()["errors"][0].clone();
            format!("{} {}", problem["field"].as_str().unwrap(), problem["code"].as_str().unwrap())
        };
        for provider in ["anthropic", "openai", "groq"] {
            let with = json!({ "provider": provider, "model": "m", "api_key": KEY, "base_url": "https://a.example" });
            assert_eq!(refused(with).await, "base_url not_allowed");
            assert_eq!(refused(json!({ "provider": provider, "model": "m" })).await, "api_key required");
        }
        for provider in ["ollama", "custom"] {
            assert_eq!(refused(json!({ "provider": provider, "model": "m" })).await, "base_url required");
        }
        assert_eq!(refused(json!({ "provider": "openai", "model": "", "api_key": KEY })).await, "model invalid");
        assert_eq!(refused(json!({ "provider": "other", "model": "m" })).await, "provider unknown");
        let two_lines = json!({ "provider": "openai", "model": "m", "api_key": "a\r\nX-Other: b" });
        assert_eq!(refused(two_lines).await, "api_key invalid");
    }

    async fn two_owners_at_once_and_one_is_told(world: World) {
        let scene = Scene::new(world).await;
        scene.set_openai().await;
        let olga = &scene.olga.client;
        let tag = olga.get(&scene.path("/ai")).await.header("etag").unwrap().to_owned();
        let change = async |model: &str| {
            let body = json!({ "provider": "openai", "model": model });
            let mut request = olga.request(Method::PUT, &scene.path("/ai"), Some(&body));
            request.headers_mut().insert("if-match", tag.parse().unwrap());
            olga.send_request(request).await.status.as_u16()
        };
        assert_eq!((change("one").await, change("two").await), (200, 412));
        let mut late = olga.request(Method::DELETE, &scene.path("/ai"), None);
        late.headers_mut().insert("if-match", tag.parse().unwrap());
        assert_eq!(olga.send_request(late).await.status, 412);
    }

    async fn what_is_asked_is_counted_by_member_and_day(world: World) {
        let scene = Scene::new(world).await;
        scene.set_openai().await;
        scene.write(&["Error: it broke"]);
        let _ = scene.olga.client.post(&scene.path("/ai/test"), json!({})).await.expect(200);
        let _ = scene.explain(&scene.reader.client).await.rest().await;
        scene.world.clock.pass_seconds(24 * 3600);
        let _ = scene.explain(&scene.reader.client).await.rest().await;
        let usage = scene.usage().await;
        let members = usage["members"].as_array().unwrap();
        let told: Vec<_> = members
            .iter()
            .map(|one| (one["name"].as_str().unwrap(), one["requests"].as_i64().unwrap(), one["usage"]["input_tokens"].as_i64().unwrap(), one["usage"]["output_tokens"].as_i64().unwrap()))
            .collect();
        assert_eq!(told, [("Rita Reader", 2, 40, 22), ("Olga Owner", 1, 20, 11)]);
        let days: Vec<i64> = usage["days"].as_array().unwrap().iter().map(|day| day["requests"].as_i64().unwrap()).collect();
        assert_eq!(days, [1, 2]);
        // What is older than is shown isn't.
        scene.world.clock.pass_seconds(40 * 24 * 3600);
        let cookie = scene.world.sign_in(&scene.olga.email, PASSWORD).await.cookie().unwrap();
        let again = scene.world.nobody().with_cookie(cookie);
        let usage = again.get(&scene.path("/ai/usage")).await.expect(200).json();
        assert_eq!(usage["members"], json!([]));
    }

    async fn what_was_asked_is_kept_when_somebody_leaves(world: World) {
        let scene = Scene::new(world).await;
        scene.set_openai().await;
        scene.write(&["Error: it broke"]);
        let _ = scene.explain(&scene.reader.client).await.rest().await;
        let before = scene.usage().await;
        let olga = &scene.olga.client;
        let _ = olga.delete(&scene.path(&format!("/members/{}", scene.reader_member)), None).await.expect(204);
        let _ = scene.reader.client.patch("/api/v1/me", json!({ "name": "Somebody Else" })).await.expect(200);
        let mut left = scene.usage().await;
        assert_eq!(left["members"][0]["is_member"], false);
        left["members"][0]["is_member"] = json!(true);
        assert_eq!(left, before, "the record is as it was, under the name that the audit log has");
        // Invited again it is the same account, and one entry.
        let body = json!({ "email": scene.reader.email });
        let _ = olga.post(&scene.path("/invitations"), body).await.expect(201);
        scene.world.send_mails().await;
        let letters = scene.world.mail.sent();
        let letter = letters.iter().rev().find(|letter| letter.to == scene.reader.email).unwrap();
        let token = letter.text.split("/invitations/").nth(1).unwrap().split_whitespace().next().unwrap();
        let accept = format!("/api/v1/invitations/{token}/accept");
        let _ = scene.reader.client.post(&accept, json!({})).await.expect(200);
        let member = olga.get(&scene.path(&format!("/members?q={}", scene.reader.email))).await.expect(200).json();
        let member = member["items"][0]["id"].as_str().unwrap().to_owned();
        let profile = json!({ "actions": ["view_logs"], "projects": [], "instances": [scene.instance.to_string()], "servers": [] });
        let _ = olga.put(&scene.path(&format!("/members/{member}/permissions")), profile).await.expect(200);
        let _ = scene.explain(&scene.reader.client).await.rest().await;
        let usage = scene.usage().await;
        assert_eq!(usage["members"].as_array().map(Vec::len), Some(1), "{usage}");
        let whose = &usage["members"][0];
        assert_eq!((&whose["id"], &whose["name"], &whose["requests"]), (&json!(member), &json!("Somebody Else"), &json!(2)));
        assert_eq!(usage["days"][0]["requests"], 2);
    }

    async fn members_are_told_whether_there_is_ai_and_no_more(world: World) {
        let scene = Scene::new(world).await;
        let ai = async || scene.reader.client.get(&scene.path("")).await.expect(200).json()["ai"].clone();
        assert_eq!(ai().await, json!(false));
        scene.set_openai().await;
        assert_eq!(ai().await, json!(true));
        for path in ["/ai", "/ai/models", "/ai/usage"] {
            let _ = scene.reader.client.get(&scene.path(path)).await.expect(403);
        }
        let _ = scene.reader.client.post(&scene.path("/ai/test"), json!({})).await.expect(403);
        assert!(scene.world.models.asked().is_empty());
    }

    async fn a_preview_is_made_by_what_cleans(world: World) {
        let scene = Scene::new(world).await;
        let body = json!({ "provider": "openai", "model": "m", "api_key": KEY });
        let _ = scene.set(body).await.expect(200);
        let text = format!("DATABASE_URL=postgres://shop:hush@db/shop\nkey {KEY}");
        let preview = scene.olga.client.post(&scene.path("/ai/preview"), json!({ "text": text })).await.expect(200);
        assert_eq!(preview.json()["lines"], json!([
            [{ "text": "DATABASE_URL=postgres://shop:" }, { "removed": "password removed" }, { "text": "@db/shop" }],
            [{ "text": "key " }, { "removed": "secret removed" }],
        ]));
    }

    async fn nobody_tries_a_provider_without_end(world: World) {
        let scene = Scene::new(world).await;
        scene.set_openai().await;
        for _ in 0..20 {
            let _ = scene.olga.client.get(&scene.path("/ai/models")).await.expect(200);
        }
        let refused = scene.olga.client.post(&scene.path("/ai/test"), json!({})).await.expect(429);
        assert!(refused.header("retry-after").is_some());
        assert!(scene.world.models.asked().is_empty());
    }
}
