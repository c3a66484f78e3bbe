"""Which images excite a filter: the most, the least, and in between, with the exact patch that the unit saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from fer_lib.errors import UserError
from fer_lib.interpret.activations import Maxima, as_batch
from fer_lib.interpret.crop_decoder import Units
from fer_lib.interpret.receptive import field_of
from fer_lib.model import ZeroBiasCNN


def top_k(score: np.ndarray, k: int, group: np.ndarray | None = None, lowest: bool = False) -> np.ndarray:
    """(k, F) image numbers of largest (or lowest) score (N, F), best first.

    With `group` (sequence or subject of each image) at most one image a group: the three last frames of a sequence are
    nearly the same picture. Raises a UserError if k exceeds the number of images (groups).
    """
    signed = -score if lowest else score
    representative = _best_of_group(signed, group) if group is not None else None
    pool = signed if representative is None else np.take_along_axis(signed, representative, axis=0)
    if not 1 <= k <= len(pool):
        kind = "images" if group is None else "sequences or subjects"
        raise UserError(f"Asked for {k} examples, but there are {len(pool)} {kind}: choose k from 1 to {len(pool)}.")
    order = np.argsort(-pool, axis=0, kind="stable")[:k]
    return order if representative is None else np.take_along_axis(representative, order, axis=0)


def _best_of_group(score: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(G, F) number of the image of largest score in each group."""
    if len(group) != len(score):
        raise UserError(f"{len(group)} group names for {len(score)} images.")
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.append(True, np.asarray(group)[order][1:] != np.asarray(group)[order][:-1]))
    return np.stack([rows[score[rows].argmax(axis=0)] for rows in np.split(order, starts[1:])])


def stratified(score: np.ndarray, rng: np.random.Generator, strata: int = 5, each: int = 1) -> np.ndarray:
    """(strata·each, F) image numbers drawn at random from equally filled bands of score, most exciting band first."""
    count, filters = score.shape
    if strata < 1 or each < 1 or count < strata * each:
        raise UserError(f"Asked for {strata} strata × {each} examples from {count} images.")
    order = np.argsort(-score, axis=0, kind="stable")
    picks = []
    for band in np.array_split(np.arange(count), strata):
        chosen = rng.permuted(np.tile(band[:, None], (1, filters)), axis=0)[:each]
        picks.append(np.take_along_axis(order, chosen, axis=0))
    return np.concatenate(picks)


def top_k_among(score: np.ndarray, rows: np.ndarray, k: int, group: np.ndarray | None = None) -> np.ndarray:
    """`top_k` among some images only (mask (N,)), as (≤ k, F) numbers in the whole set: top images with an AU, say."""
    chosen = np.flatnonzero(rows)
    inside = None if group is None else np.asarray(group)[chosen]
    room = len(chosen) if inside is None else len(np.unique(inside))
    if room == 0:
        return np.empty((0, score.shape[1]), dtype=np.intp)
    return chosen[top_k(score[chosen], min(k, room), inside)]


def example_table(maxima: Maxima, order: np.ndarray, filters: Sequence[int], image_size: int) -> pd.DataFrame:
    """One row an example of `order` (k, F): filter, rank, image, y, x, value and whether the field is clipped.

    (top, left, bottom, right) is the receptive field in the image, half open, px.
    """
    field, rows = field_of(maxima.layer), []
    for f in filters:
        for rank, image in enumerate(order[:, f]):
            y, x = int(maxima.y[image, f]), int(maxima.x[image, f])
            box = dict(zip(("top", "left", "bottom", "right"), field.box(y, x, image_size), strict=True))
            rows.append(
                {"filter": int(f), "rank": rank, "image": int(image), "y": y, "x": x}
                | {"value": float(maxima.value[image, f]), "clipped": field.clipped(y, x, image_size), **box}
            )
    return pd.DataFrame(rows)


def units_of(table: pd.DataFrame) -> Units:
    """The units of an example table, for the decoders."""
    return Units(*(torch.tensor(table[name].to_list(), dtype=torch.long) for name in ("image", "filter", "y", "x")))


def example_crops(images: np.ndarray | Tensor, table: pd.DataFrame, layer: str) -> tuple[Tensor, Tensor]:
    """Receptive-field crops (B, size, size) of the examples, zero outside the image, and which pixels are inside."""
    which = units_of(table)
    crops, inside = field_of(layer).crops(as_batch(images)[which.image], which.y, which.x)
    return crops[:, 0], inside


def relevance(model: ZeroBiasCNN, pool3: np.ndarray, target: int) -> np.ndarray:
    """(N, F) each filter's contribution to the logit of class `target`: Σ over its pooled places of h · ∂logit/∂h.

    Exact for the piece of the piecewise linear classifier that each image lies in. Rank by it for the
    relevance-maximising examples, beside the activation-maximising ones.
    """
    h = torch.as_tensor(pool3)
    with torch.no_grad():
        on = (model.fc4(h) > 0).to(h.dtype)
        slope = (on * model.output.weight[target]) @ model.fc4.weight
        share = (slope * h).reshape(len(h), model.conv3.out_channels, -1).sum(dim=2)
    return share.numpy()
