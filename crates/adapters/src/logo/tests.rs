//! Pictures of all kinds, and what only looks like one.

use std::io::Write as _;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder as _, ImageFormat, Rgba, RgbaImage};
use stoa_app::ports::PictureKind::{Jpeg, Png, Svg, Webp};

use super::*;

/// Left half red, right half clear.
fn halves(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(
        width,
        height,
        |x, _| if x < width / 2 { Rgba([255, 0, 0, 255]) } else { Rgba([0; 4]) },
    )
}

fn sent_as(picture: &RgbaImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = DynamicImage::ImageRgba8(picture.clone());
    let flat = DynamicImage::ImageRgb8(picture.to_rgb8());
    let picture = if format == ImageFormat::Jpeg { flat } else { picture };
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn read(kind: PictureKind, sent: &[u8]) -> RgbaImage {
    let png = make(kind, sent).unwrap_or_else(|unfit| panic!("{unfit:?}"));
    assert!(png.starts_with(b"\x89PNG") && png.len() <= LARGEST);
    image::load_from_memory(&png).unwrap().into_rgba8()
}

fn code(kind: PictureKind, sent: &[u8]) -> &'static str {
    let unfit = make(kind, sent).unwrap_err();
    let sentence = &unfit.sentence;
    assert!(sentence.starts_with(char::is_uppercase) && sentence.ends_with('.'), "{sentence}");
    assert!(Unfit::known(unfit.code).is_some(), "{} is told across processes", unfit.code);
    unfit.code
}

/// A PNG with this head, and with what inflates to as many zeros as wanted.
fn png_that_says(width: u32, height: u32, zeros: usize) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        [&u32::try_from(data.len()).unwrap().to_be_bytes(), &kind[..], data, &crc.sum().to_be_bytes()]
            .concat()
    };
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(&vec![0; zeros]).unwrap();
    let parts = [chunk(b"IHDR", &head), chunk(b"IDAT", &zlib.finish().unwrap()), chunk(b"IEND", b"")];
    [b"\x89PNG\r\n\x1a\n".to_vec(), parts.concat()].concat()
}

fn svg(inside: &str) -> Vec<u8> {
    format!("<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' viewBox='0 0 10 10'>{inside}</svg>")
        .into_bytes()
}

#[test]
fn each_kind_becomes_a_square_png_that_is_drawn_anew() {
    for (kind, format) in [(Png, ImageFormat::Png), (Jpeg, ImageFormat::Jpeg), (Webp, ImageFormat::WebP)] {
        let picture = read(kind, &sent_as(&halves(40, 20), format));
        assert_eq!(picture.dimensions(), (40, 40), "{kind:?}");
        assert_eq!(picture.get_pixel(5, 2).0[3], 0, "{kind:?}: above it is clear");
        let Rgba([red, green, ..]) = *picture.get_pixel(5, 20);
        assert!(red > 240 && green < 20, "{kind:?}");
    }
    let picture = read(Svg, &svg("<rect width='5' height='10' fill='#f00'/>"));
    assert_eq!(picture.dimensions(), (SIDE, SIDE));
    assert_eq!(picture.get_pixel(10, 10).0, [255, 0, 0, 255]);
    assert_eq!(picture.get_pixel(500, 10).0[3], 0);
}

#[test]
fn a_large_picture_is_made_smaller_and_leaves_no_dark_edge() {
    let picture = read(Png, &sent_as(&halves(2000, 1000), ImageFormat::Png));
    assert_eq!(picture.dimensions(), (512, 512));
    let seen = picture.pixels().filter(|pixel| pixel.0[3] > 40);
    assert!(seen.clone().count() > 10_000 && seen.clone().all(|pixel| pixel.0[0] > 200), "red stays red");
}

#[test]
fn what_takes_too_much_room_is_kept_smaller() {
    let mut seed = 1_u32;
    let noise = RgbaImage::from_fn(512, 512, |_, _| {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        Rgba([next(), next(), next(), next()])
    });
    let side = read(Png, &sent_as(&noise, ImageFormat::Png)).width();
    assert!((200..512).contains(&side), "{side}");
}

