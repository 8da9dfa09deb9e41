"""The story that `spojka demo` tells, on real servers and services.

`opening` builds the `stage`; each module of `chapters` tells one part of the
story; the `narrator` prints it. Every step of the story is an expectation with
a deadline (`expectations`): the first that is not met ends the story.
"""

from sandbox.demo.story import DEMO

__all__ = ["DEMO"]
