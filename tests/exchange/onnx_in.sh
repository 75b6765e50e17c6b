# onnx_in.sh PROGRAM ANSWERS: ONNX files of ours, of PyTorch and by hand become networks with the same answers; and so
# they do in onnxruntime-node (npm) where NODE_PATH names a folder that has it.

source "${BASH_SOURCE%/*}/common.sh"

"$program" onnx "$work"
"$2" "$work"
rm "$work"/*
python=$(python_with torch onnx numpy) || skip "needs python3-torch and python3-onnx for the models of others"
"$python" "$here/make_onnx.py" "$work"
"$2" "$work"
if node -e 'require("onnxruntime-node")' 2>/dev/null; then node "$here/check_onnx.js" onnxruntime-node "$work"; fi
