"""Collects what is shown of each clause: from the tests, the explorer's clients, the matrix, contracts, and claims."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rusted_ring.verify.contracts.conditions import conditions_of_modules, module_names
from rusted_ring.verify.prove.explored import clients_by_clause
from rusted_ring.verify.prove.methods import Method, available, claims_of
from rusted_ring.verify.specification.places import Place, Places, places
from rusted_ring.verify.support.claims import Claim
from rusted_ring.verify.support.clauses import Clause


@dataclass(frozen=True)
class Evidence:
    """What is shown of one clause.

    Attributes:
        clause: the clause.
        tests: the tests that cite it.
        clients: the clients of the corpus that show something of it.
        orders: how many weaker memory orders of the matrix concern it: they break it, or their access cites it.
        conditions: how many conditions of the reference's functions that cite it CrossHair is asked about.
        claims: what the methods with claims show of it.
    """

    clause: Clause
    tests: tuple[Place, ...]
    clients: tuple[str, ...]
    orders: int
    conditions: int
    claims: tuple[Claim, ...]

    def of(self, method: str) -> tuple[Claim, ...]:
        """Return the claims of one method."""
        return tuple(claim for claim in self.claims if claim.method == method)

    @property
    def only_tested(self) -> bool:
        """Whether nothing but tests shows something of it."""
        return not (self.clients or self.orders or self.conditions or self.claims)


def collect(root: Path, clauses: Iterable[Clause], methods: Sequence[Method] | None = None) -> list[Evidence]:
    """Return what is shown of some clauses.

    Args:
        root: the checkout.
        clauses: which.
        methods: those with claims; all that are there by default.

    Raises:
        CannotRun: a module that a method's claims need is not installed.
    """
    wanted = list(clauses)
    claims: dict[str, list[Claim]] = defaultdict(list)
    for method in available() if methods is None else methods:
        for claim in claims_of(method):
            for clause in claim.clauses:
                claims[clause].append(claim)
    clients = clients_by_clause()
    conditions = {name: len(every) for name, every in conditions_of_modules(module_names()).items()}
    found = places(root, [clause.id for clause in wanted])
    return [
        Evidence(
            clause,
            tuple(found[clause.id].tests),
            clients.get(clause.id, ()),
            len({*found[clause.id].orders, *found[clause.id].breaks}),
            _conditions(found[clause.id], conditions),
            tuple(claims[clause.id]),
        )
        for clause in wanted
    ]


def _conditions(found: Places, conditions: dict[str, int]) -> int:
    """Count the conditions of the functions that cite a clause, and of the classes' methods if a class does."""
    count = 0
    for name, number in conditions.items():
        for place in found.reference:
            module = place.path.removeprefix("reference/").removesuffix(".py").replace("/", ".")
            whole = f"{module}.{place.name}"
            if name == whole or (name.startswith(f"{whole}.") and place.name[0].isupper()):
                count += number
                break
    return count
