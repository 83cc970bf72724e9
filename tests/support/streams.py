"""Test benches for streams in Amaranth's simulator: put and get, stalled at random or never.

Both count cycles from the start of the simulation, so what they return can be compared: if an item
is taken in cycle c, its transfer is the clock edge that ends cycle c.
"""

from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator

from sobolpath.hw.mac import LOW


def simulate(component, *benches, background=(), limit=20_000):
    """Run test benches on a component until all are done; fail after ``limit`` cycles."""
    top = Module()  # brings the clock domain that a combinational component lacks
    top.domains.sync = ClockDomain()
    top.submodules.component = component
    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench)
    for bench in background:
        simulator.add_testbench(bench, background=True)
    for _ in range(2 * limit):  # a step is half a cycle
        if not simulator.advance():
            return
    raise AssertionError(f"the test benches must be done in {limit} cycles")


async def put(ctx, port, items, *, stalls=None, start=0):
    """Offer ``items`` one after the other; the cycles in which they were taken.

    ``stalls`` is a function that says, before each item, for how many cycles nothing is offered.
    ``start`` is the cycle that it is now.
    """
    cycle, taken = start, []
    for item in items:
        pause = stalls() if stalls else 0
        await wait(ctx, pause)
        cycle += pause
        ctx.set(port.payload, item)
        ctx.set(port.valid, 1)
        ready = False
        while not ready:
            _, _, ready = await ctx.tick().sample(port.ready)
            cycle += 1
        taken.append(cycle - 1)
        ctx.set(port.valid, 0)
    return taken


async def get(ctx, port, count, read, *, stalls=None, start=0):
    """Take ``count`` items, each as ``read(payload)``; the items and the cycles they were taken in.

    Asserts that an offer stays as it is until it is taken. ``stalls`` says, before each item, for
    how many cycles it is not taken; ``start`` is the cycle that it is now.
    """
    cycle, taken, items, offered = start, [], [], None
    while len(items) < count:
        wait = stalls() if stalls else 0
        while True:
            ctx.set(port.ready, wait == 0)
            _, _, valid, payload = await ctx.tick().sample(port.valid, port.payload)
            cycle += 1
            item = read(payload) if valid else None
            assert offered is None or item == offered, f"cycle {cycle - 1}: an offer was taken back"
            offered = item if valid and wait else None
            if valid and not wait:
                items.append(item)
                taken.append(cycle - 1)
                break
            wait = max(wait - 1, 0)
    ctx.set(port.ready, 0)
    return items, taken


async def wait(ctx, cycles):
    """Let some cycles pass, or none."""
    for _ in range(cycles):
        await ctx.tick()


async def idle(ctx, port, cycles=10):
    """Be ready for some cycles, and assert that nothing more is offered."""
    ctx.set(port.ready, 1)
    for _ in range(cycles):
        _, _, valid = await ctx.tick().sample(port.valid)
        assert not valid, "an item too many"
    ctx.set(port.ready, 0)


def at_random(rng, chance, longest=5):
    """Stalls of 1 to ``longest`` cycles with the given chance, else none."""
    return lambda: rng.randint(1, longest) if rng.random() < chance else 0


def late(values, following, low=LOW):
    """Signed values whose low digits are those of ``values``, the others those of ``following``.

    What a port of the lanes shows: the high digits of a sum come a cycle after the low ones.
    """
    return [
        (b >> low << low) + (a & (1 << low) - 1) for a, b in zip(values, following, strict=True)
    ]
