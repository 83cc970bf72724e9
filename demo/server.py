"""The local web server: one page, and three questions that its script asks, all of this machine."""

import logging
import socket
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import packages

from . import drawing
from .answers import Networks
from .device import Gone
from .samples import Sample

HOST = "127.0.0.1"
STATIC = Path(__file__).parent / "static"
LARGEST = 1 << 20  # bytes of a request
#: Nothing is loaded from elsewhere, and no other page may show this one or send to it.
POLICY = (
    "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def check() -> Any:
    """The module flask. Raises ``InputError`` where it is not installed."""
    return packages.module("flask", "to serve the page", "demo")


def app_of(networks: Networks, samples: list[Sample], title: str, origin: str) -> Any:
    """The Flask application; ``title`` is the model's, ``origin`` the samples'. It has

    - ``/`` and what that loads from ``/static``;
    - ``/state``: the model, its numbers of paths, the board, the samples' pixels;
    - ``/answer``: of the JSON ``{"size": N, "strokes": [[[x, y], ...], ...]}`` or ``{"size": N,
      "sample": K}``, the device's answer and the pixels that it was of;
    - ``/picture``: of the same JSON, the active paths as SVG.

    An error is ``{"error": line, "gone": whether it is the device's}``, with the status 503 where
    it is the device's, and 400 for a wrong question.
    """
    flask = check()
    app = flask.Flask(__name__, static_folder=str(STATIC), static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=LARGEST, TRUSTED_HOSTS=[HOST, "localhost"])
    drawing_turn = threading.Lock()  # matplotlib's settings are of the whole process

    @app.get("/")
    def page() -> Any:
        return app.send_static_file("index.html")

    @app.get("/state")
    def state() -> Any:
        identity = networks.device.identity()
        return {
            "title": title,
            "origin": origin,
            "port": networks.device.port,
            "clock_mhz": identity.clock_hz / 1e6,
            "lanes": identity.lanes,
            "images_together": identity.images,
            "sizes": networks.sizes,
            "labels": list(networks.model.names),
            "samples": [
                {"label": each.label, "pixels": each.pixels.ravel().tolist()} for each in samples
            ],
        }

    @app.post("/answer")
    def answer() -> Any:
        size, pixels, label = _question(flask.request.get_json(silent=True), samples)
        facts = networks.answer(size, pixels).facts()
        return {**facts, "size": size, "label": label, "pixels": pixels.ravel().tolist()}

    @app.post("/picture")
    def picture() -> Any:
        size, pixels, _ = _question(flask.request.get_json(silent=True), samples)
        with drawing_turn:
            content = networks.picture(size, pixels)
        return flask.Response(content, mimetype="image/svg+xml")

    @app.errorhandler(InputError)
    def refuse(error: InputError) -> Any:
        gone = isinstance(error, Gone)
        status = HTTPStatus.SERVICE_UNAVAILABLE if gone else HTTPStatus.BAD_REQUEST
        return {"error": str(error), "gone": gone}, status

    @app.after_request
    def protect(response: Any) -> Any:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


def _question(body, samples) -> tuple[Any, np.ndarray, int | None]:
    """The number of paths, the image and its label, if that is known, of a request's JSON."""
    if not isinstance(body, dict) or ("strokes" in body) == ("sample" in body):
        raise InputError("a question must be JSON with size, and strokes or sample")
    size = body.get("size")
    if not isinstance(size, int):
        raise InputError(f"the number of paths must be an integer, not {size!r}")
    if "strokes" in body:
        return size, drawing.image_of(drawing.strokes_of(body["strokes"])), None
    number = body["sample"]
    if not isinstance(number, int) or not 0 <= number < len(samples):
        raise InputError(f"sample must be 0 to {len(samples) - 1}, not {number!r}")
    return size, samples[number].pixels, samples[number].label


def listen(port: int) -> socket.socket:
    """A socket of this machine alone, at ``port``, any free one for 0. Raises ``InputError``."""
    if not 0 <= port < 2**16:
        raise InputError(f"--http-port must be 0 to {2**16 - 1}, not {port}")
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        reason = error.strerror or error
        raise InputError(f"--http-port must be one that is free, not {port}: {reason}") from None
    listening.listen()
    return listening


def make(app: Any, listening: socket.socket) -> Any:
    """A server of ``app`` at a socket of :func:`listen`: ``serve_forever()`` and ``shutdown()``."""
    check()
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
    port = listening.getsockname()[1]
    return make_server(HOST, port, app, threaded=True, fd=listening.fileno())
