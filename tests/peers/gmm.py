"""Writes gmm.json: Gaussian mixtures as scikit-learn fits them, for tests/it/gmm.rs to hold segmenta against.

    python tests/peers/gmm.py

Every mixture starts from given labels, and all values are whole multiples of 2^-12, exact in f32.
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from goldens import letters, made
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

warnings.simplefilter("ignore", ConvergenceWarning)


class FromLabels(GaussianMixture):
    """Starts from labels in place of a KMeans of its own."""

    def _initialize_parameters(self, X, random_state, xp=None):
        responsibilities = np.zeros((len(X), self.n_components))
        responsibilities[np.arange(len(X)), self.labels] = 1
        self._initialize(X, responsibilities)


def fit(x, labels, k, **options):
    mixture = FromLabels(k, **options)
    mixture.labels = labels
    return mixture.fit(x)


def case(name, x, k, labels=None, **options):
    if labels is None:
        labels = KMeans(k, n_init=1, random_state=3).fit(x).labels_
    fits = []
    for covariance in ["full", "tied", "diag", "spherical"]:
        m = fit(x, labels, k, covariance_type=covariance, **options)
        fits.append(
            {
                "covariance": covariance,
                "lower_bound": m.lower_bound_,
                "n_iter": m.n_iter_,
                "converged": bool(m.converged_),
                "score": m.score(x),
                "bic": m.bic(x),
                "aic": m.aic(x),
                "weights": m.weights_.tolist(),
                "means": m.means_.ravel().tolist(),
                "covariances": m.covariances_.ravel().tolist(),
                "labels": letters(m.predict(x)),
                "responsibilities": m.predict_proba(x[:4]).ravel().tolist(),
            }
        )
    return {"name": name, "k": k, "options": options, "start": letters(labels), "rows": x.tolist(), "fits": fits}


def exact(x):
    return np.round(np.asarray(x, dtype=float) * 4096) / 4096


rng = np.random.default_rng(5)
wine = load_wine().data
wine = (wine - wine.mean(0)) / wine.std(0)
# Eruptions of a geyser: the longer the wait, the longer the eruption, in two groups.
long = rng.random(272) < 0.64
wait = np.where(long, rng.normal(80, 6, 272), rng.normal(54, 6, 272))
geyser = np.stack([np.where(long, 4.3, 2.0) + 0.05 * (wait - np.where(long, 80, 54)) + rng.normal(0, 0.3, 272), wait], 1)
# Two long, thin groups side by side, which KMeans cuts across.
thin = np.concatenate([rng.normal([0, y], [6, 0.4], (200, 2)) for y in [0, 3]])
blobs = made(rows=400, features=5, blobs=4, spread=2.0, seed=9)
many = made(rows=90, features=9, blobs=3, spread=1.5, seed=4)
point = np.concatenate([np.full((20, 3), 7.0), made(rows=60, features=3, blobs=2, spread=1.0, seed=2)])

golden = {
    "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
    "cases": [
        case("iris", exact(load_iris().data), 3),
        case("wine", exact(wine), 3),
        case("geyser", exact(geyser), 2),
        case("thin groups", exact(thin), 2, max_iter=200),
        case("five features, rows dealt out", blobs, 4, np.arange(400) % 4, tol=0.0, max_iter=20),
        case("nine features", many, 3, tol=1e-6),
        case("far from the origin", exact(geyser + [2000, -1500]), 3, tol=0.0, max_iter=12),
        case("a component on one point", point, 3, np.minimum(np.arange(80) // 20, 2), max_iter=30),
        case("strong regularisation", exact(thin), 3, reg_covar=0.25, max_iter=15),
        case("one feature", made(rows=90, features=1, blobs=3, spread=0.5, seed=4), 3, np.arange(90) // 30),
        case("one component", blobs[:50], 1),
    ],
}
parts = [f'  "versions": {json.dumps(golden["versions"])}']
parts.append('  "cases": [\n' + ",\n".join("    " + json.dumps(one) for one in golden["cases"]) + "\n  ]")
pathlib.Path(__file__).with_suffix(".json").write_text("{\n" + ",\n".join(parts) + "\n}\n")
