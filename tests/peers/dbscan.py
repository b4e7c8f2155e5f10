"""Writes dbscan.json: scikit-learn's clusters, for tests/it/dbscan.rs to hold segmenta's against.

All values are whole multiples of 2^-12 (the file has the multiples), so that every squared distance is exact in f64 and a
distance that equals eps equals it for everybody.
"""

import json
import pathlib
import sys

import numpy as np
import sklearn
from sklearn import datasets
from sklearn.cluster import DBSCAN
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

UNIT = 4096


def steps(x):
    return np.round(np.asarray(x, dtype=float) * UNIT).astype(int)


def case(name, x, pairs, weights=None, repeat=None):
    """`repeat` has how often each row stands in the table, `weights` the rows' weights."""
    rows = steps(x)
    table = (rows if repeat is None else np.repeat(rows, repeat, axis=0)) / UNIT
    fits = []
    for eps, min_samples in pairs:
        model = DBSCAN(eps=eps, min_samples=min_samples, algorithm="kd_tree").fit(table, sample_weight=weights)
        fits.append({"eps": eps, "min_samples": min_samples, "labels": model.labels_.tolist()})
    out = {"name": name, "features": int(rows.shape[1]), "values": rows.ravel().tolist(), "fits": fits}
    if weights is not None:
        out["weights"] = list(weights)
    if repeat is not None:
        out["repeat"] = list(repeat)
    k = pairs[0][1]
    if weights is None and k <= len(table):
        distances = NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(table).kneighbors(table)[0][:, -1]
        distances = np.sort(distances)[::-1]
        out["k_distances"] = [distances[0], float(distances[-1]), float(distances.sum())]
    return out


def cases():
    rng = np.random.default_rng(15)
    scaled = lambda x: StandardScaler().fit_transform(x)
    grid = [(e, m) for e in (0.25, 0.5, 1.0) for m in (2, 5, 10)]
    yield case("moons", datasets.make_moons(300, noise=0.06, random_state=1)[0], [(0.125, 5), (0.25, 5), (0.1875, 10)])
    yield case("circles", datasets.make_circles(300, noise=0.04, factor=0.5, random_state=2)[0], [(0.125, 4), (0.25, 5)])
    blobs = datasets.make_blobs(400, n_features=3, centers=6, cluster_std=0.6, random_state=3)[0]
    yield case("blobs in noise", np.vstack([blobs, rng.uniform(-12, 12, (120, 3))]), grid)
    yield case("iris", scaled(datasets.load_iris().data), grid)
    yield case("wine", scaled(datasets.load_wine().data), [(2.0, 5), (2.25, 4), (2.5, 10)])
    yield case("digits", datasets.load_digits().data[:200] / 4, [(5.0, 4), (5.5, 5), (6.0, 3)])
    lattice = np.array([(i % 12, i // 12) for i in range(144)], dtype=float)
    yield case("lattice", lattice, [(1.0, 5), (1.0, 4), (1.0, 3), (2.0, 13), (0.5, 2)])
    yield case("permuted lattice", rng.permutation(lattice)[:100], [(1.0, 4), (1.0, 3), (2.0, 9)])
    # The row in the middle is exactly eps away from core points of two clusters, and the right one comes first.
    left, right = [(-1 - i / 8, 0) for i in range(8)], [(1 + i / 8, 0) for i in range(8)]
    yield case("border tie", right + [(0, 0)] + left, [(1.0, 9)])
    yield case("border tie, the other way", left + [(0, 0)] + right, [(1.0, 9)])
    yield case("borders in a row", [(i / 4,) for i in range(40)], [(0.25, 3), (0.25, 4), (0.5, 5), (0.5, 4)])
    ring = [(np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 600, endpoint=False)]
    yield case("hub", [(0, 0)] + list(np.array(ring) * 1.0), [(1.001, 400), (1.001, 120), (0.0625, 5)])
    yield case("thousands of copies", [(0, 0), (3, 0), (0, 3), (1, 1), (8, 8)], [(1.0, 5), (1.5, 1800), (3.0, 2)], repeat=[2000, 1500, 3, 4, 1])
    yield case("one row", [(1.5, 2.0)], [(1.0, 1)])
    yield case("two rows", [(0.0, 0.0), (0.5, 0.0)], [(0.5, 2), (0.25, 1)])
    yield case("three rows", [(0.0,), (1.0,), (5.0,)], [(1.0, 2), (1.0, 1)])
    yield case("equal rows", [(2.0, 2.0)] * 7, [(0.5, 5), (0.5, 7)])
    constant = np.column_stack([np.full(60, 3.0), rng.integers(0, 40, 60) / 4, np.zeros(60)])
    yield case("constant columns", constant, [(0.25, 2), (0.25, 4), (0.5, 6)])
    yield case("weights", rng.integers(0, 64, (150, 2)) / 8, [(0.5, 6), (0.375, 4), (0.75, 20)], weights=rng.integers(1, 6, 150).tolist())
    wide = rng.normal(size=(90, 40)) * 0.5 + (np.arange(90) % 3)[:, None] * 4
    yield case("wide", wide, [(4.0, 5), (4.5, 5), (5.0, 20)])


def main():
    out = {"versions": {"python": sys.version.split()[0], "numpy": np.__version__, "scikit-learn": sklearn.__version__}}
    out["cases"] = list(cases())
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
    for one in out["cases"]:
        shown = [(max(f["labels"]) + 1, f["labels"].count(-1)) for f in one["fits"]]
        print(one["name"], len(one["values"]) // one["features"], shown)


if __name__ == "__main__":
    main()
