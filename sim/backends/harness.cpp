// Drives the Verilated engine: loads a network, runs images, records every value it writes.
// The counterpart in Python is sim/backends/pysim.py; both fill a sim.backends.record.Trace, and agree in every item.

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include "Vengine.h"
#include "Vengine___024root.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

// Amaranth joins the names of a port's parts by two underscores, and Verilator escapes the second.
#define PORT(part, name) part##___05F##name
// Signals of the engine's parts have the names of sim.backends.record.WATCHED here.

namespace {

constexpr uint32_t FAILED = ~0u;  // what a function returns then; engine_error tells why
constexpr int SETTLED = 4;  // cycles after a network's last byte in which no inference begins

// Value number `index` of `bits` bits in a port, whatever type Verilator gave the port.
uint32_t item(uint64_t port, unsigned index, unsigned bits) {
    return static_cast<uint32_t>(port >> (index * bits)) & static_cast<uint32_t>((1ull << bits) - 1);
}
template <std::size_t Words>
uint32_t item(const VlWide<Words>& port, unsigned index, unsigned bits) {
    const unsigned bit = index * bits;  // 8 or 32 bits: never across two words
    return (port[bit / 32] >> (bit % 32)) & static_cast<uint32_t>((1ull << bits) - 1);
}

// A network on the engine, in values (neurons times the images that share a weight): `widths` of
// layers 0 to `last`, and where the layers but the last stand in the activation memory.
struct Network {
    const uint32_t* widths;
    const uint32_t* bases;
    uint32_t last;

    uint32_t first(uint32_t layer) const {  // values of the layers from 1 up to this one
        uint32_t sum = 0;
        for (uint32_t before = 1; before < layer; ++before) sum += widths[before];
        return sum;
    }
};

// A word of inputs of the engine, WORD bytes of ITEM_BITS each, into a port of whatever type.
template <typename Port>
void put(Port& port, const uint8_t* bytes) {
    uint64_t word = 0;
    for (unsigned byte = 0; byte < WORD; ++byte) word |= uint64_t{bytes[byte]} << ITEM_BITS * byte;
    port = static_cast<Port>(word);
}
template <std::size_t Words>
void put(VlWide<Words>& port, const uint8_t* bytes) {
    for (unsigned word = 0; word < Words; ++word) port[word] = 0;
    for (unsigned byte = 0; byte < WORD; ++byte) {
        const unsigned bit = ITEM_BITS * byte;
        port[bit / 32] |= EData{bytes[byte]} << bit % 32;
    }
}

// Which layer of which inference a write belongs to: sim.backends.record.Cursor.
struct Cursor {
    const Network& network;
    bool mirrored;  // the first inference
    uint32_t inference = 0, layer = 1, next = 0;  // of activations
    uint32_t resulting = 0, following = 0;        // inference and next place of results

    bool within(uint32_t candidate, uint32_t place) const {
        return candidate < network.last && place - network.bases[candidate] < network.widths[candidate];
    }
    uint32_t unmirrored(uint32_t place, uint32_t of) const {
        return mirrored != (of % 2 != 0) ? place ^ HALF : place;
    }
    int64_t result(uint32_t place) {  // the position in the record of `resulting`; -1: none of it
        const uint32_t width = network.widths[network.last];
        const bool doubled = place + 1 == following && REQUANTIZERS < width;
        if (place + REQUANTIZERS > width || doubled) return -1;
        resulting += place < following;
        following = place + 1;
        return network.first(network.last) + place;
    }
    int64_t activation(uint32_t place) {  // the position in the record of `inference`
        uint32_t own = unmirrored(place, inference);
        if (!within(layer, own) || own - network.bases[layer] < next) {
            const uint32_t other = unmirrored(place, inference + 1);
            if (within(layer + 1, own)) {
                ++layer;
            } else if (layer + 1 >= network.last && within(1, other)) {
                ++inference;
                layer = 1;
                own = other;
            } else {
                return -1;
            }
        }
        next = own - network.bases[layer] + 1;
        return network.first(layer) + next - 1;
    }
};

struct Engine {
    VerilatedContext context;
    Vengine top{&context};
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> vcd;
#endif
    uint64_t cycle = 0;
    uint64_t inferences = 0;  // begun since the reset

