"""The one exception that means "the input is wrong": commands turn it into one line, exit 2."""


class InputError(ValueError):
    """What the user gave cannot be used; the message says what is wrong and what would be right."""
