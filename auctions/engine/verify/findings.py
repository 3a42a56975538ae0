"""What a check has to say: what is wrong and where, and how far it looked."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a clearing. `path` names the place as the JSON form would: `awards[3].units`."""

    path: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}"


@dataclass(slots=True)
class Report:
    """`findings`: what does not hold. `coverage`: which checks were exact, which sampled, which not made."""

    findings: list[Finding] = field(default_factory=list)
    coverage: list[str] = field(default_factory=list)

    def find(self, path: str, sentence: str) -> None:
        self.findings.append(Finding(path, sentence))

    def note(self, sentence: str) -> None:
        if sentence not in self.coverage:
            self.coverage.append(sentence)


class Unreadable(ValueError):
    """The input is no book, or no JSON: nothing to check against. `path` names the place."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason
