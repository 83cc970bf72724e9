"""The driver of a device that learns, on the golden twin: steps, exactly once, and what is read."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn.learner import Learner
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.frames import Opcode
from sobolpath.golden.protocol.identity import Identity
from sobolpath.host import Board, CannotLearn, Forgotten, NoNetwork, NoReply
from sobolpath.host.board import FRACTIONS
from sobolpath.host.learning import LOST
from sobolpath.host.links import TwinLink
from sobolpath.host.selftest import random_network, random_networks
from sobolpath.hw.learn.config import CONFIGS
from tests.support.learning import same_parameters

WHO = Identity.of(CONFIGS["tiny-learn"], clock_hz=48_000_000, divisor=48)


class Losing(TwinLink):
    """A link that loses whole commands, or their replies: those whose numbers are told."""

    def __init__(self, device, commands=(), replies=()):
        super().__init__(device)
        self.commands, self.replies, self.infers = set(commands), set(replies), 0
        self.opcodes = []

    def write(self, content):
        self.opcodes.append(content[0])
        if content[0] != Opcode.INFER:
            super().write(content)
            return
        self.infers += 1
        if self.infers in self.commands:
            super().write(content[:-1] + bytes([content[-1] ^ 1]))
        elif self.infers in self.replies:
            self.device.take(content)
        else:
            super().write(content)


def lesson(seed, count=12):
    """A random network, images and labels."""
    print("seed", seed)
    rng = np.random.default_rng(seed)
    model = random_network(rng, WHO, most=256)
    images = rng.integers(0, 256, (count, model.topology.layers[0]), dtype=np.uint8)
    return model, images, rng.integers(0, model.topology.layers[-1], count)


def learnt(board, images, labels, rate=5, fixed=False):
    """What becomes of the board's parameters, and the logits of before each step."""
    before = board.parameters()
    shifts = FRACTIONS.shifts(len(before.weights), rate)
    learner = Learner(before, shifts, fixed=fixed)
    logits = [
        learner.step(image, label).ravel() for image, label in zip(images, labels, strict=True)
    ]
    return learner.parameters, np.array(logits).astype(np.int32)


class TestLearn:
    @pytest.mark.parametrize("seed", range(4))
    def test_steps(self, seed):
        model, images, labels = lesson(seed)
        with Board(link=TwinLink(Device(WHO))) as board:
            board.load(model)
            for rate, fixed in ((3, False), (6, True)):
                wanted, logits = learnt(board, images, labels, rate, fixed)
                found = board.learn(images, labels, rate=rate, fixed=fixed)
                assert found.dtype == np.int32
                assert np.array_equal(found, logits)
                assert same_parameters(board.parameters(), wanted) > 16
            now = board.parameters().model(FRACTIONS, model.classes)
            assert np.array_equal(board.infer(images), engine.infer(now, images))

    @pytest.mark.parametrize("seed", range(3))
    def test_each_image_once(self, seed):
        """Commands and replies are lost: a step is made again only if it was not made."""
        model, images, labels = lesson(seed)
        link = Losing(Device(WHO), commands=(2, 3, 9), replies=(5, 8, 14))
        with Board(link=link) as board:
            board.load(model)
            wanted, logits = learnt(board, images, labels)
            found = board.learn(images, labels)
            assert same_parameters(board.parameters(), wanted)
        lost = (found == LOST).all(axis=1)
        assert np.flatnonzero(lost).tolist() == [2, 5, 10]
        assert np.array_equal(found[~lost], logits[~lost])
        assert link.infers == len(images) + 3

    def test_what_ends_a_lesson(self):
        """The reply never comes; the next call finds out whether the step was made."""
        model, images, labels = lesson(5)
        for lost in ({"replies": [4]}, {"commands": [4]}):
            link = Losing(Device(WHO), **lost)
            with Board(link=link, retries=0) as board:
                board.load(model)
                made = 4 if "replies" in lost else 3
                wanted, _ = learnt(board, images[:made], labels[:made])
                with pytest.raises((NoReply, InputError)):
                    board.learn(images, labels)
                assert same_parameters(board.parameters(), wanted)
                wanted, logits = learnt(board, images[made:], labels[made:])
                assert np.array_equal(board.learn(images[made:], labels[made:]), logits)
                assert same_parameters(board.parameters(), wanted)

    def test_an_interrupted_lesson(self):
        model, images, labels = lesson(6)

        def stop(done, total):
            assert total == len(images)
            if done == 5:
                raise KeyboardInterrupt

        with Board(link=TwinLink(Device(WHO))) as board:
            board.load(model)
            wanted, _ = learnt(board, images[:5], labels[:5])
            with pytest.raises(KeyboardInterrupt):
                board.learn(images, labels, progress=stop)
            assert same_parameters(board.parameters(), wanted)

    def test_none_and_one(self):
        model, images, labels = lesson(7)
        with Board(link=TwinLink(Device(WHO))) as board:
            board.load(model)
            assert board.learn(images[:0], labels[:0]).shape == (0, model.topology.layers[-1])
            assert board.learn(images[0], int(labels[0])).shape == (1, model.topology.layers[-1])
            assert board.network.digest == board.identity.digest


