"""What the tests of the site share: the built site. They import the helpers of this folder by name."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site: the one that $RUSTED_RING_SITE names, or a new one."""
    built = os.environ.get("RUSTED_RING_SITE")
    if built:
        return Path(built)
    missing = [name for name in ("sphinx", "furo", "sphinx_needs", "myst_parser") if not importlib.util.find_spec(name)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: pip install 'rusted-ring[docs]', or RUSTED_RING_SITE, a built site")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", "-b", "html", "-d", str(folder / "doctrees")]
    done = subprocess.run(
        [*command, str(ROOT / "spec"), str(folder / "html")], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"
