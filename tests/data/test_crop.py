"""Crops, on a rendered face: the Haar detector must find it as it finds photographs."""

import numpy as np
import pytest
from PIL import Image

from fer_lib.data import crop, load_dataset
from fer_lib.errors import UserError

LEFT, TOP, SIDE = 170, 95, 300


@pytest.fixture(scope="module")
def scene():
    """(frame uint8 490×640, landmarks (68, 2)): one neutral rendered face before a grey wall."""
    from fer_lib.faces import au_tensor, render, sample_identities

    drawn = render(sample_identities(1, seed=3), au_tensor([{}]), size=SIDE, supersample=2, outputs=("landmarks",))
    frame = np.full((490, 640), 110, np.uint8)
    frame[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = (drawn.images[0, 0].numpy() * 255).round()
    return frame, drawn.landmarks[0].numpy() + [LEFT, TOP]


def turned(frame: np.ndarray, landmarks: np.ndarray, degrees: float):
    """The scene turned counter-clockwise about its middle."""
    picture = Image.fromarray(frame).rotate(degrees, Image.Resampling.BILINEAR, fillcolor=110)
    angle, middle = np.radians(-degrees), np.array([320, 245])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(picture), (landmarks - middle) @ turn.T + middle


def test_the_detector_finds_the_face(scene):
    frame, landmarks = scene
    box = crop.detect_face(frame)
    eyes = landmarks[36:48].mean(0)
    assert abs(box.x - eyes[0]) < 0.1 * box.side
    assert box.y - box.side / 2 < eyes[1] < box.y and box.side >= 0.5 * 490
    assert crop.detect_face(np.full((490, 640), 110, np.uint8)) is None


def test_landmarks_frame_the_face_as_the_renderer_does(scene):
    frame, landmarks = scene
    box = crop.landmark_box(landmarks)
    assert abs(box.side - SIDE) < 0.03 * SIDE
    assert np.hypot(box.x - (LEFT + SIDE / 2), box.y - (TOP + SIDE / 2)) < 0.03 * SIDE


@pytest.mark.parametrize("degrees", [-12, 9])
def test_eyes_are_brought_level(scene, degrees):
    frame, landmarks = scene
    tilted, points = turned(frame, landmarks, degrees)
    upright_box, tilted_box = crop.landmark_box(landmarks), crop.landmark_box(points)
    assert tilted_box.roll - upright_box.roll == pytest.approx(-degrees, abs=0.01)
    level, again = (crop.cut(f, b, 96).astype(float) for f, b in ((frame, upright_box), (tilted, tilted_box)))
    wrong = crop.cut(tilted, tilted_box._replace(roll=0.0), 96).astype(float)
    middle = np.s_[10:-10, 10:-10]  # the corners lay outside the face
    assert np.abs(level - again)[middle].mean() < 3 < np.abs(level - wrong)[middle].mean() / 2


def test_a_sequence_has_one_box(scene):
    frame, landmarks = scene
    moved = np.roll(frame, 20, axis=1)
    sequence = crop.crop_sequence([frame, moved], 96, landmarks)
    # 20 pixels of the frame are 20 / side × 96 of the crop: the movement stays in the picture
    shift = round(20 * 96 / crop.landmark_box(landmarks).side)
    assert np.abs(np.roll(sequence[0], shift, 1).astype(float) - sequence[1])[:, 10:-10].mean() < 3
    # The released crop follows the face instead, though only roughly: its boxes jitter.
    first, second = (crop.detect_face(f) for f in (frame, moved))
    assert second.x - first.x == pytest.approx(20, abs=0.05 * first.side)


def test_released_crop_is_the_detectors_box(scene):
    import cv2

    frame, _ = scene
    limits = {"minSize": (245, 245), "maxSize": (392, 392)}
    detector = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")  # type: ignore[attr-defined]
    x, y, side, _ = detector.detectMultiScale(frame, 1.3, 5, **limits)[0]
    (cropped,) = crop.crop_released([frame], 96)
    centres = (np.arange(96) + 0.5) * side / 96 - 0.5
    share = (1 - np.abs(centres[:, None] - np.arange(side))).clip(0)  # bilinear: of each pixel in each of the crop's
    expected = share @ frame[y : y + side, x : x + side] @ share.T
    assert np.abs(cropped - expected).max() <= 1


def test_released_crops_are_of_the_released_grey(scene, ckplus):
    """skimage.color.rgb2gray (Rec. 709), times 255, cut to uint8; the other crops take ITU-R 601."""
    frame, _ = scene
    colour = np.stack([frame, frame // 2, frame // 4], -1)
    ckplus.sequence("S005", "001", frames=4)
    for number in range(1, 5):
        Image.fromarray(colour).save(ckplus.png("S005", "001", number))
    exact = (0.2125 * colour[..., 0] + 0.7154 * colour[..., 1] + 0.0721 * colour[..., 2]).astype(np.uint8)
    luma = np.asarray(Image.fromarray(colour).convert("L"))
    released = load_dataset("ckplus", ckplus.root, crop="released").images[0, 0].astype(float)
    assert np.abs(released - crop.crop_released([exact], 96)[0]).max() <= 1
    assert np.abs(released - crop.crop_released([luma], 96)[0]).mean() > 3
    sequence = load_dataset("ckplus", ckplus.root, crop="sequence").images[0, 0]
    assert np.array_equal(sequence, crop.crop_sequence([luma], 96)[0])


def test_a_frame_without_a_face_is_named(scene, ckplus):
    frame, _ = scene
    ckplus.sequence("S005", "001", frames=4)
    for number in range(1, 5):
        Image.fromarray(frame if number < 3 else np.full_like(frame, 110)).save(ckplus.png("S005", "001", number))
    with pytest.raises(UserError, match="S005_001: no face found in frame 2 .*640×490.*50% to 80%.*on_error"):
        load_dataset("ckplus", ckplus.root, crop="released")
    dataset = load_dataset("ckplus", ckplus.root)  # the first frame's box serves the whole sequence
    assert dataset.images.shape == (4, 1, 96, 96) and dataset.provenance["crops_from_landmarks"] == 0
    Image.fromarray(np.full_like(frame, 110)).save(ckplus.png("S005", "001", 1))
    with pytest.raises(UserError, match='S005_001: no face found in the first frame.*Use crop="none"'):
        load_dataset("ckplus", ckplus.root)


def test_landmark_files_level_the_eyes(scene, ckplus):
    frame, landmarks = scene
    tilted, points = turned(frame, landmarks, 10)
    ckplus.sequence("S005", "001", frames=4)
    for number in range(1, 5):
        Image.fromarray(tilted).save(ckplus.png("S005", "001", number))
        rows = "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in points)
        ckplus.text(f"Landmarks/S005/001/S005_001_{number:08d}_landmarks.txt", rows)
    dataset = load_dataset("ckplus", ckplus.root)
    assert dataset.provenance["crops_from_landmarks"] == 1
    upright = crop.cut(frame, crop.landmark_box(landmarks), 96).astype(float)
    assert np.abs(dataset.images[0, 0] - upright)[10:-10, 10:-10].mean() < 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2\n" * 67, r"_landmarks.txt: numbers of shape \(67, 2\); expected 68 rows"),
        ("", r"_landmarks.txt: the file is empty"),
        ("1 2\n" * 68, "S005_001: landmarks place the chin above the eyes"),
    ],
)
def test_bad_landmarks_are_named(ckplus, text, message):
    ckplus.sequence("S005", "001", frames=4)
    ckplus.text("Landmarks/S005/001/S005_001_00000001_landmarks.txt", text)
    with pytest.raises(UserError, match=message):
        load_dataset("ckplus", ckplus.root)
