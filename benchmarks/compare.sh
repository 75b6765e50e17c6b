#!/usr/bin/env bash
# compare.sh [--install] [--quick] [--rounds N] [--minutes N]: builds abell-benchmark and the peers that
# are there, runs them in turn, round after round, and writes build/benchmarks/compare.md and compare.json
# with the ratio (peer's time / abell's time) of every line. --install installs the missing peers first.
# --quick takes whole networks only. No new round begins after --minutes (default 7).

set -euo pipefail
if [[ ${1-} == -h || ${1-} == --help ]]; then
  sed -n '2,/^$/s/^# \?//p' "${BASH_SOURCE[0]}"
  exit
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."

install=()
quick=false
rounds=3
minutes=7

usage() {
  echo "compare.sh: expected [--install] [--quick] [--rounds N] [--minutes N], found '$*'" >&2
  exit 2
}
while (($#)); do
  case $1 in
    --install) install=(--peers) ;;
    --quick) quick=true ;;
    --rounds | --minutes)
      [[ ${2-} =~ ^[1-9][0-9]*$ ]] || usage "$@"
      if [[ $1 == --rounds ]]; then rounds=$2; else minutes=$2; fi
      shift
      ;;
    *) usage "$@" ;;
  esac
  shift
done

out=build/benchmarks
bin=build/release/bin
raw=$out/raw
threads=${OMP_NUM_THREADS:-$(nproc)}

cmake/install-debian.sh "${install[@]}"
if ! command -v python3 >/dev/null; then
  echo "compare.sh: expected python3, which writes the table, found none; --install installs it" >&2
  exit 1
fi

cmake --preset release -DABELL_BUILD_BENCHMARKS=ON
cmake --build --preset release --target abell-benchmark abell-peers
rm -rf "$out"
mkdir -p "$raw"

# A Python that has PyTorch; Debian's package belongs to /usr/bin/python3.
pytorch=
for python in python3 /usr/bin/python3; do
  if "$python" -c 'import torch' 2>/dev/null; then
    pytorch=$python
    break
  fi
done
onnxruntime=false
if [[ -n $pytorch ]] && "$pytorch" -c 'import onnxruntime' 2>/dev/null; then onnxruntime=true; fi
for peer in abell-peer-eigen abell-peer-onednn; do
  [[ -x $bin/$peer ]] || echo "compare.sh: $peer is not there; its column stays empty"
done
[[ -n $pytorch ]] || echo "compare.sh: no Python with torch; PyTorch's columns stay empty"
$onnxruntime || echo "compare.sh: no onnxruntime beside torch (pip, not Debian); its column stays empty"

# run NAME COMMAND...: one program's JSON into raw/NAME.json.
run() {
  local name=$1
  shift
  printf '%4d s  %s\n' "$((SECONDS - start))" "$name"
  if ! "$@" >"$raw/$name.json" 2>>"$out/log.txt" || [[ ! -s $raw/$name.json ]]; then
    echo "compare.sh: $name failed, see $out/log.txt" >&2
    rm -f "$raw/$name.json"
    return 1
  fi
}

# suite ROUND GROUP REGEX: every program's lines that match, on all threads (abell's whole networks on fewer
# too, for its scaling). A peer that fails is left out. Eigen has no lines of memory nor of MobileNet. Groups are
# small: the shorter the time between two programs' lines, the more the machine's other users disturb both alike.
suite() {
  local round=$1 group=$2 regex=$3
  local google=(--benchmark_format=json --benchmark_min_time=0.1)
  local python=(--threads "$threads" --least 4 --budget 12 --filter "/$regex")
  local all=".*threads:$threads\$" own
  if [[ $group == network-* ]]; then own=''; else own=$all; fi
  run "$round-abell-$group" "$bin/abell-benchmark" "${google[@]}" --benchmark_filter="^$regex$own"
  if [[ -x $bin/abell-peer-onednn ]]; then
    run "$round-onednn-$group" "$bin/abell-peer-onednn" "${google[@]}" --benchmark_filter="/$regex$all" || true
  fi
  if [[ -n $pytorch ]]; then
    run "$round-pytorch-$group" "$pytorch" benchmarks/peers/pytorch.py "${python[@]}" || true
    if [[ $group != kernels && $round == 1 ]]; then
      run "$round-pytorch_default-$group" "$pytorch" benchmarks/peers/pytorch.py "${python[@]}" --malloc default || true
    fi
  fi
  if $onnxruntime && [[ $group == network-* ]]; then
    run "$round-onnxruntime-$group" "$pytorch" benchmarks/peers/onnx_runtime.py "${python[@]}" || true
  fi
  # Eigen is several times slower: once is enough.
  if [[ $group != memory && $group != *mobilenet* && $round == 1 && -x $bin/abell-peer-eigen ]]; then
    run "$round-eigen-$group" "$bin/abell-peer-eigen" "${google[@]}" --benchmark_filter="/$regex$all" || true
  fi
}

start=$SECONDS
for ((round = 1; round <= rounds; ++round)); do
  if ((round > 1 && SECONDS - start > 60 * minutes)); then
    echo "compare.sh: $minutes minutes have passed, no further round"
    break
  fi
  for network in cluster_net mobilenet; do
    for work in 'train_step(_simulated)?' predict; do
      suite "$round" "network-$network-${work%%_*}" "$work/$network"
    done
  done
  if ((round == 1)); then
    suite "$round" memory 'train_step_memory/'
  fi
  $quick && continue
  if ((round % 3 == 1)); then
    suite "$round" kernels '(gemm|conv2d)'
  fi
  if ((round == 1)); then
    run "$round-abell-rest" "$bin/abell-benchmark" --benchmark_format=json --benchmark_min_time=0.1 \
      --benchmark_filter='^(dense|depthwise|max_pool|affine|loader|sgd|adam|adadelta)'
  fi
done

python3 benchmarks/table.py "$raw" "$out"
echo
cat "$out/compare.md"
