"""check_keras.py write FOLDER: files of weights in the layouts that Keras and tf.keras write, through h5py.
check_keras.py read FOLDER: reads FOLDER/ours-*.h5 the way Keras 2.2.4 does (engine/saving.py), in order and by name,
and FOLDER/ours-*.weights.h5 the way Keras 3 does (saving/saving_lib.py), by class and count.

Layers and shapes are those of keras-applications 1.0.8 and of Table 3; the numbers are `numbered`'s."""

import json
import pathlib
import re
import sys
import tempfile
import zipfile

import h5py
import numpy


def numbered(name, shape):
    """Number i of the array `name`: n / 512 for an n of -500 to 499."""
    start = 0
    for byte in name.encode():
        start = (start * 31 + byte) % 2**64
    i = numpy.arange(numpy.prod(shape, dtype=int))
    return (((start % 1000 + 7 * i) % 1000 - 500) / 512).reshape(shape).astype("float32")


def norm(channels):
    return [(name, (channels,)) for name in ("gamma", "beta", "moving_mean", "moving_variance")]


def mobilenet(top):
    """[(layer, [(parameter, shape)])], layers without weights among them."""
    layers = [("input_1", []), ("conv1_pad", []), ("conv1", [("kernel", (3, 3, 3, 32))]), ("conv1_bn", norm(32)), ("conv1_relu", [])]
    channels = 32
    for i, filters in enumerate([64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024], 1):
        if i in (2, 4, 6, 12):
            layers.append((f"conv_pad_{i}", []))
        layers += [(f"conv_dw_{i}", [("depthwise_kernel", (3, 3, channels, 1))]), (f"conv_dw_{i}_bn", norm(channels)),
                   (f"conv_dw_{i}_relu", []), (f"conv_pw_{i}", [("kernel", (1, 1, channels, filters))]),
                   (f"conv_pw_{i}_bn", norm(filters)), (f"conv_pw_{i}_relu", [])]
        channels = filters
    if top:
        layers += [("global_average_pooling2d_1", []), ("reshape_1", []), ("dropout", []),
                   ("conv_preds", [("kernel", (1, 1, 1024, 1000)), ("bias", (1000,))]), ("reshape_2", []), ("act_softmax", [])]
    return layers


def cluster_net(convolution, dense):
    """The custom network; `convolution(i)` and `dense(i)` name layer i, from 1."""
    layers, channels = [], 3
    for i, filters in enumerate([64, 32, 32, 32, 32, 32], 1):
        layers.append((convolution(i), [("kernel", (3, 3, channels, filters)), ("bias", (filters,))]))
        layers.append((f"max_pooling2d_{i}", []))
        channels = filters
    for i, (inputs, units) in enumerate([(1152, 256), (256, 2)], 1):
        layers.append((dense(i), [("kernel", (inputs, units)), ("bias", (units,))]))
    return layers


def names_of(classes):
    """Keras 2.2.4's names of layers without one (engine/base_layer.py): the class in snake case, and its count."""
    names, counts = [], {}
    for kind in classes:
        counts[kind] = counts.get(kind, 0) + 1
        kind_and_rest = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
        names.append(re.sub("([a-z])([A-Z])", r"\1_\2", kind_and_rest).lower() + f"_{counts[kind]}")
    return names


def branched():
    """`branched` of exchange.cpp; a transposed kernel is (height, width, filters, channels) in Keras too. The layers
    stand by their distance from the end."""
    layers = [("Conv2D", [("kernel", (3, 3, 3, 4))]), ("BatchNormalization", norm(4)), ("LeakyReLU", []), ("Add", []),
              ("Conv2D", [("kernel", (3, 3, 4, 4)), ("bias", (4,))]), ("BatchNormalization", norm(4)), ("ReLU", []),
              ("Conv2D", [("kernel", (1, 1, 4, 4)), ("bias", (4,))]), ("Concatenate", []), ("AveragePooling2D", []),
              ("Conv2DTranspose", [("kernel", (3, 2, 3, 4)), ("bias", (3,))]), ("MaxPooling2D", []), ("UpSampling2D", []),
              ("DepthwiseConv2D", [("depthwise_kernel", (3, 3, 4, 1))]), ("Reshape", []), ("GlobalMaxPooling2D", []),
              ("Dense", [("kernel", (11, 2)), ("bias", (2,))]), ("Softmax", [])]
    layers = list(zip(names_of(kind for kind, _ in layers), (parameters for _, parameters in layers)))
    return [layers[i] for i in (0, 1, 2, 4, 5, 6, 7, 3, 11, 9, 12, 10, 13, 8, 14, 15, 16, 17)]


def our_name(layer):
    return layer.replace("batch_normalization", "batch_norm")


