# amaranth: UnusedElaboratable=no
"""The host protocol: the hardware against its software twin, both against the documented bytes."""

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from amaranth.sim import Simulator

from sobolpath.boards.gateware import protocol
from sobolpath.boards.gateware.host import Host
from sobolpath.boards.gateware.protocol import Command, Identity, Status
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.image import Space
from sobolpath.hw.config import CONFIGS, EngineConfig
from sobolpath.hw.engines import ENGINES
from sobolpath.hw.path_order.config import PathOrderConfig
from tests.support.streams import at_random, get, put

pytestmark = pytest.mark.timeout(120)
CONFIG = CONFIGS["icebreaker"]


class Bench:
    """A host between a link and a stand-in for the engine, all of it stalled at random."""

    def __init__(self, seed, config=CONFIG):
        print("seed", seed)
        self.rng = random.Random(seed)
        self.stalls = at_random(self.rng, 0.3) if seed else None
        self.host = Host(config=config)
        self.written, self.inputs, self.answers, self.identified = [], [], [], 0

    def run(self, transactions, *, flags=0):
        """Each transaction is (command, length of the reply, logits or None)."""
        simulator = Simulator(self.host)
        simulator.add_clock(Fraction(1, 1_000_000))

        async def link(ctx):
            ctx.set(self.host.flags, flags)
            for command, length, _ in transactions:
                await put(ctx, self.host.i, command, stalls=self.stalls)
                reply, _ = await get(ctx, self.host.o, length, int, stalls=self.stalls)
                self.answers.append(bytes(reply))

        async def engine(ctx):
            for command, _, logits in transactions:
                if logits is None:
                    continue
                images, size = self.host.config.images, self.host.config.input_bits // 8
                count = (len(command) - 1) // size
                inputs, _ = await get(ctx, self.host.inputs, count, int, stalls=self.stalls)
                words = np.array([list(item.to_bytes(size, "little")) for item in inputs])
                self.inputs.append(words.reshape(-1, images).tolist())
                await ctx.tick().repeat(17)
                results = [
                    {"data": int(value), "last": index == len(logits) - 1}
                    for index, value in enumerate(logits)
                ]
                await put(ctx, self.host.logits, results, stalls=self.stalls)

        async def memory(ctx):
            def read(item):
                return Space(getattr(item.space, "value", item.space)), item.address, item.data

            while True:
                items, _ = await get(ctx, self.host.write, 1, read, stalls=self.stalls)
                self.written += items

        async def watch(ctx):
            async for _, _, identified in ctx.tick().sample(self.host.identified):
                self.identified += identified

        simulator.add_testbench(link)
        simulator.add_testbench(engine)
        simulator.add_testbench(memory, background=True)
        simulator.add_testbench(watch, background=True)
        simulator.run()


