"""Plotly figures from plain results: tables and arrays in, a figure out, never a model.

Every figure says which data made it (`data`, part of the title) and carries an alt text made of its own numbers in
`layout.meta["alt"]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_lib.errors import UserError

INK, MUTED, ACCENT, SECOND, BAND = "#1f2430", "#8a8f98", "#1f6f8b", "#c2571a", "rgba(138,143,152,0.25)"
DIVERGING, SEQUENTIAL = "RdBu", "Blues"  # readable with the usual colour-vision deficiencies
READABLE = 10  # columns of a matrix whose numbers can be read at a page's width
CHANCE = {"annotation_text": "chance", "annotation_position": "right"}  # beside the plot, where no bar covers it
_FONT = {"family": "system-ui, sans-serif", "size": 14, "color": INK}


def finish(figure: go.Figure, title: str, alt: str, data: str = "", height: int = 400) -> go.Figure:
    """The house style: title with the data's name, alt text, plain background."""
    if not alt.strip():
        raise UserError(f"Figure {title!r} needs an alt text that says what it shows.")
    full = f"{title}<br><sup>{data}</sup>" if data else title
    figure.update_layout(
        title=full, template="plotly_white", font=_FONT, height=height, margin={"l": 70, "r": 20, "t": 70, "b": 60}
    )
    figure.update_layout(meta={"alt": f"{alt} Data: {data}." if data else alt})
    return figure


def alignment_heatmap(table: pd.DataFrame, metric: str = "auroc", rows: int = 40, data: str = "") -> go.Figure:
    """Filters × AUs, the `rows` filters with the strongest cells first; undefined pairs are left blank."""
    cells = table[table["metric"] == metric]
    if cells.empty:
        raise UserError(f"The table has no metric {metric!r}; it has {sorted(table['metric'].unique())}.")
    wide = cells.pivot(index="filter", columns="au", values="value")
    if metric in ("auroc", "auroc_within_emotion"):
        middle = 0.5  # whatever single pairs get by chance
    else:
        middle = float(cells["chance"].mean()) if cells["chance"].notna().any() else 0.0
    strongest = (wide - middle).abs().max(axis=1).sort_values(ascending=False).index[:rows]
    wide = wide.loc[strongest].dropna(how="all")
    reach = float(np.nanmax(np.abs(wide.to_numpy() - middle))) if wide.size else 1.0
    figure = go.Figure(
        go.Heatmap(
            z=wide.to_numpy(),
            x=[f"AU {au}" for au in wide.columns],
            y=[f"filter {f}" for f in wide.index],
            zmin=middle - reach,
            zmax=middle + reach,
            colorscale=DIVERGING,
            reversescale=True,
            colorbar={"title": {"text": metric, "side": "right"}},
        )
    )
    figure.update_yaxes(autorange="reversed", dtick=1)
    peak = wide.stack()
    top = peak.idxmax() if len(peak) else None
    most = f" The largest, {peak.max():.2f}, is filter {top[0]} with AU {top[1]}." if top else ""
    size = f"{len(wide)} filters and {wide.shape[1]} action units"
    alt = f"Heat map of {metric} for {size}; the colours turn at {middle:.2f}.{most}"
    return finish(
        figure, f"Alignment of filters with action units ({metric})", alt, data, max(400, 14 * len(wide) + 160)
    )


def au_profile(table: pd.DataFrame, number: int, data: str = "") -> go.Figure:
    """One filter's AUROC for every AU with its interval over people, on the band that permutation gives."""
    rows = table[(table["metric"] == "auroc") & (table["filter"] == number)].dropna(subset="value")
    if rows.empty:
        raise UserError(f"The table has no defined AUROC for filter {number}.")
    names = [f"AU {au}" for au in rows["au"]]
    figure = go.Figure()
    band = {"x": names, "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip", "mode": "lines"}
    figure.add_scatter(y=rows["null_low"], **band)
    band |= {"fill": "tonexty", "fillcolor": BAND, "showlegend": True, "name": "95 % under permutation"}
    figure.add_scatter(y=rows["null_high"], **band)
    error = {"array": rows["high"] - rows["value"], "arrayminus": rows["value"] - rows["low"], "color": INK}
    figure.add_scatter(
        x=names, y=rows["value"], error_y=error, mode="markers", marker={"color": ACCENT, "size": 9}, name="AUROC"
    )
    figure.add_hline(y=0.5, line={"color": MUTED, "dash": "dot"})
    figure.update_yaxes(title="AUROC", range=[-0.03, 1.03])
    best = rows.loc[rows["value"].idxmax()]
    outside = int(((rows["value"] > rows["null_high"]) | (rows["value"] < rows["null_low"])).sum())
    alt = (
        f"AUROC of filter {number} for {len(rows)} action units. Largest: AU {best['au']}, {best['value']:.2f}. "
        f"{outside} lie outside the band of 95 % of permutations."
    )
    return finish(figure, f"Filter {number}: which action units?", alt, data, 330)


