"""The one frozen set of parameters that every part of the path-order engine is made from."""

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Shape, signed, unsigned
from amaranth.utils import ceil_log2

from sobolpath.golden.machine.image import MemoryImage, Space
from sobolpath.golden.machine.model import Model
from sobolpath.golden.path_order.capacity import fitted
from sobolpath.golden.path_order.image import PathOrderMachine
from sobolpath.golden.path_order.schedule import PathOrderSchedule, plan
from sobolpath.golden.topology.paths import MAX_LOG2_NEURONS, Paths

from ..memories import MemorySize
from ..parameters import Parameters


@dataclass(frozen=True, kw_only=True)
class PathOrderConfig(Parameters):
    """Parameters of a path-order engine; every size a power of two.

    Parameters
    ----------
    lanes : paths a cycle (P), and banks a side; at least 4, so that a word has room for a bias.
    max_neurons : the widest layer.
    weight_words : words of ``lanes`` weights; their product bounds the paths of all junctions, and
        four times the neurons of all layers but the first: their biases.
    max_paths : the most paths of a junction: an address generator has a column for each digit.
    program_words : 16-bit words: two for every digit of a path's number, for every junction.
    backward : whether errors of 16 bits can flow backwards; if not, operands have 8 bits.
    input_width : neurons of the first layer that are taken together: 1, or as many as lanes.
    memory_register : a register behind the weight memory, for a faster clock.

    Raises ``ValueError`` for a value out of range.
    """

    lanes: int = 8
    max_neurons: int = 1024
    weight_words: int = 16384
    max_paths: int = 16384
    program_words: int = 128
    backward: bool = True
    input_width: int = 1
    memory_register: bool = False

    def __post_init__(self):
        self.check_powers(
            ("lanes", 4, 1024),
            ("max_neurons", 2, 2**MAX_LOG2_NEURONS),
            ("weight_words", 2, 65536),
            ("max_paths", 2, 65536 * 1024),
            ("program_words", 16, 65536),
        )
        if self.max_neurons < 2 * self.lanes:
            raise ValueError(
                f"max_neurons must be at least twice the lanes, not {self.max_neurons}"
            )
        most = self.weight_words * self.lanes
        if not self.max_neurons <= self.max_paths <= most:
            raise ValueError(
                f"max_paths must be from max_neurons, {self.max_neurons}, to the weights, {most}, "
                f"not {self.max_paths}"
            )
        self.check_flags("backward", "memory_register")
        width = self.input_width
        if isinstance(width, bool) or width not in (1, self.lanes):
            raise ValueError(f"input_width must be 1 or {self.lanes}, the lanes, not {width!r}")

    @property
    def bank_bits(self) -> int:
        """q, the digits of a bank, or of a lane."""
        return ceil_log2(self.lanes)

    @property
    def address_bits(self) -> int:
        """A, the digits of a neuron of the widest layer. The leading q of them are its bank."""
        return ceil_log2(self.max_neurons)

    @property
    def row_bits(self) -> int:
        """Digits of an address in a bank: those of a neuron but its leading q."""
        return self.address_bits - self.bank_bits

    @property
    def index_bits(self) -> int:
        """Digits of a path's number in the address generators, and one that is always 1: its
        column is the digital shift."""
        return ceil_log2(self.max_paths) + 1

    @property
    def block_bits(self) -> int:
        """Digits of a block's number: without the digit that is always 1."""
        return self.index_bits - 1 - self.bank_bits

    @property
    def operand(self) -> Shape:
        """What the banks that are read hold: activations, or errors too."""
        return signed(16) if self.backward else unsigned(8)

    @property
    def accumulator_bits(self) -> int:
        """A neuron's products sum to at most 2**A * 255 * 128 in magnitude, those of its errors to
        less than 2**31 - 2**23: see ``golden.path_order.backward``."""
        return 32 if self.backward else self.address_bits + 16

    @property
    def images(self) -> int:
        """1: a weight meets one image."""
        return 1

    @property
    def requantizers(self) -> int:
        """1: one value a cycle leaves the accumulators."""
        return 1

    @property
    def max_copies(self) -> int:
        """1: the last layer has a neuron for every lane."""
        return 1

    @property
    def bias_neurons(self) -> int:
        """The most biases that there is room for beside some weights: half of the memory."""
        return self.weight_words * self.lanes // 8

    @property
    def max_outputs(self) -> int:
        """The last layer may be as wide as any."""
        return self.max_neurons

    @property
    def registers(self) -> int:
        """0: nothing changes the cycles; the weights are fetched ahead."""
        return 0

    @property
    def values(self) -> int:
        """Multiplications a cycle."""
        return self.lanes

    @property
    def input_bits(self) -> int:
        """Bits of a word of inputs, or of errors in their place: the first neuron lowest."""
        return self.input_width * self.operand.width

    @property
    def machine(self) -> PathOrderMachine:
        """What networks are packed for."""
        return PathOrderMachine(
            lanes=self.lanes, address_bits=self.address_bits, input_width=self.input_width
        )

    @property
    def memories(self) -> dict[str, MemorySize]:
        """The engine's memories by name."""
        rows = self.lanes << self.row_bits
        inputs = MemorySize(
            part="loader.permuter",
            words=rows // self.lanes,
            width=self.operand.width,
            unit=self.operand.width,
            item=1,
            banks=self.lanes,
        )
        return {
            **({"inputs": inputs} if self.input_width > 1 else {}),
            "weights": MemorySize(
                part="weights",
                words=self.weight_words,
                width=8 * self.lanes,
                item=self.lanes,
                space=Space.WEIGHTS,
            ),
            "operands": MemorySize(
                part="operands",
                words=rows // self.lanes,
                width=self.operand.width,
                unit=self.operand.width,
                item=1,
                banks=self.lanes,
            ),
            "accumulators": MemorySize(
                part="accumulators",
                words=rows // self.lanes,
                width=16,
                unit=16,
                item=2,
                banks=self.lanes,
            ),
            "accumulators, high": MemorySize(
                part="accumulators",
                words=rows // self.lanes,
                width=self.accumulator_bits - 16,
                unit=self.accumulator_bits - 16,
                item=2,
                banks=self.lanes,
            ),
            "program": MemorySize(
                part="control.program",
                words=self.program_words,
                width=16,
                item=2,
                space=Space.PROGRAM,
            ),
        }

    @property
    def mirror(self) -> int:
        """0: the activations of every inference stand in the same place."""
        return 0

    def order(self, topology: Paths, layer: int) -> np.ndarray:
        """The neurons of a layer in the order in which they stand: their own."""
        return np.arange(topology.layers[layer])

    def schedule(self, topology: Paths, room: Paths | None = None) -> PathOrderSchedule:
        """The cycles of a network: :func:`golden.path_order.schedule.plan`."""
        return plan(topology, self.machine, room)

    def image(self, model: Model, paths: int | None = None) -> MemoryImage:
        """Pack a model for this engine, its first ``paths`` paths a junction, or all.

        Raises ``InputError`` if it does not fit.
        """
        return fitted(model, self, self.max_paths, paths=paths)

    def inputs(self, images: np.ndarray) -> list[int]:
        """``uint8`` (B, n_0), or errors, ``int16``, as the engine's stream ``i`` takes them."""
        words = images.astype(f"<u{self.operand.width // 8}").reshape(-1, self.input_width)
        return [int.from_bytes(word.tobytes(), "little") for word in words]


#: Named configurations: ``tiny`` for tests, the others for the boards of that name and ``-paper``.
CONFIGS = {
    "tiny": PathOrderConfig(
        lanes=4,
        max_neurons=64,
        weight_words=256,
        max_paths=1024,
    ),
    "icebreaker": PathOrderConfig(backward=False),
    "ulx3s": PathOrderConfig(
        lanes=16,
        weight_words=8192,
        input_width=16,
        memory_register=True,
    ),
}
