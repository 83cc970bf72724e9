"""The commands for a board, on the golden twin of one."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from sobolpath.__main__ import main
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.protocol.device import Device
from sobolpath.host import links, rates, selftest
from sobolpath.host.commands import pictures, shared
from tests.support.sessions import identity
from tests.support.terminals import twin_terminal

TWIN = "--port", "twin:icebreaker"


@pytest.fixture
def device(monkeypatch):
    """One device behind every port of the test."""
    found = Device(links.twin("icebreaker").device.identity)
    monkeypatch.setattr(links, "twin", lambda name: links.TwinLink(found, f"twin:{name}"))
    return found


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command: (exit code, lines, error, JSON)."""
    monkeypatch.chdir(tmp_path)

    def call(*words, port=TWIN):
        file = tmp_path / "result.json"
        file.unlink(missing_ok=True)
        code = main(["host", *words, *port, "--json", str(file)])
        out, err = capsys.readouterr()
        assert all(len(line) <= 80 for line in out.splitlines())
        return code, out.splitlines(), err, json.loads(file.read_text()) if code < 2 else None

    return call


def drawn(path, size=(80, 64), paper=255):
    """A picture of a bar, ink on paper."""
    pixels = np.full(size, paper, np.uint8)
    pixels[size[0] // 8 : -size[0] // 8, size[1] // 2 : size[1] // 2 + size[1] // 8] = 255 - paper
    Image.fromarray(pixels).save(path)


class TestIdentify:
    def test_says_what_it_is(self, run):
        code, lines, _, found = run("identify")
        assert code == 0
        assert lines[:4] == [
            "port        twin:icebreaker",
            "engine      row-lane, 8 lanes, 2 images together",
            "clock       48 MHz",
            "line        1,000,000 baud, 48 clock cycles a bit",
        ]
        assert "network     none" in lines
        assert "digits, digits-nested" in lines[-2]
        assert found["models_fit"] == sorted(selftest.KNOWN)
        assert (found["max_weights"], found["baud"], found["model"]) == (131072, 1000000, None)

    def test_says_what_it_holds(self, run, device):
        run("load", "digits")
        _, lines, _, found = run("identify")
        assert any(line.startswith("network     digits, digest ") for line in lines)
        assert found["model"] == "digits"
        assert found["network_digest"] == f"{device.digest:08x}"

    def test_what_does_not_fit(self, run):
        _, lines, _, found = run("identify", port=("--port", "twin:tiny"))
        assert lines[-2].startswith("do not fit  digits, ")
        assert found["models_fit"] == []


class TestLoad:
    def test_once(self, run, device):
        code, lines, _, found = run("load", "mnist-12k")
        assert code == 0
        assert lines[0].startswith(f"mnist-12k: loaded, {found['network_bytes']:,} bytes in ")
        assert found["loaded"]
        assert device.network
        code, lines, _, found = run("load", "mnist-12k")
        assert lines == [
            f"mnist-12k: already there, nothing was sent; digest {device.digest:08x}",
        ]
        assert found["loaded"] is False

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["load", "nope"], "nope: no such model file"),
            (["load", "digits", "--baud", "0", "--port", "/dev/x"], "baud must be at least 1, not"),
        ],
    )
    def test_wrong_input(self, run, words, message):
        code, lines, err, _ = run(*words, port=() if "--port" in words else TWIN)
        assert (code, lines, err.count("\n")) == (2, [], 1)
        assert message in err

    def test_too_big(self, run):
        code, _, err, _ = run("load", "digits", port=("--port", "twin:tiny"))
        assert code == 2
        assert err.startswith("error: too big for this device: the neurons of the widest layer")


