//! Clusters for every pair of parameters, in shared passes.

use super::neighbourhoods::Neighbourhoods;
use super::{Found, GridPoint, KDistances, MIN_SAMPLES, Params};
use crate::backend::blocks::{Components, NO_ROW, Radius, count, nearest_clusters};
use crate::cluster::Labels;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// The label of noise.
const NOISE: u32 = u32::MAX;

/// A labelling of the table.
pub(super) struct Labelled {
    pub(super) k: usize,
    pub(super) labels: Labels,
    /// For each cluster the values of its distinct core points, in the order of the table.
    pub(super) points: Vec<Vec<f32>>,
}

/// The result of one pair: by place.
struct Clusters {
    /// How good it would be as the model: more than one cluster, one, or none.
    rank: usize,
    /// Where the pair stands in the order of the parameters.
    at: usize,
    k: usize,
    radius: Radius,
    core: Vec<u32>,
    labels: Vec<u32>,
}

/// Fits every pair; the labelling is that of the model.
pub(super) fn fit(
    rows: &Neighbourhoods<'_>,
    params: &Params,
    progress: Progress<'_>,
) -> Result<(Labelled, Found)> {
    params.check()?;
    let min_samples =
        if params.min_samples.is_empty() { vec![MIN_SAMPLES] } else { params.min_samples.clone() };
    let k_distances = KDistances::new(rows, min_samples[0], progress)?;
    let suggested_eps = k_distances.knee();
    let eps = match (&params.eps[..], suggested_eps) {
        ([], Some(eps)) => vec![eps],
        ([], None) => return Err(no_suggestion(&k_distances)),
        (given, _) => given.to_vec(),
    };
    let radii = ascending(&eps, f64::total_cmp);
    let least = ascending(&min_samples, u32::cmp);
    let stored: Vec<Radius> = radii.iter().map(|&r| rows.blocks.radius(rows.to_stored(r))).collect();
    let thresholds: Vec<u128> = least.iter().map(|&m| rows.steps_for(m)).collect();
    let levels = count(&rows.blocks, &stored, &thresholds, rows.weights.as_deref(), progress)?;

    let mut grid: Vec<Option<GridPoint>> = vec![None; eps.len() * min_samples.len()];
    let mut best: Option<Clusters> = None;
    for (t, &min) in least.iter().enumerate() {
        // A larger radius has all the core points and links of a smaller one.
        let mut components = Components::new(&rows.blocks);
        for (r, &radius) in radii.iter().enumerate() {
            components.link(stored[r], |place| levels.reaches(r, place, t), progress)?;
            let (k, core) = numbered(components.lowest());
            let labels = components.borders(stored[r], &core, progress)?;
            let point = point(rows, radius, min, k, &labels);
            let mut first = None;
            for (e, _) in eps.iter().enumerate().filter(|(_, own)| **own == radius) {
                for (m, _) in min_samples.iter().enumerate().filter(|(_, own)| **own == min) {
                    let at = e * min_samples.len() + m;
                    grid[at] = Some(point);
                    first = Some(first.map_or(at, |first: usize| first.min(at)));
                }
            }
            let at = first.unwrap_or(usize::MAX);
            let rank = k.min(2);
            if best.as_ref().is_none_or(|b| (rank, b.at) > (b.rank, at)) {
                best = Some(Clusters { rank, at, k, radius: stored[r], core, labels });
            }
        }
    }
    let grid: Vec<GridPoint> = grid.into_iter().flatten().collect();
    let Some(best) = best.filter(|best| best.k > 0) else {
        return Err(all_noise(&grid, suggested_eps));
    };
    let own = grid[best.at];
    let core = (0..best.core.len()).filter(|&place| best.core[place] != NOISE);
    let core: u128 = core.map(|place| u128::from(rows.weight(place))).sum();
    let core_share = core as f64 / rows.total as f64;
    let labelled = labelled(rows, best);
    let found =
        Found { eps: own.eps, min_samples: own.min_samples, core_share, suggested_eps, grid, k_distances };
    Ok((labelled, found))
}

/// The distinct values in ascending order.
fn ascending<T: Copy + PartialEq>(values: &[T], order: impl Fn(&T, &T) -> std::cmp::Ordering) -> Vec<T> {
    let mut values = values.to_vec();
    values.sort_by(order);
    values.dedup();
    values
}

