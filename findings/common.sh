# Sourced by each finding. packages NAME=VERSION... unpacks Debian 12's packages below the temporary folder $work,
# installing nothing; expect WHAT EXPECTED FOUND ends the script where a package behaves otherwise by now.

set -euo pipefail
work=$(mktemp -d)
root=$work/root
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"

packages() {
  apt-get download -qq "$@" 2>/dev/null
  local package
  for package in ./*.deb; do dpkg -x "$package" "$root"; done
  export PATH=$root/usr/bin:$PATH
  export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu/blas:$root/usr/lib/x86_64-linux-gnu/lapack
  export PYTHONPATH=$root/usr/lib/python3/dist-packages
  printf 'with %s\n' "$*"
}

expect() {
  printf '%s: %s\n' "$1" "$3"
  [[ $2 == "$3" ]] && return
  printf '%s: expected %s, found %s: the behaviour has changed\n' "$1" "$2" "$3" >&2
  exit 1
}

# astropy 5.2.1 and what it needs.
packages_of_astropy=(python3-astropy=5.2.1-2+deb12u1 python3-numpy=1:1.24.2-1+deb12u1 python3-erfa=2.0.0.1+ds-3+b1
  liberfa1=2.0.0-1+b1 libwcs7=7.12+ds-1+b2 libcfitsio10=4.2.0-3 python3-packaging=23.0-1 python3-yaml=6.0-3+b2
  libblas3=3.11.0-2 liblapack3=3.11.0-2 libgfortran5=12.2.0-14+deb12u1)
