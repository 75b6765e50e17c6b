"""check_torch.py read FOLDER: PyTorch takes FOLDER/ours.safetensors and gives the answers of ours.expected.npy.
check_torch.py write FOLDER: writes theirs-float32.safetensors, theirs-float16... and their answers, *.wanted.npy.
check_torch.py compare FOLDER: our answers, theirs-*.expected.npy, are those.

The network is that of exchange.cpp. Files of safetensors are read and written here as their format is documented."""

import json
import pathlib
import struct
import sys

import numpy
import torch
from torch import nn

TYPES = {"F32": torch.float32, "F64": torch.float64, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}


def load_file(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    assert header.pop("__metadata__") == {"format": "pt"}
    tensors = {}
    for name, about in header.items():
        begin, end = about["data_offsets"]
        bytes_of = bytearray(data[8 + size + begin : 8 + size + end])
        tensors[name] = torch.frombuffer(bytes_of, dtype=TYPES[about["dtype"]]).reshape(about["shape"])
    return tensors


def save_file(tensors, path):
    """As safetensors.torch.save_file: sorted by type and name."""
    names = {dtype: name for name, dtype in TYPES.items()}
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in sorted(tensors.items(), key=lambda item: (str(item[1].dtype), item[0])):
        flat = tensor.detach().contiguous().reshape(-1)
        raw = flat.view(torch.int16).numpy().tobytes() if flat.dtype == torch.bfloat16 else flat.numpy().tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Residual(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return self.branches[0](x) + self.branches[1](x)


class Concatenate(Residual):
    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


class Reshape(nn.Module):
    """Channels first; of one size also Flatten, of three Unflatten."""

    def __init__(self, *shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape(len(x), *self.shape)


def network():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.LeakyReLU(0.01),
        nn.Conv2d(6, 12, 3, stride=2, padding=1, groups=6),
        nn.ReLU6(),
        Residual(nn.Sequential(nn.Conv2d(12, 12, (3, 5), padding=(1, 2)), nn.Tanh()), nn.Sequential(nn.Conv2d(12, 12, 1))),
        Concatenate(nn.Sequential(nn.ConvTranspose2d(12, 5, 3, stride=2, padding=1, output_padding=1), nn.MaxPool2d(2)), nn.Sequential()),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.BatchNorm1d(17 * 3 * 2),
        nn.Linear(17 * 3 * 2, 24),
        nn.BatchNorm1d(24),
        nn.ReLU(),
        Reshape(2, 4, 3),
        nn.Conv2d(2, 3, 3, padding=1),
        Reshape(3, 6, 2),
        nn.MaxPool2d(2),
        Reshape(9),
        nn.BatchNorm1d(9),
        nn.Linear(9, 3),
        nn.Softmax(1),
    ).eval()


def difference(a, b):
    return float(numpy.abs(a - b).max() / numpy.abs(b).max())


def main(what, folder):
    folder = pathlib.Path(folder)
    images = torch.from_numpy(numpy.load(folder / "ours.images.npy"))
    model = network()
    if what == "read":
        model.load_state_dict(load_file(folder / "ours.safetensors"))
        found = difference(model(images).detach().numpy(), numpy.load(folder / "ours.expected.npy"))
        assert found <= 1e-5, found
        print(f"ours.safetensors: PyTorch's answers differ by {found:.1e}")
    for name, dtype in (("float32", "F32"), ("float16", "F16"), ("bfloat16", "BF16"), ("float64", "F64")):
        if what == "write":
            torch.manual_seed(len(name))
            for parameter in model.parameters():
                nn.init.normal_(parameter, 0.5 if parameter.dim() == 1 else 0, 0.2)
            for layer in model.modules():
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                    layer.running_mean.normal_()
                    layer.running_var.uniform_(0.5, 1.5)
            state = {key: value.to(TYPES[dtype]) if value.is_floating_point() else value for key, value in model.state_dict().items()}
            save_file(state, folder / f"theirs-{name}.safetensors")
            model.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in state.items()})
            numpy.save(folder / f"theirs-{name}.wanted.npy", model(images).detach().numpy())
        elif what == "compare":
            ours, theirs = (numpy.load(folder / f"theirs-{name}.{which}.npy") for which in ("expected", "wanted"))
            found = difference(ours, theirs)
            assert found <= 1e-5, (name, found)
            print(f"theirs-{name}.safetensors: our answers differ by {found:.1e}")


main(*sys.argv[1:])
