//! The tree of a hierarchical clustering, from its root down to the segments.

use super::axis::{Area, Scale, Unit};
use super::legend::{Sign, draw};
use super::svg::{Anchor, Drawing, Element, coordinate, line, rect};
use super::text::{widest, width};
use super::{Axis, Caption, Chart, DataTable, Datum, Paint};
use crate::report::figures::{count, plain, whole};

/// A dendrogram, with its root on the left.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dendrogram {
    /// The height at which clusters merge.
    pub axis: Axis,
    /// The whole tree.
    pub root: Node,
    /// The heights between which a cut gives the segments; the upper one may be missing.
    pub cut: Option<(f64, Option<f64>)>,
}

/// A cluster of the tree.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// The height at which its parts merged; leaves are drawn down to it.
    pub height: f64,
    /// How many rows.
    pub size: u64,
    /// Its name, for a leaf.
    pub label: String,
    /// Its colour, for a leaf.
    pub paint: Paint,
    /// Its parts.
    pub children: Vec<Node>,
}

/// The height of a leaf's line, of few leaves and of many.
const ROOMY: f64 = 26.0;
const TIGHT: f64 = 17.0;
/// How many leaves are few.
const FEW: usize = 40;
/// The longest name of a leaf.
const NAME: f64 = 180.0;
const NARROW_NAME: f64 = 110.0;
/// How much the words above the tree take.
const HEAD: f64 = 20.0;

/// A cluster with its place. The clusters stand in one list in which a cluster comes before its parts, so that trees of any
/// depth can be followed without recursion.
struct Placed<'a> {
    node: &'a Node,
    /// The height, or that of the parent where it is not a number.
    height: f64,
    /// The parts, as places in the list.
    parts: Vec<usize>,
    /// Where it lies, from the first leaf on; leaves are 1 apart.
    at: f64,
    /// The colour of all its leaves, if these have one.
    paint: Option<Paint>,
    /// How many leaves.
    leaves: usize,
}