    void dump(unsigned half) {
#if VM_TRACE
        if (vcd) vcd->dump(2 * cycle + half);
#else
        (void)half;
#endif
    }
    void settle() {  // outputs of this cycle, before its edge
        top.clk = 0;
        top.eval();
        dump(0);
    }
    void edge() {
        top.clk = 1;
        top.eval();
        dump(1);
        ++cycle;
    }
};

// The record of a run: see sim.backends.record.Trace.
struct Record {
    int32_t* values;
    uint32_t* at;
    int32_t* logits;
    int64_t* starts;
    int64_t* ends;
    int64_t* opens;
    int64_t* closes;
    int64_t* leaves;
    uint32_t* issued;
    uint32_t* sources;
};

// Records the step that is issued in this cycle, number `step` of the run, `steps` an inference.
void record_step(const Vengine& top, const Record& record, uint64_t step, uint32_t steps,
                 int64_t cycle) {
    record.issued[step] = static_cast<uint32_t>(cycle - record.starts[step / steps]);
    record.sources[step] = static_cast<uint32_t>(top.rootp->ISSUED_ROW) * LANES;
#if LANES > 1
    record.sources[step] += static_cast<uint32_t>(top.rootp->ISSUED_DISTANCE);
#endif
}

// Records what the engine writes in this cycle: activations, results, or both.
void record_writes(const Vengine& top, Cursor& cursor, const Record& record, uint32_t inferences,
                   int64_t cycle) {
    const uint64_t size = cursor.network.first(cursor.network.last + 1);
    const auto keep = [&](int64_t position, uint32_t inference, const auto& port, unsigned bits) {
        if (position < 0 || inference >= inferences) return false;
        const uint64_t first = inference * size + static_cast<uint64_t>(position);
        for (unsigned value = 0; value < REQUANTIZERS; ++value) {
            record.values[first + value] = static_cast<int32_t>(item(port, value, bits));
            record.at[first + value] = static_cast<uint32_t>(cycle - record.starts[inference]);
        }
        return true;
    };
    if (top.PORT(probe, activation)) {
        const int64_t position = cursor.activation(top.PORT(probe, activation_place) * REQUANTIZERS);
        keep(position, cursor.inference, top.PORT(probe, activations), 8);
    }
    if (top.PORT(probe, result)) {
        const int64_t position = cursor.result(top.PORT(probe, result_place) * REQUANTIZERS);
        if (keep(position, cursor.resulting, top.PORT(probe, sums), 32)) {
            record.ends[cursor.resulting] = cycle;
        }
    }
}

std::string error;  // the last one

uint32_t failed(const std::exception& exception) {
    error = exception.what();
    return FAILED;
}

}  // namespace

// What the runtime calls instead of ending the process: a disk is full, or logic does not settle.
void vl_fatal(const char*, int, const char*, const char* message) { throw std::runtime_error(message); }