def put_list(group, name, texts, limit, variable):
    """As save_attributes_to_hdf5_group: in parts when one attribute would be longer than `limit` bytes."""
    if variable:
        group.attrs.create(name, texts, dtype=h5py.string_dtype())
        return
    array = numpy.asarray([text.encode() for text in texts])
    parts = 1
    while any(part.nbytes > limit for part in numpy.array_split(array, parts)):
        parts += 1
    for i, part in enumerate(numpy.array_split(array, parts)):
        group.attrs[name if parts == 1 else f"{name}{i}"] = part


def write(path, layers, *, root=None, dtype="<f4", limit=64512, variable=False, weight_name="{layer}/{parameter}:0",
          ours=lambda layer: layer, nested=None, config=None, **dataset):
    """`ours` gives our name of a layer; `nested` puts the layers that it takes into one called so, frozen ones last."""
    groups = {}  # layer's group: [(weight name, our name, shape)]
    for layer, parameters in layers:
        weights = [(weight_name.format(layer=layer, parameter=p), f"{ours(layer)}/{p}", shape) for p, shape in parameters]
        inside = nested and layer in nested[1]
        groups.setdefault(nested[0] if inside else layer, []).extend(weights)
    with h5py.File(path, "w") as file:
        group = file.create_group(root) if root else file
        put_list(group, "layer_names", list(groups), limit, variable)
        group.attrs["backend"] = b"tensorflow"
        group.attrs["keras_version"] = b"2.2.4"
        if config:
            file.attrs["model_config"] = json.dumps(config)
        for layer, weights in groups.items():
            inner = group.create_group(layer)
            put_list(inner, "weight_names", [name for name, _, _ in weights], limit, variable)
            for name, our_name, shape in weights:
                inner.create_dataset(name, data=numbered(our_name, shape), dtype=dtype, **dataset)


def cluster_config(names):
    """Of the custom network, as a model within the model; `names` are those of its layers with weights."""
    convolution = dict(kernel_size=[3, 3], strides=[1, 1], padding="same", data_format="channels_last", dilation_rate=[1, 1], activation="relu", use_bias=True)
    pool = ("MaxPooling2D", dict(pool_size=[2, 2], strides=[2, 2], padding="same"))
    layers = [("InputLayer", dict(name="input_1", batch_input_shape=[None, 356, 356, 3]))]
    for name, filters in zip(names, [64, 32, 32, 32, 32, 32]):
        layers += [("Conv2D", dict(convolution, name=name, filters=filters)), pool]
    layers += [("Flatten", {}), ("Dense", dict(name=names[6], units=256, activation="relu")), ("Dropout", dict(rate=0.65))]
    head = ("Dense", dict(name=names[7], units=2, activation="softmax"))
    named = [{"class_name": kind, "config": {"name": f"layer_{i}", **options}} for i, (kind, options) in enumerate(layers)]
    inner = {"class_name": "Sequential", "config": {"name": "base", "layers": named}}
    return {"class_name": "Sequential", "config": {"name": "whole", "layers": [inner, {"class_name": head[0], "config": head[1]}]}}


def in_groups(layers, nested=()):
    """The layers with their groups in Keras 3's files, by the names' words; `nested` are those in a model of their own."""
    counts = {}
    for layer, parameters in layers:
        path = "layers/sequential/layers/" if layer in nested else "layers/"
        word = re.sub(r"_\d+$", "", layer)
        count = counts[path + word] = counts.get(path + word, -1) + 1
        yield path + word + (f"_{count}" if count else ""), layer, parameters


def write_3(path, layers, ours=lambda layer: layer, nested=()):
    with h5py.File(path, "w") as file:
        for group, layer, parameters in in_groups(layers, nested):
            arrays = file.create_group(group + "/vars")
            arrays.attrs["name"] = f"{layer}_of_mine"
            for i, (parameter, shape) in enumerate(parameters):
                arrays.create_dataset(str(i), data=numbered(f"{ours(layer)}/{parameter}", shape))


def write_archive(path, config, weights):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.3.3", "date_saved": "2024-05-01@00:00:00"}))
        archive.writestr("config.json", json.dumps(config))
        archive.write(weights, "model.weights.h5")


def read_3(path, layers, ours=lambda layer: layer):
    with h5py.File(path, "r") as file:
        for group, layer, parameters in in_groups(layers):
            arrays = file[group + "/vars"]
            assert arrays.attrs["name"].decode("utf8") == layer, (path, group)
            assert sorted(arrays) == [str(i) for i in range(len(parameters))], (path, group)
            for i, (parameter, shape) in enumerate(parameters):
                assert numpy.array_equal(arrays[str(i)][()], numbered(f"{ours(layer)}/{parameter}", shape)), (path, group, i)
    print(f"{path.name}: as Keras 3 reads it")


