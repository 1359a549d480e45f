//! The frame of every letter: a look, a title, paragraphs, one button, notes; as HTML and as plain text.
//!
//! It knows nothing of what a letter is about, and fetches nothing: a logo lies in the letter itself, so that whoever
//! opens it tells nobody.

use askama::Template;
use stoa_domain::Secret;
use stoa_domain::color::Color;
use stoa_domain::name::initials;
use stoa_storage::workspace::WorkspaceRecord;

use crate::Fault;
use crate::ports::{InlineImage, Letter};

/// By what the HTML names the logo that lies in the letter.
const LOGO_ID: &str = "logo@stoa";

/// The colour of Stoa's own letters, as of its own pages.
const NEUTRAL: Color = Color::new([0x35, 0x52, 0xd4]);

/// In whose name a letter goes out, and how it looks.
#[derive(Clone)]
pub struct Look {
    name: String,
    /// Whether it is a workspace's.
    is_of_workspace: bool,
    color: Color,
    /// A PNG.
    logo: Option<Vec<u8>>,
}

impl Look {
    /// Stoa's own, for what concerns an account and no workspace.
    #[must_use]
    pub fn stoa() -> Self {
        Self { name: "Stoa".to_owned(), is_of_workspace: false, color: NEUTRAL, logo: None }
    }

    /// A workspace's. `logo` is a PNG; without one its initials stand on its colour.
    #[must_use]
    pub fn of(workspace: &WorkspaceRecord, logo: Option<Vec<u8>>) -> Self {
        let color = Color::parse(&workspace.primary_color).unwrap_or(NEUTRAL);
        Self { name: workspace.name.clone(), is_of_workspace: true, color, logo }
    }
}

/// What a letter asks to be done.
pub struct Button {
    /// A verb and what it is done to, without a full stop.
    pub words: String,
    /// The whole address. It is a secret where it carries one.
    pub link: Secret,
}

/// What a letter says. All of it is plain text, whoever wrote it.
#[derive(Default)]
pub struct Words {
    pub subject: String,
    pub title: String,
    pub paragraphs: Vec<String>,
    /// Words of a person, set apart from Stoa's own; may have several lines.
    pub quote: Option<String>,
    pub button: Option<Button>,
    /// What stands at the foot: for whom it is, and what to do when it wasn't expected.
    pub notes: Vec<String>,
}

struct ButtonText<'a> {
    words: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct Html<'a> {
    name: &'a str,
    color: &'a str,
    /// Around the button, so that a pale one keeps its shape; in dark another.
    edge: &'a str,
    dark_edge: &'a str,
    label: &'static str,
    initials: &'a str,
    has_logo: bool,
    logo_id: &'static str,
    title: &'a str,
    paragraphs: &'a [String],
    quote: Option<&'a str>,
    button: Option<ButtonText<'a>>,
    notes: &'a [String],
}

#[derive(Template)]
#[template(path = "letter.txt")]
struct Text<'a> {
    name: &'a str,
    title: &'a str,
    paragraphs: &'a [String],
    quote: Option<&'a str>,
    button: Option<ButtonText<'a>>,
    notes: &'a [String],
}

/// Puts the words in their frame. In the plain text the button's link stands alone in its line and is the first address.
///
/// # Errors
/// A fault, where a template can't be written.
pub(crate) fn framed(to: &str, look: Look, words: &Words) -> Result<Letter, Fault> {
    let link = words.button.as_ref().and_then(|button| button.link.reveal_text());
    let button = || {
        let words = words.button.as_ref()?.words.as_str();
        Some(ButtonText { words, link: link? })
    };
    let (name, title) = (inert(&look.name), inert(&words.title));
    let paragraphs: Vec<String> = words.paragraphs.iter().map(|text| inert(text)).collect();
    let notes: Vec<String> = words.notes.iter().map(|text| inert(text)).collect();
    let quote = words.quote.as_deref();
    let color = look.color.to_string();
    let [edge, dark_edge] = look.color.edges();
    let html = Html {
        name: &name,
        color: &color,
        edge: &edge,
        dark_edge: &dark_edge,
        label: look.color.label(),
        initials: &initials(&look.name),
        has_logo: look.logo.is_some(),
        logo_id: LOGO_ID,
        title: &title,
        paragraphs: &paragraphs,
        quote,
        button: button(),
        notes: &notes,
    };
    let text =
        Text { name: &name, title: &title, paragraphs: &paragraphs, quote, button: button(), notes: &notes };
    let images = look.logo.map(|png| InlineImage { id: LOGO_ID.to_owned(), png });
    Ok(Letter {
        to: to.to_owned(),
        sender: look.is_of_workspace.then(|| look.name.clone()),
        subject: inert(&words.subject).split_whitespace().collect::<Vec<_>>().join(" "),
        text: text.render().map_err(Fault::new)?,
        html: html.render().map_err(Fault::new)?,
        images: images.into_iter().collect(),
    })
}

/// The text as it was, but no program takes a piece of it for an address: names in a letter are those of people whom
/// its receiver may not know, and what they call themselves leads nowhere. A mail address stays one.
fn inert(text: &str) -> String {
    // A word joiner has no width, and ends what would be read as an address.
    let text = text.replace("://", ":\u{2060}//");
    text.split_inclusive(char::is_whitespace)
        .map(|word| if word.contains('@') && !word.contains('/') { word.to_owned() } else { parted(word) })
        .collect()
}

