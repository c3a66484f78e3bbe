"""The vocabulary: action units (AUs), intensities, emotions, prototypes and CK+'s emotion criteria.

Sources: Ekman and Friesen (1978) and the FACS manual (2002) for names and muscles; the EMFACS prototypes; Lucey et al.
(2010), table 2, for CK+'s criteria. Every other module reads this table and keeps none of its own.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fer_lib.errors import UserError


@dataclass(frozen=True)
class ActionUnit:
    """One FACS action unit.

    `region` is where the skin changes most. `unilateral` says whether coders score the unit on one side alone; the
    renderer may split any unit.
    """

    number: int
    name: str
    muscles: tuple[str, ...]
    region: str
    unilateral: bool

    @property
    def sides(self) -> tuple[str, ...]:
        return ("both", "left", "right") if self.unilateral else ("both",)


REGIONS = ("brows", "eyes", "cheeks", "nose", "mouth", "chin", "jaw", "neck")

_TABLE = (
    (1, "Inner brow raiser", "frontalis, pars medialis", "brows", True),
    (2, "Outer brow raiser", "frontalis, pars lateralis", "brows", True),
    (4, "Brow lowerer", "corrugator supercilii; depressor supercilii; procerus", "brows", True),
    (5, "Upper lid raiser", "levator palpebrae superioris", "eyes", True),
    (6, "Cheek raiser", "orbicularis oculi, pars orbitalis", "cheeks", True),
    (7, "Lid tightener", "orbicularis oculi, pars palpebralis", "eyes", True),
    (9, "Nose wrinkler", "levator labii superioris alaeque nasi", "nose", True),
    (10, "Upper lip raiser", "levator labii superioris", "mouth", True),
    (11, "Nasolabial deepener", "zygomaticus minor", "cheeks", True),
    (12, "Lip corner puller", "zygomaticus major", "mouth", True),
    (13, "Sharp lip puller", "levator anguli oris", "mouth", True),
    (14, "Dimpler", "buccinator", "mouth", True),
    (15, "Lip corner depressor", "depressor anguli oris", "mouth", True),
    (16, "Lower lip depressor", "depressor labii inferioris", "mouth", True),
    (17, "Chin raiser", "mentalis", "chin", False),
    (18, "Lip pucker", "incisivus labii superioris; incisivus labii inferioris", "mouth", False),
    (20, "Lip stretcher", "risorius; platysma", "mouth", True),
    (21, "Neck tightener", "platysma", "neck", True),
    (22, "Lip funneler", "orbicularis oris", "mouth", False),
    (23, "Lip tightener", "orbicularis oris", "mouth", False),
    (24, "Lip pressor", "orbicularis oris", "mouth", False),
    (25, "Lips part", "depressor labii inferioris; relaxation of mentalis or orbicularis oris", "mouth", False),
    (26, "Jaw drop", "relaxation of masseter; temporalis; internal pterygoid", "jaw", False),
    (27, "Mouth stretch", "pterygoids; digastric", "jaw", False),
    (28, "Lip suck", "orbicularis oris", "mouth", False),
    (29, "Jaw thrust", "pterygoids", "jaw", False),
    (31, "Jaw clencher", "masseter", "jaw", False),
    (34, "Cheek puff", "buccinator, relaxed", "cheeks", True),
    (38, "Nostril dilator", "nasalis, pars alaris", "nose", True),
    (39, "Nostril compressor", "nasalis, pars transversa; depressor septi nasi", "nose", True),
    (43, "Eyes closed", "relaxation of levator palpebrae superioris; orbicularis oculi", "eyes", True),
    (45, "Blink", "relaxation of levator palpebrae superioris; orbicularis oculi", "eyes", False),
)

ACTION_UNITS: dict[int, ActionUnit] = {
    number: ActionUnit(number, name, tuple(muscles.split("; ")), region, unilateral)
    for number, name, muscles, region, unilateral in _TABLE
}
"""Every AU that the renderer shows or that CK+ codes."""

AUS: tuple[int, ...] = tuple(ACTION_UNITS)
"""Column order of every AU table."""

CKPLUS_AUS: tuple[int, ...] = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26, 27)
"""The 18 AUs of the alignment: frequent enough in CK+ to compare with and without."""

UNTABLED_CODES: dict[int, str] = {
    8: "Lips toward each other",
    19: "Tongue show",
    30: "Jaw sideways",
    32: "Lip bite",
    33: "Cheek blow",
    35: "Cheek suck",
    36: "Tongue bulge",
    37: "Lip wipe",
    41: "Lid droop",
    42: "Eye slit",
    44: "Squint",
    46: "Wink",
    51: "Head turn left",
    52: "Head turn right",
    53: "Head up",
    54: "Head down",
    55: "Head tilt left",
    56: "Head tilt right",
    57: "Head forward",
    58: "Head back",
    61: "Eyes turn left",
    62: "Eyes turn right",
    63: "Eyes up",
    64: "Eyes down",
    65: "Walleye",
    66: "Cross-eye",
}
"""FACS codes without a column in our tables: a loader may meet them, notes them and goes on."""

EMOTIONS: tuple[str, ...] = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
"""In the order of CK+'s codes 0 to 7."""

