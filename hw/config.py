"""The one frozen set of parameters that every part of the engine is made from."""

from dataclasses import dataclass
from typing import cast

import numpy as np
from amaranth.hdl import signed, unsigned
from amaranth.lib import data
from amaranth.utils import ceil_log2

from sobolpath.golden.machine import image as images
from sobolpath.golden.machine.capacity import fitted
from sobolpath.golden.machine.image import Kind, MemoryImage, interleaved
from sobolpath.golden.machine.lanes import neurons
from sobolpath.golden.machine.model import Model
from sobolpath.golden.machine.schedule import Machine, Schedule, plan
from sobolpath.golden.topology.paths import MAX_LOG2_NEURONS, Paths

from .memories import MemorySize, of_path_engine
from .parameters import Parameters

ACTIVATION = unsigned(8)
RESULT = signed(32)
LOGIT = data.StructLayout({"data": RESULT, "last": 1})
PROGRAM_BITS = 16


#: The first word of a block of the program: the fields of ``golden.machine.image.HEADER``.
HEADER = data.StructLayout(
    {name: unsigned(digits) for name, digits in images.HEADER.items()} | {"kind": Kind}
)


@dataclass(frozen=True, kw_only=True)
class EngineConfig(Parameters):
    """Parameters of a path engine; every size a power of two.

    Parameters
    ----------
    lanes : weights a cycle (P).
    images : images that are inferred together and share each weight: ``lanes * images``
        multiply-accumulates a cycle.
    max_neurons : the widest layer.
    weight_words : words of ``lanes`` weights; their product bounds the paths of all junctions. A
        power of two, or that times an odd number up to 15.
    bias_neurons : neurons of all layers but the first.
    max_outputs : the widest last layer, copies included.
    input_width : neurons of the first layer that are taken together, 1 to ``lanes``. As many of
        them as the paths allow are written in one cycle: ``golden.machine.lanes``.
    max_copies : 1, or the most lanes that may share a neuron of the last layer, so that it may have
        fewer neurons than there are lanes: ``golden.machine.widen``. Above 1 the reader has an
        adder.
    program_words : 16-bit words that describe the inputs, the junctions and the outputs.
    requantizers : values that leave the accumulators a cycle, 1 to ``lanes * images``. A row then
        takes max(fan-in, groups) cycles, so junctions of fewer paths a neuron stall.
    memory_register : registers behind weight and activation memory, for a faster clock: one cycle
        more from a step to what is written of it.
    crossbar_registers : stages of the crossbar's butterfly that end in a register, 0 the first.
    product_register : a register between multiplier and accumulator, for the same.

    Raises ``ValueError`` for a value out of range.
    """

    lanes: int = 8
    max_neurons: int = 2048
    weight_words: int = 16384
    bias_neurons: int = 2048
    max_outputs: int = 256
    program_words: int = 256
    requantizers: int = 1
    memory_register: bool = False
    crossbar_registers: tuple[int, ...] = ()
    product_register: bool = False
    images: int = 1
    max_copies: int = 1
    input_width: int = 1

    def __post_init__(self):
        self.check_powers(
            ("lanes", 1, 1024),
            ("max_neurons", 2, 2**MAX_LOG2_NEURONS),
            ("bias_neurons", 2, 65536),
            ("max_outputs", 2, self.max_neurons),
            ("program_words", 16, 65536),
            ("images", 1, 16),
            ("requantizers", 1, self.values),
            ("max_copies", 1, self.lanes),
            ("input_width", 1, self.lanes),
        )
        words = self.weight_words
        if type(words) is not int or not 2 <= words <= 65536 or words // (words & -words) > 15:
            raise ValueError(
                "weight_words must be a power of two, or that times an odd number up to 15, "
                f"from 2 to 65536, not {words!r}"
            )
        for name in ("max_neurons", "bias_neurons", "max_outputs"):
            if getattr(self, name) < 2 * self.lanes:
                raise ValueError(
                    f"{name} must be at least twice the lanes, not {getattr(self, name)}"
                )
        if self.max_outputs * self.images > 1 << PROGRAM_BITS:
            raise ValueError(
                f"max_outputs must be at most {(1 << PROGRAM_BITS) // self.images} for "
                f"{self.images} images, not {self.max_outputs}"
            )
        self.check_flags("memory_register", "product_register")
        stages = self.crossbar_registers
        if (
            not isinstance(stages, tuple)
            or not all(type(stage) is int and 0 <= stage < self.lane_bits for stage in stages)
            or len(set(stages)) < len(stages)
        ):
            raise ValueError(
                "crossbar_registers must be a tuple of different stages below "
                f"{self.lane_bits}, not {stages!r}"
            )

    @property
    def lane_bits(self) -> int:
        """q, the digits of a lane."""
        return ceil_log2(self.lanes)

    @property
    def values(self) -> int:
        """Values of a row: of each lane that of every image. Value lane * images + image."""
        return self.lanes * self.images

    @property
    def groups(self) -> int:
        """Cycles in which a row of accumulators leaves: values / requantizers."""
        return self.values // self.requantizers

    @property
    def store_values(self) -> int:
        """Activations that are written together: a group, or a word of inputs."""
        return max(self.requantizers, self.input_width * self.images)

    @property
    def item_bits(self) -> int:
        """Bits of a neuron: one activation of each image, that of the first one in the low byte."""
        return 8 * self.images

    @property
    def input_bits(self) -> int:
        """Bits of a word of inputs: ``input_width`` neurons, the first one lowest."""
        return self.input_width * self.item_bits

    @property
    def neuron_bits(self) -> int:
        """Digits of a neuron, or of a row and a lane."""
        return ceil_log2(self.max_neurons)

    @property
    def rows(self) -> int:
        """Rows of the activation memory: of the widest layer, twice."""
        return cast(int, self.machine.rows)  # Machine.of gives them

    @property
    def row_bits(self) -> int:
        """Digits of a row of the activation memory."""
        return ceil_log2(self.rows)

    @property
    def step_bits(self) -> int:
        """Digits of a junction's step number."""
        return ceil_log2(self.weight_words)

    @property
    def wait_bits(self) -> int:
        """Digits of the longest wait before a junction: less than twice the drain."""
        return (2 * self.machine.drain).bit_length()

    @property
    def accumulator_bits(self) -> int:
        """A neuron's products sum to at most 2**neuron_bits * 255 * 128 in magnitude."""
        return self.neuron_bits + 16

    @property
    def memories(self) -> dict[str, MemorySize]:
        """The engine's memories by name."""
        return of_path_engine(self)

    @property
    def registers(self) -> int:
        """Registers beyond the shortest pipeline."""
        return self.memory_register + len(self.crossbar_registers) + self.product_register

    @property
    def machine(self) -> Machine:
        """The :class:`golden.machine.schedule.Machine` that networks are packed for."""
        return Machine.of(self)

    @property
    def mirror(self) -> int:
        """How far apart an inference's activations are from those of the one before, in values."""
        return self.rows // 2 * self.values

    def order(self, topology: Paths, layer: int) -> np.ndarray:
        """The neurons of a layer in the order in which they stand: ``int64`` (n_l,)."""
        return neurons(topology, layer, self.lanes, self.input_width).ravel()

    def schedule(self, topology: Paths) -> Schedule:
        """The cycles of a network: :func:`golden.machine.schedule.plan`."""
        return plan(topology, self.machine)

    def image(self, model: Model) -> MemoryImage:
        """Pack a model for this engine; ``InputError`` if it does not fit."""
        return fitted(model, self)

    def inputs(self, images: np.ndarray) -> list[int]:
        """``uint8`` (B, n_0) as the engine's stream ``i`` takes them: a list of integers.

        B must be a multiple of the images that are inferred together.
        """
        taken = interleaved(images, self.images).reshape(-1, self.input_width * self.images)
        return [int.from_bytes(activations.tobytes(), "little") for activations in taken]


