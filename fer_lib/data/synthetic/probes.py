"""Probes: AUs set by design. Ids carry the design, so every selection of pictures keeps it."""

from typing import NamedTuple

import numpy as np

from fer_lib import facs
from fer_lib.data.dataset import FaceDataset
from fer_lib.data.synthetic import combinations as combos
from fer_lib.data.synthetic.plan import COLUMN, Plan, Take, still, stream
from fer_lib.data.synthetic.sequences import idle
from fer_lib.data.synthetic.stills import probe_people
from fer_lib.errors import UserError

CELLS = 32  # factorial pictures a person
WITH_AU = 4  # of them with any one AU
YAWS, AZIMUTHS = (-7.5, -2.5, 2.5, 7.5), (-36.0, -12.0, 12.0, 36.0)  # degrees, added to the sampled scene
LADDER_PEOPLE, DOSES = 24, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
PAIR_PEOPLE, PAIR_DOSE = 32, 0.8
CONTEXTS = ("isolated", "natural")


def factorial(seed: int, difficulty: int) -> Plan:
    """48 new people × 32 pictures; each of the 18 AUs is in exactly 4 of a person's 32, independently of the others.

    Pose (four yaws) and light (four azimuths) are crossed within each person. Independent AUs meet in ways that no
    face shows (a stretched mouth with pressed lips): that is the point, and the price, of the design. No emotion.
    """
    people, takes = probe_people(seed), []
    for person in range(len(people)):
        rng = stream(seed, "factorial", person)
        table = _balanced_presence(rng, combos.STRENGTH[difficulty])
        yaw, azimuth = np.meshgrid(YAWS, AZIMUTHS)
        for cell, place in enumerate(rng.permutation(CELLS) % yaw.size):
            aus = np.maximum(table[cell], idle(rng, difficulty))
            shift = {"pose": (yaw.flat[place], 0, 0), "light": (azimuth.flat[place], 0)}
            takes.append(still(person, -1, f"{people.subject(person)}_{cell:04d}", aus, rng, **shift))
    return Plan.of("factorial", seed, difficulty, facs.EMOTIONS, people, takes)


def _balanced_presence(rng: np.random.Generator, strength: tuple[float, float]) -> np.ndarray:
    """(CELLS, 2, A): every AU in the same number of cells, each placed by a permutation of its own."""
    table = np.zeros((CELLS, 2, len(facs.AUS)))
    for au in facs.CKPLUS_AUS:
        for cell in rng.permutation(CELLS)[:WITH_AU]:
            table[cell, :, COLUMN[au]] = combos.compose([au], rng, strength)[:, COLUMN[au]]
    return table


def ladders(seed: int, difficulty: int) -> Plan:
    """24 new people × 18 AUs × doses 0, 0.2, … 1, one AU at a time, all else equal to the last grain of noise."""
    people, takes = probe_people(seed, LADDER_PEOPLE), []
    for person in range(len(people)):
        for au in facs.CKPLUS_AUS:
            rng = stream(seed, "ladders", person, au)
            aus = np.repeat(idle(rng, difficulty)[None], len(DOSES), 0)
            aus[..., COLUMN[au]] = np.array(DOSES)[:, None]
            takes.append(_series(person, f"{people.subject(person)}_AU{au}", aus, rng))
    return Plan.of("ladders", seed, difficulty, facs.EMOTIONS, people, takes)


def do_pairs(seed: int, difficulty: int) -> Plan:
    """32 new people × 18 AUs × 2 contexts × (without, with the AU at 0.8), all else equal.

    Context "isolated" is a resting face, "natural" a prototype's combination that has the AU. No emotion.
    """
    people, takes = probe_people(seed, PAIR_PEOPLE), []
    for person in range(len(people)):
        for au in facs.CKPLUS_AUS:
            for context in CONTEXTS:
                rng = stream(seed, "do-pairs", person, au, context)
                takes.append(_pair(person, f"{people.subject(person)}_AU{au}_{context}", au, context, difficulty, rng))
    return Plan.of("do-pairs", seed, difficulty, facs.EMOTIONS, people, takes)


def _pair(person: int, sequence: str, au: int, context: str, difficulty: int, rng: np.random.Generator) -> Take:
    base = idle(rng, difficulty)
    if context == "natural":
        base = np.maximum(base, combos.context_of(au, rng, combos.STRENGTH[difficulty])[1])
    pair = np.repeat(base[None], 2, 0)
    pair[..., COLUMN[au]] = np.array([0.0, PAIR_DOSE])[:, None]
    return _series(person, sequence, pair, rng)


def _series(person: int, sequence: str, aus: np.ndarray, rng: np.random.Generator) -> Take:
    """Unlabelled pictures of one scene that differ in their AUs alone; frame 0, 1, … is the step."""
    seed, grain = rng.integers(2**62, size=2)
    return Take(person, -1, sequence, np.arange(len(aus)), aus, int(seed), np.repeat(grain, len(aus)))


class Pairs(NamedTuple):
    """Rows of a do-pairs set: pictures `without` and `with_` the AU, int (P,); `au` int (P,), `context` str (P,)."""

    without: np.ndarray
    with_: np.ndarray
    au: np.ndarray
    context: np.ndarray


def pairs(dataset: FaceDataset) -> Pairs:
    """The pairs of a do-pairs set or of any selection from it that keeps both pictures of a pair."""
    order = np.lexsort((dataset.frame, dataset.sequence))
    first, second = order[::2], order[1::2]
    whole = len(order) % 2 == 0 and (dataset.sequence[first] == dataset.sequence[second]).all()
    design = [sequence.split("_") for sequence in dataset.sequence[first]]
    if not whole or any(len(parts) != 3 for parts in design):
        raise UserError(
            f"{dataset.name} is not made of do(AU) pairs; expected load_dataset('do-pairs') or whole pairs of it"
        )
    aus = np.array([int(parts[1].removeprefix("AU")) for parts in design])
    return Pairs(first, second, aus, np.array([parts[2] for parts in design]))
