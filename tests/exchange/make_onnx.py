"""make_onnx.py FOLDER: networks of PyTorch and graphs written by hand as FOLDER/NAME.onnx, with FOLDER/NAME.images.npy
and PyTorch's answers FOLDER/NAME.expected.npy, maps with the channels last."""

import pathlib
import sys
import warnings

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

torch.manual_seed(5)
folder = pathlib.Path(sys.argv[1])


def save(name, images, expected):
    expected = expected.detach().numpy()
    numpy.save(folder / f"{name}.images.npy", images.numpy())
    numpy.save(folder / f"{name}.expected.npy", numpy.ascontiguousarray(expected, "float32"))


def conv(inputs, outputs, side=3, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False),
                         nn.BatchNorm2d(outputs), nn.ReLU())


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.way = nn.Sequential(conv(inputs, outputs, 3, stride), nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
                                 nn.BatchNorm2d(outputs))
        self.short = nn.Identity() if inputs == outputs else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.way(x) + self.short(x))


def resnet18(width=8):
    """ResNet-18 of one channel, narrow."""
    sizes = [width, width, 2 * width, 4 * width, 8 * width]
    blocks = []
    for stage in range(4):
        blocks += [Block(sizes[stage], sizes[stage + 1], 1 if stage == 0 else 2), Block(sizes[stage + 1], sizes[stage + 1], 1)]
    return nn.Sequential(conv(1, width, 7, 2), nn.MaxPool2d(3, 2, 1), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(8 * width, 2), nn.Softmax(1))


def vgg():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(8, 12, 3, padding=1), nn.LeakyReLU(0.1), nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.5),
                         nn.Linear(12 * 8 * 6, 20), nn.ReLU(), nn.Linear(20, 3), nn.Softmax(1))


class UNet(nn.Module):
    def __init__(self, up):
        super().__init__()
        self.first, self.second, self.third = conv(1, 6), conv(6, 8), conv(8, 10)
        self.up_second = up(10)
        self.back_second = conv(10 + 8, 8)
        self.up_first = up(8)
        self.back_first = conv(8 + 6, 6)
        self.last = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        first = self.first(x)
        second = self.second(nn.functional.max_pool2d(first, 2))
        third = self.third(nn.functional.max_pool2d(second, 2))
        back = self.back_second(torch.cat([self.up_second(third), second], 1))
        back = self.back_first(torch.cat([self.up_first(back), first], 1))
        return torch.softmax(self.last(back), 1).permute(0, 2, 3, 1)


def mobilenet():
    layers = [conv(3, 8, 3, 2)]
    for inputs, outputs, stride in ((8, 16, 1), (16, 24, 2), (24, 24, 1), (24, 32, 2)):
        layers += [nn.Sequential(nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
                                 nn.BatchNorm2d(inputs), nn.ReLU6()),
                   nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU6())]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4), nn.Softmax(1))


def regression():
    return nn.Sequential(conv(2, 6), nn.BatchNorm2d(6), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(6, 5), nn.Tanh(),
                         nn.BatchNorm1d(5), nn.Linear(5, 3))


def enlive(network):
    """Statistics as after training, so that normalisation is none of the identity."""
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def export_torch():
    cases = {
        "resnet18": (resnet18(), (1, 64, 48)),
        "vgg": (vgg(), (3, 32, 24)),
        "unet_transposed": (UNet(lambda n: nn.ConvTranspose2d(n, n, 2, 2)), (1, 16, 24)),
        "unet_nearest": (UNet(lambda n: nn.Upsample(scale_factor=2)), (1, 16, 24)),
        "mobilenet": (mobilenet(), (3, 48, 40)),
        "regression": (regression(), (2, 9, 11)),
    }
    bilinear = UNet(lambda n: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
    for opset in range(9, 18):
        if opset >= 11:  # before, the operator says something else
            cases["unet_bilinear"] = (bilinear, (1, 16, 24))
        for name, (network, shape) in cases.items():
            enlive(network)
            images = torch.randn(3, *shape)
            path = folder / f"torch_{name}_{opset}.onnx"
            torch.onnx.export(network, images, str(path), opset_version=opset, input_names=["images"],
                              output_names=["probabilities"],
                              dynamic_axes={"images": {0: "batch"}, "probabilities": {0: "batch"}})
            save(path.stem, images, network(images))


def graph(name, opset, nodes, constants, images, expected, sizes=None, ir=None):
    """A model of one input and one output."""
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", *images.shape[1:]])]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", *expected.shape[1:]])]
    tensors = [numpy_helper.from_array(numpy.asarray(value), key) for key, value in constants.items()]
    ir = ir or (3 if opset < 9 else 8)
    if ir < 4:
        inputs += [helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in tensors]
    made = helper.make_graph(nodes, name, inputs, outputs, tensors)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    onnx.save(model, str(folder / f"{name}.onnx"))


