"""``sobolpath zoo``: the models that ship; train one again."""

from argparse import Namespace
from pathlib import Path

from ..errors import InputError
from ..support import cli, options
from ..support.cli import Parser
from ..support.command import Outcome, Say
from ..training import zoo
from . import train

HELP = """\
List the models that ship in models/, or train one again by its recipe. The
accuracies are those of the full held-out set, as sobolpath train found them.

  sobolpath zoo
  sobolpath zoo --train mnist-37k   (data: see sobolpath train --help)
  sobolpath zoo --recalls mitbih    (how much of each class is found)
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("--train", metavar="NAME", help=f"train one again: {', '.join(zoo.RECIPES)}")
    add("--recalls", metavar="NAME", help="also run this one, and count class by class")
    add("--download", action="store_true", help=options.DOWNLOAD)
    options.models(parser, "the folder with the models", zoo.FOLDER)
    parser.writes("--card", metavar="FILE", help="also write the table as Markdown")
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Train what is asked for, list the models. Raises ``InputError``."""
    if options.train is not None:
        path = Path(options.models) / f"{options.train}.npz"
        _train(options.train, path, options.download, say)
    models = zoo.entries(options.models)
    if not models:
        raise InputError(
            f"{options.models}: must have models, made by 'sobolpath zoo --train NAME'"
        )
    for line in zoo.table(models):
        say(line)
    result = {"models": models}
    if options.recalls is not None:
        result["recalls"] = zoo.recalls(options.recalls, options.models, options.download)
        for line in ("", *zoo.recalls_table(result["recalls"])):
            say(line)
    if options.card is not None:
        cli.write_atomically(options.card, zoo.card(models))
        say(f"wrote       {options.card}")
    return Outcome(result)


def _train(name, path, download, say):
    """Make the model called ``name`` again, by its recipe, and write it to ``path``."""
    parser = cli.Parser(prog="sobolpath train")
    train.arguments(parser)
    cli.check_writable(path)
    more = ["--download"] if download else []
    train.run(parser.parse_args([*zoo.arguments(name), "--out", str(path), *more]), say)
