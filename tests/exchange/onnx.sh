# onnx.sh PROGRAM: exported networks are sound ONNX and give our answers in OpenCV.

source "${BASH_SOURCE%/*}/common.sh"

python=$(python_with onnx cv2) || skip "needs python3-onnx and python3-opencv"
"$program" onnx "$work"
"$python" "$here/check_onnx.py" "$work"