class TestLoad:
    def test_what_was_learnt_is_not_what_was_loaded(self):
        """The model is sent again, in this session and in the next one."""
        model, images, labels = lesson(8)
        twin = Device(WHO)
        with Board(link=TwinLink(twin)) as board:
            assert board.load(model)
            assert not board.load(model)
            before = board.parameters()
            board.learn(images, labels)
            assert board.load(model)
            assert same_parameters(board.parameters(), before)
            board.learn(images, labels)
        with Board(link=TwinLink(twin)) as board:
            assert board.load(model)
            assert same_parameters(board.parameters(), before)

    def test_a_model_that_ships(self):
        """The device runs its floats, in its own digits; nearly as the model does."""
        with Board.open("twin:icebreaker-learn") as board:
            board.load("digits")
            model = models.load("digits")
            rng = np.random.default_rng(4)
            images = rng.integers(0, 256, (40, 64), dtype=np.uint8)
            logits = board.infer(images)
            assert np.array_equal(logits, engine.infer(board.model, images))
            wanted = engine.classify(model, engine.infer(model, images))
            assert (engine.classify(board.model, logits) == wanted).mean() > 0.8
            assert board.model.preparation == model.preparation

    def test_what_is_forgotten(self):
        """The power was off: what the device had learnt is gone, and cannot be sent again."""
        model, images, labels = lesson(9)
        link = Losing(Device(WHO))
        with Board(link=link) as board:
            board.load(model)
            board.learn(images[:3], labels[:3])
            link.device.reset()
            for call in (
                lambda: board.infer(images),
                lambda: board.learn(images, labels),
                board.parameters,
            ):
                with pytest.raises(
                    Forgotten, match=r"^the device must (still )?have .*: load a model$"
                ):
                    call()
            board.load(model)
            wanted, _ = learnt(board, images, labels)
            board.learn(images, labels)
            assert same_parameters(board.parameters(), wanted)

    def test_another_program_learnt(self):
        model, images, labels = lesson(10)
        twin = Device(WHO)
        with Board(link=TwinLink(twin)) as board, Board(link=TwinLink(twin)) as other:
            board.load(model)
            board.learn(images[:2], labels[:2])
            other.load(model)
            with pytest.raises(Forgotten):
                board.learn(images, labels)
            board.load(model)
            other.learn(images[:1], labels[:1])
            board.learn(images[:1], labels[:1])  # from the model that was loaded on


class TestRefused:
    def test_a_device_that_infers_alone(self):
        with Board.open("twin:icebreaker") as board:
            board.load("digits")
            images = np.zeros((1, 64), np.uint8)
            for call in (lambda: board.learn(images, [1]), board.parameters):
                with pytest.raises(
                    CannotLearn, match=r"^twin:icebreaker: must be a device that lear"
                ):
                    call()

    def test_before_a_network(self):
        with (
            Board(link=TwinLink(Device(WHO))) as board,
            pytest.raises(NoNetwork, match=r"^a network must be loaded before a device learns"),
        ):
            board.learn(np.zeros((1, 8), np.uint8), [0])

    def test_labels(self):
        model, images, labels = lesson(11)
        with Board(link=TwinLink(Device(WHO))) as board:
            board.load(model)
            for other, why in (
                (labels[1:], r"^labels must be integers of shape \(12,\), not int64 of \(11,\)$"),
                (
                    labels.astype(float),
                    r"^labels must be integers of shape \(12,\), not float64 of",
                ),
                (labels + 100, rf"^labels must be 0 to {model.classes - 1}, not 1"),
                (labels - 100, rf"^labels must be 0 to {model.classes - 1}, not -"),
            ):
                with pytest.raises(InputError, match=why):
                    board.learn(images, other)
            with pytest.raises(InputError, match="rate must be an integer from 0 to 15, not 16"):
                board.learn(images, labels, rate=16)
            with pytest.raises(InputError, match="images must be uint8 of shape"):
                board.learn(images[:, 1:], labels)
            assert board.identify().digest == board.network.digest


def test_the_self_test_learns():
    seen = []
    with Board.open("twin:tiny-learn") as board:
        assert not list(random_networks(board, 10, 3, lambda: seen.append(1)))
        assert board.identity.digest != frames.learnt(board.identity.digest)
    assert len(seen) == 10
