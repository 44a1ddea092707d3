"""A C library to call, compiled where the tests run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>

void entry(int x, int *y, int *z) { *y += x; *z = 5; }
void twice(int n, long long *a, const double *b, double out[3]) {
    for (int i = 0; i < n; i++) a[i] *= 2;
    for (int i = 0; i < 3; i++) out[i] = b[i] + 0.5;
    printf("hello from C\n");
}
void matrix(int m[2][3]) { for (int i = 0; i < 2; i++) for (int j = 0; j < 3; j++) m[i][j] += 10 * i + j; }
void upper(char *s) { for (; *s; s++) if (*s >= 'a' && *s <= 'z') *s -= 32; }
void length(const char *s, int *n) { *n = -1; if (s) for (*n = 0; s[*n]; (*n)++); }
void crash(int *p) { *(volatile int *)0 = *p; }
void overrun(double *p) { p[0] = 1; p[1] = 2; p[2] = 3; }
void leave(void) { exit(3); }
"""


def compiled(folder: Path, source: str = SOURCE) -> Path:
    """A shared library of the source. Without a compiler the test is skipped; in CI, which installs one, it fails."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        assert not os.environ.get("CI"), "no C compiler: install gcc"
        pytest.skip("no C compiler on the PATH")
    (folder / "library.c").write_text(source)
    made = folder / "libtest.so"
    command = [compiler, "-shared", "-fPIC", "-o", str(made), str(folder / "library.c")]
    subprocess.run(command, check=True)
    return made
