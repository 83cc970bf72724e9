"""The parameters of an engine that learns."""

from dataclasses import dataclass

from amaranth.hdl import unsigned
from amaranth.lib import data
from amaranth.utils import ceil_log2

from sobolpath.golden.learn.arithmetic import SLOWEST
from sobolpath.golden.learn.parameters import Parameters
from sobolpath.golden.learn.program import LearnImage, fitted
from sobolpath.golden.learn.schedule import Machine, Schedule, plan
from sobolpath.golden.learn.start import FRACTIONS
from sobolpath.golden.machine.image import Space
from sobolpath.golden.machine.model import Model
from sobolpath.golden.topology.paths import Paths

from ..config import EngineConfig
from ..memories import MemorySize, of_path_engine


@dataclass(frozen=True, kw_only=True)
class LearnConfig(EngineConfig):
    """Parameters of an engine that learns: those of ``hw.config.EngineConfig``, and one more.

    Parameters
    ----------
    ports : of the memory of weights: 1 or 2 (``hw.learn.masters``).
    max_neurons : of all layers but the last, the first of which begins at a multiple of its size;
        twice that, where the next inputs are not loaded meanwhile.
    bias_neurons : of all layers but the first; they have errors.
    weight_words : a power of two.
    row_gap : a row of sums takes a cycle more than its steps: for accumulators that need one to
        begin anew. Not where a row of weights is updated every cycle.

    ``images`` and ``max_copies`` are 1. Raises ``ValueError`` for a value out of range.
    """

    ports: int = 1
    row_gap: bool = False

    def __post_init__(self):
        super().__post_init__()
        self.check_powers(
            ("ports", 1, 2), ("images", 1, 1), ("max_copies", 1, 1), ("weight_words", 2, 65536)
        )
        self.check_flags("row_gap")
        if self.row_gap and self.machine.turn == 1:
            raise ValueError("row_gap must be False where a row of weights is updated every cycle")

    @property
    def machine(self) -> Machine:
        """The :class:`golden.learn.schedule.Machine` that networks are packed for."""
        return Machine(
            lanes=self.lanes,
            requantizers=self.requantizers,
            ports=self.ports,
            registers=self.registers,
            leaving=int(self.memory_register),
            gap=int(self.row_gap),
            rows=2 * self.max_neurons // self.lanes,
            error_rows=self.bias_neurons // self.lanes,
            input_width=self.input_width,
        )

    @property
    def error_bits(self) -> int:
        """Digits of a row of the errors."""
        return ceil_log2(self.machine.error_rows)

    @property
    def address_bits(self) -> int:
        """Digits of a step's address: a row of activations or of weights, and a lane."""
        return max(self.row_bits, self.step_bits) + self.lane_bits

    @property
    def wait_bits(self) -> int:
        """Digits of the longest wait before a block."""
        machine = self.machine
        return (machine.learnt + 2 * machine.groups + machine.turn + 8).bit_length()

    @property
    def accumulator_bits(self) -> int:
        """Sums of errors need 32 (``golden.learn.arithmetic``)."""
        return 32

    @property
    def task(self) -> data.StructLayout:
        """What is to be done with an image. ``learn`` : it is to be learnt, as one of class
        ``label``, at the rate 2**-``rate``, with signs that stay where ``fixed`` is 1."""
        return data.StructLayout(
            {"label": range(self.max_outputs), "learn": 1, "fixed": 1, "rate": range(SLOWEST + 1)}
        )

    @property
    def memories(self) -> dict[str, MemorySize]:
        """The engine's memories by name."""
        found = of_path_engine(self)
        one, rows = self.ports == 1, self.machine.error_rows
        found["weights"] = MemorySize(
            part="lanes.masters",
            words=self.weight_words * (2 if one else 1),
            width=8 * self.lanes,
            banks=1 if one else 2,
            item=self.lanes,
            space=Space.WEIGHTS,
        )
        width = 16 * self.lanes
        found["errors"] = MemorySize(
            part="lanes.errors", words=rows, width=width, item=2, unit=16 * self.requantizers
        )
        return found

    @property
    def peek_layout(self) -> data.StructLayout:
        """Where a byte stands that is read back: of the weights, or else of the biases."""
        return data.StructLayout({"weights": 1, "address": unsigned(self.write_bits)})

    def schedule(self, topology: Paths) -> Schedule:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The cycles of a network: :func:`golden.learn.schedule.plan`."""
        return plan(topology, self.machine)

    def image(self, model: Model) -> LearnImage:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Pack a model's masters for this engine; ``InputError`` if it does not fit."""
        return fitted(Parameters.of_model(model, FRACTIONS), FRACTIONS, self)


#: Named configurations: ``tiny-learn`` for tests, the others for the board of that name.
CONFIGS = {
    "tiny-learn": LearnConfig(
        lanes=4,
        max_neurons=64,
        weight_words=256,
        bias_neurons=128,
        max_outputs=16,
        program_words=128,
    ),
    "icebreaker-learn": LearnConfig(
        max_neurons=1024,
        weight_words=8192,
        bias_neurons=1024,
        max_outputs=64,
        requantizers=2,
        crossbar_registers=(1,),
        row_gap=True,
    ),
    "ulx3s-learn": LearnConfig(
        lanes=64,
        ports=2,
        weight_words=1024,
        requantizers=4,
        memory_register=True,
        crossbar_registers=(1, 3, 5),
        product_register=True,
        input_width=8,
    ),
}
