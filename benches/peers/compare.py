"""Times segmenta beside scikit-learn, scikit-learn-intelex and faiss: see README.md in this folder."""

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
PROGRAM = ROOT / "target" / "release" / "segmenta"
FLAGS = ["--features", "*", "--scale", "none", "--device", "cpu", "--quiet", "--json"]


def ours(verb, table, stages, *flags):
    """Seconds of one run of the program, the sum of these stages."""

    def run():
        with tempfile.TemporaryDirectory() as out:
            files = ["--out", out + "/out"] if verb == "fit" else []
            done = subprocess.run([PROGRAM, verb, table, *FLAGS, *flags, *files], capture_output=True, check=True)
        seconds = json.loads(done.stdout)["seconds"]
        return sum(seconds[stage] for stage in stages)

    return run


def timed(work):
    """Seconds of one call of `work` in this process."""

    def run():
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return run


def sklearn_modules(intelex):
    """KMeans and NearestNeighbors of scikit-learn, or of its extension."""
    if intelex:
        from sklearnex.cluster import KMeans
        from sklearnex.neighbors import NearestNeighbors
    else:
        from sklearn.cluster import KMeans
        from sklearn.neighbors import NearestNeighbors
    return KMeans, NearestNeighbors


def sweep(kmeans, rows, score):
    from sklearn.metrics import silhouette_score

    for k in range(2, 11):
        labels = kmeans(n_clusters=k, n_init=20, random_state=0).fit(rows).labels_
        if score:
            silhouette_score(rows, labels)


def hopkins(neighbours, rows, probes=2000):
    rng = np.random.default_rng(0)
    index = neighbours(n_neighbors=2).fit(rows)
    uniform = rng.uniform(rows.min(0), rows.max(0), (probes, rows.shape[1])).astype(np.float32)
    index.kneighbors(uniform, 1)
    index.kneighbors(rows[rng.choice(len(rows), probes, replace=False)], 2)


def faiss_kmeans(rows, k, restarts, iterations=50, starts=None):
    import faiss

    kmeans = faiss.Kmeans(
        rows.shape[1], k, niter=iterations, nredo=restarts, max_points_per_centroid=len(rows), min_points_per_centroid=1
    )
    kmeans.train(rows, init_centroids=starts)


def iteration(run):
    """Seconds of one iteration: what ten more of them take."""
    return lambda: (run(11)() - run(1)()) / 10


