"""Times segmenta's exact neighbours beside scikit-learn's: see README.md in this folder."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEARCH = ["cargo", "bench", "--quiet", "--bench", "neighbours", "--"]


def answers(rows, features):
    """Answers of 0 and 1 to questions that a share of 0.05 to 0.5 of the people say yes to, in four groups."""
    draws = np.random.default_rng(16)
    shares = draws.uniform(0.05, 0.5, (4, features))
    return (draws.random((rows, features)) < shares[draws.integers(0, 4, rows)]).astype(np.float32)


# Name, metric, neighbours, and the table.
CASES = [
    ("jaccard", "jaccard", 15, lambda: answers(20_000, 355)),
    ("hamming", "hamming", 15, lambda: answers(20_000, 355)),
]


def ours(table, metric, k, distances):
    done = subprocess.run([*SEARCH, table, metric, str(k), distances], check=True, cwd=ROOT, stdout=subprocess.PIPE)
    return json.loads(done.stdout)["seconds"], np.load(distances)


def peer(rows, metric, k):
    from sklearn.neighbors import NearestNeighbors

    rows = rows.astype(bool) if metric in ("jaccard", "hamming") else rows.astype(float)
    start = time.perf_counter()
    found, _ = NearestNeighbors(n_neighbors=k, algorithm="brute", metric=metric, n_jobs=-1).fit(rows).kneighbors()
    return time.perf_counter() - start, found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", default="", help="names of cases, separated by commas")
    options = parser.parse_args()
    import scipy
    import sklearn

    wanted = set(filter(None, options.only.split(",")))
    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "sklearn": sklearn.__version__}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, medians of {options.repeats}; {versions}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        table, distances = pathlib.Path(folder, "table.npy"), pathlib.Path(folder, "distances.npy")
        for name, metric, k, make in CASES:
            if wanted and name not in wanted:
                continue
            rows = make()
            np.save(table, np.ascontiguousarray(rows))
            seconds = {"segmenta": [], "scikit-learn": []}
            for _ in range(options.repeats):
                taken, own = ours(table, metric, k, distances)
                seconds["segmenta"].append(taken)
                taken, theirs = peer(rows, metric, k)
                seconds["scikit-learn"].append(taken)
                apart = float(np.abs(own - theirs).max())
            medians = {who: statistics.median(times) for who, times in seconds.items()}
            parts = "; ".join(f"{who} {median:.3f} s" for who, median in medians.items())
            ratio = medians["scikit-learn"] / medians["segmenta"]
            shape = f"{rows.shape[0]:,} x {rows.shape[1]}, k = {k}"
            print(f"{name}, {shape}: {parts}  ({ratio:.0f} x); distances {apart:.1g} apart at most", flush=True)


if __name__ == "__main__":
    sys.exit(main())
