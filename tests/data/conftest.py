"""Tiny data sets in the layouts of the real ones, written by hand rather than by the exporter under test."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_lib import facs
from fer_lib.data.dataset import FaceDataset, unknown_aus


def drawn_face(seed: int, size: int = 96) -> np.ndarray:
    """uint8 (size, size): an ellipse with two eyes and a mouth, told apart by seeded noise."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    face = np.where((x / 0.7) ** 2 + (y / 0.9) ** 2 < 1, 180.0, 90.0)
    for left, top, width, height in ((-0.3, -0.25, 0.14, 0.07), (0.3, -0.25, 0.14, 0.07), (0, 0.45, 0.3, 0.08)):
        face[((x - left) / width) ** 2 + ((y - top) / height) ** 2 < 1] = 40
    return np.clip(face + np.random.default_rng(seed).normal(0, 8, face.shape), 0, 255).astype(np.uint8)


class CKPlusBuilder:
    """Writes sequences under a root; `emotion_folder` and `facs_folder` take either spelling."""

    def __init__(self, root: Path, emotion_folder: str = "Emotion", facs_folder: str = "FACS") -> None:
        self.root, self.emotion_folder, self.facs_folder = root, emotion_folder, facs_folder

    def sequence(self, subject: str, number: str, emotion: float | None = 5, aus=((12, 4),), frames=5, first=1) -> str:
        name = f"{subject}_{number}"
        for frame in range(first, first + frames):
            self.png(subject, number, frame)
        stem = f"{subject}/{number}/{name}_{first + frames - 1:08d}"
        if emotion is not None:
            self.text(f"{self.emotion_folder}/{stem}_emotion.txt", f"   {emotion:.7e}\n")
        if aus is not None:
            rows = "".join(f"   {au:.7e}   {level:.7e}\n" for au, level in aus)
            self.text(f"{self.facs_folder}/{stem}_facs.txt", rows)
        return name

    def png(self, subject: str, number: str, frame: int, mode: str = "L") -> Path:
        path = self.root / f"cohn-kanade-images/{subject}/{number}/{subject}_{number}_{frame:08d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        face = Image.fromarray(drawn_face(int(subject[1:]) * 1000 + int(number) * 100 + frame % 100))
        face.convert(mode).save(path)
        return path

    def text(self, name: str, content: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path


@pytest.fixture
def ckplus(tmp_path: Path) -> CKPlusBuilder:
    return CKPlusBuilder(tmp_path / "CK+")


@pytest.fixture
def two_sequences(ckplus: CKPlusBuilder) -> CKPlusBuilder:
    """S005_001 happy (AU6 intensity not given, AU12 D) and S010_002 surprise."""
    ckplus.sequence("S005", "001", 5, ((6, 0), (12, 4)))
    ckplus.sequence("S010", "002", 7, ((1, 3), (2, 3), (27, 5)))
    return ckplus


@pytest.fixture
def small() -> FaceDataset:
    """60 images: 30 subjects, each one sequence of two frames; emotions cycle through the eight."""
    row = np.arange(60)
    return FaceDataset(
        name="small",
        images=np.random.default_rng(0).integers(0, 256, (60, 1, 12, 12), dtype=np.uint8),
        emotion=row // 2 % 8,
        emotions=facs.EMOTIONS,
        subject=np.char.mod("S%03d", row // 2),
        sequence=np.char.mod("S%03d_001", row // 2),
        frame=row % 2,
        folds=np.zeros((60, 3)),
        provenance={"source": "small", "synthetic": True, "label": "synthetic faces"},
        **unknown_aus(60),
    )
