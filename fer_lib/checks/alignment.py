"""Checks of assignment 4: do filters align with action units?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fer_lib.checks.diagnosis import agree, fail, passed, unchanged


def _tied(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Activations of some images, many of them zero (a ReLU's ties), and a label that goes with them."""
    count = int(rng.integers(60, 120))
    present = rng.random(count) < 0.3
    present[:2] = True, False
    activation = np.maximum(rng.normal(size=count) + 0.7 * present, 0).round(1)
    return activation, present


def kl(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(activation (N,), present (N,) bool, bins)` → D(with‖without) in nats, shared edges, smoothing 0.5."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        activation, present = _tied(rng)
        bins = int(rng.integers(5, 12))
        with_, without = activation[present], activation[~present]
        edges = np.linspace(activation.min(), activation.max(), bins + 1)
        q, r = (np.histogram(part, edges)[0] for part in (with_, without))
        own = [np.histogram(part, bins)[0] for part in (with_, without)]
        mistakes = {
            "the direction is turned: D(with‖without) weighs by the images *with* the AU.": lambda q=q, r=r: _kl(r, q),
            "this is in bits: use the natural logarithm.": lambda q=q, r=r: _kl(q, r) / np.log(2),
            "each histogram has its own edges; both need the edges of all images together.": lambda own=own: _kl(*own),
            "add 0.5 to every count, not 1.": lambda q=q, r=r: _kl(q, r, 1.0),
            "the smoothing of 0.5 was added to shares instead of counts.": lambda q=q, r=r: _kl(
                q / q.sum(), r / r.sum()
            ),
            "counts are compared, not shares: divide each histogram by its sum first.": lambda q=q, r=r: (
                (q + 0.5) * np.log((q + 0.5) / (r + 0.5))
            ).sum(),
            "this is the symmetric sum of both directions; the paper takes one.": lambda q=q, r=r: (
                _kl(q, r) + _kl(r, q)
            ),
        }
        found = answer(activation.copy(), present.copy(), bins)
        if found is not None and not np.isfinite(found) and not np.isnan(found):
            fail(
                "the divergence is infinite: a bin is empty without the AU. Add 0.5 to every count of both histograms."
            )
        agree(f"KL with {bins} bins", found, _kl(q, r), mistakes, tolerance=1e-6)
    passed("kl: shared edges, 0.5 smoothing, nats", cases)


def _kl(q: np.ndarray, r: np.ndarray, smoothing: float = 0.5) -> float:
    q, r = q + smoothing, r + smoothing
    q, r = q / q.sum(), r / r.sum()
    return float((q * np.log(q / r)).sum())


def kl_bias(answer: Callable, *, seed: int = 0, cases: int = 4) -> None:
    """`answer(bins, n1, n0)` → (K − 1)/2 · (1/n1 + 1/n0): what KL comes to under no association."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        bins, n1, n0 = int(rng.integers(5, 40)), int(rng.integers(10, 60)), int(rng.integers(100, 900))
        both = 1 / n1 + 1 / n0
        mistakes = {
            "K bins have K − 1 free shares, because the shares add up to 1.": lambda k=bins, b=both: k / 2 * b,
            "the factor ½ is missing.": lambda k=bins, b=both: (k - 1) * b,
            "add the reciprocals: 1/n1 + 1/n0, not 1/(n1 + n0).": lambda k=bins, m=n1, n=n0: (k - 1) / 2 / (m + n),
            "both groups are finite: the images without the AU count too.": lambda k=bins, m=n1: (k - 1) / 2 / m,
        }
        agree(f"the bias for K={bins}, n1={n1}, n0={n0}", answer(bins, n1, n0), (bins - 1) / 2 * both, mistakes, 1e-9)
    passed("kl_bias: rare action units look aligned by rarity alone", cases)


def auroc(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(activation (N,), present (N,) bool)` → chance that an image with the AU excites more; ties count half."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        activation, present = _tied(rng)
        high, low = activation[present][:, None], activation[~present]
        wins, ties = (high > low).mean(), (high == low).mean()
        mistakes = {
            "the direction is turned: an image *with* the AU should win.": lambda w=wins, t=ties: 1 - w - t / 2,
            "ties count for nothing; they count half. A ReLU makes many of them.": lambda w=wins: w,
            "ties count as wins; they count half. A ReLU makes many of them.": lambda w=wins, t=ties: w + t,
            "ties were ranked in the order of the images; give tied values their mean rank.": (
                lambda a=activation, p=present: _by_rank(a.argsort(kind="stable").argsort() + 1, p)
            ),
            "ranks start at 1 (or subtract n1·(n1 − 1)/2 if yours start at 0).": (
                lambda w=wins, t=ties, p=present: w + t / 2 - 1 / (~p).sum()
            ),
            "you divided by the number of all pairs; only pairs of one with and one without count.": (
                lambda w=wins, t=ties, p=present: (w + t / 2) * p.sum() * (~p).sum() / (len(p) * (len(p) - 1) / 2)
            ),
        }
        agree("AUROC", answer(activation.copy(), present.copy()), wins + ties / 2, mistakes, tolerance=1e-9)
    passed("auroc, with ties", cases)


def _by_rank(rank: np.ndarray, present: np.ndarray) -> float:
    n1 = present.sum()
    return float((rank[present].sum() - n1 * (n1 + 1) / 2) / (n1 * (~present).sum()))


def permute_sequences(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(labels (N, A), sequence (N,), rng)` → labels with whole sequences' blocks of rows exchanged."""
    rng = np.random.default_rng(seed)
    for case in range(cases):
        count, frames, aus = int(rng.integers(9, 15)), int(rng.integers(2, 5)), int(rng.integers(2, 5))
        names = rng.permutation([f"S{number:03d}_001" for number in range(count)])
        labels = rng.permutation(count * frames * aus).reshape(-1, aus).astype(float)
        before = labels.copy()
        found = answer(labels, np.repeat(names, frames), np.random.default_rng(seed + case))
        unchanged("labels", before, labels)
        _exchanged(found, labels, frames)
        again = answer(labels.copy(), np.repeat(names, frames), np.random.default_rng(seed + case))
        other = answer(labels.copy(), np.repeat(names, frames), np.random.default_rng(seed + case + 99))
        if not np.array_equal(found, again):
            fail(
                "the same rng gives another permutation: draw from the rng you are given, not from NumPy's global one."
            )
        if np.array_equal(found, other):
            fail("another rng gives the same permutation: draw it with rng.permutation(…).")
    passed("permute_sequences keeps rows and sequences whole", cases)


def _exchanged(found: object, labels: np.ndarray, frames: int) -> None:
    """Raise CheckFailed unless `found` holds the blocks of `labels` in another order."""
    if found is None:
        fail("the answer is None: does the function end with `return`?")
    found = np.asarray(found, dtype=float)
    if found.shape != labels.shape:
        fail(f"the answer has shape {found.shape}; expected {labels.shape}.")
    if np.array_equal(found, labels):
        fail("nothing moved: the labels are as they were.")
    blocks, ours = ({_key(block) for block in _blocks(table, frames)} for table in (found, labels))
    if blocks == ours:
        return
    if not np.array_equal(np.sort(found, axis=None), np.sort(labels, axis=None)):
        fail("some labels are lost and others doubled: exchange (permutation), do not draw with replacement (choice).")
    if {_key(row) for row in found} != {_key(row) for row in labels}:
        fail("rows were torn apart: each action unit was shuffled on its own. Move whole rows, as AUs co-occur.")
    inside, mine = ([_key(np.sort(block, axis=0)) for block in _blocks(table, frames)] for table in (found, labels))
    if inside == mine:
        fail("you shuffled rows within a sequence; exchange whole sequences and keep the frames' order.")
    if set(inside) == set(mine):
        fail(
            "the sequences are whole, but their frames changed order: the first frame must stay first (it is neutral)."
        )
    fail("you shuffled single images: frames of one sequence went to different sequences. Exchange whole sequences.")


def _blocks(table: np.ndarray, frames: int) -> np.ndarray:
    return table.reshape(-1, frames, table.shape[1])


def _key(block: np.ndarray) -> bytes:
    return np.ascontiguousarray(block).tobytes()


def max_p(answer: Callable, *, seed: int = 0, cases: int = 3) -> None:
    """`answer(observed (F, A), null (B, F, A))` → (F, A): family-wise p from the largest |z| of each permutation."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        filters, aus, draws = int(rng.integers(3, 6)), int(rng.integers(2, 5)), int(rng.integers(99, 300))
        observed, null = rng.normal(0, 2, (filters, aus)), rng.normal(0, 1, (draws, filters, aus))
        observed[0, 0], observed[-1, -1] = -2.6, 9.0
        largest = np.abs(null).max(axis=(1, 2))
        beaten = (largest[:, None, None] >= np.abs(observed)).sum(axis=0)
        each = (np.abs(null) >= np.abs(observed)).sum(axis=0)
        mistakes = {
            "p can become 0: the observed labels are one of the permutations, so p = (b + 1) / (B + 1).": (
                lambda b=beaten, n=draws: b / n
            ),
            "every cell is compared with its own null; for family-wise error compare with the largest |z| of all "
            "cells.": lambda e=each, n=draws: (e + 1) / (n + 1),
            "the test is one-sided: a filter may also fall silent. Take absolute values of both.": (
                lambda o=observed, z=null, n=draws: _p(z.max(axis=(1, 2)), o, n)
            ),
            "the observed z lacks its absolute value.": lambda o=observed, m=largest, n=draws: _p(m, o, n),
            "this is 1 − p: count the permutations that reach the observed value.": (
                lambda b=beaten, n=draws: 1 - (b + 1) / (n + 1)
            ),
            "the largest is taken over filters only (or over action units only); take it over both.": (
                lambda o=observed, z=null, n=draws: _p(np.abs(z).max(axis=1)[:, None], np.abs(o), n)
            ),
        }
        agree(f"p of {filters}×{aus} cells", answer(observed, null), (beaten + 1) / (draws + 1), mistakes, 1e-9)
    passed("max_p: one largest |z| a permutation", cases)


def _p(null: np.ndarray, observed: np.ndarray, draws: int) -> np.ndarray:
    null = null.reshape(draws, 1, -1) if null.ndim > 1 else null[:, None, None]
    return ((null >= observed).sum(axis=0) + 1) / (draws + 1)
