"""Quantum electrons: PennyLane's circuits, run by quantum executors.

    decorator   `ct.qelectron`: checks what it is given and wraps the QNode.
    qnode       `QNodeQE`: a QNode whose calls, and `run_later`, go through the executors.
    device      the PennyLane device of such a QNode: it hands circuits on and computes nothing itself.
    cluster     `QCluster`: several executors and a selector, told from one another in `selectors`.
    executors   what runs circuits: `base` for all of them, a module for each.
    records     what is kept of a circuit that ran.

Nothing here loads PennyLane before a circuit is wrapped or run: executors are plain settings until then.
"""
