"""Which AUs come together: from prototypes, as CK+'s unlabelled sequences, or independently of the emotion.

A combination is an array (2, A): intensities on the subject's left and right, columns as in `facs.AUS`.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from fer_lib import facs
from fer_lib.data.counts import PUBLISHED
from fer_lib.data.synthetic.plan import COLUMN, TRACE
from fer_lib.facs import Prototype

STRENGTH = ((0.70, 1.00), (0.50, 1.00), (0.35, 0.95))  # range of a combination's overall intensity, by difficulty
SCATTER, ASYMMETRY = 0.08, 0.04  # standard deviations: of an AU about that, of a side about its AU
MOST_UNLABELLED = 6  # AUs in an unlabelled sequence
LEAST = 0.2  # FACS A: nothing fainter is drawn on purpose

EXCLUSIVE = ({26, 27}, {24, 25}, {24, 26}, {24, 27}, {23, 27}, {18, 27}, {18, 20}, {18, 12}, {17, 27})
NEEDS = {27: 25}  # a stretched mouth is an open one

CKPLUS_COUNTS = {
    int(count.item.removeprefix("AU ")): count.value
    for count in PUBLISHED["ckplus, unlabelled too"]
    if count.item.startswith("AU ")
}
"""Of CK+'s 593 sequences, those in which each AU is coded at the peak (unverified, see `counts`)."""


def empty() -> np.ndarray:
    """A face at rest: zeros (2, A)."""
    return np.zeros((2, len(facs.AUS)))


def intensities(combination: np.ndarray) -> dict[int, float]:
    """AU → stronger side, present AUs only."""
    stronger = combination.max(0)
    return {facs.AUS[i]: float(stronger[i]) for i in np.flatnonzero(stronger >= TRACE)}


def plausible(aus: Iterable[int]) -> bool:
    """Whether a face can show these AUs together; a coarse rule of ours, after the FACS manual's alternatives."""
    aus = set(aus)
    return not any(pair <= aus for pair in EXCLUSIVE) and all(NEEDS[au] in aus for au in aus & set(NEEDS))


def compose(
    aus: Iterable[int],
    rng: np.random.Generator,
    strength: tuple[float, float],
    least: Mapping[int, float] | None = None,
    most: Mapping[int, float] | None = None,
) -> np.ndarray:
    """These AUs about one common strength, each a little different and slightly asymmetrical, within its bounds."""
    combination, level = empty(), rng.uniform(*strength)
    for au in sorted(aus):
        sides = level + rng.normal(0, SCATTER) + rng.normal(0, ASYMMETRY, 2)
        combination[:, COLUMN[au]] = sides.clip((least or {}).get(au, LEAST), (most or {}).get(au, 1.0))
    return combination


def from_prototype(prototype: Prototype, rng: np.random.Generator, strength: tuple[float, float]) -> np.ndarray:
    """One way to show the prototype's emotion; it meets CK+'s criterion of that emotion."""
    while not plausible(aus := set(prototype.required) | {au for au, p in prototype.usual.items() if rng.random() < p}):
        pass
    combination = compose(aus, rng, strength, prototype.required, prototype.maximum)
    hidden = int(rng.integers(2))
    combination[hidden, [COLUMN[au] for au in sorted(prototype.one_sided)]] = 0
    return combination


def from_emotion(emotion: str, rng: np.random.Generator, strength: tuple[float, float]) -> np.ndarray:
    """One way to show an emotion, its variants drawn by their weights; neutral shows nothing."""
    if emotion == "neutral":
        return empty()
    variants = facs.PROTOTYPES[emotion]
    return from_prototype(variants[rng.choice(len(variants), p=[v.weight for v in variants])], rng, strength)


def context_of(au: int, rng: np.random.Generator, strength: tuple[float, float]) -> tuple[str, np.ndarray]:
    """(emotion, combination) in which the AU comes naturally: a prototype that has it, drawn until it does."""
    variants = [v for group in facs.PROTOTYPES.values() for v in group if au in v.required or au in v.usual]
    weights = np.array([v.weight * (1 if au in v.required else v.usual[au]) for v in variants])
    chosen = variants[rng.choice(len(variants), p=weights / weights.sum())]
    while (combination := from_prototype(chosen, rng, strength))[:, COLUMN[au]].max() < TRACE:
        pass
    return chosen.emotion, combination


def unlabelled(
    count: int, missing: Mapping[int, float], rng: np.random.Generator, strength: tuple[float, float]
) -> list[np.ndarray]:
    """Combinations that meet no emotion criterion, or several, chosen so that their AU counts come near `missing`."""
    wanted = {au: float(max(number, 0)) for au, number in missing.items()}
    drawn = []
    for left in range(count, 0, -1):
        candidates = [_candidate(wanted, left, rng, strength) for _ in range(24)]
        best = max(candidates, key=lambda candidate: _progress(candidate, wanted, left))
        for au in intensities(best):
            wanted[au] = wanted.get(au, 0) - 1
        drawn.append(best)
    return drawn


def _candidate(wanted: Mapping[int, float], left: int, rng: np.random.Generator, strength) -> np.ndarray:
    aus = sorted(wanted)
    chance = np.array([min(max(wanted[au] / left, 0.004), 0.95) for au in aus])  # never 0: some AUs need company
    while True:
        chosen = {au for au, hit in zip(aus, rng.random(len(aus)) < chance, strict=True) if hit}
        chosen |= {NEEDS[au] for au in chosen & set(NEEDS)}
        if not 0 < len(chosen) <= MOST_UNLABELLED or not plausible(chosen):
            continue
        combination = compose(chosen, rng, strength)
        if len(facs.ckplus_emotions(intensities(combination))) != 1:
            return combination


def _progress(candidate: np.ndarray, wanted: Mapping[int, float], left: int) -> float:
    """How much nearer to the wanted counts; what is rarely possible counts more than what any draw could add."""
    return sum(np.sign(wanted.get(au, 0)) * min(abs(wanted.get(au, 0)) / left, 1) for au in intensities(candidate))


def decorrelated(
    emotion: str, rng: np.random.Generator, strength: tuple[float, float], rates: Mapping[int, float]
) -> np.ndarray:
    """The least an emotion's criterion asks for, plus AUs at their usual rates whatever the emotion.

    Draws that would meet another criterion, or that no face can show, are drawn again, so that some AUs still depend
    on the emotion: 4 cannot join the raised brows of surprise, which would make it fear.
    """
    least = CRITERIA[emotion][rng.integers(len(CRITERIA[emotion]))]
    most = {5: 0.4} if emotion == "surprise" else {}
    while True:
        others = {au for au, rate in rates.items() if rng.random() < rate}
        combination = compose(set(least) | others, rng, strength, least, most)
        met = facs.ckplus_emotions(intensities(combination))
        if met == (emotion,) and plausible(set(least) | others):
            return combination


CRITERIA: dict[str, tuple[dict[int, float], ...]] = {
    "anger": ({23: LEAST, 24: LEAST},),
    "contempt": ({14: LEAST},),
    "disgust": ({9: LEAST}, {10: LEAST}),
    "fear": ({1: LEAST, 2: LEAST, 4: LEAST, 5: 0.55}, {1: LEAST, 2: LEAST, 5: 0.95}),
    "happy": ({12: LEAST},),
    "sadness": ({1: LEAST, 4: LEAST, 15: LEAST}, {6: LEAST, 15: LEAST}, {11: LEAST}),
    "surprise": ({1: LEAST, 2: LEAST}, {5: LEAST}),
}
"""Least combinations that meet each of CK+'s criteria and no other: AU → least intensity."""
