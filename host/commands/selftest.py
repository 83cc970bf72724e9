"""``sobolpath host selftest``: does a board compute what the golden model does?"""

import textwrap
from argparse import Namespace

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli, options
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from .. import selftest
from . import shared

SHOWN = 5  # differences that are told

HELP = f"""\
Check a board. First come the models that ship and fit, with logits that are
written down; then random networks of random shapes, three images each, whose
logits must be those of the golden model, bit for bit. What the board held
before is gone then.

  sobolpath host selftest --port /dev/ttyUSB1
  sobolpath host selftest --port sim:icebreaker --networks 20 --seed 7

{shared.PORTS}
exit codes: 0 pass; 1 fail, the first differences are told; 2 no board there
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    what = "random networks, 0 or more (%(default)s)"
    parser.add_argument("--networks", type=int, default=1000, metavar="N", help=what)
    options.seed(parser, 1)
    shared.arguments(parser)
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Check and print; what differs, if anything. Raises ``HostError``."""
    if options.networks < 0:
        raise InputError(f"--networks must be at least 0, not {options.networks}")
    with shared.opened(options) as board:
        checked, wrong = [], []
        for name, difference in selftest.known(board):
            checked.append(name)
            wrong += [difference] if difference is not None else []
        text = f"known    {len(checked) - len(wrong)} of {len(checked)}: {', '.join(checked)}"
        for line in textwrap.wrap(text, 79, subsequent_indent=" " * 9):
            say(line)
        with cli.progress(total=options.networks, desc="random networks", leave=False) as bar:
            random = list(
                selftest.random_networks(board, options.networks, options.seed, bar.update)
            )
    right = options.networks - len(random)
    say(f"random   {right:,} of {options.networks:,} networks, seed {options.seed}")
    wrong += random
    say("fail" if wrong else "pass")
    lines = [str(each) for each in wrong[:SHOWN]]
    if len(wrong) > SHOWN:
        lines.append(f"and {len(wrong) - SHOWN} more")
    result = {
        "port": options.port,
        "known_models": checked,
        "networks": options.networks,
        "images": selftest.IMAGES * options.networks + len(checked),
        "seed": options.seed,
        "networks_different": len(wrong),
    }
    return Outcome(result, lines)
