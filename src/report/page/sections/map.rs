//! The map: the rows in two dimensions.

use super::parts::{CELLS, FIRST_MAP, axis, chart, groups, plain, points_each, views};
use super::wished;
use crate::analysis::{MapAxis, MapFound, OUTLIERS, PcaFound, Reduction};
use crate::evidence::embedding::EmbeddingQuality;
use crate::report::chart::{Axis, Bar, Bars, Heatmap, Paint, PointGroup, Scatter, Shading, Unit};
use crate::report::figures::{count, percent, score, whole};
use crate::report::page::content::{Block, Figure, Section};
use crate::report::page::facts::Facts;
use crate::report::reductions::verdict;

/// How many components are drawn of an analysis of principal components.
const COMPONENTS: usize = 20;
/// So many rows in one place are worth a word.
const MANY: usize = 10;
/// How far around the segments outliers are drawn, as a share of the segments' range.
const AROUND: f64 = 0.15;
/// What stands beside the line where the population ends.
pub(super) const BORDER: &str = "border of the population";
/// How many components have a column of loadings.
const LOADINGS: usize = 8;

/// The section, if there is a layout.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let maps = &facts.outcome.pictures.as_ref()?.maps;
    let first = maps.first().filter(|map| map.axes.len() >= 2)?;
    let mut blocks = Vec::new();
    let (figure, drawn) = map(facts, first, "map", [0, 1], FIRST_MAP);
    let how = match first.method.as_str() {
        "umap" => {
            "Only who is near whom means something: the axes have no units, and large distances tell little."
        }
        _ => {
            "The axes are the two combinations of columns along which rows differ most (principal components); what differs in \
             other directions is not to be seen, so segments that overlap here may still lie apart."
        }
    };
    let note = figure.note.as_ref().map_or_else(|| how.to_string(), |note| format!("{how} {note}"));
    blocks.push(chart(figure, &note));
    let (drawn, rows) = (whole(drawn as u64), whole(first.rows));
    let sampled = format!("{drawn} of {rows} rows are drawn, chosen at random, small segments more densely.");
    blocks.push(Block::Note(if drawn == rows { format!("All {rows} rows are drawn.") } else { sampled }));
    blocks.extend(quality_of(facts, first).map(quality));
    let each = points_each(facts);
    let (views, left) = views(maps);
    let view = |&(i, pair): &(usize, [usize; 2])| {
        let id = format!("map-{}-components-{}-{}", i + 1, pair[0] + 1, pair[1] + 1);
        map(facts, &maps[i], &id, pair, each).0
    };
    let mut more: Vec<Figure> = wished::figures(facts, true);
    more.extend(views.iter().skip(1).map(view));
    if !more.is_empty() {
        blocks.push(Block::Heading("The same rows, seen otherwise".into()));
        let only = match left {
            0 => String::new(),
            n => format!(" {} of the maps are in metrics.json only.", count(n, "further view")),
        };
        blocks.push(Block::Note(format!(
            "Each of these charts has at most {} points.{only}",
            whole(each as u64)
        )));
        blocks.push(Block::Charts(more));
    }
    for (i, found) in analyses(facts).enumerate() {
        blocks.extend(components(found, i));
    }
    Some(Section {
        id: "map".into(),
        title: "Where the segments lie".into(),
        lead: Some("Each point is one row; rows that are alike lie close together.".into()),
        paint: None,
        blocks,
    })
}

