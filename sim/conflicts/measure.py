"""What the machine of :mod:`sim.conflicts.banks` needs for whole networks, and the engine beside
it."""

from collections.abc import Iterator, Sequence
from typing import Any

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.lanes import junction_matrix
from sobolpath.golden.machine.schedule import Machine, plan
from sobolpath.golden.support import cli
from sobolpath.golden.topology.paths import Paths, log2_exact
from sobolpath.golden.topology.patterns import check_integer

from .banks import CROSSBARS, MOST_DEPTH, MOST_LANES, simulate
from .patterns import Stream, build, stream

COMPARED = ("sobol", "scrambled", "cascaded", "pseudo-random", "fixed-fan", "scheduled")
ENGINE_LIKE = ("sobol", "omitted", "scrambled", "shifted")  # no conflict in path order, by proof


def engine_cycles(topology: Paths, machine: Machine) -> dict[str, int]:
    """The engine's latency (:func:`golden.machine.schedule.plan`) as ``total``, and its parts:
    ``int``.

    ``blocks`` : steps, N_l / P of each junction, which is what the machine of
    :mod:`sim.conflicts.banks` counts for paths without conflicts.
    ``waits`` : where a neuron has fewer paths than the cycles in which a row of accumulators
    leaves, every row but a junction's last waits for the difference.
    ``fill_and_drain`` : what is left, before, between and after the junctions.
    ``index_bits`` : of the engine's own matrices, the connectivity in the order in which it works.

    Raises ``InputError`` where the lanes do not fit the topology.
    """
    schedule, lanes = plan(topology, machine), machine.lanes
    blocks = topology.total_paths // lanes
    waits = sum(schedule.spans) - blocks
    return {
        "total": schedule.latency,
        "blocks": blocks,
        "waits": waits,
        "fill_and_drain": schedule.latency - blocks - waits,
        "index_bits": sum(junction_matrix(topology, j, lanes).size for j in topology.junctions),
    }


def _engine(topologies, lanes):
    """The engine's cycles for the first topology that it runs; ``None`` where it runs none."""
    for topology in topologies:
        try:
            return engine_cycles(topology, Machine(lanes=lanes))
        except InputError:
            continue
    return None


def measure(
    layers: Sequence[int],
    paths: Sequence[int],
    *,
    lanes: Sequence[int],
    queues: Sequence[int],
    crossbars: Sequence[str] = CROSSBARS,
    names: Sequence[str] = COMPARED,
    seed: int = 1,
) -> list[dict[str, Any]]:
    """Simulate every pattern at every number of lanes; the results for JSON, a list by lanes.

    Parameters are those of the command. Every entry has ``lanes``, ``blocks``, ``engine`` (see
    :func:`engine_cycles`; ``None`` where it runs no pattern) and ``patterns``, a list of ``name``,
    ``index_bits``, ``index_bits_per_weight``, ``least``, ``lockstep`` and one entry a crossbar:
    a list, one entry a queue depth. Cycles are in all, a block's, and the share of the cycles in
    which a bank works. Raises ``InputError`` for sizes that do not fit.
    """
    for count in lanes:
        check_integer(count, "lanes", 1, MOST_LANES)
        log2_exact(count, "lanes")
    for depth in queues:
        check_integer(depth, "queue depth", 1, MOST_DEPTH)
    made = {name: build(name, layers, paths, seed=seed) for name in names}
    topologies, results = list(made.values()), []
    for name in names:
        for junction in made[name].junctions:  # what does not fit the most lanes, before the work
            stream(name, made[name], junction, max(lanes), seed=seed)
    work = len(lanes) * len(paths)
    with cli.progress(total=work, unit="junction", desc="conflicts") as bar:
        for count in lanes:
            streams: dict[str, list[Stream]] = {name: [] for name in names}
            cycles: dict[str, Any] = dict.fromkeys(crossbars, 0)
            for junction in topologies[0].junctions:
                for name in names:
                    streams[name].append(stream(name, made[name], junction, count, seed=seed))
                sides = [streams[name][-1] for name in names]
                sources, targets = [s.sources for s in sides], [s.targets for s in sides]
                for crossbar in crossbars:
                    cycles[crossbar] += simulate(sources, targets, count, queues, crossbar)
                bar.update()
            results.append(
                {
                    "lanes": count,
                    "blocks": sum(s.blocks for s in streams[names[0]]),
                    "engine": _engine(topologies, count),
                    "patterns": [
                        _entry(name, streams[name], {k: v[row] for k, v in cycles.items()}, queues)
                        for row, name in enumerate(names)
                    ],
                }
            )
    return results


def _entry(name, streams, cycles, queues):
    blocks, paths = sum(s.blocks for s in streams), sum(s.sources.size for s in streams)

    def figures(count):
        busy = paths / (count * streams[0].lanes)
        return {"cycles": count, "cycles_per_block": count / blocks, "utilization": busy}

    bits = sum(s.index_bits for s in streams)
    return {
        "name": name,
        "index_bits": bits,
        "index_bits_per_weight": bits / paths,
        "least": sum(s.least for s in streams),
        "lockstep": figures(sum(s.lockstep for s in streams)),
        **{
            crossbar: [
                {"queue": depth, **figures(int(count))}
                for depth, count in zip(queues, counts, strict=True)
            ]
            for crossbar, counts in cycles.items()
        },
    }


def failures(results: list[dict[str, Any]], crossbars: Sequence[str]) -> Iterator[str]:
    """What cannot be: a line each."""
    for result in results:
        for pattern in result["patterns"]:
            for figures in (figures for crossbar in crossbars for figures in pattern[crossbar]):
                where = f"{pattern['name']} paths on {result['lanes']} banks"
                if figures["cycles"] < pattern["least"]:
                    yield f"{where} must take {pattern['least']} cycles, not {figures['cycles']}"
                if pattern["name"] in ENGINE_LIKE and figures["cycles"] != result["blocks"]:
                    yield f"{where} must take {result['blocks']} cycles, not {figures['cycles']}"
