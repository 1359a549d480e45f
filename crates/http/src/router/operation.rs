//! What is said of a route when it is registered.

use serde_json::Value;

/// A request that succeeds when sent by one who may, so that nothing goes untested.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What it is answered with: the operation's success, but where the scene of the tests forbids that.
    pub status: u16,
    pub body: Option<Value>,
    /// A body that isn't JSON: its media type, and what it is.
    pub raw: Option<(&'static str, &'static [u8])>,
    pub query: &'static str,
    /// The answer doesn't end by itself.
    pub streams: bool,
}

/// What an operation is called, what it says when it succeeds, by what it may be refused besides what follows from its
/// gate and its arguments, and a sample of it. Required by registration.
#[derive(Debug, Clone)]
pub struct Operation {
    /// A function of a generated client has this name.
    pub id: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The status of success.
    pub status: u16,
    /// Whether the answer has an `ETag`.
    pub is_tagged: bool,
    /// Whether the answer sets or clears the session's cookie.
    pub sets_cookie: bool,
    /// Whether a mail goes on with it after the answer, and no job.
    pub mails: bool,
    /// Codes of problems that only this operation's own work comes to.
    pub refusals: Vec<&'static str>,
    pub sample: Sample,
}

impl Operation {
    #[must_use]
    pub fn new(id: &'static str, status: u16, summary: &'static str) -> Self {
        let sample = Sample { status, body: None, raw: None, query: "", streams: false };
        Self {
            id,
            summary,
            status,
            is_tagged: false,
            sets_cookie: false,
            mails: false,
            refusals: Vec::new(),
            sample,
        }
    }

    /// The sample's body. Text of the form `{project}` in it stands for the id of the test's own project, and so on.
    #[must_use]
    pub fn body(mut self, body: Value) -> Self {
        self.sample.body = Some(body);
        self
    }

    /// The sample's body, where it isn't JSON.
    #[must_use]
    pub fn raw(mut self, kind: &'static str, body: &'static [u8]) -> Self {
        self.sample.raw = Some((kind, body));
        self
    }

    /// The sample's query.
    #[must_use]
    pub fn query(mut self, query: &'static str) -> Self {
        self.sample.query = query;
        self
    }

    /// What the sample meets instead of success: that it is decided is what counts then.
    #[must_use]
    pub fn meets(mut self, status: u16) -> Self {
        self.sample.status = status;
        self
    }

    /// The answer doesn't end by itself.
    #[must_use]
    pub fn streams(mut self) -> Self {
        self.sample.streams = true;
        self
    }

    #[must_use]
    pub fn tagged(mut self) -> Self {
        self.is_tagged = true;
        self
    }

    #[must_use]
    pub fn sets_cookie(mut self) -> Self {
        self.sets_cookie = true;
        self
    }

    /// Answered with 202 before its mail is sent.
    #[must_use]
    pub fn mails(mut self) -> Self {
        self.mails = true;
        self
    }

    #[must_use]
    pub fn refuses(mut self, codes: &[&'static str]) -> Self {
        self.refusals.extend_from_slice(codes);
        self
    }
}
