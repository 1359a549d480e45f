//! Logos: what may be sent, what is served, and to whom.

use axum::body::Body;
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, Method};
use http_body_util::BodyExt as _;
use serde_json::json;
use test_kit::{Answer, Client, on_both_databases};

const SVG: &str =
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 4'><path fill='#f00' d='M0 0H4V4H0'/></svg>";
const BLUE: &str =
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 4'><path fill='#00f' d='M0 0H4V4H0'/></svg>";

async fn put(
    client: &Client,
    path: &str,
    kind: Option<&str>,
    body: impl Into<Body>,
    tag: Option<&str>,
) -> Answer {
    let mut request = client.request(Method::PUT, path, None);
    if let Some(kind) = kind {
        request.headers_mut().insert(CONTENT_TYPE, kind.parse().unwrap());
    }
    if let Some(tag) = tag {
        request.headers_mut().insert(IF_MATCH, tag.parse().unwrap());
    }
    *request.body_mut() = body.into();
    client.send_request(request).await
}

/// The picture with its headers.
async fn picture(client: &Client, path: &str, known: Option<&str>) -> (u16, HeaderMap, Vec<u8>) {
    let mut request = client.request(Method::GET, path, None);
    if let Some(known) = known {
        request.headers_mut().insert(IF_NONE_MATCH, known.parse().unwrap());
    }
    let (parts, body) = client.open(request).await.into_parts();
    (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

fn tag(headers: &HeaderMap) -> String {
    headers[ETAG].to_str().unwrap().to_owned()
}

/// A PNG's head that says a size, and nothing behind it. `sum` is the head's checksum.
fn head(width: u32, height: u32, sum: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    png.extend(width.to_be_bytes());
    png.extend(height.to_be_bytes());
    png.extend([8, 6, 0, 0, 0]);
    png.extend(sum.to_be_bytes());
    png
}

on_both_databases! {
    async fn a_logo_is_drawn_anew_and_served_as_a_png_and_nothing_else(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme Studio").await;
        let path = workspace.path("/logo");
        let (status, headers, drawn) = picture(&olga.client, &path, None).await;
        assert_eq!(status, 200);
        let initials = tag(&headers);
        assert_eq!(olga.client.get(&workspace.path("")).await.expect(200).json()["logo_url"], json!(null));

        let sent = put(&olga.client, &path, Some("image/svg+xml; charset=utf-8"), SVG, None).await.expect(200);
        let url = sent.field("logo_url");
        assert!(url.starts_with(&format!("/api/v1/workspaces/{}/logo?v=", workspace.id)), "{url}");
        assert!(sent.header(ETAG).is_some());
        for answer in [
            olga.client.get(&workspace.path("")).await.expect(200).json(),
            olga.client.get("/api/v1/me").await.expect(200).json()["workspaces"][0].clone(),
            olga.client.get("/api/v1/workspaces").await.expect(200).json()["items"][0].clone(),
        ] {
            assert_eq!(answer["logo_url"], json!(url));
        }
        let (status, headers, png) = picture(&olga.client, &url, None).await;
        assert_eq!(status, 200);
        assert!(png.starts_with(b"\x89PNG") && png != drawn && !String::from_utf8_lossy(&png).contains("svg"));
        let said = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(said("content-type"), "image/png");
        assert_eq!(said("x-content-type-options"), "nosniff");
        assert_eq!(said("cache-control"), "private, no-cache");
        assert!(said("content-security-policy").contains("default-src 'none'; sandbox"), "{headers:?}");
        let first = tag(&headers);
        assert!(first.starts_with('"') && first != initials, "a strong tag, another for each picture");
        let (status, headers, body) = picture(&olga.client, &url, Some(&first)).await;
        assert_eq!((status, body.len()), (304, 0));
        assert_eq!(tag(&headers), first);

        let other = put(&olga.client, &path, Some("image/svg+xml"), BLUE, None).await.expect(200).field("logo_url");
        assert_ne!(other, url, "a browser never shows the old one");
        assert_ne!(tag(&picture(&olga.client, &path, Some(&first)).await.1), first);

        let _ = olga.client.delete(&path, None).await.expect(204);
        let _ = olga.client.delete(&path, None).await.expect(204);
        let (_, headers, png) = picture(&olga.client, &path, None).await;
        assert_eq!((tag(&headers), png), (initials.clone(), drawn), "the initials again");
        let _ = olga.client.patch(&workspace.path(""), json!({ "primary_color": "#FF0" })).await.expect(200);
        assert_ne!(tag(&picture(&olga.client, &path, None).await.1), initials, "on the colour of now");
    }

    async fn a_logo_that_was_changed_meanwhile_isnt_lost(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/logo");
        let none = tag(&picture(&olga.client, &path, None).await.1);
        let red = put(&olga.client, &path, Some("image/svg+xml"), SVG, Some(&none)).await.expect(200).field("logo_url");
        let late = put(&olga.client, &path, Some("image/svg+xml"), BLUE, Some(&none)).await.expect(412);
        assert_eq!(late.code().unwrap(), "precondition_failed");
        let mut remove = olga.client.request(Method::DELETE, &path, None);
        remove.headers_mut().insert(IF_MATCH, none.parse().unwrap());
        let _ = olga.client.send_request(remove).await.expect(412);
        assert_eq!(olga.client.get(&workspace.path("")).await.expect(200).field("logo_url"), red);
        let now = tag(&picture(&olga.client, &path, None).await.1);
        let _ = put(&olga.client, &path, Some("image/svg+xml"), BLUE, Some(&now)).await.expect(200);
    }

    async fn what_isnt_a_picture_is_refused_with_a_sentence_and_changes_nothing(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/logo");
        let kept = put(&olga.client, &path, Some("image/svg+xml"), SVG, None).await.expect(200).field("logo_url");
        for kind in [None, Some("application/json"), Some("image/gif"), Some("text/html"), Some("image/*")] {
            let refused = put(&olga.client, &path, kind, SVG, None).await.expect(415);
            assert_eq!(refused.code().unwrap(), "unsupported_media_type", "{kind:?}");
            assert!(refused.field("detail").contains("PNG, JPEG, WebP or SVG"), "{}", refused.text);
        }
        for body in [vec![0; 2 * 1024 * 1024 + 1], [SVG.as_bytes(), &vec![b' '; 3 * 1024 * 1024]].concat()] {
            let refused = put(&olga.client, &path, Some("image/png"), body, None).await.expect(413);
            assert_eq!(refused.code().unwrap(), "payload_too_large");
            assert!(refused.field("detail").contains("2 MiB"), "{}", refused.text);
        }
        let wrong: [(&str, Vec<u8>, &str); 9] = [
            ("image/png", Vec::new(), "empty"),
            ("image/png", head(30_000, 30_000, 0x6627_f8ba), "too_many_pixels"),
            ("image/png", head(16, 16, 0), "unreadable"),
            ("image/png", SVG.into(), "wrong_kind"),
            ("image/svg+xml", head(16, 16, 0), "wrong_kind"),
            ("image/webp", b"RIFF\xff\xff\xff\xffWEBPVP8L".to_vec(), "unreadable"),
            ("image/jpeg", b"\xff\xd8\xff\xe0".to_vec(), "unreadable"),
            ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>".to_vec(), "not_drawn"),
            ("image/svg+xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><svg/>".to_vec(), "not_drawn"),
        ];
        for (kind, body, code) in wrong {
            let refused = put(&olga.client, &path, Some(kind), body, None).await.expect(422);
            assert_eq!(refused.json()["errors"][0]["code"], code, "{}", refused.text);
            assert_eq!(refused.json()["errors"][0]["field"], "logo");
        }
        assert_eq!(olga.client.get(&workspace.path("")).await.expect(200).field("logo_url"), kept);
    }

    async fn members_see_the_logo_owners_change_it_and_strangers_see_that_there_is_nothing(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let tester = workspace.member("Tess Tester").await;
        let path = workspace.path("/logo");
        let url = put(&olga.client, &path, Some("image/svg+xml"), SVG, None).await.expect(200).field("logo_url");
        assert_eq!(picture(&tester.person.client, &url, None).await.0, 200);
        let refused = put(&tester.person.client, &path, Some("image/svg+xml"), BLUE, None).await.expect(403);
        assert_eq!(refused.code().unwrap(), "owner_required");
        let _ = tester.person.client.delete(&path, None).await.expect(403);
        assert_eq!(picture(&world.nobody(), &url, None).await.0, 401);
        let _ = olga.client.delete(&workspace.path(&format!("/members/{}", tester.id)), None).await.expect(204);
        let gone = tester.person.client.get(&url).await.expect(404);
        let never = tester.person.client.get("/api/v1/workspaces/never-made/logo").await.expect(404);
        assert_eq!(gone.text, never.text);
    }

    async fn whoever_is_invited_sees_the_logo_for_as_long_as_the_link_lives(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let invited = olga.client.post(&workspace.path("/invitations"), json!({ "email": "wait@example.com" })).await;
        let invited = invited.expect(201).field("id");
        let token = workspace.link_of("wait@example.com").await;
        let link = format!("/api/v1/invitations/{token}");
        let page = world.nobody().get(&link).await.expect(200).json();
        assert_eq!(page["workspace"]["logo_url"], json!(null), "the page draws the initials itself");
        let _ = put(&olga.client, &workspace.path("/logo"), Some("image/svg+xml"), SVG, None).await.expect(200);
        let page = world.nobody().get(&link).await.expect(200).json();
        let url = page["workspace"]["logo_url"].as_str().unwrap().to_owned();
        assert!(url.starts_with(&format!("{link}/logo?v=")), "{url}");
        let (status, headers, png) = picture(&world.nobody(), &url, None).await;
        assert_eq!((status, &headers["cache-control"]), (200, &"no-store".parse().unwrap()));
        assert_eq!(png, picture(&olga.client, &workspace.path("/logo"), None).await.2);
        let _ = world.nobody().get("/api/v1/invitations/of-nobody/logo").await.expect(404);
        let _ = olga.client.post(&workspace.path("/invitations"), json!({ "email": "late@example.com" })).await.expect(201);
        let _ = workspace.link_of("late@example.com").await;
        let letters = world.mail.sent();
        let of = |address: &str| letters.iter().find(|letter| letter.to == address).unwrap();
        assert_eq!(of("late@example.com").images[0].png, png, "it lies in the letter");
        assert!(of("wait@example.com").images.is_empty());
        let revoked = olga.client.delete(&workspace.path(&format!("/invitations/{invited}")), None).await;
        let _ = revoked.expect(204);
        let over = world.nobody().get(&url).await.expect(410);
        assert_eq!(over.code().unwrap(), "invitation_revoked");
    }

    async fn changes_of_the_logo_stand_in_the_audit_log_with_what_was_before(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let path = workspace.path("/logo");
        let _ = put(&olga.client, &path, Some("image/svg+xml"), SVG, None).await.expect(200);
        let _ = olga.client.delete(&path, None).await.expect(204);
        let log = olga.client.get(&workspace.path("/audit?limit=2")).await.expect(200).json();
        let (removed, changed) = (&log["items"][0], &log["items"][1]);
        assert_eq!((&removed["action"], &changed["action"]), (&json!("logo.remove"), &json!("logo.change")));
        assert_eq!(changed["detail"]["before"]["logo"], json!(null));
        assert_eq!(changed["detail"]["after"], removed["detail"]["before"]);
        assert_eq!(removed["resource_name"], "Acme");
    }
}
