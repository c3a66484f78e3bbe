"""Small made-up data for the statistics: tied activations in clustered rows."""

import numpy as np
import pytest
import torch

from fer_lib.interpret.labels import AULabels
from fer_lib.model import ZeroBiasCNN


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


@pytest.fixture(scope="session")
def network():
    """The paper's network at 96 px, untrained."""
    return ZeroBiasCNN(generator=torch.Generator().manual_seed(5), gain=1.0).eval()


@pytest.fixture(scope="session")
def small_network():
    """The same network for 48 px images, with convolution biases."""
    model = ZeroBiasCNN(4, 48, zero_bias=False, generator=torch.Generator().manual_seed(2), gain=1.0).eval()
    with torch.no_grad():
        for level in (1, 2, 3):
            conv = getattr(model, f"conv{level}")
            conv.bias.copy_(0.3 * torch.randn(conv.bias.shape, generator=torch.Generator().manual_seed(level)))
    return model


@pytest.fixture(scope="session")
def pictures():
    """Six grey pictures (6, 1, 96, 96) in 0–1 with smooth structure and a black, dead corner."""
    generator = torch.Generator().manual_seed(11)
    coarse = torch.rand(6, 1, 12, 12, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (96, 96), mode="bilinear")
    smooth = (smooth + 0.1 * torch.rand(smooth.shape, generator=generator)) / 1.1
    smooth[:, :, :30, :30] = 0
    return smooth
