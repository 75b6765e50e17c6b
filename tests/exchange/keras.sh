# keras.sh PROGRAM: files as Keras writes them are read to the last bit, and ours are read as Keras reads.

source "${BASH_SOURCE%/*}/common.sh"

python=$(python_with h5py) || skip "needs python3-h5py"
mkdir "$work/theirs" "$work/ours"
"$python" "$here/check_keras.py" write "$work/theirs"
"$program" read-keras "$work/theirs"
"$program" write-keras "$work/ours"
"$python" "$here/check_keras.py" read "$work/ours"
