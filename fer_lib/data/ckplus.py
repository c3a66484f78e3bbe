"""CK+, the extended Cohn-Kanade data set (Lucey et al. 2010), as the authors of the paper used it.

Each sequence gives four pictures: the first frame as neutral, the last three as the emotion. AUs were coded at the
apex; we declare that coding to hold for the last three frames and every AU to be absent in the first.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fer_lib import facs
from fer_lib.data import crop as cropping
from fer_lib.data.ckplus_files import UNTABLED_CODES, CKPlusFiles, SequenceFiles
from fer_lib.data.dataset import ABSENT, PRESENT, UNKNOWN, FaceDataset, warn_skipped
from fer_lib.data.splits import labelled_subject_folds
from fer_lib.errors import UserError

APEX_FRAMES = 3

HOW_TO_ASK = (
    "CK+ is given to researchers who sign its agreement: see https://www.jeffcohn.net/Resources/ . "
    'Without it use load_dataset("synthetic")'
)

_SKIP = 'mend it, or leave the sequence out with on_error="skip" (--on-error skip)'


@dataclass(frozen=True)
class _Sequence:
    """What one sequence contributes: four pictures and one row of labels."""

    files: SequenceFiles
    images: list[np.ndarray]
    frames: list[int]
    emotion: int
    aus: dict[int, float] | None
    levelled: bool

    def presence(self) -> np.ndarray:
        if self.aus is None:
            return np.full((len(self.frames), len(facs.AUS)), UNKNOWN)
        apex = np.array([PRESENT if au in self.aus else ABSENT for au in facs.AUS])
        return np.stack([np.full_like(apex, ABSENT), *[apex] * APEX_FRAMES])

    def intensity(self) -> np.ndarray:
        if self.aus is None:
            return np.full((len(self.frames), len(facs.AUS)), np.nan)
        apex = np.array([self.aus.get(au, 0.0) for au in facs.AUS])
        return np.stack([np.zeros_like(apex), *[apex] * APEX_FRAMES])


def load(
    path: str | Path,
    *,
    size: int | None = 96,
    labelled_only: bool = True,
    on_error: str = "raise",
    crop: str = "sequence",
) -> FaceDataset:
    """Read CK+ from its folders or zips: images uint8 (4 × sequences, 1, size, size), ten folds by subject.

    crop="sequence": one box a sequence, from its first frame, eyes level where landmarks exist. crop="released": the
    authors' Haar crop of each frame by itself. crop="none": frames are faces already (size=None leaves their size).
    Faces that the exporter wrote in this layout are named "synthetic-ckplus".
    labelled_only=False keeps sequences without an emotion, as −1 on all four pictures.
    Raises UserError naming the file; with on_error="skip" a bad sequence is warned of, listed in
    provenance["skipped"] and left out.
    """
    if on_error not in ("raise", "skip") or crop not in cropping.CROPS:
        raise UserError(f'on_error={on_error!r}, crop={crop!r}: use "raise" or "skip", and one of {cropping.CROPS}')
    if size is None and crop != "none":
        raise UserError(f'size=None keeps frames whole, crop={crop!r} cuts them: give a size, or crop="none"')
    with CKPlusFiles(path) as files:
        if labelled_only and not files.has("emotion"):
            raise UserError(
                f"{path}: no emotion file found; looked for S005_001_00000011_emotion.txt and the like in Emotion/ or "
                "Emotion_labels/; add that folder or zip, or pass labelled_only=False"
            )
        wanted = [s for s in files.sequences.values() if not labelled_only or s.files["emotion"] or _orphan(s)]
        sequences, skipped = _read_all(files, wanted, on_error, size, crop)
        provenance = _provenance(Path(path), crop, files, sequences, skipped)
    return _assemble(sequences, provenance)


def read_sequence(files: CKPlusFiles, sequence: SequenceFiles, size: int | None, crop: str) -> _Sequence:
    """One sequence's pictures and labels. Raises UserError naming the file that is missing or broken."""
    frames = _protocol_frames(sequence)
    check_apex(sequence)
    emotion, coding = sequence.only("emotion"), sequence.only("FACS")
    if coding is None and files.has("FACS"):
        raise UserError(f"{sequence.name}: no FACS file; expected {sequence.name}_{frames[-1]:08d}_facs.txt")
    pictures = [files.picture(sequence.files["picture"][frame], released=crop == "released") for frame in frames]
    marks = sequence.files["landmarks"].get(frames[0]) if crop == "sequence" else None
    return _Sequence(
        files=sequence,
        images=_crop(pictures, size, crop, None if marks is None else files.landmarks(marks), sequence.name),
        frames=frames,
        emotion=-1 if emotion is None else files.emotion(emotion),
        aus=None if coding is None else files.facs(coding),
        levelled=marks is not None,
    )


