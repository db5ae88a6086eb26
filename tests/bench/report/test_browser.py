"""A report as a browser shows it, on a desk and on a phone."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))),
    None,
)
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--hide-scrollbars", "--virtual-time-budget=9000"),
)
HEIGHT = 1500
MEASURE = """<script>onload = () => {
const far = one => one.getBoundingClientRect().right > innerWidth + 1;
const loose = [...document.querySelectorAll("body *")].filter(
  one => !one.closest(".wide, details") && far(one));
const broken = [...document.images].filter(one => !one.naturalWidth);
const found = [innerWidth, document.documentElement.scrollWidth, loose.length,
  broken.length, document.images.length];
parent.postMessage("measured " + found.join(" "), "*");
}</script>"""
# A frame has the width it is given; the windows of browsers have a least width.
FRAME = """<!doctype html><body style="margin:0"><script>
onmessage = event => document.body.append(event.data);
</script><iframe src="{page}" style="border:0; width:{width}px; height:{height}px">
</iframe></body>"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no browser")


def browse(page: Path, width: int, *words: str) -> str:
    """Open a page in a frame; return the frame's surroundings when all is loaded."""
    assert BROWSER
    outer, profile = page.with_name("outer.html"), page.with_name("profile")
    outer.write_text(FRAME.format(page=page.name, width=width, height=HEIGHT))
    window = f"--window-size={max(width, 600)},{HEIGHT}"
    done = subprocess.run(
        [BROWSER, *QUIET, f"--user-data-dir={profile}", window, *words, outer.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("width", [1280, 420])
def test_the_page_fits(report: Path, tmp_path: Path, width: int) -> None:
    text = report.read_text("utf-8")
    page = tmp_path / "copy.html"
    page.write_text(text.replace("</body>", f"{MEASURE}</body>"), "utf-8")
    found = re.search(r"measured ([\d ]+)", browse(page, width, "--dump-dom"))
    assert found
    inner, scrolled, loose, broken, images = map(int, found[1].split())
    assert (inner, scrolled) == (width, width)
    assert loose == 0
    assert broken == 0
    assert images == text.count("<img ")


@pytest.mark.parametrize("width", [1280, 420])
def test_the_page_is_painted(report: Path, tmp_path: Path, width: int) -> None:
    page = Path(shutil.copy(report, tmp_path))
    shot = tmp_path / "shot.png"
    browse(page, width, f"--screenshot={shot}")
    with Image.open(shot) as picture:
        gray = np.asarray(picture.convert("L"))[:, :width]
    dark = gray < 128
    assert (gray == 255).mean() > 0.5
    assert dark.mean() > 0.01
    assert dark.any(axis=1).mean() > 0.2  # of the rows of pixels
    assert dark[:, width // 2 :].any()
