"""Times segmenta's exact neighbours beside scikit-learn's and faiss's: see README.md in this folder."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import methods
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEARCH = ["cargo", "bench", "--quiet", "--bench", "neighbours", "--"]


def answers(rows, features):
    """Answers of 0 and 1 to questions that a share of 0.05 to 0.5 of the people say yes to, in four groups."""
    draws = np.random.default_rng(16)
    shares = draws.uniform(0.05, 0.5, (4, features))
    return (draws.random((rows, features)) < shares[draws.integers(0, 4, rows)]).astype(np.float32)


def learners(count=None):
    """The features of recipes/learners.toml, or some of their rows."""
    if not TABLES:
        with tempfile.TemporaryDirectory() as folder:
            TABLES.append(methods.learners(pathlib.Path(folder)))
    rows = TABLES[0]
    if count is None or count >= len(rows):
        return rows
    return rows[np.sort(np.random.default_rng(0).choice(len(rows), count, replace=False))]


def noise(rows, features):
    """Independent normal values: no part of the table can be ruled out."""
    return np.random.default_rng(1).normal(size=(rows, features)).astype(np.float32)


def scikit_learn(algorithm):
    def search(rows, metric, k):
        from sklearn.neighbors import NearestNeighbors

        rows = rows.astype(bool) if metric in ("jaccard", "hamming") else rows
        index = NearestNeighbors(n_neighbors=k, algorithm=algorithm, metric=metric, n_jobs=-1)
        return index.fit(rows).kneighbors()[0]

    return search


def faiss(rows, metric, k):
    """It gives f32, and counts a row as its own neighbour, so its distances are not compared."""
    import faiss

    index = faiss.IndexFlatL2(rows.shape[1])
    index.add(rows)
    index.search(rows, k + 1)


BRUTE = {"scikit-learn": scikit_learn("brute")}
FLAT = {"scikit-learn, brute": scikit_learn("brute"), "faiss, IndexFlatL2": faiss}
TREES = {"scikit-learn, kd_tree": scikit_learn("kd_tree"), "scikit-learn, ball_tree": scikit_learn("ball_tree")}

# The learners' table, once it is there.
TABLES = []

# Name, metric, neighbours, the table, and the peers.
CASES = [
    ("jaccard", "jaccard", 15, lambda: answers(20_000, 355), BRUTE),
    ("hamming", "hamming", 15, lambda: answers(20_000, 355), BRUTE),
    ("learners", "euclidean", 15, lambda: learners(40_000), TREES | FLAT),
    ("learners-all", "euclidean", 15, learners, FLAT),
    ("noise", "euclidean", 15, lambda: noise(30_000, 50), FLAT),
]


def ours(table, metric, k, distances):
    done = subprocess.run([*SEARCH, table, metric, str(k), distances], check=True, cwd=ROOT, stdout=subprocess.PIPE)
    return json.loads(done.stdout)["seconds"], np.load(distances)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", default="", help="names of cases, separated by commas")
    parser.add_argument("--table", help="the learners' features, if they are there already")
    options = parser.parse_args()
    if options.table:
        TABLES.append(np.load(options.table))
    import scipy
    import sklearn

    wanted = set(filter(None, options.only.split(",")))
    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "sklearn": sklearn.__version__}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, medians of {options.repeats}; {versions}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        table, distances = pathlib.Path(folder, "table.npy"), pathlib.Path(folder, "distances.npy")
        for name, metric, k, make, peers in CASES:
            if wanted and name not in wanted:
                continue
            rows = np.ascontiguousarray(make(), np.float32)
            np.save(table, rows)
            seconds = {who: [] for who in ("segmenta", *peers)}
            apart = 0.0
            for _ in range(options.repeats):
                taken, own = ours(table, metric, k, distances)
                seconds["segmenta"].append(taken)
                for who, search in peers.items():
                    start = time.perf_counter()
                    theirs = search(rows, metric, k)
                    seconds[who].append(time.perf_counter() - start)
                    if theirs is not None:
                        apart = max(apart, float(np.abs(own - theirs).max()))
            medians = {who: statistics.median(times) for who, times in seconds.items()}
            times = [f"segmenta {medians['segmenta']:.3f} s"]
            times += [f"{who} {medians[who]:.3f} s ({medians[who] / medians['segmenta']:.1f} x)" for who in peers]
            shape = f"{rows.shape[0]:,} x {rows.shape[1]}, k = {k}"
            print(f"{name}, {shape}: {'; '.join(times)}; distances {apart:.1g} apart at most", flush=True)


if __name__ == "__main__":
    sys.exit(main())
