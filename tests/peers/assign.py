"""Labels a table with model.json alone, for a recipe of fill, clip, log1p, scale: `assign.py model.json table.csv`."""
import csv, json, math, sys
def read(text):
    try: return float(text)
    except ValueError: return text or None
def apply(rule, x):
    name, c = (rule, None) if rule == "log1p" else [*rule.items()][0]
    if x is None: return c if name == "fill" else None
    return {"fill": lambda: x, "log1p": lambda: math.log1p(x), "scale": lambda: (x - c["centre"]) / c["scale"],
            "clip": lambda: min(max(x, c.get("min", x)), c.get("max", x))}[name]()
model = json.load(open(sys.argv[1]))
for row in csv.DictReader(open(sys.argv[2])):
    row, f = {name: read(text) for name, text in row.items()}, []
    for c in model["preparation"]["columns"]:
        row[c["name"]] = [x := row[c["from"]], *(x := apply(rule, x) for rule in c["rules"])][-1]
    for e in model["encoder"]["columns"]:
        x = row[e["column"]]
        if e["kind"] == "number": f.append(((e["median"] if x is None else x) - e["centre"]) / e["scale"])
        else: f += [x == l for l in e["levels"]] + [x in e["other"]] * bool(e["other"]) + [x is None] * e["missing"]
    print(min(model["centroids"], key=lambda c: math.dist(f, c["values"]))["segment"])
