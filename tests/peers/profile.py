"""Writes profile.json: intervals, tests and corrections as SciPy and statsmodels compute them, for tests/it/profile.rs."""

import json
import pathlib

import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import (
    proportion_confint,
    proportion_effectsize,
    proportions_ztest,
)
from statsmodels.stats.weightstats import DescrStatsW

LEAST = 1e-280


def wilson_cases():
    cases = [(0, 1), (1, 1), (0, 7), (7, 7), (1, 2), (3, 40), (120, 500), (33977, 205843), (1, 10**9)]
    out = []
    for count, n in cases:
        low, high = proportion_confint(count, n, alpha=0.05, method="wilson")
        out.append({"count": count, "n": n, "low": float(low), "high": float(high)})
    return out


def t_cases():
    degrees = [1, 1.5, 2, 3.7, 5, 10, 30, 77.7, 150, 199, 199.9, 200, 201, 350.5, 1000, 5e4, 205841, 1e9]
    quantiles = [{"df": df, "t": float(stats.t.ppf(0.975, df))} for df in degrees]
    tails = []
    for df in degrees:
        for t in [0, 1e-9, 0.001, 0.3, 1, 1.96, 3, 8, 20, 37]:
            p = float(2 * stats.t.sf(t, df))
            if p > LEAST:
                tails.append({"df": df, "t": t, "p": p})
    return quantiles, tails


def welch_cases():
    rng = np.random.default_rng(7)
    out = []
    shapes = [(2, 2), (2, 50), (5, 9), (30, 31), (200, 1800), (40, 100_000), (339, 205_504)]
    for n, m in shapes:
        for shift, spread in [(0, 1), (0.3, 1), (2, 5), (1e6, 1e-3), (-1e-7, 1e-6)]:
            a, b = rng.normal(shift, spread, n), rng.normal(0, 1, m)
            if shift == 1e6:
                b = b * 1e3
            stat = [dict(n=len(x), mean=float(x.mean()), variance=float(x.var(ddof=1))) for x in (a, b)]
            found = stats.ttest_ind_from_stats(
                stat[0]["mean"], np.sqrt(stat[0]["variance"]), n, stat[1]["mean"], np.sqrt(stat[1]["variance"]), m,
                equal_var=False,
            )
            if found.pvalue > LEAST:
                out.append({"a": stat[0], "b": stat[1], "p": float(found.pvalue)})
    return out


def share_cases():
    """Hits and rows on both sides; the chi-squared test where every expected count is at least 5, else Fisher's."""
    cases = [
        (0, 1, 1, 1000), (1, 1, 1, 1000), (1, 1, 3, 9), (3, 5, 2, 80), (0, 12, 40, 200), (5, 20, 1, 20), (8, 8, 0, 7),
        (2, 1000, 3, 100_000), (0, 339, 9, 205_504), (4, 50, 3, 41), (10, 30, 20, 90), (30, 60, 45, 80), (500, 1000, 480, 1000),
        (4100, 33_977, 20_000, 171_866), (6, 12, 6, 12), (99, 100, 880, 900), (50, 400, 50, 400),
    ]
    out = []
    for a, n, b, m in cases:
        table = np.array([[a, n - a], [b, m - b]])
        expected = stats.contingency.expected_freq(table)
        exact = bool(expected.min() < 5)
        if exact:
            p = stats.fisher_exact(table).pvalue
        else:
            p = stats.chi2_contingency(table, correction=False).pvalue
            z = proportions_ztest([a, b], [n, m])[1]
            assert abs(p - z) <= 1e-12 + 1e-9 * p, (a, n, b, m)
        out.append({"a": a, "n": n, "b": b, "m": m, "exact": exact, "p": float(p)})
    return out


def bh_cases():
    rng = np.random.default_rng(3)
    lists = [
        [0.04],
        [0.01, 0.02, 0.03, 0.04, 0.05],
        [1, 1, 1],
        [0.5, 0.001, 0.001, 0.9, 0.04, 0],
        (rng.random(40) ** 3).tolist(),
    ]
    return [{"p": p, "q": multipletests(p, method="fdr_bh")[1].tolist()} for p in lists]


def h_cases():
    pairs = [(0, 1), (0.5, 0.5), (0.1, 0.3), (1, 0.97), (0.002, 0.001)]
    return [{"a": a, "b": b, "h": float(proportion_effectsize(a, b))} for a, b in pairs]


def mean_cases():
    rng = np.random.default_rng(11)
    out = []
    for n in (2, 3, 12, 150, 201, 900):
        # Quarters, so that every reader sees the same numbers.
        x = (np.round(rng.gamma(2, 30, n) * 4) / 4).tolist()
        w = rng.integers(1, 6, n).tolist()
        for weights in (None, w):
            found = DescrStatsW(np.array(x), weights=None if weights is None else np.array(weights, float), ddof=1)
            low, high = found.tconfint_mean()
            repeated = np.repeat(x, weights if weights is not None else np.ones(n, int))
            q1, median, q3 = np.percentile(repeated, [25, 50, 75])
            out.append(
                {
                    "x": x, "weights": weights, "mean": float(found.mean), "sd": float(found.std),
                    "low": float(low), "high": float(high), "q1": float(q1), "median": float(median), "q3": float(q3),
                }
            )
    return out


def main():
    quantiles, tails = t_cases()
    goldens = {
        "versions": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__},
        "wilson": wilson_cases(),
        "t_quantiles": quantiles,
        "t_tails": tails,
        "welch": welch_cases(),
        "shares": share_cases(),
        "benjamini_hochberg": bh_cases(),
        "cohens_h": h_cases(),
        "means": mean_cases(),
    }
    parts = []
    for key, value in goldens.items():
        if isinstance(value, list):
            lines = ",\n".join("    " + json.dumps(entry) for entry in value)
            parts.append(f"  {json.dumps(key)}: [\n{lines}\n  ]")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    path = pathlib.Path(__file__).with_name("profile.json")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
