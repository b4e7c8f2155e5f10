//! The colours of segments and groups in both themes, as a style sheet; and the shapes and patterns that tell marks apart
//! where colours alone do not.

mod colour;
mod parts;
mod shape;

use colour::{Colour, Theme};
pub(super) use shape::{Hatch, Shape};

/// The colours of a page or of one chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Palette {
    /// The segments' own colours by number, as `#2a9d8f`; `None` takes one of the palette.
    pub segments: Vec<Option<String>>,
}

/// The colours of segments without one of their own, in turn.
const SEGMENTS: [&str; 10] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7b3294", "#882255", "#5f6b1a",
    "#7f7f7f",
];
/// The colours of other groups, in turn.
const GROUPS: [&str; 10] = [
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#aa3377", "#66ccee", "#cc6633", "#332288", "#999933",
    "#777777",
];
/// How many segments have a colour at least, and how many highlights a style sheet has.
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
        let colour = self.segment(segment as usize);
        (colour.on(Theme::Light).hex(), colour.on(Theme::Dark).hex())
    }

    fn count(&self) -> usize {
        self.segments.len().clamp(FEWEST, MOST)
    }

    fn segment(&self, segment: usize) -> Colour {
        let own = self.segments.get(segment).and_then(Option::as_deref).and_then(Colour::parse);
        own.unwrap_or_else(|| Colour::built_in(SEGMENTS[segment % SEGMENTS.len()]))
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
            add(format!("s{segment}"), self.segment(segment).on(theme));
        }
        for (group, colour) in GROUPS.iter().enumerate() {
            add(format!("g{group}"), Colour::built_in(colour).on(theme));
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
pub(super) fn diverging(share: f64) -> String {
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
.chart .hatch{stroke:var(--paper);fill:var(--paper);opacity:.65}
.chart .mark{fill:var(--c,var(--accent))}
.chart .line{fill:none;stroke:var(--c,var(--accent));stroke-width:2;stroke-linejoin:round}
.chart .whisker{fill:none;stroke:var(--ink);stroke-width:1.5}
.chart .median{stroke:var(--paper);stroke-width:3}
.chart .mean{fill:var(--paper);stroke:var(--ink)}
.chart .outline{fill:none;stroke:var(--muted)}
.chart .hit{fill:none;pointer-events:all}
.chart .cell{stroke:var(--paper)}
.chart .inside{font-size:12px;fill:var(--k,var(--ink));stroke:var(--c);stroke-width:3px;paint-order:stroke;pointer-events:none}
";
