"""Print how bactools answers cases of a reference folder: for developers of a solver."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import time
from pathlib import Path

from bactools.certify import solvers
from bactools.certify.case import Reference
from bactools.certify.registry import SOLVERS

for module in pkgutil.iter_modules(solvers.__path__):
    try:
        importlib.import_module(f"bactools.certify.solvers.{module.name}")
    except Exception as error:
        print(f"[{module.name} cannot be imported: {error!r}]")
reference = Reference(Path(__file__).parents[3] / "shared" / "reference")
for case in reference.cases():
    if case.name not in sys.argv[1:]:
        continue
    solver = SOLVERS[case.name]
    t = time.perf_counter()
    values = solver.compute(reference.table)
    print("==", case.name, f"{time.perf_counter() - t:.2f} s")
    for answer in case.answers:
        if answer.tested:
            value = values.get(answer.name)
            state = (
                "left out: " + solver.left_out[answer.name]
                if answer.name in solver.left_out
                else "MISSING"
                if value is None
                else "ok"
                if answer.agrees(value)
                else "DISAGREES"
            )
            print(f"{answer.name:45} {value!s:>24} {answer.value:>24.12g} {state}")
    print("   unknown names:", sorted(set(values) - {a.name for a in case.answers}))
