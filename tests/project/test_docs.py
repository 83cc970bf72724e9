"""The pages: what they link, name and tell to type is there, and their words are explained."""

import doctest
import importlib
import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest

from scripts import figures
from sobolpath.__main__ import COMMANDS, find
from sobolpath.boards import load
from sobolpath.boards.report import kept as kept_boards
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine import shipped
from sobolpath.golden.machine.image import Space
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.protocol import frames, network
from sobolpath.golden.support import cli
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.export import example
from tests.support.places import MODELS, ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "examples" / "README.md"]
PAGES += [ROOT / "models" / "README.md", *sorted(DOCS.glob("*.md"))]
GLOSSARY = (DOCS / "glossary.md").read_text()
PLACES = "golden|hw|sim|boards|host|pytorch|tests|scripts|models|docs|examples"
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z/%.]+):.*##", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"\b[A-Z]+\b", MAKEFILE))
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.fixture(params=PAGES, ids=NAMES)
def page(request):
    return request.param


def anchors(text):
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in headings}


def quoted(text):
    """What stands in backticks within a line of text, and what stands in blocks of code."""
    blocks = re.findall(r"(?:^ {4}.*\n)+", text, re.MULTILINE)
    prose = re.sub(r"^```.*?^```|^ {4}[^\n]*$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(words.split()) for words in re.findall(r"`([^`]+)`", prose)], blocks


def typed(blocks):
    """The commands ``sobolpath`` in blocks of code: lists of words, without a shell's comments."""
    for block in blocks:
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            found = re.match(r" {4}(?:\.venv/bin/)?(sobolpath (?!COMMAND).*)", line)
            if found and "..." not in found[1]:
                yield shlex.split(found[1], comments=True)[1:]


def made(words, blocks):
    """The commands ``make``, in blocks and in lines."""
    lines = [line[4:] for block in blocks for line in block.splitlines()]
    for line in (*lines, *words):
        if line.startswith("make ") and "..." not in line:
            yield line


def parser_of(words):
    """The parser of a command, and the arguments that follow its words."""
    command, rest = find(words)
    module = importlib.import_module(f"sobolpath.{COMMANDS[command][0]}")
    parser = cli.Parser(prog=command)
    module.arguments(parser)
    return parser, rest


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 70


class TestWhatIsNamedIsThere:
    def test_links(self, page):
        for label, link in re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", page.read_text()):
            if link.startswith(("http://", "https://")):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            assert target.exists(), (label, link)
            if anchor:
                assert anchor in anchors(target.read_text()), (label, link)

    def test_files(self, page):
        words, _ = quoted(page.read_text())
        for name in words:
            if re.fullmatch(rf"(?:{PLACES})/[\w./*-]+", name):
                assert list(ROOT.glob(name.rstrip("/"))), name

    def test_names_in_python(self, page):
        words, _ = quoted(page.read_text())
        for name in words:
            found = re.match(r"(?:sobolpath\.)?((?:golden|hw|sim|boards|host)(?:\.\w+)+)", name)
            if not found or found[1].endswith(tuple(f".{x}" for x in ("py", "v", "svg"))):
                continue
            parts, here = found[1].split("."), importlib.import_module("sobolpath")
            for part in parts:
                if not hasattr(here, part):
                    importlib.import_module(f"{here.__name__}.{part}")
                here = getattr(here, part)

    def test_commands_in_blocks(self, page):
        _, blocks = quoted(page.read_text())
        for words in typed(blocks):
            parser, rest = parser_of(words)
            parser.parse_args(rest)  # complains

    def test_commands_in_lines(self, page):
        words, _ = quoted(page.read_text())
        for line in (line for line in words if line.startswith("sobolpath ")):
            command = line.split()[1:]
            if command[0] in ("--help", "--version", "..."):
                continue
            parser, rest = parser_of(command)
            for option in (each for each in rest if each.startswith("--")):
                assert option in (*parser._option_string_actions, "--help"), line

    def test_targets_of_make(self, page):
        """A target and the variables that are set beside it are the Makefile's."""
        words, blocks = quoted(page.read_text())
        for line in made(words, blocks):
            for word in shlex.split(line, comments=True)[1:]:
                known = VARIABLES if "=" in word else TARGETS
                assert word.partition("=")[0].replace("NAME", "%") in known, line

    def test_python_is_not_told_to_run_what_cannot(self, page):
        """Of our packages only ``sobolpath`` itself, and what has a ``__main__`` guard, runs."""
        for module in re.findall(r"python3? -m ([\w.]+)", page.read_text()):
            path = ROOT / Path(*module.split("."))
            if module.partition(".")[0] in PLACES.split("|"):
                assert "__main__" in path.with_suffix(".py").read_text(), module
            else:
                assert module in ("sobolpath", "pip", "pytest", "venv"), module

    def test_it_is_told_what_is_not_there(self):
        parser, rest = parser_of(["hw", "list", "--nope"])
        with pytest.raises(InputError, match="unrecognized arguments: --nope"):
            parser.parse_args(rest)
        assert list(made(["make sim", "makes"], ["    make synth X=1\n"])) == [
            "make synth X=1",
            "make sim",
        ]
        assert {"sim", "synth", "models/%.npz", "help"} < TARGETS
        assert {"BOARD", "BOARDS", "N", "PYTHON"} < VARIABLES
        lines = "    sobolpath sim run a \\\n        --data b   # text\n    sobolpath hw ...\n"
        assert list(typed([lines])) == [["sim", "run", "a", "--data", "b"]]

    def test_every_command_is_in_the_list(self):
        listed = re.findall(
            r"^\| `sobolpath ([\w -]+)` \|", (DOCS / "commands.md").read_text(), re.M
        )
        assert sorted(listed) == sorted(COMMANDS)


class TestHelp:
    @pytest.mark.parametrize("words", COMMANDS)
    def test_says_what_each_option_is(self, words):
        module = importlib.import_module(f"sobolpath.{COMMANDS[words][0]}")
        assert max(map(len, module.HELP.splitlines())) <= 80
        parser, _ = parser_of(words.split())
        for action in parser._actions:
            text = re.sub(r" ?\(.*?\)$", "", action.help)
            clipped = re.match(r"(of|as|and|its|the same|for|that|those|which is)\b|$", text)
            assert len(text.split()) > 1, (words, action.dest, action.help)
            assert not clipped, (words, action.dest, action.help)

    @pytest.mark.parametrize("words", COMMANDS)
    def test_a_model_by_default_is_found_in_any_folder(self, words, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        parser, _ = parser_of(words.split())
        for action in parser._actions:
            if action.dest == "model" and action.default is not None:
                assert shipped.find(action.default).is_file()

    def test_says_what_each_command_does(self):
        for about in (about for _, about in COMMANDS.values()):
            assert about[0].islower()
            assert about.split()[0] not in ("the", "what", "one", "a")


class TestIndex:
    @pytest.mark.parametrize("name", [p.name for p in DOCS.glob("*.md") if p.name != "README.md"])
    def test_names_every_page(self, name):
        assert f"]({name})" in (DOCS / "README.md").read_text()


ENTRIES = dict(re.findall(r"^- \*\*(.+?)\*\*: (.+)$", GLOSSARY, re.MULTILINE))


class TestGlossary:
    def test_every_line_is_an_entry_and_they_are_in_order(self):
        lines = [line for line in GLOSSARY.splitlines() if line.startswith("-")]
        assert len(ENTRIES) == len(lines) > 50
        keys = [term.lower() for term in ENTRIES]
        assert keys == sorted(keys)
        assert all(text.endswith(".") for text in ENTRIES.values())

    def test_every_word_in_italics_has_an_entry(self):
        known = {term.lower() for term in (*ENTRIES, "requantizer", "Sobol'", "C")}
        for text in ENTRIES.values():
            for word in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", text):
                one = word.lower().replace("matrices", "matrix").removesuffix("s")
                assert {word.lower(), one} & known, word

    @pytest.mark.parametrize("term", ENTRIES)
    def test_every_term_is_used_on_another_page(self, term):
        used = re.compile(rf"\b{re.escape(term)}(?:s|es)?(?!\w)", re.IGNORECASE)
        others = [page for page in PAGES if page.name != "glossary.md"]
        assert any(used.search(page.read_text()) for page in others), term

    @pytest.mark.parametrize(
        "word", ["synapse", "node", "neurone", "processing element", "perceptron", "test set"]
    )
    def test_one_thing_has_one_name(self, page, word):
        assert not re.search(rf"\b{word}s?\b", page.read_text(), re.IGNORECASE)


class TestFigures:
    def test_the_worked_number(self):
        result = doctest.testfile(str(DOCS / "how-it-works.md"), module_relative=False)
        assert (result.failed, result.attempted > 10) == (0, True)

    def test_the_extras(self):
        with open(ROOT / "pyproject.toml", "rb") as file:
            extras = tomllib.load(file)["project"]["optional-dependencies"]
        text = (DOCS / "commands.md").read_text()
        assert all(f"`{extra}`" in text for extra in extras if extra != "test")

    def test_the_serial_port(self):
        routed, text = kept_boards()["icebreaker"], (DOCS / "boards.md").read_text()
        images, rates = routed["images_together"], []
        own = load("icebreaker").baud
        for name, baud in (("digits", own), ("mnist-37k", own), ("mnist-37k", 6_000_000)):
            layers = models.load(MODELS / f"{name}.npz").topology.layers
            interval = routed["models"][name]["interval_cycles"] / routed["clock_mhz"]
            rates.append(f"{figures.over_serial(layers, images, interval, baud):,.0f}")
        assert f"about {rates[0]} digits or {rates[1]} MNIST images" in " ".join(text.split())
        text = " ".join((DOCS / "host-protocol.md").read_text().split())
        assert f"so the port carries about {rates[1]} images per second" in text
        assert f"at 6 Mbaud it carries about {rates[2]}." in text
        command = frames.infer(np.zeros((images, layers[0]), np.uint8), 0)
        reply = frames.reply(0, bytes(4 * layers[-1] * images))
        assert f"two MNIST images has {len(command):,} bytes" in text
        assert f"the INFER before, {len(reply)} bytes, goes out" in text
        assert f"At {own / 1e6:g} Mbaud that is {len(command) * 1e4 / own:.1f} ms" in text
        interval = routed["models"]["mnist-37k"]["interval_cycles"]
        engine = images * routed["clock_mhz"] * 1e6 / interval
        assert f"the engine could run {engine:,.0f};" in text

    def test_loading(self):
        text = " ".join((DOCS / "host-protocol.md").read_text().split())
        size = network.RECORD_BYTES
        command = frames.write(Space.WEIGHTS, 0, bytes(size), 0)
        beside = len(command) + len(frames.reply(0)) - size
        assert f"WRITEs of up to {size:,} bytes" in text
        assert f"{beside} bytes of command and reply beside them" in text
        assert f"leave {size / (size + beside):.1%}".replace("%", " %") in text

    def test_the_example_s_last_line(self):
        config = CONFIGS["icebreaker-1"]  # of the page's commands
        model, text = example.random_model(config), (DOCS / "verilog.md").read_text()
        logits = example.INFERENCES * config.images * model.topology.layers[-1]
        assert "hw verilog --config icebreaker-1 -o build/engine/engine.v" in text
        assert f"`PASS: {logits} logits ...`" in text

    def test_the_loader_waits_for_hidden_activations(self):
        topology = models.load(MODELS / "mnist-12k.npz").topology
        config = CONFIGS["icebreaker"]
        tasks = plan(topology, config.machine).tasks
        inputs, hidden = topology.layers[0], sum(topology.layers[1:-1])
        cycles = inputs + hidden * config.images // config.requantizers
        text = " ".join((DOCS / "commands.md").read_text().split())
        assert f"The {inputs:,} inputs of `mnist-12k` therefore take {cycles:,} cycles" in text
        assert f"With {tasks['loading'] - cycles} cycles to begin" in text
        assert f"{tasks['loading']:,} cycles from one inference to the next" in text
        assert f"the weights alone would need {tasks['running']:,}:" in text
