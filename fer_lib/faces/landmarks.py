"""The 68 landmarks of CK+ (iBUG order) as fixed vertices of the head."""

from functools import cache

import torch

from fer_lib.faces.rig import BODY, Rig

# Template (x, y) of the points on the subject's right half, as iBUG numbers them; the left half mirrors them.
JAW = ((-0.715, 7.22), (-0.715, 7.03), (-0.70, 6.84), (-0.665, 6.66), (-0.60, 6.49), (-0.49, 6.35), (-0.35, 6.24))
JAW += ((-0.18, 6.165), (0.0, 6.135))
BROW = ((-0.575, 7.415), (-0.47, 7.475), (-0.355, 7.50), (-0.235, 7.48), (-0.115, 7.435))
BRIDGE = ((0.0, 7.29), (0.0, 7.16), (0.0, 7.03), (0.0, 6.91))
NOSTRILS = ((-0.155, 6.845), (-0.08, 6.825), (0.0, 6.81))
EYE = ((-0.47, 7.262), (-0.38, 7.335), (-0.26, 7.335), (-0.175, 7.24), (-0.26, 7.215), (-0.38, 7.215))
OUTER_LIP_TOP = ((-0.25, 6.615), (-0.165, 6.665), (-0.055, 6.70), (0.0, 6.69))
OUTER_LIP_BOTTOM = ((-0.16, 6.525), (-0.06, 6.495), (0.0, 6.49))
INNER_LIP_TOP = ((-0.21, 6.612), (-0.08, 6.622), (0.0, 6.62))
INNER_LIP_BOTTOM = ((-0.08, 6.595), (0.0, 6.592))
EYE_MIRROR = (3, 2, 1, 0, 5, 4)


def _mirror(points: tuple) -> tuple:
    return tuple((-x, y) for x, y in reversed(points))


def template_points() -> tuple[tuple[float, float], ...]:
    """Template (x, y) of the 68 points."""
    left_eye = tuple((-EYE[i][0], EYE[i][1]) for i in EYE_MIRROR)
    lips = OUTER_LIP_TOP + _mirror(OUTER_LIP_TOP[:3]) + _mirror(OUTER_LIP_BOTTOM[:2]) + OUTER_LIP_BOTTOM[::-1]
    inner = INNER_LIP_TOP + _mirror(INNER_LIP_TOP[:2]) + _mirror(INNER_LIP_BOTTOM[:1]) + INNER_LIP_BOTTOM[::-1]
    nostrils = NOSTRILS + _mirror(NOSTRILS[:2])
    return JAW + _mirror(JAW[:8]) + BROW + _mirror(BROW) + BRIDGE + nostrils + EYE + left_eye + lips + inner


@cache
def vertices(rig: Rig) -> tuple[int, ...]:
    """Vertex of each landmark: on the body, facing the viewer, nearest in the frontal plane."""
    points = torch.tensor(template_points())
    position = rig.vertices.cpu()
    candidates = ((rig.part.cpu() == BODY) & (position[:, 2] > 0.3) & (rig.masks[:, 1].cpu() < 0.5)).nonzero()[:, 0]
    gap = torch.cdist(points, position[candidates, :2]) - 0.02 * position[candidates, 2]
    return tuple(candidates[gap.argmin(1)].tolist())


def locate(rig: Rig, screen: torch.Tensor) -> torch.Tensor:
    """Screen positions (B, V, 3) → landmarks (B, 68, 2), x and y in pixels."""
    return screen[:, list(vertices(rig)), :2]
