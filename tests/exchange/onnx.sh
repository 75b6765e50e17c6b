# onnx.sh PROGRAM: exported networks are sound ONNX and give our answers in OpenCV, and in onnxruntime-node (npm) where
# NODE_PATH names a folder that has it.

source "${BASH_SOURCE%/*}/common.sh"

python=$(python_with onnx cv2) || python=
node=$(command -v node) && "$node" -e 'require("onnxruntime-node")' 2>/dev/null || node=
[[ -n $python$node ]] || skip "needs python3-onnx and python3-opencv, or onnxruntime-node"
"$program" onnx "$work"
if [[ -n $node ]]; then "$node" "$here/check_onnx.js" "$work"; fi
if [[ -n $python ]]; then "$python" "$here/check_onnx.py" "$work"; fi
