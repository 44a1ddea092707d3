"""Graphs of scientific workflows from the recipes of WfCommons, which are derived from recorded executions.

Everything comes from what the package ships; nothing is fetched.
"""

import random
from collections.abc import Iterator

import networkx as nx
import numpy as np
from wfcommons import WorkflowGenerator
from wfcommons.wfchef import recipes

from benchmarks.shapes import Dag

NAMES = ("Montage", "Epigenomics", "Genome", "Cycles", "Blast", "Seismology", "Soykb")


def workflows(electrons: int) -> Iterator[tuple[str, Dag]]:
    """Every recipe at about this size."""
    for name in NAMES:
        random.seed(electrons)
        np.random.seed(electrons)  # the package draws from both global generators
        recipe = getattr(recipes, f"{name}Recipe").from_num_tasks(electrons)
        yield name, _dag(WorkflowGenerator(recipe).build_workflow())


def _dag(workflow: "nx.DiGraph[str]") -> Dag:
    number = {name: i for i, name in enumerate(nx.lexicographical_topological_sort(workflow))}
    return {
        i: tuple(sorted(number[p] for p in workflow.predecessors(n))) for n, i in number.items()
    }
