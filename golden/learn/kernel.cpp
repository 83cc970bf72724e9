// One step of learning, as golden/learn/arithmetic.py defines it, in plain integers.
//
// A junction is `blocks` blocks of `targets` neurons, each of which has the block's `sources`.

#include <algorithm>
#include <cstdint>

namespace {

const int32_t LIMIT = 32768 - 128, BIAS_LIMIT = (1 << 24) - 128, HIGH = 5;

int32_t rounded(int32_t value, int shift) { return (value + ((1 << shift) >> 1)) >> shift; }

int32_t error16(int64_t value) {
    return int32_t(std::min<int64_t>(std::max<int64_t>(value, -32768), 32767));
}

}  // namespace

struct Junction {
    int32_t blocks, targets, sources;
    const int32_t *source;  // (blocks, sources): neurons
    const int32_t *target;  // (blocks, targets)
    int16_t *weights;       // (blocks, targets, sources): masters
    int8_t *seen;           // their high bytes
    int32_t *biases;        // by neuron
    int32_t *sums;          // by target neuron
    int32_t *errors;        // by target neuron
    int16_t *gathered;      // (blocks, sources): activations
    int32_t *activations;   // by target neuron
    int32_t *back;          // room for `sources` sums
    int32_t neurons, forward, weight_shift, bias_shift;
};

static void run_forward(Junction &j, const int32_t *inputs, bool last) {
    for (int32_t i = 0; i < j.blocks * j.sources; ++i) j.gathered[i] = int16_t(inputs[j.source[i]]);
    for (int32_t b = 0, row = 0; b < j.blocks; ++b) {
        const int16_t *a = j.gathered + int64_t(b) * j.sources;
        for (int32_t t = 0; t < j.targets; ++t, ++row) {
            const int8_t *w = j.seen + int64_t(row) * j.sources;
            int32_t sum = 0;
            for (int32_t i = 0; i < j.sources; ++i) sum += w[i] * a[i];
            const int32_t y = j.target[row];
            j.sums[y] = sum + ((j.biases[y] + 128) >> 8);
        }
    }
    if (last) return;
    for (int32_t y = 0; y < j.neurons; ++y)
        j.activations[y] = std::min(std::max(rounded(j.sums[y], j.forward), 0), 255);
}

static void run_backward(Junction &j, Junction &before) {
    std::fill(before.errors, before.errors + before.neurons, 0);
    for (int32_t b = 0, row = 0; b < j.blocks; ++b) {
        std::fill(j.back, j.back + j.sources, 0);
        for (int32_t t = 0; t < j.targets; ++t, ++row) {
            const int32_t error = j.errors[j.target[row]];
            if (!error) continue;
            const int8_t *w = j.seen + int64_t(row) * j.sources;
            for (int32_t i = 0; i < j.sources; ++i) j.back[i] += w[i] * error;
        }
        for (int32_t i = 0; i < j.sources; ++i)
            before.errors[j.source[int64_t(b) * j.sources + i]] += j.back[i];
    }
    for (int32_t x = 0; x < before.neurons; ++x) {
        const bool active = before.activations[x] > 0 && before.activations[x] < 255;
        before.errors[x] = active ? error16(rounded(before.errors[x], HIGH)) : 0;
    }
}

static void run_update(Junction &j, bool fixed) {
    const int32_t shift = j.weight_shift, half = (1 << shift) >> 1;
    for (int32_t b = 0, row = 0; b < j.blocks; ++b) {
        const int16_t *a = j.gathered + int64_t(b) * j.sources;
        for (int32_t t = 0; t < j.targets; ++t, ++row) {
            const int32_t y = j.target[row], error = j.errors[y];
            if (!error) continue;
            int16_t *w = j.weights + int64_t(row) * j.sources;
            int8_t *seen = j.seen + int64_t(row) * j.sources;
            for (int32_t i = 0; i < j.sources; ++i) {
                const int32_t least = fixed && w[i] >= 0 ? 0 : -LIMIT;
                const int32_t most = fixed && w[i] < 0 ? -1 : LIMIT - 1;
                int32_t next = w[i] - ((error * a[i] + half) >> shift);
                next = std::min(std::max(next, least), most);
                w[i] = int16_t(next);
                seen[i] = int8_t((next + 128) >> 8);
            }
            const int32_t bias = j.biases[y] - rounded(error * 128, j.bias_shift);
            j.biases[y] = std::min(std::max(bias, -BIAS_LIMIT), BIAS_LIMIT - 1);
        }
    }
}

extern "C" void learn_step(Junction *junctions, int32_t count, const int32_t *image, int32_t label,
                           int32_t one, int32_t logit_shift, int32_t fixed) {
    for (int32_t l = 0; l < count; ++l)
        run_forward(junctions[l], l ? junctions[l - 1].activations : image, l == count - 1);
    Junction &last = junctions[count - 1];
    for (int32_t y = 0; y < last.neurons; ++y) {
        const int64_t z = last.sums[y];
        const int64_t missing = y == label ? std::min<int64_t>(z - one, 0) : std::max<int64_t>(z, 0);
        last.errors[y] = error16(missing * (int64_t(1) << logit_shift));
    }
    for (int32_t l = count - 1; l > 0; --l) run_backward(junctions[l], junctions[l - 1]);
    for (int32_t l = 0; l < count; ++l) run_update(junctions[l], fixed);
}
