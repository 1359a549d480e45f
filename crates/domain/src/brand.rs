//! One colour of a workspace becomes nine variables per scheme, by the rule that `ui/src/theme/brand.ts` has too: a list
//! of colours and what becomes of them, `ui/src/theme/brand.golden.json`, keeps the two together. Mails keep to it too.

use std::fmt::Write as _;

/// Red, green and blue in fractions of one.
pub type Rgb = [f64; 3];

struct Ground {
    name: &'static str,
    surface: Rgb,
    card: Rgb,
    bg: Rgb,
    direction: f64,
    tint: f64,
    strong: f64,
    soft: f64,
}

const fn rgb(red: u8, green: u8, blue: u8) -> Rgb {
    [red as f64 / 255.0, green as f64 / 255.0, blue as f64 / 255.0]
}

const WHITE: Rgb = rgb(255, 255, 255);
const BLACK: Rgb = rgb(0, 0, 0);

const GROUNDS: [Ground; 2] = [
    Ground {
        name: "light",
        surface: WHITE,
        card: WHITE,
        bg: rgb(0xf7, 0xf7, 0xf9),
        direction: -1.0,
        tint: 0.1,
        strong: 0.18,
        soft: 0.3,
    },
    Ground {
        name: "dark",
        surface: rgb(0x12, 0x13, 0x17),
        card: rgb(0x15, 0x17, 0x1b),
        bg: rgb(0x0c, 0x0d, 0x10),
        direction: 1.0,
        tint: 0.2,
        strong: 0.32,
        soft: 0.62,
    },
];

/// `#rrggbb` in fractions of one. Nothing else is a colour here.
#[must_use]
pub fn parse(hex: &str) -> Option<Rgb> {
    let is_hex = |digits: &&str| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let digits = hex.strip_prefix('#').filter(is_hex)?;
    let mut color = [0.0; 3];
    for (at, channel) in color.iter_mut().enumerate() {
        let value = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
        *channel = f64::from(value) / 255.0;
    }
    Some(color)
}

fn hex(color: Rgb) -> String {
    color.iter().fold(String::from("#"), |mut text, channel| {
        let _ = write!(text, "{:02x}", step(*channel));
        text
    })
}

/// A channel as a screen gets it, 0 to 255.
// Clamped to 0 to 255 before, so nothing is cut off.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn step(channel: f64) -> u8 {
    (channel.clamp(0.0, 1.0) * 255.0 + 0.5).floor() as u8
}

fn rounded(color: Rgb) -> Rgb {
    color.map(|channel| f64::from(step(channel)) / 255.0)
}

fn linear(channel: f64) -> f64 {
    if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
}

fn companded(channel: f64) -> f64 {
    if channel <= 0.003_130_8 { channel * 12.92 } else { 1.055 * channel.powf(1.0 / 2.4) - 0.055 }
}

