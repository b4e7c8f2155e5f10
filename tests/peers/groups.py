"""Writes groups.json: figures by group as pandas computes them, and a constant as scikit-learn sees one.

    python tests/peers/groups.py
"""

import json
import pathlib

import numpy as np
import pandas as pd
import sklearn
from sklearn.preprocessing import StandardScaler

FIGURES = "mean median sum min max std count nunique first last".split()

draws = np.random.default_rng(7)
rows = 60
table = pd.DataFrame(
    {
        "team": draws.choice(["red", "blue", "green", "7", None], rows, p=[0.3, 0.3, 0.2, 0.15, 0.05]),
        "pay": np.where(draws.random(rows) < 0.2, np.nan, draws.normal(50, 20, rows).round(2)),
        "title": draws.choice(["cook", "pilot", "nurse", None], rows),
    }
)
# A group of one value, a group of none.
more = pd.DataFrame({"team": ["one", "none", "none", "one"], "pay": [3.5, np.nan, np.nan, np.nan], "title": [None] * 4})
table = pd.concat([table, more], ignore_index=True)


def plain(value):
    """A number, a text, or nothing."""
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else float(value)


groups = table.groupby("team", sort=False)
figures = {name: {k: plain(v) for k, v in groups["pay"].agg(name).items()} for name in FIGURES}
texts = {name: {k: plain(v) for k, v in groups["title"].agg(name).items()} for name in ["first", "last", "nunique"]}

# Whether StandardScaler scales a column: values beside a number, in units of its last place.
columns = []
for centre in [0.3, 1e9, -7e-5, 1e150]:
    for steps in [1, 3, 20, 1000]:
        for n in [4, 40]:
            values = [centre + (i % 3) * steps * np.spacing(abs(centre)) for i in range(n)]
            scaler = StandardScaler().fit(np.array(values)[:, None])
            columns.append({"values": values, "constant": bool(scaler.scale_[0] == 1.0)})

golden = {
    "versions": {"pandas": pd.__version__, "sklearn": sklearn.__version__},
    "table": table.to_csv(index=False),
    "groups": list(dict.fromkeys(table.team.dropna())),
    "figures": figures,
    "texts": texts,
    "columns": columns,
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden) + "\n")
