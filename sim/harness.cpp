// Drives the Verilated engine: loads a network, runs images, records every value it writes.
// The counterpart in Python is sim/pysim.py; both fill a sim.trace.Trace, and agree in every item.

#include <cstdint>
#include <memory>
#include "Vengine.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

// Amaranth joins the names of a port's parts by two underscores, and Verilator escapes the second.
#define PORT(part, name) part##___05F##name

namespace {

// Value number `index` of `bits` bits in a port, whatever type Verilator gave the port.
uint32_t item(uint64_t port, unsigned index, unsigned bits) {
    return static_cast<uint32_t>(port >> (index * bits)) & static_cast<uint32_t>((1ull << bits) - 1);
}
template <std::size_t Words>
uint32_t item(const VlWide<Words>& port, unsigned index, unsigned bits) {
    const unsigned bit = index * bits;  // 8 or 32 bits: never across two words
    return (port[bit / 32] >> (bit % 32)) & static_cast<uint32_t>((1ull << bits) - 1);
}

// A network's layers: `widths` of layers 0 to `last`.
struct Network {
    const uint32_t* widths;
    uint32_t last;

    uint32_t base(uint32_t layer) const {  // neurons of the layers from 1 up to this one
        uint32_t sum = 0;
        for (uint32_t before = 1; before < layer; ++before) sum += widths[before];
        return sum;
    }
};

// Which layer a write of one image belongs to: sim.trace.Cursor.
struct Cursor {
    const Network& network;
    uint32_t layer = 1, next = 0;

    int64_t position(uint32_t place, bool result) {  // -1: none of the network's
        if (!result) {
            layer += place < next;
            next = place + 1;
            if (layer >= network.last) return -1;
        }
        const uint32_t target = result ? network.last : layer;
        if (place + WIDTH > network.widths[target]) return -1;
        return static_cast<int64_t>(network.base(target)) + place;
    }
};

struct Engine {
    VerilatedContext context;
    Vengine top{&context};
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> vcd;
#endif
    uint64_t cycle = 0;

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

// The record of one image: see sim.trace.Trace.
struct Record {
    int32_t* values;
    uint32_t* at;
    int32_t* logits;
    int64_t* cycles;
};

// Records what the engine writes in this cycle.
void record_write(const Vengine& top, Cursor& cursor, Record& record, uint64_t cycle) {
    const bool result = top.PORT(probe, result);
    if (!result && !top.PORT(probe, activation)) return;
    if (result) *record.cycles = static_cast<int64_t>(cycle);
    const uint32_t place = result ? top.PORT(probe, result_place) : top.PORT(probe, activation_place);
    const int64_t position = cursor.position(place * WIDTH, result);
    if (position < 0) return;
    for (unsigned lane = 0; lane < WIDTH; ++lane) {
        record.values[position + lane] = static_cast<int32_t>(
            result ? item(top.PORT(probe, sums), lane, 32) : item(top.PORT(probe, activations), lane, 8));
        record.at[position + lane] = static_cast<uint32_t>(cycle);
    }
}

// Runs one image; false if it did not finish within `patience` cycles.
bool run_image(Engine& engine, const uint8_t* inputs, const Network& network, uint64_t patience,
               Record& record) {
    auto& top = engine.top;
    Cursor cursor{network};
    const uint32_t width = network.widths[0], outputs = network.widths[network.last];
    const uint64_t limit = engine.cycle + patience;
    uint64_t start = engine.cycle;
    uint32_t fed = 0, got = 0;
    while (got < outputs && engine.cycle < limit) {
        const bool offered = fed < width;
        top.PORT(i, valid) = offered;
        top.PORT(i, payload) = offered ? inputs[fed] : 0;
        engine.settle();
        if (offered && top.PORT(i, ready) && ++fed == width) start = engine.cycle;
        record_write(top, cursor, record, engine.cycle - start);
        if (top.PORT(o, valid)) record.logits[got++] = static_cast<int32_t>(top.PORT(o, payload));
        engine.edge();
    }
    return got == outputs;
}

}  // namespace

extern "C" {

Engine* engine_open(const char* vcd) {
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
}

void engine_close(Engine* engine) {
#if VM_TRACE
    if (engine->vcd) engine->vcd->close();
#endif
    engine->top.final();
    delete engine;
}

uint64_t engine_cycle(const Engine* engine) { return engine->cycle; }

// Writes `count` bytes to a space from byte 0 on; 0, or 1 if the engine does not take them.
int engine_write(Engine* engine, unsigned space, const uint8_t* bytes, uint32_t count) {
    auto& top = engine->top;
    top.PORT(write, valid) = 1;
    for (uint32_t address = 0; address < count; ++address) {
        top.PORT(write, payload) = static_cast<uint64_t>(space) | static_cast<uint64_t>(address) << 2 |
                                   static_cast<uint64_t>(bytes[address]) << (2 + ADDRESS_BITS);
        engine->settle();
        if (!top.PORT(write, ready)) return 1;
        engine->edge();
    }
    top.PORT(write, valid) = 0;
    return 0;
}

// Runs `images` images; returns how many finished within `patience` cycles each, from the first on.
uint32_t engine_run(Engine* engine, const uint8_t* inputs, uint32_t images, const uint32_t* widths,
                    uint32_t last, uint64_t patience, Record record) {
    const Network network{widths, last};
    const uint32_t neurons = network.base(last + 1);
    for (uint32_t image = 0; image < images; ++image) {
        if (!run_image(*engine, inputs, network, patience, record)) return image;
        inputs += widths[0];
        record.values += neurons;
        record.at += neurons;
        record.logits += widths[last];
        ++record.cycles;
    }
    return images;
}
}
