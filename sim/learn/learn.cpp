// Drives the Verilated engine that learns: loads a network, feeds images with their tasks, reads
// weights back. The counterpart in Python is sim/learn/machine.py.

#include <cstdint>
#include <stdexcept>
#include <string>
#include "Vlearner.h"
#include "verilated.h"

// Amaranth joins the names of a port's parts by two underscores, and Verilator escapes the second.
#define PORT(part, name) part##___05F##name

namespace {

constexpr uint32_t FAILED = ~0u;  // what a function returns then; learner_error tells why

// Value number `index` of `bits` bits in a port, whatever type Verilator gave the port.
uint32_t item(uint64_t port, unsigned index, unsigned bits) {
    return static_cast<uint32_t>(port >> (index * bits)) & static_cast<uint32_t>((1ull << bits) - 1);
}
template <std::size_t Words>
uint32_t item(const VlWide<Words>& port, unsigned index, unsigned bits) {
    const unsigned bit = index * bits;  // 16 bits: never across two words
    return (port[bit / 32] >> (bit % 32)) & static_cast<uint32_t>((1ull << bits) - 1);
}

struct Engine {
    VerilatedContext context;
    Vlearner top{&context};
    uint64_t cycle = 0;

    void settle() {  // outputs of this cycle, before its edge
        top.clk = 0;
        top.eval();
    }
    void edge() {
        top.clk = 1;
        top.eval();
        ++cycle;
    }
};

// Keeps the errors that the engine writes in this cycle, if any.
void keep_errors(const Vlearner& top, int32_t* errors) {
    if (!top.PORT(probe, error)) return;
    const uint32_t first = top.PORT(probe, error_place) * REQUANTIZERS;
    for (unsigned value = 0; value < REQUANTIZERS; ++value) {
        errors[first + value] = static_cast<int16_t>(item(top.PORT(probe, errors), value, 16));
    }
}

std::string error;  // the last one

uint32_t failed(const std::exception& exception) {
    error = exception.what();
    return FAILED;
}

}  // namespace

// What the runtime calls instead of ending the process.
void vl_fatal(const char*, int, const char*, const char* message) { throw std::runtime_error(message); }

extern "C" {

Engine* learner_open() try {
    auto* engine = new Engine;
    engine->top.rst = 1;
    for (int i = 0; i < 2; ++i) {
        engine->settle();
        engine->edge();
    }
    engine->top.rst = 0;
    return engine;
} catch (const std::exception& exception) {
    failed(exception);
    return nullptr;
}

const char* learner_error() { return error.c_str(); }

void learner_close(Engine* engine) {
    engine->top.final();
    delete engine;
}

uint64_t learner_cycle(const Engine* engine) { return engine->cycle; }

// Writes `count` bytes to a space from byte `first` on; 0, or 1 where they are not taken for
// `patience` cycles.
uint32_t learner_write(Engine* engine, unsigned space, uint32_t first, const uint8_t* bytes,
                       uint32_t count, uint64_t patience) try {
    auto& top = engine->top;
    top.PORT(write, valid) = 1;
    for (uint32_t address = 0; address < count; ++address) {
        top.PORT(write, payload) = static_cast<uint64_t>(space) | (uint64_t{first} + address) << 2 |
                                   static_cast<uint64_t>(bytes[address]) << (2 + ADDRESS_BITS);
        const uint64_t limit = engine->cycle + patience;
        for (bool taken = false; !taken;) {
            engine->settle();
            taken = top.PORT(write, ready);
            engine->edge();
            if (!taken && engine->cycle >= limit) return 1;
        }
    }
    top.PORT(write, valid) = 0;
    return 0;
} catch (const std::exception& exception) {
    return failed(exception);
}

// Reads `count` bytes back, of the weights or else of the biases, from byte `first` on.
uint32_t learner_peek(Engine* engine, unsigned weights, uint32_t first, uint8_t* bytes, uint32_t count,
                      uint64_t patience) try {
    auto& top = engine->top;
    top.PORT(peeked, ready) = 1;
    for (uint32_t address = 0; address < count; ++address) {
        const uint64_t limit = engine->cycle + patience;
        top.PORT(peek, payload) = weights | (uint64_t{first} + address) << 1;
        top.PORT(peek, valid) = 1;
        for (bool there = false; !there;) {
            engine->settle();
            const bool taken = top.PORT(peek, valid) && top.PORT(peek, ready);
            there = top.PORT(peeked, valid);
            if (there) bytes[address] = static_cast<uint8_t>(top.PORT(peeked, payload));
            engine->edge();
            if (taken) top.PORT(peek, valid) = 0;
            if (!there && engine->cycle >= limit) return 1;
        }
    }
    top.PORT(peeked, ready) = 0;
    return 0;
} catch (const std::exception& exception) {
    return failed(exception);
}

// Feeds `images` of `words` words of inputs each, with a task each, as soon as may be; each has
// `outputs` logits. `errors` has a place for every place of the memory of errors, and keeps those of
// the last image. `firsts` are the cycles in which the images' first logits came. Returns how many
// images had all their logits within `patience` cycles of those before; the engine is idle then.
uint32_t learner_run(Engine* engine, const uint8_t* inputs, const uint32_t* tasks, uint32_t images,
                     uint32_t words, uint32_t outputs, uint64_t patience, int32_t* logits,
                     int32_t* errors, uint64_t* firsts) try {
    auto& top = engine->top;
    const uint64_t wanted = uint64_t{images} * outputs, offered = uint64_t{images} * words;
    uint64_t limit = engine->cycle + patience, fed = 0, got = 0;
    uint32_t begun = 0;
    top.PORT(o, ready) = 1;
    while (got < wanted && engine->cycle < limit) {
        top.PORT(i, valid) = fed < offered;
        if (fed < offered) {
            uint64_t word = 0;
            for (unsigned byte = 0; byte < WORD; ++byte) word |= uint64_t{inputs[fed * WORD + byte]} << 8 * byte;
            top.PORT(i, payload) = word;
        }
        top.PORT(task, valid) = begun < images;
        if (begun < images) top.PORT(task, payload) = tasks[begun];
        engine->settle();
        if (top.PORT(i, valid) && top.PORT(i, ready)) ++fed;
        if (top.PORT(task, valid) && top.PORT(task, ready)) ++begun;
        keep_errors(top, errors);
        if (top.PORT(o, valid)) {
            if (got % outputs == 0) firsts[got / outputs] = engine->cycle;
            logits[got++] = static_cast<int32_t>(top.PORT(o, payload));
            limit = engine->cycle + patience;
        }
        engine->edge();
    }
    top.PORT(i, valid) = 0;
    top.PORT(task, valid) = 0;
    while (top.busy && engine->cycle < limit) {  // what the last image teaches
        engine->settle();
        keep_errors(top, errors);
        engine->edge();
        engine->settle();
    }
    return static_cast<uint32_t>(got / outputs);
} catch (const std::exception& exception) {
    return failed(exception);
}
}
