//! The application's cookies of one session, kept as a browser keeps them (RFC 6265, section 5), for one host. They never
//! leave it but for the application that set them.

mod date;

use serde::{Deserialize, Serialize};
use stoa_domain::Secret;

use crate::Fault;
use crate::ports::AppCookie;

/// Bytes of a name and its value; cookies of one session, and bytes of them all. The oldest go for the newest.
const LARGEST: usize = 4096;
const MOST: usize = 64;
const LARGEST_OF_ALL: usize = 64 * 1024;

/// A cookie. It has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    /// Seconds since 1970; without it as long as the session.
    expires: Option<i64>,
}

/// All of one session, the oldest first.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Jar(Vec<Cookie>);

/// What a `Set-Cookie` says.
struct Wished<'t> {
    name: &'t str,
    value: &'t str,
    domain: Option<String>,
    path: Option<&'t str>,
    expires: Option<i64>,
    max_age: Option<i64>,
}

impl<'t> Wished<'t> {
    /// Section 5.2: what can't be read of it isn't said.
    fn parse(text: &'t str) -> Option<Self> {
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || name.len() + value.len() > LARGEST {
            return None;
        }
        let mut wished = Self { name, value, domain: None, path: None, expires: None, max_age: None };
        for attribute in parts {
            let (key, said) = attribute.split_once('=').unwrap_or((attribute, ""));
            let said = said.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" if !said.is_empty() => {
                    let domain = said.trim_start_matches('.').trim_end_matches('.').to_ascii_lowercase();
                    wished.domain = Some(domain);
                }
                "path" => wished.path = Some(said).filter(|path| path.starts_with('/')),
                "expires" => wished.expires = date::parse(said).or(wished.expires),
                "max-age" => {
                    let is_number =
                        said.strip_prefix('-').unwrap_or(said).bytes().all(|byte| byte.is_ascii_digit());
                    let seconds = said.parse().unwrap_or(if said.starts_with('-') { 0 } else { i64::MAX });
                    wished.max_age =
                        Some(seconds).filter(|_| is_number && !said.is_empty()).or(wished.max_age);
                }
                _ => {}
            }
        }
        Some(wished)
    }
}

/// Section 5.1.4: where a cookie counts that doesn't say it.
fn default_path(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(end) if path.starts_with('/') => &path[..end],
        Some(_) => "/",
    }
}

/// Section 5.1.4: whether a cookie counts there.
fn matches(cookie: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    path == cookie
        || path.strip_prefix(cookie).is_some_and(|rest| cookie.ends_with('/') || rest.starts_with('/'))
}

