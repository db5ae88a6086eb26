"""The shipped models, by the checks of `w2s bench --suite shipped`.

`pytest -m quality -rP` prints the figures. The real images are not part of the
repository: they are looked for in `../shared/data`. Speed is left to the command, as
nothing else may run beside it.
"""

from pathlib import Path

import pytest

from w2s_cli.bench.suite import CHECKS
from w2s_cli.bench.suite.run import SHIPPED, checks_named, planned, run
from w2s_cli.bench.suite.setting import Setting, Subject

DATA = Path(__file__).parents[3] / "shared" / "data"
SUBJECTS = [Subject(name) for name in SHIPPED]
PLAN = planned(SUBJECTS, [check for check in CHECKS if check.name != "speed"])

pytestmark = pytest.mark.quality


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(DATA, tmp_path_factory.mktemp("scores"))


@pytest.mark.parametrize(
    ("check", "subject"),
    [(entry.name, subject) for entry, subject in PLAN],
    ids=[f"{entry.name}-{subject.method}" for entry, subject in PLAN],
)
def test_a_promise_is_kept(check: str, subject: Subject, setting: Setting) -> None:
    [outcome] = run(planned([subject], checks_named([check])), setting)
    if outcome.missing:
        pytest.skip(outcome.missing)
    for one in outcome.findings:
        goal = f"{one.rule} {one.goal:.4g}"
        print(f"{one.what:70} {one.value:.4g}, {goal}   {one.beside}")
    assert [one.what for one in outcome.findings if not one.met] == []
