#!/usr/bin/env bash
# Installs the Python module that cmake/build.sh has built: below PREFIX where one is given, else into
# the virtual environment that is active, else into .venv, which is made with Debian's packages in sight.
# Usage: cmake/python.sh [PREFIX]
set -euo pipefail
cd "$(dirname "$0")/.."
python=/usr/bin/python3  # for which it was built
built=build/release/python/recollect

if [[ -n ${1:-} ]]; then
  # Of the folders below a prefix Debian's Python reads dist-packages, others site-packages.
  folder=$("$python" - "$1" <<'PYTHON'
import os
import sys

prefix, version = os.path.abspath(sys.argv[1]), "python%d.%d" % sys.version_info[:2]
folders = [os.path.join(prefix, "lib", version, name) for name in ("site-packages", "dist-packages")]
print(next((folder for folder in folders if folder in sys.path), folders[0]))
PYTHON
)
  use=("$python")
  if ! "$python" -c 'import sys; sys.exit(sys.argv[1] not in sys.path)' "$folder"; then
    use=(env "PYTHONPATH=$folder" "$python")
  fi
else
  environment=${VIRTUAL_ENV:-$PWD/.venv}
  if [[ ! -e $environment/bin/python ]]; then
    "$python" -m venv --system-site-packages "$environment"
  fi
  folder=$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
  use=("$environment/bin/python")
fi

# What is being imported elsewhere keeps its file.
mkdir -p "$folder"
rm -rf "$folder/recollect"
cp -R "$built" "$folder/recollect"
rm -rf "$folder/recollect/__pycache__"

# Another Python than the module's cannot load it; say so here and not at the first import.
if ! "${use[@]}" -c 'import recollect; print("Installed recollect", recollect.__version__)'; then
  echo "cmake/python.sh: ${use[*]} cannot import what was installed in $folder; the module is built for" \
    "$("$python" --version)" >&2
  exit 1
fi
echo "Use it with: ${use[*]}"
