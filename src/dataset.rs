//! A matrix together with the device that holds it.
//!
//! Loading a table onto a device costs time and memory, so a run does it once and hands the [`Dataset`] to every
//! algorithm by reference. Because the matrix and its resident copy travel as one value, they cannot be mismatched.

use crate::backend::{Backend, Rows};
use crate::error::Result;
use crate::matrix::Matrix;
use std::ops::Deref;

/// A matrix that is resident on a device.
///
/// It dereferences to [`Rows`], so the primitives are its methods:
///
/// ```
/// use segmenta::{Dataset, Matrix, backend::cpu::Cpu, canonical::Centroids};
///
/// let matrix = Matrix::from_columns(vec!["age".into()], vec![vec![20.0, 21.0, 60.0]])?;
/// let cpu = Cpu::default();
/// let dataset = Dataset::load(&cpu, &matrix)?;
/// let centroids = Centroids { values: vec![matrix.to_stored(20.0), matrix.to_stored(60.0)], features: 1 };
/// let pass = dataset.lloyd(&[centroids], true)?;
/// assert_eq!(pass[0].counts, [2, 1]);
/// # Ok::<(), segmenta::Error>(())
/// ```
pub struct Dataset<'a> {
    matrix: &'a Matrix,
    backend: &'a dyn Backend,
    rows: Box<dyn Rows + 'a>,
}

impl<'a> Dataset<'a> {
    /// Makes a matrix resident on a device.
    ///
    /// # Errors
    /// The device has too little memory, or it failed.
    pub fn load(backend: &'a dyn Backend, matrix: &'a Matrix) -> Result<Self> {
        Ok(Dataset { matrix, backend, rows: backend.load(matrix)? })
    }

    /// The matrix.
    pub fn matrix(&self) -> &'a Matrix {
        self.matrix
    }

    /// The device that holds it.
    pub fn backend(&self) -> &'a dyn Backend {
        self.backend
    }
}

impl<'a> Deref for Dataset<'a> {
    type Target = dyn Rows + 'a;

    fn deref(&self) -> &Self::Target {
        &*self.rows
    }
}
