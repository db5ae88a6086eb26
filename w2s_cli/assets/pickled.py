"""Read a pickle as data: nothing that it names is imported, called or built.

A pickle is a program for a small stack machine. Python's machine imports what the
program names and calls it, and so a checkpoint can run code. The machine here knows the
same instructions, but where Python's makes an object, it notes what was to be made and
from what. In those notes the tensors can be found.
"""

from collections.abc import Iterator
from pickletools import genops
from typing import IO, Any

from w2s_cli.assets.machine import Machine
from w2s_cli.assets.notes import Pickled
from w2s_cli.assets.refusal import Refusal, quoted

# A whole pickled RCAN, of 2000 layers, takes 0.8 MB and 320,000 instructions. Since one
# makes at most about 100 bytes, a pickle can blow itself up to some 100 MB, not more.
MAX_BYTES = 16 << 20
MAX_STEPS = 1_000_000


def unpickled(file: IO[bytes], most: int = MAX_STEPS) -> Pickled:
    """Return what the next pickle in `file` says, in `most` instructions at most.

    Raises
    ------
    Refusal
        When it is damaged, too long, or names what no weights need.
    """
    machine = Machine()
    for step, (instruction, argument) in enumerate(_instructions(file)):
        if step == most:
            raise Refusal(f"has a pickle of more than {most} instructions")
        machine.run(instruction, argument)
    return Pickled(machine.pop(), machine.persistent)


def _instructions(file: IO[bytes]) -> Iterator[tuple[str, Any]]:
    try:
        for opcode, argument, _ in genops(file):
            yield opcode.name, argument
    except ValueError as error:
        raise Refusal(f"has a damaged pickle: {quoted(str(error))}") from error
