"""Sets of sequences laid out like CK+: neutral first frame, three frames at the apex, people in the sorted folds."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from fer_lib import facs
from fer_lib.data.counts import PUBLISHED
from fer_lib.data.splits import labelled_subject_folds
from fer_lib.data.synthetic import combinations as combos
from fer_lib.data.synthetic.plan import People, Plan, stream
from fer_lib.data.synthetic.sequences import film, first_and_last_three

SEQUENCES, PEOPLE, LABELLED_PEOPLE = 593, 123, 118
EMOTION_COUNTS = {
    count.item.removeprefix("emotion "): count.value
    for count in PUBLISHED["ckplus"]
    if count.item.startswith("emotion ") and not count.item.endswith("neutral")
}
AGE_BANDS, TONE_BANDS = (18, 28, 39, 51), (0.0, 0.42, 0.72, 1.01)
PER_CELL, POOL = 6, 400

Apex = Callable[[str, np.random.Generator], np.ndarray]  # emotion, its own random stream → combination (2, A)


def synthetic(seed: int, difficulty: int, apexes_only: bool = True) -> Plan:
    """CK+'s counts: 593 sequences of 123 people, 327 labelled with 45, 18, 59, 25, 69, 28, 83 of emotions 1–7.

    `apexes_only=False` keeps every frame of every sequence. Unlabelled sequences follow, emotion −1.
    """
    strength = combos.STRENGTH[difficulty]
    return _like_ckplus(
        "synthetic",
        seed,
        difficulty,
        apexes_only,
        lambda emotion, rng: combos.from_emotion(emotion, rng, strength),
    )


def decorrelated(seed: int, difficulty: int, apexes_only: bool = True) -> Plan:
    """As `synthetic`, same people and counts, but AUs beyond each emotion's criterion ignore the emotion."""
    strength, sequences = combos.STRENGTH[difficulty], SEQUENCES
    rates = {au: count / sequences for au, count in combos.CKPLUS_COUNTS.items()}
    return _like_ckplus(
        "decorrelated",
        seed,
        difficulty,
        apexes_only,
        lambda emotion, rng: combos.decorrelated(emotion, rng, strength, rates),
    )


def balanced(seed: int, difficulty: int, apexes_only: bool = True) -> Plan:
    """108 people, six for each gender × age band × skin-tone band; each shows each of the seven expressions once."""
    people = _balanced_people(seed)
    pairs = [(person, emotion) for person in range(len(people)) for emotion in facs.EMOTIONS[1:]]
    strength = combos.STRENGTH[difficulty]
    drawn = [
        combos.from_emotion(emotion, stream(seed, "balanced", "apex", i), strength)
        for i, (_, emotion) in enumerate(pairs)
    ]
    return _plan("balanced", seed, difficulty, people, pairs, drawn, apexes_only)


def _like_ckplus(name: str, seed: int, difficulty: int, apexes_only: bool, apex: Apex) -> Plan:
    people = People(seed, tuple(range(PEOPLE)))
    labelled = cast_emotions(stream(seed, name, "casting"))
    drawn = [apex(emotion, stream(seed, name, "apex", i)) for i, (_, emotion) in enumerate(labelled)]
    rest = SEQUENCES - len(labelled)
    missing = dict(combos.CKPLUS_COUNTS)
    for combination in drawn:
        for au in set(combos.intensities(combination)) & set(missing):
            missing[au] -= 1
    rng = stream(seed, name, "unlabelled")
    drawn += combos.unlabelled(rest, missing, rng, combos.STRENGTH[difficulty])
    pairs = [*labelled, *((person, "") for person in _extras(labelled, rest, rng))]
    return _plan(name, seed, difficulty, people, pairs, drawn, apexes_only)


def cast_emotions(rng: np.random.Generator) -> list[tuple[int, str]]:
    """(person, emotion) of the labelled sequences: CK+'s counts, nobody twice with one emotion, 118 people in all."""
    chosen = np.sort(rng.permutation(PEOPLE)[:LABELLED_PEOPLE])
    shows = np.zeros((LABELLED_PEOPLE, len(EMOTION_COUNTS)), bool)
    for column, count in enumerate(EMOTION_COUNTS.values()):
        shows[rng.permutation(LABELLED_PEOPLE)[:count], column] = True
    for idle in np.flatnonzero(~shows.any(1)):  # hand over one emotion of somebody who shows the most
        busiest = int(shows.sum(1).argmax())
        column = int(rng.choice(np.flatnonzero(shows[busiest])))
        shows[busiest, column], shows[idle, column] = False, True
    emotions = tuple(EMOTION_COUNTS)
    return [(int(chosen[row]), emotions[column]) for row, column in np.argwhere(shows)]


def _extras(labelled: Sequence[tuple[int, str]], count: int, rng: np.random.Generator) -> list[int]:
    """People of the unlabelled sequences: first those without any, then whoever has fewest, in random order."""
    load = np.bincount([person for person, _ in labelled], minlength=PEOPLE) + rng.random(PEOPLE) * 3
    extras = []
    for _ in range(count):
        extras.append(int(load.argmin()))
        load[extras[-1]] += 1
    return extras


def _plan(
    name: str,
    seed: int,
    difficulty: int,
    people: People,
    pairs: Sequence[tuple[int, str]],
    apexes: Sequence[np.ndarray],
    apexes_only: bool,
) -> Plan:
    """Films of (person, emotion or '') with their apexes; a person's sequences are numbered in random order."""
    order = stream(seed, name, "order").permutation(len(pairs))
    order = order[np.argsort([pairs[i][0] for i in order], kind="stable")]
    takes, taken = [], np.zeros(len(people), int)
    for i in order:
        person, emotion = pairs[i]
        taken[person] += 1
        sequence = f"{people.subject(person)}_{taken[person]:03d}"
        code = facs.EMOTIONS.index(emotion) if emotion else -1
        take = film(person, code, sequence, apexes[i], difficulty, stream(seed, name, "film", int(i)))
        takes.append(first_and_last_three(take) if apexes_only else take)
    plan = Plan.of(name, seed, difficulty, facs.EMOTIONS, people, takes)
    return with_neutral_first(plan)


def with_neutral_first(plan: Plan) -> Plan:
    """First frames of labelled sequences become neutral, the authors' rule; folds follow the labelled people."""
    emotion = np.where((plan.frame == 1) & (plan.emotion > 0), 0, plan.emotion)
    return replace(plan, emotion=emotion, folds=labelled_subject_folds(plan.subject, emotion))


def _balanced_people(seed: int) -> People:
    pool = People(seed, tuple(range(POOL)), "balanced", "B").identities
    cells: dict[tuple, list[int]] = {}
    for number, one in enumerate(pool):
        bands = (int(np.digitize(one.age, AGE_BANDS)), int(np.digitize(one.skin_tone, TONE_BANDS)))
        cells.setdefault((one.gender, *bands), []).append(number)
    chosen = [number for cell in sorted(cells) for number in cells[cell][:PER_CELL]]
    if len(chosen) != 18 * PER_CELL:
        raise RuntimeError(f"{POOL} drawn people fill only {len(chosen)} of {18 * PER_CELL} places; enlarge POOL")
    order = stream(seed, "balanced", "people").permutation(len(chosen))  # so that sorted folds mix the cells
    return People(seed, tuple(chosen[i] for i in order), "balanced", "B")
