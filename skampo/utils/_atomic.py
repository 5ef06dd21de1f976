"""Files that are there complete, or not at all."""

import os
import stat
import uuid
from contextlib import suppress

from skampo.exceptions import SkampoFileError


def write_at_once(path, data):
    """
    Write a file: a new one beside the old one takes its place when it is complete.

    A file that is there keeps its mode, and stays if the new one cannot be written.
    """
    mode = None
    with suppress(FileNotFoundError):
        mode = os.stat(path).st_mode
    if mode is not None and not stat.S_ISREG(mode):
        raise SkampoFileError(f"{path} is no regular file. Give the path of a file.")
    folder, temporary = os.path.dirname(path), f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        # Never open to more readers than the file that it replaces.
        private = 0o666 if mode is None else stat.S_IMODE(mode)
        with open(temporary, "xb", opener=lambda p, f: os.open(p, f, private)) as file:
            if mode is not None:
                os.chmod(temporary, private)
            file.write(data)
            file.flush()
            # Without it the new name may reach the disk before the contents do.
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        # After Ctrl-C as well; the file may never have been made.
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _sync_folder(folder):
    """Write down that the name is another file's; not every system opens folders."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
