// Clocks the port of tests/support/port_bench.py: a cycle for each call.

#include <cstdint>
#include "Vport.h"
#include "verilated.h"

namespace {

struct Bench {
    VerilatedContext context;
    Vport top{&context};
};

}  // namespace

void vl_fatal(const char*, int, const char*, const char*) { __builtin_trap(); }

extern "C" {

Bench* bench_open() {
    auto* bench = new Bench;
    bench->top.rst = 1;
    for (int level = 0; level < 4; ++level) {
        bench->top.clk = level & 1;
        bench->top.eval();
    }
    bench->top.rst = 0;
    return bench;
}

void bench_close(Bench* bench) {
    bench->top.final();
    Verilated::threadContextp(&bench->context);
    delete bench;
}

// The values that the ports have before the edge at the end of the cycle.
void bench_tick(Bench* bench, const uint32_t* in, uint32_t* out) {
    auto& top = bench->top;
    top.clk = 0;
    top.item = in[0];
    top.offered = in[1];
    top.wanted = in[2];
    top.line_break = in[3];
    top.active = in[4];
    top.data = in[5];
    top.eval();
    const uint32_t values[] = {top.taken, top.sent, top.answer, top.silence, top.booting, top.address, top.ready, top.busy, top.error};
    for (const uint32_t value : values) *out++ = value;
    top.clk = 1;
    top.eval();
}
}
