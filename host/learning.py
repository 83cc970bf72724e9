"""Images that a device learns, one after the other, each of them once.

The digest counts the steps (docs/host-protocol.md): after a doubt IDENTIFY tells whether the step
in hand was made, and only one that was not is asked for again. Of one that was made, whose reply
did not arrive, the logits are not known.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn.task import Task
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.network import Network

from .errors import Forgotten
from .inference import checked
from .loading import holds
from .session import Session

LOST = -(2**31)  # every logit of an image that was learnt, but whose reply did not arrive


class Lesson:
    """``images`` of the classes ``labels`` for ``network``.

    Parameters
    ----------
    images : ``uint8`` (n, n_0), or (n_0,) for one.
    labels : integers (n,), or one for one image, each below ``classes``.
    rate, fixed : as of ``golden.learn.task.Task``.

    Members ``network`` : as it is by now; ``doubtful`` : it may have learnt once more; ``logits`` :
    of the images that are learnt.

    Raises ``InputError`` for others.
    """

    def __init__(
        self,
        images: ArrayLike,
        labels: ArrayLike,
        network: Network,
        *,
        classes: int,
        rate: int,
        fixed: bool,
    ) -> None:
        self._images = checked(images, network)
        found = np.atleast_1d(np.asarray(labels))
        if found.dtype.kind not in "iu" or found.shape != (len(self._images),):
            raise InputError(
                f"labels must be integers of shape ({len(self._images)},), not {found.dtype} of "
                f"{found.shape}"
            )
        outside = found[(found < 0) | (found >= classes)]
        if outside.size:
            raise InputError(f"labels must be 0 to {classes - 1}, not {outside[0]}")
        self._tasks = [Task(label=int(label), rate=rate, fixed=fixed) for label in found]
        self.network, self.doubtful = network, False
        self.logits: list[np.ndarray] = []

    def run(
        self, session: Session, progress: Callable[[int, int], object] | None = None
    ) -> np.ndarray:
        """Learn them all: the logits of before each step, ``int32`` (n, n_L).

        ``progress`` is told the images that are learnt, and all of them. Raises ``Forgotten`` where
        the device lost its network, and as ``Session.persist`` does.
        """
        while len(self.logits) < len(self._tasks):
            session.persist(lambda: self._next(session))
            if progress is not None:
                progress(len(self.logits), len(self._tasks))
        session.persist(lambda: self._confirm(session))
        return np.array(self.logits, np.int32).reshape(-1, self.network.outputs)

    def _next(self, session):
        """The step in hand. Raises ``Doubt``; then it is looked whether it was made."""
        if self.doubtful:
            now = resolved(session, self.network)
            if now is not self.network:
                self._learnt(np.full(self.network.outputs, LOST))
                return
        image, task = self._images[len(self.logits)], self._tasks[len(self.logits)]
        self.doubtful = True
        payload = session.ask(
            lambda tag: frames.infer(image, tag, task=task), self.network.reply_bytes
        )
        self._learnt(frames.logits(payload))

    def _learnt(self, logits):
        self.logits.append(logits)
        self.network, self.doubtful = self.network.learnt(), False

    def _confirm(self, session):
        if not holds(session.identify(), self.network):
            raise _forgotten()


def resolved(session: Session, network: Network) -> Network:
    """The network that a device has, which may have learnt once more: it is asked.

    Raises ``Doubt``, and ``Forgotten`` where it has another.
    """
    identity = session.identify()
    for own in (network, network.learnt()):
        if holds(identity, own):
            return own
    raise _forgotten()


def _forgotten():
    return Forgotten(
        "the device must have learnt what was sent, but its digest is another: load a model"
    )
