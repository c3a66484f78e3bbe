"""What a person's skin looks like: albedo painted in the chart, once per identity."""

import math

import torch

from fer_lib.faces import chart
from fer_lib.faces.identity import Identity, hair_field

BROW = ((0.105, 7.425), (0.22, 7.462), (0.36, 7.482), (0.48, 7.458), (0.575, 7.405))
STROKES = 420  # hairs in one brow
STROKE_STEPS = 28
NOSTRIL, NOSTRIL_SIZE = (0.078, 6.842), (0.046, 0.022)


def _spot(x: torch.Tensor, y: torch.Tensor, centre: tuple[float, float], size: tuple[float, float]) -> torch.Tensor:
    return torch.exp(-(((x - centre[0]) / size[0]) ** 2) - ((y - centre[1]) / size[1]) ** 2)


def _brow_point(t: torch.Tensor, arch: float) -> torch.Tensor:
    """Points (N, 2) of the brow's centre line at t in 0 (inner) … 1 (outer)."""
    p = torch.tensor(BROW)
    at = t * (len(BROW) - 1)
    i = at.long().clamp(max=len(BROW) - 2)
    point = p[i] + (p[i + 1] - p[i]) * (at - i)[:, None]
    point[:, 1] += 0.018 * arch * torch.sin(torch.pi * t.clamp(0, 1) ** 1.3)
    return point


def _brow(identity: Identity, generator: torch.Generator) -> torch.Tensor:
    """Opacity (H, W) of both brows, drawn hair by hair."""
    canvas = torch.zeros(chart.HEIGHT * chart.WIDTH)
    for side in (1.0, -1.0):
        t = torch.rand(STROKES, generator=generator).sqrt().sub(1).abs().pow(0.8)
        spread = torch.randn(STROKES, generator=generator) * 0.5
        half = 0.030 * identity.brow_thickness * (1 - 0.72 * t**1.5) * (0.35 + 0.65 * (t / 0.2).clamp(max=1))
        root = _brow_point(t, identity.brow_arch)
        root[:, 1] += half * spread.clamp(-1, 1)
        angle = math.radians(78) * (1 - t) ** 1.6 - 0.22 * t - 0.5 * spread * (t > 0.15)
        angle = angle + 0.12 * torch.randn(STROKES, generator=generator)
        length = 0.05 + 0.03 * torch.rand(STROKES, generator=generator)
        along = torch.linspace(0, 1, STROKE_STEPS)
        x = root[:, :1] + length[:, None] * along * angle.cos()[:, None]
        y = root[:, 1:] + length[:, None] * (along * angle.sin()[:, None] - 0.35 * along**2)
        column, row = chart.to_pixels(torch.stack([side * x, y], -1)).unbind(-1)
        at = row.long().clamp(0, chart.HEIGHT - 1) * chart.WIDTH + column.long().clamp(0, chart.WIDTH - 1)
        strength = (1 - 0.6 * along).expand_as(at)
        canvas.index_put_((at.flatten(),), strength.flatten() * 0.28, accumulate=True)
    return 1 - torch.exp(-2.0 * chart.blur(canvas.view(chart.HEIGHT, chart.WIDTH), 0.0045))


def _stubble(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Where a beard would grow, 0–1."""
    jaw = torch.sigmoid((6.72 - 0.35 * (x.abs() - 0.45).clamp(min=0) - y) / 0.05)
    side = torch.sigmoid((x.abs() - 0.33 + 0.9 * (6.62 - y).clamp(min=0)) / 0.05)
    lip = _spot(x.abs(), y, (0.13, 6.755), (0.17, 0.045))
    chin = _spot(x, y, (0.0, 6.28), (0.26, 0.16))
    return (jaw * side + lip + chin).clamp(max=1)


def albedo(identity: Identity, generator: torch.Generator) -> torch.Tensor:
    """(H, W): the skin's albedo relative to its tone, about 1; brows, moles, stubble and nostrils are darker.

    The tone itself, lips, hair, eyes and teeth are applied by the renderer.
    """
    x, y = chart.grid()
    coarse, middle, fine = (chart.noise(cell, generator) for cell in (0.25, 0.07, 0.016))
    paint = 1 + 0.030 * coarse + 0.022 * middle + 0.022 * fine
    under_eye = _spot(x.abs(), y, (0.28, 7.13), (0.14, 0.055))
    cheek = _spot(x.abs(), y, (0.42, 6.95), (0.20, 0.18))
    paint = paint * (1 - 0.09 * under_eye) * (1 - 0.03 * cheek)
    paint = paint * (1 - 0.75 * _spot(x.abs(), y, NOSTRIL, NOSTRIL_SIZE))
    grain = 0.6 + 0.4 * torch.rand(chart.HEIGHT, chart.WIDTH, generator=generator)
    paint = paint * (1 - 0.38 * identity.stubble * _stubble(x, y) * grain)
    moles = int(torch.randint(0, 7, (1,), generator=generator))
    for u, v, size in torch.rand(moles, 3, generator=generator).tolist():
        spot = _spot(x, y, (1.3 * u - 0.65, 6.2 + 1.5 * v), (0.007 + 0.008 * size, 0.007 + 0.008 * size))
        paint = paint * (1 - 0.4 * spot)
    brow = _brow(identity, generator)
    return paint * (1 - brow * identity.brow_darkness * 0.92)


def hair_strands(generator: torch.Generator) -> torch.Tensor:
    """Streaks (H, W), about 1, that run with the hair."""
    return 1 + 0.16 * chart.noise(0.02, generator, stretch=9) + 0.10 * chart.noise(0.008, generator, stretch=14)


def hair_cover(template: torch.Tensor, hairline: float, ragged: torch.Tensor) -> torch.Tensor:
    """Opacity of hair (P,) at template points (P, 3); `ragged` (P,) breaks the edge into tufts."""
    return torch.sigmoid((hair_field(template, hairline) + 0.02 * ragged) / 0.022)