extern "C" {

Engine* engine_open(const char* vcd) try {
    auto* engine = new Engine;
#if VM_TRACE
    if (vcd) {
        engine->context.traceEverOn(true);
        engine->vcd = std::make_unique<VerilatedVcdC>();
        engine->top.trace(engine->vcd.get(), 99);
        engine->vcd->open(vcd);
    }
#else
    (void)vcd;
#endif
    engine->top.rst = 1;
    for (int i = 0; i < 2; ++i) {
        engine->settle();
        engine->edge();
    }
    engine->top.rst = 0;
    engine->top.PORT(o, ready) = 1;
    return engine;
} catch (const std::exception& exception) {
    failed(exception);
    return nullptr;
}

const char* engine_error() { return error.c_str(); }

uint32_t engine_close(Engine* engine) try {
#if VM_TRACE
    if (engine->vcd) engine->vcd->close();
#endif
    engine->top.final();
    // What is public is registered with the thread's context, and must leave this engine's.
    Verilated::threadContextp(&engine->context);
    delete engine;
    return 0;
} catch (const std::exception& exception) {
    return failed(exception);  // and the engine stays: its file cannot be closed
}

uint64_t engine_cycle(const Engine* engine) { return engine->cycle; }

// Writes `count` bytes to a space from byte `first` on; 0, or 1 if the engine does not take them.
uint32_t engine_write(Engine* engine, unsigned space, uint32_t first, const uint8_t* bytes,
                      uint32_t count) try {
    auto& top = engine->top;
    top.PORT(write, valid) = 1;
    for (uint32_t address = 0; address < count; ++address) {
        top.PORT(write, payload) = static_cast<uint64_t>(space) | (uint64_t{first} + address) << 2 |
                                   static_cast<uint64_t>(bytes[address]) << (2 + ADDRESS_BITS);
        engine->settle();
        if (!top.PORT(write, ready)) return 1;
        engine->edge();
    }
    top.PORT(write, valid) = 0;
    for (int i = 0; i < SETTLED; ++i) {
        engine->settle();
        engine->edge();
    }
    return 0;
} catch (const std::exception& exception) {
    return failed(exception);
}

// Runs `inferences` one after the other, the inputs of the next, in the order of
// golden.machine.image.interleaved, offered as soon as may be; returns how many finished, each within
// `patience` cycles of the one before. An inference has `outputs` logits; the last layer may be
// wider: its neurons' copies are added. It takes `steps` steps. Its inputs come in `words` words, and
// the loader takes them in `loads` steps.
uint32_t engine_run(Engine* engine, const uint8_t* inputs, uint32_t inferences, const uint32_t* widths,
                    const uint32_t* bases, uint32_t last, uint32_t outputs, uint32_t steps,
                    uint32_t words, uint32_t loads, uint64_t patience, Record record) try {
    auto& top = engine->top;
    const Network network{widths, bases, last};
    Cursor cursor{network, engine->inferences % 2 != 0};
    engine->inferences += inferences;
    const uint64_t before = engine->cycle, wanted = uint64_t{inferences} * outputs;
    uint64_t limit = before + patience, fed = 0, got = 0, step = 0, loaded = 0;
    while (got < wanted && engine->cycle < limit) {
        const bool offered = fed < uint64_t{inferences} * words;
        top.PORT(i, valid) = offered;
        if (offered) put(top.PORT(i, payload), inputs + fed * WORD);
        engine->settle();
        const auto cycle = static_cast<int64_t>(engine->cycle - before);
        if (offered && top.PORT(i, ready) && ++fed % words == 0) record.starts[fed / words - 1] = cycle;
        if (top.rootp->LOADED_VALID && top.rootp->LOADED_READY && loaded < uint64_t{inferences} * loads) {
            if (loaded % loads == 0) record.opens[loaded / loads] = cycle;
            if (++loaded % loads == 0) record.closes[loaded / loads - 1] = cycle;
        }
        if (top.rootp->ISSUED && step < uint64_t{inferences} * steps) {
            record_step(top, record, step++, steps, cycle);
        }
        record_writes(top, cursor, record, inferences, cycle);
        if (top.PORT(o, valid)) {
            record.logits[got++] = static_cast<int32_t>(top.PORT(o, payload));
            if (got % outputs == 0) {
                limit = engine->cycle + patience;
                record.leaves[got / outputs - 1] = cycle;
            }
        }
        engine->edge();
    }
    return static_cast<uint32_t>(got / outputs);
} catch (const std::exception& exception) {
    return failed(exception);
}
}
