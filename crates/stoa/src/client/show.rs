//! Tables and lines for people. What comes from elsewhere never moves the cursor.

use std::io::{self, IsTerminal as _};

use serde_json::Value;

use super::{field, variable};
use crate::output::say;

/// Whether colours are for whoever reads.
pub fn has_colours() -> bool {
    io::stdout().is_terminal()
        && variable("NO_COLOR").is_none()
        && variable("TERM").is_none_or(|term| term != "dumb")
}

/// A table with a head. Where there is nothing to show, a sentence instead.
pub fn table(head: &[&str], rows: Vec<Vec<String>>, nothing: &str) {
    if rows.is_empty() {
        say(nothing);
        return;
    }
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.iter().map(|cell| defused(cell, false)).collect()).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell));
            cells.chain([width(head[column])]).max().unwrap_or(0)
        })
        .collect();
    let bold = has_colours();
    let line = laid_out(&head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>(), &widths);
    say(&if bold { format!("\x1b[1m{line}\x1b[0m") } else { line });
    for row in rows {
        say(&laid_out(&row, &widths));
    }
}

fn laid_out(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, wide) in row.iter().zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', wide.saturating_sub(width(cell)) + 2));
    }
    line.trim_end().to_owned()
}

/// Names and values, one below the other.
pub fn facts(pairs: &[(&str, String)]) {
    let wide = pairs.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        say(&format!("{name:wide$}  {}", defused(value, false)));
    }
}

/// Columns that a text takes on a terminal: two for letters of East Asia and pictures, none for what stands above the
/// letter before (Unicode, UAX 11 in short).
fn width(text: &str) -> usize {
    text.chars()
        .map(|letter| match u32::from(letter) {
            0x300..=0x36F | 0x200B..=0x200F | 0xFE00..=0xFE0F => 0,
            0x1100..=0x115F
            | 0x2E80..=0x303E
            | 0x3041..=0xA4CF
            | 0xAC00..=0xD7A3
            | 0xF900..=0xFAFF
            | 0xFE30..=0xFE6F
            | 0xFF00..=0xFF60
            | 0xFFE0..=0xFFE6
            | 0x1F300..=0x1F64F
            | 0x1F900..=0x1F9FF
            | 0x20000..=0x3FFFD => 2,
            _ => 1,
        })
        .sum()
}

/// A text without what controls a terminal. Colours stay where they are wished: `ESC [ digits and ; m`.
pub fn defused(text: &str, with_colours: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if letter == '\x1b' {
            let sequence = rest.strip_prefix("\x1b[").and_then(|tail| {
                let end = tail.find(|c: char| !c.is_ascii_digit() && c != ';')?;
                tail[end..].starts_with('m').then_some(&rest[..end + 3])
            });
            if let Some(sequence) = sequence {
                if with_colours {
                    out.push_str(sequence);
                }
                rest = &rest[sequence.len()..];
                continue;
            }
        }
        let moves_the_reader = matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        if letter == '\t' || !(letter.is_control() || moves_the_reader) {
            out.push(letter);
        }
        rest = &rest[letter.len_utf8()..];
    }
    out
}

/// A time as people read it: `2026-11-24 12:00 UTC`.
pub fn time(value: &Value, name: &str) -> String {
    moment(field(value, name))
}

/// A time of the API, as people read it.
pub fn moment(text: &str) -> String {
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => String::new(),
    }
}

/// An address; one in unusual letters with how it is sent, since it may look like another one.
pub fn address(text: &str) -> String {
    let plain = || {
        let (person, host) = text.rsplit_once('@').filter(|_| !text.is_ascii())?;
        let host = url::Host::parse(host).ok()?;
        Some(format!("{text} (unusual letters: {person}@{host})"))
    };
    plain().unwrap_or_else(|| text.to_owned())
}

/// Words of a list, in one line.
pub fn words(value: &Value) -> String {
    let words: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    words.join(", ")
}

/// The items of a list.
pub fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value["items"].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_controls_a_terminal_goes_and_colours_stay_where_they_are_wished() {
        let text = "a\x1b[31mred\x1b[0m\x1b[2J\x1b]0;title\x07\rb\u{202E}c";
        assert_eq!(defused(text, true), "a\x1b[31mred\x1b[0m[2J]0;titlebc");
        assert_eq!(defused(text, false), "ared[2J]0;titlebc");
        assert_eq!(defused("\x1b[", true), "[");
    }

    #[test]
    fn an_address_in_other_letters_is_marked() {
        assert_eq!(address("bob@example.com"), "bob@example.com");
        let marked = "bob@ex\u{430}mple.com (unusual letters: bob@xn--exmple-4nf.com)";
        assert_eq!(address("bob@ex\u{430}mple.com"), marked);
    }

    #[test]
    fn columns_are_counted_as_a_terminal_shows_them() {
        assert_eq!(width("東京"), 4);
        assert_eq!(width("u\u{308}ber"), 4);
        assert_eq!(laid_out(&["東京".to_owned(), "x".to_owned()], &[6, 1]), "東京    x");
    }
}
