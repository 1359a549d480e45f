//! Logos: reading pictures that somebody sent, which may be anything, and drawing initials.
//!
//! Reading is done by another process (`outside`), which can open nothing, has little memory and little time, and may
//! break; `picture` and `vector` are what it does. What it gives back is a PNG that was drawn anew.

mod drawn;
mod outside;
mod picture;
mod vector;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _, Rgba, RgbaImage, imageops};
use stoa_app::ports::PictureKind;

pub use drawn::draw;
pub use outside::{ARGUMENT, ProcessLogos, drawn, run};

/// Pixels a side of what is kept, at most.
const SIDE: u32 = 512;
/// Pixels a side of what is read, at most.
const LARGEST_SIDE: u32 = 4096;
/// Of 255: what covers less isn't seen.
const LEAST_SEEN: u8 = 8;
/// Bytes of what is kept, at most.
const LARGEST: usize = 512 * 1024;

/// Why a picture can't be a logo: a word for programs and a sentence for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    pub code: &'static str,
    pub sentence: String,
}

impl Unfit {
    fn new(code: &'static str, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }

    /// What isn't the picture that it is said to be, or ends too soon.
    fn unreadable(name: &str) -> Self {
        Self::new(
            "unreadable",
            format!("This can't be read as {name}. Open it in a picture editor, and save it as PNG."),
        )
    }

    /// Codes that another process may tell.
    fn known(code: &str) -> Option<&'static str> {
        ["unreadable", "empty", "wrong_kind", "too_many_pixels", "not_drawn", "too_slow", "too_large"]
            .into_iter()
            .find(|known| *known == code)
    }
}

fn name_of(kind: PictureKind) -> &'static str {
    match kind {
        PictureKind::Png => "a PNG",
        PictureKind::Jpeg => "a JPEG",
        PictureKind::Webp => "a WebP picture",
        PictureKind::Svg => "an SVG",
    }
}

/// A square PNG of what was sent, drawn anew.
///
/// # Errors
/// Why it can't be one.
pub fn make(kind: PictureKind, sent: &[u8]) -> Result<Vec<u8>, Unfit> {
    if sent.is_empty() {
        return Err(Unfit::new("empty", "The file is empty. Choose another one."));
    }
    let drawn = match kind {
        PictureKind::Svg => vector::render(sent)?,
        other => picture::read(other, sent)?,
    };
    if drawn.pixels().all(|pixel| pixel.0[3] < LEAST_SEEN) {
        return Err(Unfit::new("empty", "Nothing of this picture is seen: all of it is transparent."));
    }
    encode(&squared(&drawn))
}

/// In the middle of a square, on nothing.
fn squared(picture: &RgbaImage) -> RgbaImage {
    let (width, height) = picture.dimensions();
    let side = width.max(height);
    if width == height {
        return picture.clone();
    }
    let mut square = RgbaImage::from_pixel(side, side, Rgba([0; 4]));
    imageops::replace(&mut square, picture, i64::from((side - width) / 2), i64::from((side - height) / 2));
    square
}

/// As PNG; smaller where it would take more room than a logo may.
fn encode(picture: &RgbaImage) -> Result<Vec<u8>, Unfit> {
    let mut shrunk;
    let mut picture = picture;
    loop {
        let mut png = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
        let (width, height) = picture.dimensions();
        encoder
            .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgba8)
            .map_err(|error| Unfit::new("not_drawn", format!("The logo can't be written: {error}.")))?;
        if png.len() <= LARGEST || width < 64 {
            return Ok(png);
        }
        shrunk = picture::shrunk(picture, width * 3 / 4, height * 3 / 4);
        picture = &shrunk;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
