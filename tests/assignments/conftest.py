"""One forking nursery and one course folder an assignment, shared by the tests of a worker."""

import pytest

from fer_lib.classroom.course import make_course
from fer_lib.classroom.key import Key
from fer_lib.classroom.nursery import nursery
from fer_lib.classroom.source import sources


@pytest.fixture(scope="session")
def kernels():
    with nursery():
        yield


@pytest.fixture(scope="session")
def course(tmp_path_factory, kernels):
    """course(assignment) → a course folder of that assignment alone, as in the teacher's pack."""
    made = {}

    def make(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            make_course(made[name], [path for path in sources() if path.stem == name], Key("a secret of the tests"))
        return made[name]

    return make
