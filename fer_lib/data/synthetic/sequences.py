"""From neutral to apex: how AUs, lids, gaze and head move over the frames of a sequence."""

import numpy as np

from fer_lib.data.synthetic.plan import COLUMN, Take

IDLE_SD = (0.03, 0.06, 0.10)  # by difficulty
IDLE_MOST = 0.09  # under the least a coder would score: idle faces stay neutral
IDLE_AUS = (1, 2, 4, 5, 6, 7, 12, 14, 15, 17, 20, 23, 24, 25, 26)
FRAMES = (10, 20)
BLINK_CHANCE, BLINK_SHAPE = 0.3, (0.5, 1.0, 0.5)
DRIFT = {"pose": (1.2, 1.0, 0.6), "gaze": (1.5, 1.0)}  # standard deviation of the change over a sequence, degrees


def idle(rng: np.random.Generator, difficulty: int) -> np.ndarray:
    """Resting tone of a face, (2, A): everywhere below a trace."""
    tone = np.zeros((2, len(COLUMN)))
    columns = [COLUMN[au] for au in IDLE_AUS]
    tone[:, columns] = np.abs(rng.normal(0, IDLE_SD[difficulty], len(columns))).clip(max=IDLE_MOST)
    return tone


def onset(apex: np.ndarray, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth rise of each AU from 0 at the first frame to its apex (2, A) at the last: (frames, 2, A).

    AUs start and arrive at times of their own.
    """
    start, end = rng.uniform(0.05, 0.30, apex.shape[1]), rng.uniform(0.80, 1.00, apex.shape[1])
    t = ((np.linspace(0, 1, frames)[:, None] - start) / (end - start)).clip(0, 1)
    return (3 * t**2 - 2 * t**3)[:, None] * apex


def blink(aus: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Now and then AU45 for three frames on the way; meanwhile a closing lid cancels 5 and 7.

    Never in the first frame or the last three: a blink there would undo the coding of the apex, or tell it apart.
    """
    if rng.random() >= BLINK_CHANCE:
        return aus
    closing = np.zeros((len(aus), 1))
    first = int(rng.integers(1, len(aus) - 5))
    closing[first : first + 3, 0] = BLINK_SHAPE
    aus = aus.copy()
    for au in (5, 7):
        aus[..., COLUMN[au]] *= 1 - closing
    aus[..., COLUMN[45]] = closing
    return aus


def drift(frames: int, spread: tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    """Slow turn (frames, k), as wide before the middle as after it: the first frame is no straighter than the last."""
    return np.linspace(-0.5, 0.5, frames)[:, None] * rng.normal(0, spread)


def film(person: int, emotion: int, sequence: str, apex: np.ndarray, difficulty: int, rng: np.random.Generator) -> Take:
    """Every frame of a sequence, 10–20 of them. `rng` must not depend on the label; `apex` (2, A) carries it."""
    frames = int(rng.integers(FRAMES[0], FRAMES[1] + 1))
    seed = int(rng.integers(2**62))
    grain = rng.integers(2**62, size=frames)
    shift = {name: drift(frames, spread, rng) for name, spread in DRIFT.items()}
    aus = np.maximum(onset(apex, frames, rng), idle(rng, difficulty))
    return Take(person, emotion, sequence, np.arange(frames) + 1, blink(aus, rng), seed, grain, shift)


def first_and_last_three(take: Take) -> Take:
    """The four frames that the paper uses: the first, as neutral, and the last three, as the emotion."""
    kept = [0, -3, -2, -1]
    rows = {"frame": take.frame[kept], "aus": take.aus[kept], "grain": take.grain[kept]}
    shift = {name: value[kept] for name, value in take.shift.items()}
    return Take(
        take.person, take.emotion, take.sequence, rows["frame"], rows["aus"], take.scene_seed, rows["grain"], shift
    )
