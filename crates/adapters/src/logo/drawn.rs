//! Initials on a colour: what stands for a workspace that has no logo. The letters are outlines, because a program that
//! renders pictures of others has no fonts.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use resvg::usvg::{Options, Tree};
use stoa_domain::brand::Tile;

use super::vector;

/// Pixels a side.
const SIDE: u32 = 256;
/// The height of a capital letter, in the units of the outlines.
const CAPITAL: f64 = 1490.0;

static LETTERS: LazyLock<HashMap<char, (f64, &'static str)>> = LazyLock::new(|| {
    let lines = include_str!("letters.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut parts = line.splitn(3, ' ');
            let letter = parts.next()?.chars().next()?;
            Some((letter, (parts.next()?.parse().ok()?, parts.next()?)))
        })
        .collect()
});

/// Units of the edge that a colour may need, of the 256: most of a pixel where it is an icon.
const EDGE: f64 = 12.0;

/// A square PNG. Letters of scripts without outlines are written as they sound; where nothing is left, three columns
/// stand for the house.
///
/// # Errors
/// A sentence, where it can't be drawn: nothing that comes from a person.
pub fn draw(initials: &str, tile: &Tile) -> Result<Vec<u8>, String> {
    let svg = svg(initials, tile);
    let tree = Tree::from_str(&svg, &Options::default()).map_err(|error| error.to_string())?;
    let picture = vector::drawn(&tree, SIDE).ok_or("initials without a size")?;
    super::encode(&picture).map_err(|unfit| unfit.sentence)
}

fn svg(initials: &str, Tile { fill, ink, edge }: &Tile) -> String {
    let known: Vec<(f64, &str)> = initials.chars().filter_map(outline).take(2).collect();
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 256 256'>\
         <rect width='256' height='256' rx='62' fill='{fill}'/>"
    );
    if let Some(edge) = edge {
        let (at, side, round) = (EDGE / 2.0, 256.0 - EDGE, 62.0 - EDGE / 2.0);
        let _ = write!(
            svg,
            "<rect x='{at}' y='{at}' width='{side}' height='{side}' rx='{round}' fill='none' stroke='{edge}' \
             stroke-width='{EDGE}'/>"
        );
    }
    let _ = write!(svg, "<g fill='{ink}'>");
    if known.is_empty() {
        for x in [72, 116, 160] {
            let _ = write!(svg, "<rect x='{x}' y='84' width='24' height='100'/>");
        }
        let _ = write!(
            svg,
            "<rect x='60' y='60' width='136' height='16'/><rect x='60' y='192' width='136' height='16'/>"
        );
    }
    // A capital letter is 84 of 256 high; two wide ones side by side are made to fit.
    let total: f64 = known.iter().map(|(advance, _)| advance).sum();
    let scale = (84.0 / CAPITAL).min(176.0 / total.max(1.0));
    let mut x = (256.0 - total * scale) / 2.0;
    let y = f64::midpoint(256.0, CAPITAL * scale);
    for (advance, path) in known {
        let _ = write!(
            svg,
            "<path transform='translate({x:.2} {y:.2}) scale({scale:.5} -{scale:.5})' d='{path}'/>"
        );
        x += advance * scale;
    }
    svg.push_str("</g></svg>");
    svg
}

fn outline(letter: char) -> Option<(f64, &'static str)> {
    let sounds = || {
        let latin = any_ascii::any_ascii_char(letter);
        latin.chars().next().map(|first| first.to_ascii_uppercase())
    };
    LETTERS.get(&letter).or_else(|| LETTERS.get(&sounds()?)).copied()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tile(color: &str) -> Tile {
        stoa_domain::brand::tile(stoa_domain::brand::parse(color).unwrap())
    }

    #[test]
    fn what_would_be_lost_on_the_page_has_an_edge_inside() {
        let at = |color: &str, x: u32, y: u32| {
            let png = draw("A", &tile(color)).unwrap();
            image::load_from_memory(&png).unwrap().into_rgba8().get_pixel(x, y).0
        };
        let [red, green, blue, alpha] = at("#ffffff", 128, 3);
        assert!(red < 160 && green < 160 && blue < 160 && alpha == 255, "{red} {green} {blue} {alpha}");
        assert_eq!(at("#ffffff", 128, 20), [255; 4], "the fill is as it was chosen");
        assert_eq!(at("#0e7a5a", 128, 3), [0x0e, 0x7a, 0x5a, 255]);
    }

    #[test]
    fn every_workspace_gets_a_picture_whatever_its_name_is_written_in() {
        for (initials, paths) in [("AS", 2), ("Ü", 1), ("ДЖ", 2), ("東京", 2), ("😀", 0), ("", 0), ("ABC", 2)]
        {
            let svg = svg(initials, &tile("#3552d4"));
            assert_eq!(svg.matches("<path").count(), paths, "{initials}: {svg}");
            let png = draw(initials, &tile("#3552d4")).unwrap();
            let picture = image::load_from_memory(&png).unwrap().into_rgba8();
            assert_eq!(picture.dimensions(), (SIDE, SIDE));
            assert_eq!(picture.get_pixel(128, 20).0, [0x35, 0x52, 0xd4, 255], "{initials}");
            assert_eq!(picture.get_pixel(0, 0).0[3], 0, "its corners are round");
            assert!(picture.pixels().any(|pixel| pixel.0 == [255; 4]), "{initials} can be seen");
        }
    }
}
