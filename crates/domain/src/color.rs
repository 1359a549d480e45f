//! The one colour of a workspace.

use std::fmt;

/// A colour as it is kept: three bytes, written `#rrggbb` in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color([u8; 3]);

impl Color {
    /// Red, green and blue.
    #[must_use]
    pub const fn new(channels: [u8; 3]) -> Self {
        Self(channels)
    }

    /// `#rgb` or `#rrggbb`, in upper or lower case. Nothing else is a colour.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?.as_bytes();
        let digit =
            |at: usize| char::from(*digits.get(at)?).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let mut channels = [0; 3];
        for (at, channel) in channels.iter_mut().enumerate() {
            *channel = match digits.len() {
                3 => digit(at)? * 17,
                6 => digit(2 * at)? * 16 + digit(2 * at + 1)?,
                _ => return None,
            };
        }
        Some(Self(channels))
    }

    /// Its channels: red, green, blue.
    #[must_use]
    pub const fn channels(self) -> [u8; 3] {
        self.0
    }

    /// The outline of a button that is filled with it, on a light ground and on a dark one; the colour itself where the
    /// button keeps its shape without.
    #[must_use]
    pub fn edges(self) -> [String; 2] {
        crate::brand::edges(self.0.map(|channel| f64::from(channel) / 255.0))
    }

    /// What is read on it: white where that reaches 4.5:1, else black. One of both always does (WCAG 2.2).
    #[must_use]
    pub fn label(self) -> &'static str {
        let [red, green, blue] = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        if 1.05 / (luminance + 0.05) >= 4.5 { "#ffffff" } else { "#000000" }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> Option<String> {
        Color::parse(text).map(|color| color.to_string())
    }

    #[test]
    fn colours_are_kept_in_one_form() {
        assert_eq!(kept("#AbC").as_deref(), Some("#aabbcc"));
        assert_eq!(kept("#12AB9f").as_deref(), Some("#12ab9f"));
        for wrong in [
            "",
            "#",
            "123456",
            "#12",
            "#1234",
            "#12345",
            "#12345g",
            "#1234567",
            "#12345678",
            "#123456789",
            "red",
            "#+12",
            "# 12",
            "#12 ",
            "##123",
            "#äb",
            "#١٢٣",
        ] {
            assert_eq!(kept(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_label_is_read_on_white_black_and_pale_yellow() {
        let label = |text: &str| Color::parse(text).map(Color::label);
        assert_eq!(label("#fff"), Some("#000000"));
        assert_eq!(label("#000"), Some("#ffffff"));
        assert_eq!(label("#ffffcc"), Some("#000000"));
        assert_eq!(label("#3552d4"), Some("#ffffff"));
    }
}
