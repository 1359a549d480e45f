//! Values with their places: what is taken out of a table, and what is wrong with it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One sentence about what isn't right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `stoa_toml` or `not_recognised`.
    pub code: &'static str,
    pub sentence: String,
}

impl Problem {
    pub(super) fn plain(code: &'static str, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }
}

/// The text, for the places in sentences.
#[derive(Clone, Copy)]
pub(super) struct Text<'t>(pub &'t str);

impl Text<'_> {
    pub fn line(self, at: usize) -> usize {
        self.0.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
    }

    pub fn column(self, at: usize) -> usize {
        let before = &self.0[..at.min(self.0.len())];
        before.rsplit('\n').next().unwrap_or_default().chars().count() + 1
    }

    pub fn wrong(self, span: &Range<usize>, what: &str) -> Problem {
        Problem::plain("stoa_toml", format!("stoa.toml, line {}: {what}", self.line(span.start)))
    }
}

/// A table of which every entry has to be taken.
pub(super) struct Table<'t> {
    text: Text<'t>,
    /// `run`, `processes.worker`; empty for the whole.
    name: String,
    entries: &'t DeTable<'t>,
    taken: BTreeSet<&'static str>,
}

type Value<'t> = &'t Spanned<DeValue<'t>>;

impl<'t> Table<'t> {
    pub fn new(text: Text<'t>, name: impl Into<String>, entries: &'t DeTable<'t>) -> Self {
        Self { text, name: name.into(), entries, taken: BTreeSet::new() }
    }

