#!/bin/sh
# Write requirements.lock: the newest versions that pyproject.toml allows, as installed in a fresh environment.
set -eu
[ -n "${PYTHON_FOUND:-}" ] || { echo "No Python 3.11 or newer was found." >&2; exit 1; }
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
"$PYTHON_FOUND" -m venv "$room/venv"
python=$room/venv/bin/python
# shellcheck disable=SC2046 (two words are meant)
sh tools/cpu_torch.sh "$python" $(sed -n 's/^ *"\(torch\(vision\)\{0,1\}>.*\)",/\1/p' pyproject.toml)
"$python" -m pip install --disable-pip-version-check -e ".[book,test,classroom]"
{
  echo "# The tested versions. Derived from pyproject.toml by \`make lock\`; do not edit."
  "$python" -m pip freeze --exclude-editable | sed 's/+cpu$//'
} > "$room/lock"
mv "$room/lock" requirements.lock
echo "Wrote requirements.lock. Now: make test"
