"""Writes how_many.json: scores of labelings by scikit-learn, elbows by kneed, gaps by R's cluster::clusGap."""

import json
import pathlib
import subprocess

import kneed
import numpy as np
import sklearn
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

from goldens import letters, made

HERE = pathlib.Path(__file__).parent


def scores():
    shapes = [
        dict(rows=120, features=4, blobs=5, spread=1 / 8, seed=1),
        dict(rows=240, features=3, blobs=4, spread=1 / 2, seed=2),
        dict(rows=90, features=1, blobs=3, spread=1 / 8, seed=4),
    ]
    for shape in shapes:
        x = made(**shape)
        for k in (2, 5, 11):
            # Neither the blobs nor random labels, but something of both.
            labels = [(i % shape["blobs"] + i * i // 7 % 2) % k for i in range(len(x))]
            labels = np.unique(labels, return_inverse=True)[1]
            yield {
                **shape,
                "labels": letters(labels),
                "calinski_harabasz": float(calinski_harabasz_score(x, labels)),
                "davies_bouldin": float(davies_bouldin_score(x, labels)),
            }


def curves():
    rng = np.random.default_rng(7)
    for i in range(30):
        count = int(rng.integers(3, 25))
        x = np.cumsum(rng.integers(1, 4, count)).astype(float)
        falls = rng.exponential(1, count) * np.exp(-np.arange(count) * rng.uniform(0, 0.8))
        y = 10 + falls.sum() - np.cumsum(falls)
        if i % 5 == 4:
            y = y + rng.normal(0, 0.05 * np.ptp(y), count)
        knee = kneed.KneeLocator(x, y, S=1.0, curve="convex", direction="decreasing").knee
        yield {"x": x.tolist(), "y": y.tolist(), "elbow": None if knee is None else float(knee)}


def gaps():
    for shape in [
        dict(rows=120, features=4, blobs=3, spread=1 / 4, seed=1),
        dict(rows=200, features=6, blobs=1, spread=1 / 4, seed=3),
    ]:
        text = "\n".join(",".join(repr(float(v)) for v in row) for row in made(**shape))
        done = subprocess.run(["Rscript", HERE / "how_many.R"], input=text, capture_output=True, text=True, check=True)
        version, *lines = done.stdout.split("\n")
        pairs = [[float(v) for v in line.split()] for line in lines if line]
        yield {**shape, "version": version.strip(), "gap": [p[0] for p in pairs], "se": [p[1] for p in pairs]}


if __name__ == "__main__":
    found = {
        "versions": {"scikit-learn": sklearn.__version__, "kneed": kneed.__version__, "numpy": np.__version__},
        "scores": list(scores()),
        "curves": list(curves()),
        "gaps": list(gaps()),
    }
    (HERE / "how_many.json").write_text(json.dumps(found, indent=1) + "\n")
