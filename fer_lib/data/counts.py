"""Published counts, each with how sure it is, and the comparison of a data set with them."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas

    from fer_lib.data.dataset import FaceDataset

VERIFIED, CITED, DERIVED = "verified", "cited", "derived"
UNVERIFIED = "unverified"
"""Verified: read in a primary source. Cited: read in a source that cites it. Derived: follows from those two.
Unverified: from memory, cross-checked at best."""


class Count(NamedTuple):
    """A published number of `item`s, worded as `describe` words them, and how sure it is: one of the four above."""

    item: str
    value: int
    sure: str


_CKPLUS_EMOTIONS = {"anger": 45, "contempt": 18, "disgust": 59, "fear": 25, "happy": 69, "sadness": 28, "surprise": 83}
_CKPLUS_AUS = (
    "1:173 2:116 4:191 5:102 6:122 7:119 9:74 10:21 11:33 12:111 14:29 15:89 16:24 17:196 18:9 20:77 23:59 24:57 "
    "25:287 26:48 27:81"
)
_CKPLUS_LABELLED = (
    Count("sequences with an emotion", 327, VERIFIED),
    Count("emotion neutral", 327, DERIVED),
    *(Count(f"emotion {name}", value, CITED) for name, value in _CKPLUS_EMOTIONS.items()),
)

PUBLISHED: dict[str, tuple[Count, ...]] = {
    "ckplus": (
        Count("images", 1308, DERIVED),
        Count("subjects", 118, DERIVED),
        *_CKPLUS_LABELLED,
    ),
    "ckplus, unlabelled too": (
        Count("images", 2372, DERIVED),
        Count("subjects", 123, VERIFIED),
        Count("sequences", 593, VERIFIED),
        *_CKPLUS_LABELLED,
        *(Count(f"AU {au}", int(value), UNVERIFIED) for au, value in (p.split(":") for p in _CKPLUS_AUS.split())),
    ),
    "tfd": (Count("images with an emotion", 4178, VERIFIED),),
    "tfd, unlabelled too": (
        Count("images", 102236, DERIVED),
        Count("images with an emotion", 4178, VERIFIED),
        Count("images without an emotion", 98058, VERIFIED),
    ),
    "fer2013": (
        Count("images", 35887, DERIVED),
        Count("training images", 28709, CITED),
        Count("validation images", 3589, CITED),
        Count("test images", 3589, CITED),
    ),
}
PUBLISHED["ferplus, unlabelled too"] = PUBLISHED["fer2013"]
SIX_CLASS_IMAGES = Count("images", 927, DERIVED)
"""CK+ without neutral and contempt: 309 sequences × 3 frames."""

_IMITATES = {"synthetic": "ckplus", "synthetic-tfd": "tfd"}


def describe(dataset: "FaceDataset") -> "pandas.DataFrame":
    """One row a count: item, found, published, sure, missing (a sentence, '' where nothing is).

    Emotions and AUs of CK+-like sets are counted in sequences, else in images. A selection from a set has no
    published counts. The synthetic sets are held against the real set whose make-up they follow.
    """
    import pandas

    found = _found(dataset)
    published = {count.item: count for count in _published(dataset)}
    rows = [_row(item, found.get(item, 0), published.get(item)) for item in dict.fromkeys([*found, *published])]
    table = pandas.DataFrame(rows, columns=["item", "found", "published", "sure", "missing"])
    return table.astype({"published": "Int64"})


def _row(item: str, found: int, count: Count | None) -> tuple[str, int, int | None, str, str]:
    if count is None:
        return item, found, None, "", ""
    difference = count.value - found
    sentence = f"{difference} missing" if difference > 0 else f"{-difference} more than published"
    return item, found, count.value, count.sure, sentence if difference else ""


def _published(dataset: "FaceDataset") -> tuple[Count, ...]:
    source = dataset.provenance.get("source", dataset.name)
    source = _IMITATES.get(source, source)
    if dataset.provenance.get("subset"):
        return ()
    if source == "ckplus" and set(dataset.emotions) == set(_CKPLUS_EMOTIONS) - {"contempt"}:
        return (SIX_CLASS_IMAGES, *(c for c in _CKPLUS_LABELLED if c.item.removeprefix("emotion ") in dataset.emotions))
    if dataset.provenance.get("emotions_chosen"):
        return ()
    unlabelled = ", unlabelled too" if (dataset.emotion < 0).any() else ""
    return PUBLISHED.get(source + unlabelled, ())


def _found(dataset: "FaceDataset") -> dict[str, int]:
    labelled = dataset.emotion >= 0
    found = {
        "images": len(dataset),
        "images with an emotion": int(labelled.sum()),
        "images without an emotion": int((~labelled).sum()),
        "subjects": len(set(dataset.subject) - {""}),
        "sequences": len(set(dataset.sequence)),
        "sequences with an emotion": len(set(dataset.sequence[labelled])),
    }
    if dataset.folds.shape[1] == 1:
        parts = {"training images": 1, "validation images": 2, "test images": 3}
        found |= {item: int((dataset.folds == part).sum()) for item, part in parts.items()}
    for code, emotion in enumerate(dataset.emotions):
        found[f"emotion {emotion}"] = len(set(dataset.sequence[dataset.emotion == code]))
    for column, au in enumerate(dataset.aus):
        found[f"AU {au}"] = len(set(dataset.sequence[dataset.au_presence[:, column] == 1]))
    # A count of nothing where nothing could be counted only lengthens the table.
    return {item: value for item, value in found.items() if value or not item.startswith(("AU", "subjects"))}
