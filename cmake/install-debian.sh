#!/usr/bin/env bash
# install-debian.sh [--tests | --peers]: installs the Debian or Ubuntu packages that abell needs, those
# that are missing only. --tests adds what test.sh needs, --peers what benchmarks/compare.sh compares
# with. This is the only list of packages.

set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config     # build
  libeigen3-dev                        # abell::abell
  libstb-dev                           # abell::images
  libcfitsio-dev wcslib-dev zlib1g-dev   # abell::fits
  liberfa-dev libpugixml-dev libyaml-cpp-dev  # abell::fits
  nlohmann-json3-dev                   # abell::weights, abell::votes
  libhdf5-dev libzip-dev               # abell::keras
  libonnx-dev libprotobuf-dev          # abell::onnx
  libcli11-dev                         # programs
  libcpp-httplib-dev libsqlite3-dev    # abell-votes serve
  libbenchmark-dev                     # benchmarks
  catch2                               # tests
)

case ${1-} in
  '') ;;
  --tests)
    packages+=(clang libomp-dev libclang-rt-dev)  # the second compiler, its OpenMP and sanitizers
    packages+=(python3-h5py python3-onnx python3-opencv python3-torch)  # the other side of weights and .onnx files
    packages+=(python3-astropy stilts)  # the other side of catalogues
    if grep -qx 'ID=debian' /etc/os-release; then
      packages+=(chromium python3)  # the Hunt's page in a browser; Ubuntu has no such package
      packages+=(python3-regions saods9 aladin default-jre xvfb xauth)  # catalogues in astronomers' viewers
    fi
    ;;
  --peers) packages+=(libdnnl-dev python3 python3-torch) ;;
  *)
    echo "install-debian.sh: expected no argument, --tests or --peers, found '$1'" >&2
    exit 2
    ;;
esac

for tool in dpkg-query apt-get; do
  if ! command -v "$tool" >/dev/null; then
    echo "install-debian.sh: expected Debian or Ubuntu, found no $tool; install by hand what these packages hold: ${packages[*]}" >&2
    exit 1
  fi
done

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
  [[ $state == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "install-debian.sh: not root and no sudo; let an administrator run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "Installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
