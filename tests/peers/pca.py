"""Writes pca.json: principal components as scikit-learn computes them, for tests/it/pca.rs to hold segmenta against.

    segmenta run recipes/learners.toml --features-out learners.npy --no-fit
    SEGMENTA_DATA=... python tests/peers/pca.py learners.npy
"""

import json
import os
import pathlib
import sys

import numpy as np
import sklearn
from goldens import made, real_tables
from sklearn.decomposition import PCA

KEPT = 5

SHARES = [0.5, 0.8, 0.9, 0.95]


def case(name, x, **shape):
    """The variances of all components; of the first ones the loadings, and where a few rows lie."""
    x = np.asarray(x, dtype=float)
    pca = PCA(svd_solver="full").fit(x)
    return {
        "name": name,
        **shape,
        "mean": pca.mean_.tolist(),
        "explained_variance": pca.explained_variance_.tolist(),
        "explained_variance_ratio": pca.explained_variance_ratio_.tolist(),
        "components": pca.components_[:KEPT].tolist(),
        "projected": pca.transform(x[:3])[:, :KEPT].tolist(),
        "for_share": [[share, int(PCA(n_components=share, svd_solver="full").fit(x).n_components_)] for share in SHARES],
    }


shapes = {
    "4 features": dict(rows=300, features=4, blobs=3, spread=0.5, seed=1),
    "9 features": dict(rows=1000, features=9, blobs=5, spread=2.0, seed=2),
    "one feature": dict(rows=90, features=1, blobs=3, spread=1 / 8, seed=4),
    "a few rows": dict(rows=12, features=7, blobs=12, spread=1.0, seed=6),
}
if len(sys.argv) < 2 or "SEGMENTA_DATA" not in os.environ:
    sys.exit(__doc__)
data = pathlib.Path(os.environ["SEGMENTA_DATA"])
tables = {name: x for name, (x, _) in real_tables(data).items()}
tables["learners"] = np.load(sys.argv[1])
golden = {
    "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
    "made": [case(name, made(**shape), **shape) for name, shape in shapes.items()],
    "real": [case(name, x) for name, x in tables.items()],
}
parts = [f'  "versions": {json.dumps(golden["versions"])}']
for key in ["made", "real"]:
    parts.append(f'  "{key}": [\n' + ",\n".join("    " + json.dumps(one) for one in golden[key]) + "\n  ]")
pathlib.Path(__file__).with_suffix(".json").write_text("{\n" + ",\n".join(parts) + "\n}\n")
