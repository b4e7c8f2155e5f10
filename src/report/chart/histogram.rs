//! Distributions of one column: the segments below each other over the same axis, each beside that of all rows.

use super::axis::{Area, Scale};
use super::legend::{Sign, legend};
use super::svg::{Anchor, Drawing, Element, coordinate, line, rect};
use super::text::widest;
use super::{Axis, Caption, Chart, DataTable, Datum, Paint, Unit};

/// Histograms over one axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// What is measured, in the table's own units.
    pub axis: Axis,
    /// The edges of the bins, one more than there are bins.
    pub edges: Vec<f64>,
    /// The first layer is that of all rows; it is repeated as an outline behind each of the others.
    pub layers: Vec<Layer>,
    /// How many of the values lie below the first and above the last edge, as a share of all.
    pub beyond: (f64, f64),
}

/// One distribution.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layer {
    /// Whose it is.
    pub label: String,
    /// Its colour.
    pub paint: Paint,
    /// How many values.
    pub count: u64,
    /// The share of its values in each bin, from 0 to 1.
    pub shares: Vec<f64>,
}

/// The height of a line, and of the highest bin in it.
const LINE: f64 = 50.0;
const HIGHEST: f64 = 42.0;
/// The height of a line with its name above the bins.
const NARROW_LINE: f64 = 66.0;
/// The widest that names may be.
const LABELS: f64 = 200.0;
/// Lines whose highest bins differ by more than this factor have scales of their own.
const UNLIKE: f64 = 4.0;

/// The height of a bin as a share.
fn share(layer: &Layer, bin: usize) -> f64 {
    let share = layer.shares.get(bin).copied().unwrap_or_default();
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
}

impl Histogram {
    /// The bins with finite edges in order, as their numbers.
    fn bins(&self) -> Vec<usize> {
        let sound = |i: &usize| {
            let (from, to) = (self.edges[*i], self.edges[i + 1]);
            from.is_finite() && to.is_finite() && from <= to && (!self.axis.log || from > 0.0)
        };
        (0..self.edges.len().saturating_sub(1)).filter(sound).collect()
    }

    /// Where the bins begin and end.
    fn span(&self, bins: &[usize]) -> (f64, f64) {
        let low = bins.iter().map(|bin| self.edges[*bin]).fold(f64::INFINITY, f64::min);
        let high = bins.iter().map(|bin| self.edges[bin + 1]).fold(f64::NEG_INFINITY, f64::max);
        (low, high)
    }

    fn highest(&self, layer: &Layer) -> f64 {
        self.bins().into_iter().map(|bin| share(layer, bin)).fold(0.0, f64::max)
    }

    /// The upper edge of a layer, as the commands of a path from the left end to the right end of `base`.
    fn steps(&self, scale: &Scale, layer: &Layer, base: f64, full: f64) -> String {
        let mut d = String::new();
        for bin in self.bins() {
            let (from, to) = (scale.place(self.edges[bin]), scale.place(self.edges[bin + 1]));
            let (Some(from), Some(to)) = (from, to) else { continue };
            if d.is_empty() {
                d += &format!("M{} {}", coordinate(from), coordinate(base));
            }
            let y = base - if full > 0.0 { HIGHEST * share(layer, bin) / full } else { 0.0 };
            d += &format!("V{}H{}", coordinate(y), coordinate(to));
        }
        d + &format!("V{}", coordinate(base))
    }

    fn tip(&self, layer: &Layer) -> String {
        let unit = &self.axis.unit;
        let mut tip = format!(
            "{}\n{}, {} values",
            layer.label,
            self.axis.name(),
            Unit::Count.format(layer.count as f64)
        );
        let fullest = self.bins().into_iter().max_by(|a, b| share(layer, *a).total_cmp(&share(layer, *b)));
        if let Some(bin) = fullest.filter(|_| layer.count > 0) {
            let (from, to) = (unit.format(self.edges[bin]), unit.format(self.edges[bin + 1]));
            tip += &format!("\nmost often {from} to {to}: {}", Unit::Share.format(share(layer, bin)));
        }
        tip
    }

    /// What is said about the values that are not shown.
    fn beyond_words(&self) -> Option<String> {
        let (below, above) = self.beyond;
        let part = |share: f64, side: &str| {
            (share.is_finite() && share > 0.0).then(|| format!("{} {side}", Unit::Share.format(share)))
        };
        let parts: Vec<String> = [part(below, "below"), part(above, "above")].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| format!("Not drawn: {}.", parts.join(", ")))
    }
}

