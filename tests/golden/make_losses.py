#!/usr/bin/python3
"""Writes loss_*.npy with PyTorch: values and gradients of losses, and 30 steps of a small network with each.

    python3 make_losses.py        # Debian 12: apt-get install python3-torch python3-numpy

The network: 12 x 10 x 2 images, convolution 3x3 SAME (6), ReLU, max-pool 2x2, convolution 3x3 SAME (4), tanh, dense 8,
ReLU, dense 3; batches of 4 out of 10 images, one after the other. Layouts are the library's, as in make_golden.py.

    loss_images, loss_numbers, loss_flags, loss_weights      the problem: images, two sets of targets, initial weights
    loss_mse, loss_huber, loss_flagged  _float32, _float64   outputs of the first batch, its gradients, 30 losses, the
                                                             weights after them, one after the other
    loss_logits, loss_labels     7 rows of 5 logits and a label each
    loss_smoothing_*             cross-entropy with label smoothing of those: the loss, its gradient
    loss_map_logits, loss_map_labels      3 maps of 5 x 6 pixels with 4 logits and a label each, -1: not known
    loss_map_*                   cross-entropy of those, the mean over the maps of the means over known pixels

Two rules are the library's, written out: the norm is clipped without the 1e-6 that PyTorch adds to it, and Adam's
epsilon is added before the correction of the moments, as Keras does.
"""
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from make_golden import flat, to_torch

HERE = Path(__file__).resolve().parent
HEIGHT, WIDTH, CHANNELS, OUTPUTS = 12, 10, 2, 3
IMAGES, BATCH, STEPS = 10, 4, 30
SMOOTHING, DELTA, CLIP = 0.1, 0.5, 1.0


