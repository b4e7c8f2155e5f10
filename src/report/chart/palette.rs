//! The colours of segments and groups in both themes, as a style sheet; and the shapes and patterns that tell marks apart
//! where colours alone do not.

mod colour;
mod parts;
mod shape;
#[cfg(test)]
mod tests;

use colour::{Colour, Theme};
pub(super) use shape::{Hatch, Shape};

/// The colours of a page or of one chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Palette {
    /// The segments' own colours by number, as `#2a9d8f`; `None` takes one of the palette.
    pub segments: Vec<Option<String>>,
}

/// The colours of segments without one of their own, in turn, in light and in dark. They were chosen so that the two most alike
/// of a theme are as different as possible to people with normal sight and without red, green or blue cones (simulated after
/// Machado, Oliveira and Fernandes, 2009), and that each stands out from the background.
const SEGMENTS: [[&str; 2]; 10] = [
    ["#6692db", "#3f75ce"],
    ["#91450d", "#f0720a"],
    ["#0b7768", "#42e9bc"],
    ["#9a42ae", "#e98dfe"],
    ["#c8729c", "#b67287"],
    ["#0d5279", "#5c9ac4"],
    ["#a4932e", "#fadf27"],
    ["#830f05", "#be5128"],
    ["#717f3f", "#b7cc71"],
    ["#3d3d3d", "#666666"],
];
/// The colours of other groups, in turn, chosen likewise.
const GROUPS: [[&str; 2]; 10] = [
    ["#426e76", "#60ecf3"],
    ["#953e32", "#b3594b"],
    ["#979836", "#e6d675"],
    ["#44467d", "#5c72be"],
    ["#c274a9", "#b79ab4"],
    ["#6b8971", "#abcbb0"],
    ["#aa641f", "#d18848"],
    ["#419bd4", "#5fb8f2"],
    ["#8d62ac", "#6f5e7c"],
    ["#353535", "#898989"],
];
/// How many segments have a colour at least.
const FEWEST: usize = 20;
/// Segments from this one on look like ordinary marks.
const MOST: usize = 500;
/// The steps of the sequential and of the diverging scale.
pub(super) const STEPS: usize = 9;

/// The colours of a theme that belong to no group.
struct Ground {
    paper: &'static str,
    ink: &'static str,
    muted: &'static str,
    grid: &'static str,
    whole: &'static str,
    accent: &'static str,
}

const LIGHT: Ground = Ground {
    paper: "#ffffff",
    ink: "#1b1f24",
    muted: "#57606a",
    grid: "#dde1e6",
    whole: "#848c96",
    accent: "#2f6db3",
};
const DARK: Ground = Ground {
    paper: "#14161a",
    ink: "#e8eaed",
    muted: "#a4acb8",
    grid: "#33383f",
    whole: "#7d8590",
    accent: "#79b4f2",
};

impl Palette {
    /// A style sheet that gives the classes of [`Paint`](super::Paint) and the parts of charts their colours: custom properties
    /// for light and dark, and rules that use them. The page and every stand-alone chart contain it.
    pub fn css(&self) -> String {
        let (light, dark) = (self.properties(Theme::Light), self.properties(Theme::Dark));
        let mut css = format!(
            ":root{{color-scheme:light dark;{light}}}\n\
             @media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n\
             :root[data-theme=light]{{{light}}}\n:root[data-theme=dark]{{{dark}}}\n\
             @media print{{:root,:root[data-theme]{{{light}}}}}\n"
        );
        for segment in 0..self.count() {
            css += &format!(".s{segment}{{--c:var(--s{segment});--k:var(--s{segment}k)}}\n");
        }
        for group in 0..FEWEST {
            let colour = group % GROUPS.len();
            css += &format!(".g{group}{{--c:var(--g{colour});--k:var(--g{colour}k)}}\n");
        }
        for step in 0..STEPS {
            css += &format!(".q{step}{{--c:var(--seq{step});--k:var(--seq{step}k)}}\n");
            css += &format!(".v{step}{{--c:var(--div{step});--k:var(--div{step}k)}}\n");
        }
        css += RULES;
        css += parts::RULES;
        let others: Vec<String> = (0..FEWEST.max(self.segments.len()).min(MOST))
            .map(|s| format!("[data-highlight=\"{s}\"] .mark[data-s]:not([data-s=\"{s}\"])"))
            .collect();
        css + &others.join(",") + "{opacity:.15}\n"
    }

