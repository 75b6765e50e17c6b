// check_onnx.js RUNTIME FOLDER: runs every FOLDER/*.onnx in onnxruntime-node or onnxruntime-web on FOLDER/*.images.npy;
// the answers must be those of FOLDER/*.expected.npy, to a relative 1e-5.
'use strict';

const fs = require('fs');
const path = require('path');
const runtime = process.argv[2];
const ort = require(runtime);

/// A .npy file of float32: its sizes and its values.
function readNpy(file) {
  const bytes = fs.readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  const sizes = /'shape': \(([^)]*)\)/.exec(bytes.toString('latin1', 10, start))[1];
  return {
    sizes: sizes.split(',').filter((text) => text.trim()).map(Number),
    values: new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length)),
  };
}

/// The largest difference over the largest value, for the first `batch` images.
async function difference(session, images, expected, batch) {
  const first = ({sizes, values}) => values.subarray(0, values.length / sizes[0] * batch);
  const input = new ort.Tensor('float32', first(images), [batch, ...images.sizes.slice(1)]);
  const {probabilities} = await session.run({images: input});
  const wanted = first(expected);
  const sizes = [batch, ...expected.sizes.slice(1)];
  if (probabilities.dims.join() !== sizes.join()) throw new Error(`expected ${sizes}, found ${probabilities.dims}`);
  let worst = 0;
  let largest = 0;
  probabilities.data.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - wanted[i]));  // NaN stays
    largest = Math.max(largest, Math.abs(wanted[i]));
  });
  return worst / largest;
}

async function main(folder) {
  const models = fs.readdirSync(folder).filter((name) => name.endsWith('.onnx')).sort();
  if (models.length === 0) throw new Error(`${folder}: expected .onnx files, found none`);
  let failed = 0;
  for (const name of models) {
    const stem = path.join(folder, name.slice(0, -'.onnx'.length));
    const [images, expected] = ['images', 'expected'].map((what) => readNpy(`${stem}.${what}.npy`));
    const session = await ort.InferenceSession.create(fs.readFileSync(`${stem}.onnx`));
    let worst = 0;
    for (const batch of [images.sizes[0], 1]) {
      worst = Math.max(worst, await difference(session, images, expected, batch));
    }
    console.log(`${path.basename(stem)} in ${runtime}: relative difference ${worst.toExponential(1)}`);
    if (!(worst <= 1e-5)) ++failed;
  }
  process.exitCode = failed ? 1 : 0;
}

main(process.argv[3]).catch((error) => {
  console.error(`check_onnx.js: ${error.message}`);
  process.exitCode = 1;
});
