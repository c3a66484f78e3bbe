#!/bin/sh
# cpu_torch.sh PYTHON REQUIREMENT...: install torch built for the processor alone, which spares gigabytes of GPU
# libraries. Where its index cannot be reached this does nothing: the next installation takes what pip finds.
set -u
python=$1
shift
index=https://download.pytorch.org/whl/cpu
if "$python" -c "from urllib.request import urlopen; urlopen('$index/torch/', timeout=10)" 2>/dev/null; then
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --index-url "$index" "$@" && exit 0
fi
echo "$index was not usable; taking torch from pip's usual places."
