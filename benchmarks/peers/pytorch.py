#!/usr/bin/env python3
"""PyTorch's time for what abell-benchmark measures, as JSON in Google Benchmark's form.

    pytorch.py [--threads 1,2] [--filter REGEX] [--least 10] [--budget SECONDS] [--malloc keep|default]

Each line is measured in the contiguous (NCHW) and in the channels-last layout, MobileNet's predictions in
several forms of the network besides, and the fastest is printed, with its name under "layout". The time of
a line is the median of at least --least runs after two that warm up; a line that takes longer than --budget
in all ends earlier, with three runs at least, and its number of runs is printed. Lines of memory print the
most resident memory of a process of its own that runs the line three times, in the layout that takes less.

PyTorch allocates its activations anew in every step. As installed, glibc gives large blocks back to the
system each time, and touching them again can cost half of a training step. --malloc keep has glibc keep
them; --malloc default measures what a user gets who changes nothing, and names the lines
peer_pytorch_default/...
"""

import argparse
import ctypes
import json
import re
import statistics
import subprocess
import sys
import time

import pytorch_mobilenet
import torch
import torch.nn.functional as F
from torch import nn

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
CHANNELS = [3, 64, 32, 32, 32, 32, 32]
SIDES = [356, 178, 89, 45, 23, 12]


class ClusterNet(nn.Module):
    """Table 3 of Kosiba et al. 2020, up to the logits."""

    def __init__(self):
        super().__init__()
        blocks = []
        for inputs, filters in zip(CHANNELS, CHANNELS[1:]):
            blocks += [nn.Conv2d(inputs, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
        self.features = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(1152, 256), nn.ReLU(), nn.Dropout(0.65), nn.Linear(256, 2))
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, images):
        return self.head(self.features(images))


def images_of(batch, layout):
    return torch.randn(batch, 3, 356, 356).contiguous(memory_format=layout)


def train_step(batch, layout):
    """Forward with dropout, loss, backward, update by SGD with Nesterov's momentum."""
    network = ClusterNet().to(memory_format=layout)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9, nesterov=True)
    images, labels = images_of(batch, layout), torch.arange(batch) % 2

    def run():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(images), labels).backward()
        optimizer.step()

    return run


def predict(batch, layout):
    network = ClusterNet().to(memory_format=layout).eval()
    images = images_of(batch, layout)

    def run():
        with torch.inference_mode():
            return F.softmax(network(images), dim=1)

    return run


def convolution(direction, batch, side, inputs, filters, layout):
    """One convolution by itself: "forward", "weight_gradient" (with the bias's) or "input_gradient"."""
    x = torch.randn(batch, inputs, side, side).contiguous(memory_format=layout)
    y = torch.randn(batch, filters, side, side).contiguous(memory_format=layout)
    weight = torch.randn(filters, inputs, 3, 3).contiguous(memory_format=layout)
    bias = torch.zeros(filters)
    wanted = [direction == "input_gradient", direction == "weight_gradient", direction == "weight_gradient"]

    def run():
        with torch.inference_mode():
            if direction == "forward":
                return F.conv2d(x, weight, bias, padding=1)
            return torch.ops.aten.convolution_backward(
                y, x, weight, [filters], [1, 1], [1, 1], [1, 1], False, [0, 0], 1, wanted)

    return run


def block_forward(batch, side, inputs, filters, layout):
    """Convolution, ReLU and max-pool."""
    x = torch.randn(batch, inputs, side, side).contiguous(memory_format=layout)
    block = nn.Sequential(nn.Conv2d(inputs, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True))
    block = block.to(memory_format=layout)

    def run():
        with torch.inference_mode():
            return block(x)

    return run


def product(n, _layout):
    a, b = torch.randn(n, n), torch.randn(n, n)
    return lambda: torch.mm(a, b)


def in_layouts(prepare):
    """{name: how to prepare a run} for both layouts."""
    return {name: lambda layout=layout: prepare(layout) for name, layout in LAYOUTS.items()}


def lines():
    """(name without threads, the forms that compete, floating-point operations, images)."""
    for n in (256, 512, 1024):
        yield f"gemm/{n}x{n}x{n}/batch:1", in_layouts(lambda layout, n=n: product(n, layout)), 2 * n**3, 0
    for side, inputs, filters in zip(SIDES, CHANNELS, CHANNELS[1:]):
        shape = f"{side}x{side}x{inputs}->{filters}"
        flops = 2 * 10 * side**2 * 9 * inputs * filters
        sizes = (10, side, inputs, filters)
        block = in_layouts(lambda layout, s=sizes: block_forward(*s, layout))
        yield f"conv2d_relu_pool_forward/{shape}/batch:10", block, flops, 10
        for direction in ("forward", "weight_gradient", "input_gradient"):
            if direction == "input_gradient" and inputs == 3:
                continue
            yield (f"conv2d_{direction}/{shape}/batch:10",
                   in_layouts(lambda layout, d=direction, s=sizes: convolution(d, *s, layout)), flops, 10)
    yield "train_step/cluster_net/batch:10", in_layouts(lambda layout: train_step(10, layout)), 0, 10
    for batch in (1, 10):
        yield f"predict/cluster_net/batch:{batch}", in_layouts(lambda layout, b=batch: predict(b, layout)), 0, batch
    yield "train_step/mobilenet/batch:20", in_layouts(lambda layout: pytorch_mobilenet.train_step(20, layout)), 0, 20
    for batch in (1, 20):
        forms = {}
        for form in pytorch_mobilenet.FORMS:
            prepare = in_layouts(lambda layout, b=batch, f=form: pytorch_mobilenet.predict(b, layout, f))
            forms |= {f"{layout} {form}": run for layout, run in prepare.items()}
        yield f"predict/mobilenet/batch:{batch}", forms, 0, batch


