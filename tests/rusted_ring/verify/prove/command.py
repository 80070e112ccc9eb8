"""`rusted-ring prove`: what is shown of each clause; with a clause, runs the models, proofs and harnesses that apply.

Without a clause the command prints the table of all clauses and the trusted base, and runs nothing. A claim is about
the statement beside it, which may be a part of what the clause says.

Exit status: 0 all that ran holds, 1 something is refuted or not proved, 2 no such clause or no checkout, 3 something
could not run here.
"""

import argparse
import json
import textwrap
from collections.abc import Sequence
from typing import Any

from rusted_ring.verify.prove import methods, table, trusted
from rusted_ring.verify.prove.evidence import Evidence, collect
from rusted_ring.verify.prove.methods import CannotRun, Method
from rusted_ring.verify.specification.command import named_clauses
from rusted_ring.verify.support.checkout import NoCheckout, checkout
from rusted_ring.verify.support.clauses import load_clauses
from rusted_ring.verify.support.errors import InputError


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser of `rusted-ring`."""
    command = commands.add_parser(
        "prove",
        help="say how each clause is shown, and run what proves one",
        epilog="Exit status: 0 all that ran holds, 1 something does not or is not proved, 2 no such clause, "
        "3 something could not run here.",
    )
    command.add_argument("clauses", nargs="*", metavar="CLAUSE", help="run what applies to a clause (default: a table)")
    command.add_argument("--json", action="store_true", help="print the result as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the table, or run what applies to some clauses.

    Raises:
        InputError: there is no such clause, or no checkout.
    """
    clauses = load_clauses()
    wanted = named_clauses(options.clauses, clauses)
    found, unknown = _methods()
    try:
        evidence = collect(checkout(), [clauses[one] for one in wanted or clauses], found)
    except NoCheckout as error:
        raise InputError(str(error)) from error
    if not wanted:
        if options.json:
            print(
                json.dumps(
                    {"command": "prove", "clauses": [*map(table.as_dict, evidence)], "missing": unknown}, indent=1
                )
            )
        else:
            print(table.as_text(evidence))
            print("\nWhat is trusted")
            for title, text in trusted.TRUSTED:
                print(textwrap.fill(f"{title}: {text}", 100, initial_indent="  ", subsequent_indent="    "))
            for line in unknown:
                print(f"not in this table: {line}")
        return 3 if unknown else 0
    return _run(evidence, found, unknown, as_json=options.json)


def _methods() -> tuple[list[Method], list[str]]:
    """Return the methods whose claims can be read here, and a line for each of the others."""
    found: list[Method] = []
    unknown: list[str] = []
    for method in methods.available():
        try:
            methods.claims_of(method)
        except CannotRun as error:
            unknown.append(f"{method.title} ({method.by}): {error}")
        else:
            found.append(method)
    return found, unknown


def _run(evidence: Sequence[Evidence], found: Sequence[Method], unknown: list[str], *, as_json: bool) -> int:
    results: list[dict[str, Any]] = []
    if not as_json:
        print("\n\n".join("\n".join(table.shown(one)) for one in evidence), flush=True)
    for method in found:
        own = {claim.name for claim in methods.claims_of(method)}
        names = list(dict.fromkeys(claim.name for one in evidence for claim in one.claims if claim.name in own))
        if not names:
            continue
        try:
            for name, ok, detail, seconds in methods.run(method, names):
                results.append(
                    {"by": method.by, "name": name, "ok": ok, "detail": detail, "seconds": round(seconds, 2)}
                )
                if not as_json:
                    # What was found of a variant that must fail is long: all of it is in the JSON.
                    said = detail.partition("\n")[0] if ok else detail
                    verdict = "as it should be" if ok else "FAILED"
                    print(f"\n{method.by}, {name}: {verdict}; {said} ({seconds:.1f} s)", flush=True)
        except CannotRun as error:
            unknown.append(f"{method.title} ({method.by}): {error}")
    ok = all(result["ok"] for result in results)
    if as_json:
        document = {"command": "prove", "clauses": [*map(table.as_dict, evidence)], "runs": results, "missing": unknown}
        print(json.dumps(document, indent=1))
    else:
        for line in unknown:
            print(f"\nnot run: {line}")
        if not results and not unknown:
            print("\nnothing to run: no model, proof or harness is about it")
    return 1 if not ok else 3 if unknown else 0
