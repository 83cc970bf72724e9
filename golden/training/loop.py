"""Training by stochastic gradient descent or Adam, deterministic by seed.

The learning rate falls from ``rate`` to 0 along half a cosine. Weight decay is decoupled: every
step takes ``rate * decay`` of each weight away (Loshchilov & Hutter); biases are left alone.

With fixed signs (Keller & Van keirsbilck, section 3.2) only magnitudes learn: after every step a
weight that has passed 0 is put back on 0, the nearest value that its sign allows. That is projected
gradient descent; the optimizer's moments go on as if nothing had been in the way, and a weight
leaves 0 when they turn. The sign of a 0 is in its sign bit (-0.0), so it is not lost between
training and going on with the integers (:mod:`golden.training.qat`), nor in a model file. Rounding
to integers leaves a weight its sign or makes it 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..errors import InputError, check_name
from ..support.cli import progress
from ..topology.paths import Paths
from .network import Vector

OPTIMIZERS = ("adam", "sgd")
SIGNS = ("free", "fixed")


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    epochs : passes over the training images, at least 1.
    batch : images per step, at least 1.
    rate : the first learning rate, above 0.
    optimizer : ``"adam"`` or ``"sgd"``.
    momentum : of SGD, and the decay of Adam's first moment, 0 to below 1.
    decay : weight decay per unit of learning rate, at least 0.
    signs : ``"free"``, or ``"fixed"``: every weight keeps the sign it has before training.
    seed : of the shuffling, at least 0.

    The defaults were chosen on validation images of digits (``sobolpath train --validation``).

    Raises ``InputError`` where these do not hold.
    """

    epochs: int = 60
    batch: int = 16
    rate: float = 0.01
    optimizer: str = "adam"
    momentum: float = 0.9
    decay: float = 0.1
    signs: str = "free"
    seed: int = 0

    def __post_init__(self):
        most = 2**32 - 1  # what seeds NumPy and scikit-learn
        for name, least in (("epochs", 1), ("batch", 1), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                wanted = f"an integer from {least} to {most}"
                raise InputError(f"{name} must be {wanted}, not {str(value)[:40]}")
        for name, good, wanted in (
            ("rate", lambda x: 0 < x < np.inf, "a finite number above 0"),
            ("momentum", lambda x: 0 <= x < 1, "a number from 0 to below 1"),
            ("decay", lambda x: 0 <= x < np.inf, "a finite number of at least 0"),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not good(value):
                raise InputError(f"{name} must be {wanted}, not {value!r}")
        for name, known in (("optimizer", OPTIMIZERS), ("signs", SIGNS)):
            check_name(name, getattr(self, name), known)


class Trainable(Protocol):
    """What is trained: :class:`golden.training.network.Network`, or several of them as one."""

    topology: Paths
    parameters: np.ndarray

    def vector(self) -> Vector:
        """A zero vector like ``parameters``, and views of its weights and its biases."""
        ...

    def silence(self, first: int) -> None:
        """Set the outputs from ``first`` on to 0."""
        ...

    def gradients(self, inputs: np.ndarray, labels: np.ndarray, classes: int, out: Vector) -> float:
        """Fill ``out`` with the gradient of ``parameters``; the loss."""
        ...


@dataclass(frozen=True)
class Successor:
    """A larger network that goes on in place of another.

    Parameters
    ----------
    epoch : at whose start it takes over, from 2 on.
    network : it; new weights begin as they are in it.
    where : ``int64``, the positions in its parameters of those of the network before it.
    """

    epoch: int
    network: Trainable
    where: np.ndarray


class Optimizer:
    """Steps of SGD with momentum, or of Adam, on one vector of parameters, in place.

    ``weights`` is how many of the leading ``parameters`` decay, and keep their signs (those of
    zeros too) where the recipe fixes them.
    """

    SECOND, EPSILON = np.float32(0.999), np.float32(1e-8)

    def __init__(self, recipe: Recipe, parameters: np.ndarray, weights: int):
        self.recipe, self.parameters, self.weights = recipe, parameters, weights
        self.first, self.second = np.zeros_like(parameters), np.zeros_like(parameters)
        self.scratch, self.steps = np.empty_like(parameters), 0
        self.signs = np.copysign(np.float32(1), parameters[:weights])

    def grow(self, parameters: np.ndarray, weights: int, where: np.ndarray) -> None:
        """Go on with ``parameters`` that there are more of: the old ones come to ``where``.

        The old ones keep their moments. New ones begin as they are in ``parameters``, with moments
        of 0 and the steps of the old ones: Adam's corrections of the start are not theirs again, so
        their first steps are some 3 to 6 times the rate, which lets them catch up. (On validation
        images of MNIST, 16,384, 16,384 and 4,096 paths that doubled in epochs 4 and 7 of 10 reached
        97.57 % so, and 97.43 % with corrections of their own: means of three seeds.)
        """
        parameters[where] = self.parameters
        for name in ("first", "second"):
            grown = np.zeros_like(parameters)
            grown[where] = getattr(self, name)
            setattr(self, name, grown)
        self.parameters, self.weights = parameters, weights
        self.scratch = np.empty_like(parameters)
        self.signs = np.copysign(np.float32(1), parameters[:weights])

    def step(self, gradient: np.ndarray, rate: float) -> None:
        """Move the parameters against ``gradient``, a vector like them, which is overwritten."""
        recipe, scratch = self.recipe, self.scratch
        momentum = np.float32(recipe.momentum)
        self.steps += 1
        if recipe.decay:
            self.parameters[: self.weights] *= np.float32(1 - rate * recipe.decay)
        self.first *= momentum
        if recipe.optimizer == "sgd":
            self.first += gradient
            np.multiply(self.first, np.float32(rate), out=scratch)
        else:
            np.multiply(gradient, 1 - momentum, out=scratch)
            self.first += scratch
            np.multiply(gradient, gradient, out=gradient)
            gradient *= 1 - self.SECOND
            self.second *= self.SECOND
            self.second += gradient
            # Adam's two corrections of the start, folded into the rate and into epsilon.
            correction = np.sqrt(1 - float(self.SECOND) ** self.steps)
            rate *= correction / (1 - float(momentum) ** self.steps)
            np.sqrt(self.second, out=gradient)
            gradient += self.EPSILON * np.float32(correction)
            np.divide(self.first, gradient, out=scratch)
            scratch *= np.float32(rate)
        self.parameters -= scratch
        if recipe.signs == "fixed":
            self._project(self.parameters[: self.weights])

    def _project(self, weights):
        """Put weights of the wrong sign on 0; every 0 has its sign in the sign bit."""
        weights *= self.signs
        np.maximum(weights, 0, out=weights)
        np.copysign(weights, self.signs, out=weights)


def train(
    network: Trainable,
    images: np.ndarray,
    labels: np.ndarray,
    classes: int,
    recipe: Recipe,
    scale: float,
    *,
    later: Sequence[Successor] = (),
    quiet: bool = False,
) -> list[float]:
    """Train ``network`` in place; outputs from ``classes`` on are padding and set to 0.

    ``images`` is ``uint8`` (B, n_0), one step of it worth ``scale``; ``labels`` integers (B,).
    ``later`` : the networks that it grows into on the way (:mod:`golden.training.growing`), each
    at its epoch; the last of them is what was trained. ``quiet`` : show no progress bar, for
    callers that have one over many short trainings.
    Returns each epoch's mean loss, a list of floats, met on the way. Raises ``InputError`` when
    the loss is no longer finite.
    """
    random, losses = np.random.default_rng(recipe.seed), []
    successors = {each.epoch: each for each in later}
    optimizer = Optimizer(recipe, network.parameters, network.topology.total_paths)
    network.silence(classes)  # after the optimizer has read the signs
    gradient = network.vector()
    steps = recipe.epochs * -(-len(images) // recipe.batch)
    with (
        progress(range(recipe.epochs), desc="train", unit="epoch", disable=quiet or None) as bar,
        np.errstate(over="ignore", invalid="ignore"),  # the loss tells
    ):
        for epoch in bar:
            if epoch + 1 in successors:
                larger = successors[epoch + 1]
                network = larger.network
                optimizer.grow(network.parameters, network.topology.total_paths, larger.where)
                network.silence(classes)
                gradient = network.vector()
            total, order = 0.0, random.permutation(len(images))
            for start in range(0, len(images), recipe.batch):
                chosen = order[start : start + recipe.batch]
                inputs = images[chosen].T.astype(np.float32, order="C")
                inputs *= np.float32(scale)
                loss = network.gradients(inputs, labels[chosen], classes, gradient)
                if not np.isfinite(loss):
                    raise InputError(
                        f"the loss must stay finite, but epoch {epoch + 1} made it {loss}: "
                        f"lower the rate of {recipe.rate}"
                    )
                cosine = (1 + np.cos(np.pi * optimizer.steps / steps)) / 2
                optimizer.step(gradient[0], recipe.rate * cosine)
                total += loss * len(chosen)
            losses.append(total / len(images))
            bar.set_postfix(loss=f"{losses[-1]:.4f}", paths=network.topology.total_paths)
    return losses