def write_all(folder):
    base, top = mobilenet(False), mobilenet(True)
    write(folder / "imagenet-weights.h5", top)
    write(folder / "imagenet-half.h5", top, dtype="<f2")
    write(folder / "imagenet-double.h5", top, dtype="<f8", weight_name="model/{layer}/{parameter}:0")
    write(folder / "no_top-model.h5", base, root="model_weights", variable=True)
    write(folder / "no_top-split.h5", base, limit=500)
    write(folder / "no_top-compressed.h5", base, dtype=">f4", chunks=True, compression="gzip", shuffle=True)
    head = [("dense_1", [("kernel", (1024, 2)), ("bias", (2,))])]
    write(folder / "whole-nested.h5", base + head, root="model_weights", nested=("mobilenet_1.00_224", dict(base)))
    # tf.keras counts from nothing: its dense_1 is our dense_2.
    count = lambda kind: lambda i: kind + (f"_{i - 1}" if i > 1 else "")
    names = {count(kind)(i): f"{kind}_{i}" for kind in ("conv2d", "dense") for i in range(1, 7)}
    write(folder / "custom-tensorflow.h5", cluster_net(count("conv2d"), count("dense")), ours=lambda layer: names.get(layer, layer))
    write(folder / "custom-keras.h5", cluster_net("conv2d_{}".format, "dense_{}".format), root="model_weights")
    write(folder / "branched-keras.h5", branched(), ours=our_name)
    # The first two convolutions are frozen in a model within the model: they stand behind the others there.
    mine = ["a", "b", "c", "d", "e", "f", "g", "h"]
    layers = [(layer, parameters) for layer, parameters in cluster_net("conv2d_{}".format, "dense_{}".format) if parameters]
    our_names = dict(zip(mine, (layer for layer, _ in layers)))
    renamed = [(name, parameters) for name, (_, parameters) in zip(mine, layers)]
    frozen = renamed[2:7] + renamed[:2] + renamed[7:]
    write(folder / "custom-frozen.h5", frozen, root="model_weights", ours=our_names.get, nested=("base", mine[:7]), config=cluster_config(mine))
    write_3(folder / "custom-3.weights.h5", layers)
    write_3(folder / "branched-3.weights.h5", branched(), ours=our_name)
    with tempfile.TemporaryDirectory() as work:
        inner = [layer for layer, _ in layers[:7]]
        write_3(pathlib.Path(work) / "w.h5", layers, nested=inner)
        write_archive(folder / "custom-3.keras", cluster_config(mine), pathlib.Path(work) / "w.h5")


def get_list(group, name):
    """load_attributes_from_hdf5_group of Keras 2.2.4."""
    if name in group.attrs:
        return [n.decode("utf8") for n in group.attrs[name]]
    data, chunk = [], 0
    while f"{name}{chunk}" in group.attrs:
        data.extend(n.decode("utf8") for n in group.attrs[f"{name}{chunk}"])
        chunk += 1
    return data


def read(path, layers, ours=lambda layer: layer, all_names=None):
    """load_weights_from_hdf5_group and ..._by_name of Keras 2.2.4."""
    wanted = [(layer, parameters) for layer, parameters in layers if parameters]
    with h5py.File(path, "r") as file:
        assert file.attrs["keras_version"].decode("utf8") == "2.2.4"
        assert file.attrs["backend"].decode("utf8") == "tensorflow"
        names = get_list(file, "layer_names")
        assert all_names is None or names == all_names, (path, names)
        found = [name for name in names if get_list(file[name], "weight_names")]
        assert found == [layer for layer, _ in wanted], (path, found)
        for name, (layer, parameters) in zip(found, wanted):
            group = file[name]
            weights = [group[weight] for weight in get_list(group, "weight_names")]
            assert len(weights) == len(parameters), (path, name)
            for weight, (parameter, shape) in zip(weights, parameters):
                assert weight.shape == shape, (path, name, parameter, weight.shape, shape)
                assert weight.dtype == "float32"
                assert weight.name == f"/{layer}/{layer}/{parameter}:0", (path, weight.name)
                assert numpy.array_equal(weight[()], numbered(f"{ours(layer)}/{parameter}", shape)), (path, name, parameter)
    print(f"{path.name}: as Keras reads it")


def main(what, folder):
    folder = pathlib.Path(folder)
    if what == "write":
        write_all(folder)
    else:
        read(folder / "ours-imagenet.h5", mobilenet(True))
        read(folder / "ours-custom.h5", cluster_net("conv2d_{}".format, "dense_{}".format))
        read_3(folder / "ours-custom.weights.h5", cluster_net("conv2d_{}".format, "dense_{}".format))
        read_3(folder / "ours-branched.weights.h5", branched(), ours=our_name)
        read(folder / "ours-branched.h5", branched(), ours=our_name, all_names=[layer for layer, _ in branched()])


main(*sys.argv[1:])
