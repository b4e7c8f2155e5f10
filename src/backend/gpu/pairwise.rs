//! The host's side of `shaders/pairwise.wgsl`.

use super::GpuRows;
use super::buffer::{Output, Resident};
use super::kernel::{MAX_GROUPS, WORKGROUP, out, pieces, whole};
use crate::backend::Metric;
use crate::backend::cpu::in_user_units;
use crate::error::Result;
use crate::matrix::Matrix;
use bytemuck::{Pod, Zeroable};
use ndarray::Array2;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    first_query: u32,
    queries: u32,
    features: u32,
    rows: u32,
    root: u32,
    unused: [u32; 3],
}

pub(super) async fn pairwise(rows: &GpuRows<'_>, queries: &Matrix, metric: Metric) -> Result<Array2<f32>> {
    let (context, matrix) = (rows.context, rows.matrix);
    let resident = Resident::upload(context, queries)?;
    let mut distances = Array2::zeros((queries.rows(), matrix.rows()));
    for chunk in &rows.resident.chunks {
        // A multiple of four queries a dispatch, so that packs of four stay whole.
        let fit = (context.pass_bytes() as usize / (4 * chunk.rows)).min(4 * MAX_GROUPS) / 4 * 4;
        for asked in &resident.chunks {
            for piece in pieces(asked.rows, fit.max(4)) {
                let output = Output::new(context, piece.len() * chunk.rows);
                let params = Params {
                    first_query: piece.start as u32,
                    queries: piece.len() as u32,
                    features: matrix.features() as u32,
                    rows: chunk.rows as u32,
                    root: u32::from(metric == Metric::Euclidean),
                    unused: [0; 3],
                };
                let bindings = [whole(1, &asked.buffer), whole(2, &chunk.buffer), out(3, &output)];
                let groups = [chunk.rows.div_ceil(WORKGROUP), piece.len().div_ceil(4), 1];
                rows.kernels.pairwise(context).dispatch(context, params, &bindings, groups);
                let read: Vec<f32> = output.read(context, piece.len() * chunk.rows).await?;
                for (q, read) in piece.zip(read.chunks_exact(chunk.rows)) {
                    let mut row = distances.row_mut(asked.first + q);
                    for (to, &v) in row.iter_mut().skip(chunk.first).zip(read) {
                        *to = in_user_units(matrix, metric, v);
                    }
                }
            }
        }
    }
    Ok(distances)
}
