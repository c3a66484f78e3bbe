#!/bin/sh
# wheels.sh PYTHON FOLDER: what learners need, as files for machines without a network: the package, what it needs in
# the tested versions, and JupyterLab. For the system and the version of this Python. torch is the build for the
# processor alone where its index can be reached, as in cpu_torch.sh.
set -eu
if [ $# -ne 2 ] || ! command -v "$1" >/dev/null; then
  echo "usage: sh tools/wheels.sh PYTHON FOLDER, as in: sh tools/wheels.sh .venv/bin/python wheels" >&2
  exit 2
fi
python=$1
folder=$2
if [ ! -f requirements.lock ]; then
  echo "requirements.lock is not here: run this in the project's own folder." >&2
  exit 2
fi
index=$(sed -n 's/^index=//p' tools/cpu_torch.sh)
if "$python" -c "from urllib.request import urlopen; urlopen('$index/torch/', timeout=10)" 2>/dev/null; then
  set -- --extra-index-url "$index"
else
  echo "$index was not usable; taking torch from pip's usual places."
  set --
fi
"$python" -m pip wheel --disable-pip-version-check --wheel-dir "$folder" --constraint requirements.lock "$@" . jupyterlab
echo "On the machine without a network: pip install --no-index --find-links $folder fer-lib jupyterlab"
