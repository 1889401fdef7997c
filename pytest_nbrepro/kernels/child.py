"""Inside the kernel: starts IPython's kernel, guards the project, answers what pytest asks after a cell.

A script of its own, run as ``python child.py CONFIG -f CONNECTION ...`` by any Python from 3.9 on that has
ipykernel; this package need not be installed there. It lives under the module name `_nbrepro_kernel`, outside
the notebook's namespace. `value` and `finish` are called by expressions that the client sends along with
silent requests; their answers are JSON, as the `repr` of what they return.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import importlib.util
import json
import os
import random
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any


def sibling(name: str) -> Any:
    """Return a module that lies beside this file, kept out of `sys.modules`."""
    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")  # noqa: PTH100, PTH118, PTH120
    spec = importlib.util.spec_from_file_location(f"_nbrepro_{name}", place)
    assert spec is not None and spec.loader is not None  # noqa: PT018, S101  # a path that ends in .py has both
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if TYPE_CHECKING:
    from pytest_nbrepro.kernels import (
        application,
        chance,
        ending,
        facts,
        guard,
        loading,
        outside,
        showing,
        tracing,
        values,
    )
else:
    application, chance, ending, facts = map(sibling, ("application", "chance", "ending", "facts"))
    guard, loading = map(sibling, ("guard", "loading"))
    outside, showing, tracing, values = map(sibling, ("outside", "showing", "tracing", "values"))

NAME = "_nbrepro_kernel"


class Answer:
    """What is told to the client: JSON on one line of ASCII."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._text = json.dumps(told)

    def __repr__(self) -> str:
        return self._text


class Child:
    """What is kept from one cell to the next."""

    def __init__(self, config: dict[str, Any], watch: guard.Guard) -> None:
        self.config = config
        self.guard = watch
        self.seed: int | None = config["seed"]
        self.shell: Any = None
        self.result: Any = None
        self.coverage: Any = None
        self.bare: set[str] = set()
        self.imports: Any = None
        self.environ: Any = None
        self.chance: Any = None
        self.outside: Any = None
        self.watched: list[Any] = []
        self.forced: dict[str, Any] = config.get("forced", {})
        self.tracer: Any = None
        self.prints: Any = None  # of the notebook's variables, in an experiment

    def attach(self, shell: Any) -> None:
        """Prepare a kernel that is about to take its first cell."""
        self.shell = shell
        shell.events.register("pre_run_cell", self._before)
        shell.events.register("post_run_cell", self._keep)
        shell.ask_exit = self._asked_to_exit
        showing.Keeper(self.config["kept"], sibling).attach(shell.display_formatter)
        self._watch_threads()
        self.tracer = tracing.Tracer(shell.user_module.__dict__, *self.guard.places)
        self._watch(self.tracer)
        # the environment's own bytecode may be kept; below the project the guard refuses it
        sys.dont_write_bytecode = not self.config["bytecode"]
        if self.config["coverage"] is not None:
            self._cover(self.config["coverage"])
        self.bare = {name.partition(".")[0] for name in sys.modules}
        self.guard.note(facts=facts.fixed())
        sys.addaudithook(self.guard.hook)

    def _watch(self, tracer: tracing.Tracer) -> None:
        """Have noted what a run does that another may do otherwise, and seed libraries once they are imported."""

        def note(kind: str, where: str) -> None:
            self.guard.note(seen=kind, where=where)

        forced = self.config["forced"]
        self.environ, self.imports = tracing.Environ(tracer), tracing.Imports(tracer)
        self.chance = chance.Chance(tracer, note)
        self.outside = outside.Outside(tracer, note, blocked="network" in forced)
        self.watched = [self.chance, self.outside]
        self.environ.attach()
        self.chance.attach()
        self.guard.listen(self.outside.events)
        calls = loading.together(
            self.chance.modules,
            {} if self.seed is None else loading.seeds(self.seed),
            loading.forced_seeds(forced),
            self._force(forced, tracer, note),
        )
        around = (self.chance.importing, self.chance.imported)
        loaded = loading.Loaded(calls, around, lambda file: tracer.kind_of(file) == tracing.OWN)
        sys.meta_path.insert(0, loaded)
        if ahead is not None:
            ahead.shown = loaded.shown
        sys.meta_path.insert(0, self.imports)

    def _force(self, forced: dict[str, Any], tracer: tracing.Tracer, note: Any) -> dict[str, Any]:
        """Hold still what an experiment names; return what to do to libraries for that."""
        if not forced:
            return {}
        held = sibling("forcing").Forcing(forced, tracer, note)
        held.attach()
        self.watched.append(held)
        if "prints" in forced:
            self.prints = sibling("prints").Prints(self.shell.user_ns, set(self.shell.user_ns_hidden))
        calls: dict[str, Any] = held.modules()
        return calls

    def _before(self, *_: object) -> None:
        """Forget the last cell's value; before the first cell, seed: the kernel itself draws on its start."""
        self.result = None
        seed, self.seed = self.seed, None
        if seed is not None:
            random.seed(seed)
        if "random" in (first := self.forced):
            random.seed(first["random"])
        self.forced = {}
        for watched in self.watched:
            watched.begin()

    def _keep(self, result: Any) -> None:
        self.chance.end()
        if self.prints is not None:
            self.guard.note(prints=self.prints.changed())
        self.result = getattr(result, "result", None)  # none at all where the cell was cancelled
        if error := getattr(result, "error_in_exec", None):
            self.guard.note(facts={"blamed": tracing.blamed(error)})

    def _asked_to_exit(self) -> None:
        """Stay when a cell calls `exit`, and tell the client: ending after some delay would be a race."""
        self.shell.payload_manager.write_payload({"source": "ask_exit", "keepkernel": True})

    def _watch_threads(self) -> None:
        """Tell of exceptions that end a thread, besides what Python does about them."""
        in_thread, ignored = threading.excepthook, sys.unraisablehook

        def fail(name: str, args: Any) -> None:
            lines = traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)
            error = "".join(traceback.format_exception_only(args.exc_type, args.exc_value)).strip()
            self.guard.note(thread=name, error=error, traceback="".join(lines))

        def threading_hook(args: Any) -> None:
            in_thread(args)
            if args.exc_type is not SystemExit:
                fail(args.thread.name if args.thread is not None else "?", args)

        def unraisable_hook(args: Any) -> None:
            ignored(args)
            # what a destructor raises comes here too, and is no failure of the cell
            if "thread started by" in (args.err_msg or ""):
                fail(getattr(args.object, "__name__", "?"), args)

        threading.excepthook = threading_hook
        sys.unraisablehook = unraisable_hook

    def _cover(self, wanted: dict[str, Any]) -> None:
        """Measure the code that the notebook imports, where this Python has coverage.py."""
        try:
            import coverage
        except ImportError:
            self.guard.note(note="coverage.py is not installed where the notebook ran: nothing was measured")
            return
        config = wanted["config_file"] or False
        measured = coverage.Coverage(
            wanted["data_file"], config_file=config, source=wanted["source"], branch=wanted["branch"]
        )
        measured.set_option("run:parallel", False)  # one file, of the name given
        with contextlib.suppress(coverage.CoverageException):  # before 7.10 there was no such option
            measured.set_option("run:patch", [])
        measured.start()
        self.coverage = measured
        atexit.register(self.save_coverage)

    def end(self) -> None:
        """End the process, where that can be done without Python's taking all modules apart."""
        own = ending.namespaces(lambda file: self.tracer.kind_of(file) == tracing.OWN, self.bare)
        if own is not None:
            self.result = None
            self.shell.history_manager.output_hist.clear()
            app = self.shell.kernel.parent
            atexit.unregister(app.close)  # of threads and sockets, which end with the process
            ending.end([self.shell.user_module.__dict__, *own], app.reset_io)

    def save_coverage(self) -> None:
        """Write what was measured, once."""
        measured, self.coverage = self.coverage, None
        if measured is not None:
            measured.stop()
            measured.save()


