//! The lines that an answer names, found while it comes.

/// Bytes of one citation at most: `[L12, L13–L15]`.
const LONGEST: usize = 60;

/// Reads an answer piece by piece.
#[derive(Debug, Default)]
pub(super) struct Citations {
    /// What may still become one: from its bracket on.
    open: String,
}

impl Citations {
    /// The numbers of lines that are named up to here, in their order.
    pub(super) fn read(&mut self, words: &str) -> Vec<usize> {
        let mut found = Vec::new();
        for letter in words.chars() {
            match letter {
                '[' => {
                    self.open.clear();
                    self.open.push(letter);
                }
                ']' if !self.open.is_empty() => {
                    found.extend(numbers(&self.open[1..]));
                    self.open.clear();
                }
                _ if self.open.is_empty() => {}
                _ if self.open.len() >= LONGEST => self.open.clear(),
                _ => self.open.push(letter),
            }
        }
        found
    }
}

/// `L12`, `L12, L13`, `L12-L14`: nothing where anything else stands between the brackets.
fn numbers(inner: &str) -> Vec<usize> {
    let mut found = Vec::new();
    if !inner.starts_with('L') {
        return found;
    }
    for part in inner.split([',', ';', ' ', '-', '–']).filter(|part| !part.is_empty()) {
        match part.trim_start_matches('L').parse() {
            Ok(number) => found.push(number),
            Err(_) => return Vec::new(),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_however_the_answer_is_cut() {
        let answer = "It broke [L12] and [L3, L4] then [L7–L9], not [12], [Link], or [L1 said].";
        for size in [1, 2, 3, 100] {
            let mut citations = Citations::default();
            let letters: Vec<char> = answer.chars().collect();
            let found: Vec<usize> = letters
                .chunks(size)
                .flat_map(|piece| citations.read(&piece.iter().collect::<String>()))
                .collect();
            assert_eq!(found, [12, 3, 4, 7, 9], "in pieces of {size}");
        }
    }
}
