#!/bin/bash
# abell-export: files for other programs, which say what abell-classify says, and the way back from Keras files.
. "$(dirname "$0")/common.sh"
here=$(realpath "$(dirname "$0")")

simulated 12 set
quick=(--batch 2 --validation-fraction 0 --quiet)
expect 0 abell-train "$folder/set" --out "$folder/run" --iterations 2 "${quick[@]}"
cd "$folder"

# The same weights in each form.
for form in onnx h5 weights.h5 safetensors; do
  expect 0 abell-export --model run --out m.$form
  [ "$(cat stdout)" = "m.$form: 352930 parameters" ] || fail "wrong words: $(cat stdout)"
  expect 0 abell-export --model run/model.safetensors --out again.$form --quiet
  [ ! -s stdout ] && [ ! -s stderr ] || fail "--quiet is not quiet"
  same m.$form again.$form
done
same m.safetensors run/model.safetensors
expect 0 abell-export --model run --out torch.safetensors --pytorch --quiet
expect 2 abell-export --model run --out torch.h5 --pytorch
# A step of no length: what was read is written.
for weights in m.h5 m.weights.h5 torch.safetensors m.onnx; do
  expect 0 abell-train set --out back --iterations 1 --learning-rate 1e-50 --weights $weights "${quick[@]}"
  same back/model.safetensors run/model.safetensors
  rm -r back
done

# An ONNX model classifies as its run does, told by its metadata or the file beside it; it is a network to train.
same m.json again.json
for word in '"layout": "NCHW"' '"positive": \[' '"self_test"' '"scale": "unit"'; do
  grep -q "$word" m.json || fail "m.json without $word"
done
expect 0 abell-classify --model run set/test_images --out ours.csv --quiet
expect 0 abell-classify --model m.onnx set/test_images --out theirs.csv --quiet
same ours.csv theirs.csv
rm m.json
expect 0 abell-classify --model m.onnx set/test_images --out theirs.csv --overwrite --quiet
same ours.csv theirs.csv
expect 0 abell-train set --out back --network m.onnx --weights m.onnx --iterations 1 --learning-rate 1e-50 "${quick[@]}"
expect 0 abell-export --model back --out back.onnx --quiet
expect 0 abell-classify --model back.onnx set/test_images --out theirs.csv --overwrite --quiet
same ours.csv theirs.csv
rm -r back
cp m.h5 wrong.onnx
refused "wrong.onnx: expected an ONNX model, found an HDF5 file" abell-classify --model wrong.onnx set/test_images

# Nothing is replaced unasked, and never the model itself.
refused "m.onnx: already exists" abell-export --model run --out m.onnx
expect 0 abell-export --model run --out m.onnx --overwrite
refused "is the model itself" abell-export --model run --out run/model.safetensors --overwrite
same m.onnx again.onnx
expect 2 abell-export --model run --out m.pb
expect 2 abell-export --model run --out m.keras
refused "none" abell-export --model none --out x.onnx
refused "m.h5: " abell-export --model m.h5 --out x.onnx
refused "none/x.h5: cannot be created" abell-export --model run --out none/x.h5
[ ! -e x.onnx ] || fail "a missing model leaves a file"

# Keras files that cannot be read: one line, whatever HDF5 has to say, and no run.
head -c 700000 m.h5 >cut.h5
echo "no HDF5" >text.h5
refused "cut.h5: expected a whole HDF5 file" abell-train set --out train --weights cut.h5 "${quick[@]}"
refused "text.h5: expected an HDF5 file" abell-train set --out train --weights text.h5 "${quick[@]}"
refused "missing.h5: " abell-train set --out train --weights missing.h5 "${quick[@]}"
[ ! -e train ] || fail "wrong weights leave a folder"
no_parts "$folder"

# The other side, where it is there.
for python in python3 /usr/bin/python3 ''; do
  [ -n "$python" ] && "$python" -c 'import cv2, h5py, numpy, onnx' 2>/dev/null && break
done
if [ -z "$python" ]; then
  echo "$script: passed so far; skipped the comparison, which needs python3-onnx, python3-opencv and python3-h5py"
  exit 77
fi
layers='{"kind": "Conv2d", "filters": 8, "kernel_size": 5, "stride": 4}, {"kind": "BatchNorm", "momentum": 0.8}, {"kind": "Relu6"}'
layers+=', {"kind": "MaxPool2d", "pool_size": 4}, {"kind": "Conv2d", "filters": 8}, {"kind": "Relu"}, {"kind": "GlobalMaxPool2d"}'
echo "{\"input\": [356, 356, 3], \"layers\": [$layers, {\"kind\": \"Dense\", \"units\": 2}, {\"kind\": \"Softmax\"}]}" >trained.json
expect 0 abell-train set --out trained --network trained.json --epochs 20 --batch 4 --validation-fraction 0 --optimizer adam \
  --learning-rate 0.01 --quiet
rm trained.json
expect 0 abell-export --model trained --out trained.onnx --quiet
expect 0 abell-classify --model trained set/test_images set/train_images --out set.csv --quiet
mkdir others
"$python" "$here/export.py" trained.onnx set.csv others m.h5 headless.h5 m.weights.h5 whole.keras model.h5 || fail "other programs say something else"
for runtime in onnxruntime-node onnxruntime-web; do
  node -e "require('$runtime')" 2>/dev/null || continue
  node "$here/../exchange/check_onnx.js" "$runtime" others || fail "$runtime says something else"
done
expect 0 abell-train set --out headless --iterations 1 --weights headless.h5 --batch 2 --validation-fraction 0
grep -qF "headless.h5: dense_2 is not in the file and keeps its initial weights" stderr || fail "no word about the missing head: $(cat stderr)"
# A whole Keras model is a network and its weights.
for whole in whole.keras model.h5; do
  expect 0 abell-train set --out whole --network $whole --weights $whole --iterations 1 --learning-rate 1e-50 "${quick[@]}"
  expect 0 abell-export --model whole --out whole.h5 --quiet
  same whole.h5 m.h5
  rm -r whole whole.h5
done

no_parts "$folder"
echo "$script: passed"
