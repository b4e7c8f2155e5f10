"""Writes questions.json: the answers to tests/peers/questions.toml as pandas computes them.

The table is the one of `segmenta synth learners --rows ROWS --seed SEED --out learners.csv`:

    python tests/peers/questions.py learners.csv ROWS SEED
"""

import json
import pathlib
import sys

import pandas as pd
from learners_features import prepared

ENTRY = "intern|trainee|associate|junior|analyst|fresher"


def figures(pay, *names):
    found = {"count": len(pay), "mean": pay.mean(), "median": pay.median(), "max": pay.max()}
    return [found[name] if name == "count" else None if len(pay) == 0 else float(found[name]) for name in names]


def by(table, columns, *names):
    groups = table.groupby(columns)
    return [list(key) + figures(group["ctc_lpa"], *names) for key, group in groups]


def main():
    path, rows, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    raw = pd.read_csv(path)
    assert len(raw) == rows
    table = prepared(raw)
    table["company"] = raw["company_hash"].fillna("Unknown_Company")
    table["job_position"] = raw["job_position"]
    pay, years, role = table["ctc_lpa"], table["years_of_experience"], "job_position_grouped"
    low, high = pay.quantile(0.25), pay.quantile(0.75)
    out = {}

    part = table[(years >= years.quantile(0.75)) & (pay <= low)]
    out["little pay"] = figures(part["ctc_lpa"], "count", "mean", "median")
    old, young = table[years >= 8], table[years <= 2]
    out["old"] = [len(old), int((old["ctc_lpa"] <= low).sum())]
    part = young[young["ctc_lpa"] >= high]
    out["young"] = [len(young)] + figures(part["ctc_lpa"], "count", "mean", "max")
    part = table[table["job_position"].str.contains(ENTRY, case=False, na=False)]
    out["entry"] = figures(part["ctc_lpa"], "count", "mean", "max")
    best = part.sort_values("ctc_lpa", ascending=False, kind="stable").head(10)
    out["entry list"] = best[["job_position", "ctc_lpa", "years_of_experience", "tier_flag"]].values.tolist()

    counts = sorted(by(table, [role], "count"), key=lambda line: (-line[1], line[0]))
    out["roles"] = [[name, n, n / rows] for name, n in counts[:12]]
    out["tiers"] = [[name, n, n / rows] for name, n in by(table, ["tier_flag"], "count")]
    out["pay by role"] = sorted(by(table, [role], "count", "mean", "median"), key=lambda line: -line[2])
    people = raw.groupby(table["company"])["email_hash"].nunique().drop("Unknown_Company")
    largest = people.sort_values(ascending=False)
    assert largest.iloc[0] > largest.iloc[1], "two companies are equally large"
    inside = table[table["company"] == largest.index[0]]
    mask = inside[role] == "Data Scientist"
    out["largest"] = [len(inside)] + [
        figures(inside[m]["ctc_lpa"], "count", "mean", "median") for m in (mask, ~mask)
    ]
    lines = by(inside, [role], "count", "mean", "median")
    out["largest by role"] = sorted((line for line in lines if line[1] >= 5), key=lambda line: -line[2])
    out["largest small"] = sum(line[1] < 5 for line in lines)
    known = table[table[role] != "Unknown_Role"]
    lines = by(known, [role, "tier_flag"], "count", "mean", "median")
    lines = [line for line in lines if line[2] >= 5]
    out["role and tier"] = sorted(lines, key=lambda line: (line[0], line[1]))
    out["companies"] = [
        [name, group["company"].nunique(), len(group)] for name, group in table.groupby("tier_flag")
    ]
    out = {"pandas": pd.__version__, "rows": rows, "seed": seed, "answers": out}
    pathlib.Path(__file__).with_name("questions.json").write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()
