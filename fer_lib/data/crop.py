"""Find the face and cut it out: as the authors released it, frame by frame, or once for a whole sequence.

Frames are uint8 (H, W); crops uint8 (size, size). OpenCV is imported only when a function here runs.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from fer_lib.data.dataset import resize_picture
from fer_lib.errors import UserError

CROPS = ("sequence", "released", "none")

SCALE_FACTOR = 1.3
NEIGHBOURS = (5, 3)
SMALLEST, LARGEST = 0.5, 0.8
"""The authors' detector settings: face size as a share of the frame's shorter side, second try with 3 neighbours."""

RIGHT_EYE, LEFT_EYE, CHIN = slice(36, 42), slice(42, 48), 8
"""Rows of the 68 landmarks (the subject's right eye is on the viewer's left)."""

CENTRE_BELOW_EYES, HALF_SIZE = 0.235, 0.817
"""Landmark box in units of the distance eyes–chin, measured on rendered faces so that real ones are framed alike."""


class FaceBox(NamedTuple):
    """Square face box: centre and side in pixels, roll in degrees (positive: subject's left eye lower)."""

    x: float
    y: float
    side: float
    roll: float = 0.0


def detect_face(frame: np.ndarray) -> FaceBox | None:
    """OpenCV's frontal-face Haar detector with the authors' settings; its first hit, or None."""
    shorter = min(frame.shape)
    limits = {"minSize": (int(SMALLEST * shorter),) * 2, "maxSize": (int(LARGEST * shorter),) * 2}
    for neighbours in NEIGHBOURS:
        hits = _cascade().detectMultiScale(frame, scaleFactor=SCALE_FACTOR, minNeighbors=neighbours, **limits)
        if len(hits):
            x, y, width, _ = (float(value) for value in hits[0])
            return FaceBox(x + width / 2, y + width / 2, width)
    return None


def landmark_box(landmarks: np.ndarray) -> FaceBox:
    """Box from 68 landmarks (68, 2), x to the right and y down, that brings the eyes level."""
    right, left = landmarks[RIGHT_EYE].mean(0), landmarks[LEFT_EYE].mean(0)
    eyes, (dx, dy) = (right + left) / 2, left - right
    roll = float(np.degrees(np.arctan2(dy, dx)))
    down = np.array([-dy, dx]) / max(np.hypot(dx, dy), 1e-9)
    height = float((landmarks[CHIN] - eyes) @ down)
    if not (np.isfinite(landmarks).all() and height > 1):
        raise UserError("landmarks place the chin above the eyes, or are no numbers; expected 68 points, x then y")
    x, y = eyes + CENTRE_BELOW_EYES * height * down
    return FaceBox(float(x), float(y), 2 * HALF_SIZE * height, roll)


def cut(frame: np.ndarray, box: FaceBox, size: int) -> np.ndarray:
    """The box as uint8 (size, size), edges repeated outside the frame, averaged over area when it shrinks."""
    import cv2

    fine = size * max(1, round(box.side / size))
    turn = cv2.getRotationMatrix2D((box.x, box.y), box.roll, fine / box.side)
    turn[:, 2] += fine / 2 - np.array([box.x, box.y])
    face = cv2.warpAffine(frame, turn, (fine, fine), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA)


def crop_released(frames: Iterable[np.ndarray], size: int) -> list[np.ndarray]:
    """Detect on each frame by itself, as released: neutral and peak crops jitter against each other.

    Resized as there (`process_single_image`: skimage.transform.resize, which in 2015, as we remember it, was bilinear
    without antialiasing). Raises UserError for a frame without a face.
    """
    import cv2

    crops = []
    for number, frame in enumerate(frames):
        box = detect_face(frame)
        if box is None:
            raise UserError(_no_face(f"frame {number} (counted from 0, of those read)", frame))
        x, y, side = int(box.x - box.side / 2), int(box.y - box.side / 2), int(box.side)
        face = frame[y : y + side, x : x + side]
        crops.append(cv2.resize(face, (size, size), interpolation=cv2.INTER_LINEAR))
    return crops


def crop_sequence(frames: Sequence[np.ndarray], size: int, landmarks: np.ndarray | None = None) -> list[np.ndarray]:
    """One box for all frames, so that only the face moves: from the first frame's landmarks (68, 2), else its Haar hit.

    Raises UserError when the first frame shows no face.
    """
    box = landmark_box(landmarks) if landmarks is not None else detect_face(frames[0])
    if box is None:
        raise UserError(_no_face("the first frame", frames[0]))
    return [cut(frame, box, size) for frame in frames]


def uncropped(frames: Iterable[np.ndarray], size: int | None) -> list[np.ndarray]:
    """Frames that are faces already, resized to size × size; `size=None` leaves them as they are."""
    return [frame if size is None else _square(frame, size) for frame in frames]


def _square(frame: np.ndarray, size: int) -> np.ndarray:
    height, width = frame.shape
    if height != width:
        raise UserError(f'frame of {width}×{height} is not square; use crop="sequence", or size=None to keep it whole')
    return frame if height == size else resize_picture(frame, size)


def _no_face(where: str, frame: np.ndarray) -> str:
    height, width = frame.shape
    return (
        f"no face found in {where} of {width}×{height}; the detector looks for one frontal face of "
        f"{SMALLEST:.0%} to {LARGEST:.0%} of the shorter side. "
        'Use crop="none" (--crop none) if they are face crops already'
    )


@cache
def _cascade():
    import cv2

    return cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")  # type: ignore[attr-defined]
