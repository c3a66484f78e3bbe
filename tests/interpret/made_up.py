"""Small sets of made-up faces in the layouts that a study reads: CK+-like sequences and the three probe sets."""

import numpy as np
import torch

from fer_lib.data.dataset import FaceDataset
from fer_lib.facs import AUS, CKPLUS_AUS, EMOTIONS

from . import fake_faces

PROBED = (4, 12, 25)


def faces(rows, name):
    """rows: (person, sequence, frame, emotion, {AU: dose})."""
    doses = torch.zeros(len(rows), 2, len(AUS))
    for row, (*_, shown) in enumerate(rows):
        for au, dose in shown.items():
            doses[row, :, AUS.index(au)] = dose
    person, sequence, frame, emotion, _ = zip(*rows, strict=True)
    images = (fake_faces.render(person, doses).images.clamp(0, 1) * 255).round().byte().numpy()
    intensity = doses[:, 0].numpy()
    return FaceDataset(
        name, images, np.array(emotion), EMOTIONS, np.array([f"S{p:03d}" for p in person]), np.array(sequence),
        np.array(frame), AUS, (intensity > 0).astype(np.int8), intensity, np.zeros((len(rows), 1), np.int8),
        {"label": "made-up faces"},
    )  # fmt: skip


def sequences(people=12, each=5):
    """Neutral frame and three apex frames; AU12 goes with happy, AU4 with anger, and AU27 is never shown."""
    rng, rows = np.random.default_rng(0), []
    for person in range(people):
        for number in range(each):
            emotion = int(rng.integers(1, 8))
            shown = {au: 0.8 for au in CKPLUS_AUS if au != 27 and rng.random() < 0.25}
            shown |= {5: {12: 0.9}, 1: {4: 0.9}}.get(emotion, {})
            sequence = f"S{person:03d}_{number:03d}"
            rows += [(person, sequence, frame, emotion if frame else 0, shown if frame else {}) for frame in range(4)]
    return faces(rows, "made up")


def probe(name):
    rng, rows = np.random.default_rng(1), []
    for person in range(100, 112):
        if name == "factorial":
            for cell in range(6):
                shown = {au: 0.8 for au in CKPLUS_AUS if rng.random() < 0.3}
                rows.append((person, f"S{person}_{cell:04d}", 0, -1, shown))
        elif name == "ladders":
            for au in PROBED:
                rows += [(person, f"S{person}_AU{au}", i, -1, {au: d} if d else {}) for i, d in enumerate((0, 0.5, 1))]
        else:
            for au in PROBED:
                for context, base in (("isolated", {}), ("natural", {1: 0.5})):
                    sequence = f"S{person}_AU{au}_{context}"
                    rows += [(person, sequence, 0, -1, base), (person, sequence, 1, -1, base | {au: 0.8})]
    return faces(rows, name)
