"""A process of PyTorch that times steps when asked: an allocator's settings hold for a process."""

import multiprocessing
import os
import statistics
import threading
from multiprocessing.connection import Connection
from typing import Any, Dict, Sequence, Tuple

from pytorch import environment  # torch is imported by the process, behind environment.tune()
from pytorch.ours import Failure, Settings

BOUND = 1e-4  # relative to a tensor's largest number; float32


def forms_of(side: str, variant: str) -> Dict[str, Sequence[Tuple]]:
    """Forms of the same function, and the chunks to choose from. `folded` is chunkwise with the two
    shortcuts of ours that take algebra (model.py): batching alone does not give them."""
    forms = {"chunkwise": [(64,), (128,)], "dense": [(0,)]}
    if variant != "adaptive-decay":
        forms["chunkwise"].insert(0, (32,))
    elif side == "tuned":
        forms["folded"] = [(64, True), (128, True)]
    return forms


class Side:
    """`plain`: PyTorch's own settings. `tuned`: all that makes it faster here."""

    def __init__(self, name: str, settings: Settings, length: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.name = name
        self.pipe, theirs = spawn.Pipe()
        arguments = (theirs, name, settings, length)
        self.process = spawn.Process(target=serve, args=arguments, daemon=True)
        self.process.start()
        theirs.close()

    def choose(self, form: str) -> str:
        """Takes the fastest settings, compares with ours; says which they are."""
        return self.ask("choose", form)

    def milliseconds(self, form: str) -> Tuple[float, bool]:
        """A step's median time, and whether other programs disturbed it."""
        return self.ask("milliseconds", form)

    def ask(self, *request: str) -> Any:
        try:
            self.pipe.send(request)
            answer = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            ended = f"the process of {self.name} PyTorch ended with {self.process.exitcode}"
            raise Failure(f"{ended}; -9 is too little memory, which a lower --batch helps")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.pipe.close()
        self.process.join()


def serve(pipe: Connection, name: str, settings: Settings, length: int) -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    if name == "tuned":
        environment.tune()
    from pytorch.agreement import disagreement, export
    from pytorch.model import Form
    from pytorch.plain import plain_steps
    from pytorch.quiet import undisturbed
    from pytorch.step import fastest_step, step_times
    from pytorch.tuned import tuned_steps

    steps = {}

    def choose(form: str) -> str:
        case = export(settings, length, settings.batch)
        candidates = plain_steps if name == "plain" else tuned_steps
        forms = [Form(*options) for options in forms_of(name, settings.variant)[form]]
        step = fastest_step(candidates(*case[:3], forms, settings.threads))
        wrong = disagreement(case, step, BOUND)
        if wrong:
            raise Failure(f"length {length}, {form}, {name} disagrees with ours: {wrong}")
        steps[form] = step
        return step.how

    def milliseconds(form: str) -> Tuple[float, bool]:
        step = steps[form]
        step_times(step, 1, 0.0)  # what is in the caches is another program's
        times, disturbed = undisturbed(lambda: step_times(step, 3, settings.seconds), tries=5)
        return statistics.median(times), disturbed

    answers = {"choose": choose, "milliseconds": milliseconds}
    while True:
        try:
            request, form = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(answers[request](form))
        except (Failure, OSError) as failure:
            pipe.send(failure)


def end_with_parent() -> None:
    """A program that is killed would leave this process computing."""
    multiprocessing.parent_process().join()
    os._exit(1)
