// Drives the Verilated engine: loads a network, runs images, records every value it writes.
// The counterpart in Python is sim/pysim.py; both fill a sim.trace.Trace.

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

}  // namespace

extern "C" {

struct Record {
    int32_t* values;
    uint32_t* at;
    int32_t* logits;
    int64_t* cycles;
};

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

// Runs `images` images; returns how many finished within `patience` cycles each.
uint32_t engine_run(Engine* engine, const uint8_t* inputs, uint32_t images, const uint32_t* widths,
                    uint32_t layers, uint64_t patience, Record record) {
    auto& top = engine->top;
    const uint32_t outputs = widths[layers];
    uint32_t neurons = 0;
    for (uint32_t layer = 1; layer <= layers; ++layer) neurons += widths[layer];
    top.PORT(o, ready) = 1;
    for (uint32_t image = 0; image < images; ++image) {
        const uint64_t limit = engine->cycle + patience + widths[0] + outputs;
        uint32_t fed = 0, got = 0, layer = 1, base = 0, written = 0;
        uint64_t start = 0;
        while (got < outputs) {
            if (engine->cycle >= limit) return image;
            top.PORT(i, valid) = fed < widths[0];
            top.PORT(i, payload) = top.PORT(i, valid) ? inputs[fed] : 0;
            engine->settle();
            if (top.PORT(i, valid) && top.PORT(i, ready) && ++fed == widths[0]) start = engine->cycle;
            if ((top.PORT(probe, activation) || top.PORT(probe, result)) && layer <= layers) {
                const bool result = top.PORT(probe, result);
                const uint32_t place = (result ? top.PORT(probe, result_place) : top.PORT(probe, activation_place)) * WIDTH;
                const bool inside = place + WIDTH <= widths[layer];  // else it is none of the network's
                for (unsigned lane = 0; inside && lane < WIDTH; ++lane) {
                    record.values[base + place + lane] = static_cast<int32_t>(
                        result ? item(top.PORT(probe, sums), lane, 32) : item(top.PORT(probe, activations), lane, 8));
                    record.at[base + place + lane] = static_cast<uint32_t>(engine->cycle - start);
                }
                if (result) record.cycles[image] = static_cast<int64_t>(engine->cycle - start);
                if (inside) written += WIDTH;
                if (written == widths[layer]) base += widths[layer++], written = 0;
            }
            if (top.PORT(o, valid)) record.logits[got++] = static_cast<int32_t>(top.PORT(o, payload) & 0xffffffffu);
            engine->edge();
        }
        inputs += widths[0];
        record.values += neurons;
        record.at += neurons;
        record.logits += outputs;
    }
    return images;
}
}
