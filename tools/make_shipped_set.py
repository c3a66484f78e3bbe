"""Make the canonical bytes of the CK+-like set: fer_lib/data/assets/synthetic.npz and synthetic.json beside it.

    python tools/make_shipped_set.py        # all cores, a minute or two; then python tools/describe_shipped_set.py

Other processors may round a grey level differently, so that numbers quoted in the book hold for these bytes: make them
again only when faces or recipes change, and re-run what quotes their data hash.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from fer_lib.data.synthetic import Job, make, shipped
from fer_lib.files import write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, help="all cores unless given")
    arguments = parser.parse_args()
    job = Job("synthetic")
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        dataset = make(job, Path(folder), processes=arguments.processes)
        seconds = time.perf_counter() - started
    sha256 = shipped.write(dataset, shipped.FILE)
    numbers = {
        "file": shipped.FILE.name,
        "sha256": sha256,
        "bytes": shipped.FILE.stat().st_size,
        "data_hash": dataset.data_hash,
        "seed": job.seed,
        "difficulty": job.difficulty,
        "renderer": job.provenance()["renderer"],
        "images": len(dataset),
        "sequences": len(np.unique(dataset.sequence)),
        "people": len(np.unique(dataset.subject)),
        "seconds_to_render": round(seconds, 1),
        "processes": arguments.processes or os.cpu_count(),
    }
    write_json(shipped.CARD, numbers)
    print(f"wrote {shipped.FILE} ({numbers['bytes'] / 1e6:.1f} MB, sha256 {sha256[:12]}…) in {seconds:.0f} s")


if __name__ == "__main__":
    main()
