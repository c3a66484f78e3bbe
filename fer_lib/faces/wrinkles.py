"""Expression lines: what skin does when an action unit folds it.

Each line is a curve in the chart with a width, a depth and the AUs that cut it. A line's profile is a valley with
raised shoulders; the renderer tilts normals by its slope and darkens its floor. Places follow the FACS descriptions
of skin changes; sizes were chosen by eye.
"""

from dataclasses import dataclass, field
from functools import cache

import torch
import torch.nn.functional as F

from fer_lib import facs
from fer_lib.faces import chart

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Line:
    """Curve through `points` on the subject's left (x ≥ 0); `aus`: AU → depth at intensity 1."""

    points: Points
    width: float  # dm
    aus: dict[int, float] = field(default_factory=dict)


LINES = (
    # forehead: across the middle when the inner brow rises, arched above the outer brow when that rises
    Line(((0.0, 7.63), (0.12, 7.64), (0.26, 7.63)), 0.015, {1: 0.9, 2: 0.15}),
    Line(((0.0, 7.72), (0.14, 7.735), (0.30, 7.72)), 0.016, {1: 1.0, 2: 0.25}),
    Line(((0.0, 7.815), (0.12, 7.825), (0.26, 7.81)), 0.015, {1: 0.7, 2: 0.2}),
    Line(((0.20, 7.62), (0.36, 7.66), (0.52, 7.59)), 0.015, {2: 0.9, 1: 0.1}),
    Line(((0.20, 7.71), (0.38, 7.745), (0.56, 7.66)), 0.016, {2: 1.0, 1: 0.1}),
    Line(((0.22, 7.80), (0.38, 7.825), (0.54, 7.75)), 0.015, {2: 0.6}),
    # between the brows
    Line(((0.050, 7.37), (0.055, 7.46), (0.075, 7.56)), 0.014, {4: 1.3, 9: 0.3}),
    Line(((0.012, 7.40), (0.014, 7.48)), 0.010, {4: 0.5}),
    Line(((0.0, 7.335), (0.06, 7.34), (0.10, 7.325)), 0.012, {4: 0.5, 9: 1.1}),
    # crow's feet, the fold below the eye, the line under the lower lid
    Line(((0.49, 7.30), (0.56, 7.34), (0.63, 7.39)), 0.012, {6: 0.9}),
    Line(((0.50, 7.26), (0.58, 7.265), (0.66, 7.28)), 0.012, {6: 1.0, 12: 0.1}),
    Line(((0.48, 7.22), (0.56, 7.19), (0.64, 7.16)), 0.012, {6: 0.9}),
    Line(((0.15, 7.17), (0.28, 7.105), (0.42, 7.13), (0.50, 7.17)), 0.020, {6: 1.0, 7: 0.25}),
    Line(((0.18, 7.205), (0.31, 7.17), (0.44, 7.205)), 0.013, {7: 1.0, 6: 0.6}),
    # sides and root of the nose
    Line(((0.035, 7.285), (0.09, 7.25), (0.13, 7.20)), 0.011, {9: 1.7}),
    Line(((0.045, 7.225), (0.10, 7.18), (0.135, 7.13)), 0.011, {9: 1.7}),
    Line(((0.055, 7.16), (0.11, 7.11), (0.14, 7.06)), 0.011, {9: 1.4}),
    # nasolabial furrow: upper part with the nose, lower part with the smile
    Line(((0.155, 6.98), (0.205, 6.90), (0.255, 6.82)), 0.020, {9: 1.3, 10: 1.0, 11: 1.1, 12: 0.5, 13: 0.5}),
    Line(((0.255, 6.82), (0.315, 6.73), (0.355, 6.62)), 0.020, {10: 0.7, 11: 0.8, 12: 1.0, 13: 0.7, 9: 0.5}),
    Line(((0.355, 6.62), (0.375, 6.54), (0.370, 6.47)), 0.018, {12: 0.7, 20: 0.3}),
    # corner of the mouth: dimple, downward fold, stretch folds
    Line(((0.305, 6.665), (0.325, 6.61), (0.310, 6.555)), 0.015, {14: 1.0, 12: 0.25, 13: 0.45}),
    Line(((0.265, 6.575), (0.295, 6.51), (0.305, 6.43)), 0.016, {15: 0.8, 24: 0.2}),
    Line(((0.385, 6.66), (0.405, 6.56), (0.395, 6.46)), 0.018, {20: 1.0}),
    Line(((0.455, 6.64), (0.475, 6.55), (0.465, 6.46)), 0.018, {20: 0.6}),
    # chin: crease below the lower lip, cobbles of the chin boss
    Line(((0.0, 6.395), (0.09, 6.385), (0.17, 6.355)), 0.022, {17: 1.0, 24: 0.3, 15: 0.3}),
    # around the lips
    Line(((0.05, 6.735), (0.055, 6.785)), 0.010, {18: 0.8, 23: 0.2}),
    Line(((0.11, 6.725), (0.12, 6.775)), 0.010, {18: 0.8, 23: 0.2}),
    Line(((0.17, 6.70), (0.185, 6.745)), 0.010, {18: 0.6, 23: 0.2}),
    Line(((0.06, 6.465), (0.065, 6.42)), 0.010, {18: 0.7, 23: 0.2}),
    Line(((0.13, 6.475), (0.145, 6.43)), 0.010, {18: 0.6, 23: 0.2}),
    Line(((0.0, 6.445), (0.10, 6.45), (0.19, 6.50)), 0.018, {24: 1.0, 23: 0.4, 28: 0.8}),
    Line(((0.10, 6.75), (0.19, 6.71), (0.25, 6.65)), 0.016, {24: 0.6, 28: 0.5}),
    # upper lid fold
    Line(((0.20, 7.345), (0.31, 7.375), (0.43, 7.345)), 0.010, {5: 0.5}),
)
COBBLES = {17: 1.0}  # dimples of the chin boss
COBBLE_CENTRE, COBBLE_RADIUS = (0.0, 6.265), (0.17, 0.085)
HEIGHT_AT_ONE = 0.0075  # dm


