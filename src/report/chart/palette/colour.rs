//! Colours, moved in lightness until they stand out from a background. Lightness, chroma and hue are those of OKLCH
//! (Ottosson, 2020), in which a change of lightness keeps the hue that people see.

use super::{DARK, Ground, LIGHT};

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub(super) fn ground(self) -> &'static Ground {
        match self {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
        }
    }

    /// That one of a pair of colours for light and dark.
    pub(super) fn of(self, [light, dark]: [&str; 2]) -> Colour {
        Colour::built_in(match self {
            Theme::Light => light,
            Theme::Dark => dark,
        })
    }
}

/// The contrast of marks with the background: 3 to 1, and a little for rounding.
const CONTRAST: f64 = 3.02;

/// A colour in sRGB with 8 bits a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour([u8; 3]);

impl Colour {
    /// `#2a9d8f` or `#abc`; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Colour> {
        let digits = text.trim().strip_prefix('#')?;
        let digits: Vec<u8> =
            digits.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
        match *digits.as_slice() {
            [r, g, b] => Some(Colour([17 * r, 17 * g, 17 * b])),
            [a, b, c, d, e, f] => Some(Colour([16 * a + b, 16 * c + d, 16 * e + f])),
            _ => None,
        }
    }

    /// A colour of this program's own tables.
    pub(super) fn built_in(text: &str) -> Colour {
        Colour::parse(text).unwrap_or(Colour([128; 3]))
    }

    pub(super) fn hex(self) -> String {
        let Colour([r, g, b]) = self;
        format!("#{r:02x}{g:02x}{b:02x}")
    }

    /// The same hue, no further away in lightness than the contrast with the theme's background needs.
    pub(super) fn on(self, theme: Theme) -> Colour {
        let paper = Colour::built_in(theme.ground().paper);
        if self.contrast(paper) >= CONTRAST {
            return self;
        }
        let [lightness, chroma, hue] = self.lch();
        // Between one that does not stand out and one that does.
        let (mut near, mut far) = (lightness, if theme == Theme::Light { 0.0 } else { 1.0 });
        for _ in 0..20 {
            let middle = (near + far) / 2.0;
            if Colour::of_lch([middle, chroma, hue]).contrast(paper) >= CONTRAST {
                far = middle;
            } else {
                near = middle;
            }
        }
        Colour::of_lch([far, chroma, hue])
    }

    /// The colour of a text on this one: black or white, whichever stands out more.
    pub(super) fn text(self) -> &'static str {
        let (black, white) = (Colour([0; 3]), Colour([255; 3]));
        if self.contrast(black) >= self.contrast(white) { "#000" } else { "#fff" }
    }

    /// A step of a scale from 0 to 1: from next to the background to what stands out most.
    pub(super) fn sequential(share: f64, theme: Theme) -> Colour {
        let [from, to] = match theme {
            Theme::Light => [[0.955, 0.018], [0.36, 0.12]],
            Theme::Dark => [[0.27, 0.03], [0.9, 0.075]],
        };
        Colour::between(from, to, share, 252.0)
    }

    /// A step of a scale from -1 through 0, which is next to the background, to 1.
    pub(super) fn diverging(share: f64, theme: Theme) -> Colour {
        let hue = if share < 0.0 { 52.0 } else { 252.0 };
        let [from, to] = match theme {
            Theme::Light => [[0.955, 0.004], [0.5, 0.13]],
            Theme::Dark => [[0.27, 0.004], [0.76, 0.13]],
        };
        Colour::between(from, to, share.abs(), hue)
    }

    fn between(from: [f64; 2], to: [f64; 2], share: f64, hue: f64) -> Colour {
        let [lightness, chroma] = [0, 1].map(|i| from[i] + share * (to[i] - from[i]));
        Colour::of_lch([lightness, chroma, hue.to_radians()])
    }

    /// The contrast ratio of WCAG 2, from 1 to 21.
    fn contrast(self, other: Colour) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        a.max(b) / a.min(b)
    }

    fn luminance(self) -> f64 {
        let [r, g, b] = self.linear();
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn linear(self) -> [f64; 3] {
        self.0.map(|byte| {
            let c = f64::from(byte) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { libm::pow((c + 0.055) / 1.055, 2.4) }
        })
    }

    /// Lightness, chroma, and hue in radians.
    fn lch(self) -> [f64; 3] {
        let [r, g, b] = self.linear();
        let [l, m, s] = [
            0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b,
            0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b,
            0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b,
        ]
        .map(libm::cbrt);
        let lightness = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
        let a = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s;
        let b = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s;
        [lightness, libm::hypot(a, b), libm::atan2(b, a)]
    }

    /// The colour that a screen can show of this lightness and hue, with this chroma or the most that it can.
    fn of_lch([lightness, chroma, hue]: [f64; 3]) -> Colour {
        let linear = |chroma: f64| {
            let (a, b) = (chroma * libm::cos(hue), chroma * libm::sin(hue));
            let [l, m, s] = [
                lightness + 0.3963377774 * a + 0.2158037573 * b,
                lightness - 0.1055613458 * a - 0.0638541728 * b,
                lightness - 0.0894841775 * a - 1.2914855480 * b,
            ]
            .map(|v| v * v * v);
            [
                4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
                -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
                -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
            ]
        };
        let shows = |chroma: f64| linear(chroma).iter().all(|c| (-1e-4..=1.0 + 1e-4).contains(c));
        let mut most = chroma;
        if !shows(chroma) {
            let mut beyond = chroma;
            most = 0.0;
            for _ in 0..20 {
                let middle = (most + beyond) / 2.0;
                if shows(middle) { most = middle } else { beyond = middle }
            }
        }
        Colour(linear(most).map(|c| {
            let c = c.clamp(0.0, 1.0);
            let c = if c <= 0.0031308 { 12.92 * c } else { 1.055 * libm::pow(c, 1.0 / 2.4) - 0.055 };
            (255.0 * c).round() as u8
        }))
    }
}
