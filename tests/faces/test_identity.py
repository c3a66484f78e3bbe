import json

import numpy as np
import pytest

from fer_lib.errors import UserError
from fer_lib.faces import sample_identities
from fer_lib.faces.identity import EYE_CENTRE, neutral_shape
from fer_lib.faces.rig import load_rig


def test_a_person_does_not_depend_on_how_many_are_asked_for():
    assert sample_identities(3, 5) == sample_identities(9, 5)[:3]
    assert sample_identities(3, 5) != sample_identities(3, 6)
    assert sample_identities(3, 5)[0] != sample_identities(3, 5, "balanced")[0]


def test_shares_are_those_of_the_population():
    people = sample_identities(600, 0)
    assert np.mean([p.gender == "female" for p in people]) == pytest.approx(0.69, abs=0.06)
    assert np.mean([p.descent == "european" for p in people]) == pytest.approx(0.81, abs=0.05)
    assert np.mean([p.descent == "african" for p in people]) == pytest.approx(0.13, abs=0.05)
    assert min(p.age for p in people) >= 18 and max(p.age for p in people) <= 50
    balanced = sample_identities(600, 0, "balanced")
    assert np.mean([p.gender == "female" for p in balanced]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([p.descent == "asian" for p in balanced]) == pytest.approx(1 / 3, abs=0.06)


def test_every_draw_is_recorded():
    person = sample_identities(1, 0)[0]
    record = json.loads(json.dumps(person.record()))
    assert record["shape"] == dict(person.shape) and len(person.shape) > 100
    assert set(record) >= {"gender", "age", "descent", "skin_tone", "texture_seed"}


def test_eyes_are_where_the_camera_expects_them():
    rig = load_rig()
    for person in sample_identities(6, 2):
        eyes = neutral_shape(person)[(rig.part == 1) | (rig.part == 2)].mean(0)
        assert eyes[1:].tolist() == pytest.approx(EYE_CENTRE[1:], abs=1e-4)


def test_bad_requests_are_named():
    with pytest.raises(UserError, match="'martian' is unknown; use one of ckplus, balanced"):
        sample_identities(2, 0, "martian")
    with pytest.raises(UserError, match="-1 identities"):
        sample_identities(-1, 0)