/// A word with a joiner at each dot that stands between letters or digits, as in the name of a host.
fn parted(word: &str) -> String {
    let mut parted = String::with_capacity(word.len());
    let mut letters = word.chars().peekable();
    let mut before = None;
    while let Some(letter) = letters.next() {
        let is_between = |letter: Option<&char>| letter.is_some_and(|letter| letter.is_alphanumeric());
        if letter == '.' && is_between(before.as_ref()) && is_between(letters.peek()) {
            parted.push('\u{2060}');
        }
        parted.push(letter);
        before = Some(letter);
    }
    parted
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words {
            subject: "Two\r\nBcc: everybody@example.com lines".to_owned(),
            title: "Join <b>Acme</b>".to_owned(),
            paragraphs: vec!["See http://evil.example and www.evil.example & co.".to_owned()],
            quote: Some("First line.\nhttps://wiki.example <script>".to_owned()),
            button: Some(Button {
                words: "Accept the invitation".to_owned(),
                link: Secret::from_text("https://stoa.example/invitations/abc?a=1&b=2".to_owned()),
            }),
            notes: vec!["Ignore it otherwise.".to_owned()],
        }
    }

    fn look(logo: Option<Vec<u8>>) -> Look {
        Look { name: "Acme <i>".to_owned(), is_of_workspace: true, color: Color::new([0xff, 0xee, 0]), logo }
    }

    #[test]
    fn the_link_is_the_first_address_and_alone_in_its_line() {
        let letter = framed("a@example.com", look(None), &words()).unwrap();
        let line = letter.text.lines().find(|line| line.contains("://")).unwrap();
        assert_eq!(line, "https://stoa.example/invitations/abc?a=1&b=2");
        assert!(letter.text.find("wiki.example").unwrap() > letter.text.find(line).unwrap());
    }

    #[test]
    fn what_people_wrote_is_text_and_no_address() {
        let letter = framed("a@example.com", look(None), &words()).unwrap();
        assert!(
            !letter.html.contains("<b>") && !letter.html.contains("<i>") && !letter.html.contains("<script>")
        );
        assert!(!letter.html.contains("http://evil") && !letter.text.contains("http://evil"));
        assert!(!letter.html.contains("www.evil") && !letter.text.contains("www.evil"));
        assert_eq!(letter.html.matches("<a ").count(), 1);
        assert_eq!(letter.subject, "Two Bcc: everybody@example.com lines");
    }

    #[test]
    fn a_name_that_is_a_host_leads_nowhere_and_a_mail_address_stays_one() {
        assert_eq!(inert("Evil.example.com/login"), "Evil\u{2060}.example\u{2060}.com/login");
        assert_eq!(inert("evil.example/@x (evil.example)"), "evil\u{2060}.example/@x (evil\u{2060}.example)");
        assert_eq!(
            inert("Anna <anna.l@acme.example> says so. 3.5 of 4"),
            "Anna <anna.l@acme.example> says so. 3\u{2060}.5 of 4"
        );
    }

    #[test]
    fn a_logo_lies_in_the_letter_and_nothing_is_fetched() {
        let letter = framed("a@example.com", look(Some(vec![1, 2, 3])), &words()).unwrap();
        assert!(letter.html.contains("cid:logo@stoa"));
        assert_eq!(letter.images.len(), 1);
        assert!(!letter.html.contains("src=\"http"));
        let without = framed("a@example.com", look(None), &words()).unwrap();
        assert!(!without.html.contains("<img") && without.images.is_empty());
    }

    #[test]
    fn a_pale_button_keeps_its_shape() {
        let letter = framed("a@example.com", look(None), &words()).unwrap();
        let [edge, dark] = Color::new([0xff, 0xee, 0]).edges();
        assert!(edge != "#ffee00" && letter.html.contains(&format!("border:1px solid {edge};")));
        assert!(
            dark == "#ffee00"
                && letter.html.contains(&format!(".edge {{ border-color: {dark} !important; }}"))
        );
    }

    #[test]
    fn a_long_word_is_broken_wherever_people_write() {
        let letter = framed("a@example.com", look(None), &words()).unwrap();
        // The sheet, which all of it is in, and the quote in a table of its own.
        assert_eq!(letter.html.matches("overflow-wrap:anywhere;word-break:break-word;").count(), 2);
        assert_eq!(letter.html.matches("table-layout:fixed;").count(), 3);
    }

    #[test]
    fn a_letter_without_a_button_has_no_address_at_all() {
        let words = Words { button: None, quote: None, ..words() };
        let letter = framed("a@example.com", Look::stoa(), &words).unwrap();
        assert!(!letter.text.contains("://") && !letter.html.contains("<a "));
    }

    #[test]
    fn initials_are_those_of_the_page() {
        let all = ["Acme & Söhne", "Acme", "", "a.b", "Ünïcode big GmbH"].map(initials);
        assert_eq!(all, ["AS", "A", "?", "AB", "ÜG"]);
    }
}
