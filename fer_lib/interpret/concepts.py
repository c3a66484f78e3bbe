"""Concept vectors: is "more of this action unit" a direction that raises an emotion's logit? (TCAV, Kim et al. 2018)

Captum computes the scores on the pooled layer; the p-values are ours: concept labels permuted between sequences.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from captum.concept import TCAV, Classifier, Concept
from torch import Tensor, nn
from torch.utils.data import DataLoader

from fer_lib.errors import UserError
from fer_lib.interpret.exchange import exchangeable
from fer_lib.interpret.labels import AULabels
from fer_lib.interpret.measures import auroc
from fer_lib.interpret.permutation import benjamini_hochberg
from fer_lib.interpret.selection import subject_parts
from fer_lib.model import ZeroBiasCNN


class PooledHead(nn.Module):
    """The network from its 1024 pooled values on; `concept` marks the layer that concept vectors live in."""

    def __init__(self, model: ZeroBiasCNN) -> None:
        super().__init__()
        self.concept, self.fc4, self.relu4, self.output = nn.Identity(), model.fc4, model.relu4, model.output

    def forward(self, h: Tensor) -> Tensor:
        return self.output(self.relu4(self.fc4(self.concept(h))))


def concept_directions(h: Tensor, present: Tensor, ridge: float = 0.1) -> Tensor:
    """(C, 1024) ridge directions that separate rows of h (N, 1024) with from without each concept; present (N, C) 0/1.

    The penalty is `ridge` × the mean variance of h, so its strength does not hang on the scale of the activations.
    """
    x = h.double() - h.double().mean(dim=0)
    y = present.double() - present.double().mean(dim=0)
    gram = x.T @ x
    gram.diagonal().add_(ridge * gram.diagonal().mean() + 1e-12)
    return torch.linalg.solve(gram, x.T @ y).T.to(h.dtype)


class RidgeClassifier(Classifier):
    """`concept_directions` in the form that Captum's TCAV asks for: weights (2, 1024), the other concept mirrored."""

    def __init__(self, ridge: float = 0.1) -> None:
        self._ridge = ridge
        self._weights, self._classes = torch.empty(0), [0, 1]

    def train_and_eval(self, dataloader: DataLoader, **_) -> None:
        h, labels = (torch.cat(part) for part in zip(*dataloader, strict=True))
        self._classes = labels.unique().tolist()
        direction = concept_directions(h, (labels == self._classes[0])[:, None], self._ridge)
        self._weights = torch.cat([direction, -direction])

    def weights(self) -> Tensor:
        return self._weights

    def classes(self) -> list[int]:
        return self._classes


def sensitivities(model: ZeroBiasCNN, pool3: Tensor, target: int) -> Tensor:
    """(N, 1024) slope of the logit of class `target` with respect to the pooled values."""
    with torch.no_grad():
        return ((model.fc4(pool3) > 0).to(pool3.dtype) * model.output.weight[target]) @ model.fc4.weight


def captum_scores(
    model: ZeroBiasCNN, examples: Sequence[Tensor], with_: Tensor, without: Tensor, ridge: float = 0.1
) -> list[float]:
    """Captum's TCAV score of one concept against its absence, for every class.

    `examples` holds the pooled values (N, 1024) of each class's images: the score is the share of them whose logit
    rises along the concept, NaN for a class without images.
    """
    sides = {"with": with_, "without": without}
    concepts = [Concept(i, name, DataLoader(h, batch_size=len(h))) for i, (name, h) in enumerate(sides.items())]
    scores = []
    # Captum keeps its activations and vectors on disk, and reads them through NumPy's old names
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="numpy.core is deprecated")
        tcav = TCAV(PooledHead(model), "concept", classifier=RidgeClassifier(ridge), save_path=f"{folder}/")
        for target, h in enumerate(examples):
            found = tcav.interpret(h.clone(), [concepts], target=target) if len(h) else None
            scores.append(float(found["0-1"]["concept"]["sign_count"][0]) if found else float("nan"))
    return scores


def concept_table(
    model: ZeroBiasCNN,
    pool3: np.ndarray,
    labels: AULabels,
    emotions: Sequence[str],
    rng: np.random.Generator,
    *,
    permutations: int = 200,
    ridge: float = 0.1,
) -> pd.DataFrame:
    """TCAV of every AU for every emotion: au, emotion, images, tcav, null, p, q, auroc, status.

    `tcav` is Captum's score over the images of the emotion; `null` its mean, and p its two-sided place, among concept
    vectors trained on labels permuted between sequences. `auroc` says how well the vector, trained on half of the
    people, tells the AU on the other half: a score of a direction that finds nothing means nothing.
    """
    h, support, rows = torch.as_tensor(pool3), labels.support(), []
    if len(h) != len(labels):
        raise UserError(f"pool3 holds {len(h)} images, the labels {len(labels)}.")
    examples = [h[np.flatnonzero(labels.emotion == code)] for code in range(len(emotions))]
    for column, (au, status) in enumerate(zip(labels.aus, support["status"], strict=True)):
        blank = {"au": au, "tcav": np.nan, "null": np.nan, "p": np.nan, "auroc": np.nan, "status": status}
        if status == "ok":
            found = _concept_rows(model, h, labels, column, examples, rng, permutations, ridge)
        else:
            found = [blank | {"images": len(part)} for part in examples]
        rows += [row | {"emotion": name} for row, name in zip(found, emotions, strict=True)]
    table = pd.DataFrame(rows)
    table["q"] = benjamini_hochberg(table["p"].to_numpy(dtype=float))
    return table[["au", "emotion", "images", "tcav", "null", "p", "q", "auroc", "status"]]


def _concept_rows(model, h, labels, column, examples, rng, permutations, ridge) -> list[dict]:
    known = np.flatnonzero(~np.isnan(labels.presence[:, column]))
    present = labels.presence[known, column]
    exchange = exchangeable(labels.sequence[known])
    shuffled = np.stack([present[exchange.permutation(rng)] for _ in range(permutations)], axis=1)
    null = concept_directions(h[known], torch.from_numpy(shuffled), ridge)
    quality = _held_out_auroc(h[known], present, labels.subject[known], rng, ridge)
    scores = captum_scores(model, examples, h[known[present == 1]], h[known[present == 0]], ridge)
    rows = []
    for code, (part, score) in enumerate(zip(examples, scores, strict=True)):
        row = {"au": labels.aus[column], "images": len(part), "tcav": score, "auroc": quality}
        rows.append(row | _chance(sensitivities(model, part, code) @ null.T, score))
    return rows


def _chance(slopes: Tensor, score: float) -> dict[str, float | str]:
    """Mean score of the permuted vectors and two-sided p from their slopes (images, B)."""
    if len(slopes) == 0:
        return {"null": np.nan, "p": np.nan, "status": "undefined: no image"}
    chance = (slopes > 0).float().mean(dim=0).double().numpy()
    far = np.abs(chance - chance.mean()) >= abs(score - chance.mean()) - 1e-9
    return {"null": chance.mean(), "p": (1 + far.sum()) / (1 + len(chance)), "status": "ok"}


def _held_out_auroc(h: Tensor, present: np.ndarray, subject: np.ndarray, rng, ridge: float) -> float:
    side = subject_parts(subject, 2, rng)
    values = []
    for part in (0, 1):
        train, test = np.flatnonzero(side != part), np.flatnonzero(side == part)
        direction = concept_directions(h[train], torch.from_numpy(present[train])[:, None], ridge)
        values.append(auroc((h[test] @ direction.T).numpy(), present[test, None])[0, 0])
    return float(np.mean(values))