def check_apex(sequence: SequenceFiles) -> None:
    """Raises UserError when a label is of a frame behind the last picture: pictures of the apex are missing."""
    last = max(sequence.files["picture"], default=0)
    for kind in ("emotion", "FACS"):
        for frame, entry in sequence.files[kind].items():
            if last and frame > last:
                raise UserError(
                    f"{entry}: labels frame {frame}, and the last picture of {sequence.name} is frame {last}; copy the "
                    "missing frames from your archive"
                )


def _protocol_frames(sequence: SequenceFiles) -> list[int]:
    """Numbers of the first frame and the last three."""
    numbers = sorted(sequence.files["picture"])
    if not numbers:
        orphans = [str(entry) for kind in sequence.files.values() for entry in kind.values()]
        having = f"{orphans[0]} has" if orphans else "its folder is there but has"
        raise UserError(f"{sequence.name}: {having} no pictures; expected {sequence.name}_00000001.png and so on")
    if len(numbers) <= APEX_FRAMES:
        entry = sequence.files["picture"][numbers[0]]
        raise UserError(
            f"{sequence.name}: {len(numbers)} frames ({entry} …); expected at least {APEX_FRAMES + 1}, "
            f"one neutral and {APEX_FRAMES} at the apex"
        )
    return [numbers[0], *numbers[-APEX_FRAMES:]]


def _orphan(sequence: SequenceFiles) -> bool:
    return not sequence.files["picture"]


def _crop(pictures: list[np.ndarray], size: int | None, crop: str, landmarks: np.ndarray | None, name: str) -> list:
    try:
        if crop == "none":
            return cropping.uncropped(pictures, size)
        if crop == "released":
            return cropping.crop_released(pictures, size)
        return cropping.crop_sequence(pictures, size, landmarks)
    except UserError as error:
        raise UserError(f"{name}: {error}") from error


def _read_all(files: CKPlusFiles, wanted: list[SequenceFiles], on_error: str, size: int | None, crop: str):
    from tqdm import tqdm

    sequences, skipped = [], []
    for sequence in tqdm(wanted, desc="CK+ sequences", disable=None):
        try:
            sequences.append(read_sequence(files, sequence, size, crop))
        except UserError as error:
            if on_error == "raise":
                raise UserError(f"{error}; {_SKIP}") from error
            skipped.append({"sequence": sequence.name, "why": str(error)})
    warn_skipped(skipped, len(wanted), "sequences")
    if not sequences:
        raise UserError(f"{files.path}: none of {len(wanted)} sequences could be used; run `fer-lib data check` on it")
    return sequences, skipped


def _provenance(path: Path, crop: str, files: CKPlusFiles, sequences: list[_Sequence], skipped: list) -> dict[str, Any]:
    untabled = Counter(au for s in sequences for au in s.aus or () if au not in facs.ACTION_UNITS)
    provenance = {
        "source": "ckplus",
        "path": str(path),
        "synthetic": False,
        "label": "your CK+",
        "crop": crop,
        "crops_from_landmarks": sum(s.levelled for s in sequences),
        "missing": [kind for kind in ("emotion", "FACS", "landmarks") if not files.has(kind)],
        "skipped": skipped,
        "untabled_codes": {f"{au} {UNTABLED_CODES[au]}": n for au, n in sorted(untabled.items())},
        "notes": ["AUs coded at the apex are taken to hold for the last three frames; none in the first"],
    }
    return provenance | files.exported_provenance()


def _assemble(sequences: list[_Sequence], provenance: dict[str, Any]) -> FaceDataset:
    images = [image[None] for s in sequences for image in s.images]
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise UserError(
            f'{provenance["path"]}: frames differ in size ({sorted(shapes)}); give a size, or crop="sequence"'
        )
    count = 1 + APEX_FRAMES
    neutral = facs.EMOTIONS.index("neutral")
    subject = np.repeat([s.files.subject for s in sequences], count)
    emotion = np.array([[neutral if s.emotion >= 0 else -1] + [s.emotion] * APEX_FRAMES for s in sequences]).ravel()
    return FaceDataset(
        name="synthetic-ckplus" if provenance["synthetic"] else "ckplus",
        images=np.stack(images),
        emotion=emotion,
        emotions=facs.EMOTIONS,
        subject=subject,
        sequence=np.repeat([s.files.name for s in sequences], count),
        frame=np.array([frame for s in sequences for frame in s.frames]),
        aus=facs.AUS,
        au_presence=np.concatenate([s.presence() for s in sequences]),
        au_intensity=np.concatenate([s.intensity() for s in sequences]),
        folds=labelled_subject_folds(subject, emotion),
        provenance=provenance,
    )
