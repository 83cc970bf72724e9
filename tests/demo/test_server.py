"""What the page asks of its server, without a browser; the device's errors; the command."""

import json
import re
import socket
import threading
import urllib.error
import urllib.request
from dataclasses import replace

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.demo import device, samples, server
from sobolpath.demo.answers import Networks
from sobolpath.demo.commands import demo
from sobolpath.demo.device import Device, Gone
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine, schedule
from sobolpath.golden.machine import model as models
from sobolpath.golden.path_order import schedule as path_order
from sobolpath.golden.protocol.identity import Identity
from sobolpath.host import rates
from sobolpath.hw import path_order as path_order_hw
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.path_order.config import CONFIGS as PATH_ORDER
from tests.demo.stand_in import IDENTITY, UNPLUGGED, Desk
from tests.demo.strokes import DIGITS

SIZES = [512, 1024, 2048, 4096, 8192, 16384]


@pytest.fixture(scope="module")
def model():
    return models.load("mnist-nested")


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def client(model, desk):
    networks = Networks(model, Device("here", opener=desk))
    app = server.app_of(
        networks, samples.of("digits", model), "mnist-nested", samples.origin("digits")
    )
    with app.test_client() as client:
        yield client


def ask(client, **body):
    return client.post("/answer", json=body, base_url="http://127.0.0.1")


def get(client, path):
    return client.get(path, base_url="http://127.0.0.1")


class TestServer:
    def test_state(self, client, model):
        state = get(client, "/state").get_json()
        assert [row["size"] for row in state["sizes"]] == SIZES
        assert state["sizes"][-1]["weights"] == model.topology.total_paths
        assert state["sizes"][-1]["accuracy"] == model.info["accuracy_int"]
        assert (state["clock_mhz"], state["lanes"], state["images_together"]) == (48, 8, 2)
        assert state["origin"].startswith("These are scikit-learn's digits of 8 x 8 pixels")
        assert samples.origin("mnist") == "These are held-out images of mnist."
        assert [len(each["pixels"]) for each in state["samples"]] == [784] * 20

    def test_the_answer_is_the_device_s(self, client, model):
        found = ask(client, size=16384, sample=4).get_json()
        pixels = np.array(found["pixels"], np.uint8).reshape(1, 28, 28)
        wanted = engine.infer(model, model.preparation.apply(pixels))[0, :10]
        assert found["logits"] == wanted.tolist()
        assert (found["class"], found["label"]) == (int(wanted.argmax()), 2)
        cycles = schedule.plan(model.topology, CONFIGS["icebreaker"].machine).latency
        assert (found["cycles"], found["microseconds"]) == (cycles, pytest.approx(cycles / 48))

    def test_fewer_paths_are_loaded_once_and_are_faster(self, client, desk):
        first = ask(client, size=16384, strokes=DIGITS[7]).get_json()
        fewer = [ask(client, size=512, strokes=DIGITS[7]).get_json() for _ in range(2)]
        assert desk.loads == [first["weights"], fewer[0]["weights"]] == [36864, 2048]
        assert fewer[0] == fewer[1]
        assert (first["class"], first["label"]) == (7, None)
        assert fewer[0]["cycles"] < first["cycles"]

    def test_the_picture(self, client):
        body = {"size": 512, "strokes": DIGITS[7]}
        found = client.post("/picture", json=body, base_url="http://127.0.0.1")
        assert found.mimetype == "image/svg+xml"
        assert "raises the logit of class " in found.text
        assert 20_000 < len(found.data) < 1_000_000

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ([], "a question must be JSON with size, and strokes or sample"),
            ({"size": 512}, "a question must be JSON with size, and strokes or sample"),
            (
                {"size": 512, "sample": 1, "strokes": []},
                "a question must be JSON with size, and strokes or sample",
            ),
            ({"size": "a", "sample": 1}, "the number of paths must be an integer, not 'a'"),
            (
                {"size": 3, "sample": 1},
                "the number of paths must be one of 512, 1024, 2048, 4096, 8192, 16384, not 3",
            ),
            ({"size": 512, "sample": 20}, "sample must be 0 to 19, not 20"),
            ({"size": 512, "strokes": []}, "a drawing must have 1 to 4000 points, not 0"),
        ],
    )
    def test_refuses(self, client, body, message):
        found = client.post("/answer", json=body, base_url="http://127.0.0.1")
        assert found.status_code == 400
        assert found.get_json() == {"error": message, "gone": False}

    def test_a_device_that_goes_and_comes_again(self, client, desk):
        assert ask(client, size=512, sample=0).status_code == 200
        desk.plugged = False
        for _ in range(2):
            found = ask(client, size=512, sample=0)
            assert found.status_code == 503
            assert found.get_json() == {"error": UNPLUGGED, "gone": True}
        desk.plugged = True
        assert ask(client, size=512, sample=0).status_code == 200
        assert (desk.opened, desk.closed, len(desk.loads)) == (2, 1, 2)

    def test_a_device_that_lies(self, client, desk):
        desk.lies = True
        found = ask(client, size=512, sample=0)
        wanted = "the device's logits must be those of the golden model, and are not"
        assert (found.status_code, found.get_json()["error"]) == (503, wanted)

    def test_nothing_comes_from_elsewhere_or_goes_there(self, client):
        for path in ("/", "/static/page.js", "/static/paper.js", "/static/style.css"):
            with get(client, path) as found:
                assert found.status_code == 200
                assert re.findall(r"(?:https?:)?//\w", found.text) == []
                policy = found.headers["Content-Security-Policy"]
                assert policy.startswith("default-src 'self';")
        assert client.get("/", base_url="http://elsewhere.example").status_code == 400


