"""How fast is the shipped set loaded? Against its peers in the same run; the ceiling is one second.

1. `load_dataset("synthetic")`: sha256, PNG strips decoded in threads, labels, the set's own hash.
2. The same 1308 pictures as PNG files in folders, opened one by one with Pillow (as most data sets come).
3. The same pictures in one zlib-compressed .npz (`FaceDataset.save` and `load`).

    python benchmarks/loading.py
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from fer_lib.data import FaceDataset, load_dataset
from fer_lib.data.synthetic import shipped

REPEATS = 5


def best(load: Callable[[], object]) -> float:
    """Least seconds of a few runs."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        load()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    start = time.perf_counter()
    dataset = load_dataset("synthetic")
    first = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number:04d}.png" for number in range(len(dataset))]
        for file, image in zip(files, dataset.images, strict=True):
            Image.fromarray(image[0]).save(file)
        kept = dataset.save(Path(folder) / "kept.npz")
        same = np.stack([np.asarray(Image.open(file)) for file in files])
        assert np.array_equal(same, dataset.images[:, 0])
        result = {
            "images": len(dataset),
            "first load, imports included, s": first,
            "shipped, s": best(lambda: load_dataset("synthetic")),
            "PNG files one by one, s": best(lambda: [np.asarray(Image.open(file)) for file in files]),
            "one .npz, s": best(lambda: FaceDataset.load(kept)),
            "shipped, MB": shipped.FILE.stat().st_size / 1e6,
            "PNG files, MB": sum(file.stat().st_size for file in files) / 1e6,
            "one .npz, MB": kept.stat().st_size / 1e6,
        }
    rounded = {key: round(value, 3) for key, value in result.items()}
    print(json.dumps(rounded | {"kept under 1 s": result["shipped, s"] <= 1}, indent=1))


if __name__ == "__main__":
    main()
