"""export.py MODEL.onnx CATALOGUE.csv FOLDER WEIGHTS.h5 HEADLESS.h5 WEIGHTS.weights.h5 WHOLE.keras WHOLE.h5: in OpenCV the
ONNX model, as it is, must give the p_cluster of abell-classify's catalogue, to a relative 1e-5, and these must vary; its
images and answers go into FOLDER for other runtimes. The Keras file is copied without its last dense layer, and both are
put into whole models."""

import csv
import json
import shutil
import sys
import zipfile

import cv2
import h5py
import numpy
import onnx

model_path, catalogue, folder, weights, headless, weights_3, whole, whole_2 = sys.argv[1:]
model = onnx.load(model_path)
onnx.checker.check_model(model, full_check=True)
metadata = {p.key: p.value for p in model.metadata_props}
classes, positive = json.loads(metadata["classes"]), json.loads(metadata["positive"])
assert json.loads(metadata["preprocessing"])["scale"] == "unit"
assert json.loads(metadata["abell"])["network"] == "trained"

network = cv2.dnn.readNetFromONNX(model_path)
wanted, found, images, answers = [], [], [], []
with open(catalogue, newline="") as file:
    for row in csv.DictReader(file):
        image = cv2.cvtColor(cv2.imread(row["file"]), cv2.COLOR_BGR2RGB)
        images.append((image.astype("float32") / 255).transpose(2, 0, 1))
        network.setInput(images[-1][None])
        probabilities = network.forward()[0]
        answers.append(probabilities)
        found.append(sum(probabilities[classes.index(name)] for name in positive))
        wanted.append(float(row["p_cluster"]))
difference = numpy.abs(numpy.subtract(wanted, found)).max() / max(wanted)
assert len(wanted) == 12 and difference <= 1e-5, (len(wanted), difference)
assert max(wanted) - min(wanted) > 0.2, wanted
shutil.copy(model_path, folder)
for name, values in (("images", images), ("expected", answers)):
    numpy.save(f"{folder}/trained.{name}.npy", numpy.ascontiguousarray(values, "float32"))

shutil.copy(weights, headless)
with h5py.File(headless, "r+") as file:
    names = [name for name in file.attrs["layer_names"] if name != b"dense_2"]
    file.attrs["layer_names"] = numpy.asarray(names)
    del file["dense_2"]

layers = [("InputLayer", {"batch_shape": [None, 356, 356, 3]})]
for filters in (64, 32, 32, 32, 32, 32):
    layers.append(("Conv2D", {"filters": filters, "kernel_size": [3, 3], "padding": "same", "activation": "relu"}))
    layers.append(("MaxPooling2D", {"pool_size": [2, 2], "strides": [2, 2], "padding": "same"}))
layers += [("Flatten", {}), ("Dense", {"units": 256, "activation": "relu"}), ("Dropout", {"rate": 0.65}), ("Dense", {"units": 2, "activation": "softmax"})]
words = {"InputLayer": "input", "Conv2D": "conv2d", "MaxPooling2D": "max_pooling2d", "Flatten": "flatten", "Dense": "dense", "Dropout": "dropout"}
numbers, named = {}, []
for kind, options in layers:
    numbers[kind] = numbers.get(kind, 0) + 1
    named.append({"class_name": kind, "module": "keras.layers", "config": {"name": f"{words[kind]}_{numbers[kind]}", **options}})
config = json.dumps({"class_name": "Sequential", "config": {"name": "whole", "layers": named}})
shutil.copy(weights, whole_2)
with h5py.File(whole_2, "r+") as file:
    file.attrs["model_config"] = config
with zipfile.ZipFile(whole, "w") as archive:
    archive.writestr("config.json", config)
    archive.write(weights_3, "model.weights.h5")