@pytest.mark.parametrize("seed", [0, 1, 2])
class TestHardware:
    def test_identify(self, seed):
        bench, command = Bench(seed), protocol.identify()
        bench.run([(command, protocol.IDENTITY_BYTES + 2, None)] * 2, flags=0b10)
        identity = Identity.parse(protocol.payload(command, bench.answers[0]))
        assert identity == Identity(
            lanes=8,
            max_neurons=2048,
            weight_words=16384,
            bias_neurons=1024,
            max_outputs=128,
            program_words=256,
            requantizers=1,
            images=2,
            registers=1,
            overrun=True,
        )
        assert bench.answers[0] == bench.answers[1] == protocol.reply(command, identity.payload())
        assert bench.identified == 2

    def test_write(self, seed):
        bench = Bench(seed)
        content = bench.rng.randbytes(300)
        commands = [
            *protocol.write(Space.WEIGHTS, 0x1FF80, content[:128]),
            *protocol.write(Space.BIASES, 0, content[128:129]),
            *protocol.write(Space.PROGRAM, 0x80, content[129:]),
        ]
        bench.run([(command, 2, None) for command in commands])
        assert bench.answers == [protocol.reply(command) for command in commands]
        expected = [(Space.WEIGHTS, 0x1FF80 + n, content[n]) for n in range(128)]
        expected += [(Space.BIASES, 0, content[128])]
        expected += [(Space.PROGRAM, 0x80 + n, content[129 + n]) for n in range(171)]
        assert bench.written == expected

    @pytest.mark.parametrize(("images", "width"), [(1, 1), (2, 1), (16, 1), (1, 8), (2, 4), (4, 2)])
    def test_infer(self, seed, images, width):
        bench = Bench(seed, replace(CONFIG, images=images, input_width=width))
        shapes = [(images, 64), (images, 16)]
        inputs = [
            np.frombuffer(bench.rng.randbytes(n * width), np.uint8).reshape(n, width)
            for n, width in shapes
        ]
        logits = [[-(2**31), 2**31 - 1, 0, -1], [0x01020304]]
        commands = [protocol.infer(some) for some in inputs]
        sizes = [4 * len(values) + 2 for values in logits]
        bench.run(list(zip(commands, sizes, logits, strict=True)))
        assert bench.inputs == [some.T.tolist() for some in inputs]
        for command, answer, values in zip(commands, bench.answers, logits, strict=True):
            payload = protocol.payload(command, answer)
            assert payload == np.array(values, "<i4").tobytes()
            assert protocol.logits(payload).tolist() == values

    @pytest.mark.parametrize("width", [1, 4])
    def test_an_inference_after_one_with_a_byte_too_many(self, seed, width):
        """The byte stood for the first image of a neuron that is none: it is forgotten."""
        bench = Bench(seed, replace(CONFIG, images=2, input_width=width))
        inputs = np.frombuffer(bench.rng.randbytes(2 * 16), np.uint8).reshape(2, 16)
        command = protocol.infer(inputs)
        bench.run([(command + b"x", 6, [1]), (command, 6, [2])])
        assert bench.inputs == [inputs.T.tolist()] * 2
        assert protocol.logits(protocol.payload(command, bench.answers[1])).tolist() == [2]

    def test_unknown_commands(self, seed):
        bench = Bench(seed)
        known = {Command.IDENTIFY, Command.INFER, *(Command.WRITE + space for space in Space)}
        commands = [bytes([byte]) for byte in range(256) if byte not in known]
        assert len(commands) == 251
        bench.run([(command, 2, None) for command in commands])
        for command, answer in zip(commands, bench.answers, strict=True):
            assert answer == protocol.reply(command, status=Status.UNKNOWN)
        assert not bench.written
        assert not bench.inputs


def test_a_write_across_the_low_digits_end():
    """The last address is given by its low 16 digits, and may be below the first one's."""
    (command,) = protocol.write(Space.WEIGHTS, 0xFFF0, bytes(range(32)))
    assert command[:6].hex() == "10f0ff000f00"
    bench = Bench(0)
    bench.run([(command, 2, None)])
    assert bench.answers == [protocol.reply(command)]
    assert bench.written == [(Space.WEIGHTS, 0xFFF0 + n, n) for n in range(32)]