/// Numbers components by their lowest rows: how many there are, and for each place its number or [`NOISE`].
fn numbered(components: Vec<Option<u32>>) -> (usize, Vec<u32>) {
    let mut first = vec![NOISE; components.len()];
    components.iter().flatten().for_each(|&row| first[row as usize] = 0);
    let mut k = 0;
    for number in first.iter_mut().filter(|number| **number == 0) {
        *number = k;
        k += 1;
    }
    (k as usize, components.into_iter().map(|row| row.map_or(NOISE, |row| first[row as usize])).collect())
}

/// The figures of a pair.
fn point(rows: &Neighbourhoods<'_>, eps: f64, min_samples: u32, k: usize, labels: &[u32]) -> GridPoint {
    let (mut noise, mut clusters) = (0u128, vec![0u128; k]);
    for (place, &label) in labels.iter().enumerate() {
        let to = if label == NOISE { &mut noise } else { &mut clusters[label as usize] };
        *to += u128::from(rows.weight(place));
    }
    let share = |weight: u128| weight as f64 / rows.total as f64;
    let largest_share = share(clusters.into_iter().max().unwrap_or(0));
    GridPoint { eps, min_samples, clusters: k, noise_share: share(noise), largest_share }
}

/// Labels for all rows of the table.
fn labelled(rows: &Neighbourhoods<'_>, clusters: Clusters) -> Labelled {
    let Clusters { k, radius, core, labels, .. } = clusters;
    let order = rows.blocks.order();
    let mut by_row = vec![NOISE; rows.blocks.rows()];
    let mut core_by_row = vec![NOISE; rows.blocks.rows()];
    for (place, &row) in order.iter().enumerate().filter(|(_, row)| **row != NO_ROW) {
        by_row[row as usize] = labels[place];
        core_by_row[row as usize] = core[place];
    }
    let matrix = rows.matrix;
    let apart: Vec<usize> = (0..matrix.rows()).filter(|&i| rows.repeats.of_row(i).is_none()).collect();
    let points: Vec<f32> = apart.iter().flat_map(|&i| matrix.row(i)).collect();
    let cluster = |row: u32| Some(core_by_row[row as usize]).filter(|&cluster| cluster != NOISE);
    let mut near = nearest_clusters(&rows.blocks, radius, &points, cluster).into_iter();
    let label = |i: usize| match rows.repeats.of_row(i) {
        Some(row) => Some(by_row[row]).filter(|&label| label != NOISE),
        None => near.next().flatten(),
    };
    let labels = (0..matrix.rows()).map(label).collect();
    let mut points = vec![Vec::new(); k];
    for (row, &cluster) in core_by_row.iter().enumerate().filter(|(_, cluster)| **cluster != NOISE) {
        points[cluster as usize].extend(matrix.row(rows.repeats.first(row)));
    }
    Labelled { k, labels, points }
}

fn no_suggestion(k_distances: &KDistances) -> Error {
    let k = k_distances.k;
    Error::data(if k_distances.distances.is_empty() {
        format!("the table has fewer than {k} rows, so no row is in a dense place: lower --min-samples")
    } else {
        format!("no eps can be suggested, because every row has {k} copies at least: say one with --eps")
    })
}

fn all_noise(grid: &[GridPoint], suggested_eps: Option<f64>) -> Error {
    let largest = grid.iter().map(|p| p.eps).fold(0.0, f64::max);
    let fewest = grid.iter().map(|p| p.min_samples).min().unwrap_or(MIN_SAMPLES);
    let hint = match suggested_eps.filter(|eps| *eps > largest) {
        Some(eps) => format!(" (the knee of the k-distance curve is at {})", digits(eps)),
        None => String::new(),
    };
    Error::data(format!(
        "DBSCAN finds no cluster: no row has {fewest} rows within eps {largest}, itself included. Raise --eps{hint} or lower \
         --min-samples"
    ))
}

/// A distance with three significant digits.
fn digits(value: f64) -> String {
    let places = (2 - libm::floor(libm::log10(value)) as i32).clamp(0, 12) as usize;
    format!("{value:.places$}")
}
