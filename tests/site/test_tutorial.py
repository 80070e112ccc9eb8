"""The tutorial, done word for word: a fresh clone, an empty virtual environment, its files, its commands, its texts."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from page_blocks import ROOT, blocks_of  # type: ignore[import-not-found, unused-ignore]

PAGE = "spec/tutorial.md"
STATUS = {"PYTHONPATH=. .venv/bin/rusted-ring diff --backend my_ring --profile tiny --steps 4000 --seed 1": [1, 0]}
"""The commands that the page says end otherwise than with 0, each time that they are run."""


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True, timeout=120)
    shims = tmp_path / "bin"
    shims.mkdir()
    (shims / "python3").symlink_to(shutil.which("python3.11") or shutil.which("python3") or "")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "COV"))}
    environment = kept | {"PATH": f"{shims}:{os.environ['PATH']}", "HOME": str(tmp_path), "COLUMNS": "200"}
    environment |= {name: os.environ[name] for name in ("PIP_CACHE_DIR",) if name in os.environ}
    statuses = {command: list(wanted) for command, wanted in STATUS.items()}
    printed = ""
    written = 0
    for block in blocks_of(ROOT / PAGE):
        if block.marked("file"):
            (clone / block.marked("file")).write_text(block.text, encoding="utf-8")
            written += 1
        elif block.language == "sh":
            for command in block.text.splitlines():
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", command],
                    cwd=clone,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=900,
                    check=False,
                )
                printed = done.stdout
                wanted = statuses[command].pop(0) if command in statuses else 0
                assert done.returncode == wanted, f"{command}\n{done.stdout}\n{done.stderr}"
                if wanted == 1:
                    assert "clause broken: RING-" in printed
        elif block.language == "text" and not block.text.startswith(" "):
            assert printed == block.text
    assert written == 4
    assert not any(statuses.values())
    assert re.search(r"if self\.at < oldest:$", (clone / "my_ring.py").read_text(encoding="utf-8"), re.MULTILINE)
