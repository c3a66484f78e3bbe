"""Contact sheets: how the looks were judged, and pictures for the book. `fer-lib faces --sheet NAME out.png`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from fer_lib import facs
from fer_lib.errors import UserError
from fer_lib.faces.identity import Identity
from fer_lib.faces.render import Scene, render
from fer_lib.faces.rig import au_tensor
from fer_lib.files import write_atomic

# One clear example of each emotion for sheets and presets; the data sets draw many variants from facs.PROTOTYPES.
EXAMPLES: dict[str, dict[str, float]] = {
    "neutral": {},
    "anger": {"4": 0.9, "7": 0.6, "17": 0.4, "23": 0.8, "24": 0.8},
    "contempt": {"L14": 0.9, "L12": 0.3},
    "disgust": {"4": 0.5, "7": 0.5, "9": 0.9, "17": 0.5},
    "fear": {"1": 0.9, "2": 0.6, "4": 0.7, "5": 0.9, "20": 0.7, "25": 0.8, "26": 0.3},
    "happy": {"6": 0.8, "12": 0.9, "25": 0.8},
    "sadness": {"1": 0.9, "4": 0.7, "15": 0.9, "17": 0.5},
    "surprise": {"1": 0.9, "2": 0.9, "5": 0.4, "25": 0.8, "27": 0.8},
}

Cell = tuple[str, Identity, Mapping[str, float]]


def _rows(name: str, people: Sequence[Identity]) -> list[list[Cell]]:
    """Rows of (caption, person, AUs) of a named sheet."""
    if name == "identities":
        return [[(f"{p.gender} {p.age:.0f}", p, {}) for p in people]]
    if name == "emotions":
        return [[(emotion, p, aus) for p in people] for emotion, aus in EXAMPLES.items()]
    if name == "intensities":
        levels = [(f"AU{au} {letter}", au, facs.intensity_of(letter)) for au in facs.AUS for letter in facs.LETTERS]
        grid = [(text, p, {str(au): value}) for text, au, value in levels for p in people[:2]]
        return [grid[i : i + 10] for i in range(0, len(grid), 10)]
    if name == "aus":
        cells = [("neutral", {})] + [(f"AU{au}", {str(au): 1.0}) for au in facs.AUS]
        return [[(text, p, aus) for p in people] for text, aus in cells]
    raise UserError(f"sheet {name!r} is unknown; use aus, intensities, emotions or identities")


def single(person: Identity, aus: Mapping[str, float], size: int, pose=(0.0, 0.0, 0.0)) -> np.ndarray:
    """One picture (size, size) uint8 under neutral light."""
    scene = Scene.neutral(1)
    scene.pose.copy_(torch.tensor([pose]))
    with torch.no_grad():
        return render([person], au_tensor([aus]), scene, size=size).to_uint8()[0, 0].numpy()


def contact_sheet(name: str, people: Sequence[Identity], size: int = 96) -> np.ndarray:
    """A captioned grid of pictures as uint8 (H, W)."""
    from PIL import Image, ImageDraw

    if not people:
        raise UserError("a sheet of 0 people was asked for; use --people 1 or more")
    rows = _rows(name, people)
    cells = [cell for row in rows for cell in row]
    with torch.no_grad():
        images = render([c[1] for c in cells], au_tensor([c[2] for c in cells]), size=size).to_uint8()[:, 0].numpy()
    sheet = Image.new("L", (size * max(map(len, rows)), size * len(rows)))
    draw, count = ImageDraw.Draw(sheet), 0
    for r, row in enumerate(rows):
        for c, (caption, _, _) in enumerate(row):
            sheet.paste(Image.fromarray(images[count]), (c * size, r * size))
            draw.text((c * size + 3, r * size + 1), caption, fill=255, stroke_width=1, stroke_fill=0)
            count += 1
    return np.asarray(sheet)


def save_png(picture: np.ndarray, out: Path) -> None:
    """Write uint8 (H, W) to `out`, whole or not at all. Raises UserError if it cannot be written."""
    from PIL import Image

    write_atomic(out, lambda partial: Image.fromarray(picture).save(partial, "PNG"))
