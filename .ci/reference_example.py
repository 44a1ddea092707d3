"""Take the support vector machine example out of the text of Covalent's API reference, to run it offline.

usage: reference_example.py REFERENCE SCRIPT

The example is the first Python block of the section on AWS Batch that defines train_svm. Left out are the executor,
which needs an account's own Batch queue, and deps_pip: it pins numpy==1.23.2 and scikit-learn==1.1.2, which do not
exist for the Python versions of today. Everything else runs as it stands.
"""

import ast
import re
import sys
from pathlib import Path

LEFT_OUT = {"executor", "deps_pip"}


def example(text: str) -> str:
    """The code block as the reference has it."""
    section = text[text.index("### AWS Batch Executor") :]
    for block in re.findall(r"^```py(?:thon)?\n(.*?)^```", section, re.DOTALL | re.MULTILINE):
        if "def train_svm" in block:
            return str(block)
    raise SystemExit("the reference has no train_svm in its section on AWS Batch")


class _WithoutExecutor(ast.NodeTransformer):
    def visit_Assign(self, node: ast.Assign) -> ast.Assign | None:
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        return None if names & LEFT_OUT else node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        node.keywords = [keyword for keyword in node.keywords if keyword.arg not in LEFT_OUT]
        return node


def main() -> None:
    """Write the script."""
    reference, script = map(Path, sys.argv[1:])
    tree = _WithoutExecutor().visit(ast.parse(example(reference.read_text())))
    code = ast.unparse(ast.fix_missing_locations(tree))
    if any(name in code for name in LEFT_OUT):
        raise SystemExit(f"{LEFT_OUT} are still in the example:\n{code}")
    script.write_text(code + "\n")


if __name__ == "__main__":
    main()
