"""Cycles of the path-order engine, in closed form.

A junction issues one block a cycle, as :mod:`sim.conflicts` counts for paths without conflicts.
Beside its blocks it fetches its header and columns, fills and drains the pipeline, and then goes
over its neurons once: each sum gets its bias and is requantized. The border of two epochs costs
nothing: where the row of the last block comes again, the sum is handed on. Nothing depends on the
data.
"""

from dataclasses import dataclass

from ..topology.paths import Paths, log2_exact
from .image import HEADER_WORDS, PathOrderMachine

START = 2  # cycles from the last input taken to the first junction's header
SINGLE = 4  # more where a single word has all inputs: it is taken before anything begins
BEGIN = 1  # before words of several inputs are taken: the loader is told how many are to come
PIPELINE = 8  # from the start of the blocks to the first neuron swept, beside one cycle a block
SWEEP = 5  # from the first neuron swept to the next junction's header, beside one a neuron
LOGIT = 5  # from one logit to the next
FIRST = 3  # from the first neuron swept to its logit
RESTART = 2  # between inferences, beside the latency and one cycle for each word of inputs


@dataclass(frozen=True)
class PathOrderSchedule:
    """When things happen.

    Parameters
    ----------
    blocks : per junction, its blocks, one a cycle.
    fetches : per junction, cycles in which its header and columns are read.
    sweeps : per junction, cycles from its first neuron swept to the end of the sweep, that of the
        last one to the last logit.
    pipeline : cycles a junction that are none of these.
    inputs : cycles in which inputs are written: one for each word of them.
    ahead : words are of several inputs. All of an inference are taken before the first of them is
        written, those of the next one while this one runs.
    wide : the topology.
    """

    blocks: tuple[int, ...]
    fetches: tuple[int, ...]
    sweeps: tuple[int, ...]
    pipeline: int
    inputs: int
    ahead: bool
    wide: Paths

    @property
    def copies(self) -> int:
        """1: the last layer needs a neuron for every lane."""
        return 1

    @property
    def words(self) -> int:
        """Words that the inputs of an inference come in."""
        return self.inputs

    @property
    def bases(self) -> tuple[int, ...]:
        """Each layer but the last stands where the one before stood."""
        return (0,) * len(self.blocks)

    @property
    def steady(self) -> int:
        """Cycles from the last input written to the last logit written."""
        parts = (*self.blocks, *self.fetches, *self.sweeps)
        return START + sum(parts) + self.pipeline * len(self.blocks)

    @property
    def latency(self) -> int:
        """Cycles from the last input taken to the last logit written, of an engine at rest."""
        return self.steady + self.inputs * self.ahead + SINGLE * (self.inputs == 1)

    @property
    def tasks(self) -> dict[str, int]:
        """Cycles of an interval in which inputs are written, and the others."""
        return {"running": self.interval - self.inputs, "loading": self.inputs}

    @property
    def interval(self) -> int:
        """Cycles between inferences where inputs wait and logits do not."""
        return self.steady + RESTART + BEGIN * self.ahead + self.inputs


def plan(
    topology: Paths, machine: PathOrderMachine, room: Paths | None = None
) -> PathOrderSchedule:
    """The :class:`PathOrderSchedule` of a network; it does not depend on the data.

    ``room`` : the network that it may grow to, whose columns are all read; itself unless given.
    """
    *hidden, outputs = topology.layers[1:]
    digits = [log2_exact(count, "paths") for count in (room or topology).paths]
    return PathOrderSchedule(
        blocks=tuple(count // machine.lanes for count in topology.paths),
        fetches=tuple(HEADER_WORDS + 2 * (each + 1) for each in digits),
        sweeps=(*(width + SWEEP for width in hidden), LOGIT * (outputs - 1) + FIRST),
        pipeline=PIPELINE,
        inputs=topology.layers[0] // machine.input_width,
        ahead=machine.input_width > 1,
        wide=topology,
    )
