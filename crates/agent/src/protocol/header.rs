//! The headers of every order, and of every stream.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use stoa_domain::JobId;
use uuid::Uuid;

use super::{Code, Problem};

pub const JOB: &str = "stoa-job";
pub const FENCE: &str = "stoa-fence";
pub const VALID: &str = "stoa-valid";
pub const LEASE: &str = "stoa-lease";

/// How often a lease is renewed, and how long one lasts without that.
pub const RENEWAL: Duration = Duration::from_millis(400);
pub const LEASE_LASTS: Duration = Duration::from_secs(2);

/// A number that rises each time a job is claimed; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(i64);

impl Fence {
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        (number >= 0).then_some(Self(number))
    }

    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }
}

/// For how long a command may start: 60 seconds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Valid(u16);

impl Valid {
    /// As long as a command can be valid.
    pub const LONGEST: Self = Self(60_000);

    #[must_use]
    pub fn from_millis(millis: u16) -> Option<Self> {
        (millis <= Self::LONGEST.0).then_some(Self(millis))
    }

    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_millis(u64::from(self.0))
    }
}

/// The id of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease(pub Uuid);

/// What every order carries against being late or done twice.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub job: JobId,
    pub fence: Fence,
    pub valid: Valid,
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Problem::new(Code::Invalid, format!("The header {name} has to be there, once."))),
    }
}

fn parsed<T>(headers: &HeaderMap, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Problem> {
    parse(text(headers, name)?)
        .ok_or_else(|| Problem::new(Code::Invalid, format!("The header {name} isn't one.")))
}

/// Digits and nothing else: no sign, no blank.
fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl Order {
    /// # Errors
    /// `invalid`, where one isn't there or isn't what it has to be.
    pub fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self {
            job: parsed(headers, JOB, |text| text.parse().ok())?,
            fence: parsed(headers, FENCE, |text| Fence::new(number(text)?))?,
            valid: parsed(headers, VALID, |text| Valid::from_millis(number(text)?))?,
        })
    }

    pub fn write(&self, headers: &mut HeaderMap) {
        insert(headers, JOB, &self.job.to_string());
        headers.insert(FENCE, HeaderValue::from(self.fence.0));
        headers.insert(VALID, HeaderValue::from(self.valid.0));
    }
}

impl Lease {
    /// # Errors
    /// `invalid`, where it isn't there or isn't a UUID.
    pub fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        parsed(headers, LEASE, |text| text.parse::<JobId>().ok()).map(|id| Self(id.uuid()))
    }

    pub fn write(&self, headers: &mut HeaderMap) {
        insert(headers, LEASE, &self.0.hyphenated().to_string());
    }
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // The text of an id is digits and hyphens.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn headers(job: &str, fence: &str, valid: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [(JOB, job), (FENCE, fence), (VALID, valid)] {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let order = Order::read(&headers(ID, "7", "60000")).unwrap();
        let mut written = HeaderMap::new();
        order.write(&mut written);
        assert_eq!(written, headers(ID, "7", "60000"));
        assert_eq!(order.valid, Valid::LONGEST);
    }

    #[test]
    fn what_is_no_order_is_refused() {
        for (job, fence, valid) in [
            ("shop", "7", "1000"),
            (ID, "-1", "1000"),
            (ID, "+1", "1000"),
            (ID, "", "1000"),
            (ID, "7", "60001"),
            (ID, "7", "-5"),
            (ID, "7", "1 000"),
        ] {
            let problem = Order::read(&headers(job, fence, valid)).unwrap_err();
            assert_eq!(problem.code, Code::Invalid, "{job} {fence} {valid}");
        }
        let mut twice = headers(ID, "7", "1000");
        twice.append(FENCE, HeaderValue::from(8));
        assert!(Order::read(&twice).is_err());
        assert!(Order::read(&HeaderMap::new()).is_err());
    }
}
