"""Errors of commands: one line for the person who typed."""

from collections.abc import Iterator
from contextlib import contextmanager


class CommandError(Exception):
    """The command could not do its work; the message says why and what to do. Exit code 1."""


@contextmanager
def said(*kinds: type[Exception]) -> Iterator[None]:
    """Make errors of these kinds, whose messages are for people, errors of the command."""
    try:
        yield
    except kinds as error:
        raise CommandError(str(error)) from error
