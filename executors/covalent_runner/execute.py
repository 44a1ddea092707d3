"""Call one electron: hooks, function, light nodes; nothing of it leaks into the next one of the process."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from covalent_contracts import attachments, context, pickling
from covalent_contracts.built import Built
from covalent_contracts.errors import TaskCancelledError, UnpicklableValue
from covalent_contracts.hooks import Hooks
from covalent_contracts.sheet import Light, Sheet
from covalent_runner import failures, own
from covalent_runner.around import names_covalent, wrapped
from covalent_runner.errors import TimeLimitPassed
from covalent_runner.hooking import make_calls, run_commands
from covalent_runner.inputs import Inputs, lights_of
from covalent_runner.packages import installed
from covalent_runner.streams import Streams, captured, write_error
from covalent_runner.values import LightFailed, Values
from covalent_runner.workdir import isolated

TIMED_OUT = "States.Timeout"


@dataclass(frozen=True)
class Computed:
    """What became of a light node: its pickled value, or why there is none."""

    node: int
    data: bytes | None = None
    error: str = ""


@dataclass(frozen=True)
class Execution:
    """What became of a try: pickled output, or `error` (with the exception's class name as `reason`).

    A sublattice has no output yet: `built` is what its function gave. cancelled: the executor says that it was.
    attached: what it has left beside its output (`covalent_contracts.attachments`), also if it failed then.
    """

    streams: Streams
    data: bytes = b""
    before: Sequence[Computed] = ()
    after: Sequence[Computed] = ()
    error: str = ""
    reason: str = ""
    built: Built | None = None
    cancelled: bool = False
    attached: bytes = b""


@dataclass
class _Try:
    """The steps of one try, which fill in what they make."""

    sheet: Sheet
    inputs: Inputs
    data: bytes = b""
    before: list[Computed] = field(default_factory=list)
    after: list[Computed] = field(default_factory=list)
    built: Built | None = None
    executor: own.Executor | None = None

    def run(self, pending: Sequence[Light]) -> None:
        hooks = hooks_of(self.sheet, self.inputs)
        if self.sheet.executor is None:
            run_commands(hooks.bash)
        with installed(hooks.pip):
            self.executor = own.loaded(self.sheet, self.inputs.assets)
            values = Values(self.inputs, lights_of(self.sheet))
            self.before += compute_lights(values, pending)
            output = self._output(values, hooks)
            if self.sheet.sublattice:
                self.built = _built(self.sheet, output)
                make_calls(hooks.after)
                return
            self.data = _pickled(self.sheet, output)
            if self.executor is None:
                make_calls(hooks.after)
            values.put(self.sheet.id, output)
            self.after += compute_lights(values, self.sheet.after)

    def _output(self, values: Values, hooks: Hooks) -> Any:
        sheet = self.sheet
        if sheet.light is not None:
            return values.get(sheet.light.id)
        if sheet.function is None:
            raise LookupError(f"the sheet of electron {sheet.id} names no function")
        pickle = self.inputs.assets[sheet.function.digest]
        function = pickling.loads(pickle)
        args = [values.get(node) for node in sheet.args]
        kwargs = {name: values.get(node) for name, node in (sheet.kwargs or {}).items()}
        if self.executor is None:
            return function(*args, **(kwargs | make_calls(hooks.before)))
        around = wrapped(function, hooks, may_attach=names_covalent(pickle))
        return own.run(self.executor, sheet, around, args, kwargs)

    def keep_streams(self, streams: Streams, dispatch_id: str) -> None:
        if self.executor is not None:
            own.keep_streams(self.executor, streams, dispatch_id)


def execute(
    dispatch_id: str,
    sheet: Sheet,
    inputs: Inputs,
    pending: Sequence[Light] = (),
    control: context.Control | None = None,
) -> Execution:
    """Run the electron once.

    Args:
        dispatch_id: Of the dispatch, for `ct.get_context()`.
        sheet: The electron.
        inputs: Its pickled inputs.
        pending: Recorded light nodes whose values are wanted beside the output (`Execution.before`).
        control: What executors may ask while they run it.

    Returns:
        What became of it. Whatever user code raises, `SystemExit` included, is an error of the electron.

    """
    process = os.getpid()
    attempt = _Try(sheet, inputs)
    here = context.Context(dispatch_id, sheet.id, control)
    with (
        captured() as streams,
        isolated(dispatch_id),
        context.entered(here),
        attachments.collected() as beside,
    ):
        try:
            attempt.run(pending)
            attempt.keep_streams(streams, dispatch_id)
        except BaseException as exc:  # noqa: BLE001  # also SystemExit and KeyboardInterrupt
            exc = cause_of(exc)
            error, reason = _told(exc)
            write_error(error + "\n")
            attempt.keep_streams(streams, dispatch_id)
            was_cancelled = attempt.executor is not None and isinstance(exc, TaskCancelledError)
            return Execution(
                streams,
                before=attempt.before,
                error=error,
                reason=reason,
                cancelled=was_cancelled,
                attached=beside.dump(),
            )
        finally:
            if os.getpid() != process:
                os._exit(0)  # a fork of user code came back here: one electron has one outcome
    return Execution(
        streams,
        attempt.data,
        attempt.before,
        attempt.after,
        built=attempt.built,
        attached=beside.dump(),
    )


def _told(exc: BaseException) -> tuple[str, str]:
    """What is recorded of an exception, and its name."""
    if isinstance(exc, TimeLimitPassed):  # as where Step Functions notices it
        return f"{TIMED_OUT}: {exc}", TIMED_OUT
    return failures.describe(exc), type(exc).__qualname__


def hooks_of(sheet: Sheet, inputs: Inputs) -> Hooks:
    """What runs around an electron."""
    if sheet.hooks is None:
        return Hooks()
    found = pickling.loads(inputs.assets[sheet.hooks.digest])
    if not isinstance(found, Hooks):
        raise TypeError(f"the hooks are a {type(found).__qualname__}")
    return found


def compute_lights(values: Values, lights: Sequence[Light]) -> list[Computed]:
    """Compute recorded light nodes; those whose operands failed are left out, they never start."""
    found = (_compute(values, light) for light in lights if light.is_recorded)
    return [each for each in found if each is not None]


def _compute(values: Values, light: Light) -> Computed | None:
    try:
        return Computed(light.id, pickling.dumps(values.get(light.id)))
    except LightFailed as exc:
        if exc.light.id != light.id:
            return None
        return Computed(light.id, error=failures.describe(cause_of(exc)))
    except ModuleNotFoundError:
        raise
    except Exception as exc:  # noqa: BLE001  # whatever pickling raises
        return Computed(light.id, error=failures.describe(exc))


def cause_of(exc: BaseException) -> BaseException:
    """The exception that user values raised, out of the one that says where."""
    return exc.__cause__ if isinstance(exc, LightFailed) and exc.__cause__ is not None else exc


def _built(sheet: Sheet, output: Any) -> Built:
    if not isinstance(output, Built):
        raise TypeError(
            f"building sublattice {sheet.name!r} ({sheet.id}) gave a {type(output).__qualname__}, not its graph"
        )
    return output


def _pickled(sheet: Sheet, value: Any) -> bytes:
    try:
        return pickling.dumps(value)
    except Exception as exc:
        raise UnpicklableValue(
            f"electron {sheet.name!r} ({sheet.id}) returned a {type(value).__qualname__} "
            f"that cannot be pickled: {type(exc).__name__}: {exc}"
        ) from exc


def precompute(dispatch_id: str, sheet: Sheet, inputs: Inputs) -> list[Computed] | None:
    """Compute the recorded light nodes that the arguments are made of, before the electron starts.

    Returns:
        What became of them; None if they need packages that only the electron's hooks install.

    """
    with captured() as streams, isolated(dispatch_id):
        try:
            return compute_lights(Values(inputs, sheet.before), sheet.before)
        except ModuleNotFoundError:
            return None
        finally:
            streams.close()
