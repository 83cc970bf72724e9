"""The pysim back end: Amaranth's own simulator. Slow, but it needs no compiler."""

from contextlib import nullcontext

import numpy as np
from amaranth.sim import Simulator

from hw.engine import PathEngine

from .trace import Cursor, Stuck, Trace, patience

PERIOD = 1e-6


class PysimEngine:
    """An engine in Amaranth's simulator; a context manager. Parameters as of ``NativeEngine``.

    The test bench is the counterpart of sim/harness.cpp, cycle for cycle.
    """

    name = "pysim"

    def __init__(self, config, image, topology, predicted, vcd=None, say=lambda text: None):
        self._engine, self._image, self._topology = PathEngine(config), image, topology
        self._width, self._patience = config.requantizers, patience(predicted)
        self._cycle, self._work, self._stuck, self._loaded = 0, None, None, False
        self._simulator = Simulator(self._engine)
        self._simulator.add_clock(PERIOD)
        self._simulator.add_testbench(self._drive)
        self._waves = nullcontext() if vcd is None else self._simulator.write_vcd(str(vcd))

    def __enter__(self):
        self._waves.__enter__()
        while not self._loaded:
            self._simulator.advance()
        return self

    def __exit__(self, *exception):
        self._waves.__exit__(*exception)

    def run(self, images):
        """Run ``uint8`` (B, n_0) images: a :class:`sim.trace.Trace`. Raises ``Stuck``."""
        trace = Trace.empty(len(images), self._topology)
        self._work = (np.asarray(images, np.uint8), trace)
        while self._work is not None:
            self._simulator.advance()
        if self._stuck is not None:
            raise Stuck(self._stuck)
        return Trace(trace.values, trace.at, trace.logits, trace.cycles, self._total)

    async def _drive(self, ctx):
        await self._load(ctx)
        while True:
            while self._work is None:
                await ctx.tick()
            images, trace = self._work
            before = self._cycle
            for number, image in enumerate(images):
                if not await self._one(ctx, image, trace, number):
                    self._stuck = f"image {number} must be done in {self._patience} cycles"
                    break
            self._total, self._work = self._cycle - before, None

    async def _load(self, ctx):
        engine = self._engine
        ctx.set(engine.write.valid, 1)
        for space, content in self._image.spaces():
            for address, byte in enumerate(content):
                ctx.set(engine.write.payload, {"space": space, "address": address, "data": byte})
                if not ctx.get(engine.write.ready):
                    raise Stuck(f"the engine does not take bytes of {space.name}")
                await ctx.tick()
        ctx.set(engine.write.valid, 0)
        ctx.set(engine.o.ready, 1)
        self._loaded = True

    async def _one(self, ctx, image, trace, number):
        """Run one image; False if the engine does not finish it."""
        engine, fed, got, start = self._engine, 0, 0, 0
        outputs, cursor = trace.logits.shape[1], Cursor(self._topology.layers[1:])
        limit = self._cycle + self._patience + len(image) + outputs
        ctx.set(engine.i.valid, 1)
        ctx.set(engine.i.payload, int(image[0]))
        watched = (*_flags(engine), *_values(engine.probe), engine.o.payload.data)
        async for _, _, ready, valid, activation, result, *values in ctx.tick().sample(*watched):
            if ready and fed < len(image):
                fed += 1
                start = self._cycle if fed == len(image) else start
                ctx.set(engine.i.valid, fed < len(image))
                ctx.set(engine.i.payload, int(image[fed]) if fed < len(image) else 0)
            if activation or result:
                place, word = values[2:4] if result else values[:2]
                items = _items(word, 32 if result else 8, self._width)
                self._record(trace, number, cursor, place * self._width, items, self._cycle - start)
            if result:
                trace.cycles[number] = self._cycle - start
            if valid:
                trace.logits[number, got] = values[-1]
                got += 1
            self._cycle += 1
            if got == outputs or self._cycle == limit:
                break
        return got == outputs

    @staticmethod
    def _record(trace, number, cursor, position, items, cycle):
        start = cursor.place(position, len(items))
        if start is None:
            return
        trace.values[number, start : start + len(items)] = items
        trace.at[number, start : start + len(items)] = cycle


def _flags(engine):
    return engine.i.ready, engine.o.valid, engine.probe.activation, engine.probe.result


def _values(probe):
    return (
        probe.activation_place,
        probe.activations.as_value(),
        probe.result_place,
        probe.sums.as_value(),
    )


def _items(word, bits, count):
    """The values of a packed word: unsigned of 8 bits, signed of 32."""
    items = [word >> bits * index & ((1 << bits) - 1) for index in range(count)]
    return [item - (1 << 32) if item >> 31 else item for item in items]
