//! A Gaussian mixture, as text for people.

use super::figures::{number, whole};
use crate::cluster::gmm::Found;

/// How well a mixture describes the rows of its fit.
pub(super) fn text(found: &Found) -> String {
    let Found { covariance, log_likelihood, mean_log_likelihood, bic, aic, parameters, .. } = found;
    format!(
        "Gaussian mixture with {} covariances ({} parameters): log-likelihood {} ({} for the mean row), BIC {}, AIC {}\n",
        covariance.name(),
        whole(*parameters as u64),
        number(*log_likelihood),
        number(*mean_log_likelihood),
        number(*bic),
        number(*aic),
    )
}
