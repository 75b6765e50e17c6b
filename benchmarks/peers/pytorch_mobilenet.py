"""MobileNet v1 in PyTorch, after Table 1 of Howard et al. 2017, arXiv:1704.04861; pytorch.py measures it.

Where stride 2 makes Keras pad only below and on the right, this pads all around, as PyTorch users do: the
same sizes and work, without a padding layer of its own.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Output channels and stride of each depthwise-separable block.
BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]

# What becomes of the network before it predicts: nothing; normalisations folded into convolutions; that, traced
# and optimised, which moves it to oneDNN's layouts (torch.utils.mkldnn by itself has no ReLU6).
FORMS = ("plain", "folded", "traced")


def unit(inputs, filters, kernel, stride, groups=1):
    """Convolution, batch normalisation with Keras's options, ReLU6."""
    return [nn.Conv2d(inputs, filters, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01), nn.ReLU6(inplace=True)]


class MobileNet(nn.Module):
    """With the head of the custom network's paper: global average pool, dropout 0.65, two classes."""

    def __init__(self):
        super().__init__()
        layers = unit(3, 32, 3, 2)
        channels = 32
        for filters, stride in BLOCKS:
            layers += unit(channels, channels, 3, stride, channels) + unit(channels, filters, 1, 1)
            channels = filters
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.65), nn.Linear(1024, 2))
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(layer.weight)

    def forward(self, images):
        return self.head(self.features(images))


def images_of(batch, layout):
    return torch.randn(batch, 3, 224, 224).contiguous(memory_format=layout)


def adadelta(parameters):
    """As in Table 4 of Kosiba et al. 2020, the updates of all tensors together where this PyTorch can."""
    options = {"lr": 1.0, "rho": 0.95, "eps": 1e-7}
    try:
        return torch.optim.Adadelta(parameters, foreach=True, **options)
    except TypeError:
        return torch.optim.Adadelta(parameters, **options)


def train_step(batch, layout):
    """Forward with dropout, loss, backward, update by Adadelta; BatchNorm2d moves its averages."""
    network = MobileNet().to(memory_format=layout)
    optimizer = adadelta(network.parameters())
    images, labels = images_of(batch, layout), torch.arange(batch) % 2

    def run():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(images), labels).backward()
        optimizer.step()

    return run


def folded(network):
    """The features with each normalisation in the weights of the convolution before it."""
    layers = list(network.features)
    features = []
    for convolution, norm, relu6 in zip(layers[::3], layers[1::3], layers[2::3]):
        features += [fuse_conv_bn_eval(convolution, norm), relu6]
    network.features = nn.Sequential(*features)
    return network


def predict(batch, layout, form):
    network = MobileNet().eval()
    if form != "plain":
        network = folded(network)
    network = network.to(memory_format=layout)
    images = images_of(batch, layout)
    if form == "traced":
        with torch.no_grad():
            network = torch.jit.optimize_for_inference(torch.jit.trace(network, images))

    def run():
        with torch.inference_mode():
            return F.softmax(network(images), dim=1)

    return run