#[test]
fn a_photograph_is_turned_as_it_was_held() {
    // Orientation 6: the camera was held a quarter turn to the left.
    let exif = [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec()].concat();
    let picture = DynamicImage::ImageRgba8(halves(40, 20)).into_rgb8();
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 95);
    encoder.set_exif_metadata(exif.clone()).unwrap();
    encoder.encode_image(&picture).unwrap();
    let mut webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut webp);
    encoder.set_exif_metadata(exif).unwrap();
    encoder.write_image(&picture, 40, 20, image::ExtendedColorType::Rgb8).unwrap();
    for (kind, sent) in [(Jpeg, jpeg), (Webp, webp)] {
        let picture = read(kind, &sent);
        assert_eq!(picture.dimensions(), (40, 40));
        assert!(picture.get_pixel(20, 4).0[0] > 240, "{kind:?}: red is above");
        assert!(picture.get_pixel(20, 36).0[0] < 20, "{kind:?}: and black below");
        assert_eq!(picture.get_pixel(2, 20).0[3], 0, "{kind:?}: it stands upright in its square");
    }
}

#[test]
fn a_bomb_is_refused_by_its_head() {
    for (width, height) in [(30_000, 30_000), (4097, 1), (1, 4097), (u32::MAX >> 1, u32::MAX >> 1)] {
        assert_eq!(code(Png, &png_that_says(width, height, 10)), "too_many_pixels", "{width} x {height}");
    }
    // Sixty megabytes of zeros in as many kilobytes, which a picture of one pixel has no use for.
    let bomb = png_that_says(1, 1, 60_000_000);
    assert!(bomb.len() < 100_000);
    // All of it is clear.
    assert!(["empty", "unreadable"].contains(&code(Png, &bomb)));
    let mut jpeg = sent_as(&halves(8, 8), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(code(Jpeg, &jpeg), "too_many_pixels");
    assert_eq!(code(Png, &png_that_says(0, 0, 0)), "unreadable");
}

#[test]
fn what_it_is_said_to_be_it_has_to_be() {
    let png = sent_as(&halves(8, 8), ImageFormat::Png);
    let webp = sent_as(&halves(8, 8), ImageFormat::WebP);
    for (kind, sent) in [(Jpeg, &png), (Webp, &png), (Svg, &png), (Png, &webp), (Png, &svg("")), (Svg, &webp)]
    {
        assert_eq!(code(kind, sent), "wrong_kind", "{kind:?}");
    }
    let gif = b"GIF89a\x01\0\x01\0\0\0\0;".to_vec();
    for sent in
        [gif, b"BM".to_vec(), b"<html></html>".to_vec(), b"hello".to_vec(), vec![0; 64], vec![0xff; 64]]
    {
        for kind in PictureKind::ALL {
            assert_eq!(code(kind, &sent), "unreadable", "{kind:?} {sent:?}");
        }
    }
    for kind in PictureKind::ALL {
        assert_eq!(code(kind, b""), "empty");
    }
}

#[test]
fn what_is_cut_off_anywhere_is_refused_or_read_and_never_breaks() {
    for (kind, format) in [(Png, ImageFormat::Png), (Jpeg, ImageFormat::Jpeg), (Webp, ImageFormat::WebP)] {
        let whole = sent_as(&halves(24, 24), format);
        for end in 1..whole.len() {
            let _ = make(kind, &whole[..end]);
        }
        assert!(make(kind, &whole[..whole.len() / 2]).is_err(), "{kind:?}");
        for at in 0..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 0x55;
            let _ = make(kind, &other);
        }
    }
    let whole = svg("<g><path d='M0 0L10 10'/></g>");
    for end in 1..whole.len() {
        assert!(make(Svg, &whole[..end]).is_err());
    }
}