/// A map with how many points it has.
fn map(facts: &Facts<'_>, map: &MapFound, id: &str, axes: [usize; 2], room: usize) -> (Figure, usize) {
    let mut groups = groups(facts, &map.groups, room, axes, true);
    let beyond = near_segments(&mut groups);
    let drawn = groups.iter().map(|group| group.points.len()).sum();
    let title = match axes {
        [0, 1] => format!("The rows by segment{}", called(map)),
        [a, b] => format!("The rows by segment{}: components {} and {}", called(map), a + 1, b + 1),
    };
    let boundary = map.boundary.as_ref().filter(|_| axes == [0, 1]);
    let scatter = Scatter {
        x: title_of(map, axes[0]),
        y: title_of(map, axes[1]),
        equal: true,
        numbers: map.method != "umap",
        boundary: boundary.map(|line| (line.from, line.to, BORDER.into())),
        groups,
    };
    let count = scatter.groups.len();
    let desc =
        format!("A cloud of points, one for each row of a sample, coloured by segment in {count} groups.");
    let figure = Figure::new(id, title, &desc, &scatter);
    let mut notes: Vec<String> = scatter.groups.iter().filter_map(in_one_place).collect();
    notes.extend(match beyond {
        0 => None,
        1 => Some("1 point of an outlier lies beyond the axes.".into()),
        n => Some(format!("{n} points of outliers lie beyond the axes.")),
    });
    (if notes.is_empty() { figure } else { figure.with_note(notes.join(" ")) }, drawn)
}

/// Says so where many rows look like a single one.
fn in_one_place(group: &PointGroup) -> Option<String> {
    let first = group.points.first()?;
    let same = group.points.iter().all(|point| point == first);
    (same && group.points.len() >= MANY).then(|| {
        format!("All {} drawn rows of {} lie in one point.", whole(group.points.len() as u64), group.label)
    })
}

/// Leaves out points of outliers that would press all segments together, and counts them.
fn near_segments(groups: &mut [PointGroup]) -> usize {
    let of_segments = groups.iter().filter(|group| group.paint.segment().is_some());
    let points: Vec<[f64; 2]> = of_segments.flat_map(|group| group.points.iter().copied()).collect();
    if points.is_empty() {
        return 0;
    }
    let range = |axis: usize| {
        let (low, high) = points
            .iter()
            .fold((f64::MAX, f64::MIN), |(low, high), point| (low.min(point[axis]), high.max(point[axis])));
        let around = AROUND * (high - low);
        (low - around)..=(high + around)
    };
    let (x, y) = (range(0), range(1));
    let mut beyond = 0;
    for group in groups.iter_mut().filter(|group| group.label == OUTLIERS) {
        let near: Vec<bool> = group.points.iter().map(|[a, b]| x.contains(a) && y.contains(b)).collect();
        beyond += near.iter().filter(|near| !**near).count();
        let mut keep = near.iter();
        group.points.retain(|_| keep.next().copied().unwrap_or(true));
        let mut keep = near.iter();
        group.names.retain(|_| keep.next().copied().unwrap_or(true));
    }
    beyond
}

fn called(map: &MapFound) -> String {
    if map.name.is_empty() { String::new() } else { format!(" in the layout {}", map.name) }
}

fn title_of(map: &MapFound, place: usize) -> Axis {
    let title = |found: &MapAxis| match found.variance_ratio {
        Some(share) => format!("{} ({} of the variance)", found.column, percent(share)),
        None => found.column.clone(),
    };
    axis(map.axes.get(place).map(title).unwrap_or_default(), Unit::Number)
}

fn analyses<'a>(facts: &Facts<'a>) -> impl Iterator<Item = &'a PcaFound> + use<'a> {
    let all = facts.outcome.reductions.iter().filter_map(|one| match one {
        Reduction::Pca(found) => Some(found),
        Reduction::Umap(_) => None,
    });
    let first = facts.outcome.pca.as_ref().filter(|_| facts.outcome.reductions.is_empty());
    first.into_iter().chain(all)
}

fn quality_of<'a>(facts: &Facts<'a>, map: &MapFound) -> Option<&'a EmbeddingQuality> {
    let layout = facts.outcome.reductions.iter().find_map(|one| match one {
        Reduction::Umap(found) if found.name == map.name => Some(&found.quality),
        _ => None,
    });
    layout.or_else(|| analyses(facts).find(|found| found.name == map.name)?.quality.as_ref())
}

