"""HiGHS, told to be repeatable: one thread, a fixed seed, no gap allowed, limits in nodes.

What comes back only ever *chooses*: callers round it, check it and count it again in whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from auctions.engine.book import Ints

Floats = NDArray[np.float64]

LARGEST_COST = 2**30
"""Objective coefficients are scaled down to this; below it a tick stays far above the solver's tolerances."""

TOLERANCE = 1e-9

MAX_NODES = 20_000
"""Branches searched for one choice of winners before its proven bound is accepted instead."""


class SolverFailed(RuntimeError):
    """HiGHS gave neither a solution nor a proof that there is none."""


@dataclass(frozen=True, eq=False, slots=True)
class Problem:
    """Maximise `cost @ x` where `matrix @ x <= limit` (equal where `is_equal`) and `lower <= x <= upper`, x integer.

    cost : float64 or int64 (n,)
    matrix : (m, n)
    lower, upper : int64 (n,)
    limit : int64 (m,)
    is_equal : bool (m,)
    """

    cost: Ints | Floats
    matrix: csc_array
    lower: Ints
    upper: Ints
    limit: Ints
    is_equal: NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Basis:
    """Where a relaxation ended, to start a similar one from: numbers of HiGHS's states. int8 (n,), (m,)"""

    columns: NDArray[np.int8]
    rows: NDArray[np.int8]

    def select(self, rows: NDArray[np.bool_]) -> Basis:
        """The basis without some rows, none of which may bind."""
        return Basis(self.columns, self.rows[rows])

    @classmethod
    def of(cls, basis: highspy.HighsBasis) -> Basis:
        return cls(
            np.array([int(status) for status in basis.col_status], dtype=np.int8),
            np.array([int(status) for status in basis.row_status], dtype=np.int8),
        )

    def restored(self) -> highspy.HighsBasis:
        basis = highspy.HighsBasis()
        basis.col_status = [_STATES[status] for status in self.columns.tolist()]
        basis.row_status = [_STATES[status] for status in self.rows.tolist()]
        basis.valid = True
        return basis


@dataclass(frozen=True, eq=False, slots=True)
class Relaxed:
    """x : float64 (n,); price : float64 (m,), in units of `cost` per unit of the row, >= 0 for rows that are <="""

    x: Floats
    price: Floats
    basis: Basis


@dataclass(frozen=True, eq=False, slots=True)
class Answer:
    """Of a relaxation, all in units of `cost`.

    x : float64 (n,)
    price : float64 (m,) per unit of the row, >= 0 for rows that are <=
    reduced : float64 (n,) what one more of a column would add
    total : of x
    """

    x: Floats
    price: Floats
    reduced: Floats
    total: float


@dataclass(frozen=True, eq=False, slots=True)
class Solved:
    """x : int64 (n,), None where there is none; met : others on the way; bound : no x is worth more"""

    x: Ints | None
    met: list[Ints]
    bound: float
    is_proven: bool
    nodes: int
    iterations: int


class Relaxation:
    """A problem without `x integer`, kept open: rows may be added, then it is solved on from where it ended.

    iterations : of the simplex method, in the last solve
    """

    def __init__(self, problem: Problem, basis: Basis | None = None) -> None:
        self.iterations = 0
        self._solver, self._scale = load(problem)
        if basis is not None:
            self._solver.setBasis(basis.restored())
            self._solver.setOptionValue("presolve", "off")

    def solve(self) -> Answer:
        """Raise `SolverFailed` unless there is an x and it is solved to the end."""
        relaxed = self.try_solve()
        if relaxed is None:
            raise SolverFailed("relaxation without an x")
        return relaxed

    def try_solve(self) -> Answer | None:
        """None where there is no x; raise `SolverFailed` unless it is solved to the end."""
        solver = self._solver
        solver.run()
        if solver.getModelStatus() not in _SOLVED:
            solver.clearSolver()
            solver.run()
        self.iterations = max(int(solver.getInfo().simplex_iteration_count), 0)
        if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
            return None
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise SolverFailed(f"relaxation: {solver.modelStatusToString(solver.getModelStatus())}")
        solution = solver.getSolution()
        return Answer(
            x=np.array(solution.col_value),
            price=-np.array(solution.row_dual) * self._scale,
            reduced=-np.array(solution.col_dual) * self._scale,
            total=-solver.getInfo().objective_function_value * self._scale,
        )

    @property
    def basis(self) -> Basis:
        return Basis.of(self._solver.getBasis())

    def set_limits(self, lower: Ints, upper: Ints) -> None:
        columns = np.arange(len(lower), dtype=np.int32)
        self._solver.changeColsBounds(
            len(columns), columns, lower.astype(np.float64), upper.astype(np.float64)
        )

    def add(self, matrix: csr_array, limit: Ints) -> None:
        """Add rows `matrix @ x <= limit`."""
        self._solver.addRows(
            len(limit),
            np.full(len(limit), -np.inf),
            limit.astype(np.float64),
            matrix.nnz,
            matrix.indptr[:-1].astype(np.int32),
            matrix.indices.astype(np.int32),
            matrix.data.astype(np.float64),
        )

    def inverse(self, columns: NDArray[np.bool_]) -> Floats:
        """Rows of the basis's inverse that belong to basic columns among the given ones. float64 (k, m)"""
        solver: Any = self._solver  # its type stubs leave these out
        _, basic = solver.getBasicVariables()
        rows = [at for at, column in enumerate(basic) if column >= 0 and columns[column]]
        inverse = np.zeros((len(rows), self._solver.getNumRow()))
        for row, at in enumerate(rows):
            inverse[row] = solver.getBasisInverseRow(at)[1]
        return inverse


