#!/usr/bin/env python3
"""ONNX Runtime's time for the predictions that abell-benchmark measures, as JSON in Google Benchmark's form.

    onnx_runtime.py [--threads 1,2] [--filter REGEX] [--least 10] [--budget SECONDS]

Needs the Python packages torch and onnxruntime. The networks are those of pytorch.py, exported with their
batch size fixed and their normalisations folded, and run with all of ONNX Runtime's optimisations.
"""

import inspect
import io
import json
import sys

import onnxruntime
import pytorch
import pytorch_mobilenet
import torch
from torch import nn


def cluster_net(batch):
    return pytorch.ClusterNet(), pytorch.images_of(batch, torch.contiguous_format)


def mobilenet(batch):
    network = pytorch_mobilenet.folded(pytorch_mobilenet.MobileNet().eval())
    return network, pytorch_mobilenet.images_of(batch, torch.contiguous_format)


def exported(network, images):
    """The bytes of the ONNX model; PyTorch 1.13's way, which later versions still have."""
    later = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    file = io.BytesIO()
    network = nn.Sequential(network, nn.Softmax(dim=1)).eval()
    torch.onnx.export(network, images, file, input_names=["images"], opset_version=13, **later)
    return file.getvalue()


def lines():
    """(name without threads, network and images, images in a batch)."""
    for name, make, batches in (("cluster_net", cluster_net, (1, 10)), ("mobilenet", mobilenet, (1, 20))):
        for batch in batches:
            yield f"predict/{name}/batch:{batch}", make, batch


def main():
    options = pytorch.options_parser(__doc__.splitlines()[0]).parse_args()

    results = []
    for threads in options.threads:
        for what, make, batch in lines():
            name = f"peer_onnxruntime/{what}/threads:{threads}"
            if not options.filter.search(name):
                continue
            network, images = make(batch)
            how = onnxruntime.SessionOptions()
            how.intra_op_num_threads = threads
            session = onnxruntime.InferenceSession(exported(network, images), how, providers=["CPUExecutionProvider"])
            feed = {"images": images.numpy()}
            seconds, runs = pytorch.median_seconds(lambda: session.run(None, feed), options.least, options.budget)
            results.append(pytorch.line_of(name, seconds, runs, batch))
            print(f"{name}: {seconds * 1e3:.3f} ms", file=sys.stderr)
    json.dump({"context": {"onnxruntime": onnxruntime.__version__}, "benchmarks": results}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
