"""What to render, one row a picture. numpy only until pictures are made; equal seeds give equal rows."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fer_lib import facs
from fer_lib.data.dataset import FaceDataset
from fer_lib.data.splits import subject_folds

if TYPE_CHECKING:
    from fer_lib.faces import Identity, Scene

VERSION = 1  # of the recipes; a change of what any of them draws raises it
TRACE = 0.1 - 1e-6  # least intensity that a coder would score; as in facs.letter_of
COLUMN = {au: column for column, au in enumerate(facs.AUS)}
ATTRIBUTES = ("gender", "age", "descent", "skin_tone")


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """A generator of its own for every path, so that any sequence can be drawn alone and in any order."""
    return np.random.default_rng([seed, *(zlib.crc32(p.encode()) if isinstance(p, str) else p for p in path)])


@dataclass(frozen=True)
class People:
    """Who is in a set: numbers within a seeded population. Equal seeds are equal people, in whatever set."""

    seed: int
    numbers: tuple[int, ...]
    population: str = "ckplus"
    prefix: str = "S"

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def identities(self) -> list["Identity"]:
        from fer_lib.faces import sample_identities

        everyone = sample_identities(max(self.numbers) + 1, self.seed, self.population)
        return [everyone[number] for number in self.numbers]

    def subject(self, person: int) -> str:
        """Id of the n-th person: S001, S002, …; folds sort by it."""
        return f"{self.prefix}{person + 1:0{max(3, len(str(len(self))))}d}"

    def attributes(self) -> dict[str, dict]:
        """subject → gender, age (years), descent, skin tone (0 dark … 1 light)."""
        rows = ({name: getattr(one, name) for name in ATTRIBUTES} for one in self.identities)
        return {self.subject(i): row | {"age": round(row["age"], 1)} for i, row in enumerate(rows)}


@dataclass(frozen=True, eq=False)
class Take:
    """One person before the camera: n pictures that share light, background and camera.

    frame int (n,), aus (n, 2, A) left and right, grain int (n,) seeds of the sensor noise; shift: what is added to a
    field of the sampled Scene, such as {"pose": (n, 3)}, in that field's units.
    """

    person: int
    emotion: int
    sequence: str
    frame: np.ndarray
    aus: np.ndarray
    scene_seed: int
    grain: np.ndarray
    shift: dict[str, np.ndarray] = field(default_factory=dict)


def still(person: int, emotion: int, sequence: str, aus: np.ndarray, rng: np.random.Generator, **shift) -> Take:
    """A take of one picture; `aus` (2, A). Its scene is drawn from `rng`, which must not depend on the label."""
    seed, grain = rng.integers(2**62, size=2)
    shift = {name: np.asarray(value)[None] for name, value in shift.items()}
    return Take(person, emotion, sequence, np.zeros(1, int), aus[None], int(seed), np.array([grain]), shift)


@dataclass(frozen=True, eq=False)
class Plan:
    """All pictures of a set, N rows. Fields as in `Take`, one row a picture; `person` indexes `people`."""

    name: str
    seed: int
    difficulty: int
    emotions: tuple[str, ...]
    people: People
    person: np.ndarray
    emotion: np.ndarray
    sequence: np.ndarray
    frame: np.ndarray
    aus: np.ndarray
    scene_seed: np.ndarray
    grain: np.ndarray
    shift: dict[str, np.ndarray]
    folds: np.ndarray

    @staticmethod
    def of(name: str, seed: int, difficulty: int, emotions: Sequence[str], people: People, takes: Sequence[Take]):
        """Rows of the takes, in order, with ten folds by person."""
        lengths = [len(take.frame) for take in takes]
        once = {key: [getattr(take, key) for take in takes] for key in ("person", "emotion", "sequence", "scene_seed")}
        shifts = {key: value.shape[1] for take in takes for key, value in take.shift.items()}
        shift = {
            key: np.concatenate([take.shift.get(key, np.zeros((len(take.frame), width))) for take in takes])
            for key, width in shifts.items()
        }
        person = np.repeat(once.pop("person"), lengths)
        return Plan(
            name,
            seed,
            difficulty,
            tuple(emotions),
            people,
            frame=np.concatenate([take.frame for take in takes]),
            aus=np.concatenate([take.aus for take in takes]).astype(np.float32),
            grain=np.concatenate([take.grain for take in takes]),
            shift={key: value.astype(np.float32) for key, value in shift.items()},
            person=person,
            folds=subject_folds(np.array([people.subject(i) for i in person])),
            **{key: np.repeat(values, lengths) for key, values in once.items()},
        )

    def __len__(self) -> int:
        return len(self.person)

    @cached_property
    def subject(self) -> np.ndarray:
        names = np.array([self.people.subject(i) for i in range(len(self.people))])
        return names[self.person]

    @property
    def intensity(self) -> np.ndarray:
        """The stronger side of each AU, (N, A)."""
        return self.aus.max(1)

    def select(self, which: np.ndarray) -> "Plan":
        """The rows at a mask or at indices."""
        rows = ("person", "emotion", "sequence", "frame", "aus", "scene_seed", "grain", "folds")
        kept = {name: getattr(self, name)[which] for name in rows}
        return replace(self, shift={key: value[which] for key, value in self.shift.items()}, **kept)

    def scene(self) -> "Scene":
        """Camera, light and sensor of every row, N pictures. Nothing here reads the label or the AUs."""
        import torch

        from fer_lib.faces import Scene

        seeds = [torch.Generator().manual_seed(int(seed)) for seed in self.scene_seed]
        sampled = [vars(Scene.sample(1, self.difficulty, generator)) for generator in seeds]
        fields = {name: torch.cat([one[name] for one in sampled]) for name in sampled[0]}
        for name, change in self.shift.items():
            fields[name] = fields[name] + torch.from_numpy(change)
        return Scene(**fields | {"grain": torch.from_numpy(self.grain)})

    def dataset(self, images: np.ndarray, provenance: dict | None = None) -> FaceDataset:
        """Pictures (N, 1, H, W) uint8 with every label exact for its own frame."""
        intensity = self.intensity
        return FaceDataset(
            name=self.name,
            images=images,
            emotion=self.emotion,
            emotions=self.emotions,
            subject=self.subject,
            sequence=self.sequence,
            frame=self.frame,
            aus=facs.AUS,
            au_presence=(intensity >= TRACE).astype(np.int8),
            au_intensity=intensity,
            folds=self.folds,
            provenance=self.provenance() | (provenance or {}),
        )

    def provenance(self) -> dict:
        return {
            "source": self.name,
            "made_by": "fer_lib.faces",
            "recipe_version": VERSION,
            "seed": self.seed,
            "difficulty": self.difficulty,
            "synthetic": True,
            "label": "synthetic faces",
            "au_labels": "exact for every frame",
            "identities": self.people.attributes(),
        }
