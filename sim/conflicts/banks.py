"""The paper's machine in path order: P paths a cycle on P memory banks, cycle by cycle.

Keller & Van keirsbilck, section 4.4, read 2^m activations of consecutive paths at once and claim
that Sobol' paths never meet a bank twice. This machine runs any paths and counts what they cost. It
is a model of its own, of queues and ports: it computes no activation, and ``hw`` is not part of it.

**The machine.** The source layer lies in P banks, the target layer in P others; neuron x of n lies
in bank x P // n, as in :mod:`golden.topology.quality`. A source bank reads one word a cycle. A
target bank adds one word a cycle to one of its neurons: read, add and write are pipelined and
forwarded, so that one neuron may be met in every cycle. Weights stream in path order and never
stall.

- **Lanes.** P of them hold a *block*, P consecutive paths; path i is in lane i mod P of block
  i // P, and the last block may be short. The next block enters when no path is left in the lanes.
- **Request queues**, one in front of every source bank, hold up to Q paths that wait for their
  source to be read. A queue takes as many paths of a block in one cycle as it has room for, in path
  order; the others wait in their lanes. (A queue of so many inputs is dear; it favours paths that
  conflict.)
- **Crossbar**, P ports to P ports, and a *write queue* of up to Q words behind each output, before
  the target bank. In a cycle a source bank reads the word of the head of its queue and offers it;
  where several go to one target bank, the oldest, of the least path number, goes first. One that
  does not go stays, and all behind it in its queue wait as well. The *plain* crossbar gives an
  output one word a cycle; as the bank adds one a cycle, only one place behind it is ever used. The
  *buffered* crossbar gives an output as many words as there is room for, which costs memory at the
  crossing points; it, too, favours paths that conflict.

**A cycle** is, in this order: every target bank adds the head of its write queue; words cross and
leave their request queues; lanes that were emptied in an earlier cycle take the next block, and
paths enter the request queues. So a queue that is full moves on in every cycle, and a path that
nothing hinders is issued in one cycle, read and routed in the next, added in the third.

**The count.** A junction is done when the last word is added; the next one begins then. The two
cycles that the first path is under way are left out: a junction without a conflict takes exactly
its number of blocks, N / P. Whatever the paths and the queues,

    cycles >= max(blocks, paths in the busiest source bank, paths in the busiest target bank)

and with the plain crossbar, as only older paths delay a path,

    cycles <= sum over the blocks of (reads + writes - 1),

``reads`` and ``writes`` the paths of a block in its busiest source and target bank.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from sobolpath.golden.errors import InputError, check_name
from sobolpath.golden.topology.patterns import check_integer

CROSSBARS = ("plain", "buffered")
MOST_LANES, MOST_DEPTH = 2**10, 2**24


def simulate(
    sources: ArrayLike,
    targets: ArrayLike,
    lanes: int,
    depths: Sequence[int],
    crossbar: str = "plain",
) -> np.ndarray:
    """Cycles of every stream of paths at every queue depth: ``int64`` (streams, depths).

    Parameters
    ----------
    sources, targets : integers (streams, paths), the bank of every path's source and target neuron,
        0 to ``lanes`` - 1.
    lanes : P, 1 to 1,024.
    depths : queue depths Q, 1 to 2**24 each; one of at least ``paths`` is as good as unbounded.
    crossbar : "plain" or "buffered".

    Raises ``InputError`` where these do not hold.
    """
    sources, targets = np.asarray(sources), np.asarray(targets)
    _check(sources, targets, lanes, depths, crossbar)
    stream = np.repeat(np.arange(len(sources)), len(depths))  # of each run
    depth = np.tile(np.asarray(depths, np.int64), len(sources))[:, None]
    width = depth if crossbar == "buffered" else np.ones_like(depth)
    requests = _Requests(sources, targets, lanes)
    runs, total = len(stream), sources.shape[1]
    queued = np.zeros((runs, lanes), np.int64)  # words in the write queues
    accepted, served, waiting = np.zeros_like(queued), np.zeros_like(queued), np.zeros_like(queued)
    block, added, last = np.zeros(runs, np.int64), np.zeros(runs, np.int64), np.zeros(runs, int)
    cycle = 0
    while (added < total).any():
        adding = queued > 0
        queued -= adding
        added += adding.sum(axis=1)
        last[adding.any(axis=1)] = cycle
        run, bank, output = requests.cross(
            stream, served, accepted > served, np.minimum(depth - queued, width)
        )
        served[run, bank] += 1
        queued += np.bincount(run * lanes + output, minlength=queued.size).reshape(queued.shape)
        idle = ~waiting.any(axis=1) & (block < requests.blocks)
        waiting[idle] = requests.loads[stream[idle], block[idle]]
        block += idle
        entering = np.minimum(waiting, depth - (accepted - served))
        accepted += entering
        waiting -= entering
        cycle += 1
    return (last - 1).reshape(len(sources), len(depths))


class _Requests:
    """What the streams ask of the source banks, and in which order."""

    def __init__(self, sources, targets, lanes):
        streams, paths = sources.shape
        self.lanes, self.blocks, self.paths = lanes, -(-paths // lanes), paths
        self.order = np.argsort(sources, axis=1, kind="stable")  # bank after bank, oldest first
        self.output = np.take_along_axis(targets, self.order, axis=1).astype(np.int64)
        count = np.stack([np.bincount(row, minlength=lanes) for row in sources])
        self.first = np.cumsum(count, axis=1) - count  # of each bank, in ``order``
        place = np.arange(streams)[:, None] * self.blocks + np.arange(paths) // lanes
        self.loads = np.bincount(
            (place * lanes + sources).ravel(), minlength=streams * self.blocks * lanes
        ).reshape(streams, self.blocks, lanes)

    def cross(self, stream, served, offering, room):
        """The words that cross: their run, source bank and target bank, three arrays.

        ``served`` requests of each bank are done, ``offering`` banks have one at the head of their
        queue, and the outputs have ``room``; all (runs, lanes).
        """
        head = np.minimum(self.first[stream] + served, self.paths - 1)
        path = self.order[stream[:, None], head]
        output = np.where(offering, self.output[stream[:, None], head], self.lanes)
        # One number sorts by output, then age; below it, the bank that offers.
        key = (output * self.paths + path) * self.lanes + np.arange(self.lanes)
        key.sort(axis=1)
        output = key // (self.lanes * self.paths)
        place = np.arange(self.lanes)
        begins = np.ones(output.shape, bool)
        begins[:, 1:] = output[:, 1:] != output[:, :-1]
        rank = place - np.maximum.accumulate(np.where(begins, place, 0), axis=1)
        none = np.zeros((len(room), 1), room.dtype)  # for the banks that offer nothing
        limit = np.take_along_axis(np.hstack([room, none]), output, axis=1)
        run, column = np.nonzero(rank < limit)
        return run, key[run, column] % self.lanes, output[run, column]


def _check(sources, targets, lanes, depths, crossbar):
    check_integer(lanes, "lanes", 1, MOST_LANES)
    for depth in depths:
        check_integer(depth, "queue depth", 1, MOST_DEPTH)
    check_name("crossbar", crossbar, CROSSBARS)
    if sources.ndim != 2 or sources.shape != targets.shape or not sources.size:
        raise InputError(
            "sources and targets must be of one shape (streams, paths), 1 path or more, "
            f"not {sources.shape} and {targets.shape}"
        )
    for banks in (sources, targets):
        if banks.dtype.kind not in "iu" or banks.min() < 0 or banks.max() >= lanes:
            raise InputError(
                f"banks must be integers from 0 to {lanes - 1}, not {banks.dtype} from "
                f"{banks.min()} to {banks.max()}"
            )
