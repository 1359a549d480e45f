//! Pictures of pixels: PNG, JPEG and WebP, decoded within limits.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, Rgba, RgbaImage, imageops,
};
use stoa_app::ports::PictureKind;

use super::{LARGEST_SIDE, SIDE, Unfit, name_of};

/// Bytes that decoding may ask for: a picture of the largest size with sixteen bits a channel, and as much again.
const MEMORY: u64 = 288 * 1024 * 1024;

/// The first frame, upright, at most as large as a logo is kept.
pub(super) fn read(kind: PictureKind, sent: &[u8]) -> Result<RgbaImage, Unfit> {
    let format = format_of(kind);
    let found = image::guess_format(sent).ok();
    if found != Some(format) {
        return Err(other_kind(kind, found, sent));
    }
    let mut reader = ImageReader::with_format(Cursor::new(sent), format);
    let mut limits = Limits::default();
    // Refused by the head alone, before anything is allocated for it.
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let told = |error: ImageError| match error {
        ImageError::Limits(_) => Unfit::new(
            "too_many_pixels",
            format!(
                "The picture is larger than {LARGEST_SIDE} pixels a side. Make it smaller, then upload it again."
            ),
        ),
        _ => Unfit::unreadable(name_of(kind)),
    };
    let mut decoder = reader.into_decoder().map_err(told)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Unfit::unreadable(name_of(kind)));
    }
    // What doesn't say how it was held is upright.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(told)?;
    picture.apply_orientation(orientation);
    let picture = picture.into_rgba8();
    let (width, height) = picture.dimensions();
    let longest = width.max(height);
    if longest <= SIDE {
        return Ok(picture);
    }
    let scaled = |side: u32| (u64::from(side) * u64::from(SIDE) / u64::from(longest)).max(1);
    let side = |side: u32| u32::try_from(scaled(side)).unwrap_or(SIDE);
    Ok(shrunk(&picture, side(width), side(height)))
}

fn format_of(kind: PictureKind) -> ImageFormat {
    match kind {
        PictureKind::Jpeg => ImageFormat::Jpeg,
        PictureKind::Webp => ImageFormat::WebP,
        PictureKind::Png | PictureKind::Svg => ImageFormat::Png,
    }
}

/// What is said of a file that isn't what its content type says.
fn other_kind(kind: PictureKind, found: Option<ImageFormat>, sent: &[u8]) -> Unfit {
    let known = PictureKind::ALL.into_iter().filter(|one| *one != PictureKind::Svg);
    let found = known.into_iter().find(|one| found == Some(format_of(*one)));
    let found = found.or_else(|| super::vector::looks_like_one(sent).then_some(PictureKind::Svg));
    match found {
        Some(found) => Unfit::new(
            "wrong_kind",
            format!("This was sent as {}, but it is {}.", name_of(kind), name_of(found)),
        ),
        None => Unfit::unreadable(name_of(kind)),
    }
}

/// Smaller. Colours count by how much of them is seen, so that what is clear leaves no dark edge.
pub(super) fn shrunk(picture: &RgbaImage, width: u32, height: u32) -> RgbaImage {
    let weighed = RgbaImage::from_fn(picture.width(), picture.height(), |x, y| {
        let Rgba([red, green, blue, alpha]) = *picture.get_pixel(x, y);
        let weigh = |channel: u8| (u16::from(channel) * u16::from(alpha) / 255) as u8;
        Rgba([weigh(red), weigh(green), weigh(blue), alpha])
    });
    // Quickly to twice the size, the rest with care.
    let rough = if picture.width() > 4 * width {
        imageops::thumbnail(&weighed, (2 * width).max(1), (2 * height).max(1))
    } else {
        weighed
    };
    let mut small = imageops::resize(&rough, width.max(1), height.max(1), imageops::FilterType::Lanczos3);
    for Rgba([red, green, blue, alpha]) in small.pixels_mut() {
        for channel in [red, green, blue] {
            let whole = u16::from(*channel) * 255 / u16::from(*alpha).max(1);
            *channel = u8::try_from(whole).unwrap_or(u8::MAX);
        }
    }
    small
}