class TestInfer:
    def test_from_file_to_file(self, run, device, tmp_path):
        rng, model = np.random.default_rng(7), models.load("digits")
        for samples in (
            rng.integers(0, 17, (5, 8, 8)),
            rng.integers(0, 256, (5, 64), dtype=np.uint8),
        ):
            np.save("in.npy", samples)
            code, lines, _, found = run("infer", "in.npy", "--out", "out.npy", "--model", "digits")
            assert code == 0
            assert lines[-1].startswith("out.npy: 5 x 16 logits, ")
            bytes_ = samples if samples.ndim == 2 else model.preparation.apply(samples)
            logits = np.load("out.npy")
            assert logits.dtype == np.int32
            assert np.array_equal(logits, engine.infer(model, bytes_))
            assert (found["images"], found["outputs"]) == (5, 16)
        code, lines, _, _ = run("infer", "in.npy", "--out", "out.npy")  # by the digest
        assert lines[0] == "digits: already there, nothing was sent"

    def test_wrong_files(self, run, tmp_path):
        np.save("in.npy", np.zeros((2, 7, 8)))
        (tmp_path / "text.npy").write_text("no array")
        np.savez("two.npz", a=[1], b=[2])
        for name, message in (
            ("in.npy", "samples must be of 8x8 numbers, not 7x8"),
            ("none.npy", "none.npy: no such file"),
            ("text.npy", "text.npy: must be a .npy file of numbers, but"),
            ("two.npz", "two.npz: must be a .npy file with one array of images"),
        ):
            code, _, err, _ = run("infer", name, "--out", "o.npy", "--model", "digits")
            assert code == 2
            assert message in err
            assert not (tmp_path / "o.npy").exists()

    def test_nothing_is_there(self, run):
        np.save("in.npy", np.zeros((2, 64), np.uint8))
        code, _, err, _ = run("infer", "in.npy", "--out", "o.npy")
        assert code == 2
        assert "or --model must say which to load: it holds none" in err


class TestClassify:
    @pytest.mark.parametrize("paper", [0, 255])
    def test_a_picture(self, run, paper):
        drawn("digit.png", paper=paper)
        code, lines, _, found = run("classify", "digit.png", "--model", "mnist-37k")
        assert code == 0
        assert lines[1].startswith("digit.png: 80x64 became 28x28")
        said = len(lines) - 14 - 1
        assert ("changed places" in " ".join(lines[1:said])) == (paper == 255)
        assert lines[-1] == f"class {found['class_name']}"
        assert sum(line.endswith(" <") for line in lines) == 1
        shown = "\n".join(line[:28] for line in lines[said:-1])
        assert shown.count("@") > 10
        assert found["class_name"] == "1"
        assert len(found["logits"]) == 10

    def test_a_sample(self, run, device):
        model = models.load("digits")
        sample = np.random.default_rng(8).integers(0, 17, (8, 8))
        np.save("x.npy", sample)
        _, _, _, found = run("classify", "x.npy", "--model", "digits")
        logits = engine.infer(model, model.preparation.apply(sample[np.newaxis]))
        assert found["logits"] == logits[0, :10].tolist()
        assert found["class_name"] == str(logits[0, :10].argmax())
        np.save("one.npy", sample[np.newaxis])
        _, lines, _, again = run("classify", "one.npy")  # the model by its digest
        assert lines[0] == "digits: already there, nothing was sent"
        assert again == {**found, "file": "one.npy"}

    def test_no_picture(self, run):
        np.save("beat.npy", np.arange(128))
        code, lines, _, _ = run("classify", "beat.npy", "--model", "mitbih")
        assert code == 0
        assert len(lines) == 1 + 5 + 1

    def test_wrong_files(self, run, tmp_path):
        drawn("x.png")
        (tmp_path / "y.png").write_bytes((tmp_path / "x.png").read_bytes()[:70])
        np.save("x.npy", np.zeros((2, 8, 8)))
        for name, model, message in (
            ("x.png", "mitbih", "x.png: must be a .npy file for this model: its samples are no pi"),
            ("y.png", "digits", "y.png: must be a whole picture (PNG or JPEG)"),
            ("z.jpg", "digits", "z.jpg: no such file"),
            ("x.npy", "digits", "x.npy: must be one sample of 8x8 numbers, not (2, 8, 8)"),
        ):
            code, _, err, _ = run("classify", name, "--model", model)
            assert code == 2
            assert message in err


class TestPictures:
    def test_grey_levels(self):
        lines = pictures.shown(np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]), coloured=True)
        block = pictures.UPPER
        assert lines[0] == f"\x1b[38;5;232;48;5;255m{block}\x1b[38;5;255;48;5;232m{block}\x1b[0m"
        assert len(lines) == 2
        plain = pictures.shown(np.array([[0.0, 1.0], [0.0, 1.0]]), coloured=False)
        assert plain == [" @"]

    def test_colours_where_there_are_any(self, monkeypatch):
        monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: True))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert pictures.colours()
        monkeypatch.setenv("NO_COLOR", "1")
        assert not pictures.colours()
        monkeypatch.delenv("NO_COLOR")
        monkeypatch.setenv("TERM", "dumb")
        assert not pictures.colours()

    def test_bars(self):
        lines = pictures.bars(["a", "bb", "c"], np.array([-10, 1000, 495]), 1)
        assert lines[0] == " a " + " " * 20 + "        -10"
        assert lines[1] == "bb " + pictures.FULL * 20 + "      1,000 <"
        assert lines[2] == " c " + pictures.FULL * 10 + " " * 10 + "        495"
        many = pictures.bars([str(n) for n in range(64)], np.arange(64), 63)
        assert len(many) == pictures.MOST_BARS
        assert many[0].split()[0] == "48"


