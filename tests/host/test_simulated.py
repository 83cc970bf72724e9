"""The driver and a whole board, simulated: its line bit by bit, resets in the middle of a batch."""

import threading

import numpy as np
import pytest

from sobolpath.boards import NAMES
from sobolpath.golden.learn.learner import Learner
from sobolpath.golden.machine import engine
from sobolpath.golden.protocol import frames
from sobolpath.host import Board
from sobolpath.host.board import FRACTIONS
from sobolpath.host.learning import LOST
from sobolpath.host.selftest import random_networks
from sobolpath.hw.engines import learning
from sobolpath.sim.board import Control, served
from tests.support.learning import same_parameters

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FASTEST = 6_000_000  # baud: the iCEBreaker's clock / 8


def passed(before, after, bits):
    """Of a stretch of the simulation, how much of its cycles the line to the board was in use."""
    cycles = after["cycles"] - before["cycles"]
    return (after["sent"] - before["sent"]) * 10 * bits / cycles, cycles


def test_the_fastest_line():
    """It loads at 90 % of the line or more, and infers 500 MNIST images per second or more."""
    images = np.random.default_rng(1).integers(0, 256, (41, 1024), dtype=np.uint8)
    with (
        served("icebreaker", level="bits", baud=FASTEST) as port,
        Control(port) as control,
        Board.open(port, baud=FASTEST) as board,
    ):
        clock = board.identity.clock_hz
        assert board.identity.baud == FASTEST
        before = control.ask("status")
        assert board.load("mnist-37k")
        after = control.ask("status")
        use, _ = passed(before, after, clock // FASTEST)
        print(f"loading: the line in use for {use:.1%}")
        assert 0.9 <= use <= 1
        before = control.ask("status")
        logits = board.infer(images)
        after = control.ask("status")
        use, cycles = passed(before, after, clock // FASTEST)
        assert 0.9 <= use <= 1
        print(f"inferring: {len(images) * clock / cycles:.0f} images/s, the line {use:.1%}")
        assert len(images) * clock / cycles >= 500
        assert np.array_equal(logits, engine.infer(board.model, images))
        assert not board.load("mnist-37k")
        sent = control.ask("status")["sent"] - after["sent"]
        assert sent == frames.HEADER_BYTES


@pytest.mark.parametrize("request_", ["break", "reset", "power"])
def test_what_happens_in_the_middle_of_a_batch(request_):
    """Somebody else's break, the reset button, the power: the logits are right."""
    images = np.random.default_rng(2).integers(0, 256, (9, 64), dtype=np.uint8)
    with served("icebreaker", level="bits", baud=FASTEST) as port, Control(port) as control:
        left = [request_]

        def disturb(done, total):
            if left and done > 3:
                control.ask(left.pop())

        with Board.open(port, baud=FASTEST) as board:
            board.load("digits")
            logits = board.infer(images, progress=disturb)
            assert not left
            assert np.array_equal(logits, engine.infer(board.model, images))


@pytest.mark.parametrize("name", ["icebreaker-paper", "ulx3s"])
def test_other_boards(name):
    """The path-order engine, and 64 lanes; ``sim:`` ends with the link."""
    with Board.open(f"sim:{name}") as board:
        board.load("digits")
        images = np.random.default_rng(3).integers(0, 256, (3, 64), dtype=np.uint8)
        assert np.array_equal(board.infer(images), engine.infer(board.model, images))
        assert board.name == f"sim:{name}"


@pytest.mark.parametrize("breaks", [False, True])
def test_a_board_that_learns(breaks):
    """Each image once, in the gateware; also while somebody else sends breaks all the time."""
    rng, count = np.random.default_rng(4), 60
    images = rng.integers(0, 256, (count, 64), dtype=np.uint8)
    labels, over, sent = rng.integers(0, 10, count), threading.Event(), []

    def disturb(port):
        with Control(port) as control:
            while not over.wait(float(rng.uniform(0.1, 0.6))):
                control.line_break()
                sent.append(1)

    with (
        served("icebreaker-learn", level="bytes") as port,
        Board.open(port, retries=50) as board,
    ):
        board.load("digits")
        learner = Learner(board.parameters(), FRACTIONS.shifts(3, 4))
        thread = threading.Thread(target=disturb, args=(port,), daemon=True)
        if breaks:
            thread.start()
        logits = board.learn(images, labels, rate=4)
        over.set()
        if breaks:
            thread.join()
        wanted = [
            learner.step(image, label).ravel() for image, label in zip(images, labels, strict=True)
        ]
        told = ~(logits == LOST).all(axis=1)
        assert np.array_equal(logits[told], np.array(wanted)[told])
        assert same_parameters(board.parameters(), learner.parameters) > 5000
    print(f"{len(sent)} breaks, {count - told.sum()} replies lost")
    assert told.all() or sent


@pytest.mark.parametrize("name", [name for name in NAMES if name in learning()])
def test_random_networks_learn(name):
    """On every board that learns: logits before and after, and read back between."""
    seen = []
    with Board.open(f"sim:{name}") as board:
        assert not list(random_networks(board, 6, 1, lambda: seen.append(1)))
    assert len(seen) == 6