def _curve(points: Points, samples: int = 140) -> torch.Tensor:
    """A smooth curve (samples, 2) through the points (Catmull–Rom)."""
    p = torch.tensor(points, dtype=torch.float32)
    p = torch.cat([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = torch.linspace(0, len(points) - 1 - 1e-4, samples)
    i, u = t.long(), (t - t.long())[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    return 0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3)


def _height(line: Line) -> torch.Tensor:
    """Signed height (H, W) of one line at depth 1, in units of HEIGHT_AT_ONE."""
    x, y = chart.grid()
    curve, reach = _curve(line.points), 4 * line.width
    columns = ((x[0] > curve[:, 0].min() - reach) & (x[0] < curve[:, 0].max() + reach)).nonzero()[:, 0]
    rows = ((y[:, 0] > curve[:, 1].min() - reach) & (y[:, 0] < curve[:, 1].max() + reach)).nonzero()[:, 0]
    at = torch.stack(torch.broadcast_tensors(x[:, columns], y[rows]), -1)
    gap = torch.cdist(at.flatten(0, 1), curve)
    distance, nearest = gap.min(1)
    taper = torch.sin(torch.pi * (nearest / (len(curve) - 1)).clamp(0.06, 0.94)) ** 0.5
    if line.points[0][0] == 0:  # lines over the midline do not end there
        taper = torch.where(nearest < len(curve) / 2, 1.0, taper)
    u = distance / line.width
    profile = taper * (0.4 * torch.exp(-((u - 2.0) ** 2)) - torch.exp(-(u**2)))
    height = torch.zeros(chart.HEIGHT, chart.WIDTH)
    height[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = profile.view(len(rows), len(columns))
    return height


def _cobbles() -> torch.Tensor:
    x, y = chart.grid()
    inside = ((x - COBBLE_CENTRE[0]) / COBBLE_RADIUS[0]) ** 2 + ((y - COBBLE_CENTRE[1]) / COBBLE_RADIUS[1]) ** 2
    field = chart.noise(0.028, torch.Generator().manual_seed(17))
    return -0.5 * field.clamp(0, 1.5) * torch.exp(-(inside**2))


LINED_AUS = tuple(sorted({au for line in LINES for au in line.aus} | set(COBBLES)))


@cache
def height_maps() -> torch.Tensor:
    """(len(LINED_AUS), H, W): relief of each AU that has lines, both sides, in units of HEIGHT_AT_ONE. Made once."""
    maps = torch.zeros(len(LINED_AUS), chart.HEIGHT, chart.WIDTH)
    x, _ = chart.grid()
    for line in LINES:
        height = _height(line)
        both = torch.where(x >= 0, height, height.flip(1))
        for au, depth in line.aus.items():
            maps[LINED_AUS.index(au)] += depth * both
    for au, depth in COBBLES.items():
        maps[LINED_AUS.index(au)] += depth * _cobbles()
    return maps


def folds(aus: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """Relief of whole pictures: AUs (B, 2, A) in 0–1 and personal gain (B,) → (B, 3, H, W).

    Channels: slope along x, slope along y (dm per dm), depth of the valley floors (about 0–1). Differentiable.
    """
    maps = height_maps().to(aus.device)
    columns = [facs.AUS.index(au) for au in LINED_AUS]
    amount = aus[:, :, columns] * gain[:, None, None]  # (B, 2, lined)
    sides = (amount.flatten(0, 1) @ maps.flatten(1)).view(len(aus), 2, chart.HEIGHT, chart.WIDTH)
    x, _ = chart.grid()
    left = torch.sigmoid(x.to(aus.device) / 0.012)
    height = left * sides[:, 0] + (1 - left) * sides[:, 1]
    scale = HEIGHT_AT_ONE * chart.SCALE
    slope_x = F.pad(height[:, :, 2:] - height[:, :, :-2], (1, 1)) * (scale / 2)
    slope_y = F.pad(height[:, :-2] - height[:, 2:], (0, 0, 1, 1)) * (scale / 2)
    return torch.stack([slope_x, slope_y, (-height).clamp(min=0)], 1)
