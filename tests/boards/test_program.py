"""Programming: which commands are run for which board, and what is said of what goes wrong."""

import json
import os
import re
import shlex
import shutil
import time
from pathlib import Path

import pytest

from sobolpath.__main__ import main
from sobolpath.boards import NAMES, load
from sobolpath.boards.flow import loader
from sobolpath.boards.flow.tools import BuildError
from sobolpath.golden.errors import InputError
from sobolpath.golden.protocol import boot
from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.support import packages
from tests.support.pretended import pretend_loader, pretend_tools, routed

ICE = ["--board", "ice40_generic", "--write-flash", "--verify"]
ABSENT = "unable to open ftdi device: -3 (device not found)\nError: Failed to claim cable\n"
REFUSED = "unable to open ftdi device: -4 (usb_open() failed)\nError: Failed to claim cable\n"
NO_LIBRARY = (
    "/x/openFPGALoader: error while loading shared libraries: libftdi1.so.2: cannot open shared "
    "object file: No such file or directory\n"
)
GOOD = "write to flash\nErasing: [=====>    ] 50.00%\rErasing: [==========] 100.00%\nDone\n"


@pytest.fixture
def here(monkeypatch, tmp_path):
    """An empty folder to work in."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def program(here, monkeypatch, tmp_path, capsys):
    """Runs the command with a pretended openFPGALoader: (exit code, output, errors, calls)."""

    def run(line, *, bitstream=b"bits", **pretended):
        called = pretend_loader(monkeypatch, tmp_path / "bin", **{"prints": GOOD, **pretended})
        name = line.split()[0]
        if bitstream is not None and name in NAMES:
            file = Path("build") / name / load(name).family.bitstream
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(bitstream)
        status = main(["board", "program", *shlex.split(line)])
        out, err = capsys.readouterr()
        return status, out, err, called()

    return run


class TestWhatIsRun:
    @pytest.mark.parametrize(
        ("line", "calls"),
        [
            ("icebreaker", [[*ICE, "build/icebreaker/top.bin"]]),
            ("icebreaker --flash", [[*ICE, "build/icebreaker/top.bin"]]),
            ("ulx3s", [["--board", "ulx3s", "--write-sram", "build/ulx3s/top.bit"]]),
            (
                "ulx3s --flash",
                [["--board", "ulx3s", "--write-flash", "--verify", "build/ulx3s/top.bit"]],
            ),
            (
                "orangecrab",
                [["--board", "orangeCrab", "--write-flash", "build/orangecrab/top.bit"]],
            ),
            (
                "icebreaker --model digits",
                [
                    [*ICE, "--offset", "0x20000", "build/icebreaker/network.bin"],
                    [*ICE, "build/icebreaker/top.bin"],
                ],
            ),
            (
                "upduino --model digits",
                [
                    [*ICE[:2], "--cable", "ft232", *ICE[2:], *rest]
                    for rest in (
                        ["--offset", "0x20000", "build/upduino/network.bin"],
                        ["build/upduino/top.bin"],
                    )
                ],
            ),
        ],
    )
    def test_commands(self, line, calls, program):
        status, out, err, called = program(line)
        assert (status, err, called) == (0, "", calls)
        assert f"{line.split()[0]}: programmed" in out
        assert max(map(len, out.splitlines())) <= 80

    def test_what_is_written_boots(self, program, here):
        """The image is one that a device of this kind finds good."""
        assert program("icebreaker --model digits")[0] == 0
        image = (here / "build/icebreaker/network.bin").read_bytes()
        device = Device(Identity.of(load("icebreaker").config), flash=image)
        assert device.network
        assert not device.bad_boot
        assert device.infer_bytes == 2 * 64
        assert not boot.read(image, Device(Identity.of(load("icebreaker").config)).take)

    @pytest.mark.parametrize("name", NAMES)
    def test_every_board_is_one_that_it_knows(self, name):
        """The names of openFPGALoader 1.1.1, of its --list-boards and --list-cables."""
        assert load(name).loader.name in {"ice40_generic", "ulx3s", "orangeCrab", "tangnano9k"}
        assert load(name).loader.cable in {None, "ft232"}

    def test_dry_run(self, program, here, monkeypatch):
        """Says what is to be typed; nothing is built, written or run."""
        monkeypatch.setattr(loader, "find", lambda: pytest.fail("is not needed"))
        status, out, err, called = program("icebreaker --model digits --dry-run", bitstream=None)
        assert (status, err, called) == (0, "", [])
        assert max(map(len, out.splitlines())) <= 80
        first, *commands = out.replace(" \\\n   ", "").splitlines()
        image, bitstream = commands
        assert first == "sobolpath board build icebreaker"
        prefix = shlex.join([loader.PROGRAM, *ICE])
        assert image == f"{prefix} --offset 0x20000 build/icebreaker/network.bin"
        assert bitstream == f"{prefix} build/icebreaker/top.bin"
        assert not list(here.iterdir())
        assert program("ulx3s --dry-run")[1].splitlines() == [
            f"{loader.PROGRAM} --board ulx3s --write-sram build/ulx3s/top.bit"
        ]

    def test_json(self, program, here):
        assert program("icebreaker --model digits --json r.json")[0] == 0
        result = json.loads((here / "r.json").read_text())
        commands = [shlex.split(command) for command in result.pop("commands")]
        assert [words[0] for words in commands] == [loader.PROGRAM] * 2
        assert result == {
            "board": "icebreaker",
            "bitstream": "build/icebreaker/top.bin",
            "built": False,
            "written_to": "flash",
            "model": "digits",
            "image_bytes": (here / "build/icebreaker/network.bin").stat().st_size,
            "image_offset": 0x20000,
            "programmed": True,
        }


class TestBuild:
    @pytest.mark.parametrize(("fmax", "good"), [(60.0, True), (40.0, False)])
    def test_what_is_missing_is_built(self, fmax, good, program, monkeypatch):
        """A bitstream whose clock is not met is not loaded, and not taken the next time."""
        board = load("icebreaker")
        reports, commands = pretend_tools(monkeypatch)
        reports.append(routed(board, fmax))
        status, _, err, called = program("icebreaker --json r.json", bitstream=None)
        assert any(words[0] == board.family.router for words in commands)
        assert status == (0 if good else 1)
        assert len(called) == (1 if good else 0)
        assert Path("build/icebreaker/top.bin").is_file() == good
        if good:
            assert json.loads(Path("r.json").read_text())["built"]
        else:
            wanted = "FAILED: the clock must be met: 48.00 MHz asked for, 40.00 MHz reached"
            assert err.splitlines()[-1].startswith(wanted)

    @pytest.mark.parametrize(
        ("line", "seeds"),
        [("--seed 7", [7]), ("--seeds 2", [1, 2]), ("--seed 0 --seeds 3", [0, 1, 2])],
    )
    def test_seeds_build_anew(self, line, seeds, program, monkeypatch):
        """Even where there is a bitstream, and with these."""
        board = load("icebreaker")
        reports, commands = pretend_tools(monkeypatch)
        reports += [routed(board, 60.0) for _ in seeds]
        assert program(f"icebreaker --dry-run {line}")[1].startswith(
            f"sobolpath board build icebreaker {line}\n"
        )
        assert commands == []
        status, _, _, called = program(f"icebreaker {line} --json r.json")
        runs = [words for words in commands if words[0] == board.family.router]
        assert sorted(int(words[words.index("--seed") + 1]) for words in runs) == seeds
        assert (status, len(called)) == (0, 1)
        assert json.loads(Path("r.json").read_text())["built"]

    def test_a_bitstream_that_would_be_written_over(self, program):
        status, _, err, called = program("icebreaker --model digits", bitstream=bytes(0x20001))
        assert (status, called) == (1, [])
        assert "the bitstream must have at most 131,072 bytes, so that a network" in err


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("", "the following arguments are required: BOARD"),
            ("nope", "board must be one of icebreaker, "),
            ("orangecrab --model digits", "orangecrab does not load a network from its flash: "),
            ("icebreaker-paper --model digits", "icebreaker-paper does not load a network"),
            ("tangnano9k --model digits", "tangnano9k does not load a network from its flash"),
            ("icebreaker --model nope", "nope: no such model file"),
            ("icebreaker --seeds 0", "--seeds must be at least 1, not 0"),
            ("icebreaker --seed -1", "--seed must be 0 or more, not -1"),
            ("hx8k --model mnist-37k", "too big for this device: the "),
        ],
    )
    def test_input(self, line, message, program):
        name = line.split()[0] if line else ""
        if not name:
            line = "--flash"
        status, out, err, called = program(line)
        assert (status, out, called) == (2, "", [])
        assert err.count("\n") == 1
        assert message in err

    @pytest.mark.parametrize(
        ("prints", "message"),
        [
            (ABSENT, "no icebreaker found on USB: plug it in, with a cable that carries data"),
            (
                "DFU init failed with: No DFU compatible device found\n",
                "no icebreaker found on USB: plug it in, with a cable that carries data",
            ),
            (
                "JTAG init failed with: Error: no device found\n",
                "no icebreaker found on USB: plug it in, with a cable that carries data",
            ),
            (
                REFUSED,
                "icebreaker must be one that you may open, but the system refuses it: add the udev "
                "rule of docs/on-a-board.md, or end what else has it open",
            ),
            (
                NO_LIBRARY,
                "openFPGALoader needs the library libftdi1 of the system: sudo apt install "
                "libftdi1-2 (Fedora: sudo dnf install libftdi; macOS: brew install libftdi)",
            ),
            (
                "dyld: Library not loaded: /opt/libftdi/lib/libftdi1.2.dylib\n",
                "openFPGALoader needs the library libftdi1 of the system: sudo apt install ",
            ),
            (
                NO_LIBRARY.replace("libftdi1.so", "libusb.so"),
                "openFPGALoader needs the library libusb of the system: install it",
            ),
        ],
    )
    def test_the_system(self, prints, message, program):
        """One line, exit code 2."""
        status, out, err, called = program("icebreaker", prints=prints, status=1)
        assert (status, out, len(called)) == (2, "", 1)
        assert err.startswith(f"error: {message}")
        assert err.count("\n") == 1

    @pytest.mark.parametrize("status", [0, 1])
    def test_it_fails(self, status, program, here):
        """Also where it exits with 0 though the device did not start."""
        prints = "Done\nWait for CDONE FAIL\n"
        code, _, err, called = program("icebreaker --model digits", prints=prints, status=status)
        assert (code, len(called)) == (1, 1)
        assert err == (
            "FAILED: writing the network must succeed: Wait for CDONE FAIL "
            "(log: build/icebreaker/network.log)\n"
        )
        assert (here / "build/icebreaker/network.log").read_text() == prints

    def test_it_fails_without_a_word(self, program):
        code, _, err, _ = program("ulx3s", prints="", status=3)
        assert code == 1
        assert "writing the bitstream must succeed: exit code 3 (log: build/ulx3s/top.log)" in err

    def test_it_is_not_installed(self, here, monkeypatch, capsys):
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
        assert main(["board", "program", "ulx3s"]) == 2
        wanted = f"{loader.PROGRAM} must be installed to program a board: "
        assert capsys.readouterr().err == f"error: {wanted}{packages.install('program')}\n"
        assert not list(here.iterdir())

    def test_a_distribution_s_is_good_too(self, monkeypatch):
        known = {loader.ALONE: "/usr/bin/openFPGALoader"}
        monkeypatch.setattr(shutil, "which", lambda name, path=None: known.get(name))
        assert loader.find() == known[loader.ALONE]

    def test_interrupted(self, monkeypatch, tmp_path):
        """The program is ended too, and not waited for."""
        pretend_loader(monkeypatch, tmp_path / "bin", seconds=60)
        began = time.monotonic()

        def read(pipe, step):
            raise KeyboardInterrupt

        monkeypatch.setattr(loader, "_read", read)
        with pytest.raises(KeyboardInterrupt):
            loader.run(["x"], log=tmp_path / "x.log", board="b", step="s")
        assert time.monotonic() - began < 30

    def test_progress_is_read(self, monkeypatch, tmp_path):
        shown = []

        class Bar:
            n = 0.0

            def __init__(self, **options):
                assert (options["total"], options["desc"]) == (100, "writing")

            def __enter__(self):
                return self

            def __exit__(self, *_):
                shown.append("end")

            def set_description(self, text, refresh):
                shown.append(text)

            def refresh(self):
                shown.append(self.n)

        monkeypatch.setattr(loader.cli, "progress", lambda **options: Bar(**options))
        pretend_loader(monkeypatch, tmp_path / "bin", prints=GOOD)
        loader.run(["x", "y"], log=tmp_path / "x.log", board="b", step="writing")
        assert shown == ["writing: erasing", 100.0, "end"]


@pytest.mark.slow
def test_the_real_one_finds_no_board(here):
    """The wheel's, where it is installed and its library is there: its words are those we know."""
    try:
        program = loader.find()
    except InputError:
        pytest.skip("openFPGALoader is not installed")
    Path("x.bin").write_bytes(bytes(100))
    command = load("icebreaker").loader.command("x.bin", flash=True)
    assert os.access(program, os.X_OK)
    with pytest.raises((InputError, BuildError)) as caught:
        loader.run(command, log=Path("x.log"), board="icebreaker", step="writing")
    wanted = "no icebreaker found on USB|needs the library libftdi1|refuses it"
    assert re.search(wanted, str(caught.value))
