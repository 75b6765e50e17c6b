"""check_onnx.py FOLDER: checks every FOLDER/*.onnx with onnx.checker and runs it in OpenCV (and in ONNX Runtime
where it is there) on FOLDER/*.images.npy; the answers must be those of FOLDER/*.expected.npy, to a relative 1e-5."""

import pathlib
import sys

import cv2
import numpy
import onnx

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

# What opset 10 cannot say.
NEEDS_13 = {"up_sample_bilinear"}
# OpenCV 4.6 takes no transposed convolution whose padding differs between the sides.
NOT_IN_OPENCV = {"conv_transpose_even", "conv_transpose_same"}


def in_opencv(path, images):
    network = cv2.dnn.readNetFromONNX(str(path))
    network.setInput(images)
    return network.forward()


def in_onnxruntime(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"images": images})[0]


folder = pathlib.Path(sys.argv[1])
failed = 0
paths = sorted(folder.glob("*.onnx"))
assert paths, f"{folder}: expected .onnx files, found none"
for path in paths:
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    images = numpy.load(path.with_suffix(".images.npy"))
    expected = numpy.load(path.with_suffix(".expected.npy"))
    opset = 13 if path.stem in NEEDS_13 else 10
    assert [(o.domain, o.version) for o in model.opset_import] == [("", opset)], path
    assert model.ir_version == {10: 5, 13: 7}[opset], path
    (given,), (result,) = model.graph.input, model.graph.output
    assert (given.name, result.name) == ("images", "probabilities")
    for value, array in ((given, images), (result, expected)):
        sizes = [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        assert sizes == ["batch", *array.shape[1:]], (path, sizes, array.shape)
    assert not any(node.op_type == "Dropout" for node in model.graph.node)
    assert {p.key: p.value for p in model.metadata_props}["case"] == path.stem
    runs = [in_onnxruntime] if onnxruntime else []
    if path.stem not in NOT_IN_OPENCV:
        runs.append(in_opencv)
    for run in runs:
        worst = 0
        for batch in (images, images[:1]):
            wanted = expected[: len(batch)]
            found = run(path, batch)
            assert found.size == wanted.size, (path, found.shape)
            worst = max(worst, numpy.abs(found.reshape(wanted.shape) - wanted).max() / numpy.abs(wanted).max())
        print(f"{path.stem} {run.__name__}: relative difference {worst:.1e}")
        failed += not worst <= 1e-5
sys.exit(1 if failed else 0)
