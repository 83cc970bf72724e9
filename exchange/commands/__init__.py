"""The commands, a module each; ``golden.support.command`` says what it has."""
