"""Names that an attack would put into a file of weights, and a training would not.

Nothing in a checkpoint is ever imported or called, whatever it is called. These names
are refused for the user's sake: other programs would run what such a file asks for.
"""

import sys

_BUILTINS = """
    __import__ breakpoint compile delattr eval exec execfile globals input locals open
    setattr vars
"""
# What configurations, bound methods and Python 2 bring along.
_HARMLESS = """
    __future__ _codecs argparse builtins collections copyreg datetime decimal enum
    fractions functools pathlib random time types.SimpleNamespace typing uuid
"""
_OTHERS = """
    commands dill numpy.f2py numpy.load numpy.testing pip popen2 setuptools
    torch._dynamo torch._inductor torch.hub torch.jit torch.load torch.package
    torch.serialization torch.utils.cpp_extension
"""


def suspicious(name: str) -> bool:
    """Return whether no weights need what a dotted name names."""
    root, _, rest = name.partition(".")
    if root == "builtins":
        return rest in _BUILTINS.split()
    if root in sys.stdlib_module_names:
        return not _lies_in(name, _HARMLESS)
    return _lies_in(name, _OTHERS)


def _lies_in(name: str, places: str) -> bool:
    return any(f"{name}.".startswith(f"{place}.") for place in places.split())
