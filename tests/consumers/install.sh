# Installs abell afresh, for the other scripts of this folder.

set -euo pipefail

rm -rf "$ABELL_PREFIX"
cmake --install "$ABELL_BUILD" --prefix "$ABELL_PREFIX" --component abell_headers
