"""Floor 2b, who it is: invented people. Every draw is recorded in the identity's fields, so a person can be made again.

No identity is modelled on anybody: shapes are draws over MakeHuman's targets, looks are draws over painted skin.
Descent and skin tone are stereotypes of the asset library, tied to each other more than in life; see the data card.
"""

from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
import torch

from fer_lib.errors import UserError
from fer_lib.faces.rig import EYES, load_rig

POPULATIONS = ("ckplus", "balanced")
DESCENTS = ("european", "african", "asian")
RACES = {"european": "caucasian", "african": "african", "asian": "asian"}  # the asset library's words
SHARES = {"ckplus": (0.81, 0.13, 0.06), "balanced": (1 / 3, 1 / 3, 1 / 3)}
FEMALE_SHARE = {"ckplus": 0.69, "balanced": 0.5}
SPREAD = {
    "nose": 0.20,
    "mouth": 0.16,
    "eye": 0.15,
    "eyebrows": 0.15,
    "forehead": 0.16,
    "cheek": 0.20,
    "chin": 0.14,
    "head": 0.08,
    "ear": 0.2,
    "neck": 0.06,
    "asym": 0.08,
}
OPPOSITES = {"incr": "decr", "up": "down", "forward": "backward", "out": "in", "convex": "concave"}
OPPOSITES |= {"uncompress": "compress", "l": "r"}
# would move the whole head, age it twice, or open and close the eyes at rest
SKIPPED = ("head-trans", "head-age", "head-angle", "neck-trans", "measure-", "eye-eyefold", "eye-push", "ear-flap")
EYE_CENTRE = (0.0, 7.285, 1.245)  # dm, where every person's eyes are put
HAIR_RISE = 0.10  # dm
# The template looks stern at rest and its lips stand a crack apart: these facial actions mend both.
AT_REST = {"browInnerUp": 0.18} | {
    f"{action}{side}": weight
    for action, weight in {
        "browOuterUp": 0.06,
        "eyeWide": 0.12,
        "mouthLowerDown": -0.12,
        "mouthSmile": 0.04,
        "mouthUpperUp": -0.12,
    }.items()
    for side in ("Left", "Right")
}


@dataclass(frozen=True)
class Identity:
    """One invented person. Fractions are 0–1 unless said; `shape` holds (target, weight) pairs."""

    number: int
    population: str
    gender: str
    age: float  # years
    descent: str
    skin_tone: float  # 0 dark … 1 light
    body_fat: float  # -1 thin … 1 heavy
    shape: tuple[tuple[str, float], ...]
    texture_seed: int
    brow_darkness: float
    brow_thickness: float
    brow_arch: float
    lip_darkness: float
    iris_darkness: float
    hair_darkness: float
    hair_volume: float
    hairline: float  # dm above the usual one
    long_hair: bool
    stubble: float
    wrinkles: float  # gain of expression lines
    teeth: float  # brightness

    def record(self) -> dict:
        """Every draw as plain numbers and words, ready for JSON."""
        return asdict(self) | {"shape": dict(self.shape)}


@cache
def _axes() -> tuple[tuple[str, str | None], ...]:
    """Shape axes as (target for positive draws, target for negative draws or None), left sides only for pairs."""
    names = sorted(n for n in load_rig().targets if n.startswith("shape:"))
    axes = []
    for name in names:
        base, _, last = name.rpartition("-")
        if name.startswith("shape:r-") or any(skip in name for skip in SKIPPED):
            continue
        if last in OPPOSITES and f"{base}-{OPPOSITES[last]}" in names:
            axes.append((name, f"{base}-{OPPOSITES[last]}"))
        elif last not in OPPOSITES.values():
            axes.append((name, None))
    return tuple(axes)


def _spread(name: str) -> float:
    part = name.removeprefix("shape:").removeprefix("l-").split("-")[0]
    return SPREAD["ear" if part == "ears" else part]


def _draw_shape(rng: np.random.Generator) -> tuple[tuple[str, float], ...]:
    weights = []
    for up, down in _axes():
        shared, left, right = rng.standard_normal(3) * _spread(up)
        both = up.startswith("shape:l-")
        sides = ((0.99 * shared + 0.12 * left, "l-"), (0.99 * shared + 0.12 * right, "r-")) if both else ((shared, ""),)
        for weight, side in sides:
            target = up if weight >= 0 else down
            weight = float(np.clip(abs(weight), 0, 2.2 * _spread(up)))
            if target is not None:
                weights.append((target.replace("shape:l-", f"shape:{side}") if both else target, weight))
    return tuple(weights)