fn quality(found: &EmbeddingQuality) -> Block {
    Block::Note(format!(
        "How far the map can be trusted: trustworthiness {} (whether neighbours on the map are neighbours in the table) and \
         continuity {} (whether neighbours in the table stay neighbours on the map). 1 is perfect. Of the {} nearest rows of a \
         row, {} are still among the nearest on the map{}.",
        score(found.trustworthiness),
        score(found.continuity),
        found.neighbors,
        percent(found.neighbourhood_preservation),
        match found.neighbourhood_preservation < 0.2 {
            true => ", so it shows groups, and not who is nearest to whom",
            false => "",
        }
    ))
}

/// What principal components consist of, folded.
fn components(found: &PcaFound, place: usize) -> Option<Block> {
    let ratios = &found.all_explained_variance_ratio;
    if ratios.is_empty() {
        return None;
    }
    let bar = |(i, share): (usize, &f64)| Bar {
        label: found.components.get(i).map_or_else(|| format!("component {}", i + 1), |c| c.name.clone()),
        paint: Paint::Plain,
        value: Some(*share),
        interval: None,
        reference: None,
        note: None,
    };
    let bars = Bars {
        axis: axis("share of the variance", Unit::Share),
        what: "component".into(),
        bars: ratios.iter().take(COMPONENTS).enumerate().map(bar).collect(),
        ..Bars::default()
    };
    let figure = Figure::new(
        format!("variance-{}", place + 1),
        "How much each component explains",
        "A bar for each principal component, the largest first.",
        &bars,
    );
    let note = "A few long bars mean that a map of the first components shows most of what there is; many bars of equal \
                length mean that it shows little.";
    let mut blocks = vec![Block::Text(verdict(found)), chart(figure, note)];
    let kept: Vec<_> = found.components.iter().take(LOADINGS).collect();
    if !kept.is_empty() && !found.features.is_empty() {
        let features: Vec<&String> = found.features.iter().take(CELLS).collect();
        let value = |feature: &String| kept.iter().map(|c| c.loadings.get(feature).copied()).collect();
        let heatmap = Heatmap {
            rows_are: "column".into(),
            columns_are: "component".into(),
            rows: features.iter().map(|name| plain(name.as_str())).collect(),
            columns: kept.iter().map(|c| plain(c.name.as_str())).collect(),
            values: features.iter().map(|feature| value(feature)).collect(),
            unit: Unit::Score,
            shading: Shading::Diverging(1.0),
        };
        let figure = Figure::new(
            format!("loadings-{}", place + 1),
            "What the components consist of",
            "The weight (loading) of each column in each component.",
            &heatmap,
        );
        let left = match found.features.len().saturating_sub(CELLS) {
            0 => String::new(),
            n => format!(" {} further columns are in metrics.json only.", whole(n as u64)),
        };
        let note =
            format!("The further a weight is from 0, the more the column counts in the component.{left}");
        blocks.push(chart(figure, &note));
    }
    let name = if found.name.is_empty() { String::new() } else { format!(" of {}", found.name) };
    Some(Block::Details(format!("The principal components{name}"), blocks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_do_not_press_the_segments_together() {
        let group = |label: &str, paint: Paint, points: &[[f64; 2]]| PointGroup {
            label: label.into(),
            paint,
            points: points.to_vec(),
            ..PointGroup::default()
        };
        let mut groups = vec![
            group("Segment 0", Paint::Segment(0), &[[0.0, 0.0], [10.0, 5.0]]),
            group(OUTLIERS, Paint::Whole, &[[11.0, 5.0], [400.0, 3.0]]),
            group("outside the population", Paint::Whole, &[[50.0, 0.0]]),
        ];
        assert_eq!(near_segments(&mut groups), 1);
        assert_eq!(groups[1].points, [[11.0, 5.0]]);
        assert_eq!((groups[0].points.len(), groups[2].points.len()), (2, 1));
    }
}
