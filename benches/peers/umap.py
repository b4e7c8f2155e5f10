"""UMAP beside umap-learn: seconds from the features to the layout, and how good the layouts are.

    venv/bin/pip install umap-learn pandas scikit-learn
    venv/bin/python benches/peers/umap.py --data FOLDER     # or only a part: --only digits,survey --seeds 3

Each side runs with its defaults and five seeds on all cores. umap-learn runs with a seed, the only way in which it repeats, and
without one, which lets it use more than one thread. Its time is that of `fit_transform` alone, after a run on fewer rows, so that
the time that numba takes to compile is left out; segmenta's is that of the whole program, which also reads the table, judges the
layout and writes it. The figures are medians.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

# This file has the library's name, and its folder comes first.
sys.path.pop(0)

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")

LEARNERS = (
    "studied_credits num_of_prev_attempts date_registration n_assessments mean_score mean_days_early "
    "weight_done weighted_points"
).split()


def digits(options):
    table = pd.read_csv(options.data / "classic/digits.csv")
    return table.drop(columns="target").to_numpy(np.float32), {"labels": table.target.to_numpy()}


def learners(options):
    table = pd.read_csv(options.data / "oulad/learners.csv")[LEARNERS].dropna().iloc[:5000].to_numpy(float)
    return ((table - table.mean(0)) / table.std(0)).astype(np.float32), {}


def survey(options):
    table = pd.read_csv(options.data / "survey/planted_survey.csv")
    truth = {"populations": table.population.to_numpy(), "segments": table.segment.to_numpy()}
    return table.drop(columns=["population", "segment"]).to_numpy(np.float32), truth


def large(options):
    """20,000 answers of `synth survey`, each as a column of 0 and 1."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "survey.csv"
        command = [options.program, "synth", "survey", "--rows", "20000", "--out", path]
        subprocess.run(command, check=True, capture_output=True)
        table = pd.read_csv(path, skiprows=[1], dtype=str)
    answers = [c for c in table.columns if c.startswith("Q") and not c.endswith("_OTHER")]
    columns = []
    for name in answers:
        values = table[name].dropna().unique()
        columns += [(table[name] == value).to_numpy(np.float32) for value in sorted(values)]
    packed = np.column_stack(columns)
    common = packed[:, packed.mean(0) > 0.01]
    return common, {}


# name: the table, the metric, the parameters, and whether qualities are computed
CASES = {
    "digits": (digits, "euclidean", {}, True),
    "learners": (learners, "euclidean", {}, True),
    "survey": (survey, "jaccard", {}, True),
    "survey-4d": (survey, "jaccard", {"components": 4, "min_dist": 0.0}, True),
    "large": (large, "jaccard", {}, False),
}


def ours(options, table, metric, components, min_dist, seed, folder):
    np.save(folder / "table.npy", table)
    out = folder / "layout.npy"
    command = [options.program, "reduce", folder / "table.npy", "--method", "umap", "--components", components]
    command += ["--metric", metric, "--min-dist", min_dist, "--seed", seed, "--embedding-out", out, "--force", "-q"]
    # Jaccard's distance knows no scale.
    command += ["--device", options.device] + (["--scale", "none"] if metric == "euclidean" else [])
    start = time.perf_counter()
    found = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if found.returncode:
        raise SystemExit(found.stderr)
    return np.load(out), seconds


# Runs umap-learn in a process of its own, as ours does.
PEER = """
import json, sys, time, warnings
import numpy as np
import umap
warnings.filterwarnings("ignore")
table = np.load(sys.argv[1])
metric, components, min_dist, seeds = sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), json.loads(sys.argv[5])
def fit(table, seed):
    start = time.perf_counter()
    layout = umap.UMAP(metric=metric, n_components=components, min_dist=min_dist, random_state=seed).fit_transform(table)
    return layout, time.perf_counter() - start
draws = np.random.default_rng(0)
for seed in [0, None]:
    # As many rows as make umap-learn take the path that it takes for the table.
    few = table[draws.permutation(len(table))[: min(len(table), 4500)]]
    fit(few, seed)
seconds = []
for number, seed in enumerate(seeds):
    layout, taken = fit(table, seed)
    np.save(f"{sys.argv[6]}/peer-{number}.npy", layout)
    seconds.append(taken)
print(json.dumps(seconds))
"""


def theirs(table, metric, components, min_dist, seeds, folder):
    np.save(folder / "table.npy", table.astype(bool) if metric == "jaccard" else table)
    command = [sys.executable, "-c", PEER, folder / "table.npy", metric, components, min_dist, json.dumps(seeds), folder]
    found = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if found.returncode:
        raise SystemExit(found.stderr)
    seconds = json.loads(found.stdout.splitlines()[-1])
    return [(np.load(folder / f"peer-{number}.npy"), taken) for number, taken in enumerate(seconds)]