def solve(
    problem: Problem,
    *,
    start: Ints | None = None,
    max_nodes: int,
    options: Mapping[str, bool | int | float | str] = MappingProxyType({}),
) -> Solved:
    """Find the best x; `start` is a first one to improve on; `options` of HiGHS go before ours."""
    solver, scale = load(problem, integer=True)
    for option, setting in options.items():
        solver.setOptionValue(option, setting)
    solver.setOptionValue("mip_max_nodes", max_nodes)
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = start.astype(np.float64).tolist()
        solver.setSolution(solution)
    solver.run()
    status = solver.getModelStatus()
    info = solver.getInfo()
    nodes, iterations = int(info.mip_node_count), max(int(info.simplex_iteration_count), 0)
    if status == highspy.HighsModelStatus.kInfeasible:
        return Solved(None, [], -np.inf, True, nodes, iterations)
    is_proven = status == highspy.HighsModelStatus.kOptimal
    has_x = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    x = np.rint(np.array(solver.getSolution().col_value)).astype(np.int64) if has_x else None
    if x is None and is_proven:
        raise SolverFailed("optimal without a solution")
    met = [np.rint(np.array(each.col_value)).astype(np.int64) for each in solver.getSavedMipSolutions()]
    return Solved(x, met, -info.mip_dual_bound * scale, is_proven, nodes, iterations)


def load(problem: Problem, *, integer: bool = False) -> tuple[highspy.Highs, float]:
    """Hand the problem over, to be minimised; objective values times the scale returned are in ticks."""
    largest = float(np.abs(problem.cost).max(initial=0))
    scale = 1.0
    while largest / scale > LARGEST_COST:
        scale *= 2
    solver = highspy.Highs()
    for option, value in OPTIONS.items():
        solver.setOptionValue(option, value)
    if integer:
        solver.setOptionValue("mip_feasibility_tolerance", TOLERANCE)
        solver.setOptionValue("primal_feasibility_tolerance", TOLERANCE)
        solver.setOptionValue("dual_feasibility_tolerance", TOLERANCE)
    n_rows, n_columns = problem.matrix.shape
    whole = highspy.HighsVarType.kInteger if integer else highspy.HighsVarType.kContinuous
    solver.passModel(
        n_columns,
        n_rows,
        problem.matrix.nnz,
        int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        problem.cost.astype(np.float64) / -scale,
        problem.lower.astype(np.float64),
        problem.upper.astype(np.float64),
        np.where(problem.is_equal, problem.limit, -np.inf),
        problem.limit.astype(np.float64),
        problem.matrix.indptr.astype(np.int32),
        problem.matrix.indices.astype(np.int32),
        problem.matrix.data.astype(np.float64),
        np.full(n_columns, int(whole), dtype=np.int32),
    )
    return solver, scale


_SOLVED = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible)

BASIC = int(highspy.HighsBasisStatus.kBasic)

_STATES = {int(state): state for state in highspy.HighsBasisStatus.__members__.values()}

OPTIONS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "random_seed": 0,
    "mip_rel_gap": 0.0,
    "mip_abs_gap": 0.0,
    "mip_allow_restart": False,  # restarts took nine tenths of the time of small programs
    "mip_improving_solution_save": True,
    **dict.fromkeys(  # programs within programs took half of the time of small ones
        ("mip_heuristic_run_rins", "mip_heuristic_run_rens", "mip_heuristic_run_root_reduced_cost"), False
    ),
}
