"""State tables: each model with states has one, beside its ``Status``; code, tests and docs read the same table."""

from collections.abc import Mapping

Transitions = Mapping[str, frozenset[str]]
"""From each state, the states that may follow it. A state with none is final."""


class IllegalTransition(Exception):
    """A row was asked to go where its table does not lead."""

    def __init__(self, *, source: str, target: str) -> None:
        super().__init__(f"{source} cannot become {target}")
        self.source = source
        self.target = target


def require_transition(transitions: Transitions, source: str, target: str) -> None:
    """Raise IllegalTransition unless ``transitions`` leads from ``source`` to ``target``."""
    if target not in transitions[source]:
        raise IllegalTransition(source=source, target=target)
