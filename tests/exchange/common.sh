# Read by the other scripts: a folder that goes at the end, and a Python with the modules needed.

set -euo pipefail

program=$1
here=$(cd "${BASH_SOURCE%/*}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# python_with MODULE...: the first Python that has them all; the system's own has those of packages.
python_with() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c "import $(IFS=,; echo "$*")" 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  return 1
}

skip() {
  echo "skipped: $*"
  exit 77
}
