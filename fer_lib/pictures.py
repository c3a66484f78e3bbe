"""Still pictures for a notebook or a page: grids and tables of faces, each with its caption and alt text."""

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
    """Pictures (N, H, W) uint8 with a caption each, shown `width` CSS px wide; `data` names where they come from.

    `columns` keeps a row's pictures in one row, on a phone too, where they get smaller; None fills the page's width.
    """

    images: np.ndarray
    captions: tuple[str, ...]
    alt: str
    data: str
    width: int
    columns: int | None = None

    def _repr_html_(self) -> str:
        cells = "".join(self._cell(*cell) for cell in zip(self.images, self.captions, strict=True))
        tracks = f"{self.columns},minmax(0,{self.width}px)" if self.columns else f"auto-fill,minmax({self.width}px,1fr)"
        style = f"display:grid;grid-template-columns:repeat({tracks});gap:.5rem"
        note = f'<p class="fer-source">Data: {html.escape(self.data)}.</p>' if self.data else ""
        label = html.escape(self.alt)
        return (
            f'<div class="fer-gallery" role="group" aria-label="{label}"><div style="{style}">{cells}</div>{note}</div>'
        )

    def _cell(self, image: np.ndarray, caption: str) -> str:
        alt = html.escape(caption or self.alt)
        picture = f'<img src="{data_uri(image)}" alt="{alt}" style="width:100%;height:auto;display:block">'
        text = f'<figcaption style="font-size:.8em;line-height:1.25">{html.escape(caption)}</figcaption>'
        return f'<figure style="margin:0;max-width:{self.width}px">{picture}{text}</figure>'


def gallery(
    images: np.ndarray, captions: Sequence[str] | None = None, *, alt: str, data: str = "", width: int = 96,
    columns: int | None = None,
) -> Gallery:  # fmt: skip
    """A grid of pictures: uint8 or float 0–1, shaped (N, H, W) or (N, 1, H, W), arrays or tensors.

    `alt` says in one sentence what is to be seen. `columns`: pictures a row, where the place in the row matters; None
    takes as many as fit. Raises UserError for another shape, a wrong number of captions or columns below 1.
    """
    pixels = np.asarray(images)
    if pixels.ndim == 4 and pixels.shape[1] == 1:
        pixels = pixels[:, 0]
    if pixels.ndim != 3:
        raise UserError(f"pictures have shape {pixels.shape}; expected (N, H, W) or (N, 1, H, W)")
    if captions is not None and len(captions) != len(pixels):
        raise UserError(f"{len(captions)} captions for {len(pixels)} pictures; give one caption a picture")
    if columns is not None and columns < 1:
        raise UserError(f"columns={columns} found; expected 1 or more pictures a row, or None for as many as fit")
    if pixels.dtype != np.uint8:
        pixels = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    texts = tuple(map(str, captions)) if captions is not None else ("",) * len(pixels)
    return Gallery(pixels, texts, alt, data, width, columns)


@dataclass(frozen=True)
class Sheet:
    """Pictures (R, C, H, W) uint8 under column heads, each row with a name and a line of explanation."""

    images: np.ndarray
    rows: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    alt: str
    data: str
    width: int

    def _repr_html_(self) -> str:
        heads = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in self.columns)
        body = "".join(self._row(*row) for row in zip(self.images, self.rows, strict=True))
        note = f'<p class="fer-source">Data: {html.escape(self.data)}.</p>' if self.data else ""
        # a fixed layout shrinks the pictures on a phone instead of letting the table scroll
        style = f"table-layout:fixed;width:100%;max-width:{9 * 16 + self.width * len(self.columns)}px"
        table = f'<table class="fer-sheet" style="{style}"><thead><tr><td style="width:9rem"></td>{heads}</tr></thead>'
        table += f"<tbody>{body}</tbody></table>"
        return f'<div class="fer-gallery" role="group" aria-label="{html.escape(self.alt)}">{table}{note}</div>'

    def _row(self, pictures: np.ndarray, names: tuple[str, str]) -> str:
        name, more = map(html.escape, names)
        alts = (html.escape(f"{names[0]}, {column}") for column in self.columns)
        cells = "".join(
            f'<td><img src="{data_uri(picture)}" alt="{alt}" style="width:100%;height:auto;display:block"></td>'
            for picture, alt in zip(pictures, alts, strict=True)
        )
        return f'<tr><th scope="row">{name}<small>{more}</small></th>{cells}</tr>'


def sheet(
    images: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, alt: str, data: str = "", width: int = 96,
    notes: Sequence[str] | None = None,
) -> Sheet:  # fmt: skip
    """A table of pictures, (R·C, H, W) or (R·C, 1, H, W) row by row, uint8 or float 0–1; `notes` explain the rows.

    Raises UserError for another shape, or when the pictures do not fill the table.
    """
    flat = gallery(images, alt=alt).images
    texts = tuple(map(str, notes)) if notes is not None else ("",) * len(rows)
    if len(flat) != len(rows) * len(columns) or len(texts) != len(rows):
        raise UserError(f"{len(flat)} pictures and {len(texts)} notes for {len(rows)} rows of {len(columns)}")
    grid = flat.reshape(len(rows), len(columns), *flat.shape[1:])
    names = tuple(zip(map(str, rows), texts, strict=True))
    return Sheet(grid, names, tuple(map(str, columns)), alt, data, width)


def with_box(image: np.ndarray, box: tuple[int, int, int, int], zoom: int = 1) -> np.ndarray:
    """A grey picture (H, W) uint8, `zoom` times as large, with a white line on black around (top, left, bottom, right).

    The box is half open, in pixels of `image`; parts outside the picture are not drawn.
    """
    large = np.kron(np.asarray(image), np.ones((zoom, zoom), np.uint8))
    rows, columns = (np.arange(length) for length in large.shape)
    top, left, bottom, right = (zoom * edge for edge in box)
    for grow, level in ((1, 0), (0, 255)):
        tall = (rows >= top - grow) & (rows < bottom + grow), (columns >= left - grow) & (columns < right + grow)
        inner = (rows >= top + 1) & (rows < bottom - 1), (columns >= left + 1) & (columns < right - 1)
        large[np.outer(*tall) & ~np.outer(*inner)] = level
    return large


def enlarge(images: np.ndarray, zoom: int) -> np.ndarray:
    """Pictures (N, H, W) uint8, `zoom` times as large, smoothly: a patch of 32 px is hard to read as squares."""
    from PIL import Image

    pictures = (Image.fromarray(image) for image in np.asarray(images))
    grown = (each.resize((zoom * each.width, zoom * each.height), Image.Resampling.BICUBIC) for each in pictures)
    return np.stack([np.asarray(each) for each in grown])


def signed_grey(maps: np.ndarray) -> np.ndarray:
    """Signed maps (N, H, W) as uint8 pictures: mid grey is zero, the largest size in each map is black or white."""
    maps = np.asarray(maps, dtype=float)
    reach = np.abs(maps).max(axis=(1, 2), keepdims=True)
    scaled = np.divide(maps, reach, out=np.zeros_like(maps), where=reach > 0)
    return np.round(127.5 + 127.5 * scaled).astype(np.uint8)


def data_uri(image: np.ndarray) -> str:
    """A grey picture (H, W) uint8 as a WebP data URI."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
