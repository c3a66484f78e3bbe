"""Still pictures for a notebook or a page: a grid of faces, each with its caption and alt text."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fer_lib.errors import UserError

QUALITY = 88  # WebP; a 96 px face takes about 2 kB


@dataclass(frozen=True)
class Gallery:
    """Pictures (N, H, W) uint8 with a caption each, shown `width` CSS px wide; `data` names where they come from."""

    images: np.ndarray
    captions: tuple[str, ...]
    alt: str
    data: str
    width: int

    def _repr_html_(self) -> str:
        cells = "".join(self._cell(*cell) for cell in zip(self.images, self.captions, strict=True))
        style = f"display:grid;grid-template-columns:repeat(auto-fill,minmax({self.width}px,1fr));gap:.5rem"
        note = f'<p class="fer-source">Data: {html.escape(self.data)}.</p>' if self.data else ""
        label = html.escape(self.alt)
        return (
            f'<div class="fer-gallery" role="group" aria-label="{label}"><div style="{style}">{cells}</div>{note}</div>'
        )

    def _cell(self, image: np.ndarray, caption: str) -> str:
        alt = html.escape(caption or self.alt)
        picture = f'<img src="{data_uri(image)}" alt="{alt}" style="width:{self.width}px;height:auto;display:block">'
        text = f'<figcaption style="font-size:.8em;line-height:1.25">{html.escape(caption)}</figcaption>'
        return f'<figure style="margin:0;max-width:{self.width}px">{picture}{text}</figure>'


def gallery(
    images: np.ndarray, captions: Sequence[str] | None = None, *, alt: str, data: str = "", width: int = 96
) -> Gallery:
    """A grid of pictures: uint8 or float 0–1, shaped (N, H, W) or (N, 1, H, W), arrays or tensors.

    `alt` says in one sentence what is to be seen. Raises UserError for another shape or a wrong number of captions.
    """
    pixels = np.asarray(images)
    if pixels.ndim == 4 and pixels.shape[1] == 1:
        pixels = pixels[:, 0]
    if pixels.ndim != 3:
        raise UserError(f"pictures have shape {pixels.shape}; expected (N, H, W) or (N, 1, H, W)")
    if captions is not None and len(captions) != len(pixels):
        raise UserError(f"{len(captions)} captions for {len(pixels)} pictures; give one caption a picture")
    if pixels.dtype != np.uint8:
        pixels = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    texts = tuple(map(str, captions)) if captions is not None else ("",) * len(pixels)
    return Gallery(pixels, texts, alt, data, width)


def data_uri(image: np.ndarray) -> str:
    """A grey picture (H, W) uint8 as a WebP data URI."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
