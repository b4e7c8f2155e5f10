//! The rules for points, curves, heat maps and dendrograms.

/// Rules that belong to single kinds of charts.
pub(super) const RULES: &str = "\
.chart .mark.thin{stroke-width:1.3px}
.chart .mark.pin{stroke:var(--paper);stroke-width:1px}
.chart .mark.hollow{fill:none;stroke:var(--c,var(--accent));stroke-width:1.2px}
.chart .mark.dots{fill:none;stroke:var(--c,var(--accent));stroke-opacity:.7}
.chart .mark.dots.solid{fill:var(--c,var(--accent));fill-opacity:.7;stroke:none}
.chart .frame{stroke:var(--grid);fill:none}
.chart .band{fill:var(--accent);fill-opacity:.13}
.chart .ring{fill:none;stroke:var(--ink);stroke-width:1.5px;pointer-events:none}
.chart .boundary{stroke:var(--ink);stroke-width:1.5px;stroke-dasharray:6 4;fill:none}
.chart .over{stroke:var(--paper);stroke-width:3px;stroke-linejoin:round;paint-order:stroke}
.chart .tile{fill:var(--c);stroke:var(--paper)}
.chart .flat{fill:var(--c)}
.chart .empty{fill:none;stroke:var(--grid)}
.chart .cell-text{fill:var(--k,var(--ink));font-size:12px;font-variant-numeric:tabular-nums;pointer-events:none}
.chart .mark.branch{stroke:var(--muted)}
.chart .leader{stroke:var(--grid);stroke-dasharray:2 3;fill:none}
";
