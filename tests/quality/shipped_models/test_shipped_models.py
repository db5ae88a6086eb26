"""The promises of the shipped models, measured on real and simulated images.

`pytest -m quality -rP tests/quality/shipped_models` prints the figures; `-k flat`
chooses a check. `--model METHOD=FILE` checks other weights or another method in place
of the shipped ones, `--model-option KEY=VALUE` gives it options. The real images are
not part of the repository: they are looked for in `../shared/data`, or in `--images
FOLDER` with any of w2s/, pairs_hagen/ (NAME_low.png, NAME_high.png) and sim_pair/
(er_widefield.tif, er_sim.tif). A check without its images is skipped, and has not
passed; so is that of speed where the machine is busy.
"""

from pathlib import Path

import pytest

from shipped_models.checks import SHIPPED, planned, subjects_of
from shipped_models.setting import Setting
from w2s_cli.bench.machine import busy, load

IMAGES = Path(__file__).parents[4] / "shared" / "data"

pytestmark = pytest.mark.quality


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each check on the methods of its scale."""
    if "check" not in metafunc.fixturenames:
        return
    models = metafunc.config.getoption("--model", default=None) or SHIPPED
    options = metafunc.config.getoption("--model-option", default=None) or ()
    plan = planned(subjects_of(models, options))
    metafunc.parametrize(
        ("check", "subject"),
        plan,
        ids=[f"{check.name}-{subject.method}" for check, subject in plan],
    )


@pytest.fixture(scope="module")
def real_setting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Setting:
    images = request.config.getoption("--images", default=None) or IMAGES
    jobs = request.config.getoption("--jobs", default=None) or 1
    return Setting(Path(images), tmp_path_factory.mktemp("scores"), jobs)


def test_a_promise_is_kept(check, subject, real_setting) -> None:
    if missing := check.missing(real_setting.images):
        pytest.skip(missing)
    if check.name == "speed" and busy(load()):
        pytest.skip(f"the machine is busy (load {load():.1f}): run it alone")
    findings = check.run(subject, real_setting)
    print(f"{check.name}, {subject.method}: {check.summary}")
    for one in findings:
        goal = f"{one.rule} {one.goal:.4g}"
        print(f"{one.what:70} {one.value:.4g}, {goal}   {one.beside}")
    assert findings
    assert [one.what for one in findings if not one.met] == []
