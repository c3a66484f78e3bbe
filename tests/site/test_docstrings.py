"""Docstrings reach the API pages as they read."""

from docutils.core import publish_string

from fer_lib.site.docstrings import to_restructured


def text(*lines: str) -> str:
    source = "\n".join(to_restructured(list(lines)))
    return publish_string(source, writer_name="pseudoxml", settings_overrides={"halt_level": 2}).decode()


def test_signs_of_markup_are_only_signs() -> None:
    page = text("Largest |z| of a_ * b, see `max_t`.")
    assert "Largest |z| of a_ * b, see" in page.replace("\n", " ") and "<literal>" in page and "max_t" in page


def test_aligned_tables_keep_their_shape() -> None:
    page = text("Two arrays:", "", "images   uint8", "emotion  int16")
    assert "<literal_block" in page and "images   uint8\n" in page


def test_lists_and_colons_do_not_break_the_page() -> None:
    assert "1. one" in text("1. one", "and on") and "- a" in text("- a", "b:", "c")
