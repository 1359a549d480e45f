//! Server-sent events, taken out of bytes as they come (the event stream format of HTML).

/// Bytes of one line at most.
const LONGEST_LINE: usize = 256 * 1024;
/// Bytes of the data of one event.
const LONGEST_EVENT: usize = 512 * 1024;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Empty where the stream gives none.
    pub name: String,
    pub data: String,
}

/// What has come of a stream and isn't an event yet.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    event: Event,
    was_return: bool,
}

impl Events {
    /// The events that are whole by now. A line or an event without end is given up.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<Event>, ()> {
        let mut whole = Vec::new();
        for byte in bytes {
            let is_second = std::mem::replace(&mut self.was_return, *byte == b'\r') && *byte == b'\n';
            if is_second {
                continue;
            }
            if !matches!(byte, b'\r' | b'\n') {
                self.line.push(*byte);
                if self.line.len() > LONGEST_LINE {
                    return Err(());
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if !event.data.is_empty() {
                    whole.push(event);
                }
                continue;
            }
            self.field(&String::from_utf8_lossy(&line));
            if self.event.data.len() > LONGEST_EVENT {
                return Err(());
            }
        }
        Ok(whole)
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name.trim_start_matches('\u{feff}') {
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.event.name),
            // Comments, identifiers and waiting times.
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let text = ": hello\n\nevent: a\ndata: {\"x\":\ndata: 1}\n\ndata:zwei \u{fc}\r\n\r\nevent: empty\n\ndata: [DONE]\r\rrest";
        for size in [1, 2, 3, 7, 1000] {
            let mut events = Events::default();
            let mut found = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                found.extend(events.take(piece).unwrap());
            }
            let told: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.data.as_str())).collect();
            assert_eq!(
                told,
                [("a", "{\"x\":\n1}"), ("", "zwei \u{fc}"), ("", "[DONE]")],
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn a_line_without_end_and_an_event_without_end_are_given_up() {
        assert!(Events::default().take(&vec![b'x'; LONGEST_LINE + 1]).is_err());
        let line = format!("data: {}\n", "x".repeat(LONGEST_LINE / 2));
        let mut events = Events::default();
        assert!((0..10).any(|_| events.take(line.as_bytes()).is_err()));
    }
}
