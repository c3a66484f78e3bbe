from itertools import chain, combinations, product

import pytest

from fer_lib import facs
from fer_lib.errors import UserError


def test_table_is_ordered_and_complete():
    assert list(facs.AUS) == sorted(facs.AUS)
    assert set(facs.CKPLUS_AUS) <= set(facs.AUS) and len(facs.CKPLUS_AUS) == 18
    assert {unit.region for unit in facs.ACTION_UNITS.values()} == set(facs.REGIONS)
    assert all(unit.muscles and unit.name for unit in facs.ACTION_UNITS.values())
    assert not set(facs.UNTABLED_CODES) & set(facs.AUS)


def test_emotion_orders_are_the_data_sets_codes():
    assert facs.EMOTIONS.index("happy") == 5 and facs.EMOTIONS[0] == "neutral"
    assert facs.TFD_EMOTIONS.index("happy") + 1 == 4 and facs.TFD_EMOTIONS[-1] == "neutral"
    assert set(facs.TFD_EMOTIONS) == set(facs.EMOTIONS) - {"contempt"}


def test_letters_round_trip_and_bounds():
    assert [facs.intensity_of(x) for x in facs.LETTERS] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert all(facs.letter_of(facs.intensity_of(x)) == x for x in facs.LETTERS)
    assert [facs.letter_of(x) for x in (0.0, 0.09, 0.1, 0.3, 0.49, 0.9)] == ["", "", "A", "B", "B", "E"]
    for bad in (-0.1, 1.01, float("nan")):
        with pytest.raises(UserError, match="outside 0 to 1"):
            facs.letter_of(bad)
    for bad in ("F", "AB", ""):
        with pytest.raises(UserError, match="A, B, C, D, E"):
            facs.intensity_of(bad)


def test_parse_au():
    assert facs.parse_au("L4") == (4, "left")
    assert facs.parse_au("R12") == (12, "right")
    assert facs.parse_au(12) == facs.parse_au("AU12") == (12, "both")
    with pytest.raises(UserError, match="AU 3: not in FACS; use one of 1, 2"):
        facs.parse_au("3")
    with pytest.raises(UserError, match="Head down.*has no column"):
        facs.parse_au(54)
    with pytest.raises(UserError, match="'X4' was not understood"):
        facs.parse_au("X4")


@pytest.mark.parametrize(
    ("aus", "expected"),
    [
        ({}, ()),
        ({23: 0.4, 24: 0.4}, ("anger",)),
        ({23: 0.4}, ()),
        ({14: 0.2}, ("contempt",)),
        ({9: 0.6}, ("disgust",)),
        ({10: 0.6}, ("disgust",)),
        ({1: 0.6, 2: 0.6, 4: 0.6, 5: 0.6}, ("fear",)),
        ({1: 0.6, 2: 0.6, 5: 1.0}, ("fear",)),
        ({1: 0.6, 2: 0.6, 5: 0.8}, ()),  # too wide for surprise, no AU4 and no E for fear
        ({1: 0.6, 2: 0.6, 4: 0.6}, ("fear", "surprise")),
        ({12: 0.8}, ("happy",)),
        ({1: 0.4, 4: 0.4, 15: 0.4}, ("sadness",)),
        ({6: 0.4, 15: 0.4}, ("sadness",)),
        ({11: 0.4}, ("sadness",)),
        ({1: 0.6, 2: 0.6}, ("surprise",)),
        ({5: 0.4}, ("surprise",)),
        ({5: 0.6}, ()),
        ({5: float("nan")}, ("surprise",)),  # coded without intensity: not known to be stronger than B
        ({12: 0.05}, ()),  # below a trace
    ],
)
def test_ckplus_criteria(aus, expected):
    assert facs.ckplus_emotions(aus) == expected


def test_criteria_refuse_bad_input():
    with pytest.raises(UserError, match="AU 3"):
        facs.ckplus_emotions({3: 0.5})
    with pytest.raises(UserError, match="outside 0 to 1"):
        facs.ckplus_emotions({12: 1.5})


def _extreme_draws(prototype):
    """Every subset of the usual AUs, with AU5 (the only one whose strength matters) at its least and its most."""
    usual = list(prototype.usual)
    for extra in chain.from_iterable(combinations(usual, k) for k in range(len(usual) + 1)):
        aus = [*prototype.required, *extra]
        bounds = [(prototype.required.get(au, 0.2), prototype.maximum.get(au, 1.0)) for au in aus]
        choices = [pair if au == 5 else pair[:1] for au, pair in zip(aus, bounds, strict=True)]
        for draw in product(*choices):
            yield dict(zip(aus, draw, strict=True))


@pytest.mark.parametrize("prototype", list(chain.from_iterable(facs.PROTOTYPES.values())), ids=lambda p: p.name)
def test_every_draw_meets_its_own_criterion_only(prototype):
    assert not set(prototype.required) & set(prototype.usual)
    assert prototype.one_sided <= set(prototype.required) | set(prototype.usual)
    for draw in _extreme_draws(prototype):
        met = facs.ckplus_emotions(draw)
        assert prototype.emotion in met, draw
        if prototype.name != "smirk":
            assert met == (prototype.emotion,), draw


def test_prototypes_cover_all_emotions_but_neutral():
    assert set(facs.PROTOTYPES) == set(facs.EMOTIONS) - {"neutral"} == set(facs.EMFACS)
    for variants in facs.PROTOTYPES.values():
        assert sum(v.weight for v in variants) == pytest.approx(1)