fn luminance([red, green, blue]: Rgb) -> f64 {
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// As WCAG 2.2 measures it, 1 to 21.
fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Lightness, chroma and hue by Björn Ottosson's published matrices.
#[derive(Clone, Copy)]
struct Oklch {
    lightness: f64,
    chroma: f64,
    hue: f64,
}

fn to_oklch(color: Rgb) -> Oklch {
    let [r, g, b] = color.map(linear);
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    let a = 1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s;
    let c = 0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s;
    Oklch {
        lightness: 0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
        chroma: a.hypot(c),
        hue: c.atan2(a),
    }
}

fn from_oklch(Oklch { lightness, chroma, hue }: Oklch) -> Rgb {
    let (a, b) = (chroma * hue.cos(), chroma * hue.sin());
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    [
        companded(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
        companded(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
        companded(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s),
    ]
}

/// The colour itself, or with as little less chroma as brings it into what a screen can show.
fn in_gamut(wanted: Oklch) -> Rgb {
    let fits = |color: Rgb| color.iter().all(|channel| (-0.0005..=1.0005).contains(channel));
    let whole = from_oklch(wanted);
    if fits(whole) {
        return rounded(whole);
    }
    let (mut low, mut high) = (0.0, wanted.chroma);
    for _ in 0..14 {
        let chroma = (low + high) / 2.0;
        if fits(from_oklch(Oklch { chroma, ..wanted })) {
            low = chroma;
        } else {
            high = chroma;
        }
    }
    rounded(from_oklch(Oklch { chroma: low, ..wanted }))
}

fn over(top: Rgb, ground: Rgb, share: f64) -> Rgb {
    let mut mixed = top;
    for (channel, below) in mixed.iter_mut().zip(ground) {
        *channel = *channel * share + below * (1.0 - share);
    }
    rounded(mixed)
}

fn clamp(lightness: f64) -> f64 {
    lightness.clamp(0.005, 0.995)
}

/// Moves lightness until the contrast is reached on every ground; at the end of the scale, that end.
fn moved(color: Rgb, direction: f64, least: f64, grounds: &[Rgb]) -> Rgb {
    let reaches = |found: Rgb| grounds.iter().all(|ground| contrast(found, *ground) >= least);
    if reaches(color) {
        return color;
    }
    let from = to_oklch(color);
    let mut lightness = clamp(from.lightness);
    while lightness > 0.005 && lightness < 0.995 {
        lightness = clamp(lightness + direction * 0.005);
        let found = in_gamut(Oklch { lightness, ..from });
        if reaches(found) {
            return found;
        }
    }
    if direction < 0.0 { BLACK } else { WHITE }
}

fn of(fill: Rgb, ground: &Ground) -> [(&'static str, String); 9] {
    let label = if contrast(fill, WHITE) >= 4.5 { WHITE } else { BLACK };
    let from = to_oklch(fill);
    let away = if label == WHITE { -0.05 } else { 0.05 };
    let hover = in_gamut(Oklch { lightness: clamp(from.lightness + away), ..from });
    let hover = if contrast(hover, label) >= contrast(fill, label) { hover } else { fill };
    let tint = over(fill, ground.surface, ground.tint);
    let page = [ground.surface, ground.card, ground.bg];
    let [surface, card, bg] = page;
    let text = moved(fill, ground.direction, 4.6, &[surface, card, bg, tint, over(fill, bg, ground.tint)]);
    let ring = moved(fill, ground.direction, 3.2, &page);
    let edge = if contrast(fill, surface) < 3.0 { hex(ring) } else { "transparent".to_owned() };
    [
        ("fill", hex(fill)),
        ("label", hex(label)),
        ("fill-hover", hex(hover)),
        ("tint", hex(tint)),
        ("tint-strong", hex(over(fill, surface, ground.strong))),
        ("text", hex(text)),
        ("ring", hex(ring)),
        ("edge", edge),
        ("chart-soft", hex(over(fill, surface, ground.soft))),
    ]
}

/// The variables of a colour for both schemes, as declarations: `--brand-light-fill:#0e7a5a;…`.
#[must_use]
pub fn variables(color: Rgb) -> String {
    let mut text = String::new();
    for ground in &GROUNDS {
        for (name, value) in of(color, ground) {
            let _ = write!(text, "--brand-{}-{name}:{value};", ground.name);
        }
    }
    text
}

/// The outline of what is filled with a colour, in the light scheme and in the dark one: the colour itself where that
/// keeps its shape without one.
#[must_use]
pub fn edges(color: Rgb) -> [String; 2] {
    GROUNDS.each_ref().map(|ground| {
        let all = of(color, ground);
        let edge = all.into_iter().find(|(name, value)| *name == "edge" && value != "transparent");
        edge.map_or_else(|| hex(color), |(_, value)| value)
    })
}

/// How an icon is drawn on a colour: what fills it, what is read on it, and what keeps its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    pub fill: String,
    pub ink: &'static str,
    /// The colour's edge in the scheme that would swallow it. A picture can't know which one it is seen in, and no colour
    /// is lost in both.
    pub edge: Option<String>,
}

#[must_use]
pub fn tile(color: Rgb) -> Tile {
    let fill = hex(color);
    let edge = edges(color).into_iter().find(|edge| *edge != fill);
    Tile { fill, ink: if contrast(color, WHITE) >= 4.5 { "#ffffff" } else { "#000000" }, edge }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_short_code_can_be_read_in_both_schemes() {
        let mut least = [f64::MAX; 4];
        let mut count = 0;
        for code in 0..0x1000_u32 {
            let [red, green, blue] = [code >> 8, code >> 4 & 15, code & 15].map(|digit| digit * 17);
            let fill = parse(&format!("#{red:02x}{green:02x}{blue:02x}")).unwrap();
            for ground in &GROUNDS {
                let found = of(fill, ground);
                let one = |name: &str| {
                    let (_, value) = found.iter().find(|(known, _)| *known == name).unwrap();
                    parse(value)
                };
                let worst = |color: Rgb, grounds: &[Rgb]| {
                    grounds.iter().map(|ground| contrast(color, *ground)).fold(f64::MAX, f64::min)
                };
                let (label, text, ring) = (one("label").unwrap(), one("text").unwrap(), one("ring").unwrap());
                let page = [ground.surface, ground.card, ground.bg];
                let tints = [one("tint").unwrap(), over(fill, ground.bg, ground.tint)];
                let reached = [
                    worst(label, &[one("fill").unwrap()]),
                    worst(label, &[one("fill-hover").unwrap()]),
                    worst(text, &page).min(worst(text, &tints)),
                    worst(ring, &page),
                ];
                for (least, reached) in least.iter_mut().zip(reached) {
                    *least = least.min(reached);
                }
                // What would be lost on the page keeps its shape.
                let is_faint = contrast(fill, ground.surface) < 3.0;
                assert_eq!(one("edge").is_some(), is_faint, "{code:03x} in {}", ground.name);
                count += 1;
            }
        }
        assert_eq!(count, 8192);
        let [label, hover, text, ring] = least;
        assert!(label >= 4.5 && hover >= label && text >= 4.6 && ring >= 3.2, "{least:?}");
    }

    #[test]
    fn a_pale_colour_has_an_outline_on_a_light_ground_and_a_deep_one_on_a_dark_ground() {
        let [light, dark] = edges(parse("#fff7b0").unwrap());
        assert!(contrast(parse(&light).unwrap(), WHITE) >= 3.0, "{light}");
        assert_eq!(dark, "#fff7b0");
        let [light, dark] = edges(parse("#101040").unwrap());
        assert_eq!(light, "#101040");
        assert!(contrast(parse(&dark).unwrap(), GROUNDS[1].card) >= 3.0, "{dark}");
    }

    #[test]
    fn an_icon_has_the_edge_of_the_one_scheme_that_would_swallow_it() {
        let edge = |color: &str| tile(parse(color).unwrap()).edge;
        let [light, _] = edges(WHITE);
        assert_eq!(edge("#ffffff"), Some(light));
        let [_, dark] = edges(BLACK);
        assert_eq!(edge("#000000"), Some(dark));
        assert_eq!(edge("#0e7a5a"), None);
        for grey in 0..=255 {
            let [light, dark] = edges(rgb(grey, grey, grey));
            assert!(
                light == hex(rgb(grey, grey, grey)) || dark == light || dark == hex(rgb(grey, grey, grey)),
                "{grey}"
            );
        }
    }

    #[test]
    fn nothing_but_six_digits_is_a_colour() {
        for wrong in ["", "#fff", "3552d4", "#3552d", "#3552d44", "#35 2d4", "#+552d4", "#ü552d", "red"] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(hex(parse("#0E7a5A").unwrap()), "#0e7a5a");
    }
}
