//! What a command of the application's answered. It is checked piece by piece, and nothing else of it is believed.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use stoa_domain::Secret;
use stoa_domain::branch::{is_invisible, is_selector};

use crate::protocol::{OpenedView, SecretText, SessionCookie, UserView};

/// Characters of an id, of a login, of a name.
const LONGEST_ID: usize = 200;
const LONGEST_LOGIN: usize = 320;
const LONGEST_NAME: usize = 200;

/// Cookies of one session, and bytes of the name and value of one (RFC 6265, section 6.1).
const MOST_COOKIES: usize = 20;
const LARGEST_COOKIE: usize = 4096;

/// Characters of the path that is opened first, and of a cookie's.
const LONGEST_PATH: usize = 2000;

/// Many applications count their users.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(i64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserLine {
    id: Id,
    login: Chosen,
    #[serde(default)]
    name: Option<Chosen>,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

/// Text that is only shown, and that a user of the application's may have chosen. Whatever it holds, it costs nobody else
/// the list: even what JSON can hold and text can't, such as half of a pair of surrogates.
struct Chosen(String);

impl<'de> Deserialize<'de> for Chosen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(AnyText)
    }
}

struct AnyText;

impl Visitor<'_> for AnyText {
    type Value = Chosen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Chosen, E> {
        Ok(Chosen(String::from_utf8_lossy(bytes).into_owned()))
    }
}

impl Chosen {
    /// As it is shown: what steers a terminal, turns what stands around it or isn't seen is taken out, and what is too long
    /// is cut. `None` where nothing is left that is seen.
    fn shown(&self, most: usize) -> Option<String> {
        let kept = |letter: char| match letter {
            // Words of some languages are written with them, and pictures.
            _ if is_joiner(letter) => Some(letter),
            _ if is_invisible(letter) => None,
            _ if letter.is_control() => Some(' '),
            _ => Some(letter),
        };
        let text: String = self.0.chars().filter_map(kept).collect();
        let text: String = text.trim().chars().take(most).collect();
        let is_seen = |letter: char| !(letter.is_whitespace() || is_joiner(letter) || is_selector(letter));
        text.chars().any(is_seen).then_some(text)
    }
}

