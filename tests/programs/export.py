"""export.py MODEL.onnx CATALOGUE.csv WEIGHTS.h5 HEADLESS.h5: the ONNX model must give the p_cluster of
abell-classify's catalogue, to a relative 1e-5; the Keras file is copied without its last dense layer."""

import csv
import json
import shutil
import sys

import cv2
import h5py
import numpy
import onnx

model_path, catalogue, weights, headless = sys.argv[1:]
model = onnx.load(model_path)
onnx.checker.check_model(model, full_check=True)
metadata = {p.key: p.value for p in model.metadata_props}
classes, positive = json.loads(metadata["classes"]), json.loads(metadata["positive"])
assert json.loads(metadata["preprocessing"])["scale"] == "unit"
assert json.loads(metadata["abell"])["network"] == "custom"

network = cv2.dnn.readNetFromONNX(model_path)
wanted, found = [], []
with open(catalogue, newline="") as file:
    for row in csv.DictReader(file):
        image = cv2.cvtColor(cv2.imread(row["file"]), cv2.COLOR_BGR2RGB)
        network.setInput((image.astype("float32") / 255).transpose(2, 0, 1)[None])
        probabilities = network.forward()[0]
        found.append(sum(probabilities[classes.index(name)] for name in positive))
        wanted.append(float(row["p_cluster"]))
difference = numpy.abs(numpy.subtract(wanted, found)).max() / max(wanted)
assert len(wanted) == 12 and difference <= 1e-5, (len(wanted), difference)

shutil.copy(weights, headless)
with h5py.File(headless, "r+") as file:
    names = [name for name in file.attrs["layer_names"] if name != b"dense_2"]
    file.attrs["layer_names"] = numpy.asarray(names)
    del file["dense_2"]
