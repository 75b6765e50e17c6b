# What the tests of the programs share: a folder that goes at the end, and checks of exit codes.
set -u
script=$(basename "$0")
folder=$(mktemp -d)
trap 'chmod -R u+rwx "$folder"; rm -rf "$folder"' EXIT

fail() {
  echo "$script: $*" >&2
  exit 1
}

# expect CODE PROGRAM ARGUMENT...: the exit code and, on errors, one line "PROGRAM: ..." on standard
# error. The outputs stay in $folder/stdout and $folder/stderr.
expect() {
  local code=$1 program=$2
  shift 2
  "$ABELL_BIN/$program" "$@" >"$folder/stdout" 2>"$folder/stderr"
  local found=$?
  [ "$found" = "$code" ] || fail "expected exit code $code, found $found: $program $*: $(cat "$folder/stderr")"
  if [ "$code" = 1 ] || [ "$code" = 2 ]; then
    [ "$(wc -l <"$folder/stderr")" = 1 ] || fail "expected one line on standard error: $program $*: $(cat "$folder/stderr")"
    grep -q "^$program: " "$folder/stderr" || fail "expected a line that names the program: $program $*"
  fi
}

# refused TEXT PROGRAM ARGUMENT...: exit code 1 with TEXT in the line.
refused() {
  local text=$1
  shift
  expect 1 "$@"
  grep -qF -- "$text" "$folder/stderr" || fail "expected '$text' in the error: $*: $(cat "$folder/stderr")"
}

# start PROGRAM ARGUMENT...: in the background, as $job. Bash lets background jobs ignore SIGINT, and what a program
# finds ignored it goes on ignoring: here every signal has its default effect at the start.
start() {
  local program=$1
  shift
  env --default-signal "$ABELL_BIN/$program" "$@" >"$folder/stdout" 2>"$folder/stderr" &
  job=$!
}

# alive: whether $job runs; fails with its words when it does not.
alive() { kill -0 $job 2>/dev/null || fail "a program ended by itself: $(cat "$folder/stderr")"; }

# there FILE: waits until $job has made it.
there() {
  while [ ! -e "$1" ]; do
    alive
    sleep 0.02
  done
}

# listens: waits until $job takes signals for requests; SIGUSR1 is the last of them.
listens() {
  local caught
  while alive && caught=$(awk '/^SigCgt/ { print $2 }' "/proc/$job/status" 2>/dev/null) && ! ((0x${caught:-0} & 0x200)); do
    sleep 0.01
  done
}

# ends CODE: the exit code of $job.
ends() {
  { wait $job; } 2>/dev/null
  local found=$?
  [ "$found" = "$1" ] || fail "expected exit code $1 of a program that was stopped, found $found: $(cat "$folder/stderr")"
}

# same A B: the same bytes.
same() { cmp -s "$1" "$2" || fail "expected the same bytes: $1 and $2"; }

# without_seconds FILE: history.csv without its two columns of times.
without_seconds() { cut -d, -f1-6 "$1"; }

no_parts() {
  local found
  found=$(find "$1" -name '*.part-*' -o -name 'abell-pixels-*' -o -name .abell-lock)
  [ -z "$found" ] || fail "temporary files are left: $found"
}

# simulated N NAME: a simulated set of N objects in $folder/NAME.
simulated() { expect 0 abell-simulate --objects "$1" --out "$folder/$2" --seed 3 --quiet; }

# bytes HEX: the bytes that the hexadecimal digits stand for.
bytes() { printf "$(sed 's/ //g; s/../\\x&/g' <<<"$1")"; }

# fits FILE "NAXIS AXES..." BITPIX [KEYWORD VALUE]...: a FITS image whose pixels come from standard input
# (zeros follow).
fits() {
  local file=$1 axes=($2) cards i size=$((${3#-} / 8))
  cards=$(printf '%-80s' "SIMPLE  =                    T")
  cards+=$(printf '%-8s= %20s%50s' BITPIX "$3" "" NAXIS "${axes[0]}" "")
  for ((i = 1; i < ${#axes[@]}; ++i)); do
    cards+=$(printf '%-8s= %20s%50s' NAXIS$i "${axes[i]}" "")
    size=$((size * axes[i]))
  done
  shift 3
  if (($#)); then cards+=$(printf '%-8s= %-70s' "$@"); fi
  { printf '%-2880s' "$cards$(printf '%-80s' END)"; cat - /dev/zero | head -c $(((size + 2879) / 2880 * 2880)); } >"$file"
}
