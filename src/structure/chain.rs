//! Groups of any shape: how long two large groups stay apart while the rows are linked, nearest first.
//!
//! KMeans cuts moons and rings across, so that no gap lies between its centroids. Single linkage finds such groups. Its
//! distances are those of robust single linkage (Chaudhuri and Dasgupta, 2010) and HDBSCAN (Campello, Moulavi and Sander,
//! 2013): two rows are linked at the largest of their distance and both rows' distances to their tenth neighbour, so that
//! single rows do not make bridges.

use super::twins::Columns;

/// Which neighbour tells how dense the rows are around a row.
const NEIGHBOUR: usize = 10;

/// A group is large from this share of the rows on.
const LARGE: f64 = 0.1;

/// The logarithm of the ratio of two linking distances: the one at which two large groups become one, and the one at which
/// the later of them had become large. The largest of all pairs of groups; 0 if there never are two, 1 for groups without
/// any extent.
pub(super) fn persistence(columns: &Columns) -> f64 {
    let d = columns.len();
    let n = columns[0].len();
    let rows: Vec<f32> = (0..n).flat_map(|i| columns.iter().map(move |c| c[i] as f32)).collect();
    let squared = |i: usize, j: usize| -> f32 {
        let (a, b) = (&rows[i * d..(i + 1) * d], &rows[j * d..(j + 1) * d]);
        let mut sums = [0f32; 8];
        let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
        let rest = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        for (a, b) in a8.zip(b8) {
            for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                *sum += (a - b) * (a - b);
            }
        }
        sums.iter().sum::<f32>() + rest
    };
    let place = NEIGHBOUR.min(n - 1);
    let mut from_here = vec![0f32; n];
    let core: Vec<f32> = (0..n)
        .map(|i| {
            from_here.iter_mut().enumerate().for_each(|(j, to)| *to = squared(i, j));
            *from_here.select_nth_unstable_by(place, f32::total_cmp).1
        })
        .collect();
    let mut links = spanning_tree(n, |i, j| squared(i, j).max(core[i]).max(core[j]));
    links.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    longest(n, &links)
}

/// The edges of a minimum spanning tree (Prim, 1957) with their lengths.
fn spanning_tree(n: usize, length: impl Fn(usize, usize) -> f32) -> Vec<(f32, usize, usize)> {
    let mut outside: Vec<usize> = (1..n).collect();
    let mut nearest: Vec<(f32, usize)> = outside.iter().map(|&i| (length(0, i), 0)).collect();
    let mut links = Vec::with_capacity(n - 1);
    while !outside.is_empty() {
        let mut next = 0;
        for at in 1..outside.len() {
            if nearest[at].0 < nearest[next].0 {
                next = at;
            }
        }
        let (row, (distance, from)) = (outside.swap_remove(next), nearest.swap_remove(next));
        links.push((distance, from, row));
        for (&i, nearest) in outside.iter().zip(&mut nearest) {
            let distance = length(row, i);
            if distance < nearest.0 {
                *nearest = (distance, row);
            }
        }
    }
    links
}

/// Links the rows in the order of the links, and watches groups become large and merge.
fn longest(n: usize, links: &[(f32, usize, usize)]) -> f64 {
    let large = (LARGE * n as f64).ceil() as usize;
    let mut parent: Vec<usize> = (0..n).collect();
    let mut size = vec![1usize; n];
    // The squared linking distance at which the group of a root became large.
    let mut birth = vec![f32::INFINITY; n];
    let mut longest: f64 = 0.0;
    for &(distance, a, b) in links {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        if size[a] >= large && size[b] >= large {
            let ratio = f64::from(distance) / f64::from(birth[a].max(birth[b]));
            // Groups of equal rows have birth 0.
            let own = if ratio.is_finite() { 0.5 * libm::log(ratio) } else { 1.0 };
            longest = longest.max(own);
        }
        parent[b] = a;
        size[a] += size[b];
        birth[a] = birth[a].min(birth[b]);
        if size[a] >= large {
            birth[a] = birth[a].min(distance);
        }
    }
    longest
}

/// The root of a row's group.
fn root(parent: &mut [usize], mut row: usize) -> usize {
    while parent[row] != row {
        parent[row] = parent[parent[row]];
        row = parent[row];
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_far_groups_stay_apart_until_the_gap_is_bridged() {
        // Two runs of 50 rows, 1 apart within and 100 between them: the tenth neighbour of a row in the middle is 5 away, and
        // that of a row at the end 10. A group of 10 is there from distance 5 on, and the gap is bridged at 100.
        let line = |i: usize| i as f64 + if i < 50 { 0.0 } else { 99.0 };
        let apart = persistence(&vec![(0..100).map(line).collect()]);
        assert!((apart - libm::log(100.0 / 5.0)).abs() < 1e-6, "{apart}");
        assert_eq!(persistence(&vec![(0..100).map(|i| i as f64).collect()]), 0.0);
        // Equal rows have no extent, and one group has no other.
        assert_eq!(persistence(&vec![(0..100).map(|i| f64::from(i % 2)).collect()]), 1.0);
        assert_eq!(persistence(&vec![vec![3.0; 40]]), 0.0);
    }
}
