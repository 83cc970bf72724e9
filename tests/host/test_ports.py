"""Serial ports, on pseudo-terminals: locks, errors, a port that goes away."""

import errno
import threading

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.protocol.device import Device
from sobolpath.host import Board, NoDevice, NoReply, NotOurs, PortBusy, Unplugged
from sobolpath.host import serial_port as ports
from sobolpath.host.links import connect
from tests.support.sessions import identity, network
from tests.support.terminals import behind, twin_terminal

pytestmark = pytest.mark.timeout(60)
WHO = identity(images=2)


def test_a_session_over_a_terminal():
    model, images = network(1, WHO, 7)
    with twin_terminal(Device(WHO)) as terminal:
        for expected in (True, False):
            with Board.open(terminal.port) as board:
                assert board.name == terminal.port
                assert board.load(model) is expected
                assert np.array_equal(board.infer(images), engine.infer(model, images))


def test_a_file_that_names_the_port(tmp_path):
    with twin_terminal(Device(WHO)) as terminal:
        (tmp_path / "port").write_text(f"{terminal.port}\n/the/socket\n")
        with Board.open(f"sim:{tmp_path / 'port'}") as board:
            assert board.identity.lanes == WHO.lanes


def test_one_program_at_a_time():
    with twin_terminal(Device(WHO)) as terminal:
        with (
            Board.open(terminal.port),
            pytest.raises(PortBusy, match="must be free, but another program has it open: close"),
        ):
            Board.open(terminal.port)
        Board.open(terminal.port).close()


def test_the_port_goes_away():
    """In the middle of a batch, and between two."""
    model, images = network(2, WHO, 64)
    with twin_terminal(Device(WHO)) as terminal, Board.open(terminal.port) as board:
        board.load(model)
        gone = threading.Event()

        def pull(done, total):
            if not gone.is_set():
                gone.set()
                terminal.unplug()

        with pytest.raises(Unplugged, match=r"^/dev/pts/\d+: the port must stay open, but it wen"):
            board.infer(images, progress=pull)
        with pytest.raises(Unplugged):
            board.identify()
    assert gone.is_set()


def test_nothing_answers():
    with (
        behind(lambda content: b"") as terminal,
        pytest.raises(NoReply, match=r"the device must answer, but nothing came at 9,600 baud: "),
    ):
        Board.open(terminal.port, baud=9600, retries=0)
    assert terminal.received == 11


def test_something_else_answers():
    with (
        behind(lambda content: b"AT?\r\n" * 9) as terminal,
        pytest.raises(NotOurs, match="compare the baud rate with that of the build"),
    ):
        Board.open(terminal.port, retries=0)


def test_no_port():
    with pytest.raises(NoDevice, match=r"^/dev/nothing: must be a serial port, but it cannot be"):
        Board.open("/dev/nothing")
    with pytest.raises(InputError, match=r"^baud must be at least 1, not 0$"):
        Board.open("/dev/nothing", baud=0)
    with pytest.raises(NoDevice, match=r"^sim:a/b: must be the file of 'sobolpath sim serve --po"):
        Board.open("sim:a/b")
    for name, overlap in (("icebreaker", True), ("icebreaker-paper", False)):
        with Board.open(f"twin:{name}") as board:
            assert board.identity.overlap is overlap  # as the gateware tells
    with pytest.raises(InputError, match=r"^the board behind twin: must be one of tiny, icebreak"):
        Board.open("twin:nothing")


@pytest.mark.parametrize(
    ("number", "text", "error", "message"),
    [
        (
            errno.EACCES,
            "could not open port",
            NoDevice,
            "^X: must be a port that you may open",
        ),
        (errno.EBUSY, "could not open port", PortBusy, "^X: must be free, but the system says"),
        (
            errno.EAGAIN,
            "Could not exclusively lock port",
            PortBusy,
            "^X: must be free, but an",
        ),
        (errno.ENOENT, "could not open port", NoDevice, "^X: must be a serial port, but it cannot"),
        (None, "PermissionError(13, 'Denied')", NoDevice, "^X: must be a port that you may open"),
    ],
)
def test_why_a_port_is_not_opened(number, text, error, message):
    found = OSError(number, text) if number else OSError(text)
    with pytest.raises(error, match=message):
        raise ports._not_opened("X", found)


def test_without_pyserial(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "serial", None)
    with pytest.raises(InputError, match=r"^serial must be installed to open a serial port.*host"):
        connect("/dev/ttyUSB0")


class Port:
    """What a break does to pyserial's port."""

    def __init__(self):
        self.done = []

    def __getattr__(self, name):
        return lambda: self.done.append(name)

    def __setattr__(self, name, value):
        if name != "done":
            self.done.append((name, value))
        super().__setattr__(name, value)


def test_a_break_on_a_serial_port():
    with twin_terminal(Device(WHO)) as terminal:
        link = connect(terminal.port)
        assert not link.can_break
        link._port.close()
        link._port = Port()
        link.send_break()
        wanted = ["flush", ("break_condition", True), ("break_condition", False)]
        assert link._port.done == [*wanted, "reset_input_buffer"]