def cases(folder):
    """Name, our run, and each peer's run."""
    raw, table = folder / "learners.csv", folder / "learners.npy"
    small, starts = folder / "small.npy", folder / "starts.npy"
    subprocess.run([PROGRAM, "synth", "learners", "--out", raw], check=True)
    recipe = ROOT / "recipes" / "learners.toml"
    subprocess.run([PROGRAM, "run", recipe, "--quiet", "--no-fit", "--features-out", table], check=True)
    rows = np.load(table)
    few = np.ascontiguousarray(rows[np.random.default_rng(0).choice(len(rows), 30_000, replace=False)])
    np.save(small, few)
    np.save(starts, rows[:: len(rows) // 6][:6])

    import pandas
    from sklearn.metrics import silhouette_score

    plain, plain_neighbours = sklearn_modules(False)
    fast, fast_neighbours = sklearn_modules(True)
    labels = plain(n_clusters=5, n_init=1, random_state=0).fit(few).labels_
    given = np.load(starts)

    def each(work):
        return {"scikit-learn": timed(lambda: work(plain)), "intelex": timed(lambda: work(fast))}

    yield "kmeans", "KMeans k=5, n_init=30", ours("fit", table, ["fit"], "--k", "5", "--n-init", "30"), {
        **each(lambda kmeans: kmeans(n_clusters=5, n_init=30, random_state=0).fit(rows)),
        "faiss": timed(lambda: faiss_kmeans(rows, 5, 30)),
    }
    yield "start", "one start, k=6, 50 iterations", ours(
        "fit", table, ["fit"], "--init", starts, "--tol", "0", "--max-iter", "50"
    ), each(lambda kmeans: kmeans(n_clusters=6, init=given, n_init=1, tol=0, max_iter=50).fit(rows))
    yield "silhouette", "one exact silhouette, 30,000 rows", ours(
        "fit", small, ["silhouette"], "--k", "5", "--n-init", "1", "--silhouette"
    ), {"scikit-learn": timed(lambda: silhouette_score(few, labels))}
    yield "hopkins", "Hopkins, 2,000 + 2,000 probes", ours("tendency", table, ["tendency"]), {
        "scikit-learn": timed(lambda: hopkins(plain_neighbours, rows)),
        "intelex": timed(lambda: hopkins(fast_neighbours, rows)),
    }
    yield "prepare", "the raw CSV to 26 features, loading included", ours_prepare(recipe, raw), {
        "pandas, scikit-learn": timed(lambda: learners_features(pandas.read_csv(raw)))
    }
    yield "load", "load the raw CSV", ours_load(raw), {"pandas": timed(lambda: pandas.read_csv(raw))}
    many, many_starts = folder / "many.npy", folder / "many_starts.npy"
    synth = ["synth", "blobs", "--rows", "1000000", "--features", "32", "--out", many]
    subprocess.run([PROGRAM, *synth], check=True)
    large = np.load(many)
    centers = large[np.random.default_rng(0).choice(len(large), 1000, replace=False)]
    np.save(many_starts, centers)

    def each_iteration(kmeans):
        def run(iterations):
            model = kmeans(n_clusters=1000, init=centers, n_init=1, tol=0, max_iter=iterations)
            return timed(lambda: model.fit(large))

        return iteration(run)

    yield "large", "one iteration, k=1000, 1,000,000 x 32", iteration(
        lambda iterations: ours(
            "fit", many, ["fit"], "--init", many_starts, "--tol", "0", "--max-iter", str(iterations)
        )
    ), {
        "scikit-learn": each_iteration(plain),
        "intelex": each_iteration(fast),
        "faiss": iteration(lambda iterations: timed(lambda: faiss_kmeans(large, 1000, 1, iterations, centers))),
    }
    yield "sweep", "sweep 2..10, n_init=20, silhouettes, 30,000 rows", ours(
        "sweep", small, ["fit", "silhouette"], "--n-init", "20"
    ), each(lambda kmeans: sweep(kmeans, few, True))
    yield "all", "the same sweep on all rows, silhouettes exact", ours(
        "sweep", table, ["fit", "silhouette"], "--n-init", "20"
    ), {}


def learners_features(table, year=2026):
    """What recipes/learners.toml says, in pandas and scikit-learn."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    company = table["company_hash"].fillna("Unknown_Company")
    position = table["job_position"].fillna("Unknown_Role")
    graduated = table["orgyear"].where(table["orgyear"].between(1980, year))
    numbers = pd.DataFrame(
        {
            "pay": table["ctc"] / 100_000,
            "log": np.log1p(table["ctc"]),
            "experience": (year - graduated.fillna(graduated.median())).clip(lower=0),
            "recent": (table["ctc_updated_year"] >= year - 1).astype(int),
        }
    )
    of_company = numbers.groupby(company)[["pay", "experience"]].mean()
    of_company["learners"] = table.groupby(company)["email_hash"].nunique()
    low, high = of_company["pay"].quantile([0.33, 0.66])
    of_company["tier"] = np.digitize(of_company["pay"], [low, high], right=True)
    common = position.value_counts().index[:15]
    texts = {"position": position.where(position.isin(common), "Other_Role")}
    joined = of_company.add_prefix("company_").loc[company].reset_index(drop=True)
    whole = numbers.assign(**texts).join(joined)
    levels = ["position", "company_tier"]
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = [("n", scaled, [c for c in whole if c not in levels]), ("t", OneHotEncoder(sparse_output=False), levels)]
    return ColumnTransformer(columns).fit_transform(whole)


def ours_prepare(recipe, raw):
    def run():
        with tempfile.TemporaryDirectory() as out:
            command = [PROGRAM, "run", recipe, "--input", raw, "--no-fit", "--features-out", out + "/x.npy"]
            done = subprocess.run([*command, "--quiet", "--json"], capture_output=True, check=True)
        seconds = json.loads(done.stdout)["seconds"]
        return seconds["load"] + seconds["prepare"]

    return run


def ours_load(raw):
    def run():
        command = [PROGRAM, "tendency", raw, "--probes", "1", "--device", "cpu", "--quiet", "--json"]
        done = subprocess.run(command, capture_output=True, check=True)
        return json.loads(done.stdout)["seconds"]["load"]

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="names of cases, separated by commas")
    options = parser.parse_args()
    wanted = set(filter(None, options.only.split(",")))
    print(f"{os.cpu_count()} cores, medians of {options.repeats}, seconds", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, what, own, peers in cases(pathlib.Path(folder)):
            if wanted and name not in wanted:
                continue
            seconds = {who: [] for who in ["segmenta", *peers]}
            for _ in range(options.repeats):
                for who, run in {"segmenta": own, **peers}.items():
                    seconds[who].append(run())
            medians = {who: statistics.median(s) for who, s in seconds.items()}
            best = min((m for who, m in medians.items() if who != "segmenta"), default=None)
            shown = ", ".join(f"{who} {m:.3f}" for who, m in medians.items())
            ratio = f"  ({best / medians['segmenta']:.1f} x the best peer)" if best else ""
            print(f"{what}: {shown}{ratio}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
