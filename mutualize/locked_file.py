"""A file that one process writes, whatever happens to it: locked, written whole, cut without losing a byte.

Its one rule: what stands at the path is always a whole old file or a whole new one. A file is never cut in
place: a copy of what is to stay takes its place, and the old one is kept under another name.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mutualize.errors import Exit, MutualizeError

try:
    import fcntl
except ImportError:  # no such module outside Unix; a new file is still refused where one exists
    fcntl = None  # type: ignore[assignment]  # there is no type for a module that may be missing

_NO_LOCKS: Final = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)
"""What a file system without locks answers."""
_CHUNK: Final = 1 << 20


def create(path: Path, start: bytes, *, force: bool, durable: bool) -> io.FileIO:
    """Create a file that begins with `start`, locked until it is closed.

    With `force` it takes the place of one that nobody writes to. With `durable` file and name are flushed to
    the disk. Raises MutualizeError (74) where it cannot be, or is being written by another process.
    """
    try:
        if force and path.is_file():
            with lock(path):
                return _replaced(path, start, durable=durable)
        return _created(path, start, durable=durable)
    except FileExistsError as error:
        if path.is_dir():
            raise io_error(path, "cannot be created: it is a folder.") from error
        with lock(path):  # or it is being written
            raise io_error(path, *_TAKEN) from None
    except OSError as error:
        raise io_error(path, f"cannot be created: {error.strerror}.") from error


def lock(path: Path, mode: str = "r") -> io.FileIO:
    """Open an existing file, locked until it is closed; `mode` 'r' reads, 'r+' also writes.

    Raises MutualizeError where it is missing (4), cannot be opened, or is being written by another (74).
    """
    while True:
        try:
            file = io.FileIO(path, mode)
        except FileNotFoundError as error:
            raise MutualizeError(str(path), "does not exist.", code=Exit.MISSING) from error
        except OSError as error:
            raise io_error(path, f"cannot be opened: {error.strerror}.") from error
        try:
            is_ours = _take_lock(file, wait=False)
            is_current = _stands_at(path, file)
        except OSError as error:
            file.close()
            raise io_error(path, f"cannot be locked: {error.strerror}.") from error
        if is_ours and is_current:
            return file
        file.close()
        if is_current:
            raise io_error(path, *_WRITTEN)
        # else it was replaced between the two: look again


def cut(path: Path, old: io.FileIO, size: int, kept: Path, more: bytes | bytearray = b"") -> io.FileIO:
    """Put the first `size` bytes of a locked file, and `more`, in its place; the old file, whole, to `kept`.

    Returns the new file, locked, flushed to the disk and at its end. A file at `kept` is replaced. Closes
    `old`. Raises OSError, and then nothing has changed.
    """
    with _beside(path) as file:
        copy_start(old, file, size)
        write_at(file, more, size)
        os.fsync(file.fileno())
        keep(path, kept)
        flush_folder(path.parent)
        name_beside(path).replace(path)
    flush_folder(path.parent)
    old.close()
    return file


def copy_start(old: io.FileIO, new: io.FileIO, size: int) -> None:
    """Copy the first `size` bytes of a file to an empty one. Raises OSError."""
    old.seek(0)
    rest = size
    while rest and (chunk := old.read(min(_CHUNK, rest))):
        write_at(new, chunk, size - rest)
        rest -= len(chunk)
    if rest:
        raise OSError(errno.EIO, "The file is shorter than it was")


def keep(path: Path, kept: Path) -> None:
    """Give a file a second name that survives when the first is given to another file. Raises OSError."""
    link = name_beside(kept)
    link.unlink(missing_ok=True)
    try:
        os.link(path, link)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        shutil.copyfile(path, link)  # a file system without second names
        with io.FileIO(link, "r+") as copy:
            os.fsync(copy.fileno())
    link.replace(kept)


def free_name(path: Path, suffix: str) -> Path:
    """Return path + suffix, with a number where that is taken."""
    name, number = path.with_name(path.name + suffix), 2
    while name.exists():
        name, number = path.with_name(f"{path.name}{suffix}-{number}"), number + 1
    return name


def name_beside(path: Path) -> Path:
    """Return the name under which a file is written before it takes its place."""
    return path.with_name(f"{path.name}.new")


def replace(path: Path, data: bytes) -> None:
    """Write a file beside its place, flush it and move it there: nobody ever sees half. Raises OSError."""
    beside = name_beside(path)
    try:
        with io.FileIO(beside, "w") as file:
            write_at(file, data, 0)
            os.fsync(file.fileno())
        beside.replace(path)
        flush_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def write_at(file: io.FileIO, data: bytes | bytearray, offset: int) -> None:
    """Write all of `data` at `offset`. The system may take less than it is given, so repeat."""
    file.seek(offset)
    with memoryview(data) as view:
        written = 0
        while written < len(view):
            written += file.write(view[written:]) or 0


def flush_folder(path: Path) -> None:
    """Flush the names in a folder to the disk, where the system can. Raises OSError."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems flush names by themselves
            raise
    finally:
        os.close(folder)


def close(file: io.FileIO) -> None:
    """Close a file. That a signal came in between is no error: it is closed. Raises OSError."""
    with contextlib.suppress(InterruptedError):
        file.close()


def io_error(path: Path, problem: str, remedy: str = "") -> MutualizeError:
    """Return a failure of input or output, exit code 74."""
    return MutualizeError(str(path), problem, remedy, code=Exit.IO)


_TAKEN: Final = ("exists already.", "Choose another place, or replace it with --force.")
_WRITTEN: Final = ("is being written by another run.", "Wait for it, or choose another place.")


def _created(path: Path, start: bytes, *, durable: bool) -> io.FileIO:
    file = io.FileIO(path, "x")
    try:
        if not _take_lock(file, wait=True) or not _stands_at(path, file):
            file.close()  # who replaces files by force came in between
            raise io_error(path, *_WRITTEN)
        write_at(file, start, 0)
        if durable:
            os.fsync(file.fileno())
            flush_folder(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        close(file)
        raise
    return file


def _replaced(path: Path, start: bytes, *, durable: bool) -> io.FileIO:
    """Put a new file into the place of one that we have locked."""
    with _beside(path) as file:
        write_at(file, start, 0)
        if durable:
            os.fsync(file.fileno())
        name_beside(path).replace(path)
    if durable:
        flush_folder(path.parent)
    return file


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[io.FileIO]:
    """Hand out a new, locked file beside a path whose file is locked; it is taken away after an error."""
    beside = name_beside(path)
    file = io.FileIO(beside, "w")
    try:
        _take_lock(file, wait=True)
        yield file
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        file.close()
        raise


def _take_lock(file: io.FileIO, *, wait: bool) -> bool:
    """Lock a file against a second writer until it is closed; False where another holds the lock.

    `wait` is for one's own new file, which somebody may just be asking about.
    """
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
    return True


def _stands_at(path: Path, file: io.FileIO) -> bool:
    """Say whether a file that was opened is still the one at its path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
