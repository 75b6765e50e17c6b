#!/usr/bin/python3
"""Writes block_*.npy and mobilenet_*.npy with PyTorch: a depthwise-separable block and a MobileNet of width 0.25
at 64 x 64, each in Keras's form and in PyTorch's, in float32 and float64.

    python3 make_mobilenet.py     # Debian 12: apt-get install python3-torch python3-numpy

Forms (batch normalisation's epsilon and momentum, what goes into the moving variance, padding at stride 2,
Adadelta's epsilon):
    keras    1e-3, 0.99, variance n / (n - 1) n / (n - 1 - epsilon), SAME: (0, 1) on even sides, 1e-7
    pytorch  1e-5, 0.9, variance n / (n - 1), symmetric (1, 1), 1e-6
PyTorch runs both: its own modules' arithmetic where it has the form, the rule written out where it has not.

Weights and the block's images are not in files: `value` makes number i of a stream from a hash, here and in
mobilenet_golden_test.cpp alike. The MobileNet's images are mobilenet_images.npy, uint8, divided by 127.5, minus 1.
Layouts are the library's: NHWC, kernels HWIO, depthwise HWC1, dense [inputs][outputs]; the order of the parameters
too. Each file is one array, one thing after the other:

    block      training output, inference output, gradients, input gradient; moving averages after 5 steps; all
               parameters after 20; inference output then
    mobilenet  logits in training, probabilities in inference, digest of the gradients, of the moving averages after
               5 steps, losses of 20 steps, digest of all parameters after 20, probabilities then

The gradient of a moving average stands as 0. A step is Adadelta with rate 1 / (1 + 0.95 t) and rho 0.95. The
block's loss is half the squared distance of its output from a target; the MobileNet's is cross-entropy, batches of
4 in turn. Its initial betas lie about 2, so that few values stand at the kinks of ReLU6, where float32 and float64
part ways. A digest has for each parameter the largest magnitude, the Euclidean norm, 8 sums with random signs (an
error anywhere in the tensor shows in them), and up to 24 of the values, evenly spaced.
"""
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
FORMS = {
    "keras": dict(epsilon=1e-3, momentum=0.99, symmetric=False, adadelta=1e-7),
    "pytorch": dict(epsilon=1e-5, momentum=0.9, symmetric=True, adadelta=1e-6),
}
STEPS, DECAY, RHO = 20, 0.95, 0.95  # Table 4
SIGNS, SAMPLES = 8, 24


def hashed(stream, index):
    """32 random bits for each index: the finaliser of MurmurHash3."""
    h = (np.asarray(index, np.uint64) * 2654435761 + stream * 40503 + 1) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        h = ((h ^ (h >> np.uint64(shift))) * np.uint64(factor)) & 0xFFFFFFFF
    return h


def values(stream, begin, count):
    """Uniform in [-1, 1)."""
    return hashed(stream, np.arange(begin, begin + count)).astype(np.float64) / 2.0**31 - 1


