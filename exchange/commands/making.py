"""The model file of a chain: its dense layers as paths, or trained again with fewer of them."""

from argparse import Namespace
from typing import Any

import numpy as np

from sobolpath.golden.commands import shared
from sobolpath.golden.data import INPUT_SCALE, DataSet
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.model import Model
from sobolpath.golden.support import cli
from sobolpath.golden.support.command import Say
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.training import loop, quantize
from sobolpath.golden.training.network import Network

from .. import dense, exact
from ..chain import Chain
from ..inputs import Inputs
from .telling import wrapped


def dense_paths(
    options: Namespace,
    chain: Chain,
    widths: tuple[int, ...],
    inputs: Inputs,
    dataset: DataSet | None,
    info: dict[str, Any],
    say: Say,
) -> tuple[Model, dict[str, Any]]:
    """The :class:`Model` of dense paths, and what ``--json`` says of how it came about."""
    paths = dense.topology(widths)
    made = exact.plan(chain, paths, inputs)
    reasons = list(made.reasons)
    if options.exact:
        reasons += [f"{name} rounds halves to even" for name in made.even]
        reasons += ["the bias of the last layer is not whole"] if made.rounded else []
        if reasons:
            raise InputError(f"{options.net}: --exact must be left out: {'; '.join(reasons)}")
    if made.reasons:
        if dataset is None:
            raise InputError(
                f"{options.net}: --data is required, to quantize on, because {reasons[0]}"
            )
        if chain.quantized:
            wrapped("requantized", f"because {'; '.join(reasons)}", say)
        network = dense.network(chain, paths, inputs)
        given = dataset.x_train, dataset.classes, INPUT_SCALE, info, inputs.preparation
        return quantize.quantize(network, *given, grid=quantize.FAR), {"exact": False}
    model = Model(
        topology=paths,
        preparation=inputs.preparation,
        input_scale=float(np.ravel(inputs.step)[0]),
        classes=chain.widths[-1],
        info=info,
        **made.model_parts,
    )
    whole = not (made.even or made.rounded)
    found = {"exact": whole, "even": list(made.even), "rounded": made.rounded}
    wrapped("integers", "the network's own" + ("" if whole else ", but for what differs"), say)
    if made.rounded:
        wrapped("", "the bias of the last layer is rounded to whole steps of its sums", say)
    if dataset is not None:
        found["differences"] = exact.differences(chain, made, model, inputs, dataset.x_test)
        for each in found["differences"]:
            line = "differ      {differ:,} of {values:,} values of {name}"
            say(line.format(**each) + (f", by up to {each['largest']:g}" if each["differ"] else ""))
    elif made.even:
        wrapped("", f"{', '.join(made.even)} rounds halves to even: --data counts where", say)
    return model, found


def sparsified(
    options: Namespace,
    recipe: loop.Recipe,
    chain: Chain,
    widths: tuple[int, ...],
    inputs: Inputs,
    dataset: DataSet,
    info: dict[str, Any],
    say: Say,
) -> Model:
    """Train a network of fewer paths, from the weights that those meet."""
    counts = cli.integers(options.sparsify, ",", "--sparsify")
    paths = build("omitted", widths, counts)
    say(f"paths       {','.join(map(str, counts))} ({paths.total_paths:,} weights), trained")
    whole, offsets = dense.folded(chain, widths, inputs)
    pairs = zip(paths.junctions, dense.along(paths, whole), chain.widths, strict=False)
    weights = [np.sqrt(n / paths.fan_in(junction)) * own for junction, own, n in pairs]
    network = Network(paths, weights, offsets)
    samples = dataset.x_train, dataset.y_train, dataset.classes
    loss = loop.train(network, *samples, recipe, INPUT_SCALE)[-1]
    info |= {"sparsified": list(counts), "loss": loss}
    info |= {name: getattr(recipe, name) for name, *_ in shared.RECIPE}
    calibration = dataset.x_train, dataset.classes, INPUT_SCALE
    return quantize.quantize(network, *calibration, info, inputs.preparation)
