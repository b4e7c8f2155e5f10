"""Writes learners_features.json: the 26 features of recipes/learners.toml as pandas and scikit-learn make them.

The table is the one of `segmenta synth learners --rows ROWS --seed SEED --out learners.csv`:

    python tests/peers/learners_features.py learners.csv ROWS SEED

with more cells missing and wrong than so small a table has.
"""

import json
import pathlib
import sys

import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

YEAR = 2026
NUMBERS = (
    "ctc_lpa ctc_log years_of_experience recent_ctc_update_flag company_avg_ctc_lpa company_avg_exp"
    " company_learner_count"
).split()
TEXTS = ["job_position_grouped", "tier_flag"]


def spoil(table):
    """As `spoiled` in tests/it/recipe/learners.rs does."""
    row = table.index
    table.loc[row % 23 == 4, "company_hash"] = np.nan
    table.loc[row % 19 == 2, "orgyear"] = np.nan
    table.loc[row % 17 == 5, "orgyear"] = 20165
    table.loc[row % 29 == 7, "orgyear"] = 1979
    return table


def prepared(table):
    company = table["company_hash"].fillna("Unknown_Company")
    position = table["job_position"].fillna("Unknown_Role")
    counts = position.value_counts()
    # Equally common positions at the border would make the choice a matter of taste.
    assert counts.iloc[14] > counts.iloc[15], counts.iloc[:17]
    year = table["orgyear"].where(table["orgyear"].between(1980, YEAR))
    out = pd.DataFrame(
        {
            "ctc_lpa": table["ctc"] / 100_000,
            "ctc_log": np.log1p(table["ctc"]),
            "years_of_experience": (YEAR - year.fillna(year.median())).clip(lower=0),
            "recent_ctc_update_flag": (table["ctc_updated_year"] >= YEAR - 1).astype(int),
            "job_position_grouped": position.where(position.isin(counts.index[:15]), "Other_Role"),
        }
    )
    companies = pd.DataFrame(
        {
            "company_avg_ctc_lpa": out.groupby(company)["ctc_lpa"].mean(),
            "company_avg_exp": out.groupby(company)["years_of_experience"].mean(),
            "company_learner_count": table.groupby(company)["email_hash"].nunique(),
        }
    )
    pay = companies["company_avg_ctc_lpa"]
    low, high = pay.quantile([0.33, 0.66])
    companies["tier_flag"] = np.where(pay <= low, "Tier 3", np.where(pay <= high, "Tier 2", "Tier 1"))
    return out.join(companies.loc[company].reset_index(drop=True))


def main():
    path, rows, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
            ("texts", OneHotEncoder(sparse_output=False), TEXTS),
        ],
        verbose_feature_names_out=False,
    )
    table = pd.read_csv(path)
    assert len(table) == rows
    x = columns.fit_transform(prepared(spoil(table)))
    levels = columns.named_transformers_["texts"].categories_
    names = NUMBERS + [f"{text}={level}" for text, own in zip(TEXTS, levels) for level in own]
    features = []
    for name, column in zip(names, x.T):
        # Numbers as they are, zeros and ones as digits.
        values = column.tolist() if name in NUMBERS else "".join(str(int(v)) for v in column)
        features.append({"name": name, "values": values})
    versions = {"scikit-learn": sklearn.__version__, "pandas": pd.__version__, "numpy": np.__version__}
    lines = ",\n".join("    " + json.dumps(feature) for feature in features)
    text = (
        f'{{\n  "versions": {json.dumps(versions)},\n  "rows": {rows},\n  "seed": {seed},\n'
        f'  "features": [\n{lines}\n  ]\n}}\n'
    )
    pathlib.Path(__file__).with_name("learners_features.json").write_text(text)


if __name__ == "__main__":
    main()
