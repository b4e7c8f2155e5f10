"""Writes matching.json: cheapest pairs as SciPy's linear_sum_assignment finds them.

    python tests/peers/matching.py
"""

import json
import pathlib

import numpy as np
import scipy
from scipy.optimize import linear_sum_assignment

draws = np.random.default_rng(11)
cases = []
for k in [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 20]:
    for scale in [1.0, 1e-6, 1e9]:
        # Distances between two sets of points that are nearly the same, in another order, and plain random costs.
        points = draws.normal(size=(k, 3))
        moved = draws.permutation(points) + draws.normal(scale=0.7, size=(k, 3))
        near = np.linalg.norm(points[:, None] - moved[None], axis=2)
        for costs in (scale * near, scale * draws.random((k, k))):
            rows, columns = linear_sum_assignment(costs)
            cases.append(
                {"costs": costs.tolist(), "columns": columns.tolist(), "sum": float(costs[rows, columns].sum())}
            )

here = pathlib.Path(__file__).parent
(here / "matching.json").write_text(json.dumps({"scipy": scipy.__version__, "cases": cases}) + "\n")
