"""Writes affinity.json: what scikit-learn's AffinityPropagation answers, for tests/it/affinity.rs to hold segmenta against.

scikit-learn adds random noise to the similarities. A case is kept only where several seeds, similarities that are computed from differences
instead of norms, and values rounded to f32 all give the same exemplars, labels and iterations: elsewhere the answer is an
accident of rounding.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd
import scipy
import sklearn
from sklearn.cluster import AffinityPropagation
from sklearn.preprocessing import StandardScaler

from goldens import made

ROOT = pathlib.Path(__file__).resolve().parents[2]


def fit(x, damping, preference, seed, direct):
    given = dict(damping=damping, preference=preference, random_state=seed)
    if direct:
        similarities = -((x[:, None, :] - x[None, :, :]) ** 2).sum(-1)
        model = AffinityPropagation(affinity="precomputed", **given).fit(similarities)
    else:
        model = AffinityPropagation(**given).fit(x)
    return model.cluster_centers_indices_.tolist(), model.labels_.tolist(), int(model.n_iter_)


def case(x, damping, preference):
    """The answer, or none if it is not one that everybody gives. 200 iterations are those of a fit that did not converge."""
    tables = [x, x.astype(np.float32).astype(float)]
    answers = [fit(t, damping, preference, seed, direct) for t in tables for seed in (0, 1) for direct in (False, True)]
    if any(answer != answers[0] for answer in answers) or answers[0][2] == 200:
        return None
    exemplars, labels, n_iter = answers[0]
    preference = preference if preference is None else float(preference)
    return dict(damping=damping, preference=preference, exemplars=exemplars, labels=labels, n_iter=n_iter)


def cases(name, x, multiples, **more):
    median = float(np.median(-((x[:, None, :] - x[None, :, :]) ** 2).sum(-1)))
    for damping in (0.5, 0.7, 0.9):
        for multiple in multiples:
            found = case(x, damping, None if multiple is None else multiple * median)
            if found is None:
                print(f"{name}, damping {damping}, {multiple} times the median: left out", file=sys.stderr)
            else:
                yield dict(name=name, **more, **found)


def tables(data):
    for name in ("iris", "wine", "breast_cancer", "digits"):
        x = pd.read_csv(data / "classic" / f"{name}.csv").drop(columns="target").to_numpy(float)
        yield name, x, False
        if name != "digits":
            yield name, StandardScaler().fit_transform(x), True


def enthusiasts():
    """The six features of recipes/enthusiasts.toml without scaling."""
    recipe = (ROOT / "recipes" / "enthusiasts.toml").read_text().replace('\nscale = "standard"', '\nscale = "none"')
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "e.toml").write_text(recipe)
        program = ROOT / "target" / "release" / "segmenta"
        run = [program, "run", "e.toml", "--quiet", "--no-fit", "--features-out", "e.npy", "--out", "out"]
        subprocess.run(run, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        return np.load(path / "e.npy")[:, :6]


SMALL = {
    "one row": [[3, 4]],
    "two rows": [[0, 0], [3, 4]],
    "three rows": [[0, 0], [1, 0], [5, 0]],
    "three equally far": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "equal rows": [[2, 7]] * 6,
    "a constant column": [[1, 5], [2, 5], [3, 5], [40, 5], [41, 5]],
}


def main():
    if "SEGMENTA_DATA" not in os.environ:
        sys.exit("SEGMENTA_DATA must name the folder of the real tables")
    warnings.simplefilter("ignore")
    shapes = {
        "blobs": dict(rows=120, features=4, blobs=5, spread=1 / 8, seed=1),
        "overlapping": dict(rows=240, features=3, blobs=4, spread=1 / 2, seed=2),
        "uniform": dict(rows=200, features=6, blobs=1, spread=1 / 4, seed=3),
        "one feature": dict(rows=90, features=1, blobs=3, spread=1 / 8, seed=4),
    }
    goldens = {
        "versions": {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
        "made": [c for name, shape in shapes.items() for c in cases(name, made(**shape), (None, 4, 20), **shape)],
        "small": [
            dict(rows=rows, **found)
            for rows in SMALL.values()
            for preference in (None, -1.0, -7.0)
            if (found := case(np.array(rows, float), 0.5, preference))
        ],
        "real": [
            c
            for name, x, standard in tables(pathlib.Path(os.environ["SEGMENTA_DATA"]))
            for c in cases(name, x, (None, 10), standard=standard)
        ],
    }
    x = enthusiasts()
    goldens["enthusiasts"] = dict(
        values=[[float(v) for v in row] for row in x.tolist()],
        fits=list(cases("enthusiasts", x.astype(float), (None, 10))),
    )
    parts = []
    for key, value in goldens.items():
        if isinstance(value, list):
            lines = ",\n".join("    " + json.dumps(entry) for entry in value)
            parts.append(f"  {json.dumps(key)}: [\n{lines}\n  ]")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    pathlib.Path(__file__).with_name("affinity.json").write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