class TestDevice:
    def test_cycles_of_both_engines(self, model):
        config = PATH_ORDER["icebreaker"]
        identity = Identity.of(config, clock_hz=24_000_000)
        assert isinstance(config, path_order_hw.config.PathOrderConfig)
        wanted = path_order.plan(model.topology, config.machine).latency
        assert rates.cycles(model.topology, identity).latency == wanted
        assert rates.cycles(model.topology, IDENTITY).latency < wanted

    def test_a_port_that_is_none(self):
        with pytest.raises(Gone, match=re.escape(UNPLUGGED)):
            Device("x", opener=Desk(plugged=False)).identity()

    def test_close_and_again(self, model, desk):
        one = Device("x", opener=desk)
        assert one.identity() == IDENTITY
        one.close()
        one.close()
        assert one.identity() == IDENTITY
        assert (desk.opened, desk.closed) == (2, 1)

    def test_another_shape(self):
        with pytest.raises(InputError, match="one of images of 28x28 pixels, not 8x8"):
            Networks(models.load("digits"), Device(opener=Desk()))
        bare = replace(models.load("mnist-12k"), preparation=None)
        with pytest.raises(InputError, match="28x28 pixels, not another, not known"):
            Networks(bare, Device(opener=Desk()))

    def test_a_model_of_one_size(self):
        networks = Networks(models.load("mnist-12k"), Device(opener=Desk()))
        assert [(row["size"], row["weights"]) for row in networks.sizes] == [(4096, 12288)]


@pytest.fixture
def plugged(desk, monkeypatch):
    """The command with the stand-in for the driver."""
    monkeypatch.setattr(demo, "Device", lambda port, opener: Device(port, opener=desk))
    return desk


class TestCommand:
    def test_serves_until_it_is_ended(self, plugged, monkeypatch, capsys, tmp_path):
        """In place of the browser: asks for the page, then ends the command as Ctrl-C does."""
        seen = []

        def browse(url):
            def visit():
                with urllib.request.urlopen(url, timeout=20) as page:
                    seen.append((url, page.read()))
                running[0].shutdown()

            threading.Thread(target=visit).start()

        running, make = [], server.make

        def kept(*arguments):
            running.append(make(*arguments))
            return running[0]

        monkeypatch.setattr(server, "make", kept)
        monkeypatch.setattr(demo.webbrowser, "open", browse)
        assert main(["demo", "mnist-12k", "--open", "--json", str(tmp_path / "r.json")]) == 0
        ((url, page),) = seen
        assert b"<title>sobolpath: draw a digit</title>" in page
        lines = capsys.readouterr().out.splitlines()
        assert lines[-1] == f"page      {url} (Ctrl-C ends it)"
        assert max(map(len, lines)) <= 80
        written = json.loads((tmp_path / "r.json").read_text())
        assert written == {"model": "mnist-12k", "port": device.SIMULATED, "url": url}
        assert (plugged.loads, plugged.closed) == ([12288], 1)
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(url, timeout=5)

    def test_no_board_is_one_line(self, plugged, capsys):
        plugged.plugged = False
        assert main(["demo", "mnist-12k"]) == 2
        assert capsys.readouterr().err == f"error: {UNPLUGGED}\n"

    @pytest.mark.parametrize("port", ["-1", "65536"])
    def test_a_port_of_the_page_that_is_none(self, port, plugged, capsys):
        assert main(["demo", "mnist-12k", f"--http-port={port}"]) == 2
        assert capsys.readouterr().err == f"error: --http-port must be 0 to 65535, not {port}\n"

    def test_a_port_of_the_page_that_is_taken(self, plugged, capsys):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert main(["demo", "mnist-12k", "--http-port", str(port)]) == 2
        wanted = f"error: --http-port must be one that is free, not {port}: Address already in use"
        assert capsys.readouterr().err.strip() == wanted

    def test_flask_is_not_there(self, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "flask", None)
        with pytest.raises(
            InputError, match=r"flask must be installed to serve the page, but .*\[demo\]"
        ):
            server.check()
