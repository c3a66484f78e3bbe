"""Sets of single pictures: one laid out like TFD, and the natural probe."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fer_lib import facs
from fer_lib.data.dataset import TEST, TRAIN, VALIDATION
from fer_lib.data.synthetic import combinations as combos
from fer_lib.data.synthetic.plan import People, Plan, Take, still, stream
from fer_lib.data.synthetic.sequences import idle

TFD_COUNTS = {"anger": 437, "disgust": 457, "fear": 424, "happy": 758, "sadness": 441, "surprise": 459, "neutral": 1202}
"""Pictures a class: 4,178 in all, as published; the shares of the classes are from memory, unverified."""
TFD_PEOPLE, TFD_FOLDS = 800, 5
TFD_TURN = (9.0, 6.0, 4.0)  # standard deviation of extra yaw, pitch, roll, degrees

PROBE_SEED = 7919  # added to a set's seed: people of the probes are nobody in the training sets
PROBE_PEOPLE, NATURAL_EACH = 48, 3


def probe_people(seed: int, count: int = PROBE_PEOPLE) -> People:
    """New people, the same in every probe."""
    return People(seed + PROBE_SEED, tuple(range(count)), "ckplus", "P")


def synthetic_tfd(seed: int, difficulty: int) -> Plan:
    """4,178 labelled stills of 800 people, seven classes, five folds by person: 70 / 10 / 20 % as TFD's."""
    name, people = "synthetic-tfd", People(seed + 2 * PROBE_SEED, tuple(range(TFD_PEOPLE)), "ckplus", "T")
    emotions = np.repeat(np.arange(len(TFD_COUNTS)), list(TFD_COUNTS.values()))
    emotions = stream(seed, name, "casting").permutation(emotions)
    takes = []
    for i, code in enumerate(emotions):
        person = i * TFD_PEOPLE // len(emotions)
        turn = stream(seed, name, "turn", i).normal(0, TFD_TURN).clip(-20, 20)
        take = _pose(people, person, int(code), i, name, seed, difficulty, list(TFD_COUNTS)[code])
        takes.append(replace(take, shift=take.shift | {"pose": turn[None]}))
    plan = Plan.of(name, seed, difficulty, facs.TFD_EMOTIONS, people, takes)
    return replace(plan, folds=still_folds(plan.person))


def natural(seed: int, difficulty: int) -> Plan:
    """48 new people × 8 emotions × 3: AUs come together as the prototypes bring them."""
    people, takes = probe_people(seed), []
    for person in range(len(people)):
        for code, emotion in enumerate(facs.EMOTIONS * NATURAL_EACH):
            i = person * len(facs.EMOTIONS) * NATURAL_EACH + code
            takes.append(_pose(people, person, code % len(facs.EMOTIONS), i, "natural", seed, difficulty, emotion))
    return Plan.of("natural", seed, difficulty, facs.EMOTIONS, people, takes)


def _pose(
    people: People, person: int, code: int, index: int, name: str, seed: int, difficulty: int, emotion: str
) -> Take:
    """Picture `index` of a set: its AUs and its scene come from separate streams."""
    apex = combos.from_emotion(emotion, stream(seed, name, "apex", index), combos.STRENGTH[difficulty])
    rng = stream(seed, name, "scene", index)
    aus = np.maximum(apex, idle(rng, difficulty))
    return still(person, code, f"{people.subject(person)}_{index:04d}", aus, rng)


def still_folds(person: Sequence[int]) -> np.ndarray:
    """TFD's proportions by person, int8 (N, 5): groups of ten, two test, one validates, seven train."""
    group = np.asarray(person)[:, None] % (2 * TFD_FOLDS)
    first = 2 * np.arange(TFD_FOLDS)
    table = np.full((len(group), TFD_FOLDS), TRAIN, np.int8)
    table[group == (first + 2) % (2 * TFD_FOLDS)] = VALIDATION
    table[(group == first) | (group == first + 1)] = TEST
    return table
