#!/bin/bash
# Networks as data: abell-train --network FILE.json and --alpha; what they train is classified, exported, gone on with.
. "$(dirname "$0")/common.sh"

networks=$(cd "$(dirname "$0")/../../examples/networks" && pwd)
simulated 20 set
cd "$folder" || exit 1
quick=(--epochs 1 --batch 5 --validation-fraction 0.3 --seed 3)

# The custom network out of its file is the one that abell has, to the last bit.
expect 0 abell-train set --out by-name "${quick[@]}"
expect 0 abell-train set --out from-file "${quick[@]}" --network "$networks/custom.json"
cmp by-name/model.safetensors from-file/model.safetensors || fail "custom.json is another network"
cmp by-name/predictions.csv from-file/predictions.csv || fail "custom.json has other predictions"

# All the example files are read, and told how much they need.
for file in "$networks"/*.json; do
  task=()
  [[ $file == */unet.json ]] && task=(--task segment)
  refused "expected to need at most 1.0 MiB of memory (--max-memory), found the network" \
    abell-train set --out none --network "$file" "${task[@]}" --max-memory 1M
done
refused "expected 1 channel, found 3" abell-train set --out none --network "$networks/resnet18.json" "${quick[@]}"

# Networks of every shape: a residual block with batch normalisation, kernels that are no squares, no convolution at all.
network() { printf '{"input": [32, 32, 3], "layers": [%s, {"kind": "Dense", "units": 2}, {"kind": "Softmax"}]}\n' "$2" >"$1.json"; }
norm='{"kind": "BatchNorm", "momentum": 0.9}'
conv='{"kind": "Conv2d", "filters": 6, "bias": false}'
network residual "$conv, $norm, {\"kind\": \"Relu\"}, {\"kind\": \"Residual\", \"branches\": [[$conv, $norm, {\"kind\": \"Relu\"}, $conv, $norm]]}, {\"kind\": \"GlobalAveragePool2d\"}"
network oblong '{"kind": "Conv2d", "filters": 4, "kernel_size": [3, 5], "stride": 2}, {"kind": "LeakyRelu"}, {"kind": "Flatten"}'
network layered '{"kind": "Flatten"}, {"kind": "Dense", "units": 8, "name": "hidden"}, {"kind": "Relu"}'
network doubled '{"kind": "Concatenate", "branches": [[], []]}, {"kind": "Conv2d", "filters": 4}, {"kind": "Relu"}, {"kind": "MaxPool2d"}, {"kind": "Flatten"}'
for name in residual oblong layered doubled; do
  expect 0 abell-train set --out $name "${quick[@]}" --network $name.json --threads 1
  grep -q "^  \"network\": \"$name\"" $name/config.json || fail "the network is not named in config.json"
  expect 0 abell-train set --out $name-2 "${quick[@]}" --network $name.json --threads 2
  cmp $name/model.safetensors $name-2/model.safetensors || fail "$name: two threads gave other weights"
  expect 0 abell-classify --model $name set --out $name.csv
  awk -F, 'NR > 1 { print $1, $3 }' $name/predictions.csv | sort >expected
  awk -F, 'NR == FNR { wanted[$1] = 1; next } $1 in wanted { print $1, $3 }' <(tail -n +2 $name/predictions.csv) $name.csv | sort >found
  cmp expected found || fail "$name: abell-classify says something else than abell-train"
  for out in onnx h5 safetensors; do expect 0 abell-export --model $name --out $name-out.$out; done
  cmp $name/model.safetensors $name-out.safetensors || fail "$name: the export is another model"
  expect 0 abell-train --out $name --resume --epochs 2
done
grep -q '"hidden/kernel"' <(head -c 20000 layered/model.safetensors) || fail "a name of one's own is lost"
expect 0 abell-train set --out look --preview 2 --network oblong.json

# A run goes on with the network that it has, whatever has become of the file.
sed -i 's/"filters": 4/"filters": 5/' oblong.json
refused "the run to resume has other layers" abell-train --out oblong --resume --epochs 3

# What does not fit is told by layer.
network wrong '{"kind": "Conv2d", "filter": 4}, {"kind": "Flatten"}'
refused "wrong.json: layer 1 (Conv2d): expected only bias, filters, kernel_size, kind, name, padding, stride, trainable, found \"filter\"" \
  abell-train set --out none --network wrong.json
network wrong '{"kind": "Conv2d"}'
refused "wrong.json: layer dense_1 (Dense): expected a vector (put Flatten before it), found 32x32x1" abell-train set --out none --network wrong.json
echo '{"input": [32, 32, 3], "layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 3}, {"kind": "Softmax"}]}' >wrong.json
refused "wrong.json: expected 2 outputs of Softmax as the last layer, for --task classify, found 3 of Softmax" abell-train set --out none --network wrong.json
echo '{"input": [32, 32, 4], "layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 2}, {"kind": "Softmax"}]}' >wrong.json
refused "wrong.json: expected an input of 1 or 3 channels, found 32x32x4" abell-train set --out none --network wrong.json
refused "none.json: no such file" abell-train set --out none --network none.json
for wrong in "--dropout 0.5" "--alpha 0.5"; do expect 2 abell-train set --out none --network layered.json $wrong; done
expect 2 abell-train set --out none --network vgg
[ ! -e none ] || fail "a wrong network leaves a folder"

# A narrow MobileNet.
expect 0 abell-train set --out narrow --network mobilenet --alpha 0.1 --epochs 1 --batch 5
grep -q "^  \"alpha\": 0.1" narrow/config.json || fail "the width is not recorded"
expect 0 abell-classify --model narrow set --out narrow.csv
expect 2 abell-train set --out none --alpha 0.5

no_parts "$folder"
echo "$script: passed"
