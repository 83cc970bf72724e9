"""The driver on the golden twin: loading, batches of any size, and what is refused."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine, shipped
from sobolpath.golden.machine import model as models
from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.frames import Opcode
from sobolpath.golden.protocol.identity import Identity
from sobolpath.host import Board, Changed, Damaged, NoNetwork, Refused, TooBig
from sobolpath.host.links import TwinLink
from tests.support.sessions import counted, identity, network

WRITES = {Opcode.WRITE + space for space in range(3)}


def board(link, **settings):
    return Board(link=link, **settings)


class TestInfer:
    @pytest.mark.parametrize(
        ("kind", "together"), [("row-lane", 1), ("row-lane", 2), ("row-lane", 4), ("path-order", 1)]
    )
    @pytest.mark.parametrize("overlap", [False, True])
    def test_batches_of_any_size(self, kind, together, overlap):
        who = identity(kind, images=together, overlap=overlap)
        compared = 0
        for seed in range(3):
            link = counted(who)
            model, images = network(seed, who, 9)
            with board(link) as device:
                assert device.load(model)
                for count in (0, 1, 2, 3, 4, 9):
                    logits = device.infer(images[:count])
                    assert logits.dtype == np.int32
                    assert np.array_equal(logits, engine.infer(model, images[:count]))
                    compared += len(logits)
                one = device.infer(images[3])
                assert np.array_equal(one, engine.infer(model, images[3:4]))
            assert link.most == 1 + (overlap and kind == "row-lane")
            commands = sum(-(-count // together) for count in (0, 1, 1, 2, 3, 4, 9))
            assert link.opcodes.count(Opcode.INFER) == commands
        assert compared == 3 * 19

    def test_the_images_are_looked_at(self):
        who = identity()
        model, images = network(0, who)
        width = images.shape[1]
        with board(counted(who)) as device:
            with pytest.raises(NoNetwork, match=r"^a network must be loaded before images are inf"):
                device.infer(images)
            with pytest.raises(NoNetwork, match=r"^a network must be loaded before samples are cl"):
                device.classify(images)
            device.load(model)
            wanted = rf"^images must be uint8 of shape \(images, {width}\) or \({width},\), not "
            for other, why in (
                (images.astype(np.int64), rf"int64 of \(5, {width}\)$"),
                (images[:, 1:], rf"uint8 of \(5, {width - 1}\)$"),
                (images[np.newaxis], rf"uint8 of \(1, 5, {width}\)$"),
                ([], r"float64 of \(0,\)$"),
            ):
                with pytest.raises(InputError, match=wanted + why):
                    device.infer(other)
            with pytest.raises(InputError, match=r"^the model must know how samples are prepared"):
                device.classify(images)
            assert np.array_equal(device.infer(images), engine.infer(model, images))

    def test_progress_ends_with_all(self):
        who = identity(images=2)
        model, images = network(1, who)
        told = []
        with board(counted(who)) as device:
            device.load(model, progress=lambda *now: told.append(now))
            total = sum(len(content) for _, _, content in device.network.records)
            assert told[-1] == (total, total)
            told.clear()
            device.infer(images, progress=lambda *now: told.append(now))
        assert told == [(2, 5), (4, 5), (5, 5)]

    def test_samples_are_prepared_as_the_model_says(self):
        with Board.open("twin:icebreaker") as device:
            device.load("digits")
            samples = np.random.default_rng(4).integers(0, 17, (5, 8, 8))
            model = models.load("digits")
            wanted = engine.infer(model, model.preparation.apply(samples))
            assert np.array_equal(device.classify(samples), engine.classify(model, wanted))


class TestLoad:
    def test_what_is_there_is_not_sent_again(self):
        who = identity()
        (first, images), (second, _) = network(2, who), network(3, who)
        twin = Device(who)
        sent = []
        for model, expected in ((first, True), (first, False), (second, True), (first, True)):
            link = counted(who)
            link.device = twin
            with board(link) as device:
                assert device.load(model) is expected
                assert bool(WRITES & set(link.opcodes)) is expected
                assert device.identity.network
                assert device.identity.digest == device.network.digest
                sent.append(device.load(model))
        assert sent == [False] * 4
        with board(TwinLink(twin)) as device:
            device.load(first)
            assert np.array_equal(device.infer(images), engine.infer(first, images))

    def test_only_the_check_was_missing(self):
        who = identity()
        model, images = network(4, who)
        link = counted(who)
        with board(link) as device:
            device.load(model)
            link.device.network = False
            link.opcodes.clear()
            assert not device.load(model)
            assert link.opcodes == [Opcode.IDENTIFY, Opcode.CHECK, Opcode.IDENTIFY]
            assert np.array_equal(device.infer(images), engine.infer(model, images))

    def test_too_big(self):
        assert "mnist-37k" in shipped.names()
        with (
            board(counted(identity())) as device,
            pytest.raises(TooBig, match=r"^too big for this device: the neurons of the widest"),
        ):
            device.load("mnist-37k")

    def test_no_such_model(self):
        with (
            board(counted(identity())) as device,
            pytest.raises(InputError, match=r"^nothing: no such model file"),
        ):
            device.load("nothing")

    def test_a_device_that_never_has_it(self):
        """It takes everything, and tells another digest in the end."""
        who = identity()
        model, images = network(5, who)
        link = counted(who)
        with board(link, retries=2) as device:
            device.load(model)
            link.device.reset()
            true = Identity.payload
            Identity.payload = lambda me: true(me)[:-1] + bytes([true(me)[-1] ^ 1])
            try:
                with pytest.raises(Damaged, match=r"^the device must hold the network that was se"):
                    device.load(model)
            finally:
                Identity.payload = true
            assert link.opcodes.count(Opcode.LOAD) == 1 + 3
            with pytest.raises(NoNetwork, match=r"^a network must be loaded"):
                device.infer(images)
            device.load(model)
            assert np.array_equal(device.infer(images), engine.infer(model, images))


class TestWhatChangesMeanwhile:
    def test_the_device_lost_its_network(self):
        """It was switched off between two batches: it is loaded again."""
        who = identity()
        model, images = network(6, who)
        link = counted(who)
        with board(link) as device:
            device.load(model)
            for _ in range(3):
                link.device.reset()
                assert np.array_equal(device.infer(images), engine.infer(model, images))
        assert link.opcodes.count(Opcode.LOAD) == 4

    def test_another_device(self):
        who = identity()
        model, images = network(7, who)
        link = counted(who)
        with board(link) as device:
            device.load(model)
            link.device = Device(Identity(**{**vars(who), "bias_neurons": 2 * who.bias_neurons}))
            with pytest.raises(Changed, match=r"^twin:: must be the device that was opened, but"):
                device.infer(images)

    def test_a_command_that_is_refused(self):
        """The device has less memory than it says."""
        who = identity()
        model, _ = network(8, who)
        link = counted(who)
        link.device.memories[0] = bytearray(4)
        with (
            board(link, retries=1) as device,
            pytest.raises(Refused, match=r"^the device must take the command WRITE to space 0, bu"),
        ):
            device.load(model)
        assert link.opcodes.count(Opcode.LOAD) == 2

    def test_an_interrupted_batch(self):
        """Whatever ended a call, the next one begins with a break."""
        who = identity()
        model, images = network(10, who)
        link = counted(who)

        def stop(done, total):
            raise KeyboardInterrupt

        with board(link) as device:
            device.load(model)
            before = link.breaks
            with pytest.raises(KeyboardInterrupt):
                device.infer(images, progress=stop)
            assert np.array_equal(device.infer(images), engine.infer(model, images))
            assert link.breaks == before + 1
