//! Lines out of what comes in pieces.

use super::LONGEST;

/// What came of a line that isn't at its end.
#[derive(Default)]
pub struct Cutter {
    line: Vec<u8>,
    is_cut: bool,
}

impl Cutter {
    /// Tells each line that is complete, and of one that is too long its beginning as soon as that is there: one byte more
    /// than fits, by which the writer sees that it was cut. The rest of it goes.
    pub fn take(&mut self, piece: &[u8], mut tell: impl FnMut(&[u8])) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let is_whole = part.last() == Some(&b'\n');
            let text = if is_whole { &part[..part.len() - 1] } else { part };
            if !self.is_cut {
                let room = (LONGEST + 1).saturating_sub(self.line.len());
                self.line.extend_from_slice(&text[..text.len().min(room)]);
                if self.line.len() > LONGEST {
                    self.is_cut = true;
                    tell(&self.line);
                    self.line.clear();
                }
            }
            if is_whole {
                if !self.is_cut {
                    tell(&self.line);
                }
                self.line.clear();
                self.is_cut = false;
            }
        }
    }

    /// What is left where nothing more comes.
    pub fn end(self, tell: impl FnOnce(&[u8])) {
        if !self.line.is_empty() {
            tell(&self.line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_whole_however_it_comes_and_one_without_an_end_is_told_once() {
        let mut told: Vec<Vec<u8>> = Vec::new();
        let mut cutter = Cutter::default();
        for piece in [&b"one\ntw"[..], b"o", b"\n\nthr"] {
            cutter.take(piece, |line| told.push(line.to_vec()));
        }
        let long = vec![b'x'; LONGEST];
        for _ in 0..20 {
            cutter.take(&long, |line| told.push(line.to_vec()));
        }
        cutter.take(b"rest\nnext", |line| told.push(line.to_vec()));
        cutter.end(|line| told.push(line.to_vec()));
        let lengths: Vec<usize> = told.iter().map(Vec::len).collect();
        assert_eq!(lengths, [3, 3, 0, LONGEST + 1, 4]);
        assert_eq!((told[1].as_slice(), told[4].as_slice()), (&b"two"[..], &b"next"[..]));
    }
}
