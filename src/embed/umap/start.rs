//! Where a layout begins.

use super::draws::{Counter, Use};
use super::graph::Graph;
use super::rows::PackedRows;
use super::{Params, UmapInit, pca, spectral};
use crate::error::Result;
use crate::progress::Progress;
use crate::random::{Draws, Purpose};
use rayon::prelude::*;

/// The side of the box in which a layout begins.
const SIDE: f64 = 10.0;

/// The deviation of the noise that parts points which begin at one place.
const NOISE: f64 = 1e-4;

/// So many parts of a graph are moved apart before the layout begins, the largest ones. Smaller ones begin where the
/// principal components put them.
const MOVED: usize = 300;

/// The first coordinates: those of one row after the other. Each component begins between 0 and 10.
pub(super) fn start(
    rows: &PackedRows,
    graph: &Graph,
    parts: &[Vec<u32>],
    params: &Params,
    progress: Progress<'_>,
) -> Result<Vec<f32>> {
    let count = params.n_components;
    let vectors = Counter::new(params.seed, Use::Vectors);
    let mut components = match (params.init, parts) {
        (UmapInit::Pca, _) => pca::scores(rows, count, vectors, progress)?,
        (UmapInit::Spectral, [_]) => spectral::layout(graph, count, vectors, progress)?,
        (UmapInit::Spectral, _) => in_parts(rows, graph, parts, params, progress)?,
    };
    components.resize(count, Vec::new());
    let places = Counter::new(params.seed, Use::Places);
    for (component, number) in components.iter_mut().zip(0..) {
        if !spread(component, 0.0, SIDE) {
            // There is nothing to tell the rows apart by.
            *component =
                (0..rows.len() as u64).map(|i| SIDE / 2.0 * (1.0 + places.at(i).symmetric(number))).collect();
        }
    }
    let noise = Draws::new(params.seed, Purpose::UmapStart);
    let of_row = |i: usize| {
        let mut own = noise.at(i as u64);
        components.iter().map(|c| (c[i] + NOISE * own.normal()) as f32).collect::<Vec<_>>()
    };
    Ok((0..rows.len()).into_par_iter().flat_map_iter(of_row).collect())
}

/// Stretches values to the range between these two. Returns whether there was anything to stretch.
fn spread(values: &mut [f64], from: f64, to: f64) -> bool {
    let low = values.iter().fold(f64::INFINITY, |m, v| m.min(*v));
    let high = values.iter().fold(f64::NEG_INFINITY, |m, v| m.max(*v));
    let range = high - low;
    if !(range > 0.0 && range.is_finite()) {
        return false;
    }
    values.iter_mut().for_each(|v| *v = from + (to - from) * ((*v - low) / range));
    true
}

/// Each connected part of a graph by its own eigenvectors. The parts lie as the principal components of their rows tell, and
/// the large ones are moved until they do not overlap. A part's volume is its share of the rows.
fn in_parts(
    rows: &PackedRows,
    graph: &Graph,
    parts: &[Vec<u32>],
    params: &Params,
    progress: Progress<'_>,
) -> Result<Vec<Vec<f64>>> {
    let count = params.n_components;
    let vectors = Counter::new(params.seed, Use::Vectors);
    let places = Counter::new(params.seed, Use::Places);
    let mut scores = pca::scores(rows, count, vectors, progress)?;
    let largest = scores.iter().flatten().fold(0f64, |m, v| m.max(v.abs()));
    if largest > 0.0 {
        scores.iter_mut().flatten().for_each(|v| *v *= SIDE / largest);
    }
    let mean = |part: &Vec<u32>, scores: &Vec<f64>| {
        part.iter().map(|&i| scores[i as usize]).sum::<f64>() / part.len() as f64
    };
    let centre = |part: &Vec<u32>| scores.iter().map(|scores| mean(part, scores)).collect();
    let radius = |part: &Vec<u32>| {
        let share = part.len() as f64 / rows.len() as f64;
        0.5 * SIDE * libm::pow(share, 1.0 / count as f64)
    };
    let mut centres: Vec<Vec<f64>> = parts.par_iter().map(centre).collect();
    let radii: Vec<f64> = parts.iter().map(radius).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|&a, &b| parts[b].len().cmp(&parts[a].len()).then(a.cmp(&b)));
    order.truncate(MOVED);
    move_apart(&mut centres, &radii, &order, places);
    let mut out = vec![vec![0.0; rows.len()]; count];
    for (p, part) in parts.iter().enumerate() {
        let mut own = Vec::new();
        if part.len() > count + 1 {
            own = spectral::layout(&graph.part(part), count, vectors.at(p as u64), progress)?;
        }
        own.resize(count, vec![0.0; part.len()]);
        for (k, values) in own.iter_mut().enumerate() {
            if !spread(values, -radii[p], radii[p]) {
                for (value, &i) in values.iter_mut().zip(part) {
                    *value = radii[p] * places.at(u64::from(i)).symmetric(k as u64);
                }
            }
            for (value, &i) in values.iter().zip(part) {
                out[k][i as usize] = centres[p][k] + value;
            }
        }
    }
    Ok(out)
}

/// Moves balls apart until none of these overlap, or for a hundred rounds.
fn move_apart(centres: &mut [Vec<f64>], radii: &[f64], balls: &[usize], places: Counter) {
    for _ in 0..100 {
        let mut moved = false;
        for (at, &p) in balls.iter().enumerate() {
            for &q in &balls[..at] {
                let mut way: Vec<f64> = centres[p].iter().zip(&centres[q]).map(|(a, b)| a - b).collect();
                let mut distance = way.iter().map(|v| v * v).sum::<f64>().sqrt();
                let needed = 1.2 * (radii[p] + radii[q]);
                if distance >= needed {
                    continue;
                }
                moved = true;
                let far = distance;
                if distance < 1e-9 * needed {
                    let own = places.at(u64::MAX - p as u64);
                    way.iter_mut().zip(0..).for_each(|(v, k)| *v = own.symmetric(k));
                    distance = way.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-9);
                }
                // The smaller ball goes the longer way.
                let share = radii[q] / (radii[p] + radii[q]);
                for (k, way) in way.iter().enumerate() {
                    let step = way / distance * (needed - far);
                    centres[p][k] += share * step;
                    centres[q][k] -= (1.0 - share) * step;
                }
            }
        }
        if !moved {
            break;
        }
    }
}
