"""Take a filter out and see which emotions suffer, beside random filters like it.

Filter f reaches the classifier only through its four pooled values, so removing it subtracts W[:, 4f:4f+4]·h from
fc4's input: exact, and no image needs to be seen again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from fer_lib.errors import UserError
from fer_lib.facs import PROTOTYPES
from fer_lib.model import ZeroBiasCNN

BATCH = 16  # filters at once: their hidden values stay in the processor's cache


def _pooled(model: ZeroBiasCNN, pool3: np.ndarray | Tensor) -> tuple[Tensor, Tensor]:
    """h (N, F, 4) and fc4's weights (300, F, 4)."""
    h, filters = torch.as_tensor(pool3), model.conv3.out_channels
    if h.ndim != 2 or h.shape[1] != model.fc4.in_features:
        raise UserError(
            f"pool3 has shape {tuple(h.shape)}, expected (N, {model.fc4.in_features}): see activations.scan."
        )
    return h.reshape(len(h), filters, -1), model.fc4.weight.reshape(model.fc4.out_features, filters, -1)


def _removed(h: Tensor, mode: str) -> Tensor:
    """What ablation takes away of h: all of it, or what exceeds the mean over images."""
    if mode not in ("zero", "mean"):
        raise UserError(f"Unknown ablation {mode!r}; expected 'zero' or 'mean'.")
    return h if mode == "zero" else h - h.mean(dim=0)


@torch.no_grad()
def ablate_each(
    model: ZeroBiasCNN, pool3: np.ndarray | Tensor, mode: str = "zero", filters: Sequence[int] | None = None
) -> Tensor:
    """Logits (F, N, classes) with each filter alone set to zero, or to its mean over the N images."""
    h, weight = _pooled(model, pool3)
    before = model.fc4(h.flatten(1))
    chosen = torch.arange(h.shape[1]) if filters is None else torch.as_tensor(list(filters))
    gone, weight = _removed(h, mode).transpose(0, 1), weight.permute(1, 2, 0)  # (F, N, 4), (F, 4, 300)
    parts = []
    for part in chosen.split(BATCH):
        hidden = torch.baddbmm(before.expand(len(part), -1, -1), gone[part], weight[part], alpha=-1).relu_()
        parts.append(functional.linear(hidden, model.output.weight, model.output.bias))
    return torch.cat(parts)


@torch.no_grad()
def ablate_sets(model: ZeroBiasCNN, pool3: np.ndarray | Tensor, sets: Tensor, mode: str = "zero") -> Tensor:
    """Logits (S, N, classes) with whole sets of filters taken out together; `sets` (S, F) is True where out."""
    h, weight = _pooled(model, pool3)
    before = model.fc4(h.flatten(1))
    # filters first: (F, 4, N) and (F, 4, 300)
    gone, weight = (part.permute(1, 2, 0).contiguous() for part in (_removed(h, mode), weight))
    parts = ((gone[out].flatten(0, 1).T, weight[out].flatten(0, 1)) for out in sets.bool())
    hidden = (torch.addmm(before, *part, alpha=-1).relu_() for part in parts)
    return torch.stack([model.output(each) for each in hidden])


def emotion_harm(logits: Tensor, ablated: Tensor, emotion: np.ndarray) -> np.ndarray:
    """(S, classes) mean fall of the true class's log-probability over the images of each emotion; NaN without images.

    `logits` (N, classes), `ablated` (S, N, classes); images with emotion −1 are left out.
    """
    code = torch.tensor(np.asarray(emotion).tolist())
    if len(code) != len(logits):
        raise UserError(f"{len(code)} emotions for {len(logits)} images.")
    kept = torch.nonzero(code >= 0)[:, 0]
    true = code[kept]
    before = logits.log_softmax(1)[kept, true]
    fall = before - ablated.log_softmax(2)[:, kept, true]  # (S, n)
    member = functional.one_hot(true, logits.shape[1]).to(fall.dtype)
    harm = fall @ member / member.sum(dim=0).clamp_min(1)
    return torch.where(member.sum(dim=0) > 0, harm, torch.nan).numpy()


def accuracy(logits: Tensor, emotion: np.ndarray) -> Tensor:
    """Share of labelled images classified right, over the last but one axis of logits (…, N, classes)."""
    code = torch.tensor(np.asarray(emotion).tolist())
    kept = code >= 0
    return (logits.argmax(dim=-1)[..., kept] == code[kept]).float().mean(dim=-1)


