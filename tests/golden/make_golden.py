#!/usr/bin/python3
"""Writes the .npy files of this folder with PyTorch: forward pass, all gradients and 50 steps of SGD
with Nesterov momentum of a reduced custom network, from given weights and batches.

    python3 make_golden.py        # Debian 12: apt-get install python3-torch python3-numpy

The network is Table 3's in small: 74 x 74 x 3 images, six blocks of convolution 3x3 SAME, ReLU and
max-pool 2x2 (ceil_mode: 74 37 19 10 5 3 2), dense 16, ReLU, dense 2. Dropout and decay are 0.

Layouts are the library's: images NHWC (uint8, divided by 255), convolution kernels HWIO, dense
kernels [inputs][outputs], flattened in HWC order. PyTorch's are NCHW, OIHW, [outputs][inputs], CHW.
"""
import json
import platform
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
FILTERS = [8, 4, 4, 4, 4, 6]
SIDE, CHANNELS, UNITS, CLASSES = 74, 3, 16, 2
IMAGES, BATCH, STEPS, RATE, MOMENTUM = 8, 3, 50, 0.01, 0.9


def images_and_labels(rng):
    """Noise with a bright blob (class 1) or a bright bar (class 0) at a random place."""
    y, x = np.mgrid[:SIDE, :SIDE]
    pixels, labels = [], []
    for n in range(IMAGES):
        label = n % 2
        cy, cx = rng.uniform(20, 54, 2)
        shape = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 60) if label else np.exp(-((y - cy) ** 2) / 10)
        light = rng.uniform(0.5, 1, CHANNELS) * shape[..., None] * 0.6 + rng.uniform(0, 0.4, (SIDE, SIDE, CHANNELS))
        pixels.append(np.clip(light * 255, 0, 255).astype(np.uint8))
        labels.append(label)
    return np.stack(pixels), np.array(labels, np.int32)


def initial_weights(rng):
    """He-uniform kernels (so that six small blocks learn within 50 steps) and small biases, in the library's order and layout, as float32."""
    sizes = [CHANNELS] + FILTERS
    shapes = [(3, 3, i, o) for i, o in zip(sizes, sizes[1:])] + [(2 * 2 * FILTERS[-1], UNITS), (UNITS, CLASSES)]
    weights = []
    for shape in shapes:
        window = int(np.prod(shape[:-2]))
        limit = np.sqrt(6 / (window * shape[-2]))
        weights.append(rng.uniform(-limit, limit, shape).astype(np.float32))
        weights.append(rng.uniform(-0.05, 0.05, shape[-1]).astype(np.float32))
    return weights


def to_torch(weight):
    """HWIO -> OIHW, [inputs][outputs] -> [outputs][inputs]."""
    axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[weight.ndim]
    return np.ascontiguousarray(weight.transpose(axes))


def from_torch(weight):
    """The way back: OIHW -> HWIO, [outputs][inputs] -> [inputs][outputs]."""
    axes = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[weight.ndim]
    return np.ascontiguousarray(weight.transpose(axes))


def logits_of(parameters, x):
    for kernel, bias in zip(parameters[0:12:2], parameters[1:12:2]):
        x = F.max_pool2d(F.relu(F.conv2d(x, kernel, bias, padding=1)), 2, ceil_mode=True)
    x = x.permute(0, 2, 3, 1).flatten(1)
    x = F.relu(F.linear(x, parameters[12], parameters[13]))
    return F.linear(x, parameters[14], parameters[15])


def flat(arrays, dtype):
    return np.concatenate([from_torch(a.detach().numpy()).ravel() for a in arrays]).astype(dtype)


def run(weights, pixels, labels, batches, dtype):
    """Everything to compare with, computed in `dtype`."""
    number = {torch.float32: np.float32, torch.float64: np.float64}[dtype]
    parameters = [torch.tensor(to_torch(w), dtype=dtype, requires_grad=True) for w in weights]
    pixels = torch.tensor(pixels.astype(number) / number(255)).permute(0, 3, 1, 2)
    labels = torch.tensor(labels, dtype=torch.long)
    first = pixels[batches[0].tolist()].clone().requires_grad_(True)
    logits = logits_of(parameters, first)
    F.cross_entropy(logits, labels[batches[0].tolist()]).backward()
    found = {
        "logits": logits.detach().numpy(),
        "probabilities": F.softmax(logits, 1).detach().numpy(),
        "gradients": flat([p.grad for p in parameters], number),
        "input_gradient": np.ascontiguousarray(first.grad[0].numpy().transpose(1, 2, 0)),
    }
    optimizer = torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM, nesterov=True)
    losses = []
    for batch in batches.tolist():
        optimizer.zero_grad()
        loss = F.cross_entropy(logits_of(parameters, pixels[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    found["losses"] = np.array(losses, number)
    found["weights"] = flat(parameters, number)
    return found


def main():
    torch.set_num_threads(1)
    rng = np.random.default_rng(2020)
    pixels, labels = images_and_labels(rng)
    weights = initial_weights(rng)
    batches = ((np.arange(STEPS)[:, None] * BATCH + np.arange(BATCH)) % IMAGES).astype(np.int32)

    def save(name, array):
        np.save(HERE / f"{name}.npy", array)

    save("images", pixels)
    save("labels", labels)
    save("batches", batches)
    save("initial_weights", np.concatenate([w.ravel() for w in weights]))
    for dtype, suffix in ((torch.float32, "float32"), (torch.float64, "float64")):
        for name, array in run(weights, pixels, labels, batches, dtype).items():
            if name != "input_gradient" or dtype == torch.float32:
                save(f"{name}_{suffix}", array)
            if name == "losses":
                print(suffix, array[:3], "...", array[-3:])
    versions = {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__,
                "rate": RATE, "momentum": MOMENTUM, "steps": STEPS}
    others = json.loads((HERE / "versions.json").read_text())  # make_stretch.py's
    (HERE / "versions.json").write_text(json.dumps(others | versions, indent=2) + "\n")


if __name__ == "__main__":
    main()
