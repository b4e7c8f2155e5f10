//! The clustering method under `[analysis]`, and its parameters.

use crate::cluster::agglomerative::{Average, Complete};
use crate::cluster::{Algorithm as _, Method, Params, affinity, dbscan, gmm, ward};
use crate::recipe::SIZE;
use crate::recipe::decode::{Section, Value};

/// `method = "kmeans"` and the keys of that method.
pub(super) fn method(section: &Section<'_>) -> Method {
    let words: Vec<(&'static str, &'static str)> = Method::NAMES.iter().map(|name| (*name, *name)).collect();
    let named = section.take("method").and_then(|v| v.word(&words));
    let mut method = named.and_then(Method::named).unwrap_or_default();
    match &mut method {
        Method::Dbscan(params) => dbscan(section, params),
        Method::KMeans(params) => kmeans(section, params),
        Method::Ward(ward::Params { cut_height })
        | Method::Complete(Complete { cut_height })
        | Method::Average(Average { cut_height }) => {
            let value = section.take("cut_height");
            *cut_height = value.and_then(|v| v.number_where("a height, 0 or more", |h| h >= 0.0));
        }
        Method::Gmm(params) => gmm(section, params),
        Method::Affinity(params) => affinity(section, params),
    }
    method
}

fn gmm(section: &Section<'_>, params: &mut gmm::Params) {
    if let Some(covariance) = section.take("covariance").and_then(|v| v.word(gmm::Covariance::WORDS)) {
        params.covariance = covariance;
    }
    for (key, place) in [("n_init", &mut params.n_init), ("max_iter", &mut params.max_iter)] {
        if let Some(n) = section.take(key).and_then(|v| v.whole(SIZE)) {
            *place = n as usize;
        }
    }
    for (key, place) in [("tol", &mut params.tol), ("reg_covar", &mut params.reg_covar)] {
        if let Some(n) = section.take(key).and_then(|v| v.number_where("a number, 0 or more", |n| n >= 0.0)) {
            *place = n;
        }
    }
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

fn dbscan(section: &Section<'_>, params: &mut dbscan::Params) {
    if let Some(eps) = section.take("eps") {
        let radius = |v: &Value<'_>| v.number_where("a positive number", |eps| eps > 0.0);
        params.eps = one_or_more(&eps).iter().filter_map(radius).collect();
    }
    if let Some(min_samples) = section.take("min_samples") {
        let whole = |v: &Value<'_>| v.whole(1..=u64::from(u32::MAX)).map(|n| n as u32);
        params.min_samples = one_or_more(&min_samples).iter().filter_map(whole).collect();
    }
}

/// The values of a list, or one value alone.
fn one_or_more<'a>(value: &Value<'a>) -> Vec<Value<'a>> {
    if value.is_list() { value.list().unwrap_or_default() } else { vec![value.clone()] }
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
