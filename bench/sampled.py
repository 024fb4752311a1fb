"""leadwire under a sampler: every few milliseconds of processor time, where does the event loop's thread stand?

Started by SIGUSR2, so that the start of the program does not count; written to a file when the program ends. SIGPROF is sent by
the processor time of all threads; what the others cost shows in their own processor time (see Running.threads_cpu_s).
"""

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from leadwire.cli import main

EVERY_S = 0.002
DEPTH_MAX = 60
TOP = 30


class Sampler:
    """Counts where the main thread is found."""

    def __init__(self) -> None:
        self.samples = 0
        self._own: Counter[str] = Counter()
        self._with_callees: Counter[str] = Counter()

    def install(self) -> None:
        """Waits for SIGUSR2, then begins."""
        signal.signal(signal.SIGUSR2, self._begin)
        signal.signal(signal.SIGPROF, self._take)

    def _begin(self, _number: int, _frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def _take(self, _number: int, frame: FrameType | None) -> None:
        self.samples += 1
        if frame is None:
            return
        self._own[_place(frame)] += 1
        seen: set[str] = set()
        depth = 0
        while frame is not None and depth < DEPTH_MAX:
            seen.add(_place(frame))
            frame = frame.f_back
            depth += 1
        self._with_callees.update(seen)

    def write(self, path: Path) -> None:
        """Ends the sampling and writes the shares."""
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        total = max(self.samples, 1)
        path.write_text(
            json.dumps(
                {
                    "samples": self.samples,
                    "own": [(name, round(count / total, 4)) for name, count in self._own.most_common(TOP)],
                    "with_callees": [
                        (name, round(count / total, 4)) for name, count in self._with_callees.most_common(2 * TOP)
                    ],
                }
            )
        )


def _place(frame: FrameType) -> str:
    code = frame.f_code
    parts = Path(code.co_filename).parts
    return f"{'/'.join(parts[-2:])}:{code.co_qualname}"


if __name__ == "__main__":
    target = Path(sys.argv.pop(1))
    sampler = Sampler()
    sampler.install()
    try:
        main()
    finally:
        sampler.write(target)