def memory_lines():
    """(name without threads, the forms that compete)."""
    yield "train_step_memory/cluster_net/batch:10", in_layouts(lambda layout: train_step(10, layout))
    yield ("train_step_memory/mobilenet/batch:20",
           in_layouts(lambda layout: pytorch_mobilenet.train_step(20, layout)))


def median_seconds(run, least, budget):
    """The median time of a run, and the number of runs."""
    run()
    run()
    times = []
    start = time.perf_counter()
    while len(times) < 3 or (len(times) < least and time.perf_counter() - start < budget):
        before = time.perf_counter()
        run()
        times.append(time.perf_counter() - before)
    return statistics.median(times), len(times)


def keep_freed_memory():
    """glibc: no mmap for large blocks, and never give memory back."""
    trim_threshold, mmap_max = -1, -4
    libc = ctypes.CDLL(None)
    return libc.mallopt(mmap_max, 0) == 1 and libc.mallopt(trim_threshold, 2**31 - 1) == 1


def default_threads():
    """1, 2, 4, ... up to all."""
    most = torch.get_num_threads()
    return [2**i for i in range(most.bit_length()) if 2**i < most] + [most]


def options_parser(description):
    """The options that the Python peers have in common."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=lambda text: [int(n) for n in text.split(",")], default=default_threads())
    parser.add_argument("--filter", type=re.compile, default=re.compile(""))
    parser.add_argument("--least", type=int, default=10)
    parser.add_argument("--budget", type=float, default=20.0)
    return parser


def line_of(name, seconds, runs, images):
    """A result in Google Benchmark's form."""
    line = {"name": name, "run_type": "iteration", "iterations": runs, "real_time": seconds * 1e3,
            "time_unit": "ms", "median_seconds": seconds, "runs": runs}
    if images:
        line["images_per_second"] = images / seconds
    return line


def measure(name, forms, flops, images, options):
    """The line of the fastest form."""
    results = []
    for form, prepare in forms.items():
        torch.manual_seed(1)
        seconds, runs = median_seconds(prepare(), options.least, options.budget / len(forms))
        results.append((seconds, runs, form))
    seconds, runs, form = min(results)
    line = line_of(name, seconds, runs, images) | {"layout": form}
    if flops:
        line["FLOPS"] = flops / seconds
    print(f"{name}: {seconds * 1e3:.3f} ms, {form}", file=sys.stderr)
    return line


def most_resident_bytes():
    """Of this process. Not getrusage's, which begins with that of the process which started this one."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(1024 * int(text.split()[1]) for text in file if text.startswith("VmHWM:"))


def measure_memory(name, what, forms, threads, options):
    """The line of the form that takes least, each in a process of its own."""
    results = []
    for form in forms:
        command = [sys.executable, __file__, "--threads", str(threads), "--malloc", options.malloc,
                   "--memory-of", what, form]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        results.append((int(done.stdout), form))
    peak, form = min(results)
    print(f"{name}: {peak / 1e6:.0f} MB, {form}", file=sys.stderr)
    return {"name": name, "run_type": "iteration", "iterations": 1, "layout": form, "peak_bytes": peak}


def run_alone(what, form):
    """What a process started by measure_memory does."""
    torch.manual_seed(1)
    run = dict(memory_lines())[what][form]()
    for _ in range(3):
        run()
    print(most_resident_bytes())


def main():
    parser = options_parser(__doc__.splitlines()[0])
    parser.add_argument("--malloc", choices=("keep", "default"), default="keep")
    parser.add_argument("--memory-of", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    peer = "peer_pytorch" if options.malloc == "keep" and keep_freed_memory() else "peer_pytorch_default"
    if options.memory_of:
        torch.set_num_threads(options.threads[0])
        run_alone(*options.memory_of)
        return

    results = []
    for threads in options.threads:
        torch.set_num_threads(threads)
        for what, forms, flops, images in lines():
            name = f"{peer}/{what}/threads:{threads}"
            if options.filter.search(name):
                results.append(measure(name, forms, flops, images, options))
        for what, forms in memory_lines():
            name = f"{peer}/{what}/threads:{threads}"
            if options.filter.search(name):
                results.append(measure_memory(name, what, forms, threads, options))
    context = {"pytorch": torch.__version__}
    json.dump({"context": context, "benchmarks": results}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