#[test]
fn a_drawing_reaches_for_nothing_outside_of_itself() {
    for inside in [
        "<image href='http://127.0.0.1:1/x.png' width='9' height='9'/>",
        "<image xlink:href='data:image/png;base64,AAAA'/>",
        "<image href='file:///etc/passwd'/>",
        "<use href='http://127.0.0.1:1/x.svg#a'/>",
        "<use xlink:href='other.svg#a'/>",
        "<rect width='9' height='9' fill='url(http://127.0.0.1:1/x)'/>",
        "<rect width='9' height='9' style='fill:url(&quot;x.svg#a&quot;)'/>",
        "<style>@import 'http://127.0.0.1:1/x.css';</style>",
        "<style>rect{fill:url( x.svg#a)}</style>",
        "<style><![CDATA[rect{fill:URL(x.svg#a)}]]></style>",
        "<script>alert(1)</script>",
        "<rect width='9' height='9' onload='alert(1)'/>",
        "<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>x</p></foreignObject>",
        "<filter id='f'><feImage href='#a'/></filter>",
        "<filter id='f'><feTurbulence numOctaves='1000000'/></filter>",
        "<filter id='f'><feGaussianBlur stdDeviation='1e9'/></filter><rect width='9' height='9' filter='url(#f)'/>",
        "<filter id='f'><feGaussianBlur stdDeviation='1 inf'/></filter><rect width='9' height='9' filter='url(#f)'/>",
        "<a href='https://stoa.example'><rect width='9' height='9'/></a>",
    ] {
        assert_eq!(code(Svg, &svg(inside)), "not_drawn", "{inside}");
    }
    let inner = "<defs><linearGradient id='g'><stop stop-color='red'/></linearGradient><path id='p' d='M0 0H9V9'/></defs>\
        <style>.a{fill:url(#g)}</style><use xlink:href='#p' class='a'/><rect width='9' height='9' fill='url(\"#g\")'/>";
    assert!(make(Svg, &svg(inner)).is_ok());
}

#[test]
fn text_is_refused_with_what_to_do() {
    let unfit = make(Svg, &svg("<text x='1' y='9'>Acme</text>")).unwrap_err();
    assert!(unfit.sentence.contains("Convert the text to paths"), "{}", unfit.sentence);
}

#[test]
fn what_nobody_could_see_is_no_logo() {
    for inside in
        ["", "<rect x='20' width='5' height='5'/>", "<rect width='9' height='9' fill-opacity='0.01'/>"]
    {
        assert_eq!(code(Svg, &svg(inside)), "empty", "{inside}");
    }
    let clear = RgbaImage::from_pixel(9, 9, Rgba([255, 0, 0, 0]));
    assert_eq!(code(Png, &sent_as(&clear, ImageFormat::Png)), "empty");
}

#[test]
fn a_drawing_stays_within_its_limits() {
    let entities = "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>\
        <svg xmlns='http://www.w3.org/2000/svg'><title>&b;</title></svg>";
    assert_eq!(code(Svg, entities.as_bytes()), "not_drawn");
    let file = "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg xmlns='http://www.w3.org/2000/svg'>&x;</svg>";
    assert_eq!(code(Svg, file.as_bytes()), "not_drawn");
    let deep = svg(&format!("{}{}", "<g>".repeat(5_000), "</g>".repeat(5_000)));
    assert_eq!(code(Svg, &deep), "not_drawn");
    let many = svg(&"<g/>".repeat(30_000));
    assert_eq!(code(Svg, &many), "not_drawn");
    let public = "<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' \
        'http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd'><svg xmlns='http://www.w3.org/2000/svg' width='1e9' \
        height='1e9'><rect width='1e9' height='1e9'/></svg>";
    assert_eq!(read(Svg, public.as_bytes()).dimensions(), (SIDE, SIDE), "what editors write is read");
    for wrong in [
        "<svg xmlns='http://www.w3.org/2000/svg' width='0' height='0'/>",
        "<svg/>",
        "<svg xmlns='x'/>",
        "<g/>",
    ] {
        assert!(make(Svg, wrong.as_bytes()).is_err(), "{wrong}");
    }
    let gzipped = [0x1f, 0x8b, 8, 0];
    assert_eq!(code(Svg, &gzipped), "unreadable");
}
