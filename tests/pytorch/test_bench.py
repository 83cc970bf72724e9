"""``sobolpath pytorch bench``: what it prints and writes; how much faster paths are."""

import json

import pytest
import torch

from sobolpath.__main__ import main

SMALL = "pytorch bench --layers 16-32-8 --paths 64,128 --batch 4 --batches 2 --repeats 3"


def test_prints_and_writes(capsys, tmp_path):
    threads = torch.get_num_threads()
    assert main([*SMALL.split(), "--json", str(tmp_path / "b.json")]) == 0
    assert torch.get_num_threads() == threads
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    rows = [line.split() for line in printed.splitlines()[-3:]]
    assert [row[:2] for row in rows] == [["paths", "192"], ["masked", "192"], ["dense", "768"]]
    assert rows[0][-1] == "1.00"
    result = json.loads((tmp_path / "b.json").read_text())
    assert result["layers"] == [16, 32, 8]
    assert result["paths"] == [64, 128]
    assert result["torch"] == torch.__version__
    assert [len(way["timings"]) for way in result["ways"]] == [3, 3, 3]
    fastest = [min(way["timings"]) for way in result["ways"]]
    assert result["ratio_masked"] == pytest.approx(fastest[1] / fastest[0])
    assert result["ratio_dense"] == pytest.approx(fastest[2] / fastest[0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--batch 0", "batch must be an integer from 1 to 1048576, not 0"),
        ("--repeats 0", "repeats must be an integer from 1 to 1000, not 0"),
        ("--layers 16-x", "--layers must be integers joined by '-', not '16-x'"),
        ("--layers 16-16 --paths 16,16", "2 layers need 1 path counts, one per junction, not 2"),
        ("--threads 0", "threads must be at least 1, not 0"),
    ],
)
def test_complaints(words, message, capsys):
    assert main(["pytorch", "bench", *words.split()]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