fn is_joiner(letter: char) -> bool {
    matches!(letter, '\u{200c}' | '\u{200d}')
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CookieLine {
    name: String,
    value: String,
    #[serde(default)]
    path: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenedLine {
    cookies: Vec<CookieLine>,
    #[serde(default)]
    path: Option<String>,
}

type Checked<T> = Result<T, String>;

/// Nothing that steers a terminal, and nothing that turns what stands around it.
fn is_plain(text: &str) -> bool {
    !text.chars().any(|letter| {
        letter.is_control()
            || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// An id is used as it is, so that nothing of it is taken out.
fn check_id(id: &str) -> Checked<()> {
    if !(1..=LONGEST_ID).contains(&id.chars().count()) {
        return Err(format!("`id` has 1 to {LONGEST_ID} characters"));
    }
    if is_plain(id) { Ok(()) } else { Err("`id` holds characters that control something".to_owned()) }
}

/// Names of what is there and isn't wanted may be told; what stands in a value may be a secret.
fn unreadable(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let names_a_field =
        ["unknown field", "missing field", "duplicate field"].iter().any(|it| said.starts_with(it));
    // A name is the application's own word, too: one that isn't short and plain isn't told on.
    let name = said.split('`').nth(1).unwrap_or_default();
    let is_short =
        name.len() <= 40 && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    match (names_a_field, is_short) {
        (true, true) => said.split(" at line ").next().unwrap_or_default().to_owned(),
        (true, false) => "it has a field that isn't known".to_owned(),
        _ => "it isn't the JSON that is expected".to_owned(),
    }
}

fn in_line(number: usize) -> impl Fn(String) -> String {
    move |what| format!("line {number} of its output: {what}")
}

fn lines(output: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = output.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.is_empty())
}

/// One user a line. Those whose id can't be used are left out: it may be what such a user is called. Where there are no
/// others, why is said.
pub(super) fn users(output: &[u8], limit: usize) -> Checked<Vec<UserView>> {
    let mut users: Vec<UserView> = Vec::new();
    let mut left_out = None;
    for (number, line) in lines(output) {
        let wrong = in_line(number);
        // More than was asked for is left out.
        if users.len() == limit {
            break;
        }
        let line: UserLine = serde_json::from_slice(line).map_err(|error| wrong(unreadable(&error)))?;
        let id = match line.id {
            Id::Text(id) => id,
            Id::Number(number) => number.to_string(),
        };
        if let Err(why) = check_id(&id) {
            left_out.get_or_insert_with(|| wrong(why));
            continue;
        }
        if users.iter().any(|user| user.id == id) {
            return Err(wrong(format!("the id {id} stood in an earlier line already")));
        }
        let login = line.login.shown(LONGEST_LOGIN).unwrap_or_else(|| id.clone());
        let name = line.name.and_then(|name| name.shown(LONGEST_NAME)).unwrap_or_else(|| login.clone());
        users.push(UserView { id, login, name, active: line.active });
    }
    match left_out {
        Some(why) if users.is_empty() => Err(why),
        _ => Ok(users),
    }
}

/// A token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// `cookie-value` of RFC 6265, section 4.1.1.
fn is_value(text: &str) -> bool {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    inner.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e))
}

/// `path-value` of the same, of which a browser takes only what begins with a slash.
fn is_cookie_path(text: &str) -> bool {
    text.starts_with('/')
        && text.len() <= LONGEST_PATH
        && text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b';')
}

/// A path on the instance's own host, never another address.
fn is_own_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && !text.starts_with("/\\")
        && text.len() <= LONGEST_PATH
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// One line: the cookies, and where to begin.
pub(super) fn opened(output: &[u8]) -> Checked<OpenedView> {
    let mut lines = lines(output);
    let Some((number, line)) = lines.next() else { return Err("it printed nothing".to_owned()) };
    let wrong = in_line(number);
    if lines.next().is_some() {
        return Err("it printed more than one line".to_owned());
    }
    let line: OpenedLine = serde_json::from_slice(line).map_err(|error| wrong(unreadable(&error)))?;
    if !(1..=MOST_COOKIES).contains(&line.cookies.len()) {
        return Err(wrong(format!("there are 1 to {MOST_COOKIES} cookies")));
    }
    let mut cookies: Vec<SessionCookie> = Vec::new();
    for cookie in line.cookies {
        let path = cookie.path.unwrap_or_else(|| "/".to_owned());
        if !is_token(&cookie.name) {
            return Err(wrong("a cookie's name isn't one (RFC 6265)".to_owned()));
        }
        let of = |what: &str| wrong(format!("the cookie {}: {what}", cookie.name));
        if !is_value(&cookie.value) {
            return Err(of("its value isn't one (RFC 6265)"));
        }
        if cookie.name.len() + cookie.value.len() > LARGEST_COOKIE {
            return Err(of("it has more than 4096 bytes"));
        }
        if !is_cookie_path(&path) {
            return Err(of("its path isn't one (RFC 6265)"));
        }
        if cookies.iter().any(|other| other.name == cookie.name && other.path == path) {
            return Err(of("it is there twice"));
        }
        let value = SecretText(Secret::from_text(cookie.value));
        cookies.push(SessionCookie { name: cookie.name, value, path });
    }
    let path = line.path.unwrap_or_else(|| "/".to_owned());
    if !is_own_path(&path) {
        return Err(wrong("`path` isn't a path of the application's own".to_owned()));
    }
    Ok(OpenedView { cookies, path })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn user(line: &str) -> Checked<UserView> {
        users(line.as_bytes(), 10).map(|mut users| users.remove(0))
    }

    fn open(line: &str) -> Checked<OpenedView> {
        opened(line.as_bytes())
    }

    #[test]
    fn users_are_read_line_by_line_and_no_more_than_were_asked_for() {
        let text = "{\"id\": 7, \"login\": \"kim\", \"name\": \"Kim Ö\", \"active\": false}\n\n {\"id\": \"b\", \"login\": \"bo\"}\r\n{\"id\": 9, \"login\": \"no\"}\n";
        let found = users(text.as_bytes(), 2).unwrap();
        let told = |id: &str, login: &str, name: &str, active| UserView {
            id: id.to_owned(),
            login: login.to_owned(),
            name: name.to_owned(),
            active,
        };
        assert_eq!(found, [told("7", "kim", "Kim Ö", false), told("b", "bo", "bo", true)]);
        assert_eq!(users(b"", 5), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_user_is_refused_with_its_line_and_without_its_values() {
        for (line, said) in [
            ("hello", "line 1 of its output: it isn't the JSON that is expected"),
            ("[1]", "line 1 of its output: it isn't the JSON that is expected"),
            (r#"{"login": "a"}"#, "line 1 of its output: missing field `id`"),
            (r#"{"id": "a", "login": "a", "password": "hunter2"}"#, "unknown field `password`"),
            (r#"{"id": "a", "login": 3}"#, "it isn't the JSON that is expected"),
            (r#"{"id": "", "login": "a"}"#, "`id` has 1 to 200 characters"),
            (r#"{"id": 1.5, "login": "a"}"#, "it isn't the JSON"),
            (r#"{"id": "a\u001b[31m", "login": "a"}"#, "`id` holds characters that control something"),
            (r#"{"id": "a\u202eb", "login": "a"}"#, "`id` holds characters that control something"),
            (r#"{"id": "a"}"#, "missing field `login`"),
            (r#"{"id": "a", "login": ["a"]}"#, "it isn't the JSON that is expected"),
        ] {
            let refused = user(line).unwrap_err();
            assert!(refused.contains(said) && !refused.contains("hunter2"), "{line}: {refused}");
        }
        let long = format!(r#"{{"id": "{}", "login": "a"}}"#, "x".repeat(201));
        assert!(user(&long).unwrap_err().contains("`id` has 1 to 200 characters"));
        let twice = "{\"id\": \"a\", \"login\": \"a\"}\n{\"id\": \"a\", \"login\": \"b\"}";
        assert!(users(twice.as_bytes(), 5).unwrap_err().starts_with("line 2"));
    }

    #[test]
    fn nothing_that_a_user_is_called_costs_the_others_the_list() {
        let long = "x".repeat(400);
        let long = format!(r#"{{"id": 9, "login": "{long}", "name": "{long}"}}"#);
        let shown = [
            (r#"{"id": 1, "login": "mia", "name": "x\u202ey"}"#, ("1", "mia", "xy")),
            (
                r#"{"id": 2, "login": "a\u001b[31m\nb", "name": "\u202b\u05d3\u05e0\u05d4\u202c\u200f"}"#,
                ("2", "a [31m b", "דנה"),
            ),
            (
                r#"{"id": 3, "login": "kim", "name": "\u2066 \u2069\u200b\u200d\ufe0f\u3164"}"#,
                ("3", "kim", "kim"),
            ),
            (r#"{"id": 4, "login": "\u200b\u0000", "name": null}"#, ("4", "4", "4")),
            (r#"{"id": 5, "login": "", "name": "Bo"}"#, ("5", "5", "Bo")),
            // Letters that are joined otherwise are written otherwise.
            (r#"{"id": 6, "login": "a", "name": "\u0645\u06cc\u200c\u062e"}"#, ("6", "a", "می\u{200c}خ")),
            (
                r#"{"id": 7, "login": "a", "name": "half \ud83d"}"#,
                ("7", "a", "half \u{fffd}\u{fffd}\u{fffd}"),
            ),
            ("{\"id\": 8, \"login\": \"a\tb\"}", ("8", "a b", "a b")),
            (&long, ("9", &"x".repeat(320), &"x".repeat(200))),
        ];
        let text: Vec<&str> = shown.iter().map(|(line, _)| *line).collect();
        let found = users(text.join("\n").as_bytes(), 50).unwrap();
        let found: Vec<_> =
            found.iter().map(|user| (user.id.as_str(), user.login.as_str(), user.name.as_str())).collect();
        assert_eq!(found, shown.map(|(_, told)| told));
    }

    #[test]
    fn who_has_an_id_that_cant_be_used_is_left_out_and_the_others_arent() {
        let text = "{\"id\": \"a\\u202eb\", \"login\": \"no\"}\n{\"id\": \"b\", \"login\": \"bo\"}\n{\"id\": \"\", \"login\": \"no\"}";
        let found = users(text.as_bytes(), 5).unwrap();
        assert_eq!(found.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_session_is_its_cookies_and_a_path_of_its_own() {
        let found = open(
            r#"{"cookies": [{"name": "sessionid", "value": "a=b", "path": "/shop"}, {"name": "x", "value": "\"q\""}], "path": "/orders?page=2"}"#,
        );
        let found = found.unwrap();
        let cookies: Vec<_> =
            found.cookies.iter().map(|cookie| (cookie.name.as_str(), cookie.path.as_str())).collect();
        assert_eq!(cookies, [("sessionid", "/shop"), ("x", "/")]);
        assert_eq!(found.cookies[0].value.0.reveal_text(), Some("a=b"));
        assert_eq!(found.path, "/orders?page=2");
    }

    #[test]
    fn what_is_no_cookie_is_refused() {
        let cookie = |name: &str, value: &str, path: &str| {
            open(&serde_json::json!({"cookies": [{"name": name, "value": value, "path": path}]}).to_string())
        };
        assert!(cookie("a", "b", "/").is_ok() && cookie("a", "", "/a b").is_ok());
        for (name, value, path) in [
            ("", "b", "/"),
            ("a b", "b", "/"),
            ("a=", "b", "/"),
            ("a", "b;c", "/"),
            ("a", "b c", "/"),
            ("a", "b\r\nSet-Cookie: x=1", "/"),
            ("a", "é", "/"),
            ("a", "b\\", "/"),
            ("a", "b", "shop"),
            ("a", "b", "/;Domain=evil.example"),
            ("a", &"x".repeat(4096), "/"),
        ] {
            let refused = cookie(name, value, path).err().unwrap();
            assert!(value.is_empty() || value.len() == 1 || !refused.contains(value), "{refused}");
        }
        for line in [
            "",
            "{}",
            r#"{"cookies": []}"#,
            r#"{"cookies": [{"name": "a", "value": "b"}], "path": "//evil.example"}"#,
            r#"{"cookies": [{"name": "a", "value": "b"}], "path": "https://evil.example"}"#,
            r#"{"cookies": [{"name": "a", "value": "b"}], "path": "/\\evil.example"}"#,
            r#"{"cookies": [{"name": "a", "value": "b"}, {"name": "a", "value": "c"}]}"#,
            "{\"cookies\": [{\"name\": \"a\", \"value\": \"b\"}]}\n{\"cookies\": [{\"name\": \"a\", \"value\": \"b\"}]}",
        ] {
            assert!(open(line).is_err(), "{line}");
        }
        let many: Vec<_> =
            (0..21).map(|n| serde_json::json!({"name": format!("c{n}"), "value": ""})).collect();
        assert!(open(&serde_json::json!({ "cookies": many }).to_string()).is_err());
    }
}
