"""What every room's tests may ask for."""

from collections.abc import Callable

import numpy as np
import pytest

from fer_lib.data.dataset import FaceDataset, unknown_aus
from fer_lib.data.splits import subject_folds

TINY_EMOTIONS = ("neutral", "happy", "surprise", "anger")


@pytest.fixture(scope="session")
def tiny_faces() -> Callable[..., FaceDataset]:
    """Makes a tiny data set that a network learns in seconds: each emotion lights its own corner."""
    return _tiny_faces


def _tiny_faces(subjects: int = 12, size: int = 16, noise: float = 25.0, seed: int = 0) -> FaceDataset:
    """`subjects` people x 3 sequences (one an emotion) x 4 frames: a neutral one, then three of the emotion."""
    rng = np.random.default_rng(seed)
    rows = [(s, e, f) for s in range(subjects) for e in (1, 2, 3) for f in range(4)]
    emotion = np.array([e if f else 0 for _, e, f in rows])
    images = rng.normal(110, noise, (len(rows), 1, size, size))
    half = size // 2
    for image, code in zip(images, emotion, strict=True):
        top, left = half * (code // 2), half * (code % 2)
        image[0, top + 2 : top + half - 2, left + 2 : left + half - 2] += 120
    subject = np.array([f"S{s:03d}" for s, _, _ in rows])
    return FaceDataset(
        name="tiny",
        images=images.clip(0, 255).astype(np.uint8),
        emotion=emotion,
        emotions=TINY_EMOTIONS,
        subject=subject,
        sequence=np.array([f"S{s:03d}/{e:03d}" for s, e, _ in rows]),
        frame=np.array([f for _, _, f in rows]),
        folds=subject_folds(subject, 4),
        provenance={"source": "tests", "label": "tiny faces", "synthetic": True},
        **unknown_aus(len(rows)),
    )
