"""``sobolpath demo``: a page to draw digits on, answered by a board or by a simulated one."""

import webbrowser
from argparse import Namespace
from functools import partial

import numpy as np

from sobolpath.golden.machine import model as models
from sobolpath.golden.support import options
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from .. import drawing, samples, server
from ..answers import Networks
from ..device import SIMULATED, Device, driver

MODEL, DATA = "mnist-nested", "digits"

HELP = """\
Serve a page for the browser of this computer: draw a digit, or pick an image,
and see what the board says it is, the logits, the paths that are active, the
cycles and the time at the board's clock. With a nested model (mnist-nested)
there is a slider for the number of paths. Ctrl-C ends it.

The board is at --port. Without one, or with sim:NAME, the whole board is
simulated, from its serial port to its engine.

  sobolpath demo
  sobolpath demo --port /dev/ttyUSB1 --open
  sobolpath demo mnist-37k --data mnist --http-port 8000

The images that are offered are scikit-learn's digits, enlarged, or with --data
those of a data set. The page is for this computer alone (127.0.0.1), and loads
nothing from elsewhere.
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.model(parser, MODEL)
    options.port(parser, SIMULATED)
    options.baud(parser, "what the boards have, 1000000")
    options.data(parser, DATA, what="whose held-out images are offered, digits enlarged")
    parser.add_argument(
        "--http-port", type=int, default=0, metavar="N", help="port of the page (any that is free)"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Open the board, load the network, serve until Ctrl-C. Raises ``InputError``."""
    server.check()
    model = models.load(options.model)
    device = Device(options.port, opener=partial(driver, baud=options.baud))
    networks = Networks(model, device)
    offered = samples.of(options.data, model, options.download)
    with server.listen(options.http_port) as listening:
        say(f"board     {options.port}: opening it, and loading {options.model}")
        try:
            blank = np.zeros((drawing.SIDE, drawing.SIDE), np.uint8)
            networks.answer(networks.sizes[-1]["size"], blank)
            origin = samples.origin(options.data)
            app = server.app_of(networks, offered, str(options.model), origin)
            serving = server.make(app, listening)
            url = f"http://{server.HOST}:{serving.port}/"
            say(f"page      {url} (Ctrl-C ends it)")
            if options.open:
                webbrowser.open(url)
            try:
                serving.serve_forever()
            except KeyboardInterrupt:
                say("ended")
            finally:
                serving.server_close()
        finally:
            device.close()
    return Outcome({"model": str(options.model), "port": options.port, "url": url})
