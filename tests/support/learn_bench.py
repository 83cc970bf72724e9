"""A bench of the engine that learns: networks in, images learnt, everything compared."""

from itertools import pairwise

from sobolpath.golden.learn import by_path
from sobolpath.golden.learn.program import pack, unpack
from sobolpath.golden.learn.schedule import Sweep
from sobolpath.golden.machine.lanes import by_place
from sobolpath.hw.learn.config import LearnConfig
from sobolpath.hw.learn.engine import LearnEngine
from sobolpath.hw.learn.tags import Does
from tests.support import learning
from tests.support.streams import put, simulate

TINY = {
    "lanes": 4,
    "max_neurons": 64,
    "weight_words": 512,
    "bias_neurons": 128,
    "max_outputs": 32,
    "program_words": 128,
}


def config(**changes):
    """A small configuration."""
    return LearnConfig(**{**TINY, **changes})


def random_case(rng, own):
    """Parameters that fit a configuration, their fractions, and whether signs are fixed."""
    while True:
        parameters, _, fixed = learning.random_case(rng, least=max(own.lane_bits, 1), most=5)
        if parameters.topology.total_paths <= 128 * own.lanes:  # some seconds of simulation
            return parameters, fixed


class Learning:
    """Tasks for an engine, one after the other, as the golden steps say.

    Parameters
    ----------
    own : the configuration; parameters, fractions : of the network.
    tasks : of each image (image, label or None, rate, fixed).
    stalls : before each word and each logit, cycles of nothing; none unless given.
    engine : the engine; made unless given.
    """

    def __init__(self, own, parameters, fractions, tasks, *, stalls=None, engine=None):
        self.config, self.parameters, self.fractions = own, parameters, fractions
        self.topology, self.tasks, self.stalls = parameters.topology, tasks, stalls
        self.schedule = own.schedule(self.topology)
        self.image = pack(parameters, fractions, self.schedule, own.weight_words)
        self.dut = engine or LearnEngine(own)
        self.logits, self.errors, self.issued = [], [{}], []
        self.compared = 0
        self.cycle = 0

    def golden(self):
        """The steps, and the parameters after all of them."""
        parameters, steps = self.parameters, []
        count = len(self.topology.paths)
        for image, label, rate, fixed in self.tasks:
            shifts = self.fractions.shifts(count, rate)
            after, step = by_path.step(parameters, image, label or 0, shifts, fixed=fixed)
            steps.append(step)
            parameters = parameters if label is None else after
        return steps, parameters

    async def write(self, ctx):
        """All bytes that are of the network."""
        own, paths = self.config, self.topology.total_paths
        plane = own.weight_words * own.lanes
        items = []
        for space, content in self.image.spaces():
            places = range(len(content))
            if space == 0:
                places = [*range(paths), *range(plane, plane + paths)]
            items += [{"space": space, "address": at, "data": content[at]} for at in places]
        await put(ctx, self.dut.write, items)

    async def feed_tasks(self, ctx):
        for _, label, rate, fixed in self.tasks:
            task = {"label": label or 0, "learn": label is not None, "fixed": fixed, "rate": rate}
            await put(ctx, self.dut.task, [task], stalls=self.stalls)

    async def feed_inputs(self, ctx):
        for image, *_ in self.tasks:
            await put(ctx, self.dut.i, self.config.inputs(image[None]), stalls=self.stalls)

    async def watch(self, ctx):
        """Errors as they are written, and the cycle of each step."""
        probe, step, count = self.dut.probe, self.dut.control.issue.step, 0
        width = self.config.requantizers
        while True:
            _, _, error, place, errors, valid, tag = await ctx.tick().sample(
                probe.error, probe.error_place, probe.errors, step.valid, step.row
            )
            if error:
                found = {place * width + number: value for number, value in enumerate(errors)}
                self.errors[-1] |= found
            if valid:
                self.issued.append((count, tag.does))
            count += 1

    async def take(self, ctx):
        """The logits of every image; errors of one from those of the next."""
        dut, left = self.dut, len(self.tasks)
        pause = 0
        found = []
        while left:
            ctx.set(dut.o.ready, pause == 0)
            _, _, valid, payload = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            pause = max(pause - 1, 0)
            if valid and not pause and ctx.get(dut.o.ready):
                found.append(payload.data)
                pause = self.stalls() if self.stalls else 0
                if payload.last:
                    self.logits.append(found)
                    found, left = [], left - 1

    async def read_back(self, ctx):
        """The parameters that stand in the engine."""
        own, paths = self.config, self.topology.total_paths
        plane = own.weight_words * own.lanes
        weights, biases = bytearray(2 * plane), bytearray(4 * sum(self.topology.layers[1:]))
        places = [(1, at) for start in (0, plane) for at in range(start, start + paths)]
        places += [(0, at) for at in range(len(biases))]
        for of_weights, at in places:
            await put(ctx, self.dut.peek, [{"weights": of_weights, "address": at}])
            ctx.set(self.dut.peeked.ready, 1)
            while not ctx.get(self.dut.peeked.valid):
                await ctx.tick()
            (weights if of_weights else biases)[at] = ctx.get(self.dut.peeked.payload)
            await ctx.tick()
            ctx.set(self.dut.peeked.ready, 0)
        return unpack(self.topology, own.lanes, bytes(weights), bytes(biases))

    def run(self, limit=60_000):
        """Simulate and compare: logits of every image, errors of the last one, all parameters."""
        done = []

        async def bench(ctx):
            await self.write(ctx)
            done.append("written")
            while len(self.logits) < len(self.tasks) or ctx.get(self.dut.busy):
                await ctx.tick()
            found = await self.read_back(ctx)
            steps, wanted = self.golden()
            assert self.logits == [step.logits.tolist() for step in steps]
            self.compared += sum(map(len, self.logits))
            self.compared += learning.same_parameters(found, wanted)
            self._compare_errors(steps[-1], self.tasks[-1][1])

        async def inputs(ctx):
            while not done:
                await ctx.tick()
            await self.feed_inputs(ctx)

        simulate(
            self.dut,
            bench,
            background=[self.feed_tasks, inputs, self.take, self.watch],
            limit=limit,
        )
        return self

    def _compare_errors(self, step, label):
        """The errors as they were written last, by row and lane."""
        if label is None:
            return
        lanes = self.config.lanes
        for layer, errors in enumerate(step.errors, 1):
            first = self.schedule.bases[layer] * lanes
            wanted = by_place(self.topology, layer, lanes, errors).ravel().tolist()
            found = [self.errors[0][first + place] for place in range(len(wanted))]
            assert found == wanted
            self.compared += len(wanted)

    def starts(self):
        """Per learnt image the cycles from its first step to the first and last of each sweep.

        ``intervals`` are then those from one image's first step to the next one's.
        """
        found, before = [], None
        for cycle, does in self.issued:
            sweep = Sweep.UPDATE if does == Does.BIAS else Sweep(does.value)
            if sweep == Sweep.FORWARD and before != Sweep.FORWARD:
                found.append({})
            found[-1].setdefault(sweep, []).append(cycle)
            before = sweep
        firsts = [own[Sweep.FORWARD][0] for own in found]
        self.intervals = [after - first for first, after in pairwise(firsts)]
        return [
            {sweep: (cycles[0] - first, cycles[-1] - first) for sweep, cycles in own.items()}
            for first, own in zip(firsts, found, strict=True)
        ]


def tasks(rng, topology, count, *, fixed=False, infer=0.0):
    """Random images, labels and rates."""
    found = []
    for _ in range(count):
        image, label = learning.random_sample(rng, topology)
        found.append(
            (image, None if rng.random() < infer else label, int(rng.integers(0, 10)), fixed)
        )
    return found