def distances(rows, metric):
    if metric == "jaccard":
        both = rows @ rows.T
        ones = rows.sum(1)
        return 1 - both / np.maximum(ones[:, None] + ones[None] - both, 1)
    from sklearn.metrics import euclidean_distances

    return euclidean_distances(rows.astype(np.float64))


def order(table):
    """For each row the others, the nearest first, and each row's rank among them."""
    np.fill_diagonal(table, -1)
    near = np.argsort(table, axis=1, kind="stable").astype(np.int32)
    ranks = np.empty_like(near)
    ranks[np.arange(len(near))[:, None], near] = np.arange(len(near), dtype=np.int32)[None]
    return near, ranks


class Judge:
    """Trustworthiness, continuity, and the share of the 15 nearest rows that stay the same."""

    def __init__(self, rows, metric, k=15):
        self.k = k
        near, self.ranks = order(distances(rows, metric))
        self.near = near[:, 1 : k + 1].copy()

    def __call__(self, layout):
        k, n = self.k, len(layout)
        near, ranks = order(distances(layout, "euclidean"))
        near = near[:, 1 : k + 1]
        share = 2 / (n * k * (2 * n - 3 * k - 1))
        beyond = [(self.ranks, near), (ranks, self.near)]
        scores = [1 - share * np.maximum(np.take_along_axis(r, i, 1).astype(np.int64) - k, 0).sum() for r, i in beyond]
        return [*scores, np.mean([len(np.intersect1d(a, b)) for a, b in zip(near, self.near)]) / k]


def with_truth(layout, truth):
    from sklearn.metrics import adjusted_rand_score
    from sklearn.mixture import GaussianMixture
    from sklearn.neighbors import NearestNeighbors

    found = {}
    if "labels" in truth:
        near = NearestNeighbors(n_neighbors=15).fit(layout).kneighbors(return_distance=False)
        most = [np.bincount(truth["labels"][own]).argmax() for own in near]
        found["label accuracy"] = np.mean(most == truth["labels"])
    if "populations" in truth and layout.shape[1] == 2:
        gaps = []
        for values in layout.T:
            ordered = np.sort(values)
            widest = np.diff(ordered).argmax()
            gaps.append((ordered[widest + 1] - ordered[widest], values > ordered[widest]))
        found["gap ARI"] = adjusted_rand_score(truth["populations"], max(gaps, key=lambda gap: gap[0])[1])
    if "segments" in truth and layout.shape[1] == 4:
        labels = GaussianMixture(10, n_init=3, random_state=0).fit_predict(layout.astype(np.float64))
        planted = truth["segments"] > 0
        found["mixture ARI"] = adjusted_rand_score(truth["segments"], labels)
        found["planted ARI"] = adjusted_rand_score(truth["segments"][planted], labels[planted])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("SEGMENTA_DATA"), help="the data folder")
    parser.add_argument("--program", default="target/release/segmenta")
    parser.add_argument("--only", default=",".join(CASES), help="the cases, with commas between them")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    options.data = pathlib.Path(options.data)
    for name in options.only.split(","):
        make, metric, given, judged = CASES[name]
        table, truth = make(options)
        parameters = {"components": 2, "min_dist": 0.1, **given}
        judge = Judge(table, metric) if judged else None
        print(f"\n{name}: {table.shape[0]:,} x {table.shape[1]:,}, {metric}, {parameters}", flush=True)
        sides = {"segmenta": [], "umap-learn, one seed": [], "umap-learn, parallel": []}
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            seeds = list(range(options.seeds))
            sides["segmenta"] = [
                ours(options, table, metric, parameters["components"], parameters["min_dist"], seed, folder)
                for seed in seeds
            ]
            both = theirs(
                table, metric, parameters["components"], parameters["min_dist"], seeds + [None] * len(seeds), folder
            )
            sides["umap-learn, one seed"], sides["umap-learn, parallel"] = both[: len(seeds)], both[len(seeds) :]
        for side, runs in sides.items():
            line = f"  {side:22} {np.median([seconds for _, seconds in runs]):7.2f} s"
            if judge:
                scores = np.median([judge(layout) for layout, _ in runs], axis=0)
                line += "  trustworthiness {:.4f}  continuity {:.4f}  preservation {:.4f}".format(*scores)
                others = [with_truth(layout, truth) for layout, _ in runs]
                for key in others[0]:
                    values = [other[key] for other in others]
                    line += f"  {key} {np.median(values):.4f} (least {min(values):.4f})"
            print(line, flush=True)


main()
