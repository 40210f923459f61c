#!/usr/bin/env bash
# From a fresh clone to a table of results; stops at the first stage that fails.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake/setup.sh build
cmake/build.sh release recollect
echo "Training configs/demo.yaml: 14 cells, about 3 min of one processor; finished cells are skipped"
./recollect run configs/demo.yaml >/dev/null
echo
./recollect table results/runs --experiment demo --summary
cat <<'END'

What to look at: each variant was trained on 64 tokens; follow its line to 128 and 256. One seed shows that the
program works, not which variant is better.
What to type next: save the experiment of README.md, "An experiment of your own", as my.yaml, then
    ./recollect run my.yaml && ./recollect table results/runs --experiment gate --summary
END
