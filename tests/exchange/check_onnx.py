"""check_onnx.py FOLDER: checks every FOLDER/*.onnx with onnx.checker and runs it in OpenCV on FOLDER/*.images.npy;
the answers must be those of FOLDER/*.expected.npy, to a relative 1e-5."""

import pathlib
import sys

import cv2
import numpy
import onnx

folder = pathlib.Path(sys.argv[1])
failed = 0
paths = sorted(folder.glob("*.onnx"))
assert paths, f"{folder}: expected .onnx files, found none"
for path in paths:
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    images = numpy.load(path.with_suffix(".images.npy"))
    expected = numpy.load(path.with_suffix(".expected.npy"))
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 13)]
    (given,), (result,) = model.graph.input, model.graph.output
    assert (given.name, result.name) == ("images", "probabilities")
    for value, array in ((given, images), (result, expected)):
        sizes = [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        assert sizes == ["batch", *array.shape[1:]], (path, sizes, array.shape)
    assert not any(node.op_type == "Dropout" for node in model.graph.node)
    assert {p.key: p.value for p in model.metadata_props}["case"] == path.stem
    network = cv2.dnn.readNetFromONNX(str(path))
    worst = 0
    for batch in (images, images[:1]):
        network.setInput(batch)
        found = network.forward().reshape(len(batch), *expected.shape[1:])
        wanted = expected[: len(batch)]
        worst = max(worst, numpy.abs(found - wanted).max() / numpy.abs(wanted).max())
    print(f"{path.stem}: relative difference {worst:.1e}")
    failed += not worst <= 1e-5
sys.exit(1 if failed else 0)