    pub fn text(&self) -> Text<'t> {
        self.text
    }

    fn full(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn find(&mut self, key: &'static str) -> Option<Value<'t>> {
        self.taken.insert(key);
        self.entries.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    fn wrong(&self, value: Value<'t>, key: &str, what: &str) -> Problem {
        self.text.wrong(&value.span(), &format!("{} {what}", self.full(key)))
    }

    pub fn table(&mut self, key: &'static str) -> Result<Option<Table<'t>>, Problem> {
        let Some(value) = self.find(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::Table(entries) => Ok(Some(Table::new(self.text, self.full(key), entries))),
            _ => Err(self.wrong(value, key, "must be a table")),
        }
    }

    /// Tables with names of their own: `[processes.<name>]`.
    pub fn tables(&mut self, key: &'static str) -> Result<Vec<(String, Range<usize>, Table<'t>)>, Problem> {
        let Some(table) = self.table(key)? else { return Ok(Vec::new()) };
        let mut tables = Vec::new();
        for (name, value) in table.entries.iter() {
            let (name, span) = (name.get_ref().to_string(), name.span());
            let DeValue::Table(entries) = value.get_ref() else {
                return Err(self.text.wrong(&span, &format!("{key}.{name} must be a table")));
            };
            let own = Table::new(self.text, format!("{key}.{name}"), entries);
            tables.push((name, span, own));
        }
        Ok(tables)
    }

    pub fn string(&mut self, key: &'static str) -> Result<Option<(String, Range<usize>)>, Problem> {
        let Some(value) = self.find(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::String(text) => Ok(Some((text.to_string(), value.span()))),
            _ => Err(self.wrong(value, key, "must be a text")),
        }
    }

    pub fn boolean(&mut self, key: &'static str) -> Result<Option<bool>, Problem> {
        let Some(value) = self.find(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::Boolean(truth) => Ok(Some(*truth)),
            _ => Err(self.wrong(value, key, "must be true or false")),
        }
    }

    pub fn integer(&mut self, key: &'static str, least: i64, most: i64) -> Result<Option<i64>, Problem> {
        let Some(value) = self.find(key) else { return Ok(None) };
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match number {
            Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(self.wrong(value, key, &format!("must be a number from {least} to {most}"))),
        }
    }

    fn words(&self, value: Value<'t>, key: &str, example: &str) -> Result<Vec<String>, Problem> {
        let wrong = || self.wrong(value, key, &format!("must be a list of words: {example}"));
        let DeValue::Array(list) = value.get_ref() else { return Err(wrong()) };
        let words: Option<Vec<String>> = list
            .iter()
            .map(|word| match word.get_ref() {
                DeValue::String(text) if !text.contains('\0') => Some(text.to_string()),
                _ => None,
            })
            .collect();
        words.ok_or_else(wrong)
    }

    /// A list of words, started as it stands.
    pub fn command(&mut self, key: &'static str) -> Result<Vec<String>, Problem> {
        let Some(value) = self.find(key) else { return Ok(Vec::new()) };
        let words = self.words(value, key, r#"["python3", "app.py"]"#)?;
        if words.first().is_none_or(String::is_empty) {
            return Err(self.wrong(value, key, r#"must be a list of words: ["python3", "app.py"]"#));
        }
        Ok(words)
    }

    pub fn commands(&mut self, key: &'static str) -> Result<Vec<Vec<String>>, Problem> {
        const EXAMPLE: &str = r#"must be a list of commands: [["npm", "ci"], ["npm", "run", "build"]]"#;
        let Some(value) = self.find(key) else { return Ok(Vec::new()) };
        let DeValue::Array(list) = value.get_ref() else { return Err(self.wrong(value, key, EXAMPLE)) };
        let mut commands = Vec::new();
        for one in list.iter() {
            let words =
                self.words(one, key, r#"["npm", "ci"]"#).map_err(|_| self.wrong(one, key, EXAMPLE))?;
            if words.first().is_none_or(String::is_empty) {
                return Err(self.wrong(one, key, EXAMPLE));
            }
            commands.push(words);
        }
        Ok(commands)
    }

    pub fn texts(&mut self, key: &'static str) -> Result<Option<Vec<String>>, Problem> {
        let Some(value) = self.find(key) else { return Ok(None) };
        self.words(value, key, r#"["one", "two"]"#).map(Some)
    }

    /// Codes or classes of codes: `[200, "3xx"]`.
    pub fn statuses(&mut self, key: &'static str) -> Result<Option<Vec<String>>, Problem> {
        let Some(value) = self.find(key) else { return Ok(None) };
        let wrong = || self.wrong(value, key, r#"must be a list of codes: ["2xx", 404]"#);
        let DeValue::Array(list) = value.get_ref() else { return Err(wrong()) };
        let status = |one: &Spanned<DeValue<'_>>| match one.get_ref() {
            DeValue::Integer(number) => Some(number.as_str().to_owned()),
            DeValue::String(text) => Some(text.to_string()),
            _ => None,
        };
        let fits = |text: &String| {
            let bytes = text.as_bytes();
            bytes.len() == 3 && (b'1'..=b'5').contains(&bytes[0]) && {
                &bytes[1..] == b"xx" || bytes[1..].iter().all(u8::is_ascii_digit)
            }
        };
        let statuses: Option<Vec<String>> = list.iter().map(|one| status(one).filter(fits)).collect();
        statuses.filter(|list| !list.is_empty()).map(Some).ok_or_else(wrong)
    }

    /// A whole number with `s`, `m` or `h`.
    pub fn duration(&mut self, key: &'static str, most: Duration) -> Result<Option<Duration>, Problem> {
        let Some(value) = self.find(key) else { return Ok(None) };
        let form = r#"must be a duration: "30s", "5m" or "1h""#;
        let DeValue::String(text) = value.get_ref() else { return Err(self.wrong(value, key, form)) };
        let seconds = text.split_at_checked(text.len().saturating_sub(1)).and_then(|(number, unit)| {
            let number: u64 = number.parse().ok()?;
            let unit = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                _ => return None,
            };
            number.checked_mul(unit)
        });
        match seconds {
            None | Some(0) => Err(self.wrong(value, key, form)),
            Some(seconds) if seconds > most.as_secs() => {
                Err(self.wrong(value, key, &format!("is \"{text}\"; at most {}", in_words(most))))
            }
            Some(seconds) => Ok(Some(Duration::from_secs(seconds))),
        }
    }

    /// A path below something: not absolute, without `..`.
    pub fn path(&mut self, key: &'static str) -> Result<Option<String>, Problem> {
        let Some((path, span)) = self.string(key)? else { return Ok(None) };
        let wrong = |what: &str| Err(self.text.wrong(&span, &format!("{} {what}", self.full(key))));
        if path.starts_with('/') {
            return wrong("may not be absolute");
        }
        if path.split('/').any(|part| part == "..") {
            return wrong("may not contain `..`");
        }
        if path.is_empty() || path.contains('\0') {
            return wrong("must be a path");
        }
        Ok(Some(path))
    }

    /// Plain texts by their names.
    pub fn variables(&mut self, key: &'static str) -> Result<Vec<(String, String)>, Problem> {
        let Some(table) = self.table(key)? else { return Ok(Vec::new()) };
        let mut variables = Vec::new();
        for (name, value) in table.entries.iter() {
            let DeValue::String(text) = value.get_ref() else {
                return Err(self
                    .text
                    .wrong(&value.span(), &format!("{}.{} must be a text", table.name, name.get_ref())));
            };
            variables.push((name.get_ref().to_string(), text.to_string()));
        }
        Ok(variables)
    }

    /// Whether it is there at all, for what this version doesn't do yet.
    pub fn refuse(&mut self, key: &'static str, why: &str) -> Result<(), Problem> {
        match self.find(key) {
            None => Ok(()),
            Some(value) => Err(self.wrong(value, key, why)),
        }
    }

    /// Refuses what nobody took.
    pub fn end(self) -> Result<(), Problem> {
        for (name, _) in self.entries.iter() {
            let key = name.get_ref().as_ref();
            if self.taken.contains(key) {
                continue;
            }
            let place =
                if self.name.is_empty() { "at the top".to_owned() } else { format!("in [{}]", self.name) };
            let hint = near(key, self.taken.iter()).map(|known| format!("; did you mean `{known}`?"));
            let hint = hint.unwrap_or_default();
            return Err(self.text.wrong(&name.span(), &format!("`{key}` isn't known {place}{hint}")));
        }
        Ok(())
    }
}

fn in_words(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// What was probably meant: the nearest, where it is near.
pub(super) fn near<'k>(word: &str, known: impl Iterator<Item = &'k &'static str>) -> Option<&'static str> {
    let nearest = known.map(|known| (distance(word, known), *known)).min();
    nearest.filter(|(far, _)| *far <= 2).map(|(_, known)| known)
}

/// Letters to change, add or take away (Levenshtein 1965).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = above + 1;
        for (at, second) in other.iter().enumerate() {
            let changed = corner + usize::from(letter != *second);
            corner = row[at + 1];
            row[at + 1] = changed.min(row[at] + 1).min(row[at + 1] + 1);
        }
    }
    row[other.len()]
}
