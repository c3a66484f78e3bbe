#!/bin/sh
# setup.sh VENV: make a virtual environment with the versions of requirements.lock. Called by the Makefile.
set -eu
venv=$1
if [ -z "${PYTHON_FOUND:-}" ]; then
  echo "No Python 3.11 or newer with venv and pip was found (looked for python3.11, python3.12, python3.13, python3)." >&2
  echo "Install one (Debian, Ubuntu: apt-get install python3.11 python3.11-venv) or name it: make PYTHON=/path/to/it" >&2
  exit 1
fi
"$venv/bin/python" -c "import pip" 2>/dev/null || { rm -rf "$venv"; "$PYTHON_FOUND" -m venv "$venv"; }
echo "Installing the tested versions into $venv (a few minutes the first time) ..."
# shellcheck disable=SC2046 (two words are meant)
sh tools/cpu_torch.sh "$venv/bin/python" $(grep -E '^torch(vision)?==' requirements.lock)
install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
if ! { install -r requirements.lock && install --no-deps -e .; }; then
  echo "Set-up failed; pip says why above. It needs a network (or a local package index) and 3 GB of free disk." >&2
  echo "Mend that and run make again: what is already installed is kept. Until then the text in book/ can be read as it" >&2
  echo "is, and a copy of the built book from \`make offline\` on another machine opens with no set-up and no network." >&2
  exit 1
fi
