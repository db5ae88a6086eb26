"""`w2s bench --report`."""

from pathlib import Path


def test_a_report(w2s, here: Path) -> None:
    words = ["bench", "--denoiser", "gaussian", "--split", "validation", "--levels"]
    words += ["20", "--fields", "001", "--cache", "cache", "--report", "out.html"]
    Path("out.html").touch()
    refused = w2s(*words, code=7)
    assert "out.html exists" in refused.stderr
    result = w2s(*words, "--overwrite", code=0)
    assert result.stderr.endswith("look at out.html\n")
    assert "gaussian" in Path("out.html").read_text("utf-8")
    assert Path("out_figures/01-ranks-x1-level-20.png").is_file()


def test_a_report_is_refused_before_the_work(w2s, here: Path) -> None:
    result = w2s("bench", "--report", "out.txt", code=2)
    assert "the report out.txt is no .html file" in result.stderr
