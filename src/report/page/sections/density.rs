//! What DBSCAN found for each pair of its parameters.

use super::parts::{CELLS, axis, called, chart, datum, plain, table};
use crate::cluster::dbscan::{Found, GridPoint};
use crate::report::chart::{Datum, Heatmap, Lines, Mark, Paint, Series, Shading, Unit};
use crate::report::dbscan::advice;
use crate::report::figures::{brief, percent, whole};
use crate::report::page::content::{Block, Fact, Figure, Section};
use crate::report::page::facts::Facts;

/// The section, if DBSCAN was run: by the fit, or else by a method that the fit is compared with.
pub fn section(facts: &Facts<'_>) -> Option<Section> {
    let (found, other) = density(facts)?;
    let own = found.grid.iter().find(|point| is_own(found, point));
    let fact =
        |name: &str, value: String, note: &str| Fact { name: name.into(), value, note: Some(note.into()) };
    let mut all = vec![
        fact("Radius (eps)", brief(found.eps), "Rows this near to each other are neighbours."),
        fact(
            "Least neighbours (min_samples)",
            whole(found.min_samples.into()),
            "So many make a dense place.",
        ),
        fact("Rows in dense places", percent(found.core_share), "The cores of the clusters."),
    ];
    if let Some(own) = own {
        all.push(fact("Clusters", whole(own.clusters as u64), "Dense places that no dense path connects."));
        all.push(fact("In no cluster", percent(own.noise_share), "Rows in thin places, called noise."));
    }
    let mut blocks = vec![Block::Facts(all)];
    blocks.extend(own.map(|own| Block::Note(advice(own).into())));
    blocks.extend(grid(found));
    blocks.extend(distances(found));
    let lead = match other {
        Some(name) => format!(
            "{}, which the fit is compared with, looks for places where rows are dense, and leaves out rows in between.",
            called(name)
        ),
        None => "The method looks for places where rows are dense, and leaves out rows in between.".into(),
    };
    Some(Section {
        id: "density".into(),
        title: "Where the rows are dense".into(),
        lead: Some(lead),
        paint: None,
        blocks,
    })
}

/// What DBSCAN found, and the name of the method if it is not that of the fit.
fn density<'a>(facts: &Facts<'a>) -> Option<(&'a Found, Option<&'a str>)> {
    let own = facts.outcome.found.dbscan.as_ref().map(|found| (found, None));
    own.or_else(|| {
        let methods = &facts.outcome.compare_methods.as_ref()?.methods;
        methods.iter().find_map(|one| Some((one.found.dbscan.as_ref()?, Some(one.name.as_str()))))
    })
}

fn is_own(found: &Found, point: &GridPoint) -> bool {
    (point.eps, point.min_samples) == (found.eps, found.min_samples)
}

/// What each pair of the parameters led to, if there are several pairs.
fn grid(found: &Found) -> Vec<Block> {
    if found.grid.len() < 2 {
        return Vec::new();
    }
    let mut radii: Vec<f64> = found.grid.iter().map(|point| point.eps).collect();
    radii.sort_by(f64::total_cmp);
    radii.dedup();
    let mut least: Vec<u32> = found.grid.iter().map(|point| point.min_samples).collect();
    least.sort_unstable();
    least.dedup();
    let mut blocks = vec![Block::Heading("What other settings would find".into())];
    if radii.len() <= CELLS && least.len() <= CELLS {
        let most = found.grid.iter().map(|point| point.clusters).max().unwrap_or(1).max(1);
        let heatmap = |id: &str, title: &str, unit: Unit, top: f64, of: &dyn Fn(&GridPoint) -> f64| {
            let value = |samples: u32, eps: f64| {
                found.grid.iter().find(|p| p.eps == eps && p.min_samples == samples).map(of)
            };
            let heatmap = Heatmap {
                rows_are: "min_samples".into(),
                columns_are: "eps".into(),
                rows: least.iter().map(|&n| plain(whole(n.into()))).collect(),
                columns: radii.iter().map(|&eps| plain(brief(eps))).collect(),
                values: least.iter().map(|&n| radii.iter().map(|&eps| value(n, eps)).collect()).collect(),
                unit,
                shading: Shading::Sequential(top),
            };
            Figure::new(id, title, "A cell for each pair of min_samples (lines) and eps (columns).", &heatmap)
        };
        blocks.push(Block::Charts(vec![
            heatmap("density-clusters", "Clusters", Unit::Count, most as f64, &|p| p.clusters as f64),
            heatmap("density-noise", "Rows in no cluster", Unit::Share, 1.0, &|p| p.noise_share),
            heatmap("density-largest", "The largest cluster", Unit::Share, 1.0, &|p| p.largest_share),
        ]));
    }
    blocks.push(Block::Note(
        "Good settings give several clusters, none of which has nearly all rows, and little noise; settings next to them give \
         about the same."
            .into(),
    ));
    let row = |point: &GridPoint| {
        let own = if is_own(found, point) { "this one" } else { "" };
        vec![
            datum(Some(point.eps), &Unit::Number),
            datum(Some(f64::from(point.min_samples)), &Unit::Count),
            datum(Some(point.clusters as f64), &Unit::Count),
            datum(Some(point.noise_share), &Unit::Share),
            datum(Some(point.largest_share), &Unit::Share),
            Datum::text(own),
        ]
    };
    let columns = [
        ("eps", true),
        ("min_samples", true),
        ("clusters", true),
        ("in no cluster", true),
        ("largest cluster", true),
        ("model", false),
    ];
    let table = table("density-grid", "All settings", &columns, found.grid.iter().map(row).collect());
    blocks.push(Block::Details("All settings as a table".into(), vec![table]));
    blocks
}

/// The curve of distances from which a radius is suggested.
fn distances(found: &Found) -> Option<Block> {
    let curve = &found.k_distances;
    if curve.distances.len() < 2 {
        return None;
    }
    let last = (curve.distances.len() - 1) as f64;
    let points: Vec<(f64, Option<f64>)> =
        curve.distances.iter().enumerate().map(|(i, &distance)| (i as f64 / last, Some(distance))).collect();
    let knee = found.suggested_eps.and_then(|eps| {
        let place = curve.distances.iter().position(|&distance| distance <= eps)?;
        Some(Mark { x: place as f64 / last, label: format!("suggested eps {}", brief(eps)), chosen: true })
    });
    let lines = Lines {
        x: axis("share of the rows", Unit::Share),
        y: axis(format!("distance to the {}-th nearest row", curve.k), Unit::Number),
        series: vec![Series {
            label: "distance".into(),
            paint: Paint::Plain,
            points,
            errors: Vec::new(),
            smooth: true,
        }],
        marks: knee.into_iter().collect(),
    };
    let desc = "A falling curve: the distances of all rows, the largest first.";
    let figure = Figure::new("k-distances", "Which radius is worth a try?", desc, &lines);
    let sample = curve
        .sampled_rows
        .map_or_else(String::new, |rows| format!(" The curve is that of a sample of {} rows.", whole(rows)));
    let note = format!(
        "Where the curve stops falling steeply, rows begin to have near neighbours; a radius of that height is a good start.{sample}"
    );
    Some(chart(figure, &note))
}