TFD_EMOTIONS: tuple[str, ...] = ("anger", "disgust", "fear", "happy", "sadness", "surprise", "neutral")
"""In the order of TFD's codes 1 to 7."""

LETTERS = "ABCDE"
"""FACS intensities, trace to maximum: 0.2, 0.4, 0.6, 0.8, 1.0 on our scale."""

EMFACS: dict[str, tuple[str, ...]] = {
    "anger": ("4", "5", "7", "23"),
    "contempt": ("R12", "R14"),
    "disgust": ("9", "15", "16"),
    "fear": ("1", "2", "4", "5", "7", "20", "26"),
    "happy": ("6", "12"),
    "sadness": ("1", "4", "15"),
    "surprise": ("1", "2", "5", "26"),
}
"""The EMFACS prototypes as usually printed. They do not all meet CK+'s criteria (anger lacks 24, surprise needs 5B)."""


def action_unit(au: int) -> ActionUnit:
    """The table's entry. Raises UserError for a number that is no AU of the table."""
    if au in ACTION_UNITS:
        return ACTION_UNITS[au]
    known = f"FACS code {au} ({UNTABLED_CODES[au]}) has no column here" if au in UNTABLED_CODES else "not in FACS"
    raise UserError(f"AU {au!r}: {known}; use one of {', '.join(map(str, AUS))}")


def parse_au(text: str | int) -> tuple[int, str]:
    """'12', 12 or 'AU12' → (12, 'both'); 'L4' → (4, 'left'): the subject's left. Raises UserError otherwise."""
    match = re.fullmatch(r"(?:AU)?([LR]?)(\d+)", str(text).strip(), re.IGNORECASE)
    if match is None:
        raise UserError(f"action unit {text!r} was not understood; write 12, or L12 or R12 for one side")
    side = {"": "both", "L": "left", "R": "right"}[match[1].upper()]
    return action_unit(int(match[2])).number, side


def intensity_of(letter: str) -> float:
    """'A' … 'E' → 0.2 … 1.0. Raises UserError for any other text."""
    if letter not in tuple(LETTERS):
        raise UserError(f"FACS intensity {letter!r} is unknown; use one of A, B, C, D, E")
    return (LETTERS.index(letter) + 1) / 5


def letter_of(intensity: float) -> str:
    """Nearest FACS letter of an intensity in 0–1; '' below 0.1, where a coder would score nothing."""
    if not 0 <= intensity <= 1:
        raise UserError(f"AU intensity {intensity!r} lies outside 0 to 1; clip or mend it before use")
    # 1e-6 keeps float32 tables on the same side of a boundary as the numbers they were made from.
    level = math.floor(intensity * 5 + 0.5 + 1e-6)
    return LETTERS[level - 1] if level else ""


@dataclass(frozen=True)
class Prototype:
    """A way to show an emotion, as data to draw AU combinations from.

    `required`: AU → least intensity, always present. `usual`: AU → probability of joining.
    `maximum`: AU → largest intensity allowed (CK+: AU5 in surprise at most B). `one_sided`: AUs that share one side.
    `weight`: share of this variant within its emotion. Weights and probabilities are our choice, guided by the usual
    variants in the FACS Investigator's Guide, not counted from CK+. Any draw that respects these fields meets the
    CK+ criterion of `emotion` and, except for the smirk (12 with 14), no other emotion's.
    """

    emotion: str
    name: str
    weight: float
    required: Mapping[int, float]
    usual: Mapping[int, float]
    maximum: Mapping[int, float] = field(default_factory=dict)
    one_sided: frozenset[int] = frozenset()