impl Dendrogram {
    fn placed(&self) -> Vec<Placed<'_>> {
        let mut list: Vec<Placed<'_>> = Vec::new();
        let mut waiting: Vec<(&Node, Option<usize>)> = vec![(&self.root, None)];
        let mut leaves = 0;
        while let Some((node, parent)) = waiting.pop() {
            let number = list.len();
            let above = parent.map_or(0.0, |p| list[p].height);
            let mut placed = Placed {
                node,
                height: if node.height.is_finite() { node.height } else { above },
                parts: Vec::new(),
                at: 0.0,
                paint: None,
                leaves: 0,
            };
            if node.children.is_empty() {
                (placed.at, placed.leaves, placed.paint) = (leaves as f64, 1, Some(node.paint));
                leaves += 1;
            }
            if let Some(parent) = parent {
                list[parent].parts.push(number);
            }
            list.push(placed);
            waiting.extend(node.children.iter().rev().map(|child| (child, Some(number))));
        }
        // The parts of a cluster come after it, so they are settled first.
        for i in (0..list.len()).rev() {
            let Some((&first, &last)) = list[i].parts.first().zip(list[i].parts.last()) else { continue };
            let same = |part: &usize| list[*part].paint.is_some() && list[*part].paint == list[first].paint;
            let paint = if list[i].parts.iter().all(same) { list[first].paint } else { None };
            let leaves = list[i].parts.iter().map(|part| list[*part].leaves).sum();
            let at = (list[first].at + list[last].at) / 2.0;
            (list[i].at, list[i].paint, list[i].leaves) = (at, paint, leaves);
        }
        list
    }

    /// The heights that the axis spans.
    fn heights(&self, list: &[Placed<'_>]) -> Vec<f64> {
        let mut heights: Vec<f64> = list.iter().map(|p| p.height).collect();
        if let Some((low, high)) = self.cut {
            heights.push(low);
            heights.extend(high);
        }
        if !self.axis.log {
            heights.push(0.0);
        }
        heights
    }

    /// What a merge's tip says.
    fn tip(&self, cluster: &Placed<'_>) -> String {
        let height = self.axis.unit.format(cluster.node.height);
        format!(
            "{}: {height}\n{} in {}",
            plain(self.axis.name()),
            rows(cluster.node.size),
            count(cluster.leaves, "leaf").replace("leafs", "leaves")
        )
    }

    /// Draws the heights at which a cut gives the segments, across the tree.
    fn draw_cut(&self, drawing: &mut Drawing<'_>, area: &Area, x: &Scale) {
        let Some((low, high)) = self.cut else { return };
        let Some(right) = x.place(low).or(low.is_finite().then_some(area.right)) else { return };
        let left = high.and_then(|high| x.place(high)).unwrap_or(area.left);
        let (left, right) = (left.min(right), left.max(right));
        drawing.put(rect(left, area.top, (right - left).max(2.0), area.bottom - area.top).class("band"));
        let unit = &self.axis.unit;
        let between = match high.filter(|h| h.is_finite()) {
            Some(high) => format!("Cut between {} and {}", unit.format(low), unit.format(high)),
            None => format!("Cut above {}", unit.format(low)),
        };
        let words = "the cut";
        // The words stay within the drawing.
        let half = width(words) / 2.0;
        let middle = ((left + right) / 2.0).clamp(half, drawing.width() - half);
        let target = rect(left, area.top - HEAD, (right - left).max(2.0), HEAD).class("hit");
        drawing.put(target.set("data-tip", &between));
        let at = [middle, area.top - HEAD / 2.0];
        drawing.write("label strong", at, Anchor::Middle, drawing.width(), words);
    }

    /// Draws a merge: its upright line, and the lines to its parts.
    fn draw_merge(
        &self,
        drawing: &mut Drawing<'_>,
        list: &[Placed<'_>],
        cluster: &Placed<'_>,
        place: impl Fn(&Placed<'_>) -> [f64; 2],
    ) {
        let [x, _] = place(cluster);
        let parts = cluster.parts.iter().map(|part| &list[*part]);
        let [mut top, mut bottom] = [f64::INFINITY, f64::NEG_INFINITY];
        let tip = self.tip(cluster);
        let mut uprights = String::new();
        for part in parts {
            let [from, y] = place(part);
            (top, bottom) = (top.min(y), bottom.max(y));
            let d = format!("M{} {}H{}", coordinate(x), coordinate(y), coordinate(from));
            match part.paint {
                Some(paint) if cluster.paint.is_none() => {
                    drawing.put(Element::new("path").set("d", &d).mark("mark line", paint, &tip));
                }
                _ => uprights += &d,
            }
        }
        uprights += &format!("M{} {}V{}", coordinate(x), coordinate(top), coordinate(bottom));
        let merge = Element::new("path").set("d", &uprights);
        drawing.put(match cluster.paint {
            Some(paint) => merge.mark("mark line", paint, &tip),
            None => merge.class("mark line branch").set("data-tip", &tip),
        });
    }
}

fn rows(size: u64) -> String {
    if size == 1 { "1 row".into() } else { format!("{} rows", whole(size)) }
}

impl Chart for Dendrogram {
    fn svg(&self, caption: &Caption<'_>) -> String {
        let mut drawing = Drawing::new(caption);
        let list = self.placed();
        let leaves: Vec<&Placed<'_>> = list.iter().filter(|p| p.parts.is_empty()).collect();
        if leaves.len() < 2 {
            return drawing.nothing();
        }
        let pitch = if leaves.len() <= FEW { ROOMY } else { TIGHT };
        let sizes: Vec<String> = leaves.iter().map(|leaf| whole(leaf.node.size)).collect();
        let whole = drawing.width();
        let name = if drawing.narrow() { NARROW_NAME } else { NAME };
        let names = widest(leaves.iter().map(|leaf| leaf.node.label.as_str()), name);
        let size = widest(sizes.iter().map(String::as_str), whole).max(width("rows"));
        let margin = 26.0 + names + 14.0 + size;
        let area = Area {
            left: 12.0,
            right: whole - margin,
            top: HEAD,
            bottom: HEAD + pitch * leaves.len() as f64 + 2.0,
        };
        let x = Scale::across(&self.axis, self.heights(&list), area.right, area.left);
        let place = |cluster: &Placed<'_>| {
            let at = area.top + 1.0 + (cluster.at + 0.5) * pitch;
            [x.place(cluster.height).unwrap_or(area.right), at]
        };
        let end = area.grid_across(&mut drawing, &x, &self.axis.title);
        self.draw_cut(&mut drawing, &area, &x);
        drawing.write("tick", [whole, area.top - HEAD / 2.0], Anchor::End, whole, "rows");
        for (leaf, size) in leaves.iter().zip(&sizes) {
            let [from, y] = place(leaf);
            if from + 4.0 < area.right {
                drawing.put(line(from + 2.0, y, area.right + 4.0, y).class("leader"));
            }
            draw(&mut drawing, Sign::Square(leaf.node.paint), area.right + 8.0, y);
            drawing.write("label", [area.right + 26.0, y], Anchor::Start, name, &leaf.node.label);
            drawing.write("tick", [whole, y], Anchor::End, whole, size);
        }
        for cluster in list.iter().filter(|p| !p.parts.is_empty()) {
            self.draw_merge(&mut drawing, &list, cluster, place);
        }
        drawing.finish(end)
    }

    fn table(&self) -> DataTable {
        let list = self.placed();
        let merges = list.iter().filter(|p| !p.parts.is_empty()).count();
        // Merges are numbered from the lowest, which comes last in the list, to the root.
        let mut numbers = vec![0; list.len()];
        let mut next = merges;
        for (number, cluster) in numbers.iter_mut().zip(&list) {
            if !cluster.parts.is_empty() {
                *number = next;
                next -= 1;
            }
        }
        let name = |i: usize| match list[i].parts.is_empty() {
            true => list[i].node.label.clone(),
            false => format!("merge {}", numbers[i]),
        };
        let columns = ["cluster", "parts", self.axis.name(), "rows"].map(String::from);
        let numeric = [false, false, true, true];
        let line = |(i, cluster): (usize, &Placed<'_>)| {
            let parts: Vec<String> = cluster.parts.iter().map(|part| name(*part)).collect();
            let paint = cluster.parts.is_empty().then_some(cluster.node.paint);
            vec![
                Datum { text: name(i), paint, ..Datum::default() },
                Datum::text(parts.join(" + ")),
                self.axis.unit.datum(Some(cluster.node.height)),
                Unit::Count.datum(Some(cluster.node.size as f64)),
            ]
        };
        DataTable {
            columns: columns.into_iter().zip(numeric).collect(),
            rows: list.iter().enumerate().map(line).collect(),
        }
    }
}