class TestBench:
    def test_the_arithmetic(self, run):
        code, lines, _, found = run("bench", "--model", "mnist-37k", "--limit", "5")
        assert code == 0
        assert found["images"] == 5
        assert found["line_images_per_second"] == pytest.approx(2 / ((11 + 2048 + 4) * 10 / 1e6))
        schedule = rates.cycles(models.load("mnist-37k").topology, identity(config="icebreaker"))
        engine_rate = 2 * 48e6 / schedule.interval
        assert found["engine_images_per_second"] == pytest.approx(engine_rate)
        assert [line.split("  ")[0] for line in lines[1:]] == ["measured", "the line", "engine"]

    def test_one_after_the_other(self):
        who = identity(config="icebreaker", overlap=False)
        model = models.load("digits")
        from sobolpath.golden.protocol.network import pack

        found = rates.of_line(model.topology, pack(model, who), who, 1_000_000)
        latency = rates.cycles(model.topology, who).latency / 48e6
        assert found == pytest.approx(2 / ((15 + 128 + 6 + 128) * 10 / 1e6 + latency))
        assert rates.of_line(model.topology, pack(model, who), who, 0) is None

    def test_wrong_count(self, run):
        assert run("bench", "--limit", "0")[2] == "error: --limit must be at least 1, not 0\n"


class TestSelftest:
    def test_pass(self, run):
        code, lines, _, found = run("selftest", "--networks", "15", "--seed", "3")
        assert code == 0
        assert lines[0].startswith("known    8 of 8: digits, ")
        assert lines[2:] == ["random   15 of 15 networks, seed 3", "pass"]
        assert (found["images"], found["networks_different"]) == (15 * 3 + 8, 0)

    def test_fail(self, run, device):
        """A weight memory of which one bit is stuck."""
        true = device.take

        def stuck(data):
            out = true(data)
            device.poke(0, 5, bytes([device.memories[0][5] | 64]))
            return out

        device.take = stuck
        code, lines, err, found = run("selftest", "--networks", "40", "--seed", "3")
        assert code == 1
        assert lines[-1] == "fail"
        assert found["networks_different"] > 5
        assert err.count("FAILED: ") == 6
        assert err.startswith("FAILED: ")
        assert "logit" in err

    def test_the_shapes_differ(self):
        rng, who = np.random.default_rng(0), identity(config="icebreaker")
        found = {selftest.random_network(rng, who).topology.layers for _ in range(60)}
        assert len(found) > 40
        assert {len(layers) for layers in found} == {2, 3, 4}

    def test_wrong_count(self, run):
        code, _, err, _ = run("selftest", "--networks", "-1")
        assert (code, err) == (2, "error: --networks must be at least 0, not -1\n")


class TestList:
    def test_ports_and_what_answers(self, run, monkeypatch):
        with twin_terminal(Device(identity())) as terminal:
            usb = SimpleNamespace(
                device=terminal.port, vid=0x403, pid=0x6010, serial_number="x", description="Dual"
            )
            other = SimpleNamespace(
                device="/dev/nothing", vid=None, pid=None, serial_number=None, description="n/a"
            )
            monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [usb, other])
            code, lines, _, found = run("list", "--probe", port=())
        assert code == 0
        assert lines[1].split() == ["/dev/nothing", "-", "n/a"]
        assert lines[2].split() == [terminal.port, "0403:6010", "Dual"]
        assert found["ports"][1]["answer"] == "sobolpath, row-lane, 4 lanes, 48 MHz"
        assert lines[-1] == f"{terminal.port}: sobolpath, row-lane, 4 lanes, 48 MHz"
        assert found["ports"][0]["answer"].startswith("must be a serial port, but it cannot")

    def test_none(self, run, monkeypatch):
        monkeypatch.setattr("serial.tools.list_ports.comports", list)
        code, lines, _, found = run("list", port=())
        assert (code, found) == (0, {"ports": []})
        assert lines == ["no serial port is there: is the board plugged in?"]


def test_a_model_that_does_not_ship(run, device):
    """The board holds a network that no shipped model has: --model must say which."""
    who = device.identity
    with shared.Board(link=links.TwinLink(device)) as board:
        board.load(selftest.random_network(np.random.default_rng(1), who))
    code, _, err, _ = run("bench", "--limit", "1")
    assert code == 2
    assert "it holds another" in err
