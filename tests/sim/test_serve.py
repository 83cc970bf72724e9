"""A simulated board behind a pseudo-terminal: a plain serial client, breaks, ends, signals."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import serial

from sobolpath.boards import NAMES, load
from sobolpath.boards.gateware.host import identity
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.image import Space
from sobolpath.golden.protocol import boot, frames, network
from sobolpath.golden.protocol.frames import FEWEST_REPLY_BYTES, Status
from sobolpath.golden.protocol.identity import IDENTITY_BYTES, Identity
from sobolpath.hw.engines import learning
from sobolpath.sim.board import LEVELS, Control, control_path, served
from sobolpath.sim.board.machine import Machine, Setup
from sobolpath.sim.board.server import Server
from sobolpath.sim.board.terminal import Terminal
from tests.support.places import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CHANGING = ("network", "infer_bytes", "digest", "framing_error", "overrun", "bad_boot")
#: Boards whose engines and hosts differ from another's in sizes alone; each compiles for 10 s.
LIKE_OTHERS = {"icebreaker-1", "upduino", "orangecrab", "orangecrab-85", "ulx3s"}
TIMEOUT = 60  # seconds for a reply, on a busy machine


@contextmanager
def opened(port):
    with serial.Serial(port, 1_000_000, timeout=TIMEOUT, exclusive=True) as line:
        yield line


def answer(line, command, payload=0):
    """The reply to a command, of so many bytes of payload if it is good."""
    line.write(command)
    content = line.read(FEWEST_REPLY_BYTES)
    if content[:1] == bytes([Status.OK]):
        content += line.read(payload)
    return frames.parse_reply(content)


def asked(line):
    """What the board behind a port says of itself."""
    reply = answer(line, frames.identify(7), IDENTITY_BYTES)
    assert (reply.status, reply.tag) == (Status.OK, 7)
    return Identity.parse(reply.payload)


def identified(line, name="icebreaker"):
    """Whether the board behind a port answers, and is this one."""
    setup, board = Setup(board=load(name)), load(name)
    constants = identity(
        board.config,
        clock_hz=setup.clock_hz,
        divisor=setup.divisor,
        flash=board.flash is not None,
    )
    found = asked(line)
    return found == replace(constants, **{name: getattr(found, name) for name in CHANGING})


def half_a_command(line):
    """So far that what follows would be taken for its rest."""
    line.write(frames.write(Space.WEIGHTS, 0, bytes(1000), 1)[:500])


def digits(name="icebreaker"):
    """(what is loaded for the digits, activations, their logits) for a board."""
    board, model = load(name), models.load("digits")
    images = np.random.default_rng(5).integers(0, 256, (board.config.images, 64)).astype(np.uint8)
    return network.pack(model, Identity.of(board.config)), images, engine.infer(model, images)


def check_logits(line, name="icebreaker"):
    """Whether the board computes what it should."""
    net, images, expected = digits(name)
    reply = answer(line, frames.infer(images, 9), net.reply_bytes)
    assert (reply.status, reply.tag) == (Status.OK, 9)
    assert frames.logits(reply.payload).tolist() == expected.ravel().tolist()


@pytest.fixture(scope="module", params=LEVELS)
def port(request):
    with served("icebreaker", level=request.param) as port:
        yield port


def test_bytes_in_and_out(port):
    with opened(port) as line:
        assert identified(line)
        for frame in digits()[0].frames():
            reply = answer(line, frame)
            assert (reply.status, reply.tag) == (Status.OK, frame[1])
        assert identified(line)
        for _ in range(3):
            check_logits(line)
        with Control(port) as control:
            state = control.ask("status")
        assert line.in_waiting == 0
        assert state["framing"] == 0
        assert state["leds"] == {"ready": 1, "busy": 0, "error": 0}


def test_a_break_ends_half_a_command(port):
    with opened(port) as line, Control(port) as control:
        before = control.ask("status")["sent"]
        half_a_command(line)
        control.line_break()  # behind all 500 bytes
        assert control.ask("status")["sent"] - before == 500
        assert line.in_waiting == 0
        assert identified(line)


def test_silence_ends_it_too(port):
    """Half a second is enough, here; and the board drops bytes until the next silence."""
    with opened(port) as line, Control(port) as control:
        half_a_command(line)
        assert line.read(FEWEST_REPLY_BYTES) == frames.reply(1, status=Status.SILENCE)
        until_idle(control)
        assert identified(line)


def test_a_reset_ends_half_a_command(port):
    with opened(port) as line, Control(port) as control:
        before = control.ask("status")["sent"]
        half_a_command(line)
        while control.ask("status")["sent"] < before + 500:
            time.sleep(0.01)
        control.reset()
        assert identified(line)


def until_idle(control):
    """Wait until nothing goes on: the cycles stand still. How many there were."""
    before, cycles = -1, 0
    while cycles != before:
        before = cycles
        time.sleep(0.8)
        cycles = control.ask("status")["cycles"]
    return cycles


def test_power(port):
    with opened(port) as line, Control(port) as control:
        assert identified(line)
        assert control.ask("status")["received"] > 0
        control.power()
        assert control.ask("status")["received"] == 0
        assert identified(line)


def test_closed_and_opened_again(port):
    """Also after half a reply that nobody read, which the next program must not get."""
    for _ in range(5):
        with opened(port) as line:
            assert identified(line)
            line.write(frames.identify(1))
            line.read(3)
        time.sleep(0.3)  # the server looks
    with opened(port) as line:
        assert line.in_waiting == 0
        assert identified(line)


def test_every_byte_comes_through_the_terminal():
    terminal, content = Terminal(), bytes(range(256)) * 2
    with opened(terminal.port) as line:
        assert terminal.is_open()
        assert not terminal.write(content)
        assert line.read(512) == content
        line.write(content)
        got = b""
        while len(got) < 512:
            assert select.select([terminal.handle], [], [], 10)[0]
            got += terminal.read()
        assert got == content
    assert not terminal.is_open()
    terminal.close()


def test_no_time_is_spent_in_rest(port):
    """A board at rest simulates nothing and takes no processor time."""
    with opened(port) as line, Control(port) as control:
        assert identified(line)
        cycles, began = until_idle(control), time.process_time()
        time.sleep(1)
        assert time.process_time() - began < 0.3
        assert control.ask("status")["cycles"] == cycles
    time.sleep(0.2)
    began = time.process_time()
    time.sleep(1)  # nobody has it open
    assert time.process_time() - began < 0.3


def test_two_boards_at_once():
    names, answers = ("icebreaker", "tangnano9k"), {}

    def ask(name, port):
        with opened(port) as line:
            answers[name] = [identified(line, name) for _ in range(20)]

    with served(names[0], level="bytes") as one, served(names[1], level="bytes") as other:
        assert one != other
        threads = [
            threading.Thread(target=ask, args=pair)
            for pair in zip(names, (one, other), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)
    assert answers == {name: [True] * 20 for name in names}
    for port in (one, other):
        assert not os.path.exists(port)
        assert not control_path(port).exists()


@pytest.mark.parametrize("drift", [-2.5, 2.5])
@pytest.mark.parametrize("divisor", [8, 48])
def test_drift(drift, divisor):
    board = load("icebreaker")
    setup = Setup(board=board, baud=int(board.clock_hz) // divisor, drift=drift)
    assert setup.divisor == divisor
    command = frames.write(Space.WEIGHTS, 0, bytes(range(256)) * 2, 1)
    with Machine(setup) as machine:
        machine.send(command)
        received = run(machine)
        machine.send(frames.identify(2))
        received += run(machine)
        assert received[:FEWEST_REPLY_BYTES] == frames.reply(1)
        assert frames.parse_reply(received[FEWEST_REPLY_BYTES:]).tag == 2
        assert machine.framing == 0
        assert machine.cycles > 10 * divisor * len(command) * (1 + drift / 100)


def test_far_too_much_drift_is_seen():
    """What the test above has its answers from."""
    with Machine(Setup(board=load("icebreaker"), drift=9)) as machine:
        machine.send(frames.identify(0x55))
        assert machine.sent == 11 or run(machine)[:2] != b"\x00\x55"


def run(machine):
    """What a board sends until nothing goes on."""
    received = b""
    while not machine.idle:
        received += machine.run(100_000)
    return received


@pytest.mark.parametrize("name", sorted(set(NAMES) - LIKE_OTHERS - set(learning())))
def test_every_kind_of_board(name):
    with served(name, level="bytes") as port, opened(port) as line:
        assert identified(line, name)
        for frame in digits(name)[0].frames():
            assert answer(line, frame).status == Status.OK
        check_logits(line, name)


class TestFlash:
    def test_a_model_is_there_at_power_up(self):
        net, *_ = digits()
        with (
            served("icebreaker", level="bytes", model="digits") as port,
            opened(port) as line,
            Control(port) as control,
        ):
            until_idle(control)
            for _ in range(2):
                found = asked(line)
                assert (found.network, found.bad_boot) == (True, False)
                assert (found.digest, found.infer_bytes) == (net.digest, net.infer_bytes)
                assert control.leds() == {"ready": 1, "busy": 0, "error": 0}
                check_logits(line)
                line.write(frames.load(3, 1))
                assert line.read(FEWEST_REPLY_BYTES) == frames.reply(1)
                assert not asked(line).network
                control.power()
                until_idle(control)

    def test_a_bad_image_lights_the_lamp(self, tmp_path):
        net, *_ = digits()
        content = bytearray(boot.image(net))
        content[100] ^= 1
        file = tmp_path / "flash.bin"
        file.write_bytes(content)
        with (
            served("icebreaker", level="bytes", flash=file) as port,
            opened(port) as line,
            Control(port) as control,
        ):
            until_idle(control)
            assert control.leds() == {"ready": 0, "busy": 0, "error": 1}
            found = asked(line)
            assert (found.network, found.bad_boot) == (False, True)
            for frame in net.frames():
                assert answer(line, frame).status == Status.OK
            check_logits(line)


class TestCommand:
    @contextmanager
    def started(self, tmp_path, *options):
        """The command in a process of its own: (process, the port)."""
        words = [
            sys.executable,
            "-m",
            "sobolpath",
            "sim",
            "serve",
            "icebreaker",
            "--level",
            "bytes",
        ]
        file = tmp_path / "port"
        words += ["--port-file", str(file), *options]
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                end = time.monotonic() + 120
                while not file.exists() and time.monotonic() < end and process.poll() is None:
                    time.sleep(0.05)
                yield process, *file.read_text().split()
            finally:
                process.kill()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_cleanly(self, number, tmp_path):
        result = tmp_path / "serve.json"
        with self.started(tmp_path, "--json", str(result)) as (process, port, control):
            assert control == str(control_path(port))
            with opened(port) as line:
                assert identified(line)
                process.send_signal(number)
                output, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        assert not (tmp_path / "port").exists()
        assert not os.path.exists(control)
        assert not os.path.exists(port)
        assert f"sobolpath host identify --port sim:{port}" in output
        assert max(map(len, output.splitlines())) <= 80
        summary = json.loads(result.read_text())
        assert (summary["board"], summary["level"]) == ("icebreaker", "bytes")
        assert summary["sent"] == 11
        assert summary["received"] == IDENTITY_BYTES + FEWEST_REPLY_BYTES
        assert summary["cycles_per_second"] > 0

    def test_a_killed_one_leaves_nothing_that_is_in_the_way(self, tmp_path):
        with self.started(tmp_path) as (process, port, _):
            process.kill()
            process.wait(30)
        with pytest.raises(InputError, match="must be the port of a simulated board that runs"):
            Control(port)
        with served("icebreaker", level="bytes") as again, opened(again) as line:
            assert identified(line)  # where the port has the same name, the old socket is replaced

    def test_the_client_sees_the_end(self, tmp_path):
        with self.started(tmp_path) as (process, port, _), opened(port) as line:
            assert identified(line)
            process.terminate()
            process.wait(30)
            assert select.select([line.fileno()], [], [], 5)[0]
            with pytest.raises((serial.SerialException, OSError)):
                line.read(1)


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"level": "bit"}, r"^level must be one of bits, bytes, not 'bit'$"),
            ({"drift": 10}, r"^drift must be between -10 and 10 per cent, not 10$"),
            ({"baud": 48_000_000}, r"^baud must be at most 6000000 at 48 MHz, not 48000000$"),
            ({"flash": "/nowhere"}, r"^/nowhere: must be a file to read: No such file"),
            ({"model": "none"}, r"^none: no such model file"),
            ({"flash": b"", "model": "digits"}, r"^flash and model must not both be given"),
        ],
    )
    def test_settings(self, options, message):
        with pytest.raises(InputError, match=message), served("icebreaker", **options):
            pass

    def test_a_board_that_does_not_boot(self):
        message = "^icebreaker-paper must be a board that boots from its flash, but does not$"
        with pytest.raises(InputError, match=message), served("icebreaker-paper", model="digits"):
            pass

    def test_board(self):
        with pytest.raises(InputError, match="board must be one of"), served("icebraker"):
            pass

    def test_a_request_that_is_none(self, port):
        with Control(port) as control, pytest.raises(InputError, match="request must be one of"):
            control.ask("explode")

    def test_no_board(self):
        with pytest.raises(InputError, match=r"^/dev/null: must be the port of a simulated board"):
            Control("/dev/null")

    def test_no_answer(self, monkeypatch):
        with served("icebreaker", level="bytes") as port:
            control = Control(port)
        with control, pytest.raises(InputError, match="must answer, but does not"):
            control.leds()

    def test_no_socket(self, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
        with (
            Machine(Setup(board=load("icebreaker"), level="bytes")) as machine,
            pytest.raises(InputError, match="must be a socket that can be made, but: Not a dir"),
        ):
            Server(machine)

    def test_no_terminal(self, monkeypatch):
        def none():
            raise OSError(2, "out of pty devices")

        monkeypatch.setattr(os, "openpty", none)
        with (
            Machine(Setup(board=load("icebreaker"), level="bytes")) as machine,
            pytest.raises(InputError, match="must have a pseudo-terminal: out of pty devices"),
        ):
            Server(machine)

    def test_a_library_that_cannot_be_loaded(self, monkeypatch, tmp_path):
        (tmp_path / "board.so").write_text("no library")
        monkeypatch.setattr(
            "sobolpath.sim.board.machine.library.compiled", lambda *a, **k: tmp_path / "board.so"
        )
        with pytest.raises(InputError, match="must be a library for this machine; remove it"):
            Machine(Setup(board=load("icebreaker")))
