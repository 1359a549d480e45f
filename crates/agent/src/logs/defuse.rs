//! What a log shows of control characters: of an application's escape sequences only colours are left, and what would
//! turn the direction of writing is to be seen.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::CharIndices;

/// Whether something in it isn't shown as it is.
pub(super) fn has_controls(text: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() {
        // Most of a log is plain: eight bytes are looked at together.
        if let Some(eight) = text[at..].first_chunk::<8>()
            && is_plain(u64::from_ne_bytes(*eight))
        {
            at += 8;
            continue;
        }
        let is_one = match text[at] {
            b'\t' => false,
            0..0x20 | 0x7f => true,
            // The beginning of C1 controls, and of the marks of direction and joiners.
            0xc2 => text.get(at + 1).is_some_and(|next| (0x80..0xa0).contains(next)),
            0xe2 => text.get(at + 1).is_some_and(|next| matches!(next, 0x80 | 0x81)),
            _ => false,
        };
        if is_one {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether each of eight bytes is a printed one of ASCII.
fn is_plain(eight: u64) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES * 0x80;
    // By the borrow of a subtraction: bytes below a blank; and the one above all others.
    let low = eight.wrapping_sub(ONES * 0x20) & !eight;
    let delete = (eight ^ (ONES * 0x7f)).wrapping_sub(ONES);
    (eight | low | (delete & !(eight ^ (ONES * 0x7f)))) & HIGH == 0
}

/// Marks that turn the direction of writing (Unicode, UAX 9), or that aren't seen at all.
fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// The text with its colours and nothing else that a terminal would act upon: sequences are gone, single controls stand
/// as `\x07`, marks of direction as `\u202e`.
pub(super) fn defused(text: &str) -> Cow<'_, str> {
    if !has_controls(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    walk(text, |part| match part {
        Part::Letter(letter) => out.push(letter),
        Part::Colour(sequence) => out.push_str(sequence),
        // A String takes everything.
        Part::Control(letter) => _ = write!(out, "\\x{:02x}", u32::from(letter)),
        Part::Unseen(letter) => _ = write!(out, "\\u{:04x}", u32::from(letter)),
    });
    Cow::Owned(out)
}

/// The text as it is read: what is searched, and where secrets are looked for.
pub(super) fn bare(text: &str) -> Cow<'_, str> {
    if !has_controls(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    walk(text, |part| {
        if let Part::Letter(letter) = part {
            out.push(letter);
        }
    });
    Cow::Owned(out)
}

enum Part<'t> {
    Letter(char),
    Colour(&'t str),
    Control(char),
    Unseen(char),
}

/// Control sequences as ECMA-48 has them.
fn walk<'t>(text: &'t str, mut tell: impl FnMut(Part<'t>)) {
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\u{1b}' => {
                if let Some(colour) = colour(&text[at..]) {
                    tell(Part::Colour(colour));
                    let end = at + colour.len();
                    while letters.next_if(|(at, _)| *at < end).is_some() {}
                } else {
                    skip_sequence(&mut letters);
                }
            }
            '\u{9b}' => skip_to_final(&mut letters),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_text(&mut letters),
            '\t' => tell(Part::Letter(letter)),
            _ if letter.is_control() => tell(Part::Control(letter)),
            _ if is_unseen(letter) => tell(Part::Unseen(letter)),
            _ => tell(Part::Letter(letter)),
        }
    }
}

/// `ESC [ digits and ; m` at its beginning.
fn colour(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("\u{1b}[")?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != ';')?;
    (end <= 32 && rest[end..].starts_with('m')).then(|| &text[..end + 3])
}

type Letters<'t> = Peekable<CharIndices<'t>>;

fn skip_sequence(letters: &mut Letters<'_>) {
    match letters.next_if(|(_, letter)| (' '..='~').contains(letter)).map(|(_, letter)| letter) {
        Some('[') => skip_to_final(letters),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_text(letters),
        // Intermediate bytes stand before the final one.
        Some(' '..='/') => {
            while letters.next_if(|(_, letter)| (' '..='/').contains(letter)).is_some() {}
            let _ = letters.next_if(|(_, letter)| ('0'..='~').contains(letter));
        }
        _ => {}
    }
}

fn skip_to_final(letters: &mut Letters<'_>) {
    while let Some((_, letter)) = letters.next_if(|(_, letter)| (' '..='~').contains(letter)) {
        if ('@'..='~').contains(&letter) {
            break;
        }
    }
}

/// A title, a link: to its end.
fn skip_text(letters: &mut Letters<'_>) {
    while let Some((_, letter)) = letters.next() {
        if matches!(letter, '\u{7}' | '\u{9c}') {
            break;
        }
        if letter == '\u{1b}' {
            let _ = letters.next_if(|(_, letter)| *letter == '\\');
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_sequences_only_colours_are_left() {
        let cases = [
            ("\u{1b}[31mred\u{1b}[0m", "\u{1b}[31mred\u{1b}[0m"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;https://evil.example\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("a\u{1b}[2J\u{1b}[Hb\u{1b}[?1049hc", "abc"),
            ("\u{9b}2Jx\u{9d}title\u{9c}y", "xy"),
            ("\u{1b}P1$r\u{1b}\\z\u{1b}(B", "z"),
            ("bell\u{7} back\u{8}", "bell\\x07 back\\x08"),
            ("a\tb", "a\tb"),
            ("safe\u{202e}txt.exe\u{2066}", "safe\\u202etxt.exe\\u2066"),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("\u{1b}[3ä", "ä"),
            ("plain ä 東", "plain ä 東"),
            ("long enough for eight at once, then\u{7f}", "long enough for eight at once, then\\x7f"),
            ("a\u{1f}bcdefgh", "a\\x1fbcdefgh"),
            ("~}|{ !\"# the ends of what is printed", "~}|{ !\"# the ends of what is printed"),
        ];
        for (text, shown) in cases {
            assert_eq!(defused(text), shown, "{text:?}");
        }
        assert_eq!(bare("or\u{1b}[1mder\u{1b}[0m\u{200b}ed"), "ordered");
    }
}
