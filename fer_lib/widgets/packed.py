"""Arrays in one file for js/packed.js: laid one after the other, gzipped, listed in a manifest."""

import gzip
import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fer_lib.files import write_atomic


@dataclass
class Pack:
    """Arrays laid one after the other, each at a multiple of 8 bytes; `index` is what the page needs to read them."""

    parts: list[bytes] = field(default_factory=list)
    index: dict[str, dict] = field(default_factory=dict)
    size: int = 0

    def add(self, name: str, values: np.ndarray, **about: object) -> None:
        """Append an array of any shape and number type; `about` goes into its index entry. A name is used once."""
        content = np.ascontiguousarray(values).tobytes()
        self.index[name] = {"type": values.dtype.name, "shape": list(values.shape), "at": self.size, **about}
        self.parts.append(content + bytes(-len(content) % 8))
        self.size += len(self.parts[-1])

    def write(self, path: Path) -> dict:
        """Write the file, atomically; return its manifest entry (sha256 and bytes of the content, gz, arrays)."""
        content = b"".join(self.parts)
        packed = gzip.compress(content, 9, mtime=0)
        write_atomic(path, lambda partial: partial.write_bytes(packed))
        digest = hashlib.sha256(content).hexdigest()
        return {"sha256": digest, "bytes": len(content), "gz": len(packed), "arrays": self.index}


def read_pack(path: Path, about: dict) -> dict[str, np.ndarray]:
    """The arrays of a file by name, as its manifest entry lists them."""
    content = gzip.decompress(path.read_bytes())
    return {
        name: np.frombuffer(content, part["type"], int(np.prod(part["shape"])), part["at"]).reshape(part["shape"])
        for name, part in about["arrays"].items()
    }


def mosaic(tiles: np.ndarray, quality: int, columns: int = 48) -> np.ndarray:
    """Grey tiles (N, h, w) uint8 in rows of `columns`, as the bytes of a WebP picture."""
    from PIL import Image

    count, height, width = tiles.shape
    rows = -(-count // columns)
    canvas = np.full((rows * columns, height, width), 128, np.uint8)
    canvas[:count] = tiles
    canvas = canvas.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
    target = io.BytesIO()
    Image.fromarray(canvas).save(target, "WEBP", quality=quality, method=6)
    return np.frombuffer(target.getvalue(), np.uint8)
