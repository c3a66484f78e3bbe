"""Cause, not correlation: set one action unit, change nothing else, and see what a filter does.

A rendered pair differs in one AU alone, so its difference is that AU's effect. The survival rate says how many labels
found on natural (co-occurring) faces are still true then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy.stats import rankdata
from torch import Tensor

from fer_lib import faces
from fer_lib.errors import UserError
from fer_lib.facs import AUS
from fer_lib.interpret.permutation import benjamini_hochberg

Encode = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class PairEffects:
    """P pairs: `difference` (P, F) activation with the AU minus without; `au` (P,); `person` (P,)."""

    difference: np.ndarray
    au: np.ndarray
    person: np.ndarray


def pair_effects(
    activation: np.ndarray, without: np.ndarray, with_: np.ndarray, au: np.ndarray, person: np.ndarray
) -> PairEffects:
    """Effects from activations (N, F) of a set of pairs; `without` and `with_` (P,) are row numbers, `person` (N,)."""
    if not len(without) == len(with_) == len(au):
        raise UserError(f"{len(without)} pictures without and {len(with_)} with for {len(au)} pairs.")
    if (np.asarray(person)[without] != np.asarray(person)[with_]).any():
        raise UserError("A pair shows two different people; pairs must differ in one action unit alone.")
    difference = np.asarray(activation, dtype=float)[with_] - np.asarray(activation, dtype=float)[without]
    return PairEffects(difference, np.asarray(au), np.asarray(person)[without])


def do_au(
    encode: Encode,
    identities: Sequence,
    aus: Sequence[int],
    *,
    dose: float = 0.8,
    base: Tensor | None = None,
    scene=None,
    render=faces.render,
    **options,
) -> PairEffects:
    """Render each person without and with each AU, both sides, and take the difference of every filter.

    `base` (I, 2, A) is what the faces show besides (default: rest); the AU itself is taken out of it first.
    """
    base = torch.zeros(len(identities), 2, len(AUS)) if base is None else base
    differences, resting = [], None
    with torch.no_grad():
        for au in aus:
            without, with_ = base.clone(), base.clone()
            without[:, :, AUS.index(au)], with_[:, :, AUS.index(au)] = 0.0, dose
            if resting is None or not torch.equal(without, resting):  # one and the same face serves most AUs
                resting, low = without, encode(render(identities, without, scene, **options).images)
            high = encode(render(identities, with_, scene, **options).images)
            differences.append((high - low).double().numpy())
    return PairEffects(
        np.concatenate(differences),
        np.repeat(list(aus), len(identities)),
        np.tile(np.arange(len(identities)), len(aus)),
    )


def effect_table(effects: PairEffects, rng: np.random.Generator, permutations: int = 1000) -> pd.DataFrame:
    """Paired effect of every AU on every filter, one row each.

    Columns: filter, au, people, effect (mean difference), sd, d (effect / sd), t, p, p_max (family-wise), q, status.
    Pairs of one person are averaged first. The test flips the sign of all of a person's differences together, as under
    no effect with and without may be exchanged; max |t| over filters and AUs. A flip that leaves no spread has |t| = ∞.
    """
    people, who = np.unique(effects.person, return_inverse=True)
    aus, which = np.unique(effects.au, return_inverse=True)
    total = np.zeros((len(people), len(aus), effects.difference.shape[1]))
    count = np.zeros((len(people), len(aus)))
    np.add.at(total, (who, which), effects.difference)
    np.add.at(count, (who, which), 1)
    mean = total / np.maximum(count, 1)[..., None]
    seen = (count > 0).sum(axis=0)[:, None]  # (A, 1)
    effect = mean.sum(axis=0) / np.maximum(seen, 1)
    scatter = (mean**2).sum(axis=0)
    t = _t(effect, scatter, seen)
    above, null_max = np.zeros(t.shape), np.empty(permutations)
    flat = mean.reshape(len(people), -1)
    for b in range(permutations):
        flipped = (rng.choice((-1.0, 1.0), len(people)) @ flat).reshape(t.shape) / np.maximum(seen, 1)
        null = np.abs(_t(flipped, scatter, seen))
        null = np.where(np.isnan(null) & ~np.isnan(t), np.inf, null)  # all people alike, so the mean is not zero
        above += null >= np.abs(t) - 1e-9
        null_max[b] = np.nanmax(null, initial=0.0)
    return _effect_rows(aus, seen, effect, scatter, t, above, null_max)


def _t(mean: np.ndarray, scatter: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Student's t from a mean and the (flip-invariant) sum of squares; NaN without spread or with one person."""
    variance = (scatter - n * mean**2) / np.maximum(n - 1, 1)
    defined = (variance > 1e-12 * np.maximum(scatter, 1e-300)) & (n > 1)
    return np.where(defined, mean / np.sqrt(np.where(defined, variance, 1) / np.maximum(n, 1)), np.nan)


