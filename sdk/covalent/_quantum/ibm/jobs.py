"""Jobs of a Sampler that run somewhere."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import RuntimeInvalidStateError

from covalent._quantum.ibm.account import Account
from covalent._quantum.ibm.errors import JobFailed, JobStateUnknown
from covalent._quantum.ibm.secret import behind, without
from covalent._shared_files.logger import app_log

_FIRST_LOOK = 0.1
_LAST_LOOK = 5.0
_RARER = 1.5
_FAILURES = 10
_WHERE = "https://quantum.cloud.ibm.com/workloads"


@dataclass(frozen=True)
class Running:
    """A job of a Sampler."""

    job: Any
    place: str
    account: Account | None = None

    async def result(self) -> Any:
        """Wait for the job; if nobody waits any more, it is cancelled.

        Raises:
            JobStateUnknown: the service does not tell what became of it.
            JobFailed: it failed or was cancelled; the cause is Qiskit's error.

        """
        try:
            if self.account is not None:
                await self._ended()
            return await asyncio.to_thread(self.job.result)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(self.cancel))
            raise
        except RequestsApiError as exc:
            fate = await asyncio.to_thread(self.cancel)
            unknown = f"is in a state that is not known ({exc}); {fate}; look for it at {_WHERE}"
            raise JobStateUnknown(self._told(unknown)) from behind(exc, self._token)
        except Exception as exc:  # noqa: BLE001  # whatever it is, the job failed
            raise JobFailed(self._told(f"failed: {exc}")) from behind(exc, self._token)

    async def _ended(self) -> None:
        """Look at a job of the service, more and more rarely; a look that fails is no reason to give up the job."""
        wait, failures = _FIRST_LOOK, 0
        while True:
            try:
                if await asyncio.to_thread(self.job.in_final_state):
                    return
                failures = 0
            except RequestsApiError:
                failures += 1
                if failures == _FAILURES:
                    raise
            await asyncio.sleep(wait)
            wait = min(wait * _RARER, _LAST_LOOK)

    def cancel(self) -> str:
        """Cancel the job; one that has ended stays as it is.

        Returns:
            What became of it, in words. One that could not be cancelled is logged.

        """
        try:
            self.job.cancel()
        except RuntimeInvalidStateError:
            return "it has ended"
        except Exception as exc:  # noqa: BLE001  # whatever it is, the caller has an error of its own
            fate = "could not be cancelled, and may go on"
            app_log.warning("%s", self._told(f"{fate}: {exc}"))
            return f"it {fate}"
        return "it was cancelled"

    def _told(self, what: str) -> str:
        text = f"job {self.job.job_id()} on {self.place} {what}"
        return without(text, self._token)

    @property
    def _token(self) -> str:
        return self.account.token if self.account else ""


async def sent(send: Callable[[], Running]) -> Running:
    """Send a job from a thread; if nobody waits any more meanwhile, it is cancelled as soon as it is there.

    Args:
        send: starts the job.

    """
    sending = asyncio.ensure_future(asyncio.to_thread(send))
    try:
        return await asyncio.shield(sending)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):  # what was not taken need not be cancelled
            await asyncio.to_thread((await sending).cancel)
        raise
