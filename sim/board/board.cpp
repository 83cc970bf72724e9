// Drives a whole board: turns bytes into the bits of its serial line and back, holds its boot flash,
// and runs it for as long as something goes on. sim/board/machine.py calls it.
//
// Where LINE is 1 the design has the line (rx, tx), else the host port's streams (i, o, line_break).

#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>
#include "Vboard.h"
#include "Vboard___024root.h"
#include "verilated.h"

#define PORT(part, name) part##___05F##name

namespace {

constexpr uint16_t BREAK = 256;  // in the queue of what is sent; below it, a byte
constexpr uint64_t BREAK_BITS = 25, REST_BITS = 2;
constexpr uint64_t CALM = 8192;   // cycles without anything happening after which nothing will
constexpr uint64_t PAUSE = 256;   // cycles after a byte's end after which it is handed over
constexpr uint64_t RESTART = 16;  // cycles after a reset or a break before a byte
constexpr unsigned FRACTION = 16;  // times on the line are in cycles / 2^16

struct State {  // sim.board.machine._State
    uint64_t cycles, sent, received, framing;
    uint32_t queued;
    uint8_t idle, ready, busy, error;
};

// A flash memory on SPI, mode 0: AB wakes it, and then 03 reads. tests/support/serial_flash.py is stricter.
class Flash {
   public:
    Flash(const uint8_t* content, uint32_t size, uint32_t first)
        : content_(content, content + size), first_(first) {}

    // What the pin MISO has after these levels.
    bool pins(bool select_n, bool clock, bool mosi) {
        if (select_n) {
            asleep_ &= !(bits_ == 8 && command_ == 0xAB);
            bits_ = 0;
            command_ = 0;
            out_ = false;
            miso_ = true;
        } else if (clock && !clock_) {
            rise(mosi);
        } else if (!clock && clock_ && out_) {
            miso_ = byte(address_) >> (7 - bits_ % 8) & 1;
        }
        clock_ = clock;
        return miso_;
    }

   private:
    void rise(bool mosi) {
        if (bits_ < 8) {
            command_ = static_cast<uint8_t>(command_ << 1 | mosi);
        } else if (bits_ < 32) {
            address_ = (address_ << 1 | mosi) & 0xFFFFFF;
        }
        ++bits_;
        if (out_ && bits_ % 8 == 0) address_ = (address_ + 1) & 0xFFFFFF;
        out_ = bits_ >= 32 && command_ == 0x03 && !asleep_;
    }

    uint8_t byte(uint32_t address) const {
        const uint32_t place = address - first_;
        return place < content_.size() ? content_[place] : 0xFF;
    }

    std::vector<uint8_t> content_;
    uint32_t first_, address_ = 0;
    uint64_t bits_ = 0;
    uint8_t command_ = 0;
    bool asleep_ = true, clock_ = false, miso_ = true, out_ = false;
};

// The host's end of the line, as far as it sends: bytes and breaks, each bit `bit` long.
struct Sender {
    uint64_t bit, next = 0;  // when the level changes next
    uint32_t shifter = 0;    // levels to come, lowest first
    unsigned left = 0;       // how many
    uint64_t level_bits = 1;
    bool level = true;

    bool at_rest() const { return left == 0; }

    void begin(uint16_t code, uint64_t now) {
        if (code == BREAK) {
            shifter = 0b10;
            left = 2;
        } else {
            shifter = uint32_t{code} << 1 | 0x200;
            left = 10;
        }
        level_bits = code == BREAK ? BREAK_BITS : 1;
        if (now - next >> FRACTION) next = now;  // else bytes follow each other without a gap
    }
    void step(uint64_t now, std::deque<uint16_t>& queue, uint64_t& sent) {
        if (now < next) return;
        if (left == 0) {
            if (queue.empty()) return;
            begin(queue.front(), now);
            sent += queue.front() != BREAK;
            queue.pop_front();
        }
        level = shifter & 1;
        shifter >>= 1;
        --left;
        next += level_bits * bit;
        if (level_bits != 1) level_bits = REST_BITS;
    }
};

// The host's end of the line, as far as it receives.
struct Receiver {
    uint64_t bit, next = 0;
    unsigned got = 10;  // levels of the byte in hand; 10: none, 11: waits for the line to rest
    uint32_t shifter = 0;
    uint64_t framing = 0;

    bool at_rest() const { return got == 10; }

