//! Colours against the definition of contrast in WCAG 2.2, with the numbers of the style sheet itself.

use super::Palette;
use proptest::prelude::*;

/// The relative luminance of `#rrggbb` or `#rgb`.
fn luminance(hex: &str) -> f64 {
    let digits = hex.strip_prefix('#').unwrap_or_else(|| panic!("{hex} is no colour"));
    let wide: String = match digits.len() {
        3 => digits.chars().flat_map(|c| [c, c]).collect(),
        _ => digits.to_string(),
    };
    let parts = [(0, 0.2126), (2, 0.7152), (4, 0.0722)];
    let part = |(at, weight): (usize, f64)| {
        let channel = f64::from(u8::from_str_radix(&wide[at..at + 2], 16).unwrap()) / 255.0;
        weight * if channel <= 0.03928 { channel / 12.92 } else { libm::pow((channel + 0.055) / 1.055, 2.4) }
    };
    parts.into_iter().map(part).sum()
}

fn contrast(a: &str, b: &str) -> f64 {
    let (mut light, mut dark) = (luminance(a), luminance(b));
    if light < dark {
        std::mem::swap(&mut light, &mut dark);
    }
    (light + 0.05) / (dark + 0.05)
}

/// The custom properties of light and of dark.
fn themes(css: &str) -> [Vec<(String, String)>; 2] {
    [":root[data-theme=light]{", ":root[data-theme=dark]{"].map(|start| {
        let (_, rest) = css.split_once(start).expect(start);
        let (body, _) = rest.split_once('}').unwrap();
        let pairs = body.split(';').filter_map(|pair| pair.split_once(':'));
        pairs.map(|(name, value)| (name.to_string(), value.to_string())).collect()
    })
}

fn check(palette: &Palette) {
    let css = palette.css();
    for (theme, background) in themes(&css).iter().zip(["#ffffff", "#14161a"]) {
        let find = |name: &str| theme.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        assert_eq!(find("--paper"), Some(background));
        for text in ["--ink", "--muted"] {
            assert!(contrast(find(text).unwrap(), background) >= 4.5, "{text}");
        }
        for (name, value) in theme {
            let kind = name.trim_start_matches("--").trim_end_matches(char::is_numeric);
            if ["s", "g", "whole", "accent"].contains(&kind) {
                assert!(contrast(value, background) >= 3.0, "{name}: {value} on {background}");
            }
            if let Some(ink) = find(&format!("{name}k")) {
                assert!(contrast(value, ink) >= 4.5, "{name}: {ink} on {value}");
            }
        }
    }
    assert!(css.matches('{').count() == css.matches('}').count());
}

#[test]
fn built_in_colours_stand_out() {
    check(&Palette::default());
    check(&Palette { segments: vec![None; 33] });
}

proptest! {
    #[test]
    fn any_colour_of_a_segment_is_made_to_stand_out(colours in prop::collection::vec(any::<[u8; 3]>(), 1..5)) {
        let hex: Vec<String> = colours.iter().map(|[r, g, b]| format!("#{r:02x}{g:02x}{b:02x}")).collect();
        let palette = Palette { segments: hex.iter().cloned().map(Some).collect() };
        check(&palette);
        for (segment, own) in hex.iter().enumerate() {
            let (light, dark) = palette.ink(segment as u32);
            // One that stands out by far stays as it is, and one that does not is moved no further than it must.
            for (shown, background) in [(light, "#ffffff"), (dark, "#14161a")] {
                if contrast(own, background) > 3.05 {
                    prop_assert_eq!(&shown, own);
                } else {
                    prop_assert!(contrast(&shown, background) < 3.3, "{} from {}", shown, own);
                }
            }
        }
    }
}

#[test]
fn a_colour_that_cannot_be_read_is_one_of_the_palette() {
    let palette =
        Palette { segments: ["red", "", "#12", "#gggggg", "#\u{e9}"].map(|c| Some(c.to_string())).to_vec() };
    for segment in 0..5 {
        assert_eq!(palette.ink(segment), Palette::default().ink(segment));
    }
    let short = Palette { segments: vec![Some("#a00".into())] };
    assert_eq!(short.ink(0).0, "#aa0000");
}
