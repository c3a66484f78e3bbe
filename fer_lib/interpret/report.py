"""One HTML file that holds a whole study: text, tables, figures and pictures, readable without a connection.

Knows no plots and no network: it is given sections, and writes them.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from fer_lib.errors import UserError
from fer_lib.files import write_atomic

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem;color:#1f2430;background:#fff}
table{border-collapse:collapse;font-size:.85rem;display:block;overflow-x:auto}
th,td{border:1px solid #c9cdd4;padding:.15rem .5rem;text-align:right}th{background:#eef0f3}
figure{margin:1rem 0}figcaption{font-size:.9rem;color:#4a4f58}
img{image-rendering:pixelated;max-width:100%;height:auto}nav li{display:inline;margin-right:1rem}
"""


@dataclass(frozen=True)
class Picture:
    """Rows of small pictures (rows, columns, h, w) in 0–1, drawn `zoom` times larger, with an alt text."""

    tiles: np.ndarray
    alt: str
    caption: str = ""
    zoom: int = 2


@dataclass(frozen=True)
class Section:
    """A heading, plain sentences, then figures (HTML with its script, and an alt text), pictures and tables."""

    title: str
    text: Sequence[str] = ()
    figures: Sequence[tuple[str, str]] = ()  # (HTML, alt text)
    pictures: Sequence[Picture] = ()
    tables: Sequence[tuple[str, pd.DataFrame]] = field(default_factory=tuple)


def montage(tiles: np.ndarray, gap: int = 2) -> np.ndarray:
    """(rows, columns, h, w) in 0–1 → one uint8 picture with white gaps."""
    if tiles.ndim != 4:
        raise UserError(f"A montage needs (rows, columns, h, w), found shape {tiles.shape}.")
    rows, columns, height, width = tiles.shape
    sheet = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap))
    for r in range(rows):
        for c in range(columns):
            top, left = r * (height + gap), c * (width + gap)
            sheet[top : top + height, left : left + width] = tiles[r, c]
    return (sheet.clip(0, 1) * 255).round().astype(np.uint8)


def png(picture: np.ndarray, zoom: int = 1) -> str:
    """A uint8 grey picture as a data address for <img>."""
    buffer = io.BytesIO()
    image = Image.fromarray(picture)
    image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def write_report(path: Path, title: str, sections: Sequence[Section], script: str = "") -> Path:
    """Write the report to `path`; `script` (the figures' library) is put in once. Returns the path."""
    links = "".join(f'<li><a href="#{_anchor(s)}">{html.escape(s.title)}</a></li>' for s in sections)
    body = "\n".join(_section(section) for section in sections)
    text = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{html.escape(title)}</title><style>{_STYLE}</style>
{f"<script>{script}</script>" if script else ""}</head>
<body><header><h1>{html.escape(title)}</h1><nav aria-label="Sections"><ul>{links}</ul></nav></header>
<main>
{body}
</main></body></html>
"""
    write_atomic(path, lambda partial: partial.write_text(text, encoding="utf-8"))
    return path


def _anchor(section: Section) -> str:
    return "".join(c if c.isalnum() else "-" for c in section.title.lower())


def _section(section: Section) -> str:
    parts = [f"<p>{html.escape(sentence)}</p>" for sentence in section.text]
    for figure, alt in section.figures:
        told = html.escape(alt)
        parts.append(f'<figure role="group" aria-label="{told}">{figure}<figcaption>{told}</figcaption></figure>')
    parts += [_picture(picture) for picture in section.pictures]
    parts += [_table(caption, table) for caption, table in section.tables]
    return f'<section id="{_anchor(section)}"><h2>{html.escape(section.title)}</h2>{"".join(parts)}</section>'


def _picture(picture: Picture) -> str:
    source = png(montage(picture.tiles), picture.zoom)
    caption = f"<figcaption>{html.escape(picture.caption)}</figcaption>" if picture.caption else ""
    return f'<figure><img src="{source}" alt="{html.escape(picture.alt)}">{caption}</figure>'


def _table(caption: str, table: pd.DataFrame) -> str:
    shown = table.to_html(index=False, border=0, na_rep="undefined", float_format=lambda value: f"{value:.3g}")
    return f'<details><summary>{html.escape(caption)}</summary><div tabindex="0">{shown}</div></details>'