CHILD: Child
ahead: Any = None  # what was imported before the fork, where there was any (see `hidden.py`)
turn: Any = None  # what a kernel that was forked ahead waits for (see `turn.py`)


def value() -> Answer:
    """Return the numbers that the cell which has just run ended in."""
    try:
        return Answer({"values": values.flattened(CHILD.result)})
    except values.NotANumberError as error:
        return Answer({"error": str(error)})
    except Exception as error:  # noqa: BLE001  # whatever an object of the notebook's raises when it is read
        return Answer({"error": f"what cannot be read: {said(error)}"})


def finish(expressions: str) -> Answer:
    """Evaluate expressions in the notebook's namespace, and tell the facts.

    Args:
        expressions: JSON, name -> expression.
    """
    results = {name: evaluated(text) for name, text in json.loads(expressions).items()}
    told = {
        "modules": facts.imported(CHILD.bare),
        "direct": sorted(CHILD.imports.direct),
        **facts.libraries(),
    }
    told["variables_read"] = CHILD.environ.read
    CHILD.save_coverage()
    return Answer({"results": results, "facts": told})


def leave() -> None:
    """Have the kernel end as Python ends, so that what the notebook left open is written out."""
    CHILD.shell.exit_now = True  # which also leaves the loop of a GUI, but not at once
    loop = CHILD.shell.kernel.io_loop
    loop.call_later(0, loop.stop)


def evaluated(text: str) -> dict[str, Any]:
    """Return ``{"values": ...}`` or ``{"error": ...}`` for one expression."""
    try:
        result = eval(text, CHILD.shell.user_global_ns, CHILD.shell.user_ns)  # noqa: S307
        return {"values": values.flattened(result)}
    except values.NotANumberError as error:
        return {"error": f"it is {error}"}
    except Exception as error:  # noqa: BLE001  # whatever the expression raises
        return {"error": f"it raised {said(error)}"}


def said(error: BaseException) -> str:
    """Return an exception as the last line of its traceback has it."""
    return "".join(traceback.format_exception_only(type(error), error)).strip()


def main() -> None:
    """Run the kernel until it is told to end."""
    global CHILD  # noqa: PLW0603
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    if sys.path and sys.path[0] == here:  # not there in Python's safe-path mode
        del sys.path[0]
    path, arguments = sys.argv[1], sys.argv[2:]  # which the application takes the place of
    app: Any = None
    if turn is not None:
        app = application.start(arguments)
        turn.wait(app.shell)
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123
        config = json.load(stream)
    app = app or application.start(arguments)
    application.importable(config["root"])
    watch = guard.Guard(config["work"], config["project"], config["folder"], config["journal"])
    CHILD = Child(config, watch)
    CHILD.attach(app.shell)
    app.start()
    CHILD.end()


if __name__ == "__main__":
    sys.modules[NAME] = sys.modules["__main__"]
    __name__ = NAME
    main()