class TestSoftware:
    def test_crc_is_the_catalogue_s(self):
        assert protocol.CRC.compute(b"123456789") == 0xA1  # CRC-8/I-432-1

    def test_crc_bit_by_bit(self):
        content, register = random.Random(5).randbytes(100), 0
        for byte in content:
            register ^= byte
            for _ in range(8):
                register = (register << 1) ^ (0x107 if register & 0x80 else 0)
        assert protocol.CRC.compute(content) == register ^ 0x55

    def test_documented_bytes(self):
        """The examples of docs/host-protocol.md."""
        assert protocol.reply(b"\x01", Identity.of(CONFIG).payload()).hex(" ") == (
            "00 53 50 03 03 0b 0e 0a 07 08 00 01 01 00 fb"
        )
        (command,) = protocol.write(Space.BIASES, 0x10, b"\x01\x02\x03\x04")
        assert command.hex(" ") == "11 10 00 00 13 00 01 02 03 04"
        assert protocol.reply(command).hex(" ") == "00 3d"

    def test_write_splits(self):
        first, second = protocol.write(Space.WEIGHTS, 0xFF00, bytes(65537))
        assert first[:6].hex() == "1000ff00fffe"
        assert second.hex() == "1000ff0100ff00"
        assert protocol.write(Space.PROGRAM, 0, b"") == []

    def test_identity_of_every_configuration(self):
        for config in (config for configs in ENGINES.values() for config in configs.values()):
            identity = Identity.of(config)
            assert Identity.parse(identity.payload()) == identity
            assert identity.lanes == config.lanes
            assert identity.machine == config.machine
            assert identity.path_order == isinstance(config, PathOrderConfig)

    def test_weight_words_with_an_odd_factor(self):
        """The factor, halved, is in the high three digits of the byte: 4,608 is 9 * 2**9."""
        assert Identity.of(CONFIGS["tangnano9k"]).payload()[5] == 4 << 5 | 9
        words = [odd << digits for odd in range(1, 16, 2) for digits in range(1, 13)]
        payloads = [replace(Identity.of(CONFIG), weight_words=n).payload() for n in words]
        assert [Identity.parse(payload).weight_words for payload in payloads] == words
        assert len({payload[5] for payload in payloads}) == len(words) == 96

    def test_registers_and_copies_share_a_byte(self):
        sizes = {"lanes": 1024, "max_neurons": 2048, "bias_neurons": 2048, "max_outputs": 2048}
        for registers, copies, byte in ((0, 1, 0x00), (10, 1024, 0xAA), (3, 4, 0x23)):
            stages = tuple(range(registers))
            config = EngineConfig(**sizes, max_copies=copies, crossbar_registers=stages)
            identity = Identity.of(config)
            assert identity.payload()[11] == byte
            assert Identity.parse(identity.payload()).machine == config.machine

    def test_images_and_the_input_width_share_a_byte(self):
        sizes = {"lanes": 1024, "max_neurons": 2048, "bias_neurons": 2048, "max_outputs": 2048}
        for images, width, byte in ((1, 1, 0x00), (16, 1024, 0xA4), (1, 8, 0x30), (2, 1, 0x01)):
            identity = Identity.of(EngineConfig(**sizes, images=images, input_width=width))
            assert identity.payload()[10] == byte
            assert (identity.images, identity.input_width) == (images, width)
            assert Identity.parse(identity.payload()) == identity

    @pytest.mark.parametrize(
        ("payload", "message"),
        [
            (b"SP", r"must identify itself with 13 bytes that begin with b'SP', not b'SP'"),
            (b"XP" + bytes(11), r"must identify itself with 13 bytes that begin with b'SP', not"),
            (b"SP\x02" + bytes(10), r"protocol version must be 3, not 2; build it again"),
        ],
    )
    def test_identity_rejects(self, payload, message):
        with pytest.raises(InputError, match=message):
            Identity.parse(payload)

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (b"\x00", r"reply must have at least 2 bytes, not 1; send a break"),
            (b"\x00\x00", r"CRC must be that of the transaction; send a break and repeat"),
            (
                protocol.reply(b"\x77", status=Status.UNKNOWN),
                r"device must know command 0x77; compare the versions",
            ),
        ],
    )
    def test_payload_rejects(self, answer, message):
        with pytest.raises(InputError, match=message):
            protocol.payload(b"\x77", answer)

    def test_every_single_bit_error_is_found(self):
        command = protocol.infer(np.arange(16, dtype=np.uint8))
        answer = protocol.reply(command, bytes(range(100, 116)))
        for bit in range(8 * len(answer)):
            flipped = bytearray(answer)
            flipped[bit // 8] ^= 1 << bit % 8
            with pytest.raises(InputError, match="CRC must be"):
                protocol.payload(command, bytes(flipped))

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (
                lambda: protocol.infer([1, 2]),
                r"inputs must be uint8 of shape \(images, n\) or \(n,\), not int64 of",
            ),
            (
                lambda: protocol.infer(np.zeros((1, 1, 4), np.uint8)),
                r"inputs must be uint8 of shape .*, not uint8 of \(1, 1, 4\)",
            ),
            (
                lambda: protocol.write(Space.WEIGHTS, 2**24 - 1, b"ab"),
                r"address and length must stay below 2\*\*24, not 16777215, 2",
            ),
            (lambda: protocol.write(Space.WEIGHTS, -1, b"a"), r"must stay below 2\*\*24, not -1"),
        ],
    )
    def test_commands_reject(self, call, message):
        with pytest.raises(InputError, match=message):
            call()