_B, _C = 0.4, 0.6
PROTOTYPES: dict[str, tuple[Prototype, ...]] = {
    "anger": (
        Prototype("anger", "lips pressed", 0.6, {4: _B, 23: _B, 24: _B}, {7: 0.8, 17: 0.8, 38: 0.15}),
        Prototype("anger", "glare", 0.25, {4: _B, 5: _C, 7: _B, 23: _B, 24: _B}, {17: 0.6}),
        Prototype("anger", "tight mouth", 0.15, {17: _B, 23: _B, 24: _B}, {4: 0.5, 7: 0.5}),
    ),
    "contempt": (
        Prototype("contempt", "one-sided dimple", 0.65, {14: _B}, {17: 0.15, 2: 0.15}, one_sided=frozenset({14, 2})),
        Prototype("contempt", "smirk", 0.2, {12: 0.2, 14: _B}, {}, {12: _B}, one_sided=frozenset({12, 14})),
        Prototype("contempt", "dimple", 0.15, {14: _B}, {17: 0.2, 24: 0.2}),
    ),
    "disgust": (
        Prototype("disgust", "nose wrinkled", 0.5, {9: _C}, {4: 0.7, 6: 0.4, 7: 0.7, 17: 0.7, 25: 0.3}),
        Prototype("disgust", "nose wrinkled, lips down", 0.2, {9: _B, 15: 0.2}, {4: 0.5, 7: 0.5, 16: 0.5, 17: 0.5}),
        Prototype("disgust", "lip raised", 0.15, {10: _B, 25: 0.2}, {4: 0.5, 7: 0.5, 16: 0.4, 17: 0.3}),
        Prototype("disgust", "open", 0.15, {9: _B, 10: _B, 25: _B}, {4: 0.6, 7: 0.6, 16: 0.5, 26: 0.3}),
    ),
    "fear": (
        Prototype("fear", "full", 0.75, {1: _B, 2: _B, 4: _B, 5: _C}, {7: 0.3, 20: 0.75, 25: 0.8, 26: 0.4}),
        Prototype("fear", "wide eyes", 0.25, {1: _B, 2: _B, 5: 0.95}, {20: 0.7, 25: 0.8, 26: 0.4}),
    ),
    "happy": (
        Prototype("happy", "felt smile", 0.85, {6: _B, 12: _C}, {7: 0.2, 25: 0.85, 26: 0.15}),
        Prototype("happy", "social smile", 0.15, {12: _B}, {25: 0.6}),
    ),
    "sadness": (
        Prototype("sadness", "full", 0.7, {1: _B, 4: _B, 15: _B}, {7: 0.15, 17: 0.8, 24: 0.1}),
        Prototype("sadness", "cheeks raised", 0.15, {6: 0.2, 15: _B}, {4: 0.5, 17: 0.7}),
        Prototype("sadness", "deepened furrow", 0.15, {11: _B, 17: 0.2}, {1: 0.6, 4: 0.6, 15: 0.5}),
    ),
    "surprise": (
        Prototype("surprise", "mouth stretched", 0.75, {1: _B, 2: _B, 25: _B, 27: _B}, {5: 0.8}, {5: _B}),
        Prototype("surprise", "jaw dropped", 0.25, {1: _B, 2: _B, 25: 0.2, 26: _B}, {5: 0.7}, {5: _B}),
    ),
}
"""Variants of each of CK+'s seven expressions; weights of an emotion sum to 1. Neutral shows no AU and has none."""


def ckplus_emotions(intensities: Mapping[int, float]) -> tuple[str, ...]:
    """CK+'s criteria (Lucey et al. 2010, table 2) that an AU combination meets, in the order of EMOTIONS.

    `intensities`: AU → intensity in 0–1; below 0.1 it counts as absent, NaN as present with intensity not given (then
    it is neither E nor stronger than B). May return none, one or several; never 'neutral', which has no criterion.
    Raises UserError for an AU outside the table or an intensity outside 0–1.
    """
    letters = {action_unit(au).number: "?" if math.isnan(x) else letter_of(x) for au, x in intensities.items()}
    present = {au for au, letter in letters.items() if letter}
    upper_lid = letters.get(5, "")
    met = {
        "anger": {23, 24} <= present,
        "contempt": 14 in present,
        "disgust": bool({9, 10} & present),
        "fear": {1, 2, 4} <= present or ({1, 2} <= present and upper_lid == "E"),
        "happy": 12 in present,
        "sadness": {1, 4, 15} <= present or 11 in present or {6, 15} <= present,
        "surprise": ({1, 2} <= present or 5 in present) and upper_lid not in ("C", "D", "E"),
    }
    return tuple(emotion for emotion in EMOTIONS if met.get(emotion))
