"""Jobs of a Sampler that run somewhere."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from covalent._quantum.ibm.account import Account
from covalent._quantum.ibm.errors import JobFailed
from covalent._quantum.ibm.secret import without

_FIRST_LOOK = 0.1
_LAST_LOOK = 5.0
_RARER = 1.5


@dataclass(frozen=True)
class Running:
    """A job of a Sampler."""

    job: Any
    place: str
    account: Account | None = None

    async def result(self) -> Any:
        """Wait for the job.

        Raises:
            JobFailed: it failed or was cancelled; the cause is Qiskit's error.

        """
        try:
            if self.account is not None:
                await self._ended()
            return await asyncio.to_thread(self.job.result)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(self.cancel))
            raise
        except Exception as exc:
            raise JobFailed(self._told(exc)) from exc

    async def _ended(self) -> None:
        """Look at a job of the service, more and more rarely."""
        wait = _FIRST_LOOK
        while not await asyncio.to_thread(self.job.in_final_state):
            await asyncio.sleep(wait)
            wait = min(wait * _RARER, _LAST_LOOK)

    def cancel(self) -> None:
        """Cancel the job; one that has ended stays as it is."""
        with contextlib.suppress(Exception):  # it may have ended meanwhile: no error of the caller
            self.job.cancel()

    def _told(self, exc: Exception) -> str:
        text = f"job {self.job.job_id()} on {self.place} failed: {exc}"
        return without(text, self.account.token if self.account else "")
