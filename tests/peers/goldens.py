"""Writes goldens.json: what scikit-learn and SciPy answer, for tests/it/goldens.rs to hold segmenta against."""

import json
import os
import pathlib
import string
import sys

import numpy as np
import pandas as pd
import scipy
import sklearn
from scipy.stats import beta
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.metrics import silhouette_samples, silhouette_score
from sklearn.preprocessing import StandardScaler

DIGITS = string.digits + string.ascii_lowercase

OULAD = (
    "studied_credits num_of_prev_attempts date_registration n_assessments mean_score mean_days_early"
    " weight_done weighted_points"
).split()


def made(rows, features, blobs, spread, seed):
    """A table that tests/it/goldens.rs makes too: every value is a whole multiple of 2^-12, exact in f32."""
    state, values = seed, []
    for i in range(rows):
        for j in range(features):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            centre = (i % blobs) * (j + 3) % 7
            values.append(centre + spread * (state >> 48) / 4096)
    return np.array(values).reshape(rows, features)


def letters(labels):
    return "".join(DIGITS[label] for label in labels)


def fit(x, start):
    return KMeans(len(start), init=start, n_init=1, tol=0, max_iter=300).fit(x)


def fitted(x, start):
    model = fit(x, start)
    return {
        "labels": letters(model.labels_),
        "inertia": float(model.inertia_),
        "n_iter": int(model.n_iter_),
        "centroids": model.cluster_centers_.tolist(),
    }


def made_cases():
    shapes = {
        "blobs": dict(rows=120, features=4, blobs=5, spread=1 / 8, seed=1),
        "overlapping": dict(rows=240, features=3, blobs=4, spread=1 / 2, seed=2),
        "uniform": dict(rows=200, features=6, blobs=1, spread=1 / 4, seed=3),
        "one feature": dict(rows=90, features=1, blobs=3, spread=1 / 8, seed=4),
    }
    out = []
    for name, shape in shapes.items():
        x = made(**shape)
        far = np.full(x.shape[1], 400.0)
        starts = {
            "rows": x[[0, 7, 13, 50]],
            "two rows": x[[1, 2]],
            "one far away": np.vstack([x[[0, 7, 13]], far]),
            "two far away": np.vstack([x[[0, 7]], far, -far]),
            "a row twice": x[[5, 5, 11]],
        }
        for start_name, start in starts.items():
            entry = dict(name=f"{name}, {start_name}", **shape, start=start.tolist(), **fitted(x, start))
            labels = [DIGITS.index(c) for c in entry["labels"]]
            entry["silhouette"] = float(silhouette_score(x, labels))
            if start_name == "rows":
                entry["silhouettes"] = silhouette_samples(x, labels).tolist()
            out.append(entry)
    return out


def scaler_case():
    shape = dict(rows=50, features=3, blobs=4, spread=3.0, seed=5)
    x = made(**shape)
    scaler = StandardScaler().fit(x)
    return dict(
        **shape,
        mean=scaler.mean_.tolist(),
        scale=scaler.scale_.tolist(),
        columns=scaler.transform(x).T.tolist(),
    )


def beta_cases():
    cases = [(m, h) for m in (1, 2, 5, 26, 200, 2000) for h in (0.02, 0.3, 0.45, 0.5, 0.52, 0.7, 0.97)]
    return [dict(m=m, h=h, p=float(beta.sf(h, m, m))) for m, h in cases if beta.sf(h, m, m) > 1e-280]


def real_tables(data):
    def classic(name):
        return pd.read_csv(data / "classic" / f"{name}.csv").drop(columns="target").to_numpy(float)

    def z(x):
        return StandardScaler().fit_transform(x)

    shop = pd.read_csv(data / "cdnow" / "customers_rfm.csv")
    return {
        "iris": (classic("iris"), 3),
        "wine": (z(classic("wine")), 3),
        "breast_cancer": (z(classic("breast_cancer")), 2),
        "digits": (classic("digits"), 10),
        "oulad": (z(pd.read_csv(data / "oulad" / "learners.csv")[OULAD].dropna().to_numpy(float)), 5),
        "cdnow": (z(np.log1p(shop[["recency_days", "frequency", "monetary"]].to_numpy(float))), 4),
    }


def real_case(name, x, k):
    _, rows = kmeans_plusplus(x, k, random_state=0)
    model = fit(x, x[rows])
    return {
        "name": name,
        "rows": len(x),
        "k": k,
        "start": [int(i) for i in rows],
        "labels": letters(model.labels_),
        "inertia": float(model.inertia_),
        "n_iter": int(model.n_iter_),
        "sizes": np.bincount(model.labels_).tolist(),
    }


def main():
    if "SEGMENTA_DATA" not in os.environ:
        sys.exit("SEGMENTA_DATA must name the folder of the real tables")
    data = pathlib.Path(os.environ["SEGMENTA_DATA"])
    goldens = {
        "versions": {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
        "scaler": scaler_case(),
        "beta": beta_cases(),
        "made": made_cases(),
        "real": [real_case(name, x, k) for name, (x, k) in real_tables(data).items()],
    }
    # One entry a line: a diff shows which answer changed.
    parts = []
    for key, value in goldens.items():
        if isinstance(value, list):
            lines = ",\n".join("    " + json.dumps(entry) for entry in value)
            parts.append(f"  {json.dumps(key)}: [\n{lines}\n  ]")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    path = pathlib.Path(__file__).with_name("goldens.json")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
