"""The canonical bytes: the CK+-like set as it came out once, shipped with the package so that all numbers agree.

One .npz (no pickle): the labels as arrays, the pictures as lossless PNG strips of a sequence's four frames.
"""

import hashlib
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from fer_lib.data.dataset import FaceDataset
from fer_lib.errors import UserError
from fer_lib.files import read_json, write_atomic

ASSETS = Path(__file__).parent.parent / "assets"
FILE, CARD = ASSETS / "synthetic.npz", ASSETS / "synthetic.json"
FRAMES = 4  # a strip
LABELS = ("emotion", "subject", "sequence", "frame", "aus", "au_presence", "au_intensity", "folds")
CURE = "reinstall fer-lib, or restore the file from its repository"


def write(dataset: FaceDataset, path: Path) -> str:
    """Write the container; returns its sha256. The number of pictures must be a multiple of four."""
    strips = [
        _encode(strip)
        for strip in dataset.images.reshape(-1, FRAMES * dataset.images.shape[2], dataset.images.shape[3])
    ]
    meta = {"name": dataset.name, "emotions": dataset.emotions, "provenance": dataset.provenance}
    arrays = {name: np.asarray(getattr(dataset, name)) for name in LABELS}
    arrays |= {"strips": np.frombuffer(b"".join(strips), np.uint8), "lengths": np.array([len(s) for s in strips])}
    buffer = io.BytesIO()
    np.savez(buffer, meta=np.array(json.dumps(meta)), **arrays)
    write_atomic(path, lambda temporary: temporary.write_bytes(buffer.getvalue()))
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def read(path: Path = FILE, card: Path = CARD) -> FaceDataset:
    """The shipped set. Raises UserError when the file is damaged or is not the one whose sha256 the card states."""
    expected = read_json(card)["sha256"]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: the shipped set cannot be read ({error.strerror}); {CURE}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise UserError(f"{path}: sha256 is {found[:12]}…, {card.name} states {expected[:12]}…; {CURE}")
    return _parse(content, path)


def _parse(content: bytes, path: Path) -> FaceDataset:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a shipped set ({error}); {CURE}") from error
    meta = json.loads(str(arrays.pop("meta")))
    ends = np.cumsum(arrays.pop("lengths"))
    strips = np.split(arrays.pop("strips"), ends[:-1])
    with ThreadPoolExecutor() as pool:  # zlib lets other threads run
        images = np.concatenate(list(pool.map(_decode, strips)))
    return FaceDataset(images=images, **meta, **arrays)


def _encode(strip: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(strip).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _decode(content: np.ndarray) -> np.ndarray:
    from PIL import Image

    strip = np.asarray(Image.open(io.BytesIO(content.tobytes())))
    return strip.reshape(FRAMES, 1, -1, strip.shape[1])
