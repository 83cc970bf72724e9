"""Quantization-aware training in PyTorch: from a float network, or a model, to a model file."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..golden.data import INPUT_SCALE
from ..golden.data.preparation import Preparation
from ..golden.errors import InputError
from ..golden.machine import model as models
from ..golden.machine.model import Model
from ..golden.topology.patterns import check_integer
from ..golden.training import quantize
from ..golden.training.network import Network
from ..golden.training.qat import QuantizedNetwork
from .integers import IntegerNetwork
from .network import PathNetwork
from .units import latent


class QuantizedPathNetwork(IntegerNetwork):
    """A network of paths that computes with the integers it rounds to.

    Parameters
    ----------
    topology : the paths, linear over GF(2).
    input_scale : the real value of one step of an input.
    units : per junction the real value of one step of a weight.
    shifts : per junction, 0 to 24, those of the contract; the last is 0.
    least : the least integer of a weight, -127, or -128 for weights that were not made here.

    The others are those of :class:`PathNetwork`. Mostly made by :meth:`calibrated` or
    :meth:`from_model`. ``state_dict`` has the scales too. Raises ``InputError`` where these do not
    hold.
    """

    @classmethod
    def calibrated(
        cls,
        network: PathNetwork,
        images: ArrayLike,
        classes: int,
        input_scale: float = INPUT_SCALE,
    ) -> "QuantizedPathNetwork":
        """A trained network with the scales that :mod:`golden.training.quantize` chooses.

        Parameters
        ----------
        network : trained on ``images * input_scale``; it stays as it is.
        images : ``uint8`` (B, n_0), training images to calibrate on, an array or a tensor.
        classes : how many outputs are classes, the first ones.
        input_scale : the real value of one step of an input.

        Returns a module with the same weights, of the same device and dtype. Raises ``InputError``
        where the paths are not linear over GF(2), or numbers not finite.
        """
        images = np.asarray(images.cpu() if isinstance(images, Tensor) else images)
        width, outputs = network.topology.layers[0], network.topology.layers[-1]
        good = images.dtype == np.uint8 and images.ndim == 2 and images.shape[1] == width
        if not good or not len(images):
            raise InputError(
                f"images must be uint8 of shape (images, {width}), at least one, "
                f"not {images.dtype} of {images.shape}"
            )
        check_integer(classes, "classes", 1, outputs)
        chosen = quantize.choose(network.to_network(), images, classes, input_scale)
        weight, bias = network.layers()[0].weight, network.layers()[0].bias
        result = cls(
            network.topology,
            input_scale,
            chosen["units"],
            chosen["shifts"],
            bias=bias is not None,
            device=weight.device,
            dtype=weight.dtype,
        )
        with torch.no_grad():
            for own, other in zip(result.parameters(), network.parameters(), strict=True):
                own.copy_(other)
        return result.train(network.training)

    @classmethod
    def from_network(cls, network: Network, **made: Any) -> "QuantizedPathNetwork":
        """A module of a :class:`golden.training.qat.QuantizedNetwork`, its floats and scales.

        Raises ``InputError`` for a float network, which has no scales.
        """
        if not isinstance(network, QuantizedNetwork):
            raise InputError(
                "network must be a golden.training.qat.QuantizedNetwork, not a float one: "
                "take calibrated"
            )
        scales = network.steps[0], network.units, network.shifts
        result = cls(network.topology, *scales, **made)
        for junction, weights, biases in zip(
            result.layers(), network.weights, network.biases, strict=True
        ):
            junction.assign(weights, biases)
        return result

    @classmethod
    def from_model(cls, model: Model | str | Path, **made: Any) -> "QuantizedPathNetwork":
        """A module of the integers of a model, or of a model file, or of a model that ships.

        The floats behind them are the model's where they round to its integers. Raises
        ``InputError`` where the ``dtype`` has not the digits that a bias needs.
        """
        model = model if isinstance(model, Model) else models.load(model)
        step, units, floats = model.input_scale, [], []
        for junction, shift in enumerate(model.shifts, 1):
            unit, *values = latent(model, junction, step)
            units.append(unit)
            floats.append(values)
            step *= unit * 2.0**shift
        least = min(-127, *(int(weights.min()) for weights in model.weights))
        result = cls(model.topology, model.input_scale, units, model.shifts, least=least, **made)
        for junction, values in zip(result.layers(), floats, strict=True):
            junction.assign(*values)
        for junction, (weights, biases) in enumerate(result._arrays(), 1):
            wanted = model.weights[junction - 1], model.biases[junction - 1]
            if not np.array_equal(weights, wanted[0]) or not np.array_equal(biases, wanted[1]):
                largest = np.abs(wanted[1].astype(np.int64)).max()
                raise InputError(
                    f"dtype must hold biases of up to {largest} steps in junction {junction}, "
                    f"which {result.layers()[0].weight.dtype} does not: take torch.float64"
                )
        return result

    @torch.no_grad()
    def _arrays(self):
        """Per junction the integers: ``int8`` (N_l,) in path order, ``int32`` (n_l,)."""
        for junction, own in enumerate(self.layers(), 1):
            weight, bias = (values.cpu().numpy() for values in self.rounded(junction))
            weights = np.empty(own.paths, np.int8)
            weights[own.sums.path] = weight.ravel()
            yield weights, bias.astype(np.int32)

    def to_model(
        self,
        classes: int,
        info: dict[str, Any] | None = None,
        preparation: Preparation | None = None,
    ) -> Model:
        """The :class:`golden.machine.model.Model` that computes the same integers; it has ``save``.

        ``classes`` : how many outputs are classes, the first ones. ``info``, facts of its making,
        and ``preparation``, how samples become inputs, are the model's. Raises ``InputError`` where
        a number is not finite.
        """
        floats = self.to_network()
        weights, biases = zip(*self._arrays(), strict=True)
        return Model(
            topology=self.topology,
            weights=weights,
            biases=biases,
            shifts=tuple(self.shifts),
            float_weights=tuple(floats.weights),
            float_biases=tuple(floats.biases),
            input_scale=self.steps[0],
            classes=classes,
            info=dict(info or {}),
            preparation=preparation,
        )
