"""Campaigns over the enumerated clients: what they find, what they leave, and what a kill costs them."""

import concurrent.futures
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rusted_ring.verify import campaign
from rusted_ring.verify.campaign import Account, Campaign, Journal
from rusted_ring.verify.clients import enumeration
from rusted_ring.verify.clients.language import parse
from rusted_ring.verify.defects import catalogue
from rusted_ring.verify.explorer.engine import build_client
from rusted_ring.verify.model_checking.harness import Explorer
from rusted_ring.verify.support.c_functions import Functions
from rusted_ring.verify.support.checkout import checkout
from rusted_ring.verify.support.errors import InputError

PAIRS = Campaign(calls=2)
FIRST = tuple(line for line in PAIRS.lines())[:3]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The harness of clients, built from the sources of this checkout."""
    return build_client(checkout(), tmp_path_factory.mktemp("campaign"))


@pytest.fixture(autouse=True)
def engines() -> Iterator[None]:
    """Engines that a test starts in this process end with it."""
    yield
    for explorer in campaign._explorers.values():
        explorer.__exit__()
    campaign._explorers.clear()


def mutant(folder: Path, defect: catalogue.Defect) -> Path:
    """A checkout's core with a defect, and its harness built."""
    shutil.copytree(checkout() / "native", folder / "native", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    path, text = catalogue.applied(defect, Functions(folder / "native" / "src"))
    path.write_text(text, encoding="utf-8")
    (folder / "build").mkdir()
    return build_client(folder, folder / "build")


@pytest.mark.clause("EXPLORE-49")
@pytest.mark.slow
def test_the_core_is_clean_in_every_client_of_two_calls(program: Path) -> None:
    account = campaign.run(program, PAIRS)
    assert account.clients == sum(1 for _ in PAIRS.lines()) > 1_000
    assert account.wrong == [] == account.large == account.bounded
    assert account.executions > account.clients
    assert account.histories >= account.clients
    assert account.status == 0
    assert "each exhausted" in account.words()


@pytest.mark.clause("EXPLORE-49")
@pytest.mark.slow
def test_what_is_left_out_as_without_effect_fails_in_every_execution(program: Path, tmp_path: Path) -> None:
    """Calls that need what nothing gives are refused: the clients that have them are not worth a look."""
    cases = {
        "r=1 g=1 t=0 xs=1 | loan 1l0 1 | abort l0 | from p0 s0": None,  # no token: skipped
        "r=1 g=1 t=0 xs=1 | alloc 1p0 1 ; weak s0 1p0 | read p0 | inc s0": 6,
        "r=1 g=1 t=0 xs=1 | alloc 1p0 1 ; weak s0 1p0 | read p0 | dec s0": 7,
        "r=1 g=1 t=0 xs=1 | alloc 1p0 1 ; weak s0 1p0 | read p0 | alloc p0 2": 3,
        "over=1 size=1 | open 1w0 ; join 2q0 old | add w0 1 | open w0": 8,
        "over=1 size=1 | open 1w0 ; join 2q0 old | close w0 | next q0": 12,
        "over=1 size=1 | open 1w0 ; join 2q0 old | add w0 1 | evict 2q0": 1,
        "gated=1 size=1 readers=1 | open 1w0 ; join 2q0 old | add w0 1 | join q1 old": 9,
        "gated=1 size=1 readers=1 | open 1w0 ; join 2q0 old ; add 1w0 1 | add w0 2 | evict 2q0 ; next q0": 10,
    }
    every = set(enumeration.lines(2)) | set(enumeration.lines(3))
    with Explorer(checkout(), tmp_path, program=program) as explorer:
        for line, status in cases.items():
            assert line not in every
            client = parse(line)
            answer = explorer._ask(client, histories=1)
            last = len(client.threads[1]) - 1
            found = {
                call["results"][0]
                for history in answer["histories"]
                for call in history["calls"]
                if (call["thread"], call["op"]) == (2, last)
            }
            assert found == {99 if status is None else status}, line


@pytest.mark.clause("EXPLORE-49")
@pytest.mark.slow
def test_clients_that_are_not_exhausted_are_told(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bounded = "r=2 g=1 t=0 xs=1 | alloc 1p0 1 ; weak s0 1p0 | dmany s0 1 | inc s0 ; inc s0"
    large = "r=1 g=1 t=0 xs=2 | ffi s0 1 | amany t0 2 2 | dec s0 | ffi t0 4"
    account = campaign.explore_batch(str(program), (large, bounded, *FIRST), 200)
    assert account.large == [large]
    assert account.bounded == [bounded]
    assert account.status == 3
    assert "NOT exhausted" in account.words()
    campaign.show(account, 9, 1.0)
    said = capsys.readouterr().out
    assert f"not exhausted, more executions than the limit: {large}" in said
    assert f"not exhausted, executions cut off in a loop: {bounded}" in said
    assert "4 of 9 clients are left" in said
    assert "timedwait" in said


@pytest.mark.clause("EXPLORE-49")
def test_a_client_that_breaks_the_engine_is_wrong(program: Path) -> None:
    account = campaign.explore_batch(str(program), ("xs=1 | alloc 1p0 1 | drop p0 | read p0",), 10)
    assert account.wrong == []
    account = campaign.explore_batch("/bin/true", FIRST[:1], 10)
    assert [one["kind"] for one in account.wrong] == ["broke off"]
    assert account.status == 1


@pytest.mark.clause("EXPLORE-49")
def test_a_journal_leaves_out_what_is_done(program: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    what = {"calls": 2}
    few = dataclasses.replace(PAIRS, share=20)
    first = Journal(path, what)
    enough = campaign.run(program, few, journal=first, stop=lambda account: account.clients >= 32)
    first.close()
    assert 32 <= enough.clients < sum(1 for _ in few.lines())
    with path.open("ab") as file:
        file.write(b'{"batch": 1, "clients": 7')  # broken off in its middle
    second = Journal(path, what)
    assert set(second.done) == {0}
    seen: list[int] = []
    whole = campaign.run(program, few, journal=second, progress=lambda account: seen.append(account.clients))
    second.close()
    plain = campaign.run(program, few)
    assert (whole.clients, whole.executions, whole.histories) == (plain.clients, plain.executions, plain.histories)
    third = Journal(path, what)
    third.close()
    assert set(third.done) == set(range(len(seen)))


@pytest.mark.clause("EXPLORE-49")
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"calls": 3}\n', "another campaign: calls 3 and not 2"),
        ("words\n", "not a file of a campaign"),
        ('{"calls": 2}\n{"batch": 0}\n[]\n', "not a file of a campaign"),
    ],
)
def test_a_file_of_something_else_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        Journal(path, {"calls": 2})
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--calls", "1"], "from 2 to 8"),
        (["--calls", "many"], "from 2 to 8"),
        ([], "--calls"),
        (["--calls", "2", "--least", "3"], "more than --calls 2"),
        (["--calls", "2", "--part", "1"], "none of 1"),
        (["--calls", "2", "--workers", "2", "--dask", "here"], "not allowed with"),
        (["--calls", "2", "--resume", "/no/such/folder/file"], "argument --resume"),
        (["--calls", "2", "--dask", "127.0.0.1:1"], "argument --dask"),
    ],
)
def test_bad_options_give_one_line(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert campaign.main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith("rusted-ring: ")
    assert complaint in said.err
    assert "Traceback" not in said.err


def test_the_parts_of_a_share_are_the_whole() -> None:
    parts = [set(dataclasses.replace(PAIRS, share=3, part=part).lines()) for part in range(3)]
    assert sum(map(len, parts)) == len(set().union(*parts))
    assert set().union(*parts) == set(PAIRS.lines())
    assert min(map(len, parts)) > 300


@pytest.mark.clause("EXPLORE-49")
@pytest.mark.slow
def test_a_killed_campaign_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    command = [sys.executable, "-m", "rusted_ring.verify.campaign", "--calls", "2", "--resume", str(path), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while time.monotonic() < end and (not path.exists() or path.read_bytes().count(b"\n") < 4):
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = path.read_bytes().count(b"\n") - 1
    assert done >= 3
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stderr
    account = json.loads(ended.stdout)
    assert account["left"] == 0
    assert account["clients"] == account["total"] == sum(1 for _ in PAIRS.lines())
    batches = [json.loads(line)["batch"] for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    assert sorted(batches) == list(range(len(batches)))  # none was done again


@pytest.mark.clause("EXPLORE-49")
@pytest.mark.parametrize("name", ["drop-that-looks-at-the-allocator-afterwards"])
@pytest.mark.slow
def test_a_defect_is_found_without_a_client_that_is_made_for_it(name: str, tmp_path: Path) -> None:
    defect = next(one for one in catalogue.read_catalogue() if one.name == name)
    assert defect.client
    program = mutant(tmp_path, defect)
    lines = (line for setup in enumeration.setups(3) if setup.client.pool is not None for line in setup.lines(3))
    found = (campaign.explore_batch(str(program), (line,), 200).wrong for line in lines)
    (wrong,) = next(one for one in found if one)
    assert wrong["kind"] == "use-after-free"


def test_accounts_are_added() -> None:
    account = Account(clients=1, large=["a"])
    account.add(Account(clients=2, executions=3, bounded=["b"], wrong=[{"client": "c"}]))
    assert account == Account(clients=3, executions=3, large=["a"], bounded=["b"], wrong=[{"client": "c"}])
    assert account.status == 1


@pytest.mark.clause("EXPLORE-49")
def test_workers_find_what_one_process_finds(program: Path) -> None:
    few = dataclasses.replace(PAIRS, share=10)
    with concurrent.futures.ThreadPoolExecutor(1) as tasks:  # hands the harness over, as to another machine
        shared = campaign.run(program, few, tasks)
    alone = campaign.run(program, few)
    assert dataclasses.replace(shared, seconds=0) == dataclasses.replace(alone, seconds=0)
