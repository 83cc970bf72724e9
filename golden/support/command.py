"""How every command is run: its options, its files, its result as JSON, its exit code.

A command is a module with

- ``HELP``, what ``--help`` says above the options;
- ``arguments(parser)``, which adds the options, with :mod:`golden.support.options` where another
  command has them too;
- ``run(options, say)``, which works, tells a person with ``say(line)``, and returns an
  :class:`Outcome`. Wrong input raises ``InputError``.
"""

import contextlib
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import cli, threads

#: Tells a person a line.
Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What came of a command.

    Parameters
    ----------
    summary : for ``--json``; empty where there is nothing to write.
    failures : what is wrong with what was checked, a line each: then the exit code is 1.
    finish : called once the summary is written, if there is something left to do then.
    """

    summary: Mapping[str, Any]
    failures: Sequence[str] = ()
    finish: Callable[[], None] | None = None


def execute(module: Any, words: Sequence[str], argv: Sequence[str]) -> int:
    """Run a command with the arguments ``argv``; its exit code, 0 or 1.

    ``words`` : what was typed before ``argv``, as ``("sobolpath", "sim", "run")``. With ``--json
    -`` only the JSON is on standard output; all else that is printed goes to standard error. Raises
    ``InputError`` for wrong options, and where a file cannot be written, before any work.
    """
    parser = cli.Parser(prog=" ".join(words), description=module.HELP)
    module.arguments(parser)
    options = parser.parse_args(argv)
    options.typed = shlex.join([*words, *argv])
    written = [getattr(options, name, None) for name in parser.written]
    read = [getattr(options, name, None) for name in parser.read]
    kept = [path for path in read if path is not None]
    cli.check_writable(*written, read=[*kept, *(f"{path}.npz" for path in kept)])
    json = getattr(options, "json", None)

    def say(text):
        print(text, flush=True)

    with contextlib.ExitStack() as during:
        if "threads" in options:
            during.enter_context(threads.limit(options.threads))
        if json == "-":
            during.enter_context(contextlib.redirect_stdout(sys.stderr))
        outcome = module.run(options, say)
    if json is not None and outcome.summary:
        cli.write_json(json, outcome.summary)
        if outcome.finish is not None:
            outcome.finish()
    for failure in outcome.failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if outcome.failures else 0
