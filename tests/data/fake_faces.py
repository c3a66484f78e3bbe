"""Renderers for tests of making and keeping sets: quick, deterministic, and honest about what they were asked."""

import os
import signal
import time
from pathlib import Path

import torch

from fer_lib.faces import Rendered


def render(identities, aus, scene, *, size, outputs):
    """A picture that depends on the person, the AUs, the scene and the grain, on nothing else in the batch."""
    rows = [
        torch.stack([person.skin_tone + 0 * row.sum(), row.sum() / 30, pose.sum() / 90 + 0.5])
        for person, row, pose in zip(identities, aus, scene.pose, strict=True)
    ]
    level = torch.stack(rows).mean(1)[:, None, None, None]
    noise = [torch.rand(1, size, size, generator=torch.Generator().manual_seed(int(g))) for g in scene.grain]
    images = 0.7 * level + 0.3 * torch.stack(noise)
    return Rendered(images, landmarks=torch.full((len(aus), 68, 2), size / 2))


def noting(*arguments, **options):
    """As `render`, and adds a line to the file named in FAKE_FACES_NOTES."""
    with Path(os.environ["FAKE_FACES_NOTES"]).open("a") as notes:
        notes.write(f"{os.getpid()}\n")
    time.sleep(0.05)
    return render(*arguments, **options)


def killed(*arguments, **options):
    """As when the system ends a process for memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def breaking(*arguments, **options):
    raise ValueError("the fake renderer broke")
