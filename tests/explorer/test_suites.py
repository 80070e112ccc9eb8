"""Programs of published suites, put to the explorer as they are."""

import json
from pathlib import Path

import pytest

from rusted_ring.verify.cli import main

PROGRAMS = Path(__file__).with_name("programs")


@pytest.mark.clause("EXPLORE-3")
@pytest.mark.parametrize(("wanted", "status", "kinds"), [(1, 0, []), (2, 1, ["assertion"])])
def test_sv_comp_assumes_by_abort(
    wanted: int, status: int, kinds: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explore", str(PROGRAMS / "sv_comp.c"), "--json", "--", f"-DWANTED={wanted}"]) == status
    answer = json.loads(capsys.readouterr().out)
    assert [error["kind"] for error in answer["errors"]] == kinds
    if not kinds:
        assert (answer["executions"], answer["blocked"]) == (1, 1)
