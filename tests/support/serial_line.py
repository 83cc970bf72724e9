"""The far end of a serial line in Amaranth's simulator: sends and receives bit by bit."""


async def send(ctx, line, content, bit, *, stop=1, pause=0):
    """Send bytes, each bit ``bit`` cycles long, or a fraction; ``stop`` is the stop bit's level."""
    sent = now = 0  # bits, cycles
    for byte in content:
        for level in (0, *(byte >> index & 1 for index in range(8)), stop):
            ctx.set(line, level)
            sent += 1
            await ctx.tick().repeat(int(sent * bit) - now)
            now = int(sent * bit)
        ctx.set(line, 1)
        if pause or not stop:
            await ctx.tick().repeat(max(pause, int(bit)))


async def send_break(ctx, line, bit, *, bits=25):
    """Hold the line at 0, then rest for two bits."""
    ctx.set(line, 0)
    await ctx.tick().repeat(bits * bit)
    ctx.set(line, 1)
    await ctx.tick().repeat(2 * bit)


async def receive(ctx, line, count, bit):
    """Receive ``count`` bytes, sampled in the middle of their bits, start and stop bit checked."""
    result = []
    while len(result) < count:
        while ctx.get(line):
            await ctx.tick()
        await ctx.tick().repeat(bit // 2)
        levels = [ctx.get(line)]
        for _ in range(9):
            await ctx.tick().repeat(bit)
            levels.append(ctx.get(line))
        assert levels[0] == 0, f"byte {len(result)}: the start bit must be 0"
        assert levels[9] == 1, f"byte {len(result)}: the stop bit must be 1"
        result.append(sum(level << index for index, level in enumerate(levels[1:9])))
    return bytes(result)
