//! Lines without what only a terminal understands: a sequence in the middle of a secret would hide it.

/// Bytes of a line that are looked at. The end of a longer one goes, and with it the word that would be cut.
const LONGEST: usize = 16 * 1024;

/// The line without control sequences (ECMA-48), control characters, and characters that aren't seen.
pub(super) fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len().min(LONGEST));
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => skip_sequence(&mut letters),
            '\u{9b}' => skip_to_final(&mut letters),
            '\t' => plain.push(' '),
            _ if letter.is_control() || is_unseen(letter) => {}
            _ => plain.push(letter),
        }
        if plain.len() > LONGEST {
            let end = plain.rfind(char::is_whitespace).unwrap_or(0);
            plain.truncate(end);
            plain.push_str(" … the rest of the line is left out");
            break;
        }
    }
    plain
}

/// Marks of the direction of writing, joiners, soft hyphens and the like.
pub(super) fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn skip_sequence(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match letters.next() {
        Some('[') => skip_to_final(letters),
        // A title, a link: to its end.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(letter) = letters.next() {
                if letter == '\u{7}' || letter == '\u{9c}' {
                    break;
                }
                if letter == '\u{1b}' {
                    let _ = letters.next_if_eq(&'\\');
                    break;
                }
            }
        }
        // Intermediate bytes stand before the final one.
        Some(' '..='/') => {
            let _ = letters.next();
        }
        _ => {}
    }
}

fn skip_to_final(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(letter) = letters.next_if(|letter| matches!(letter, ' '..='~')) {
        if matches!(letter, '@'..='~') {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_terminal_understands_goes() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}text\ta\u{200b}b\r"), "red text ab");
        assert_eq!(plain("\u{1b}(Bplain \u{9b}1mbold"), "plain bold");
    }

    #[test]
    fn a_line_without_end_ends_between_two_words() {
        let line = format!("{} {}", "word ".repeat(3_000), "x".repeat(9_000));
        let short = plain(&line);
        assert!(short.len() < LONGEST + 100 && !short.contains('x'), "{}", &short[short.len() - 80..]);
    }
}