def _sample(number: int, population: str, rng: np.random.Generator) -> Identity:
    gender = "female" if rng.random() < FEMALE_SHARE[population] else "male"
    descent = DESCENTS[int(rng.choice(3, p=SHARES[population]))]
    centre = {"european": 0.80, "african": 0.25, "asian": 0.68}[descent]
    tone = float(np.clip(rng.normal(centre, 0.10), 0.05, 1.0))
    age = float(rng.uniform(18, 50)) if population == "balanced" else float(18 + 32 * rng.beta(1.1, 2.6))
    dark_hair = float(np.clip(rng.normal(0.62 if descent == "european" else 0.93, 0.18), 0.2, 1))
    male = gender == "male"
    return Identity(
        number=number,
        population=population,
        gender=gender,
        age=age,
        descent=descent,
        skin_tone=tone,
        body_fat=float(np.clip(rng.normal(0.0, 0.35), -0.8, 0.9)),
        shape=_draw_shape(rng),
        texture_seed=int(rng.integers(2**31)),
        brow_darkness=float(np.clip(0.35 + 0.55 * dark_hair + rng.normal(0, 0.08), 0.3, 0.95)),
        brow_thickness=float(np.clip(rng.normal(1.15 if male else 0.85, 0.15), 0.5, 1.6)),
        brow_arch=float(rng.normal(0.0 if male else 0.35, 0.35)),
        lip_darkness=float(np.clip(rng.normal(0.22 if male else 0.34, 0.08), 0.08, 0.55)),
        iris_darkness=float(np.clip(rng.normal(0.55 if descent == "european" else 0.9, 0.2), 0.15, 1)),
        hair_darkness=dark_hair,
        hair_volume=float(rng.uniform(0.5, 1.4)),
        hairline=float(rng.normal(0.0, 0.05) + (0.04 if male else 0)),
        long_hair=bool(rng.random() < (0.06 if male else 0.6)),
        stubble=float(max(0, rng.normal(0.35, 0.35))) if male else 0.0,
        wrinkles=float(np.clip(rng.normal(0.75 + 0.35 * (age - 18) / 32, 0.18), 0.4, 1.4)),
        teeth=float(rng.uniform(0.75, 1.0)),
    )


def sample_identities(count: int, seed: int, population: str = "ckplus") -> list[Identity]:
    """`count` people, numbered from 0. Person n is the same for every count: each has a generator of its own.

    `population`: "ckplus" (69 % women, about 81 % of European, 13 % of African and 6 % of other descent, 18–50 years,
    as CK+ had) or "balanced" (equal shares). Raises UserError for another name or a negative count.
    """
    if population not in POPULATIONS:
        raise UserError(f"population {population!r} is unknown; use one of {', '.join(POPULATIONS)}")
    if count < 0:
        raise UserError(f"{count} identities asked for; expected 0 or more")
    salt = POPULATIONS.index(population)
    return [_sample(i, population, np.random.default_rng([seed, salt, i])) for i in range(count)]


def _macro_shape(identity: Identity) -> torch.Tensor:
    targets, race = load_rig().targets, RACES[identity.descent]
    old = min(max((identity.age - 25) / 65, 0), 1)
    shape = sum(
        share * targets[f"macro:{race}-{identity.gender}-{age}"] for age, share in (("young", 1 - old), ("old", old))
    )
    weight = "maxweight" if identity.body_fat > 0 else "minweight"
    for age, share in (("young", 1 - old), ("old", old)):
        target = targets[f"macro:universal-{identity.gender}-{age}-averagemuscle-{weight}"]
        shape = shape + share * abs(identity.body_fat) * 0.6 * target
    return shape


def hair_field(template: torch.Tensor, hairline: float = 0.0) -> torch.Tensor:
    """Signed distance-like field (…,), dm: positive where hair grows. `template` (…, 3): template coordinates."""
    x, y, z = template.unbind(-1)
    x = x.abs()
    front = y - (7.98 + hairline - 1.1 * (x - 0.30).clamp(min=0) ** 1.5 - 0.06 * x)
    side = torch.minimum(torch.minimum(0.92 - z, (y - 7.12) * 1.5), (x - 0.5) * 2)
    return torch.maximum(front, side)


def neutral_shape(identity: Identity) -> torch.Tensor:
    """Vertices (V, 3) of the person at rest, eyes at `EYE_CENTRE`, hair as a raised scalp."""
    rig = load_rig()
    shape = rig.vertices + _macro_shape(identity)
    resting = [(f"action:{action}", weight) for action, weight in AT_REST.items()]
    for target, weight in (*identity.shape, *resting):
        shape = shape + weight * rig.targets[target]
    eyes = (rig.part == EYES[0]) | (rig.part == EYES[1])
    shape = shape + torch.tensor(EYE_CENTRE) - shape[eyes].mean(0) * torch.tensor([0.0, 1.0, 1.0])
    scalp = ((rig.part == 0) & (rig.masks[:, 3] < 0.3))[:, None]
    rise = (hair_field(rig.vertices, identity.hairline) / 0.15).clamp(0, 1)[:, None] * scalp
    outwards = rig.vertices - torch.tensor([0.0, 7.2, 0.4])
    return shape + HAIR_RISE * identity.hair_volume * rise * outwards / outwards.norm(dim=1, keepdim=True)
