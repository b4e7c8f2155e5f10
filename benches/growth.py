"""How the cost of a fit grows with rows, features and clusters, and a silhouette's with rows.

Needs `cargo build --release` and Python 3.9, nothing else; runs on Unix. Prints Markdown. A fit is one k-means++ start and
ten passes (tol 0); the memory is the whole process's peak, beside the f32 table's own size.
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import tempfile

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "target" / "release" / "segmenta"
PLAIN = ["--features", "*", "--scale", "none", "--device", "cpu", "--quiet", "--json"]


def run(*command):
    """Its JSON, and its peak memory in bytes."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    text = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command} ended with {child.returncode}")
    return json.loads(text), usage.ru_maxrss * 1024


def measure(folder, rows, features, k, silhouette, repeats):
    """Median seconds, and the peak memory over the table's size."""
    table = folder / "table.npy"
    size = ["--rows", str(rows), "--features", str(features)]
    subprocess.run([PROGRAM, "synth", "blobs", *size, "--out", table, "--force"], check=True)
    fit = ["--k", str(k), "--n-init", "1", "--tol", "0", "--max-iter", "10"]
    seconds, peaks = [], []
    for _ in range(repeats):
        extra = ["--silhouette"] if silhouette else []
        found, peak = run(PROGRAM, "fit", table, *PLAIN, *fit, *extra, "--out", folder / "out", "--force")
        seconds.append(found["seconds"]["silhouette" if silhouette else "fit"])
        peaks.append(peak / (4 * rows * features))
    return statistics.median(seconds), statistics.median(peaks)


def series(folder, name, cases, repeats):
    """One table: what varies, the seconds, and the exponent from the last case to this."""
    print(f"\n| {name} | seconds | exponent | peak memory, in tables |\n|---|---|---|---|", flush=True)
    last = None
    for value, rows, features, k, silhouette in cases:
        seconds, peak = measure(folder, rows, features, k, silhouette, repeats)
        exponent = "" if last is None else f"{math.log(seconds / last[1]) / math.log(value / last[0]):.2f}"
        print(f"| {value:,} | {seconds:.3g} | {exponent} | {peak:.1f} |", flush=True)
        last = value, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rows = [(n, n, 26, 10, False) for n in (10**4, 10**5, 10**6, 10**7)]
        series(folder, "rows (26 features, k = 10)", rows, repeats)
        features = [(d, 10**5, d, 10, False) for d in (4, 16, 64, 256, 784)]
        series(folder, "features (100,000 rows, k = 10)", features, repeats)
        clusters = [(k, 10**5, 26, k, False) for k in (2, 10, 100, 1000)]
        series(folder, "clusters (100,000 rows, 26 features)", clusters, repeats)
        scored = [(n, n, 26, 10, True) for n in (10**4, 3 * 10**4, 10**5)]
        series(folder, "rows of a silhouette (26 features, k = 10)", scored, repeats)


if __name__ == "__main__":
    main()
