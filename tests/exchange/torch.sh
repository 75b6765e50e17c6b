# torch.sh PROGRAM: state dicts of PyTorch are read and written, with the same answers on both sides.

source "${BASH_SOURCE%/*}/common.sh"

python=$(python_with torch numpy) || skip "needs python3-torch"
"$program" write-torch "$work"
"$python" "$here/check_torch.py" read "$work"
"$python" "$here/check_torch.py" write "$work"
"$program" read-torch "$work"
"$python" "$here/check_torch.py" compare "$work"
