# onnx.sh PROGRAM: exported networks are sound ONNX and give our answers in OpenCV, and in onnxruntime-node and
# onnxruntime-web (npm) where NODE_PATH names a folder that has them.

source "${BASH_SOURCE%/*}/common.sh"

python=$(python_with onnx cv2) || python=
runtimes=
for runtime in onnxruntime-node onnxruntime-web; do
  if node -e "require('$runtime')" 2>/dev/null; then runtimes+=" $runtime"; fi
done
[[ -n $python$runtimes ]] || skip "needs python3-onnx and python3-opencv, or onnxruntime-node"
"$program" onnx "$work"
for runtime in $runtimes; do node "$here/check_onnx.js" "$runtime" "$work"; done
if [[ -n $python ]]; then "$python" "$here/check_onnx.py" "$work"; fi
