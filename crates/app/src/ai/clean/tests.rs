//! Canaries, and what has to stay readable.

#![allow(clippy::unwrap_used)]

use super::*;

const CANARY: &str = "c4n4ry-Velvet/Harbour+91";

fn cleaned(secrets: &[&str], lines: &[&str]) -> Vec<String> {
    let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::from_text((*text).to_owned())).collect();
    Cleaner::new(&secrets).lines(lines.iter().copied()).iter().map(|line| joined(line)).collect()
}

fn one(line: &str) -> String {
    cleaned(&[], &[line]).remove(0)
}

#[test]
fn a_known_secret_goes_whole_wherever_it_stands() {
    let lines = [format!("key is {CANARY}, yes"), format!("{CANARY}{CANARY}"), format!("x{CANARY}y")];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(
        cleaned(&[CANARY], &lines),
        ["key is [secret removed], yes", "[secret removed]", "x[secret removed]y"]
    );
}

#[test]
fn a_known_secret_goes_when_it_is_cut_anywhere() {
    for at in 1..CANARY.len() {
        let (first, second) = CANARY.split_at(at);
        let adjacent = cleaned(&[CANARY], &[&format!("out {first}"), &format!("{second} end")]);
        assert_eq!(adjacent, ["out [secret removed]", "[secret removed] end"], "cut at {at}");
        let coloured = cleaned(&[CANARY], &[&format!("{first}\u{1b}[31m{second}")]);
        assert_eq!(coloured, ["[secret removed]"], "coloured at {at}");
        let spaced = cleaned(&[CANARY], &[&format!("{first}   {second}")]);
        assert_eq!(spaced, ["[secret removed]"], "spaced at {at}");
        // Another program's line came between the two.
        let apart =
            cleaned(&[CANARY], &[&format!("out {first}"), "something else", &format!("{second} end")]);
        for (line, part) in [(&apart[0], first), (&apart[2], second)] {
            assert!(part.len() < 12 || !line.contains(part), "{line} has {part}");
        }
    }
}

#[test]
fn a_known_secret_goes_in_other_writing() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let secret = "pa ss\"wörd&with=everything";
    let quoted = serde_json::to_string(secret).unwrap();
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    for written in [quoted, percent.clone(), percent.replace('+', "%20"), hex, STANDARD.encode(secret)] {
        let line = cleaned(&[secret], &[&format!("value {written} end")]).remove(0);
        assert!(line.contains("[secret removed]"), "{written}: {line}");
    }
    for before in ["", "u", "us", "use", "user:"] {
        let basic = STANDARD.encode(format!("{before}{CANARY}"));
        let line = cleaned(&[CANARY], &[&format!("sent {basic}")]).remove(0);
        let kept = line.replace("[secret removed]", "").replace("[token removed]", "");
        assert!(kept.len() < 5 + 4 + before.len() * 2 + 3, "{before}: {line}");
    }
}

#[test]
fn the_password_in_a_secret_address_is_a_secret_itself() {
    let url = "postgres://shop:hunter%2Fgatherer@db/shop";
    let lines = cleaned(&[url], &["auth failed with hunter/gatherer", "and with hunter%2Fgatherer"]);
    assert_eq!(lines, ["auth failed with [secret removed]", "and with [secret removed]"]);
}

#[test]
fn a_short_secret_goes_as_a_word_and_leaves_other_words() {
    assert_eq!(cleaned(&["abc"], &["abc abcd x-abc"]), ["[secret removed] abcd x-[secret removed]"]);
    assert_eq!(cleaned(&["tiger"], &["the tigers"]), ["the [secret removed]s"]);
    assert_eq!(cleaned(&["", "  "], &["nothing to hide"]), ["nothing to hide"]);
}

#[test]
fn what_looks_like_a_secret_goes() {
    for (line, expected) in [
        ("url=https://tok_91fe@pay.example/authorise", "url=https://[token removed]@pay.example/authorise"),
        ("postgres://shop:s3cr3t@db/shop", "postgres://shop:[password removed]@db/shop"),
        ("postgres://shop:a/b@c@db/shop", "postgres://shop:[password removed]@db/shop"),
        ("password=hunter2, user=anna", "password=[password removed], user=anna"),
        ("wrong password: hunter2.", "wrong password: [password removed]."),
        ("{\"api_key\": \"abc\", \"model\": \"m\"}", "{\"api_key\": \"[token removed]\", \"model\": \"m\"}"),
        ("run --token abc --verbose", "run --token [token removed] --verbose"),
        ("'client_secret' => 'abc'", "'client_secret' => '[token removed]'"),
        ("Authorization: Bearer abc.def", "Authorization: [token removed]"),
        (
            "curl -H \"Authorization: Basic dXNlcjpw\" https://a/",
            "curl -H \"Authorization: [token removed]\" https://a/",
        ),
        ("set-cookie: sid=1; Path=/", "set-cookie: [cookie removed]"),
        ("SIGNING_KEY=abcdef", "SIGNING_KEY=[token removed]"),
        ("key sk-proj-abcdefghijklmnop used", "key [token removed] used"),
        ("AKIAIOSFODNN7EXAMPLE", "[token removed]"),
        ("x=ghp_16C7e42F292c6912E7710c838347Ae178B4a", "x=[token removed]"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "jwt [token removed]"),
        ("random Zk3vQ9xLm2Rt7Yp1Ws8Bn4Hd6", "random [token removed]"),
        ("hex 0123456789abcdef0123456789abcdef", "hex [token removed]"),
    ] {
        assert_eq!(one(line), expected);
    }
}

#[test]
fn a_private_key_goes_with_all_its_lines() {
    let lines = [
        "before",
        "-----BEGIN RSA PRIVATE KEY-----",
        "MIIEpAIBAAKCAQEA",
        "-----END RSA PRIVATE KEY-----",
        "after",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "b3BlbnNzaC1rZXk",
    ];
    let gone = "[private key removed]";
    assert_eq!(cleaned(&[], &lines), ["before", gone, gone, gone, "after", gone, gone]);
}

#[test]
fn what_tells_why_something_failed_stays() {
    for line in [
        "Error: pg_config executable not found.",
        "  File \"/app/lib/python3.11/site-packages/Django/core/handlers/base.py\", line 197, in _get_response",
        "HEAD is now at 2be91f0c3a4d5e6f708192a3b4c5d6e7f8091a2b Add purchase approvals",
        "pulled sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "ModuleNotFoundError: No module named 'psycopg2'",
        "token: invalid",
        "password authentication failed for user \"shop\"",
        "GET https://pay.example:8443/authorise?attempt=1 503",
        "listening on http://127.0.0.1:8000",
        "instance 01890a5d-ac96-774b-bcce-b302099a8057 at 2026-11-25T20:41:54.123Z",
        "thread 'main' panicked at src/http/getHttpResponseCode2Handler.rs:12",
        "npm ERR! code ERESOLVE could not resolve react-dom@18.2.0",
    ] {
        assert_eq!(one(line), line);
    }
}
