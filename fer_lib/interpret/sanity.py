"""Is the picture about the filter, the weights, the data — or would any network have drawn it?"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from scipy.stats import norm, rankdata
from torch import Tensor

from fer_lib.interpret.crop_decoder import CAPTUM, Conventions, Units, decode_crops
from fer_lib.interpret.decoders import decode
from fer_lib.interpret.divergence import divergence
from fer_lib.interpret.exchange import exchangeable
from fer_lib.interpret.measures import auroc_z
from fer_lib.interpret.permutation import benjamini_hochberg, max_t
from fer_lib.model import ZeroBiasCNN

LAYERS = ("output", "fc4", "conv3", "conv2", "conv1")


def filter_specificity(
    model: ZeroBiasCNN,
    images: Tensor,
    generator: torch.Generator,
    method: str = "deconvnet",
    *,
    layer: str = "conv3",
    places: int = 20,
    filters: int = 16,
) -> float:
    """Mean cosine between maps of different filters at the same place of the same image: 1 means "about the image".

    `places` random places of random images, `filters` random filters each; maps that are zero are left out.
    """
    channels, grid = getattr(model, layer).out_channels, images.shape[-1] // 2 ** (int(layer[-1]) - 1)
    means = []
    for _ in range(places):
        image, y, x = (int(torch.randint(size, (), generator=generator)) for size in (len(images), grid, grid))
        chosen = torch.randperm(channels, generator=generator)[:filters]
        where = [torch.full((len(chosen),), value) for value in (image, y, x)]
        maps = decode(model, images, Units(where[0], chosen, *where[1:]), method, layer=layer).flatten(1)
        length = maps.norm(dim=1)
        maps = maps[length > 0] / length[length > 0, None]
        if len(maps) > 1:
            pairs = (maps @ maps.T).triu(1).sum() / (len(maps) * (len(maps) - 1) / 2)
            means.append(float(pairs))
    return float(np.mean(means)) if means else float("nan")


def randomised(
    model: ZeroBiasCNN, generator: torch.Generator, cascade: bool = True
) -> Iterator[tuple[str, ZeroBiasCNN]]:
    """Copies of the network with weights shuffled from the top down (`cascade`) or one layer at a time.

    A layer's weights trade places at random, so their distribution stays as it was (Adebayo et al. 2018 redraw them).
    """
    current = copy.deepcopy(model)
    for layer in LAYERS:
        current = copy.deepcopy(current if cascade else model)
        with torch.no_grad():
            weight = getattr(current, layer).weight
            weight.copy_(weight.flatten()[torch.randperm(weight.numel(), generator=generator)].reshape(weight.shape))
        yield layer, current


def parameter_randomisation(
    model: ZeroBiasCNN,
    images: Tensor,
    which: Units,
    generator: torch.Generator,
    method: str = "deconvnet",
    *,
    layer: str = "conv3",
    cascade: bool = True,
    conventions: Conventions = CAPTUM,
) -> pd.DataFrame:
    """Likeness of each unit's map before and after randomising: layer, cosine, spearman (of |map|), maps.

    A map of the filter's weights must change once `layer` is randomised; one that stays was about the image. Layers
    above `layer` cannot matter and give 1: they are listed as a check.
    """
    before = decode(model, images, which, method, layer=layer, conventions=conventions).flatten(1)
    rows = []
    for name, changed in randomised(model, generator, cascade):
        after = decode(changed, images, which, method, layer=layer, conventions=conventions).flatten(1)
        alive = (before.norm(dim=1) > 0) & (after.norm(dim=1) > 0)
        a, b = before[alive], after[alive]
        ranks = [rankdata(part.abs().numpy(), axis=1) for part in (a, b)]
        rows.append(
            {
                "layer": name,
                "cosine": _mean_cosine(a.double().numpy(), b.double().numpy()),
                "spearman": _mean_cosine(*(part - part.mean(axis=1, keepdims=True) for part in ranks)),
                "maps": int(alive.sum()),
            }
        )
    return pd.DataFrame(rows)


def _mean_cosine(a: np.ndarray, b: np.ndarray) -> float:
    scale = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean((a * b).sum(axis=1)[scale > 0] / scale[scale > 0])) if (scale > 0).any() else float("nan")


def zero_bias_identities(model: ZeroBiasCNN, images: Tensor, which: Units, factor: float = 3.0) -> dict[str, float]:
    """Relative errors of a(c·x) = c·a(x) and of Σ gradient × input = a(x) at conv3; both vanish without biases."""
    with torch.no_grad():
        plain, scaled = model.activations(images), model.activations(factor * images)
        maps, activation = decode_crops(model, images, which, "gradient_x_input", "conv3", CAPTUM)
    alive = activation > 0
    gap = (maps.sum(dim=(1, 2)) - activation)[alive].norm() / activation[alive].norm()
    return {
        "homogeneity": float((scaled - factor * plain).norm() / (factor * plain).norm()),
        "completeness": float(gap),
    }


def null_simulation(
    rng: np.random.Generator,
    *,
    sequences: int = 327,
    frames: int = 4,
    filters: int = 256,
    aus: int = 20,
    permutations: int = 200,
    noise: float = 0.3,
) -> dict[str, float]:
    """Activations that know nothing of the AUs, in clustered rows: what naive tests and plug-in KL make of them.

    Returns the share of naive Mann–Whitney p < .05, naive Benjamini–Hochberg discoveries, max-T discoveries by
    sequence, and the share of filters whose largest plug-in KL falls on one of the four rarest AUs. AU frequencies run
    from 3 % to 50 %; the first frame of a sequence is neutral; `noise` is the sd of frames within a sequence (of 1
    between).
    """
    sequence = np.repeat(np.arange(sequences), frames)
    level = rng.normal(size=(sequences, filters))[sequence]
    activation = np.maximum(level + noise * rng.normal(size=level.shape), 0)
    presence = (rng.random((sequences, aus)) < np.geomspace(0.03, 0.5, aus))[sequence].astype(float)
    presence[::frames] = 0
    naive = 2 * norm.sf(np.abs(auroc_z(activation, presence)))
    test = max_t(activation, presence, exchangeable(sequence), rng, permutations)
    favourite = np.nanargmax(np.nan_to_num(divergence(activation, presence), nan=-1), axis=1)
    rarest = np.argsort(presence.sum(axis=0))[:4]
    return {
        "tests": int(np.isfinite(naive).sum()),
        "naive_rejections": float(np.mean(naive[np.isfinite(naive)] < 0.05)),
        "naive_discoveries": int((benjamini_hochberg(naive) < 0.05).sum()),
        "max_t_discoveries": int((test.p_max <= 0.05).sum()),
        "kl_on_rarest": float(np.isin(favourite, rarest).mean()),
    }
