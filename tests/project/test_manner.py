"""One manner: what all commands have alike, in their options, their errors and what they write."""

import importlib
import inspect
import re

import pytest

from sobolpath.__main__ import COMMANDS, main
from sobolpath.boards import NAMES, load
from sobolpath.golden.machine import model
from sobolpath.golden.support import cli, options
from sobolpath.hw.engines import boards, learning

TRAIN = "train --data digits --layers 64-16 --paths 64"


MODULES = {
    words: importlib.import_module(f"sobolpath.{name}") for words, (name, _) in COMMANDS.items()
}
LISTS = {"--lanes"}  # one number, or several where several are compared


def actions(module):
    """The options and arguments of a command: (the words that are typed for it, action)."""
    parser = cli.Parser()
    module.arguments(parser)
    for action in parser._actions:
        for word in action.option_strings or [action.metavar]:
            yield word, action


ACTIONS = [(words, *each) for words, module in MODULES.items() for each in actions(module)]


def test_an_option_is_the_same_in_every_command():
    found = {}
    for words, word, action in ACTIONS:
        if word not in LISTS:
            kind = action.metavar, action.type, type(action).__name__, action.dest
            found.setdefault(word, {}).setdefault(kind, []).append(words)
    assert {word: kinds for word, kinds in found.items() if len(kinds) > 1} == {}
    assert {"--json", "--data", "--seed", "MODEL", "BOARD", "--plot", "--limit"} < set(found)


def test_every_command_takes_its_options_from_one_place():
    """What two commands have is added by a function of ``options`` that is called so."""
    owners = {}
    for words, word, _ in ACTIONS:
        owners.setdefault(word, set()).add(words)
    several = {word for word, commands in owners.items() if len(commands) > 1} - LISTS
    recipe = {"--epochs", "--optimizer", "--batch", "--momentum", "--rate", "--decay", "--signs"}
    recipe |= {"--initialization", "--magnitudes", "--validation", "--scaling"}
    recipe |= {"--test", "--held-out", "--range", "--shape", "--drop"}  # golden.commands.shared
    names = {
        word.lstrip("-").lower().replace("-", "_")
        for word in several - {"-h", "--help", "-o"} - recipe
    }
    assert names - {"download"} == {name for name in names if hasattr(options, name)}
    for words in owners["--json"]:
        assert "options.json(parser)" in inspect.getsource(MODULES[words])
    assert owners["--json"] == set(COMMANDS)


def test_pictures_data_and_models():
    by_word = {}
    for words, word, action in ACTIONS:
        by_word.setdefault(word, set()).add(words)
        assert action.dest != "model" or action.metavar == "MODEL", words
    assert {"--svg", "--picture", "--png", "--format"}.isdisjoint(by_word)
    assert by_word["--data"] <= by_word["--download"]  # where a message recommends it, it is there
    assert by_word["--download"] - by_word["--data"] == {"zoo"}


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_is_given_options_and_say(words):
    module = MODULES[words]
    assert list(inspect.signature(module.run).parameters) == ["options", "say"]
    assert list(inspect.signature(module.arguments).parameters) == ["parser"]
    for line in inspect.getsource(module).splitlines():  # say for results, the rest for errors
        assert "print(" not in line or "file=sys.stderr" in line, line


def refused(capsys, line):
    """The one line of an error in the input."""
    assert main(line.split()) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


@pytest.mark.parametrize(
    ("line", "nearest"),
    [
        ("trian", "train"),
        ("smi run", "sim"),
        ("sim rum", "run"),
        ("board biuld", "build"),
        ("board build icebraker", "icebreaker"),
        ("board build ICEBREAKER", "icebreaker"),
        ("board verify ulx3", "ulx3s"),
        ("hw verilog --config tinny -o x.v", "tiny"),
        ("hw image digits --config upduin -o x.hex", "upduino"),
        ("sim run digits --data digits --config orangecrab85", "orangecrab-85"),
        ("sim run digits --data digit", "digits"),
        ("sim run mnist37k --data mnist", "mnist-37k"),
        ("sim run digits --data digits --backend nativ", "native"),
        ("sim conflicts --topologies sobol,cascadet", "cascaded"),
        ("sim conflicts --crossbars bufered", "buffered"),
        ("sim explain --topology sobl", "sobol"),
        ("quality --topologies scrambld --layers 16-16 --paths 16", "scrambled"),
        ("compare --topologies sobol,fixed --data digits --layers 64-16 --paths 64", "fixed-fan"),
        (f"{TRAIN} --out x.npz --optimizer adm", "adam"),
        (f"{TRAIN} --out x.npz --signs fixd", "fixed"),
        (f"{TRAIN} --out x.npz --initialization rudinshapiro", "rudin-shapiro"),
        (f"{TRAIN} --out x.npz --magnitudes constants", "constant"),
        ("zoo --train mitbi", "mitbih"),
        ("reproduce edges32", "edges-32"),
        ("sim run digits --dta digits", "--data"),
        ("sim run digits --data digits --limt 3", "--limit"),
        ("board build icebreaker --sed=3", "--seed"),
    ],
)
def test_did_you_mean(line, nearest, capsys):
    assert f"; did you mean {nearest!r}?" in refused(capsys, line)


@pytest.mark.parametrize("command", ["eval", "train", "sim run", "hw image", "board build"])
def test_the_help_that_is_pointed_to_is_that_of_the_command(command, capsys):
    err = refused(capsys, f"{command} --nope")
    assert f"unrecognized arguments: --nope (try 'sobolpath {command} --help')" in err
    assert re.search(
        rf"required: .* \(try 'sobolpath {command} --help'\)", refused(capsys, command)
    )


def test_nothing_is_near(capsys):
    assert "did you mean" not in refused(capsys, "board build xyz")


def test_every_board_is_a_configuration():
    found = {**boards(), **learning()}
    assert {*NAMES, "tiny", "tiny-learn"} == set(found)
    for name in NAMES:
        assert load(name).config == found[name]


@pytest.mark.parametrize("suffix", ["", ".npz"])
def test_a_model_s_name_may_lack_its_end(suffix, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model.load("digits").save(tmp_path / "mine.npz")
    assert model.load(f"mine{suffix}").topology == model.load(f"digits{suffix}").topology
    assert main(["hw", "image", f"mine{suffix}", "--config", "icebreaker", "-o", "m.hex"]) == 0
    capsys.readouterr()
    assert "mine2: no such model file" in refused(capsys, "sim profile mine2")
    err = refused(capsys, f"eval mine{suffix} --data digits --json mine.npz")
    assert err == "error: mine.npz: must be a file of its own, not one that is read or written\n"


@pytest.mark.parametrize("out", ["build/w", "w.txt"])
def test_a_model_is_written_to_a_file_named_npz(out, capsys):
    err, wanted = refused(capsys, f"{TRAIN} --out {out}"), f"{out.removesuffix('.txt')}.npz"
    assert err == f"error: --out must be a file named .npz, not {out!r}: try {wanted}\n"
