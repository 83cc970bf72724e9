"""``python -m golden``: the golden model's commands."""

import contextlib
import sys

from . import bench, cli, compare, eval_command, quality_command, threads, train_command, zoo
from .reproduce import command as reproduce

COMMANDS = (  # modules with add_to(commands), in the order of the help
    train_command,
    eval_command,
    quality_command,
    compare,
    reproduce,
    bench,
)

HELP = """\
The golden model: sparse networks made of Sobol' paths, trained in floats and
quantized to the integers that the hardware computes.

"""


def _parser():
    parser = cli.Parser(prog="python -m golden")
    commands = parser.add_subparsers(dest="command", required=True)
    for module in COMMANDS:
        module.add_to(commands)
    zoo.add_to(commands, run)
    commands.metavar = "|".join(commands.choices)
    parser.description = HELP + "".join(f"  {parser.prog} {x} --help\n" for x in commands.choices)
    return parser


def run(argv):
    """Parse the command line and run it: 1 where the result says that a check has not ``passed``.

    With ``--json -`` only the JSON is on standard output.
    """
    options = _parser().parse_args(argv)
    read = [value for name, value in vars(options).items() if name in ("model", "extend") and value]
    if str(getattr(options, "data", None)).endswith(".npz"):  # not the name of a data set
        read.append(options.data)
    cli.check_writable(getattr(options, "out", None), options.json, read=read)
    with contextlib.ExitStack() as during:
        if "threads" in options:
            during.enter_context(threads.limit(options.threads))
        if options.json == "-":
            during.enter_context(contextlib.redirect_stdout(sys.stderr))
        result = options.run(options)
    if options.json is not None:
        cli.write_json(options.json, result)
    return 0 if result.get("passed", True) else 1


if __name__ == "__main__":
    sys.exit(cli.main(run))
