"""How many values an iteration asks for.

An electron has no length while a lattice is built. `a, b = electron` tells it all the same: the instruction that
iterates is UNPACK_SEQUENCE, and its operand is the number of targets. Every other iteration is open-ended.
"""

from opcode import opmap
from types import FrameType

_UNPACK = opmap["UNPACK_SEQUENCE"]
_EXTENDED_ARG = opmap["EXTENDED_ARG"]
_UNIT = 2
"""Bytes of one instruction: opcode and the low byte of the operand."""


def expected_count(frame: FrameType) -> int | None:
    """The number of targets, if the frame is unpacking into a fixed number of them."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if at < 0 or code[at] != _UNPACK:
        return None
    count, shift = code[at + 1], 8
    # More than 255 targets: higher bytes are in prefixes, the nearest is the next higher one.
    while at >= _UNIT and code[at - _UNIT] == _EXTENDED_ARG:
        at -= _UNIT
        count |= code[at + 1] << shift
        shift += 8
    return count
