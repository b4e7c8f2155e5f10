//! The clustering method under `[analysis]`, and its parameters.

use crate::cluster::{Algorithm as _, Method, Params, affinity};
use crate::recipe::SIZE;
use crate::recipe::decode::Section;

/// `method = "kmeans"` and the keys of that method.
pub(super) fn method(section: &Section<'_>) -> Method {
    let words: Vec<(&'static str, &'static str)> = Method::NAMES.iter().map(|name| (*name, *name)).collect();
    let named = section.take("method").and_then(|v| v.word(&words));
    let mut method = named.and_then(Method::named).unwrap_or_default();
    match &mut method {
        Method::KMeans(params) => kmeans(section, params),
        Method::Affinity(params) => affinity(section, params),
    }
    method
}

fn kmeans(section: &Section<'_>, params: &mut Params) {
    *params = Params::auto();
    if let Some(value) = section.take("n_init") {
        let is_word = value.is_text() && !value.is_parameter();
        if !is_word {
            value.whole(SIZE).into_iter().for_each(|n_init| params.set_n_init(n_init as usize));
        } else if value.text().as_deref() != Some("auto") {
            value.wrong::<()>("a number of restarts, or \"auto\"");
        }
    }
    if let Some(max_iter) = section.take("max_iter").and_then(|v| v.whole(SIZE)) {
        params.max_iter = max_iter as usize;
    }
    if let Some(tol) = section.take("tol").and_then(|v| v.number_where("a number, 0 or more", |t| t >= 0.0)) {
        params.tol = tol;
    }
}

fn affinity(section: &Section<'_>, params: &mut affinity::Params) {
    let damping = |v: f64| (0.5..1.0).contains(&v);
    if let Some(v) = section.take("damping") {
        v.number_where("a number of at least 0.5 and below 1", damping)
            .into_iter()
            .for_each(|v| params.damping = Some(v));
    }
    if let Some(preference) = section.take("preference").and_then(|v| v.number()) {
        params.preference = Some(preference);
    }
    if let Some(max_iter) = section.take("max_iter").and_then(|v| v.whole(SIZE)) {
        params.max_iter = max_iter as usize;
    }
    if let Some(n) = section.take("convergence_iter").and_then(|v| v.whole(SIZE)) {
        params.convergence_iter = n as usize;
    }
}