def _effect_rows(aus, seen, effect, scatter, t, above, null_max) -> pd.DataFrame:
    sd = np.sqrt(np.maximum(scatter - seen * effect**2, 0) / np.maximum(seen - 1, 1))
    undefined = np.isnan(t)
    p = np.where(undefined, np.nan, (above + 1) / (len(null_max) + 1))
    beaten = len(null_max) - np.searchsorted(np.sort(null_max), np.abs(t) - 1e-9)
    p_max = np.where(undefined, np.nan, (beaten + 1) / (len(null_max) + 1))
    d = np.where(undefined, np.nan, effect / np.where(sd > 0, sd, 1))
    columns = {"effect": effect, "sd": sd, "d": d, "t": t, "p": p, "p_max": p_max, "q": benjamini_hochberg(p)}
    return pd.DataFrame(
        {
            "filter": np.tile(np.arange(t.shape[1]), len(aus)),
            "au": np.repeat(aus, t.shape[1]),
            "people": np.repeat(seen[:, 0], t.shape[1]),
            **{name: table.ravel() for name, table in columns.items()},
            "status": np.where(undefined, "undefined: no spread between people", "ok").ravel(),
        }
    )


def dose_response(activation: np.ndarray, au: np.ndarray, dose: np.ndarray, person: np.ndarray) -> pd.DataFrame:
    """Mean activation, minus the same person's at dose 0, at each dose of each AU: filter, au, dose, mean, sd, people.

    `activation` (N, F); `au`, `dose` and `person` (N,) describe single-AU ladders. Raises a UserError for a person who
    lacks a dose or has one twice.
    """
    design = pd.DataFrame({"au": au, "person": person, "dose": np.asarray(dose).round(4)})
    for twice in design[design.duplicated()].itertuples():
        raise UserError(
            f"AU{twice.au}: person {twice.person} has more than one picture at dose {twice.dose:g}; expected one "
            "ladder a person and AU: choose one of them."
        )
    tables = []
    for unit in np.unique(au):
        rows = np.asarray(au) == unit
        steps, who = np.unique(np.asarray(dose)[rows].round(4)), np.unique(np.asarray(person)[rows])
        cube = np.full((len(who), len(steps), activation.shape[1]), np.nan)
        place = np.searchsorted(who, np.asarray(person)[rows]), np.searchsorted(steps, np.asarray(dose)[rows].round(4))
        cube[place] = activation[rows]
        if steps[0] != 0 or np.isnan(cube).any():
            raise UserError(f"The ladder of AU{unit} is incomplete: every person needs every dose, dose 0 among them.")
        rise = cube - cube[:, :1]
        index = pd.MultiIndex.from_product([[unit], steps, range(activation.shape[1])], names=["au", "dose", "filter"])
        values = {"mean": rise.mean(axis=0).ravel(), "sd": rise.std(axis=0, ddof=1).ravel(), "people": len(who)}
        tables.append(pd.DataFrame(values, index=index).reset_index())
    return pd.concat(tables, ignore_index=True)


def dose_slopes(response: pd.DataFrame) -> pd.DataFrame:
    """filter, au, slope (activation per full dose, least squares) and `monotone`: Spearman's rho of mean and dose."""
    cube = response.pivot_table(index=["filter", "au"], columns="dose", values="mean")
    dose = cube.columns.to_numpy(dtype=float) - cube.columns.to_numpy(dtype=float).mean()
    ranks = rankdata(cube.to_numpy(), axis=1)
    ranks = ranks - ranks.mean(axis=1, keepdims=True)
    steps = rankdata(dose) - rankdata(dose).mean()
    scale = np.linalg.norm(ranks, axis=1) * np.linalg.norm(steps)
    out = cube.index.to_frame(index=False)
    out["slope"] = cube.to_numpy() @ dose / (dose @ dose)
    out["monotone"] = np.divide(ranks @ steps, scale, out=np.full(len(scale), np.nan), where=scale > 0)
    return out


def survival(labels: pd.DataFrame, test: pd.DataFrame, statistic: str, level: float = 0.05) -> pd.DataFrame:
    """Which labels found on natural faces hold where AUs are set one by one.

    `labels`: filter, au, value (its sign counts). `test`: filter, au, `statistic`, p_max: an effect table, or the rank
    rows of an alignment with the factorial set. Adds significant (p_max ≤ level), same_sign, largest (no other AU has a
    larger statistic of that sign) and survives (all three); a label without a defined test does not survive.
    """
    cells = test.pivot(index="filter", columns="au", values=[statistic, "p_max"])
    missing = set(labels["au"]) - set(cells[statistic].columns)
    if missing:
        raise UserError(f"The test has no AU {sorted(missing)}; it covers {sorted(cells[statistic].columns)}.")
    out = labels.copy()
    sign = np.where(labels.get("value", pd.Series(1.0, index=labels.index)) < 0, -1, 1)
    found = [cells[statistic].loc[f, au] for f, au in zip(labels["filter"], labels["au"], strict=True)]
    best = [
        np.nanmax(s * cells[statistic].loc[f], initial=-np.inf) for f, s in zip(labels["filter"], sign, strict=True)
    ]
    p_max = [cells["p_max"].loc[f, au] for f, au in zip(labels["filter"], labels["au"], strict=True)]
    out["statistic"], out["p_max_test"] = found, p_max
    out["significant"] = np.asarray(p_max) <= level
    out["same_sign"] = sign * np.asarray(found) > 0
    out["largest"] = sign * np.asarray(found) >= np.asarray(best) - 1e-12
    out["survives"] = out[["significant", "same_sign", "largest"]].all(axis=1)
    return out
