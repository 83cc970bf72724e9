"""The pysim back end: Amaranth's own simulator. Slow, but it needs no compiler."""

from contextlib import nullcontext
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.sim import Simulator

from sobolpath.hw.engines import component

from .record import Cursor, Job, Stuck, Trace, watched

PERIOD = 1e-6  # of the clock, for waveforms
SETTLED = 4  # cycles after a network's last byte in which no inference begins; as in harness.cpp


class PysimEngine:
    """An engine in Amaranth's simulator, loaded with a network; a context manager.

    Parameters, and what :meth:`run` gives, are those of ``NativeEngine``, and the test bench is the
    counterpart of sim/harness.cpp, cycle for cycle.
    """

    name = "pysim"

    def __init__(self, job: Job, *, vcd: Path | str | None = None) -> None:
        self._job = job
        self._engine: Any = component(job.config)  # its members come of its signature
        self._cycle, self._begun = 0, 0
        self._loaded, self._work, self._done = False, None, None
        self._simulator = Simulator(self._engine)
        self._simulator.add_clock(PERIOD)
        self._simulator.add_testbench(self._bench)
        self._waves = nullcontext() if vcd is None else self._simulator.write_vcd(str(vcd))

    def __enter__(self):
        self._waves.__enter__()
        try:
            while not self._loaded:
                self._simulator.advance()
        except BaseException:
            self._waves.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *exception):
        self._waves.__exit__(*exception)

    def run(self, images: np.ndarray) -> Trace:
        """Run ``uint8`` (B, n_0) images: a :class:`sim.backends.record.Trace`."""
        self._work, self._done = np.asarray(images, np.uint8), None
        while self._done is None:
            self._simulator.advance()
        return self._done

    async def _bench(self, ctx):
        ctx.set(self._engine.o.ready, 1)
        await self._load(ctx)
        self._loaded = True
        while True:
            while self._work is None:
                await ctx.tick()
            images, self._work = self._work, None
            inferences = len(images) // self._job.config.images
            trace, before = Trace.empty(inferences, self._job), self._cycle
            finished = await self._infer(ctx, self._job.config.inputs(images), trace)
            self._begun += inferences
            self._done = replace(trace, finished=finished, total=self._cycle - before)

    async def _load(self, ctx):
        write = self._engine.write
        for space, first, content in self._job.writes:
            ctx.set(write.valid, 1)
            for address, byte in enumerate(content):
                ctx.set(write.payload, {"space": space, "address": first + address, "data": byte})
                if not ctx.get(write.ready):
                    raise Stuck(
                        f"the engine must take bytes of {space.name} while idle, but does not"
                    )
                await ctx.tick()
            ctx.set(write.valid, 0)
            await ctx.tick().repeat(SETTLED)

    async def _infer(self, ctx, inputs, trace):
        """Run all inferences; how many finished, each within the job's patience."""
        engine, patience = self._engine, self._job.patience
        words, steps = self._job.schedule.words, self._job.schedule.inputs
        outputs = self._job.outputs
        cursor, seen = Cursor(self._job, self._begun), _seen(engine)
        before, limit, logits = self._cycle, self._cycle + patience, trace.logits.reshape(-1)
        fed = got = step = loaded = 0
        while got < logits.size and self._cycle < limit:
            offered = fed < len(inputs)
            ctx.set(engine.i.valid, offered)
            ctx.set(engine.i.payload, inputs[fed] if offered else 0)
            _, _, ready, valid, logit, *inner = await ctx.tick().sample(*seen)
            step_valid, step_ready, issue, distance, row, *probe = inner
            cycle = self._cycle - before
            if offered and ready:
                fed += 1
                if fed % words == 0:
                    trace.starts[fed // words - 1] = cycle
            if step_valid and step_ready and loaded < len(trace.opens) * steps:
                if loaded % steps == 0:
                    trace.opens[loaded // steps] = cycle
                loaded += 1
                if loaded % steps == 0:
                    trace.closes[loaded // steps - 1] = cycle
            if issue and step < trace.issued.size:
                trace.issued.flat[step] = cycle - trace.starts[step // self._job.steps]
                trace.sources.flat[step] = row * self._job.config.lanes + distance
                step += 1
            self._record_writes(trace, cursor, probe, cycle)
            if valid:
                logits[got] = logit
                got += 1
                if got % outputs == 0:
                    limit = self._cycle + patience
                    trace.leaves[got // outputs - 1] = cycle
            self._cycle += 1
        return got // outputs

    def _record_writes(self, trace, cursor, probe, cycle):
        """Record what the engine writes in this cycle: activations, results, or both."""
        activation, result, place, values, result_place, sums = probe
        requantizers = self._job.config.requantizers

        def keep(where, items):
            """Whether the items belong to an inference of the run: then they are recorded."""
            if where is None or where[0] >= len(trace.values):
                return False
            number, position = where
            trace.values[number, position : position + requantizers] = items
            trace.at[number, position : position + requantizers] = cycle - trace.starts[number]
            return True

        if activation:
            keep(cursor.activation(place * requantizers), _items(values, 8, requantizers))
        if result:
            where = cursor.result(result_place * requantizers, requantizers)
            if keep(where, _items(sums, 32, requantizers)):
                trace.ends[where[0]] = cycle


def _seen(engine):
    probe, inner = engine.probe, watched(engine.config).values()
    return (
        *(engine.i.ready, engine.o.valid, engine.o.payload.data),
        *(attrgetter(f"{part}.{signal}")(engine) for part, signal in inner),
        *(probe.activation, probe.result),
        *(probe.activation_place, probe.activations.as_value()),
        *(probe.result_place, probe.sums.as_value()),
    )


def _items(word, bits, count):
    """The values of a packed word: unsigned of 8 bits, signed of 32."""
    items = [word >> bits * index & ((1 << bits) - 1) for index in range(count)]
    return [item - (1 << 32) if item >> 31 else item for item in items]
