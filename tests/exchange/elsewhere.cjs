// Trains a network of dense layers on scikit-learn's digits with TensorFlow.js, and writes it as JSON.
//   python -c "..." > digits.json, then: node train.cjs digits.json network.json
const fs = require("fs");
const tf = require("@tensorflow/tfjs");
const [, , from, to] = process.argv;
const data = JSON.parse(fs.readFileSync(from));

async function main() {
  tf.util.assert(data.x_train.length > 0, () => "no samples");
  const init = (seed) => tf.initializers.glorotUniform({ seed });
  const dense = (units, activation, seed, more = {}) =>
    tf.layers.dense({ units, activation, kernelInitializer: init(seed), ...more });
  const model = tf.sequential({
    layers: [
      dense(40, "relu", 1, { inputShape: [64] }),
      dense(20, "relu", 2),
      dense(10, "softmax", 3),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.003), loss: "sparseCategoricalCrossentropy" });
  const x = tf.tensor2d(data.x_train).div(16);
  await model.fit(x, tf.tensor1d(data.y_train, "float32"), {
    epochs: 40, batchSize: 32, shuffle: false, verbose: 0,
  });
  const given = tf.tensor2d(data.x_test.slice(0, 100)).div(16);
  const result = { framework: `TensorFlow.js ${tf.version.tfjs}`, layers: [] };
  for (const layer of model.layers) {
    const [kernel, bias] = layer.getWeights();
    result.layers.push({ kernel: kernel.arraySync(), bias: bias.arraySync() });
  }
  result.probabilities = model.predict(given).arraySync();
  fs.writeFileSync(to, JSON.stringify(result));
}
main();
