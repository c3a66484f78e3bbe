"""One list of versions: pyproject.toml, requirements.lock, environment.yml and CI agree; vendored files are whole."""

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
LOCK = {
    requirement.name.lower(): next(iter(requirement.specifier)).version
    for line in (ROOT / "requirements.lock").read_text().splitlines()
    if line and not line.startswith("#")
    for requirement in [Requirement(line)]
}
NEEDS = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["book"], *PROJECT["optional-dependencies"]["test"]]


@pytest.mark.parametrize("need", NEEDS)
def test_lock_meets_pyproject(need: str) -> None:
    requirement = Requirement(need)
    assert LOCK[requirement.name.lower()] in requirement.specifier


def test_environment_uses_the_lock_and_a_python_that_is_allowed() -> None:
    pip = next(item["pip"] for item in ENVIRONMENT if isinstance(item, dict))
    assert "-r requirements.lock" in pip and "-e ." in pip
    python = next(item for item in ENVIRONMENT if str(item).startswith("python=")).partition("=")[2]
    assert f"{python}.0" in SpecifierSet(PROJECT["requires-python"])


def test_binder_builds_from_the_root() -> None:
    """repo2docker, without docker: it finds the recipe and writes the image's instructions."""
    tool = Path(sys.executable).with_name("jupyter-repo2docker")
    done = subprocess.run([tool, "--no-build", "--debug", "."], cwd=ROOT, capture_output=True, text=True, timeout=120)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert '--file "environment.yml"' in told and "RUN ./postBuild" in told


def test_an_image_that_lacks_something_is_built_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "fer-lib").write_text("#!/bin/sh\necho FAIL disk\nexit 1\n")
    (tmp_path / "fer-lib").chmod(0o755)
    env = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CONDA_PREFIX": str(tmp_path)}
    done = subprocess.run(["sh", "postBuild"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "FAIL disk\n"), done.stderr
    assert (tmp_path / "share" / "jupyter" / "lab" / "settings" / "overrides.json").is_file()


def test_the_licence_says_what_the_data_card_says() -> None:
    assert "The pictures are CC0" in (ROOT / "book" / "reference" / "data" / "synthetic.md").read_text()
    assert "Rendered faces" in (ROOT / "LICENSE").read_text().rpartition("-" * 80)[2]
    for file in ("LICENSE", "README.md", "book/reference/cite.md"):
        text = (ROOT / file).read_text()
        assert all(licence in text for licence in ("BSD 3-Clause", "CC BY 4.0", "CC0")), file


def test_ci_runs_make_test_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -eu", 'cd "$(dirname "$0")/.."', "make test"]


def test_vendored_files_are_those_of_their_versions() -> None:
    vendor = ROOT / "book" / "site" / "vendor"
    packages = json.loads((vendor / "versions.json").read_text())["packages"]
    recorded = {name: digest for package in packages.values() for name, digest in package["files"].items()}
    files = [path for path in vendor.rglob("*") if path.is_file()]
    found = {path.relative_to(vendor).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert found.pop("versions.json") and found == recorded
