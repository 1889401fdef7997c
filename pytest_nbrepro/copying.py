"""Copying and linking single files, as cheaply as the file system allows."""
# For a thousand files pathlib costs more than the system calls themselves.
# ruff: noqa: PTH101, PTH108, PTH211

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from typing import NamedTuple

LARGE = 16 << 20
"""Bytes; a larger file is cloned or linked, never copied."""

Signature = tuple[int, int, int]
"""Inode, size in bytes and time of modification in nanoseconds: any write changes one of them."""

_FICLONE = 0x40049409  # Linux, <linux/fs.h>: _IOW(0x94, 9, int)
_NO_RANGE = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF}
_NO_LINK = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
_BLOCK = 1 << 20


def signature(status: os.stat_result) -> Signature:
    """Return what tells whether a file was written."""
    return status.st_ino, status.st_size, status.st_mtime_ns


class Copy(NamedTuple):
    """A copy, and its original; the times, in nanoseconds, are those of the last change of anything."""

    original: Signature
    copied: Signature
    times: tuple[int, int]  # of both; nobody can set them

    @classmethod
    def of(cls, original: os.stat_result, copied: os.stat_result) -> Copy:
        """Return what is known of a copy by what the system tells of both."""
        return cls(signature(original), signature(copied), (original.st_ctime_ns, copied.st_ctime_ns))


def copy(source: str, target: str, *, large: bool = False) -> Copy | None:
    """Copy a file with its permissions and time of modification; the owner may always write the copy.

    Args:
        source: a regular file.
        target: a path that does not exist.
        large: copy a file above `LARGE` even where it cannot be cloned.

    Returns:
        What is known of both; None, and no copy, where the file is too large.

    Raises:
        OSError: the original cannot be read or the copy not be written.
    """
    reading = os.open(source, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(reading)
        mode = (status.st_mode & 0o777) | 0o600
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        try:
            if status.st_size <= LARGE or large:
                _fill(reading, writing, status.st_size)
            elif not _clone(reading, writing):
                os.unlink(target)
                return None
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
            done = os.fstat(writing)
            if stat.S_IMODE(done.st_mode) != mode:  # the umask took something away
                os.chmod(target, mode)
                done = os.fstat(writing)
        finally:
            os.close(writing)
    finally:
        os.close(reading)
    return Copy.of(status, done)


def link(source: str, target: str, *, folder: bool = False) -> bool:
    """Make `target` a symbolic link to `source`.

    Returns:
        False where the file system or the system's policy has no symbolic links.

    Raises:
        OSError: the link cannot be made for another reason.
    """
    try:
        os.symlink(source, target, target_is_directory=folder)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        return False
    return True


def _fill(reading: int, writing: int, size: int) -> None:
    """Copy inside the system where it can: that shares blocks on file systems that have reflinks."""
    done = 0
    try:
        while done < size and (count := os.copy_file_range(reading, writing, size - done)):
            done += count
    except AttributeError:  # not Linux
        pass
    except OSError as error:
        if error.errno not in _NO_RANGE:
            raise
    if done < size:
        with open(reading, "rb", closefd=False) as source, open(writing, "wb", closefd=False) as target:
            shutil.copyfileobj(source, target, _BLOCK)


def _clone(reading: int, writing: int) -> bool:
    """Let the copy share all blocks of the original; False where the file system cannot."""
    with contextlib.suppress(ImportError, OSError):  # not Unix; no reflinks
        import fcntl

        fcntl.ioctl(writing, _FICLONE, reading)
        return True
    return False
