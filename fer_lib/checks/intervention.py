"""Checks of assignment 5: do(AU), an intervention and a claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from numbers import Integral, Real

import numpy as np

from fer_lib.checks.diagnosis import agree, fail, passed, unchanged

PLAN = ("filter", "au", "rivals", "people", "dose", "falsified_if")


def intervene(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(table (I, 2, A), column, dose)` → a copy in which both sides of that action unit are `dose`."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        table = rng.uniform(0.1, 1, (int(rng.integers(2, 5)), 2, int(rng.integers(3, 7))))
        column, dose = int(rng.integers(1, table.shape[2])), float(rng.uniform(0.2, 0.9))
        wanted = table.copy()
        wanted[:, :, column] = dose
        mistakes = {
            "only the left side of the face moves; set both sides, axis 1.": lambda t=table, c=column, d=dose: _put(
                t, np.s_[:, 0, c], d
            ),
            "only the right side of the face moves; set both sides, axis 1.": lambda t=table, c=column, d=dose: _put(
                t, np.s_[:, 1, c], d
            ),
            "the dose was added; an intervention *sets* the value, whatever it was.": (
                lambda t=table, c=column, d=dose: t + d * (np.arange(t.shape[2]) == c)
            ),
            "the dose multiplied what was there; an intervention *sets* the value, whatever it was.": (
                lambda t=table, c=column, d=dose: _put(t, np.s_[:, :, c], t[:, :, c] * d)
            ),
            "the other action units were set to zero: then several things change, and the effect has several causes.": (
                lambda t=table, c=column, d=dose: _put(t * 0, np.s_[:, :, c], d)
            ),
            "only the first person moves; set everybody, axis 0.": lambda t=table, c=column, d=dose: _put(
                t, np.s_[0, :, c], d
            ),
            "the wrong axis was indexed: action units are the last axis, table[:, :, column].": (
                lambda t=table, c=column, d=dose: _put(t, np.s_[:, c % 2], d)
            ),
        }
        before = table.copy()
        found = answer(table, column, dose)
        unchanged("the table", before, table)
        agree("the table after do(AU)", found, wanted, mistakes, tolerance=1e-6)
    passed("intervene sets one action unit and nothing else", cases)


def _put(table: np.ndarray, place: tuple, value: object) -> np.ndarray:
    out = table.copy()
    out[place] = value
    return out


def paired_effect(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(without (P,), with_ (P,))` → (mean, sd, d) of the differences with − without; sd divides by P − 1."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        people = int(rng.integers(8, 20))
        without = rng.normal(3, 2, people)
        with_ = without + rng.normal(0.5, 0.4, people)
        difference = with_ - without
        mean, sd = difference.mean(), difference.std(ddof=1)
        pooled = np.sqrt((with_.var(ddof=1) + without.var(ddof=1)) / 2)
        mistakes = {
            "the sign is turned: the effect is with − without.": lambda m=mean, s=sd: (-m, s, -m / s),
            "sd divides by P: with a sample of people divide by P − 1 (ddof=1).": lambda x=difference: (
                x.mean(),
                x.std(),
                x.mean() / x.std(),
            ),
            "the spread between people is in your sd: each person is their own control, so take the sd of the "
            "differences.": lambda m=mean, s=pooled: (m, s, m / s),
            "d should be mean / sd; you divided by the standard error, which is t.": (
                lambda m=mean, s=sd, n=people: (m, s, m / (s / np.sqrt(n)))
            ),
            "the second number is the variance; take its root.": lambda m=mean, s=sd: (m, s**2, m / s**2),
        }
        found = answer(without.copy(), with_.copy())
        agree("(mean, sd, d)", found, (mean, sd, mean / sd), mistakes, tolerance=1e-9)
    passed("paired_effect: each person is their own control", cases)


def sign_flip_p(answer: Callable, *, seed: int = 0) -> None:
    """`answer(difference (P,), rng, flips)` → two-sided p of the mean under flips of the signs, (b + 1)/(B + 1)."""
    rng, flips = np.random.default_rng(seed), 3000
    for direction in (1, -1):
        sure = direction * rng.uniform(1, 2, 40)
        found = _one_p(answer(sure, np.random.default_rng(seed), 99))
        if found == 0:
            fail("p is 0: the observed signs are one of the flips, so p = (b + 1) / (B + 1).")
        agree("p where all 40 people agree and there are 99 flips", found, 0.01, _one_sided(), tolerance=1e-9)
        unsure = direction * _unsure(rng)
        share = _exact(unsure)
        mistakes = {
            "the test is one-sided: a filter may also fall silent. Compare absolute means.": lambda s=share: s / 2,
            "this is 1 − p: count the flips whose mean is *at least* as large.": lambda s=share: 1 - s,
        }
        found = _one_p(answer(unsure.copy(), np.random.default_rng(seed + 1), flips))
        agree("p of nine uncertain people (±0.04)", found, share, _loosely(found, mistakes), tolerance=0.04)
    again = [answer(unsure.copy(), np.random.default_rng(seed + 2), 200) for _ in range(2)]
    if again[0] != again[1]:
        fail("the same rng gives another p: draw from the rng you are given, not from NumPy's global one.")
    passed("sign_flip_p, in both directions", 4)


def _one_p(found: object) -> float:
    value = np.asarray(np.nan if found is None else found, dtype=float)
    if value.shape:
        fail(f"sign_flip_p should return one number; found shape {value.shape}.")
    if np.isnan(value):
        fail("sign_flip_p returned no number: has the scaffold's answer been replaced?")
    return float(value)


def _one_sided() -> dict[str, Callable]:
    return {
        "p is 1 for the clearest effect: count flips whose mean is *at least* as large, with absolute means on both "
        "sides.": lambda: 1.0
    }


def _unsure(rng: np.random.Generator) -> np.ndarray:
    """Nine differences whose exact p lies where halves and complements are far away."""
    while True:
        difference = rng.normal(0.25, 1, 9)
        if difference.mean() > 0 and 0.2 < _exact(difference) < 0.4:
            return difference


def _exact(difference: np.ndarray) -> float:
    signs = np.array(list(product((-1, 1), repeat=len(difference))))
    return float((np.abs(signs @ difference) >= abs(difference.sum()) - 1e-12).mean())


def _loosely(found: float, mistakes: Mapping[str, Callable]) -> dict[str, Callable]:
    """Drawn p-values scatter: an answer near a mistake's counts as that mistake's."""
    values = {sentence: answer() for sentence, answer in mistakes.items()}
    return {
        sentence: lambda value=value: found if abs(found - value) < 0.04 else value
        for sentence, value in values.items()
    }


def survives(answer: Callable, *, seed: int = 0) -> None:
    """`answer(effect (A,), p (A,), label, level)` → significant, positive and the largest of all effects."""
    cases = (
        ("the effect is clear, positive and largest", [0.1, 0.9, 0.3], [0.8, 0.01, 0.2], 1, True),
        ("p is above the level", [0.1, 0.9, 0.3], [0.8, 0.20, 0.01], 1, False),
        ("the effect is negative (the filter falls silent)", [0.1, -0.9, 0.0], [0.8, 0.01, 0.9], 1, False),
        ("every effect is negative", [-0.4, -0.1, -0.6], [0.01, 0.01, 0.01], 1, False),
        ("another action unit has a larger effect", [0.1, 0.5, 0.9], [0.8, 0.01, 0.3], 1, False),
        ("another action unit has a larger effect, downwards", [0.1, 0.5, -0.9], [0.8, 0.01, 0.01], 1, True),
        ("p equals the level", [0.1, 0.9, 0.3], [0.8, 0.05, 0.2], 1, True),
    )
    order = np.random.default_rng(seed).permutation(3)
    for what, effect, p, label, wanted in cases:
        where = int(np.flatnonzero(order == label)[0])
        found = answer(np.array(effect)[order], np.array(p)[order], where, 0.05)
        if found is None:
            fail("survives returned None: has the scaffold's answer been replaced?")
        if np.ndim(found):
            fail(f"survives should say True or False; found {found!r}.")
        if bool(found) != wanted:
            fail(f"survives says {bool(found)} where {what}; expected {wanted}.")
    passed("survives: significant, positive, largest", len(cases))


def _empty(value: object) -> bool:
    return value is None or (hasattr(value, "__len__") and len(value) == 0)


def plan(design: Mapping, *, seed: int = 0) -> None:
    """A plan names what PLAN lists, has people enough, two rivals, and says beforehand what would refute it."""
    if not isinstance(design, Mapping):
        fail(f"the plan is {type(design).__name__}; expected a dictionary.")
    if missing := [name for name in PLAN if _empty(design.get(name))]:
        fail(f"the plan lacks {', '.join(missing)}.")
    from fer_lib.facs import CKPLUS_AUS

    if not isinstance(design["filter"], Integral) or not 0 <= design["filter"] < 256:
        fail(f"filter {design['filter']!r}: conv3 has filters 0 to 255.")
    if np.ndim(design["rivals"]) != 1:
        fail(f"rivals {design['rivals']!r}: expected a list of action units, such as [6, 25].")
    rivals = list(design["rivals"])
    for au in (design["au"], *rivals):
        if au not in CKPLUS_AUS:
            fail(f"AU {au!r} is not among those coded in CK+: {', '.join(map(str, CKPLUS_AUS))}.")
    if design["au"] in rivals or len(set(rivals)) < 2:
        fail("name at least two rivals, action units that come along with yours, and not your own among them.")
    if not isinstance(design["people"], Integral) or not 12 <= design["people"] <= 60:
        found = design["people"]
        fail(f"{found!r} people: fewer than 12 leave the sign test little power; more than 60 only cost time.")
    if not isinstance(design["dose"], Real) or not 0 < design["dose"] <= 1:
        fail(f"dose {design['dose']!r}: an intensity lies above 0 and at most at 1.")
    if len(str(design["falsified_if"]).split()) < 5:
        fail("falsified_if should be a sentence: which numbers would make you give the claim up?")
    passed("the plan can be carried out, and can fail", 1)
