"""What would a filter like best? Images made by gradient ascent, and faces made by choosing action units.

Second to real examples: people understand a filter better from natural images (Borowski et al. 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fer_lib import faces
from fer_lib.errors import UserError
from fer_lib.facs import AUS
from fer_lib.interpret.crop_decoder import crop_response, require_paper_network
from fer_lib.interpret.receptive import field_of
from fer_lib.model import ZeroBiasCNN

Encode = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class PixelMaximum:
    """`patches` (B, size, size): prepared input of a unit away from the border; `history` (steps + 1, B): responses."""

    patches: Tensor
    history: Tensor


def maximise_pixels(
    model: ZeroBiasCNN,
    filters: Sequence[int],
    generator: torch.Generator,
    *,
    layer: str = "conv3",
    norm: float = 1.0,
    steps: int = 100,
    rate: float = 0.3,
) -> PixelMaximum:
    """Gradient ascent on the receptive field of one unit of each filter, on the sphere ‖x‖ = `norm`.

    A zero-bias network is homogeneous, so without a fixed norm there is no maximum. A step moves `rate` of the norm
    along the gradient and returns to the sphere; the best patch seen is kept. The image is in the network's prepared
    space (local mean removed), and starts from noise.
    """
    require_paper_network(model)
    field = field_of(layer)
    which = torch.as_tensor(list(filters), dtype=torch.long)
    x = _on_sphere(torch.randn(len(which), 1, field.size, field.size, generator=generator), norm)
    inside = torch.ones(len(which), field.size, field.size, dtype=torch.bool)
    best, top, history = x, None, []
    for step in range(steps + 1):
        x = x.detach().requires_grad_()
        response = crop_response(model, x, inside, which, layer)
        history.append(response.detach())
        better = history[-1] > top if top is not None else torch.ones(len(which), dtype=torch.bool)
        top = history[-1] if top is None else torch.maximum(top, history[-1])
        best = torch.where(better[:, None, None, None], x.detach(), best)
        if step < steps:
            (slope,) = torch.autograd.grad(response.sum(), x)
            x = _on_sphere(x.detach() + rate * _on_sphere(slope, norm), norm)
    return PixelMaximum(best[:, 0], torch.stack(history))


def _on_sphere(x: Tensor, norm: float) -> Tensor:
    return norm * x / x.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]


@dataclass(frozen=True)
class FaceMaximum:
    """Which AUs a filter wants: `intensity` AU → 0–1, mean activation over the people, and the way there.

    `rest` is the activation of the same people at rest. `history` holds the mean activation after each step.
    """

    filter: int
    intensity: dict[int, float]
    activation: float
    rest: float
    history: tuple[float, ...]


def maximise_face(
    encode: Encode,
    filter: int,  # noqa: A002 — a filter is what it is called
    identities: Sequence,
    *,
    aus: Sequence[int] = AUS,
    steps: int = 40,
    rate: float = 0.05,
    sparsity: float = 0.0,
    start: float = 0.15,
    scene=None,
    render=faces.render,
    **options,
) -> FaceMaximum:
    """Gradient ascent over AU intensities (both sides alike) through the renderer, kept within 0–1.

    Maximises the filter's mean activation over `identities`, relative to rest, minus `sparsity` × the sum of
    intensities. Adam with step `rate`; `start` is the first intensity of every AU. Slopes through a renderer end where
    a surface hides another, so compare with `search_face`.
    """
    columns = _columns(aus)
    dose = torch.full((len(columns),), float(start), requires_grad=True)
    optimiser = torch.optim.Adam([dose], lr=rate, maximize=True)
    rest = _mean_activation(encode, identities, torch.zeros(len(columns)), columns, scene, render, options)[filter]
    scale = rest.detach().clamp_min(1e-6)
    best, best_dose, history = -np.inf, dose.detach().clone(), []
    for _ in range(steps + 1):
        activation = _mean_activation(encode, identities, dose, columns, scene, render, options)[filter]
        value = activation / scale - sparsity * dose.sum()
        history.append(float(activation.detach()))
        if float(value.detach()) > best:
            best, best_dose = float(value.detach()), dose.detach().clone()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        with torch.no_grad():
            dose.clamp_(0, 1)
    final = _mean_activation(encode, identities, best_dose, columns, scene, render, options)[filter]
    intensity = {AUS[column]: float(d) for column, d in zip(columns, best_dose, strict=True)}
    return FaceMaximum(int(filter), intensity, float(final.detach()), float(rest.detach()), tuple(history))


def search_face(
    encode: Encode,
    filters: Sequence[int],
    identities: Sequence,
    *,
    aus: Sequence[int] = AUS,
    dose: float = 0.8,
    at_most: int = 4,
    gain: float = 0.02,
    scene=None,
    render=faces.render,
    **options,
) -> list[FaceMaximum]:
    """Greedy search: add the AU (at `dose`) that raises the mean activation most, until none adds `gain` of rest.

    Needs no slopes. The first round, every AU alone, is rendered once for all filters.
    """
    columns = _columns(aus)
    rest = _mean_activation(encode, identities, torch.zeros(len(columns)), columns, scene, render, options).detach()
    first = [
        _mean_activation(encode, identities, row, columns, scene, render, options).detach()
        for row in dose * torch.eye(len(columns))
    ]
    found = []
    for f in filters:

        def value(doses: Tensor, f: int = f) -> float:
            return float(_mean_activation(encode, identities, doses, columns, scene, render, options)[f])

        doses, history = _greedy(value, [float(row[f]) for row in first], float(rest[f]), dose, at_most, gain)
        intensity = {AUS[column]: float(d) for column, d in zip(columns, doses, strict=True)}
        found.append(FaceMaximum(int(f), intensity, history[-1], history[0], tuple(history)))
    return found


def _greedy(
    value, first: list[float], rest: float, dose: float, at_most: int, gain: float
) -> tuple[Tensor, list[float]]:
    doses, history, candidates = torch.zeros(len(first)), [rest], first
    with torch.no_grad():
        while True:
            pick = int(np.argmax(candidates))
            if candidates[pick] <= history[-1] + gain * max(rest, 1e-6):
                return doses, history
            doses[pick] = dose
            history.append(candidates[pick])
            if len(history) > at_most:
                return doses, history
            tries = [doses.clone().index_fill_(0, torch.tensor([i]), dose) for i in range(len(first))]
            candidates = [history[-1] if doses[i] > 0 else value(row) for i, row in enumerate(tries)]


def _columns(aus: Sequence[int]) -> list[int]:
    unknown = [au for au in aus if au not in AUS]
    if unknown or not aus:
        raise UserError(f"AUs {list(aus)}: expected some of {list(AUS)}.")
    return [AUS.index(au) for au in aus]


def _mean_activation(encode: Encode, identities, doses: Tensor, columns, scene, render, options) -> Tensor:
    """(F,) mean over people of each filter's activation for one choice of AU intensities (A',)."""
    table = torch.zeros(len(identities), 2, len(AUS)).index_add(
        2, torch.tensor(columns), doses.expand(len(identities), 2, -1)
    )
    return encode(render(identities, table, scene, **options).images).mean(dim=0)
