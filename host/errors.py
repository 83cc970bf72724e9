"""What can go wrong between a computer and a board: an exception for each cause.

Each message is one line that says what to do. All are ``HostError``, and that is an ``InputError``:
a command that meets one prints the line and ends with exit code 2.
"""

from sobolpath.golden.errors import InputError


class HostError(InputError):
    """Any error of the driver."""


class NoDevice(HostError):
    """The port is not there, or it may not be opened."""


class PortBusy(HostError):
    """Another program has the port open."""


class NotOurs(HostError):
    """Something answers, but it is no sobolpath device at this baud rate."""


class OtherVersion(HostError):
    """A sobolpath device answers, with another version of the protocol."""


class TooBig(HostError):
    """The network does not fit the device's engine."""


class NoNetwork(HostError):
    """Nothing was loaded, or the device lost its network as often as it was loaded again."""


class CannotLearn(HostError):
    """The device has an engine that infers alone."""


class Forgotten(HostError):
    """What the device had learnt is gone: the power was off, or another program loaded it."""


class NoReply(HostError):
    """The device did not answer, however often it was asked."""


class Damaged(HostError):
    """What is sent or received does not arrive whole, however often it was repeated."""


class Refused(HostError):
    """The device received the command whole and refuses it: host and device disagree."""


class Unplugged(HostError):
    """The port went away while it was open."""


class Changed(HostError):
    """The device now says that it has another engine than when the port was opened."""


class Doubt(Exception):
    """Something was not as expected: begin again with a break, or give up with ``error``.

    It does not leave the driver.
    """

    def __init__(self, error: HostError) -> None:
        super().__init__(str(error))
        self.error = error
