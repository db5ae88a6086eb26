"""The HTML of a page, from the templates beside this file."""

from base64 import b64encode
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from w2s_cli import __version__
from w2s_cli.errors import UsageError
from w2s_cli.io.targets import check_writable


def check_html(page: Path, *, overwrite: bool) -> None:
    """Refuse, before the work, a page that cannot be written."""
    if page.suffix.lower() not in (".html", ".htm"):
        raise UsageError(
            f"the report {page} is no .html file", hint="name it FILE.html"
        )
    check_writable(page, overwrite=overwrite)


def html_page(template: str, **known: Any) -> str:
    """Return a page that needs no other file: its pictures are in it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["b64encode"] = lambda data: b64encode(data).decode()
    return environment.get_template(template).render(version=__version__, **known)
