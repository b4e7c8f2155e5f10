"""Writes agreement.json: scores of two labellings as scikit-learn computes them, and assignments as SciPy finds them, for
tests/it/agreement.rs. The random labellings are made from hashes, so that the test can make them again."""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy.optimize import linear_sum_assignment
from sklearn import datasets, metrics
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

WORD = (1 << 64) - 1


def mix(x):
    """splitmix64"""
    x = (x + 0x9E3779B97F4A7C15) & WORD
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & WORD
    return x ^ (x >> 31)


def draw(h, k, skewed):
    u = h & 0xFFFFF
    return (k * u * u) >> 40 if skewed else (k * u) >> 20


def labelling(case):
    a, b = [], []
    for i in range(case["rows"]):
        one, two = mix((case["seed"] << 32) + 2 * i), mix((case["seed"] << 32) + 2 * i + 1)
        label = i if case["distinct_a"] else draw(one, case["k_a"], case["skewed"])
        a.append(label)
        if case["distinct_b"]:
            b.append(i)
        elif (two >> 40) % 100 < case["agree"]:
            b.append(label * 7 % case["k_b"])
        else:
            b.append(draw(two, case["k_b"], case["skewed"]))
    return a, b


def scores(a, b):
    h, c, v = metrics.homogeneity_completeness_v_measure(a, b)
    return {
        "ari": float(metrics.adjusted_rand_score(a, b)),
        "ami": float(metrics.adjusted_mutual_info_score(a, b)),
        "nmi": float(metrics.normalized_mutual_info_score(a, b)),
        "homogeneity": h,
        "completeness": c,
        "v_measure": v,
    }


def classics():
    out = []
    for name in ["iris", "wine", "breast_cancer", "digits"]:
        table = getattr(datasets, f"load_{name}")()
        x = StandardScaler().fit_transform(table.data)
        k = len(set(table.target))
        fitted = KMeans(k, n_init=5, random_state=0).fit_predict(x)
        text = lambda labels: "".join(str(int(label)) for label in labels)
        out.append({"name": name, "a": text(table.target), "b": text(fitted), "scores": scores(table.target, fitted)})
    return out


def random():
    shapes = [
        # rows, k_a, k_b, share that agrees, skewed, all labels distinct in a, in b
        (2, 2, 2, 0, 0, 0, 0), (7, 3, 2, 50, 0, 0, 0), (10, 10, 10, 0, 0, 0, 0), (50, 4, 4, 100, 0, 0, 0),
        (100, 5, 3, 80, 1, 0, 0), (100, 1, 5, 0, 0, 0, 0), (100, 5, 1, 0, 0, 0, 0), (300, 30, 40, 10, 0, 0, 0),
        (1000, 6, 6, 95, 0, 0, 0), (1000, 6, 6, 0, 0, 0, 0), (1000, 200, 6, 30, 1, 0, 0), (1000, 3, 0, 0, 0, 0, 1),
        (1000, 0, 12, 0, 1, 1, 0), (1000, 0, 0, 0, 0, 1, 1), (5000, 10, 12, 70, 1, 0, 0), (5000, 1500, 1800, 50, 0, 0, 0),
        (20000, 5, 8, 99, 1, 0, 0), (20000, 3000, 2500, 20, 1, 0, 0), (20000, 8000, 40, 60, 0, 0, 0),
        (50000, 100, 120, 40, 1, 0, 0), (50000, 2, 2, 1, 0, 0, 0),
    ]
    out = []
    for seed, (rows, k_a, k_b, agree, skewed, distinct_a, distinct_b) in enumerate(shapes):
        case = {"seed": seed, "rows": rows, "k_a": k_a, "k_b": k_b, "agree": agree, "skewed": bool(skewed),
                "distinct_a": bool(distinct_a), "distinct_b": bool(distinct_b)}
        case["scores"] = scores(*labelling(case))
        out.append(case)
        print(case, flush=True)
    return out


def assignments():
    out = []
    for seed, (k_a, k_b) in enumerate([(1, 1), (1, 4), (5, 1), (3, 3), (4, 6), (7, 5), (20, 20), (40, 60), (90, 35)]):
        counts = np.array([[mix((seed << 32) + i * k_b + j) % 100_000 for j in range(k_b)] for i in range(k_a)])
        lines, columns = linear_sum_assignment(counts, maximize=True)
        pairs = sorted(zip(columns.tolist(), lines.tolist()))
        out.append({"seed": seed, "k_a": k_a, "k_b": k_b, "total": int(counts[lines, columns].sum()),
                    "pairs": [[line, column] for column, line in pairs]})
    return out


if __name__ == "__main__":
    found = {
        "versions": {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
        "classics": classics(),
        "random": random(),
        "assignments": assignments(),
    }
    path = pathlib.Path(__file__).with_name("agreement.json")
    path.write_text(json.dumps(found, indent=1) + "\n")
