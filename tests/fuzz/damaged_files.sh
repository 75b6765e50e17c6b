# damaged_files.sh PROGRAM FOLDER: reads the kept files of FOLDER. With ABELL_FUZZ_SECONDS it reads new ones for so long.

set -euo pipefail
program=$1 kept=$2

"$program" "$kept"
((${ABELL_FUZZ_SECONDS:-0} > 0)) || exit 0
"$program" "$ABELL_FUZZ_SECONDS"
