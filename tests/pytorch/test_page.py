"""docs/pytorch.md: what it tells to type runs, block after block."""

import re

import torch

from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from tests.support.places import ROOT


def test_the_programs_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build").mkdir()
    text = (ROOT / "docs" / "pytorch.md").read_text()
    programs = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    names = {}
    for program in programs:
        exec(program, names)
    assert len(programs) == 2
    assert names["layer"].weight.numel() * 16 == 512 * 512
    assert names["logits"].shape == (32, 16)
    images = names["digits"].x_test[:5]
    wanted = engine.infer(models.load("build/mine.npz"), images)
    assert (names["quantized"].integers(torch.from_numpy(images))[-1].numpy() == wanted).all()