def bars(
    names: Sequence[str],
    values: Sequence[float],
    title: str,
    unit: str,
    *,
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    chance: float | None = None,
    data: str = "",
) -> go.Figure:
    """Named values with intervals and a dotted line at chance."""
    values = np.asarray(values, dtype=float)
    error = None
    if low is not None and high is not None:
        error = {"array": np.asarray(high) - values, "arrayminus": values - np.asarray(low), "color": INK}
    figure = go.Figure(go.Bar(x=list(names), y=values, error_y=error, marker={"color": ACCENT}))
    if chance is not None:
        figure.add_hline(y=chance, line={"color": SECOND, "dash": "dot"}, **CHANCE)
    figure.update_yaxes(title=unit)
    told = ", ".join(f"{name} {value:.3g}" for name, value in zip(names, values, strict=True))
    alt = f"Bars of {unit}: {told}." + (f" Chance: {chance:.3g}." if chance is not None else "")
    return finish(figure, title, alt, data).update_layout(margin={} if chance is None else {"r": 70})


def seed_strip(table: pd.DataFrame, group: str, value: str, title: str, unit: str, data: str = "") -> go.Figure:
    """Every run as a point, every group's mean as a line: what a bar of means would hide."""
    figure, told = go.Figure(), []
    for name, rows in table.groupby(group, sort=False):
        mean, sd = rows[value].mean(), rows[value].std(ddof=1) if len(rows) > 1 else float("nan")
        figure.add_box(
            y=rows[value], name=str(name), boxpoints="all", pointpos=0, jitter=0.5, fillcolor="rgba(0,0,0,0)",
            line={"color": "rgba(0,0,0,0)"}, marker={"color": ACCENT, "size": 8}, showlegend=False,
        )  # fmt: skip
        figure.add_scatter(
            x=[str(name)], y=[mean], mode="markers", showlegend=False,
            marker={"symbol": "line-ew", "size": 34, "line": {"width": 3, "color": SECOND}},
        )  # fmt: skip
        told.append(f"{name}: mean {mean:.3g}" + (f" (sd {sd:.2g}, {len(rows)} runs)" if len(rows) > 1 else " (1 run)"))
    figure.update_yaxes(title=unit)
    return finish(figure, title, f"{unit} of single runs. {'; '.join(told)}.", data)


def points(
    table: pd.DataFrame, group: str, values: Mapping[str, str], title: str, unit: str, lines: Mapping[str, float],
    data: str = "",
) -> go.Figure:  # fmt: skip
    """Every row as one point a measure, side by side for each `group`; level lines where `lines` (name → value) says.

    `values`: column → its name in the legend; three at most, else raises UserError. NaN is no point.
    """
    figure, told = go.Figure(), []
    looks = ({"color": ACCENT, "symbol": "circle"}, {"color": SECOND, "symbol": "diamond-open"}, {"color": MUTED})
    if len(values) > len(looks):
        raise UserError(f"{title}: {len(values)} measures of a group; expected {len(looks)} or fewer.")
    for (column, name), look in zip(values.items(), looks, strict=False):
        figure.add_scatter(x=table[group], y=table[column], name=name, mode="markers", marker={"size": 9} | look)
    for name, value in lines.items():
        figure.add_hline(
            y=value, line={"dash": "dot", "color": MUTED}, annotation_text=name, annotation_position="top left"
        )
    for name, rows in table.groupby(group, sort=False):
        medians = {told_as: rows[column].median() for column, told_as in values.items() if rows[column].notna().any()}
        told.append(f"{name}: " + ", ".join(f"{median:.2f} ({told_as})" for told_as, median in medians.items()))
    told += [f"{name}: line at {value:.2f}" for name, value in lines.items()]
    figure.update_yaxes(title=unit)
    return finish(figure, title, f"{unit}, medians. {'; '.join(told)}.", data)


