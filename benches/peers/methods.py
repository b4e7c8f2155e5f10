"""Times segmenta's clustering methods beside SciPy, fastcluster and scikit-learn: see README.md in this folder."""

import argparse
import importlib.util
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
PROGRAM = ROOT / "target" / "release" / "segmenta"
FLAGS = ["--features", "*", "--scale", "none", "--device", "cpu", "--no-structure", "--quiet", "--json", "--force"]


def ward_scipy(rows):
    from scipy.cluster.hierarchy import linkage

    return linkage(rows, "ward")


def ward_fastcluster(rows):
    from fastcluster import linkage_vector

    return linkage_vector(rows, "ward")


def dbscan(rows):
    from sklearn.cluster import DBSCAN

    return DBSCAN(eps=1, min_samples=10, n_jobs=-1).fit(rows)


def gmm(rows):
    from sklearn.mixture import GaussianMixture

    return GaussianMixture(10, max_iter=20, tol=0, random_state=0).fit(rows)


def affinity(rows):
    from sklearn.cluster import AffinityPropagation

    return AffinityPropagation(random_state=0).fit(rows)


PEERS = {f.__name__: f for f in (ward_scipy, ward_fastcluster, dbscan, gmm, affinity)}

# Name, rows (none: all of them), features, flags of `segmenta fit`, and the peers by the names of their libraries.
CASES = [
    ("ward", 10_000, 26, "--method ward --k 5", {"SciPy": "ward_scipy", "fastcluster": "ward_fastcluster"}),
    ("ward-30k", 30_000, 26, "--method ward --k 5", {"fastcluster": "ward_fastcluster"}),
    ("ward-all", None, 26, "--method ward --k 5", {}),
    ("dbscan", 40_000, 26, "--method dbscan --eps 1 --min-samples 10", {"scikit-learn": "dbscan"}),
    ("dbscan-all", None, 26, "--method dbscan --eps 1 --min-samples 10", {}),
    ("gmm", None, 4, "--method gmm --k 10 --covariance full --n-init 1 --max-iter 20 --tol 0", {"scikit-learn": "gmm"}),
    ("affinity", 5_000, 26, "--method affinity", {"scikit-learn": "affinity"}),
    ("affinity-all", None, 26, "--method affinity --damping 0.8", {}),
]


def run(command):
    """What a command prints, and the most memory it had at once, in MB."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE)
        error = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(error.decode().strip())
        out.seek(0)
        return json.loads(out.read()), usage.ru_maxrss / 1000


def ours(table, flags, folder):
    found, memory = run([PROGRAM, "fit", table, *FLAGS, *flags.split(), "--out", folder / "out"])
    return found["seconds"]["fit"], memory


def peer(table, name):
    found, memory = run([sys.executable, __file__, "--peer", name, table])
    return found["seconds"], memory


def learners(folder):
    """The features of recipes/learners.toml."""
    raw, table = folder / "learners.csv", folder / "learners.npy"
    subprocess.run([PROGRAM, "synth", "learners", "--out", raw], check=True)
    recipe = ROOT / "recipes" / "learners.toml"
    command = [PROGRAM, "run", recipe, "--input", raw, "--quiet", "--no-fit", "--features-out", table]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    return np.load(table)[:, :26]


def components(rows, count):
    """The first principal components: hardly any two rows are equal in them, so that merging equal rows gains nothing."""
    centred = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(centred.T @ centred)
    return centred @ axes[:count].T


def compare(options, folder):
    rows = np.load(options.table) if options.table else learners(folder)
    wanted = set(filter(None, options.only.split(",")))
    shown = {"python": sys.version.split()[0]}
    for module in ("numpy", "scipy", "sklearn", "fastcluster"):
        if importlib.util.find_spec(module):
            shown[module] = __import__(module).__version__
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, medians of {options.repeats}: seconds, MB; {shown}", flush=True)
    for name, count, features, flags, peers in CASES:
        if wanted and name not in wanted:
            continue
        few = rows if features == rows.shape[1] else components(rows, features)
        if count is not None and count < len(few):
            few = few[np.sort(np.random.default_rng(0).choice(len(few), count, replace=False))]
        table = folder / "table.npy"
        np.save(table, np.ascontiguousarray(few, np.float32))
        runs = {"segmenta": lambda: ours(table, flags, folder)}
        for library, function in peers.items():
            runs[library] = lambda function=function: peer(table, function)
        found = {who: [] for who in runs}
        failed = {}
        for _ in range(options.repeats):
            for who, work in runs.items():
                try:
                    found[who].append(work())
                except RuntimeError as error:
                    failed[who] = str(error).splitlines()[-1] if str(error) else "failed"
        parts = []
        for who, results in found.items():
            if not results:
                parts.append(f"{who}: {failed[who]}")
                continue
            seconds, memory = (statistics.median(values) for values in zip(*results))
            parts.append(f"{who} {seconds:.3f} s, {memory:,.0f} MB")
        medians = {who: statistics.median(s for s, _ in results) for who, results in found.items() if results}
        others = [seconds for who, seconds in medians.items() if who != "segmenta"]
        ratio = f"  ({min(others) / medians['segmenta']:.1f} x)" if others and "segmenta" in medians else ""
        print(f"{name}, {len(few):,} x {features}: {'; '.join(parts)}{ratio}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", default="", help="names of cases, separated by commas")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("table", nargs="?", help="a .npy table to use instead of the learners")
    options = parser.parse_args()
    if options.peer:
        rows = np.load(options.table).astype(float)
        start = time.perf_counter()
        PEERS[options.peer](rows)
        print(json.dumps({"seconds": time.perf_counter() - start}))
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(options, pathlib.Path(folder))


if __name__ == "__main__":
    sys.exit(main())
