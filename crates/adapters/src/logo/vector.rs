//! SVG, rendered. It is refused rather than drawn wrong: what needs a font, another file or a script isn't a logo yet.

use image::RgbaImage;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Tree, roxmltree};

use super::{SIDE, Unfit, name_of};
use stoa_app::ports::PictureKind;

/// Elements, and how deep they may stand in each other.
const MOST_NODES: u32 = 20_000;
const DEEPEST: usize = 64;

/// Units of a blur.
const WIDEST_BLUR: f32 = 1_000.0;

const SVG: &str = "http://www.w3.org/2000/svg";

/// Whether a text begins like an SVG.
pub(super) fn looks_like_one(sent: &[u8]) -> bool {
    let head = &sent[..sent.len().min(1024)];
    String::from_utf8_lossy(head).contains("<svg")
}

pub(super) fn render(sent: &[u8]) -> Result<RgbaImage, Unfit> {
    let unreadable = || Unfit::unreadable(name_of(PictureKind::Svg));
    if let Some(kind) = of_pixels(sent) {
        let said = format!("This was sent as an SVG, but it is {}.", name_of(kind));
        return Err(Unfit::new("wrong_kind", said));
    }
    let text = std::str::from_utf8(sent).map_err(|_| unreadable())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("<!ENTITY") {
        return Err(not_drawn("The SVG declares entities. Export it as plain SVG, or as PNG."));
    }
    let options =
        roxmltree::ParsingOptions { allow_dtd: true, nodes_limit: MOST_NODES, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => {
            not_drawn("The SVG has more than 20,000 parts. Simplify it, or export it as PNG.")
        }
        _ => unreadable(),
    })?;
    if !document.root_element().has_tag_name((SVG, "svg")) {
        return Err(unreadable());
    }
    check(&document)?;
    let options = Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    let tree = Tree::from_xmltree(&document, &options).map_err(|_| unreadable())?;
    drawn(&tree, SIDE)
        .ok_or_else(|| not_drawn("The SVG has no size. Give it a viewBox, or export it as PNG."))
}

fn not_drawn(sentence: &str) -> Unfit {
    Unfit::new("not_drawn", sentence)
}

/// A picture of pixels that was sent as an SVG.
fn of_pixels(sent: &[u8]) -> Option<PictureKind> {
    match image::guess_format(sent).ok()? {
        image::ImageFormat::Png => Some(PictureKind::Png),
        image::ImageFormat::Jpeg => Some(PictureKind::Jpeg),
        image::ImageFormat::WebP => Some(PictureKind::Webp),
        _ => None,
    }
}

/// Refuses what wouldn't be drawn as its maker sees it, and what reaches for anything outside.
fn check(document: &roxmltree::Document<'_>) -> Result<(), Unfit> {
    // From each node to the next without recursion: how deep it goes isn't known yet.
    let mut depth = 0_usize;
    let mut next = Some(document.root());
    while let Some(node) = next {
        check_node(&node)?;
        next = node.first_child().inspect(|_| depth += 1).or_else(|| {
            let mut up = Some(node);
            while let Some(one) = up {
                if let Some(sibling) = one.next_sibling() {
                    return Some(sibling);
                }
                depth = depth.saturating_sub(1);
                up = one.parent();
            }
            None
        });
        if depth > DEEPEST {
            return Err(not_drawn(
                "The SVG has groups that are nested too deep. Simplify it, or export it as PNG.",
            ));
        }
    }
    Ok(())
}

fn check_node(node: &roxmltree::Node<'_, '_>) -> Result<(), Unfit> {
    if !node.is_element() {
        let is_of_style = node.parent().is_some_and(|parent| parent.tag_name().name() == "style");
        let text = node.text().unwrap_or_default().to_lowercase();
        return if is_of_style && outside(&text) { Err(links_outside()) } else { Ok(()) };
    }
    match node.tag_name().name() {
        "text" | "tspan" | "textPath" | "tref" => {
            return Err(not_drawn(
                "The SVG has text in it, which needs a font. Convert the text to paths, then upload it again.",
            ));
        }
        "script" | "handler" | "foreignObject" | "iframe" => {
            return Err(not_drawn(
                "The SVG has a script or a page in it. Export it as a plain drawing, or as PNG.",
            ));
        }
        "image" | "feImage" => {
            return Err(not_drawn("The SVG has another picture in it. Export it as PNG instead."));
        }
        "feTurbulence" | "feConvolveMatrix" | "feMorphology" | "feDiffuseLighting" | "feSpecularLighting"
        | "feDisplacementMap" => {
            return Err(not_drawn(
                "The SVG uses an effect that Stoa doesn't draw. Export it as PNG instead.",
            ));
        }
        _ => {}
    }
    for attribute in node.attributes() {
        let value = attribute.value().trim().to_lowercase();
        let links = attribute.name() == "href" && !value.starts_with('#');
        // Beyond it there is nothing to be seen, and a renderer that reckons with it.
        let blurs = attribute.name() == "stdDeviation"
            && value
                .split(|letter: char| letter.is_whitespace() || letter == ',')
                .any(|one| one.parse().is_ok_and(|size: f32| size.is_nan() || size > WIDEST_BLUR));
        if blurs {
            return Err(not_drawn(
                "The SVG uses an effect that Stoa doesn't draw. Export it as PNG instead.",
            ));
        }
        let is_handler = attribute.name().to_lowercase().starts_with("on");
        if is_handler {
            return Err(not_drawn("The SVG has a script in it. Export it as a plain drawing, or as PNG."));
        }
        if links || outside(&value) {
            return Err(links_outside());
        }
    }
    Ok(())
}

fn links_outside() -> Unfit {
    not_drawn("The SVG links to something outside of itself. Export it as a plain drawing, or as PNG.")
}

/// Whether a text names another file: `@import`, or `url(…)` of anything but a part of the same drawing.
fn outside(text: &str) -> bool {
    let other = |rest: &str| !rest.trim_start_matches(['"', '\'', ' ', '\t', '\n', '\r']).starts_with('#');
    text.contains("@import") || text.split("url(").skip(1).any(other)
}

/// In the middle of a square of this many pixels a side; `None` where it has no size.
pub(super) fn drawn(tree: &Tree, side: u32) -> Option<RgbaImage> {
    let size = tree.size();
    let (width, height) = (size.width(), size.height());
    let longest = width.max(height);
    if !longest.is_finite() || longest <= 0.0 {
        return None;
    }
    // A side is at most 512: exact as a float.
    #[allow(clippy::cast_precision_loss)]
    let scale = side as f32 / longest;
    let (left, top) = ((longest - width) / 2.0, (longest - height) / 2.0);
    let mut pixmap = Pixmap::new(side, side)?;
    let place = Transform::from_translate(left, top).post_scale(scale, scale);
    resvg::render(tree, place, &mut pixmap.as_mut());
    RgbaImage::from_raw(side, side, pixmap.take_demultiplied())
}