impl Chart for Histogram {
    fn svg(&self, caption: &Caption<'_>) -> String {
        let mut drawing = Drawing::new(caption);
        let bins = self.bins();
        let tallest: Vec<f64> = self.layers.iter().map(|layer| self.highest(layer)).collect();
        let top_of_all = tallest.iter().copied().fold(0.0, f64::max);
        let (Some(whole), true) = (self.layers.first(), !bins.is_empty() && top_of_all > 0.0) else {
            return drawing.nothing();
        };
        let lowest = tallest.iter().copied().filter(|t| *t > 0.0).fold(f64::INFINITY, f64::min);
        let own_scales = top_of_all > UNLIKE * lowest;
        let outline = format!("outline: {}", whole.label);
        let mut entries = Vec::new();
        if self.layers.len() > 1 {
            entries.push((Sign::Outline, outline.as_str()));
            if own_scales {
                entries.push((Sign::None, "Each line has a height scale of its own."));
            }
        }
        let top = legend(&mut drawing, 0.0, 0.0, &entries) + 4.0;
        let labels = widest(self.layers.iter().map(|layer| layer.label.as_str()), LABELS);
        let narrow = drawing.narrow();
        let pitch = if narrow { NARROW_LINE } else { LINE };
        let (left, right) =
            if narrow { (8.0, drawing.width() - 8.0) } else { (labels + 12.0, drawing.width() - 16.0) };
        let edges = bins.iter().flat_map(|bin| [self.edges[*bin], self.edges[bin + 1]]);
        let (low, high) = self.span(&bins);
        let scale = Scale::across(&self.axis, edges, left, right);
        // The axis ends where the bins do, so that one of counts has nothing below 0.
        let tight = scale.clone().between(low, high);
        let scale = if tight.ticks.len() > 1 { tight } else { scale };
        let area = Area { left, right, top, bottom: top + pitch * self.layers.len() as f64 };
        let mut height = area.grid_across(&mut drawing, &scale, &self.axis.title);
        for (i, layer) in self.layers.iter().enumerate() {
            let base = top + pitch * (i as f64 + 1.0);
            let full = if own_scales { tallest[i].max(tallest[0]) } else { top_of_all };
            if narrow {
                let above = base - HIGHEST - 12.0;
                drawing.write("label over", [0.0, above], Anchor::Start, drawing.width(), &layer.label);
            } else {
                drawing.write("label", [labels, base - 12.0], Anchor::End, LABELS, &layer.label);
            }
            drawing.put(line(left, base, right, base).class("axis"));
            let group = Element::new("g")
                .mark("mark", layer.paint, &self.tip(layer))
                .child(rect(left, base - pitch, right - left, pitch).class("hit"));
            let shape = Element::new("path").set("d", &(self.steps(&scale, layer, base, full) + "Z"));
            let group = drawing.fill_in(group, shape, layer.paint);
            drawing.put(group);
            if i > 0 {
                let outline = self.steps(&scale, whole, base, full);
                drawing.put(Element::new("path").set("d", &outline).class("outline"));
            }
        }
        if let Some(words) = self.beyond_words() {
            drawing.write("note", [left, height + 6.0], Anchor::Start, right - left, &words);
            height += 18.0;
        }
        drawing.finish(height)
    }

    fn table(&self) -> DataTable {
        let mut columns =
            vec![(format!("{}, from", self.axis.name()), true), (format!("{}, to", self.axis.name()), true)];
        columns.extend(self.layers.iter().map(|layer| (layer.label.clone(), true)));
        let row = |bin: usize| {
            let mut row = [bin, bin + 1].map(|edge| self.axis.unit.datum(Some(self.edges[edge]))).to_vec();
            let shares = self.layers.iter().map(|layer| layer.shares.get(bin).copied());
            row.extend(shares.map(|share| Unit::Share.datum(share)));
            row
        };
        let mut rows: Vec<Vec<Datum>> = (0..self.edges.len().saturating_sub(1)).map(row).collect();
        if !self.layers.is_empty() {
            let mut counts = vec![Datum::text("values"), Datum::text("")];
            counts.extend(self.layers.iter().map(|layer| Unit::Count.datum(Some(layer.count as f64))));
            rows.push(counts);
        }
        DataTable { columns, rows }
    }
}
