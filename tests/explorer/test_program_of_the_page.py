"""The C program of the page about exploring does what the page says of it."""

import json
import re
from pathlib import Path

import pytest

from rusted_ring.verify.cli import main
from rusted_ring.verify.support.checkout import checkout


def program() -> str:
    text = (checkout() / "spec" / "how-to" / "explore.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- file: handover\.c -->\n```c\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.clause("EXPLORE-2", "EXPLORE-4")
def test_the_handover_races_and_with_release_it_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "handover.c"
    file.write_text(program(), encoding="utf-8")
    assert main(["explore", str(file)]) == 1
    shown = capsys.readouterr().out
    assert "ERROR data-race at handover.c:" in shown
    assert "to replay: rusted-ring explore" in shown
    file.write_text(program().replace("memory_order_relaxed", "memory_order_release"), encoding="utf-8")
    assert main(["explore", str(file), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["exhaustive"]
    assert answer["errors"] == []
    assert answer["executions"] == answer["distinct"] == 1
