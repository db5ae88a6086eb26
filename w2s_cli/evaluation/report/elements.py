"""The elements of a page, with all text escaped."""

from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: str) -> Markup:
    """Return an element.

    Parameters
    ----------
    name
        Such as "p".
    content
        What is inside: `Markup` as it is, any other text escaped.
    attributes
        Those of the element; an underscore at the end of a name is dropped, for names
        that Python keeps for itself.
    """
    said = "".join(
        f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{said}>{joined(*content)}</{name}>")


def void(name: str, /, **attributes: str) -> Markup:
    """Return an element that has no inside, such as "img"."""
    return Markup(str(element(name, **attributes)).removesuffix(f"</{name}>"))


def joined(*content: str) -> Markup:
    """Return what stands in a row, escaped where it is no `Markup`."""
    return Markup(
        "".join(one if isinstance(one, Markup) else escape(one) for one in content)
    )
