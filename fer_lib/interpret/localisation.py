"""Is the decoded patch where the action unit is? Maps against the exact mask of a rendered difference.

A map lies inside its receptive field by construction, so every score stands beside two baselines: a uniform box of the
field, and the map of another filter at the same place.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from fer_lib.errors import UserError
from fer_lib.interpret.crop_decoder import CAPTUM, Conventions, Units
from fer_lib.interpret.decoders import decode, paste
from fer_lib.interpret.receptive import field_of
from fer_lib.model import ZeroBiasCNN

SCORES = ("pointing", "mass", "rank", "iou")


def score_maps(maps: Tensor, masks: Tensor) -> dict[str, np.ndarray]:
    """Scores (B,) of |maps| (B, H, W) against masks (B, H, W); NaN where a map or a mask is empty.

    pointing: is the largest value inside the mask (ties: their share inside). mass: share of the map's sum inside.
    rank: share inside of the |mask| largest pixels (relevance rank accuracy). iou: overlap of those with the mask.
    """
    if maps.shape != masks.shape:
        raise UserError(f"Maps have shape {tuple(maps.shape)}, masks {tuple(masks.shape)}.")
    strength, inside = maps.abs().flatten(1).double(), masks.flatten(1).bool()
    size = inside.sum(dim=1)
    defined = ((size > 0) & (strength.sum(dim=1) > 0)).numpy()
    top = strength == strength.amax(dim=1, keepdim=True)
    hits = _hits(strength, inside, size)
    scores = {
        "pointing": (top & inside).sum(dim=1) / top.sum(dim=1),
        "mass": (strength * inside).sum(dim=1) / strength.sum(dim=1),
        "rank": hits / size,
        "iou": hits / (2 * size - hits),
    }
    return {name: np.where(defined, value.numpy(), np.nan) for name, value in scores.items()}


def _hits(strength: Tensor, inside: Tensor, size: Tensor) -> Tensor:
    """How many of the `size` strongest pixels lie inside; tied pixels at the edge count by their share."""
    ordered = strength.sort(dim=1, descending=True).values
    edge = ordered.gather(1, (size[:, None] - 1).clamp_min(0))
    above, tied = strength > edge, strength == edge
    room = size - above.sum(dim=1)
    return (above & inside).sum(dim=1) + room * (tied & inside).sum(dim=1) / tied.sum(dim=1)


def localise(
    model: ZeroBiasCNN,
    images: Tensor,
    which: Units,
    masks: Tensor,
    rng: np.random.Generator,
    method: str = "guided",
    *,
    layer: str = "conv3",
    conventions: Conventions = CAPTUM,
) -> pd.DataFrame:
    """Scores of B units' maps on prepared images (N, 1, H, W) against masks (B, H, W), and of both baselines.

    One row a unit and kind ("decoded", "box", "other filter"): unit, image, filter, kind, pointing, mass, rank, iou.
    """
    size, count = images.shape[-1], getattr(model, layer).out_channels
    shift = torch.from_numpy(rng.integers(1, count, len(which)))
    other = Units(which.image, (which.filter + shift) % count, which.y, which.x)
    field = field_of(layer)
    kinds = {
        "decoded": paste(
            decode(model, images, which, method, layer=layer, conventions=conventions), which, size, layer
        ),
        "box": paste(torch.ones(len(which), field.size, field.size), which, size, layer),
        "other filter": paste(
            decode(model, images, other, method, layer=layer, conventions=conventions), which, size, layer
        ),
    }
    design = {"unit": np.arange(len(which)), "image": which.image.numpy(), "filter": which.filter.numpy()}
    return pd.concat(
        [pd.DataFrame(design | {"kind": kind} | score_maps(maps, masks)) for kind, maps in kinds.items()],
        ignore_index=True,
    )


def localisation_gain(
    table: pd.DataFrame, rng: np.random.Generator, permutations: int = 1000, by: str = "unit"
) -> pd.DataFrame:
    """Mean score of the decoded maps minus each baseline, with a paired sign-flip p (one row a score and baseline).

    Rows of the table that share `by` (a column) flip together: "unit" takes every map for a witness of its own, a
    column that says whose face it was takes the person. Columns: score, baseline, decoded, base, gain, p, units.
    Pairs with an undefined score are left out.
    """
    wide = table.pivot(index="unit", columns="kind", values=list(SCORES))
    cluster = table.drop_duplicates("unit").set_index("unit", drop=False)[by]
    rows = []
    for score in SCORES:
        for baseline in ("box", "other filter"):
            pair = wide[score][["decoded", baseline]].dropna()
            who = pd.factorize(cluster.loc[pair.index])[0]
            rows.append({"score": score, "baseline": baseline} | _paired_gain(pair.to_numpy(), who, rng, permutations))
    return pd.DataFrame(rows)


def _paired_gain(pair: np.ndarray, who: np.ndarray, rng: np.random.Generator, permutations: int) -> dict[str, float]:
    if len(pair) < 2:
        return {"decoded": np.nan, "base": np.nan, "gain": np.nan, "p": np.nan, "units": len(pair)}
    gain = pair[:, 0] - pair[:, 1]
    sums = np.bincount(who, gain)
    null = rng.choice((-1.0, 1.0), (permutations, len(sums))) @ sums / len(gain)
    p = (1 + (np.abs(null) >= abs(gain.mean()) - 1e-12).sum()) / (permutations + 1)
    decoded, base = pair.mean(axis=0)
    return {"decoded": decoded, "base": base, "gain": gain.mean(), "p": p, "units": len(pair)}