def matched_controls(
    model: ZeroBiasCNN,
    pool3: np.ndarray | Tensor,
    filters: Sequence[int],
    rng: np.random.Generator,
    controls: int = 100,
    pool: int = 10,
) -> np.ndarray:
    """(controls, len(filters)) random filters like the given ones in mean activation and outgoing weight norm.

    Each is drawn among the `pool` nearest (log mean activation and norm, in sd) that are neither given nor taken.
    """
    h, weight = _pooled(model, pool3)
    traits = np.stack([np.log(h.mean(dim=(0, 2)).numpy() + 1e-6), weight.detach().norm(dim=(0, 2)).numpy()], axis=1)
    traits = (traits - traits.mean(axis=0)) / np.maximum(traits.std(axis=0), 1e-12)
    given = np.asarray(list(filters))
    if 2 * len(given) > len(traits):
        raise UserError(f"{len(given)} of {len(traits)} filters leave too few others for matched controls.")
    distance = np.linalg.norm(traits[given][:, None] - traits, axis=2)
    distance[:, given] = np.inf
    nearest = np.argsort(distance, axis=1)[:, : len(traits) - len(given)]
    out = np.full((controls, len(given)), -1, dtype=np.intp)
    for row in out:
        for place in rng.permutation(len(given)):
            row[place] = rng.choice(nearest[place][~np.isin(nearest[place], row)][:pool])
    return out


def controlled_ablation(
    model: ZeroBiasCNN,
    pool3: np.ndarray | Tensor,
    emotion: np.ndarray,
    sets: Mapping[str, Sequence[int]],
    rng: np.random.Generator,
    *,
    controls: int = 100,
    mode: str = "zero",
    emotions: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Harm of taking out named sets of filters beside matched random sets: set, filters, emotion, harm, control, p.

    `control` is the mean harm of the controls; p the share of controls that harm at least as much, (b+1)/(B+1).
    """
    h, _ = _pooled(model, pool3)
    logits = model.output(model.fc4(h.flatten(1)).relu()).detach()
    names = list(emotions) if emotions is not None else [str(code) for code in range(logits.shape[1])]
    tables = []
    for name, filters in sets.items():
        drawn = matched_controls(model, pool3, filters, rng, controls)
        members = torch.zeros(controls + 1, h.shape[1], dtype=torch.bool)
        members[torch.arange(controls + 1)[:, None], torch.tensor(np.vstack([filters, drawn]))] = True
        harm = emotion_harm(logits, ablate_sets(model, pool3, members, mode), emotion)
        p = np.where(np.isnan(harm[0]), np.nan, (1 + (harm[1:] >= harm[0]).sum(axis=0)) / (controls + 1))
        columns = {"emotion": names, "harm": harm[0], "control": harm[1:].mean(axis=0), "p": p}
        tables.append(pd.DataFrame({"set": name, "filters": len(filters), **columns}))
    return pd.concat(tables, ignore_index=True)


def predicted_pattern(aus: Sequence[int], emotions: Sequence[str]) -> np.ndarray:
    """(A, E) how usual each AU is in each emotion's prototypes, 0–1: whom a filter for that AU should serve."""
    table = np.zeros((len(aus), len(emotions)))
    for column, emotion in enumerate(emotions):
        variants = PROTOTYPES.get(emotion, ())
        total = sum(variant.weight for variant in variants) or 1.0
        for row, au in enumerate(aus):
            usual = [v.weight * (1.0 if au in v.required else v.usual.get(au, 0.0)) for v in variants]
            table[row, column] = sum(usual) / total
    return table


def pattern_agreement(
    harm: np.ndarray, aus: Sequence[int], emotions: Sequence[str], rng: np.random.Generator, permutations: int = 1000
) -> dict[str, float]:
    """Do filters harm the emotions that their AU belongs to? Mean correlation of `harm` (F, E) with the prediction.

    `aus`: the AU of each filter. The null deals the same AUs to other filters.
    """
    shown = ~np.isnan(harm).any(axis=0)
    predicted = _standardised(predicted_pattern(aus, emotions)[:, shown])
    measured = _standardised(harm[:, shown])
    agreement = float((measured * predicted).sum(axis=1).mean())
    null = [(measured * predicted[rng.permutation(len(predicted))]).sum(axis=1).mean() for _ in range(permutations)]
    above = int((np.asarray(null) >= agreement - 1e-12).sum())
    return {"agreement": agreement, "chance": float(np.mean(null)), "p": (above + 1) / (permutations + 1)}


def _standardised(rows: np.ndarray) -> np.ndarray:
    """Rows with mean 0 and length 1; a constant row becomes 0."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)