def problem(rng):
    """Noise with a blob; the numbers are where it lies and how bright it is, the flags whether that is much."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    images, numbers = [], []
    for _ in range(IMAGES):
        cy, cx, light = rng.uniform(2, 9), rng.uniform(2, 7), rng.uniform(1, 3)
        blob = light * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 4)
        images.append(blob[..., None] + rng.normal(0, 0.2, (HEIGHT, WIDTH, CHANNELS)))
        numbers.append([cy / 4 - 1, cx / 4 - 1, light - 2])
    numbers = np.array(numbers, np.float32)
    return np.array(images, np.float32), numbers, (numbers > 0).astype(np.float32)


def initial_weights(rng):
    """He-uniform kernels and small biases, as float32."""
    weights = []
    for shape in [(3, 3, CHANNELS, 6), (3, 3, 6, 4), (6 * 5 * 4, 8), (8, OUTPUTS)]:
        limit = np.sqrt(6 / np.prod(shape[:-1]))
        weights.append(rng.uniform(-limit, limit, shape).astype(np.float32))
        weights.append(rng.uniform(-0.05, 0.05, shape[-1]).astype(np.float32))
    return weights


def network(p, x):
    x = F.max_pool2d(F.relu(F.conv2d(x, p[0], p[1], padding=1)), 2)
    x = torch.tanh(F.conv2d(x, p[2], p[3], padding=1))
    x = F.relu(F.linear(x.permute(0, 2, 3, 1).flatten(1), p[4], p[5]))
    return F.linear(x, p[6], p[7])


def clip(parameters, most):
    """Whether the gradients were clipped."""
    norm = torch.sqrt(sum((p.grad**2).sum() for p in parameters))
    if norm > most:
        for p in parameters:
            p.grad *= most / norm
    return bool(norm > most)


def adam(parameters, rate, epsilon=1e-7):
    """Adam whose epsilon is Keras's: a hook to be called before each step sets PyTorch's to it."""
    optimizer = torch.optim.Adam(parameters, lr=rate)

    def before(step):
        optimizer.param_groups[0]["eps"] = epsilon / np.sqrt(1 - 0.999 ** (step + 1))

    return optimizer, before


def run(weights, images, targets, dtype, loss_of, optimizer_of, most=None, schedule_of=None):
    number = {torch.float32: np.float32, torch.float64: np.float64}[dtype]
    parameters = [torch.tensor(to_torch(w), dtype=dtype, requires_grad=True) for w in weights]
    images = torch.tensor(images.transpose(0, 3, 1, 2), dtype=dtype)
    targets = torch.tensor(targets, dtype=dtype)
    optimizer, before = optimizer_of(parameters)
    schedule = schedule_of(optimizer) if schedule_of else None
    losses, clipped = [], 0
    for step in range(STEPS):
        chosen = [(step * BATCH + n) % IMAGES for n in range(BATCH)]
        optimizer.zero_grad()
        outputs = network(parameters, images[chosen])
        loss = loss_of(outputs, targets[chosen])
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            first = [outputs.detach().numpy().ravel(), flat([p.grad for p in parameters], number)]
        clipped += clip(parameters, most) if most else 0
        before(step)
        optimizer.step()
        if schedule:
            schedule.step()
    print(number.__name__, "losses", losses[0], "...", losses[-1], "clipped", clipped)
    return np.concatenate(first + [np.array(losses, number), flat(parameters, number)])


def warm_up_cosine(optimizer, warm_up=5, floor=0.1):
    rate = optimizer.param_groups[0]["lr"]
    rise = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / warm_up, 1, warm_up - 1)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS - warm_up, floor * rate)
    return torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], [warm_up])


def value_and_gradient(logits, dtype, loss_of):
    logits = torch.tensor(logits, dtype=dtype, requires_grad=True)
    loss = loss_of(logits)
    loss.backward()
    return np.concatenate([[loss.item()], logits.grad.numpy().ravel()]).astype(logits.grad.numpy().dtype)


def main():
    torch.set_num_threads(1)
    rng = np.random.default_rng(22)

    def save(name, array):
        np.save(HERE / f"loss_{name}.npy", array)

    images, numbers, flags = problem(rng)
    weights = initial_weights(rng)
    save("images", images)
    save("numbers", numbers)
    save("flags", flags)
    save("weights", np.concatenate([w.ravel() for w in weights]))
    logits = rng.normal(0, 3, (7, 5)).astype(np.float32)
    labels = rng.integers(0, 5, 7).astype(np.int32)
    map_logits = rng.normal(0, 3, (3, 5, 6, 4)).astype(np.float32)
    map_labels = rng.integers(-1, 4, (3, 5, 6)).astype(np.int32)
    save("logits", logits)
    save("labels", labels)
    save("map_logits", map_logits)
    save("map_labels", map_labels)
    long_labels, long_map = torch.tensor(labels).long(), torch.tensor(map_labels).long()

    def map_loss(z):
        z = z.permute(0, 3, 1, 2)
        return sum(F.cross_entropy(z[n : n + 1], long_map[n : n + 1], ignore_index=-1) for n in range(3)) / 3

    for dtype, suffix in ((torch.float32, "float32"), (torch.float64, "float64")):
        save(f"mse_{suffix}", run(weights, images, numbers, dtype, F.mse_loss, lambda p: adam(p, 0.01), most=CLIP))
        save(f"huber_{suffix}",
             run(weights, images, numbers, dtype, lambda y, t: F.huber_loss(y, t, delta=DELTA),
                 lambda p: adam(p, 0.02), schedule_of=warm_up_cosine, most=CLIP))
        save(f"flagged_{suffix}",
             run(weights, images, flags, dtype, F.binary_cross_entropy_with_logits,
                 lambda p: (torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), lambda step: None)))
        save(f"smoothing_{suffix}",
             value_and_gradient(logits, dtype,
                                lambda z: F.cross_entropy(z, long_labels, label_smoothing=SMOOTHING)))
        save(f"map_{suffix}", value_and_gradient(map_logits, dtype, map_loss))


if __name__ == "__main__":
    main()