def by_hand():
    """The same small network in every version that PyTorch does not write, and the forms that converters from
    channels-last programs make."""
    kernel, bias = torch.randn(4, 2, 3, 3), torch.randn(4)
    scale, shift, mean, variance = torch.rand(4) + 0.5, torch.randn(4), torch.randn(4), torch.rand(4) + 0.5
    up_kernel = torch.randn(4, 3, 2, 2)
    dense, dense_bias = torch.randn(3 * 12 * 10, 5) / 10, torch.randn(5)
    images = torch.randn(3, 2, 11, 9)
    f = nn.functional

    def network(x, last=False):
        x = f.conv2d(f.pad(x, (1, 1, 1, 1)), kernel, bias, 2)
        x = f.batch_norm(x, mean, variance, scale, shift, False, 0, 1e-4).clamp(0, 6)
        x = f.conv_transpose2d(x, up_kernel, None, 2)
        x = torch.cat([x, torch.sigmoid(x) + x], 1)[:, 3:]
        # Flattened in the order height, width, channel where those are the axes.
        x = (x.permute(0, 2, 3, 1) if last else x).flatten(1)
        return torch.softmax(x @ dense + dense_bias, 1)

    constants = {"kernel": kernel, "bias": bias, "scale": scale, "shift": shift, "mean": mean, "variance": variance,
                 "up_kernel": up_kernel, "dense": dense, "dense_bias": dense_bias}
    constants = {key: value.numpy() for key, value in constants.items()}
    n = helper.make_node
    for opset in (7, 8, 9, 10, 12, 18, 19, 20, 21, 22):
        more = dict(constants)
        if opset < 11:
            pad = n("Pad", ["images"], ["padded"], pads=[0, 0, 1, 1, 0, 0, 1, 1])
            clip = n("Clip", ["normal"], ["clipped"], min=0.0, max=6.0)
        else:
            more |= {"pads": numpy.array([0, 0, 1, 1, 0, 0, 1, 1]), "six": numpy.float32(6)}
            pad = n("Pad", ["images", "pads"], ["padded"])
            clip = n("Clip", ["normal", "zero", "six"], ["clipped"])
        nodes = [n("Constant", [], ["zero64"], value=numpy_helper.from_array(numpy.float64(0))),
                 n("Cast", ["zero64"], ["zero"], to=TensorProto.FLOAT), pad,
                 n("Conv", ["padded", "kernel", "bias"], ["conv"], strides=[2, 2], kernel_shape=[3, 3], name="first"),
                 n("BatchNormalization", ["conv", "scale", "shift", "mean", "variance"], ["normal"], epsilon=1e-4), clip,
                 n("ConvTranspose", ["clipped", "up_kernel"], ["up"], strides=[2, 2], kernel_shape=[2, 2]),
                 n("Sigmoid", ["up"], ["way"]), n("Add", ["way", "up"], ["sum"]), n("Identity", ["sum"], ["same"]),
                 n("Dropout", ["same"], ["kept"]), n("Flatten", ["kept"], ["flat"]),
                 n("MatMul", ["flat", "dense"], ["product"]), n("Add", ["dense_bias", "product"], ["logits"]),
                 n("Softmax", ["logits"], ["probabilities"], axis=1)]
        if opset < 11:
            del nodes[:2]
        expected = network(images)
        graph(f"hand_{opset}", opset, nodes, more, images, expected)
        save(f"hand_{opset}", images, expected)

    # Images with the channels last, turned round each operator that needs them first.
    first, last = [0, 3, 1, 2], [0, 2, 3, 1]
    turned = images.permute(0, 2, 3, 1).contiguous()
    for opset in (9, 13, 17):
        nodes = [n("Transpose", ["images"], ["first"], perm=first),
                 n("Conv", ["first", "kernel"], ["conv"], strides=[2, 2], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
                 n("Transpose", ["conv"], ["conv_last"], perm=last),
                 n("Add", ["conv_last", "bias"], ["biased"]),
                 n("Transpose", ["biased"], ["biased_first"], perm=first),
                 n("BatchNormalization", ["biased_first", "scale", "shift", "mean", "variance"], ["normal"], epsilon=1e-4),
                 n("Relu", ["normal"], ["relu"]),
                 n("ConvTranspose", ["relu", "up_kernel"], ["up"], strides=[2, 2], kernel_shape=[2, 2]),
                 n("Transpose", ["up"], ["up_last"], perm=last),
                 n("Sigmoid", ["up_last"], ["way"]), n("Add", ["up_last", "way"], ["sum"]),
                 n("Concat", ["sum", "up_last"], ["both"], axis=3),
                 n("Transpose", ["both"], ["both_first"], perm=first),
                 n("Conv", ["both_first", "mix"], ["mixed"], kernel_shape=[1, 1]),
                 n("Transpose", ["mixed"], ["mixed_last"], perm=last),
                 n("Reshape", ["mixed_last", "vector"], ["flat"]),
                 n("Gemm", ["flat", "dense", "dense_bias"], ["logits"]),
                 n("Softmax", ["logits"], ["probabilities"], axis=-1 if opset >= 11 else 1)]
        mix = torch.randn(3, 6, 1, 1)
        x = f.conv2d(images, kernel, bias, 2, 1)
        x = torch.relu(f.batch_norm(x, mean, variance, scale, shift, False, 0, 1e-4))
        x = f.conv_transpose2d(x, up_kernel, None, 2)
        x = f.conv2d(torch.cat([torch.sigmoid(x) + x, x], 1), mix).permute(0, 2, 3, 1).flatten(1)
        expected = torch.softmax(x @ dense + dense_bias, 1)
        graph(f"channels_last_{opset}", opset, nodes,
              constants | {"mix": mix.numpy(), "vector": numpy.array([-1, dense.shape[0]])}, turned, expected)
        save(f"channels_last_{opset}", turned, expected)


with warnings.catch_warnings(), torch.no_grad():
    warnings.simplefilter("ignore")
    export_torch()
    by_hand()
