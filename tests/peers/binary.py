"""Writes binary.json: neighbours, silhouettes and medoids of rows of 0 and 1 as scikit-learn computes them.

    python tests/peers/binary.py
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from sklearn.metrics import pairwise_distances, silhouette_samples, silhouette_score
from sklearn.neighbors import NearestNeighbors

draws = np.random.default_rng(16)
cases = []
for rows, features, k in [(60, 5, 7), (120, 40, 15), (90, 101, 64)]:
    # Three groups with shares of their own, and some rows without any answer.
    groups = draws.integers(0, 3, rows)
    shares = draws.uniform(0.05, 0.5, (3, features))
    table = draws.random((rows, features)) < shares[groups]
    table[draws.choice(rows, 3, replace=False)] = False
    case = {"rows": ["".join("01"[int(value)] for value in row) for row in table], "k": k, "labels": groups.tolist()}
    for metric in ("jaccard", "hamming"):
        found = NearestNeighbors(n_neighbors=k, algorithm="brute", metric=metric).fit(table)
        distances, _ = found.kneighbors()
        all_pairs = pairwise_distances(table, metric=metric)
        sums = [all_pairs[np.ix_(groups == group, groups == group)].sum(axis=1) for group in range(3)]
        case[metric] = {
            "distances": distances.tolist(),
            "silhouette": silhouette_score(table, groups, metric=metric),
            "silhouettes": silhouette_samples(table, groups, metric=metric).tolist(),
            "medoid_sums": [float(own.min()) for own in sums],
        }
    cases.append(case)

here = pathlib.Path(__file__).parent
out = {"numpy": np.__version__, "scipy": scipy.__version__, "sklearn": sklearn.__version__, "cases": cases}
(here / "binary.json").write_text(json.dumps(out) + "\n")