    // Takes the level of the line at `now`; whether a byte came.
    bool step(uint64_t now, bool level, uint8_t& byte) {
        if (got >= 10) {
            if (got == 11) {
                got -= level;
            } else if (!level) {
                got = 0;
                next = now + bit / 2;
            }
            return false;
        }
        if (now < next) return false;
        next += bit;
        if (got == 0 && level) {
            got = 10;  // no start bit
            return false;
        }
        shifter = shifter >> 1 | uint32_t{level} << 9;
        if (++got < 10) return false;
        byte = static_cast<uint8_t>(shifter >> 1);
        framing += !level;
        got = level ? 10 : 11;
        return true;
    }
};

struct Board {
    VerilatedContext context;
    Vboard top{&context};
    Flash flash;
    std::deque<uint16_t> queue;
    Sender sender;
    Receiver receiver;
    uint64_t cycle = 0, sent = 0, received = 0;
    uint64_t last = 0;  // the cycle in which something went on last
    uint64_t silent = 0;  // the cycle up to which it is run even where nothing goes on
    uint64_t deaf = 0;  // the cycle from which on bytes are sent; of the line's own accord it is later

    Board(const Flash& memory, uint64_t bit) : flash(memory), sender{bit}, receiver{bit} {}

    bool idle() const { return queue.empty() && sender.at_rest() && cycle > last + CALM && cycle >= silent; }

    // One cycle; whether a byte came from the board.
    bool step(uint8_t& byte) {
        bool came = false;
        top.clk = 0;
#if LINE
        sender.step(cycle << FRACTION, queue, sent);
        top.rx = sender.level;
        top.eval();
        came = receiver.step(cycle << FRACTION, top.tx, byte);
        const bool line = !sender.at_rest() || !top.tx || !receiver.at_rest();
#else
        const bool offered = !queue.empty() && cycle >= deaf, breaks = offered && queue.front() == BREAK;
        top.line_break = breaks;
        top.PORT(i, valid) = offered && !breaks;
        top.PORT(i, payload) = offered ? queue.front() & 0xFF : 0;
        top.eval();
        came = top.PORT(o, valid);
        byte = top.PORT(o, payload);
        const bool taken = offered && (breaks || top.PORT(i, ready)), line = came || taken;
        if (taken) queue.pop_front();
        if (taken && breaks) deaf = cycle + RESTART;
        sent += taken && !breaks;
#endif
        top.PORT(flash, miso) =
            flash.pins(top.PORT(flash, cs_n), top.PORT(flash, sclk), top.PORT(flash, mosi));
        if (line || top.busy || !top.PORT(flash, cs_n)) last = cycle;
        top.clk = 1;
        top.eval();
        ++cycle;
        received += came;
        return came;
    }

    void reset() {
        top.rst = 1;
        uint8_t byte;
        for (int i = 0; i < 2; ++i) step(byte);
        top.rst = 0;
        last = cycle;
        deaf = cycle + RESTART;
    }
};

std::string error;  // the last one

}  // namespace

// What the runtime calls instead of ending the process.
void vl_fatal(const char*, int, const char*, const char* message) { throw std::runtime_error(message); }

extern "C" {

const char* board_error() { return error.c_str(); }

// A board after its power-on reset; `bit` is one of the host's, in cycles / 2^16.
Board* board_open(const uint8_t* content, uint32_t size, uint32_t first, uint64_t bit) try {
    auto* board = new Board(Flash(content, size, first), bit);
#if LINE
    board->top.rx = 1;
#else
    board->top.PORT(o, ready) = 1;
#endif
    board->reset();
    return board;
} catch (const std::exception& exception) {
    error = exception.what();
    return nullptr;
}

void board_close(Board* board) {
    board->top.final();
    Verilated::threadContextp(&board->context);  // the thread's, which must leave this one's
    delete board;
}

// Bytes, or 256 for a break, behind what is queued.
void board_send(Board* board, const uint16_t* codes, uint32_t count) {
    board->queue.insert(board->queue.end(), codes, codes + count);
    if (count) board->last = board->cycle;
}

void board_reset(Board* board) { board->reset(); }

// Lets the next runs go on for so many cycles, even where nothing happens.
void board_wait(Board* board, uint64_t cycles) { board->silent = board->cycle + cycles; }

// Runs up to `cycles` cycles: less where nothing goes on any more, or where bytes came and no more
// follow at once, or `capacity` of them. How many came, 2^32 - 1 for a failure.
uint32_t board_run(Board* board, uint64_t cycles, uint8_t* bytes, uint32_t capacity, State* state) try {
    const uint64_t end = board->cycle + cycles;
    const uint64_t pause = PAUSE + (LINE ? 20 * (board->sender.bit >> FRACTION) : 0);
    uint64_t came = board->cycle;
    uint32_t count = 0;
    while (board->cycle < end && count < capacity && !board->idle()) {
        if (board->step(bytes[count])) {
            ++count;
            came = board->cycle;
        }
        if (count && board->cycle > came + pause) break;
    }
    const auto& top = board->top;
    const auto queued = static_cast<uint32_t>(board->queue.size() + !board->sender.at_rest());
    *state = {board->cycle, board->sent, board->received, board->receiver.framing,
              queued, board->idle(), bool(top.ready), bool(top.busy), bool(top.error)};
    return count;
} catch (const std::exception& exception) {
    error = exception.what();
    return ~0u;
}
}
