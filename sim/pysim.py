"""The pysim back end: Amaranth's own simulator. Slow, but it needs no compiler."""

from contextlib import nullcontext

import numpy as np
from amaranth.sim import Simulator

from hw.engine import PathEngine

from .trace import Cursor, Stuck, Trace

PERIOD = 1e-6  # of the clock, for waveforms


class PysimEngine:
    """An engine in Amaranth's simulator, loaded with a network; a context manager.

    Parameters, and what :meth:`run` gives, are those of ``NativeEngine``, and the test bench is the
    counterpart of sim/harness.cpp, cycle for cycle.
    """

    name = "pysim"

    def __init__(self, job, *, vcd=None):
        self._job, self._engine = job, PathEngine(job.config)
        self._cycle, self._loaded, self._work, self._done = 0, False, None, None
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

    def run(self, images):
        """Run ``uint8`` (B, n_0) images: a :class:`sim.trace.Trace`."""
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
            trace, before = Trace.empty(len(images), self._job.topology), self._cycle
            finished = 0
            while finished < len(images) and await self._one(
                ctx, images[finished], trace, finished
            ):
                finished += 1
            self._done = Trace(*trace.arrays, finished, self._cycle - before)

    async def _load(self, ctx):
        write = self._engine.write
        ctx.set(write.valid, 1)
        for space, content in self._job.image.spaces():
            for address, byte in enumerate(content):
                ctx.set(write.payload, {"space": space, "address": address, "data": byte})
                if not ctx.get(write.ready):
                    raise Stuck(
                        f"the engine must take bytes of {space.name} while idle, but does not"
                    )
                await ctx.tick()
        ctx.set(write.valid, 0)

    async def _one(self, ctx, inputs, trace, number):
        """Run one image; False if it did not finish within the job's patience."""
        engine, width, outputs = self._engine, len(inputs), trace.logits.shape[1]
        cursor, watched = Cursor(self._job.topology.layers[1:]), _watched(engine)
        start, limit = self._cycle, self._cycle + self._job.patience
        fed = got = 0
        while got < outputs and self._cycle < limit:
            offered = fed < width
            ctx.set(engine.i.valid, offered)
            ctx.set(engine.i.payload, int(inputs[fed]) if offered else 0)
            _, _, ready, valid, logit, *probe = await ctx.tick().sample(*watched)
            if offered and ready:
                fed += 1
                start = self._cycle if fed == width else start
            self._record_write(trace, number, cursor, probe, self._cycle - start)
            if valid:
                trace.logits[number, got] = logit
                got += 1
            self._cycle += 1
        return got == outputs

    def _record_write(self, trace, number, cursor, probe, cycle):
        """Record what the engine writes in this cycle."""
        activation, result, *values = probe
        if not (activation or result):
            return
        if result:
            trace.cycles[number] = cycle
        place, word = values[2:] if result else values[:2]
        items = _items(word, 32 if result else 8, self._job.config.requantizers)
        position = cursor.position(place * len(items), len(items), result)
        if position is not None:
            trace.values[number, position : position + len(items)] = items
            trace.at[number, position : position + len(items)] = cycle


def _watched(engine):
    probe = engine.probe
    return (
        *(engine.i.ready, engine.o.valid, engine.o.payload.data, probe.activation, probe.result),
        *(probe.activation_place, probe.activations.as_value()),
        *(probe.result_place, probe.sums.as_value()),
    )


def _items(word, bits, count):
    """The values of a packed word: unsigned of 8 bits, signed of 32."""
    items = [word >> bits * index & ((1 << bits) - 1) for index in range(count)]
    return [item - (1 << 32) if item >> 31 else item for item in items]
