"""What `mkdocs build` makes anew: the pictures, and pages of README, manual and code.

It runs the commands of gallery.md, and needs w2s itself.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import w2s_cli

ROOT = Path(__file__).parents[1]


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages and pictures that are made."""
    made: dict[str, str | bytes] = {
        "index.md": home((ROOT / "README.md").read_text("utf-8")),
        "demo.png": (ROOT / ".github" / "demo.png").read_bytes(),
        "python.md": notebook(ROOT / "docs" / "python.ipynb"),
        "api.md": api(),
        **pictures((ROOT / "docs" / "gallery.md").read_text("utf-8")),
    }
    manual = sorted([*(ROOT / "man").glob("man?/*")], key=lambda path: path.stem)
    made |= {f"man/{path.stem}.md": page(path.read_text("utf-8")) for path in manual}
    lines = [f"- [{path.stem}](man/{path.stem}.md): {about(path)}" for path in manual]
    made["manual.md"] = "\n".join(["# Commands", "", *lines])
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Return a page whose links into the README lead to the first page."""
    return markdown.replace("](../README.md", "](index.md")


def home(text: str) -> str:
    """Return the README as the first page."""
    return text.replace("](docs/", "](").replace("](.github/", "](")


def notebook(path: Path) -> str:
    """Return a notebook as a page."""
    out = []
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        text = "".join(cell["source"])
        out.append(text if cell["cell_type"] == "markdown" else fenced(text, "python"))
    return "\n\n".join(out)


def api() -> str:
    """Return the page of the names that the package exports."""
    names = [f"{w2s_cli._HOMES[name]}.{name}" for name in w2s_cli.__all__]
    listed = [f"::: {name}" for name in names if not name.endswith(".methods")]
    return "\n".join(["# Reference", "", *listed])


def pictures(text: str) -> dict[str, bytes]:
    """Run the commands of the gallery, and return the pictures that it shows."""
    script = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    script = re.sub(r"  # exit code (\d+)", r" || test $? -eq \1", script)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "bin" / "w2s"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m w2s_cli "$@"\n')
        program.chmod(0o755)
        places = os.pathsep.join([str(program.parent), os.environ["PATH"]])
        shell = [shutil.which("bash") or "bash", "-e", "-c", script]
        subprocess.run(
            shell, cwd=folder, env={**os.environ, "PATH": places}, check=True
        )
        shown = re.findall(r"\]\(([\w/-]+\.png)\)", text)
        return {name: (Path(folder) / name).read_bytes() for name in shown}


# From the language of man, as far as man/generate.py writes it, to Markdown.


def about(path: Path) -> str:
    """Return what a page of the manual is about."""
    summary = re.search(r"\.SH NAME\n.*? \\- (.*)", path.read_text("utf-8"))
    return prose(summary[1]) if summary else ""


def page(roff: str) -> str:
    """Return a page of the manual."""
    whole = re.sub(r"(\\f[BI](?:(?!\\fR).)*)\n", r"\1 ", roff)  # a font over two lines
    return "\n".join(blocks(whole.splitlines()))


def blocks(lines: list[str]) -> Iterator[str]:
    """Yield the lines of a page of the manual in Markdown."""
    indent, typed, term = "", False, False
    for line in lines:
        macro, _, rest = line.partition(" ")
        if typed and macro != ".fi":
            yield indent + typed_text(line)
        elif macro == ".TH":
            yield f"# {rest.split()[0].lower()}"
        elif macro in (".SH", ".SS"):
            indent = ""
            level = "##" if macro == ".SH" else "###"
            yield from ("", f"{level} {prose(rest).capitalize()}", "")
        elif macro in (".PP", ".RS", ".RE"):
            indent = ""
            yield from ("", "> " if macro == ".RS" else "")
        elif macro in (".TP", ".TQ"):
            indent, term = "", True
            yield ""
        elif macro in (".nf", ".fi"):
            typed = macro == ".nf"
            yield from ("", f"{indent}```")
        elif macro == ".br":
            yield ""
        elif not macro.startswith('.\\"'):
            yield f"- {prose(line)}  " if term else indent + prose(line)
            indent, term = ("  " if term else indent), False


def typed_text(line: str) -> str:
    """Return what is typed, with the signs of a keyboard."""
    signs = {"\\-": "-", "\\(aq": "'", "\\(ha": "^", "\\(ti": "~", "\\e": "\\"}
    line = re.sub(r"\\\[u([0-9A-F]{4,})\]", lambda sign: chr(int(sign[1], 16)), line)
    return re.sub(r"\\(?:-|e|&|\(..|f.)", lambda sign: signs.get(sign[0], ""), line)


def prose(line: str) -> str:
    """Return a line of prose, its fonts and its links to other pages as Markdown."""
    parts = re.split(r"(\\fB.*?\\fR|\\fI.*?\\fR)", line)
    shown = []
    for part in parts:
        text = typed_text(part)
        if part.startswith("\\fB"):
            shown.append(f"`{text}`")
        elif part.startswith("\\fI"):
            shown.append(f"*{escaped(text)}*")
        else:
            shown.append(escaped(text))
    links = r"`(w2s[a-z-]*)`\\?\(([17])\\?\)"
    return re.sub(links, r"[\1](\1.md)", "".join(shown))


def escaped(text: str) -> str:
    """Return text whose signs mean nothing to Markdown."""
    return re.sub(r"([\\`*_<>\[\]])", r"\\\1", text)


def fenced(text: str, language: str) -> str:
    """Return text as a block of code."""
    return f"```{language}\n{text}\n```"
