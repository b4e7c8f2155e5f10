"""Writes describe.json: what pandas says of tables column by column, for tests/it/describe.rs.

The real tables come from the folder that SEGMENTA_DATA names; of them only figures are kept. Edge cases on which pandas
overflows or rounds are computed with Python's fractions instead, from the same definitions.
"""

import json
import math
import os
import pathlib
from fractions import Fraction

import numpy as np
import pandas as pd

QUANTILES = [1, 5, 25, 50, 75, 95, 99]
PLACES = ["p1", "p5", "p25", "median", "p75", "p95", "p99"]
TABLES = ["classic/iris.csv", "classic/wine.csv", "classic/breast_cancer.csv", "cdnow/customers_rfm.csv", "oulad/learners.csv"]


def figure(value):
    """NaN is None in JSON."""
    value = float(value)
    return value if math.isfinite(value) else None


def by_pandas(series):
    there = series.dropna().astype(float)
    varied = there.nunique() > 1
    out = {"count": int(series.count()), "missing": int(series.isna().sum()), "distinct": int(series.nunique())}
    out |= {"mean": figure(there.mean()), "sd": figure(there.std()), "min": figure(there.min()), "max": figure(there.max())}
    out |= {place: figure(there.quantile(q / 100)) for place, q in zip(PLACES, QUANTILES)}
    # pandas calls the skewness of equal values 0; it is undefined.
    out["skewness"] = figure(there.skew()) if varied else None
    out["kurtosis"] = figure(there.kurt()) if varied else None
    out["zeros"] = figure((there == 0).mean())
    return out


def table(frame):
    numbers = frame.select_dtypes(["number"])
    matrix = frame.select_dtypes(["number", "bool"]).corr()
    texts = frame.select_dtypes(exclude=["number", "bool"])
    common = {}
    for name in texts:
        counts = texts[name].value_counts()
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        common[name] = {"distinct": len(counts), "longest": int(texts[name].dropna().str.len().max()), "top": ranked[:12]}
    return {
        "rows": len(frame),
        "numbers": {name: by_pandas(numbers[name]) for name in numbers},
        "booleans": {name: float(frame[name].mean()) for name in frame.select_dtypes("bool")},
        "texts": common,
        "columns": list(matrix.columns),
        "matrix": [[figure(r) for r in row] for row in matrix.to_numpy()],
        "duplicates": int(frame.duplicated().sum()),
    }


def root(value):
    """The square root of a fraction with 60 digits, as a float."""
    if value == 0:
        return 0.0
    digits = 10**60
    scaled = math.isqrt(value.numerator * value.denominator * digits * digits)
    return Fraction(scaled, value.denominator * digits)


def exactly(values):
    """The same figures of a list of floats in exact fractions; None is missing."""
    there = sorted(Fraction(v) for v in values if v is not None)
    n = len(there)
    out = dict.fromkeys(["mean", "sd", "min", "max", "skewness", "kurtosis", "zeros", *PLACES])
    out |= {"count": n, "missing": len(values) - n, "distinct": len(set(there))}
    if n == 0:
        return out
    mean = sum(there) / n
    m2, m3, m4 = (sum((v - mean) ** power for v in there) for power in (2, 3, 4))
    as_float = lambda v: float(v) if abs(v) <= Fraction(np.finfo(float).max) else None
    out |= {"mean": as_float(mean), "min": as_float(there[0]), "max": as_float(there[-1])}
    out["zeros"] = sum(v == 0 for v in there) / n
    for place, q in zip(PLACES, QUANTILES):
        position = Fraction((n - 1) * q, 100)
        low = there[int(position)]
        high = there[min(int(position) + 1, n - 1)]
        out[place] = as_float(low + (high - low) * (position - int(position)))
    if n > 1:
        out["sd"] = as_float(Fraction(root(m2 / (n - 1))))
    if m2 > 0 and n > 2:
        out["skewness"] = float(Fraction(n, n - 2) * root(Fraction(n - 1)) * m3 / (m2 * root(m2)))
    if m2 > 0 and n > 3:
        over = Fraction(1, (n - 2) * (n - 3))
        out["kurtosis"] = float(over * n * (n + 1) * (n - 1) * m4 / m2**2 - 3 * over * (n - 1) ** 2)
    return out


def edge_cases():
    rng = np.random.default_rng(3)
    cases = {
        "constant": [7.3] * 9,
        "one": [5.0],
        "two": [5.0, 8.0],
        "three": [1.0, 2.0, 10.0],
        "missing": [None, None, None],
        "holes": [None, 1.0, None, 4.0, 4.0, -2.0, None, 0.0],
        "huge": [1e300, -1e300, 3e300, 2e300, 5e299],
        "largest": [1.7e308, -1.7e308],
        "largest of one sign": [1.7e308, 1.6e308, 1.7e308],
        "tiny": [3e-310, 1e-310, 2e-310, 9e-310],
        "small": [1e-200, 2e-200, 5e-200, 1e-199],
        "wide integers": [float(2**53 + 2 * i * i) for i in range(40)],
        "near a million": [1e6 + x for x in rng.normal(0, 1e-4, 5000)],
        "zeros": [0.0, -0.0, 0.0, 1.0, -1.0],
        "skewed": [float(v) for v in rng.lognormal(0, 2, 5000)],
    }
    return {name: {"values": values, "figures": exactly(values)} for name, values in cases.items()}


def holes():
    """Pairwise complete correlations of columns with holes, flags and constants."""
    rng = np.random.default_rng(11)
    n = 400
    frame = pd.DataFrame({"a": rng.normal(size=n)})
    frame["b"] = 3 * frame.a + rng.normal(size=n)
    frame["c"] = np.where(rng.random(n) < 0.4, np.nan, frame.b + 1e6)
    frame["d"] = np.where(rng.random(n) < 0.7, np.nan, -frame.a)
    frame["flag"] = (frame.a > 0).astype(float)
    frame["constant"] = 0.1
    frame["constant where c is"] = np.where(frame.c.isna(), frame.a, 2.5)
    frame["never with d"] = np.where(frame.d.isna(), frame.a, np.nan)
    matrix = frame.corr()
    values = {name: [None if np.isnan(v) else float(v) for v in frame[name]] for name in frame}
    return {"values": values, "columns": list(frame), "matrix": [[figure(r) for r in row] for row in matrix.to_numpy()]}


def main():
    data = pathlib.Path(os.environ["SEGMENTA_DATA"])
    out = {"pandas": pd.__version__, "numpy": np.__version__}
    out["tables"] = {name: table(pd.read_csv(data / name)) for name in TABLES}
    out["edges"] = edge_cases()
    out["holes"] = holes()
    path = pathlib.Path(__file__).with_name("describe.json")
    path.write_text(json.dumps(out, indent=None, separators=(",", ":"), allow_nan=False) + "\n")


main()
