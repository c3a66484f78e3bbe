"""Small made-up data for the statistics: tied activations in clustered rows."""

import numpy as np
import pytest

from fer_lib.interpret.labels import AULabels


def clustered(rng, sequences=60, filters=12, aus=5, frames=4, subjects=20):
    """Activations with a sequence effect, rectified and rounded (ties), and AU labels that ignore them."""
    sequence = np.repeat(np.arange(sequences), frames)
    activation = rng.normal(size=(sequences, filters))[sequence] + 0.3 * rng.normal(size=(len(sequence), filters))
    activation = np.maximum(activation, 0).round(1)
    rows = rng.random((sequences, aus)) < np.linspace(0.15, 0.5, aus)
    presence = rows[sequence].astype(float)
    presence[::frames] = 0  # the first frame is neutral
    emotion = rng.integers(1, 4, sequences)[sequence] * (np.arange(len(sequence)) % frames > 0)
    labels = AULabels(tuple(range(1, aus + 1)), presence, sequence, sequence % subjects, emotion)
    return activation, labels


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def null_data(rng):
    return clustered(rng)
