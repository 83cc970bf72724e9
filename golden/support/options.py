"""Options that several commands have: the same name, the same meaning, the same words of help."""


def json(parser):
    """``--json FILE``: the results as JSON."""
    parser.writes("--json", metavar="FILE", help="write the results as JSON; - is standard output")


def model(parser, **settings):
    """MODEL, the file of a network; ``settings`` as of ``add_argument``."""
    settings = {"metavar": "MODEL", "help": "a model file (.npz)", **settings}
    parser.reads("model", **settings)


def limit(parser):
    """``--limit N``: fewer images."""
    parser.add_argument("--limit", type=int, metavar="N", help="take only the first N images")


def config(parser, names, default: str | None = "icebreaker"):
    """``--config NAME``: the engine, one of ``names``; required where ``default`` is ``None``."""
    shown = ", ".join(names)
    parser.add_argument(
        "--config",
        default=default,
        required=default is None,
        metavar="NAME",
        help=f"the engine: {shown}" + ("" if default is None else " (%(default)s)"),
    )


def plot(parser, what, default=None):
    """``--plot FILE``: the picture of ``what``, ``default`` where none is named."""
    shown = "" if default is None else f" ({default})"
    parser.writes("--plot", metavar="FILE", help=f"draw {what}, .svg or .png{shown}")
