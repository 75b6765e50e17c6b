# Every file is written through AtomicFile: no other way to open one for writing stands in the library or the programs.

set -euo pipefail
cd "$ABELL_SOURCE"

if grep -rnE 'ofstream|[^a-z_]fopen\(|freopen|fits_create_file|fits_open_data.*READWRITE|H5F_ACC_RDWR' include examples; then
  echo "expected files to be written through abell/core/atomic_file.hpp"
  exit 1
fi
