"""Writes linkage.json: SciPy's linkages of small tables, for tests/it/linkage.rs. fastcluster must agree with them."""

import json
import pathlib
import sys

import fastcluster
import numpy as np
import scipy
from scipy.cluster.hierarchy import fcluster, is_valid_linkage, linkage


def made(rows, features, seed):
    """A table that tests/it/linkage.rs makes too: whole multiples of 2^-12, which f32 and the grid hold exactly."""
    state, values = seed, []
    for _ in range(rows * features):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append((state >> 46) / 4096)
    return np.array(values).reshape(rows, features)


def copied(x):
    """Row i of the table i * i % 97 + 1 times, one round of copies after the other."""
    counts = [i * i % 97 + 1 for i in range(len(x))]
    return np.array([x[i] for turn in range(max(counts)) for i in range(len(x)) if turn < counts[i]])


TABLES = {
    "120 x 3": (made(120, 3, 1), False),
    "300 x 8": (made(300, 8, 2), False),
    "2 x 2": (made(2, 2, 3), False),
    "3 x 1": (made(3, 1, 4), False),
    "constant columns": (np.insert(made(60, 2, 5), [1, 2], [7.5, -3.0], axis=1), False),
    "copies": (made(60, 4, 6), True),
}

out = {
    "versions": {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__, "fastcluster": fastcluster.__version__},
    "tables": [],
}
for name, (rows, copies) in TABLES.items():
    table = copied(rows) if copies else rows
    found = {"name": name, "rows": len(table), "methods": []}
    for method in ("ward", "complete", "average"):
        z = linkage(table, method)
        assert is_valid_linkage(z)
        other = fastcluster.linkage(table, method)
        assert np.allclose(z[:, 2], other[:, 2], rtol=1e-9, atol=1e-9)
        if method == "ward":
            assert np.allclose(z[:, 2], fastcluster.linkage_vector(table, method)[:, 2], rtol=1e-9, atol=1e-6)
        distinct = len(rows)
        heights = z[len(table) - distinct :, 2]
        assert (z[: len(table) - distinct, 2] < 1e-6).all() and (heights > 1e-6).all()
        # Without ties, everybody finds the same tree.
        assert (np.diff(heights) > 1e-9 * heights[1:]).all()
        labels = {}
        for k in (2, 3, 7, 20):
            if k <= distinct:
                labels[k] = fcluster(z, k, "maxclust")[:distinct].tolist()
                assert len(set(labels[k])) == k  # the copies come after all distinct rows
        found["methods"].append({"method": method, "heights": heights.tolist(), "labels": labels})
    out["tables"].append(found)
path = pathlib.Path(__file__).with_name("linkage.json")
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
