"""Floor 2a, who moves what: the head's mesh and the map from action units to it.

The mesh, shape targets and facial actions come from `head.npz` (made by `tools/make_head.py`). An action unit is a
weighted sum of facial actions, each split into a left and a right half, so every unit can be shown on one side.
Units of length: decimetres; y up, z to the viewer, the subject's left is +x.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources

import numpy as np
import torch

from fer_lib import facs
from fer_lib.errors import UserError

# AU → weights of facial actions. Chosen by eye against the FACS descriptions; 23 and 24 stay hard to tell apart.
AU_ACTIONS: dict[int, dict[str, float]] = {
    1: {"browInnerUp": 1.35},
    2: {"browOuterUp": 1.05, "browInnerUp": 0.12},
    4: {"browDown": 1.0},
    5: {"eyeWide": 1.0},
    6: {"cheekSquint": 0.9, "eyeSquint": 0.35},
    7: {"eyeSquint": 1.25, "eyeBlink": 0.10},
    9: {"noseSneer": 1.35, "mouthUpperUp": 0.30},
    10: {"mouthUpperUp": 1.05},
    11: {"mouthUpperUp": 0.3, "cheekSquint": 0.2},
    12: {"mouthSmile": 0.8},
    13: {"mouthSmile": 0.35, "cheekSquint": 0.2, "mouthDimple": 0.2},
    14: {"mouthDimple": 1.15},
    15: {"mouthFrown": 1.25},
    16: {"mouthLowerDown": 1.5},
    17: {"mouthShrugLower": 1.05, "mouthShrugUpper": 0.25},
    18: {"mouthPucker": 1.0},
    20: {"mouthStretch": 1.05, "mouthDimple": 0.30, "mouthSmile": 0.10},
    21: {"platysma": 1.0},
    22: {"mouthFunnel": 1.0},
    23: {"mouthPress": 0.35, "mouthRollLower": 0.7, "mouthRollUpper": 0.55, "mouthPucker": 0.45},
    24: {
        "mouthPress": 0.45,
        "mouthFrown": 0.3,
        "mouthRollLower": 0.6,
        "mouthRollUpper": 0.5,
        "mouthShrugLower": 0.35,
    },
    25: {"mouthLowerDown": 0.7, "mouthUpperUp": 0.35, "jawOpen": 0.05},
    26: {"jawOpen": 0.33},
    27: {"jawOpen": 0.85},
    28: {"mouthRollLower": 1.0, "mouthRollUpper": 0.9, "jawOpen": 0.08},
    29: {"jawForward": 1.0},
    31: {"mouthPress": 0.15},
    34: {"cheekPuff": 0.8},
    38: {"nostrilOut": 1.6},
    39: {"nostrilIn": 2.0},
    43: {"eyeBlink": 1.0},
    45: {"eyeBlink": 1.0},
}
GAZE_ACTIONS = ("eyeLookUp", "eyeLookDown", "eyeLookIn", "eyeLookOut")
ALIASES = {"platysma": "unit:neck-platysma", "nostrilIn": "unit:nose-compression"}
SIDED_ALIASES = {"nostrilOut": ("unit:nose-left-dilatation", "unit:nose-right-dilatation")}
NECK = 6.25  # dm, top of the neck in the template
MIDLINE = 0.10  # dm, half width of the band in which a two-sided action fades from left to right
BODY, EYES, LOWER_LASHES, UPPER_LASHES, UPPER_TEETH, LOWER_TEETH, TONGUE = 0, (1, 2), (3, 5), (4, 6), 7, 8, 9
TEETH_SHIFT = {UPPER_TEETH: (0.0, -0.045, -0.03), LOWER_TEETH: (0.0, -0.035, -0.065)}


@dataclass(frozen=True, eq=False)
class Rig:
    """The head. Shapes: V vertices, F triangles, N facial actions, A = len(facs.AUS)."""

    vertices: torch.Tensor  # (V, 3) the template, teeth moved behind the lips
    triangles: torch.Tensor  # (F, 3)
    part: torch.Tensor  # (V,) index into the file's part names
    masks: torch.Tensor  # (V, 4) lips, inside of the mouth, eyelids, ears; 0–1
    targets: Mapping[str, torch.Tensor]  # name → (V, 3) offsets at weight 1
    actions: tuple[str, ...]
    action_basis: torch.Tensor  # (2, N, V, 3) left and right halves at weight 1
    au_weights: torch.Tensor  # (A, N)

    def to(self, device: torch.device | str) -> "Rig":
        moved = {f.name: getattr(self, f.name) for f in fields(self)}
        moved |= {k: v.to(device) for k, v in moved.items() if isinstance(v, torch.Tensor)}
        return Rig(**moved | {"targets": {name: target.to(device) for name, target in self.targets.items()}})


def _file() -> dict[str, np.ndarray]:
    with resources.files(__package__).joinpath("head.npz").open("rb") as stream:
        return dict(np.load(stream))


def _halves(name: str, targets: Mapping[str, torch.Tensor], left_share: torch.Tensor) -> torch.Tensor:
    """Left and right offsets (2, V, 3) of one facial action."""
    if name in SIDED_ALIASES:
        return torch.stack([targets[alias] for alias in SIDED_ALIASES[name]])
    if f"action:{name}Left" in targets:
        return torch.stack([targets[f"action:{name}Left"], targets[f"action:{name}Right"]])
    whole = targets[ALIASES.get(name, f"action:{name}")]
    return torch.stack([whole * left_share, whole * (1 - left_share)])


@cache
def load_rig(device: torch.device | str = "cpu") -> Rig:
    """The head from the package's data file, read once per process and device."""
    if torch.device(device).type != "cpu":
        return load_rig().to(device)
    data = _file()
    offsets = torch.from_numpy(data["targets"].astype(np.float32) * data["target_scales"][:, None, None])
    targets = dict(zip(data["target_names"].tolist(), offsets, strict=True))
    vertices, part = torch.from_numpy(data["vertices"]), torch.from_numpy(data["part"]).long()
    for number, shift in TEETH_SHIFT.items():
        vertices[part == number] += torch.tensor(shift)
    actions = tuple(sorted({a for weights in AU_ACTIONS.values() for a in weights} | set(GAZE_ACTIONS)))
    targets["unit:neck-platysma"] *= torch.sigmoid((NECK - vertices[:, 1:2]) / 0.06)  # AU 21 leaves the mouth alone
    left_share = torch.sigmoid(vertices[:, :1] * (4 / MIDLINE))
    basis = torch.stack([_halves(name, targets, left_share) for name in actions], 1)
    for index in map(actions.index, GAZE_ACTIONS):  # the eyeballs turn by themselves
        basis[:, index, (part == EYES[0]) | (part == EYES[1])] = 0
    weights = torch.tensor([[AU_ACTIONS[au].get(a, 0.0) for a in actions] for au in facs.AUS])
    return Rig(
        vertices,
        torch.from_numpy(data["triangles"].astype(np.int64)),
        part,
        torch.from_numpy(data["masks"].astype(np.float32) / 255),
        targets,
        actions,
        basis,
        weights,
    )


