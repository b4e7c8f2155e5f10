"""Writes embedding.json: trustworthiness, continuity and kept neighbours as scikit-learn finds them, for tests/it/embedding.rs.

Continuity is trustworthiness with the table and the layout exchanged. No distances from a row are equal, so that the order of
equal ones makes no difference.

    python tests/peers/embedding.py
"""

import json
import pathlib

import numpy as np
import sklearn
from goldens import made
from sklearn.manifold import trustworthiness
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors


def layouts(x, seed):
    """A good layout and one that has nothing to do with the table; tests/it/embedding.rs makes the same ones."""
    good = np.column_stack([x[:, 0] + x[:, 2] / 8, x[:, 1] - x[:, 3] / 4])
    return {"good": good, "unrelated": made(len(x), 2, 1, 1 / 4, seed + 100)}


def neighbours(x, k):
    return NearestNeighbors(n_neighbors=k).fit(x).kneighbors(return_distance=False)


def scores(x, layout, k):
    same = [len(set(a) & set(b)) for a, b in zip(neighbours(x, k), neighbours(layout, k))]
    return {
        "neighbors": k,
        "trustworthiness": float(trustworthiness(x, layout, n_neighbors=k)),
        "continuity": float(trustworthiness(layout, x, n_neighbors=k)),
        "neighbourhood_preservation": float(np.mean(same) / k),
    }


def has_ties(x):
    distances = np.sort(pairwise_distances(x, metric="sqeuclidean"), axis=1)
    return bool((np.diff(distances, axis=1) <= 1e-9 * distances[:, 1:]).any())


shapes = [
    dict(rows=60, features=4, blobs=3, spread=1 / 2, seed=1),
    dict(rows=400, features=9, blobs=5, spread=1 / 4, seed=2),
    dict(rows=1000, features=26, blobs=7, spread=1 / 2, seed=8),
]
cases = []
for shape in shapes:
    x = made(**shape)
    for name, layout in layouts(x, shape["seed"]).items():
        assert not has_ties(x) and not has_ties(layout), shape
        cases.append({**shape, "layout": name, "scores": [scores(x, layout, k) for k in (5, 15)]})
golden = {"versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__}, "cases": cases}
text = ",\n".join("    " + json.dumps(case) for case in cases)
pathlib.Path(__file__).with_suffix(".json").write_text(
    f'{{\n  "versions": {json.dumps(golden["versions"])},\n  "cases": [\n{text}\n  ]\n}}\n'
)