impl Jar {
    /// Of what the application opened: checked already.
    pub(super) fn of<'c>(cookies: impl Iterator<Item = (&'c String, &'c Secret, &'c String)>) -> Self {
        let cookie = |(name, value, path): (&String, &Secret, &String)| {
            let value = value.reveal_text()?.to_owned();
            Some(Cookie { name: name.clone(), value, path: path.clone(), expires: None })
        };
        Self(cookies.filter_map(cookie).collect())
    }

    /// Takes over a `Set-Cookie` of `host`, that came with the answer to `path`. Whether anything is other than before.
    /// What is of another host, or above this one, is left out.
    pub fn set(&mut self, text: &[u8], host: &str, path: &str, now: i64) -> bool {
        let Ok(text) = std::str::from_utf8(text) else { return false };
        if text.chars().any(char::is_control) {
            return false;
        }
        let Some(wished) = Wished::parse(text) else { return false };
        if wished.domain.is_some_and(|domain| domain != host) {
            return false;
        }
        let path = wished.path.unwrap_or_else(|| default_path(path)).to_owned();
        let expires = match wished.max_age {
            Some(seconds) => Some(now.saturating_add(seconds)),
            None => wished.expires,
        };
        let before = self.0.iter().position(|one| one.name == wished.name && one.path == path);
        if expires.is_some_and(|expires| expires <= now) {
            return before.map(|at| self.0.remove(at)).is_some();
        }
        let cookie = Cookie { name: wished.name.to_owned(), value: wished.value.to_owned(), path, expires };
        match before {
            Some(at) if self.0[at] == cookie => return false,
            // It keeps its age.
            Some(at) => self.0[at] = cookie,
            None => self.0.push(cookie),
        }
        while self.0.len() > MOST || self.size() > LARGEST_OF_ALL {
            self.0.remove(0);
        }
        true
    }

    fn size(&self) -> usize {
        self.0.iter().map(|one| one.name.len() + one.value.len() + one.path.len()).sum()
    }

    /// The pairs that are sent with a request for `path` at `now`, as section 5.4 orders them, and the names that are
    /// this session's, whether sent or not.
    #[must_use]
    pub fn pairs(&self, path: &str, now: i64) -> Vec<String> {
        let counts = |one: &&Cookie| matches(&one.path, path) && one.expires.is_none_or(|at| at > now);
        let mut sent: Vec<&Cookie> = self.0.iter().filter(counts).collect();
        sent.sort_by_key(|one| std::cmp::Reverse(one.path.len()));
        sent.iter().map(|one| format!("{}={}", one.name, one.value)).collect()
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|one| one.name == name)
    }

    /// As the application is told which session is over.
    pub(super) fn cookies(&self) -> impl Iterator<Item = AppCookie> {
        self.0.iter().map(|one| AppCookie {
            name: one.name.clone(),
            value: Secret::from_text(one.value.clone()),
            path: one.path.clone(),
        })
    }

    pub(super) fn to_secret(&self) -> Result<Secret, Fault> {
        serde_json::to_vec(self).map(Secret::new).map_err(Fault::new)
    }

    pub(super) fn from_secret(secret: &Secret) -> Result<Self, Fault> {
        // What can't be read may be repeated by no error.
        serde_json::from_slice(secret.reveal()).map_err(|_| Fault::new("kept cookies can't be read"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HOST: &str = "shop.localhost";
    const NOW: i64 = 1_790_000_000;

    fn jar(set: &[&str]) -> Jar {
        let mut jar = Jar::default();
        for text in set {
            jar.set(text.as_bytes(), HOST, "/accounts/login?next=/", NOW);
        }
        jar
    }

    fn sent(set: &[&str], path: &str) -> String {
        jar(set).pairs(path, NOW).join("; ")
    }

    #[test]
    fn cookies_go_where_their_path_says_the_longest_first() {
        let set = ["a=1; Path=/", "b=2; Path=/shop", "c=3; Path=/shop/", "d=4", "e=5; path=nowhere"];
        assert_eq!(sent(&set, "/"), "a=1");
        assert_eq!(sent(&set, "/shop"), "b=2; a=1");
        assert_eq!(sent(&set, "/shop/x?y"), "c=3; b=2; a=1");
        assert_eq!(sent(&set, "/shopping"), "a=1");
        // Without a path it is the folder of what was asked.
        assert_eq!(sent(&set, "/accounts/me"), "d=4; e=5; a=1");
        assert_eq!(sent(&["a=1; Path=/; Secure; HttpOnly; SameSite=Strict"], "/"), "a=1");
    }

    #[test]
    fn a_later_one_takes_the_place_and_one_that_has_ended_goes() {
        assert_eq!(sent(&["a=1; Path=/", "a=2; Path=/"], "/"), "a=2");
        for end in [
            "a=; Path=/; Max-Age=0",
            "a=; Path=/; max-age=-1",
            "a=x; Path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "a=x; Path=/; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
        ] {
            assert_eq!(sent(&["a=1; Path=/", end], "/"), "", "{end}");
        }
        // Max-Age goes before Expires, and one of another path is another one.
        let kept = "a=x; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
        assert_eq!(sent(&[kept], "/"), "a=x");
        assert_eq!(jar(&[kept]).pairs("/", NOW + 60), Vec::<String>::new());
        assert_eq!(sent(&["a=1; Path=/", "a=; Path=/shop; Max-Age=0"], "/"), "a=1");
        assert_eq!(sent(&["a=1; Path=/; Max-Age=soon"], "/"), "a=1");
    }

    #[test]
    fn one_that_is_for_other_hosts_is_left_out() {
        assert_eq!(
            sent(&["a=1; Path=/; Domain=shop.localhost", "b=1; Path=/; Domain=.SHOP.localhost."], "/"),
            "a=1; b=1"
        );
        for domain in ["localhost", ".localhost", "other.localhost", "a.shop.localhost", "evil.example"] {
            assert_eq!(sent(&[&format!("a=1; Path=/; Domain={domain}")], "/"), "", "{domain}");
        }
        let twice = "a=1; Path=/; Domain=shop.localhost; Domain=localhost";
        assert_eq!(sent(&[twice], "/"), "");
    }

    #[test]
    fn what_is_no_cookie_changes_nothing() {
        let large = format!("a={}", "x".repeat(4096));
        for text in ["", "a", "=b", " ; Path=/", "a\u{1}=b", "a=b\u{7f}", &large] {
            assert!(!Jar::default().set(text.as_bytes(), HOST, "/", NOW), "{text}");
        }
        assert!(!Jar::default().set(b"a=\xff", HOST, "/", NOW));
        let mut same = jar(&["a=1; Path=/"]);
        assert!(!same.set(b"a=1; Path=/", HOST, "/", NOW));
    }

    #[test]
    fn there_are_only_so_many_and_the_oldest_go() {
        let mut many = Jar::default();
        for number in 0..200 {
            many.set(format!("c{number}=1; Path=/").as_bytes(), HOST, "/", NOW);
        }
        assert_eq!(many.0.len(), MOST);
        assert!(many.has("c199") && !many.has("c0"));
        let mut large = Jar::default();
        for number in 0..40 {
            large.set(format!("c{number}={}; Path=/", "x".repeat(4000)).as_bytes(), HOST, "/", NOW);
        }
        assert!(large.size() <= LARGEST_OF_ALL && large.has("c39"));
    }

    #[test]
    fn it_is_kept_whole() {
        let before = jar(&["a=1; Path=/", "b=2; Max-Age=5"]);
        let after = Jar::from_secret(&before.to_secret().unwrap()).unwrap();
        assert!(before.0 == after.0);
    }
}