class Net:
    """A list of layers run on NCHW tensors, its parameters in the library's order."""

    def __init__(self, layers, form, channels, dtype, gamma=1.0, beta=0.0, spread=0.5):
        self.layers, self.form, self.dtype = layers, FORMS[form], dtype
        self.centres = {"gamma": gamma, "beta": beta, "variance": 1.0}
        self.keras = form == "keras"
        self.parameters = []  # (kind, library's shape, tensor in PyTorch's layout)
        for kind, *options in layers:
            if kind == "conv":
                side, filters, _ = options
                self.add("conv", (side, side, channels, filters), np.sqrt(6 / (side * side * channels)))
                channels = filters
            elif kind == "depthwise":
                self.add("depthwise", (3, 3, channels, 1), np.sqrt(6 / 9))
            elif kind == "dense":
                self.add("dense", (channels, options[0]), 0.25 * np.sqrt(6 / channels))  # no saturated softmax
                self.add("bias", (options[0],), 0.1)
            elif kind == "norm":
                for name in ("gamma", "beta", "mean", "variance"):
                    self.add(name, (channels,), spread)

    def add(self, kind, shape, limit):
        begin = sum(int(np.prod(s)) for _, s, _ in self.parameters)
        numbers = limit * values(1, begin, int(np.prod(shape))).reshape(shape)
        numbers += self.centres.get(kind, 0)
        tensor = torch.tensor(self.to_torch(kind, numbers.astype(np.float32)), dtype=self.dtype)
        self.parameters.append((kind, shape, tensor.requires_grad_(kind not in ("mean", "variance"))))

    @staticmethod
    def to_torch(kind, a):
        axes = {"conv": (3, 2, 0, 1), "depthwise": (2, 3, 0, 1), "dense": (1, 0)}.get(kind, (0,))
        return np.ascontiguousarray(a.transpose(axes))

    @staticmethod
    def from_torch(kind, a):
        axes = {"conv": (2, 3, 1, 0), "depthwise": (2, 3, 0, 1), "dense": (1, 0)}.get(kind, (0,))
        return a.transpose(axes).ravel()

    def flat(self, gradients=False, only=None):
        """A list of arrays, one a parameter, that later steps leave alone."""
        found = []
        for kind, _, p in self.parameters:
            if only is None or kind in only:
                p = (torch.zeros_like(p) if p.grad is None else p.grad) if gradients else p
                found.append(self.from_torch(kind, p.detach().numpy()).copy())
        return found

    def pad(self, x, stride):
        h, w = x.shape[2:]
        if self.form["symmetric"]:
            return F.pad(x, (1, 1, 1, 1))
        sides = [max((-(-n // stride) - 1) * stride + 3 - n, 0) for n in (w, h)]
        return F.pad(x, (sides[0] // 2, sides[0] - sides[0] // 2, sides[1] // 2, sides[1] - sides[1] // 2))

    def norm(self, x, gamma, beta, mean, variance, training, update):
        f = self.form
        if not training:
            return F.batch_norm(x, mean, variance, gamma, beta, False, 0, f["epsilon"])
        if not update:
            return F.batch_norm(x, None, None, gamma, beta, True, 0, f["epsilon"])
        if not self.keras:
            return F.batch_norm(x, mean, variance, gamma, beta, True, 1 - f["momentum"], f["epsilon"])
        with torch.no_grad():
            n = x.numel() // x.shape[1]
            batch = x.var((0, 2, 3), unbiased=False) * n / (n - 1) * n / (n - 1 - f["epsilon"])
            mean += (1 - f["momentum"]) * (x.mean((0, 2, 3)) - mean)
            variance += (1 - f["momentum"]) * (batch - variance)
        return F.batch_norm(x, None, None, gamma, beta, True, 0, f["epsilon"])

    def run(self, x, training, update=False):
        at = iter(p for _, _, p in self.parameters)
        for kind, *options in self.layers:
            if kind == "conv":
                side, _, stride = options
                x = F.conv2d(self.pad(x, stride) if side == 3 else x, next(at), stride=stride)
            elif kind == "depthwise":
                x = F.conv2d(self.pad(x, options[0]), next(at), stride=options[0], groups=x.shape[1])
            elif kind == "norm":
                x = self.norm(x, next(at), next(at), next(at), next(at), training, update)
            elif kind == "relu6":
                x = F.relu6(x)
            elif kind == "pool":
                x = x.mean((2, 3))
            elif kind == "dense":
                x = F.linear(x, next(at), next(at))
        return x

    def clear(self):
        for _, _, p in self.parameters:
            p.grad = None

    def optimizer(self):
        trained = [p for _, _, p in self.parameters if p.requires_grad]
        return torch.optim.Adadelta(trained, lr=1, rho=RHO, eps=self.form["adadelta"])

    def steps(self, loss_of_step):
        """Trains for STEPS steps; yields each step's loss after its update."""
        optimizer = self.optimizer()
        for t in range(STEPS):
            for group in optimizer.param_groups:
                group["lr"] = 1 / (1 + DECAY * t)
            self.clear()
            loss = loss_of_step(t)
            loss.backward()
            optimizer.step()
            yield loss.item()


def nhwc(x):
    return x.detach().numpy().transpose(0, 2, 3, 1).ravel()


def digest(tensors):
    """See above."""
    found = []
    for a in (t.astype(np.float64) for t in tensors):
        bits = [hashed(100 + k, np.arange(a.size)) >> np.uint64(31) for k in range(SIGNS)]
        signs = [1 - 2.0 * b.astype(np.float64) for b in bits]
        count = min(a.size, SAMPLES)
        found += [[np.abs(a).max(), np.sqrt(np.sum(a * a))], [np.sum(a * s) for s in signs],
                  a[np.arange(count) * a.size // count]]
    return np.concatenate([np.ravel(f) for f in found])


def block(form, dtype):
    layers = [("depthwise", 2), ("norm",), ("relu6",), ("conv", 1, 8, 1), ("norm",), ("relu6",)]
    net = Net(layers, form, 6, dtype)
    shape, out = (3, 9, 10, 6), (3, 5, 5, 8)

    def tensor(stream, shape, factor):
        a = factor * values(stream, 0, int(np.prod(shape))).reshape(shape)
        return torch.tensor(np.ascontiguousarray(a.transpose(0, 3, 1, 2)), dtype=dtype)

    x, target = tensor(2, shape, 2), 3 + tensor(3, out, 3)

    def loss_of(y):
        return 0.5 * torch.sum((y - target) ** 2)

    x.requires_grad_(True)
    y = net.run(x, True)
    loss_of(y).backward()
    found = [nhwc(y), nhwc(net.run(x, False)), *net.flat(gradients=True), nhwc(x.grad)]
    x = x.detach()
    losses = []
    for loss in net.steps(lambda t: loss_of(net.run(x, True, True))):
        losses.append(loss)
        if len(losses) == 5:
            found += net.flat(only=("mean", "variance"))
    return np.concatenate(found + net.flat() + [nhwc(net.run(x, False))]), losses


def mobilenet(form, dtype, pixels, labels):
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    layers = [("conv", 3, 8, 2), ("norm",), ("relu6",)]
    for filters, stride in blocks:
        layers += [("depthwise", stride), ("norm",), ("relu6",), ("conv", 1, filters // 4, 1), ("norm",), ("relu6",)]
    net = Net(layers + [("pool",), ("dense", 2)], form, 3, dtype, beta=2.0)
    images = torch.tensor(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)), dtype=dtype) / 127.5 - 1
    labels = torch.tensor(labels, dtype=torch.long)

    def batch(t):
        chosen = [(4 * t + k) % len(images) for k in range(4)]
        return images[chosen], labels[chosen]

    x, right = batch(0)
    logits = net.run(x, True)
    F.cross_entropy(logits, right).backward()
    found = [logits.detach().numpy().ravel(), F.softmax(net.run(x, False), 1).detach().numpy().ravel(),
             digest(net.flat(gradients=True))]

    def loss_of_step(t):
        x, right = batch(t)
        return F.cross_entropy(net.run(x, True, True), right)

    losses = []
    for loss in net.steps(loss_of_step):
        losses.append(loss)
        if len(losses) == 5:
            found.append(digest(net.flat(only=("mean", "variance"))))
    found += [np.array(losses), digest(net.flat()), F.softmax(net.run(x, False), 1).detach().numpy().ravel()]
    return np.concatenate([f.astype(np.float64) for f in found]), losses


def images_and_labels(rng, count=8, side=64):
    """Noise with a bright blob (class 1) or a bright bar (class 0) at a random place."""
    y, x = np.mgrid[:side, :side]
    pixels, labels = [], np.arange(count, dtype=np.int32) % 2
    for label in labels:
        cy, cx = rng.uniform(16, 48, 2)
        shape = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 60) if label else np.exp(-((y - cy) ** 2) / 10)
        light = rng.uniform(0.5, 1, 3) * shape[..., None] * 0.6 + rng.uniform(0, 0.4, (side, side, 3))
        pixels.append(np.clip(light * 255, 0, 255).astype(np.uint8))
    return np.stack(pixels), labels


def main():
    torch.set_num_threads(1)
    pixels, labels = images_and_labels(np.random.default_rng(66))
    np.save(HERE / "mobilenet_images.npy", pixels)
    for form in FORMS:
        for dtype, suffix in ((torch.float32, "float32"), (torch.float64, "float64")):
            for name, run in (("block", lambda: block(form, dtype)),
                              ("mobilenet", lambda: mobilenet(form, dtype, pixels, labels))):
                found, losses = run()
                np.save(HERE / f"{name}_{form}_{suffix}.npy", found.astype(suffix))
                print(name, form, suffix, losses[0], "->", losses[-1])
    versions = json.loads((HERE / "versions.json").read_text())
    versions["torch"] = torch.__version__
    (HERE / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")


if __name__ == "__main__":
    main()