    /// The colour of a segment's marks on the page's background in light and in dark, as `#0072b2`.
    pub fn ink(&self, segment: u32) -> (String, String) {
        let colour = |theme| self.segment(segment as usize, theme).hex();
        (colour(Theme::Light), colour(Theme::Dark))
    }

    fn count(&self) -> usize {
        self.segments.len().clamp(FEWEST, MOST)
    }

    fn segment(&self, segment: usize, theme: Theme) -> Colour {
        let own = self.segments.get(segment).and_then(Option::as_deref).and_then(Colour::parse);
        own.map_or_else(|| theme.of(SEGMENTS[segment % SEGMENTS.len()]), |colour| colour.on(theme))
    }

    /// The custom properties of a theme.
    fn properties(&self, theme: Theme) -> String {
        let ground = theme.ground();
        let mut out = format!(
            "--paper:{};--ink:{};--muted:{};--grid:{};--whole:{};--wholek:{};--accent:{};--accentk:{};",
            ground.paper,
            ground.ink,
            ground.muted,
            ground.grid,
            ground.whole,
            Colour::built_in(ground.whole).text(),
            ground.accent,
            Colour::built_in(ground.accent).text(),
        );
        let mut add = |name: String, colour: Colour| {
            out += &format!("--{name}:{};--{name}k:{};", colour.hex(), colour.text());
        };
        for segment in 0..self.count() {
            add(format!("s{segment}"), self.segment(segment, theme));
        }
        for (group, colours) in GROUPS.into_iter().enumerate() {
            add(format!("g{group}"), theme.of(colours));
        }
        for step in 0..STEPS {
            add(format!("seq{step}"), Colour::sequential(step as f64 / (STEPS - 1) as f64, theme));
            add(format!("div{step}"), Colour::diverging(step as f64 / (STEPS - 1) as f64 * 2.0 - 1.0, theme));
        }
        out
    }
}

/// The class of a cell that is shaded from 0 to 1 in one colour: `q0` to `q8`.
pub(super) fn sequential(share: f64) -> String {
    format!("q{}", step(share))
}

/// The class of a cell that is shaded from -1 to 1 in two colours: `v0` to `v8`, of which `v4` is the middle.
pub(in crate::report) fn diverging(share: f64) -> String {
    format!("v{}", step(share / 2.0 + 0.5))
}

fn step(share: f64) -> usize {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    (share * (STEPS - 1) as f64).round() as usize
}

/// What all style sheets have. `--c` is the colour of a mark and `--k` that of a text on it.
const RULES: &str = "\
.plain{--c:var(--accent);--k:var(--accentk)}
.whole{--c:var(--whole);--k:var(--wholek)}
.chart{display:block;width:100%;height:auto;font:13px system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif}
.chart text{fill:var(--ink)}
.chart .tick,.chart .axis-title,.chart .legend,.chart .note,.chart .limit-name{fill:var(--muted)}
.chart .tick,.chart .axis-title,.chart .legend,.chart .note,.chart .limit-name,.chart .value{font-size:12px}
.chart .value,.chart .note,.chart .limit-name{font-variant-numeric:tabular-nums;stroke:var(--paper);stroke-width:3px;paint-order:stroke}
.chart .strong{font-weight:600}
.chart .grid{stroke:var(--grid);fill:none}
.chart .axis{stroke:var(--muted);fill:none}
.chart .limit{stroke:var(--muted);stroke-dasharray:4 3;fill:none}
.chart .reference{stroke:var(--ink);stroke-width:2;fill:none}
.chart .hatch{stroke:var(--paper);fill:var(--paper);opacity:.5}
.chart .mark{fill:var(--c,var(--accent))}
.chart .line{fill:none;stroke:var(--c,var(--accent));stroke-width:2;stroke-linejoin:round}
.chart .whisker{fill:none;stroke:var(--ink);stroke-width:1.5}
.chart .halo{fill:none;stroke:var(--paper);stroke-width:4}
.chart .median{stroke:var(--paper);stroke-width:3}
.chart .mean{fill:var(--paper);stroke:var(--ink)}
.chart .outline{fill:none;stroke:var(--muted)}
.chart .hit{fill:none;pointer-events:all}
.chart .cell{stroke:var(--paper)}
.chart .inside{font-size:12px;fill:var(--k,var(--ink));stroke:var(--c);stroke-width:3px;paint-order:stroke;pointer-events:none}
";