#: Named configurations: ``tiny`` for tests, the others for the board of that name, every one of
#: ``boards.NAMES``. ``icebreaker`` has all sixteen 8 x 8 multipliers of the iCE40UP5K at work,
#: ``icebreaker-1`` eight of them, with room for more biases and outputs.
CONFIGS = {
    "tiny": EngineConfig(
        lanes=4,
        max_neurons=64,
        weight_words=256,
        bias_neurons=128,
        max_outputs=16,
        program_words=64,
    ),
    "icebreaker": EngineConfig(
        images=2, bias_neurons=1024, max_outputs=128, crossbar_registers=(1,)
    ),
    "icebreaker-1": EngineConfig(crossbar_registers=(1,)),
    "hx8k": EngineConfig(
        max_neurons=1024,
        weight_words=1024,
        bias_neurons=512,
        memory_register=True,
        crossbar_registers=(1,),
        product_register=True,
    ),
    "ulx3s": EngineConfig(
        lanes=64,
        weight_words=2048,
        requantizers=4,
        memory_register=True,
        crossbar_registers=(1, 3, 5),
        product_register=True,
        max_copies=4,
        input_width=8,
    ),
    "tangnano9k": EngineConfig(
        images=2,
        weight_words=4608,
        bias_neurons=1024,
        program_words=128,
        memory_register=True,
        crossbar_registers=(2,),
        product_register=True,
    ),
    "orangecrab": EngineConfig(
        lanes=16,
        weight_words=4096,
        memory_register=True,
        crossbar_registers=(1, 3),
        product_register=True,
        max_copies=2,
    ),
}
#: Boards that take the engine of another: a larger device, or the same on another board.
CONFIGS |= {"upduino": CONFIGS["icebreaker"], "orangecrab-85": CONFIGS["ulx3s"]}