def au_tensor(combinations: Sequence[Mapping[str | int, float]]) -> torch.Tensor:
    """AU intensities as the renderer takes them.

    `combinations`: one mapping per picture, AU → intensity in 0–1; keys like 12, "12", "L4" (subject's left), "R14".
    Returns (B, 2, A) float32: axis 1 is left, right; columns follow `facs.AUS`.
    Raises UserError for an AU not in FACS and for an intensity that is NaN or outside 0–1.
    """
    table = torch.zeros(len(combinations), 2, len(facs.AUS))
    for row, combination in enumerate(combinations):
        for key, intensity in combination.items():
            number, side = facs.parse_au(key)
            if not 0 <= float(intensity) <= 1:
                raise UserError(f"AU {key}: intensity {intensity!r} found, expected a number from 0 to 1")
            sides = {"both": [0, 1], "left": [0], "right": [1]}[side]
            table[row, sides, facs.AUS.index(number)] = float(intensity)
    return table


def check_aus(aus: torch.Tensor) -> torch.Tensor:
    """`aus` as given if it is (B, 2, A) with numbers in 0–1; otherwise UserError saying which entry is wrong."""
    if aus.ndim != 3 or tuple(aus.shape[1:]) != (2, len(facs.AUS)):
        raise UserError(f"AU table of shape {tuple(aus.shape)} found, expected (B, 2, {len(facs.AUS)}); use au_tensor")
    bad = ~((aus >= 0) & (aus <= 1))
    if bad.any():
        row, side, column = bad.nonzero()[0].tolist()
        value = aus[row, side, column].item()
        where = f"picture {row}, {('left', 'right')[side]} AU {facs.AUS[column]}"
        raise UserError(f"{where}: intensity {value} found, expected a number from 0 to 1")
    return aus


def action_weights(rig: Rig, aus: torch.Tensor, gaze: torch.Tensor) -> torch.Tensor:
    """AUs (B, 2, A) and gaze (B, 2: right, up; degrees) → facial action weights (B, 2, N)."""
    weights = (aus @ rig.au_weights.to(aus)).unbind(2)
    column = {name: weights[i] for i, name in enumerate(rig.actions)}
    smile = aus[..., facs.AUS.index(12)]
    parted = aus[..., facs.AUS.index(25)]
    together = (smile * parted).mean(1, keepdim=True).expand_as(smile)  # a smile with parted lips shows the teeth
    column["jawOpen"] = column["jawOpen"] + 0.10 * together
    column["mouthLowerDown"] = column["mouthLowerDown"] + 0.35 * together
    column["mouthUpperUp"] = column["mouthUpperUp"] + 0.35 * together
    column["eyeBlink"] = column["eyeBlink"].clamp(max=1)
    column["eyeWide"] = column["eyeWide"] * (1 - column["eyeBlink"])
    right, up = (gaze / 30).unbind(1)
    column["eyeLookUp"] = up.clamp(min=0)[:, None].expand(-1, 2)
    column["eyeLookDown"] = (-up).clamp(min=0)[:, None].expand(-1, 2)
    # looking to the viewer's right is outwards for the subject's left eye
    column["eyeLookOut"] = torch.stack([right, -right], 1).clamp(min=0)
    column["eyeLookIn"] = torch.stack([-right, right], 1).clamp(min=0)
    return torch.stack([column[name] for name in rig.actions], 2)


def pose_mesh(rig: Rig, neutral: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
    """Neutral shapes (B, V, 3) plus facial actions (B, 2, N) → vertices (B, V, 3), head not yet turned."""
    basis = rig.action_basis.to(neutral).flatten(2).flatten(0, 1)  # (2N, 3V)
    return neutral + (actions.flatten(1) @ basis).unflatten(1, neutral.shape[1:])
