"""What people are told when something is wrong: what, where and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable


class NbreproError(Exception):
    """A fault that a person can mend.

    Args:
        what: one sentence that names the fault.
        where: the file, line, cell or key it was found at.
        hint: what to do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what, where, hint)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  hint: {self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the keyword arguments, so that a fault survives the way from a worker process."""
        return _rebuild, (type(self), self.what, self.where, self.hint)


def _rebuild(kind: type[NbreproError], what: str, where: str | None, hint: str | None) -> NbreproError:
    return kind(what, where=where, hint=hint)


class NotebookError(NbreproError):
    """A notebook that cannot be read."""


class SpecError(NbreproError):
    """An annotation with one or more faults; `what` lists them all, a line each."""


class FlagError(NbreproError):
    """A flag that is not there, is ambiguous, or a value that it cannot take."""


class WorkspaceError(NbreproError):
    """The copy in which a notebook runs could not be made, or the run broke out of it."""


class KernelError(NbreproError):
    """A kernel that is not installed or did not start."""


class DriverError(NbreproError):
    """The process that runs notebooks did not start, or ended in the middle."""


class StoreError(NbreproError):
    """A run that cannot be written or read."""


class BaselineError(NbreproError):
    """A baseline that cannot be written or read."""


class ExtraError(NbreproError):
    """A package that an extra of this one brings, and that is not there."""


class UndecodableError(NbreproError):
    """A file that is not what its name says, or that cannot be decoded safely."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return a hint with the known names closest to `name`, or all of them where there are few.

    Returns:
        A sentence such as ``did you mean 'noise'?``, or None where nothing is known.
    """
    import difflib  # which only a fault needs

    names = list(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(n) for n in close) + "?"
    if not names:
        return None
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"known: {shown}"