def dose_curves(response: pd.DataFrame, number: int, aus: Sequence[int], data: str = "") -> go.Figure:
    """A filter's mean change of activation as one AU grows from 0 to 1; bars are one standard error over people."""
    figure, told = go.Figure(), []
    for au in aus:
        rows = response[(response["filter"] == number) & (response["au"] == au)].sort_values("dose")
        if rows.empty:
            raise UserError(f"The dose-response table has no filter {number} with AU {au}.")
        error = {"array": rows["sd"] / np.sqrt(rows["people"])}
        figure.add_scatter(x=rows["dose"], y=rows["mean"], error_y=error, mode="lines+markers", name=f"AU {au}")
        told.append(f"AU {au} {rows['mean'].iloc[-1]:+.3g}")
    figure.update_xaxes(title="intensity of the action unit")
    figure.update_yaxes(title="change of activation")
    alt = f"Change of filter {number}'s activation at full intensity: {', '.join(told)}."
    return finish(figure, f"Filter {number}: dose and response", alt, data)


def matrix(
    values: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str, unit: str, *, diverging: bool = False,
    data: str = "",
) -> go.Figure:  # fmt: skip
    """A labelled matrix: effects, harms, or a confusion matrix. Up to `READABLE` columns hold their numbers as well."""
    values = np.asarray(values, dtype=float)
    if values.shape != (len(rows), len(columns)):
        raise UserError(f"{title}: a matrix of shape {values.shape} for {len(rows)} rows and {len(columns)} columns.")
    reach = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    figure = go.Figure(
        go.Heatmap(
            z=values, x=list(columns), y=list(rows), colorscale=DIVERGING if diverging else SEQUENTIAL,
            reversescale=diverging, zmin=-reach if diverging else 0, zmax=reach,
            colorbar={"title": {"text": unit, "side": "right"}}, text=_short(values, reach),
            texttemplate="%{text}" if len(columns) <= READABLE else None,
            hovertemplate="%{y}, %{x}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed")
    alt = f"Matrix of {unit}, {len(rows)} rows by {len(columns)} columns."
    if np.isfinite(values).any():
        r, c = np.unravel_index(np.nanargmax(values), values.shape)
        alt += f" The largest value, {values[r, c]:.3g}, is {rows[r]} with {columns[c]}."
    return finish(figure, title, alt, data, max(360, 24 * len(rows) + 160))


def _short(values: np.ndarray, reach: float) -> list[list[str]]:
    """Numbers that fit into a cell: as many decimals for all as give the largest, `reach`, two digits; NaN is empty."""
    decimals = max(0, 2 - int(np.ceil(np.log10(reach)))) if reach > 0 else 0
    rounded = np.round(values, decimals) + 0.0  # no minus zero
    return [["" if np.isnan(v) else f"{v:.10g}" for v in row] for row in rounded]


def confusion_matrix(counts: np.ndarray, emotions: Sequence[str], data: str = "") -> go.Figure:
    """Rows: the true emotion; columns: the answer; each row adds to 1."""
    counts = np.asarray(counts, dtype=float)
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
    return matrix(share, emotions, emotions, "What is taken for what", "share of the true emotion", data=data)


def lines(
    table: pd.DataFrame, x: str, y: Sequence[str], title: str, unit: str, *, log_x: bool = False, data: str = ""
) -> go.Figure:
    """Columns `y` against column `x`: training curves, likeness against randomised layers, calibration."""
    figure, told = go.Figure(), []
    for name in y:
        figure.add_scatter(x=table[x], y=table[name], mode="lines+markers", name=name)
        told.append(f"{name} from {table[name].iloc[0]:.3g} to {table[name].iloc[-1]:.3g}")
    figure.update_xaxes(title=x, type="log" if log_x else None)
    figure.update_yaxes(title=unit)
    return finish(figure, title, f"Lines against {x}: {'; '.join(told)}.", data)


def baselines(gain: pd.DataFrame, data: str = "") -> go.Figure:
    """Localisation: each score of the decoded maps beside its baselines (from `localisation_gain`)."""
    figure = go.Figure()
    decoded = gain.drop_duplicates("score")
    figure.add_bar(x=decoded["score"], y=decoded["decoded"], name="decoded map", marker={"color": ACCENT})
    for baseline, colour in (("box", MUTED), ("other filter", SECOND)):
        rows = gain[gain["baseline"] == baseline]
        figure.add_bar(x=rows["score"], y=rows["base"], name=baseline, marker={"color": colour})
    figure.update_yaxes(title="mean score", range=[0, 1])
    told = ", ".join(f"{r.score} {r.decoded:.2f} against {r.base:.2f} ({r.baseline})" for r in gain.itertuples())
    return finish(figure, "Is the decoded patch where the action unit is?", f"Mean scores: {told}.", data)
