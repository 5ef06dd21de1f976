"""Names of test cases that are the same in every process."""

import re


def show(value):
    """Show a value without the addresses of functions and objects."""
    return re.sub(r" at 0x\w+", "", str(value))
