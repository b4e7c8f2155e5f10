"""Writes umap.json: the fuzzy graph of a small table as umap-learn makes it.

    python -m venv venv && venv/bin/pip install umap-learn
    venv/bin/python tests/peers/umap.py
"""

import json
import pathlib
import sys

# This file has the library's name, and its folder comes first.
sys.path.pop(0)

import numpy as np
import umap
from sklearn.metrics import euclidean_distances
from umap.umap_ import find_ab_params, fuzzy_simplicial_set

K = 6


def made(rows, features):
    """Rows of sixteenths, so that both sides read the same numbers; a few of them lie far out."""
    draws = np.random.default_rng(7)
    table = np.round(draws.normal(size=(rows, features)) * 64) / 16
    table[:4] *= 8
    return table


def main():
    table = made(40, 3)
    distances = euclidean_distances(table)
    order = np.argsort(distances, axis=1, kind="stable")[:, :K]
    own = np.take_along_axis(distances, order, axis=1).astype(np.float32)
    graph, sigmas, rhos = fuzzy_simplicial_set(
        table, K, np.random.RandomState(0), "euclidean", knn_indices=order, knn_dists=own
    )[:3]
    graph = graph.tocoo()
    edges = sorted((int(i), int(j), float(w)) for i, j, w in zip(graph.row, graph.col, graph.data))
    curves = [(d, *map(float, find_ab_params(1.0, d))) for d in (0.0, 0.1, 0.25, 0.5, 0.8, 0.99)]
    found = {"umap-learn": umap.__version__, "k": K, "rows": table.tolist(), "edges": edges, "curves": curves}
    path = pathlib.Path(__file__).with_name("umap.json")
    path.write_text(json.dumps(found, separators=(",", ":")) + "\n")


main()
