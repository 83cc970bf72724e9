"""Dead weight: counted as defined, said by quality MODEL, train and the cards."""

import json

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.training import dead, zoo
from tests.support.networks import make_model, random_model, small_digits


def counted(model, images):
    """By the definition, weight by weight, of all activations at once."""
    layers = [images, *engine.layers(model, images)]
    dead_weights = []
    for junction in model.topology.junctions:
        source, target = model.topology.edges(junction)
        last = junction == len(model.topology.paths)
        count = 0
        for one, other in zip(source, target, strict=True):
            fires = other < model.classes if last else layers[junction][:, other].max() > 0
            count += not (layers[junction - 1][:, one].max() > 0 and fires)
        dead_weights.append(count)
    return dead_weights


@pytest.mark.parametrize("kind", ["sobol", "cascaded"])
def test_by_the_definition(kind):
    topology = build(kind, (16, 32, 8, 8), (64, 64, 32))
    random = np.random.default_rng(1)
    model = random_model(random, topology)
    object.__setattr__(model, "classes", 5)
    images = random.integers(0, 256, (40, 16), np.uint8)
    images[:, [0, 3, 9]] = 0
    images[:, 5] = 0
    images[7, 5] = 1  # lit once is lit
    found = dead.measure(model, images)
    assert found["dead_weights"] == counted(model, images)
    assert found["dead_neurons"][0] == 3
    assert found["dead_neurons"][-1] == 3
    assert found["dead_share"] == sum(found["dead_weights"]) / 160
    assert 0 < found["dead_neurons"][1] < 32


def test_all_and_none():
    topology = build("sobol", (4, 4), (8,))
    model = make_model(topology, [np.ones(8)], [np.zeros(4)], (0,))
    none = dead.measure(model, np.full((1, 4), 1, np.uint8))
    assert none == {"dead_neurons": [0, 0], "dead_weights": [0], "dead_share": 0.0}
    every = dead.measure(model, np.zeros((3, 4), np.uint8))
    assert every == {"dead_neurons": [4, 0], "dead_weights": [8], "dead_share": 1.0}
    assert dead.describe(model, every) == (
        "8 of 8 weights (100.0%): 4 of 4 inputs never lit, 0 of 0 hidden neurons never fire, "
        "0 of 4 outputs are padding"
    )


def test_more_images_than_a_piece(monkeypatch):
    topology = build("sobol", (8, 8), (16,))
    model = random_model(np.random.default_rng(0), topology)
    images = np.zeros((50, 8), np.uint8)
    images[49, 3] = 1
    monkeypatch.setattr(dead, "PIECE", 7)
    assert dead.measure(model, images)["dead_neurons"] == [7, 0]


def test_images_of_another_width():
    model = random_model(np.random.default_rng(0), build("sobol", (8, 8), (16,)))
    with pytest.raises(InputError, match=r"images must be uint8 of shape \(images, 8\)"):
        dead.measure(model, np.zeros((2, 4), np.uint8))


def test_quality_of_a_model(tmp_path, capsys):
    small_digits(tmp_path)
    path, report = tmp_path / "small.npz", tmp_path / "r.json"
    assert main(["quality", str(path), "--data", "digits", "--json", str(report)]) == 0
    text, result = capsys.readouterr().out, json.loads(report.read_text())
    model = models.load(path)
    found = dead.measure(model, data.load("digits").x_train)
    assert {key: result[key] for key in found} == found
    assert [each["dead"] for each in result["junctions"]] == found["dead_weights"]
    assert " ".join(dead.describe(model, found).split()) in " ".join(text.split())
    assert max(map(len, text.replace(str(tmp_path), "").splitlines())) <= 80
    assert result["network"]["dead"] == sum(found["dead_weights"])


def test_quality_of_a_model_that_ships(capsys):
    """Its training images are those that it names."""
    assert main(["quality", "digits"]) == 0
    assert "dead          " in capsys.readouterr().out


def test_train_says_it_and_keeps_it(tmp_path, capsys):
    words = [
        "train",
        "--data",
        "digits",
        "--layers",
        "64-32-16",
        "--paths",
        "128,64",
        "--epochs",
        "1",
        "--out",
    ]
    assert main([*words, str(tmp_path / "m.npz")]) == 0
    model = models.load(tmp_path / "m.npz")
    found = dead.measure(model, data.load("digits").x_train)
    assert {key: model.info[key] for key in found} == found
    assert f"dead        {sum(found['dead_weights'])} of 192 weights (" in capsys.readouterr().out


def test_the_card_and_the_list_have_it(capsys):
    entries = zoo.entries()
    assert all(0 < entry["dead_share"] < 0.55 for entry in entries)
    card = zoo.card(entries)
    assert all(f"{entry['dead_share']:.1%} |" in card for entry in entries)
    assert main(["zoo"]) == 0
    assert all(f"{entry['dead_share']:.1%}" in capsys.readouterr().out for entry in entries[:1])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--layers and --paths are required, or a MODEL in their place"),
        (["--layers", "64-16"], "--layers and --paths are required, or a MODEL in their place"),
        (["digits", "--paths", "64"], "--paths must be left out with a MODEL, which has its own"),
        (["digits", "--data", "d.npz"], "samples must be of 8x8 numbers, not 7x7"),
        (["none"], "no such model file"),
    ],
)
def test_mistakes(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("d.npz", x=np.zeros((20, 7, 7), np.uint8), y=np.arange(20) % 10)
    assert main(["quality", *words]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_model_that_names_no_images(tmp_path, capsys):
    random_model(np.random.default_rng(0), build("sobol", (64, 16), (64,))).save(tmp_path / "m.npz")
    assert main(["quality", str(tmp_path / "m.npz")]) == 2
    assert "does not name its training images" in capsys.readouterr().err
