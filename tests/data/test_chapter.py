"""Chapters take the reader's own data where they are named, and say whose data they show."""

from pathlib import Path

import pytest

from fer_lib.data.chapter import OWN, chapter_dataset
from fer_lib.errors import UserError


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in OWN:
        monkeypatch.delenv(variable, raising=False)


def test_nothing_named_gives_synthetic_faces() -> None:
    assert chapter_dataset().provenance["label"] == "synthetic faces"
    with pytest.raises(UserError, match="synthetic: option 'crop' is unknown"):
        chapter_dataset(crop="released")


def test_your_own_ckplus_is_taken_and_said_to_be_yours(two_sequences, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_LIB_CKPLUS", str(two_sequences.root))
    dataset = chapter_dataset(crop="none")
    assert dataset.provenance["label"] == "your CK+" and len(dataset) == 8


def test_sets_without_action_units_serve_only_chapters_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = " ".join(["128"] * 48 * 48)
    rows = [f"{emotion},{pixels},{usage}" for emotion, usage in enumerate(("Training", "PublicTest", "PrivateTest"))]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    monkeypatch.setenv("FER_LIB_FER2013", str(tmp_path))
    assert chapter_dataset().provenance["label"] == "synthetic faces"
    assert chapter_dataset(aus=False).provenance["label"] == "your FER2013"


@pytest.mark.parametrize("variable", OWN)
def test_a_wrong_path_names_the_variable_and_what_was_looked_for(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=f"(?s){variable}: .*nowhere.*(cohn-kanade-images|TFD_96x96.mat|fer2013.csv)"):
        chapter_dataset(aus=False)
