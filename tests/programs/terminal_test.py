#!/usr/bin/env python3
"""What `recollect run` shows: on a terminal of its own, which is made narrower in between, which stops
it with Ctrl-Z and Ctrl-C, and which cannot do much; in a pipe; to scripts.
Usage: tests/programs/terminal_test.py PROGRAM"""
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from screen import Screen  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
PATIENCE = 100.0  # seconds; a test that waits so long has failed

TINY = """experiment: tiny
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1, chunk: 8}
variants: [fixed-decay, full-quadratic]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 20, eval_every: 10}
eval: {lengths: [16], examples: 20}
"""
# At work for as long as it takes to look.
LONG = TINY.replace("tiny", "long").replace("steps: 20", "steps: 3000000").replace(
    "eval_every: 10", "eval_every: 300").replace(", full-quadratic]", "]") + "seeds: [0, 1, 2, 3, 4, 5]\n"

failures = 0


def check(what, holds, told=""):
    global failures
    if not holds:
        failures += 1
        print(f"FAILED {what}\n{told}", file=sys.stderr)


def environment(**changes):
    result = {key: value for key, value in os.environ.items()
              if key not in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "XTERM_VERSION", "STY")}
    result.update(TERM="xterm-256color", LANG="C.UTF-8")
    result.update(changes)
    return result


class Terminal:
    """A program on a terminal of its own, and what is seen there."""

    def __init__(self, arguments, width=100, rows=30, **changes):
        self.screen = Screen(width, rows)
        self.bytes = b""
        self.process, self.fd = pty.fork()
        if self.process == 0:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTSTP):
                signal.signal(number, signal.SIG_DFL)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, width, 0, 0))
            os.execve(arguments[0], arguments, environment(**changes))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, width, 0, 0))
        self.ended = False

    def read(self, seconds=0.05):
        """Takes what has come; True if something has."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # Linux's end of a terminal
            data = b""
        self.ended = self.ended or not data
        self.bytes += data
        self.screen.feed(data)
        return bool(data)

    def wait_for(self, what, shown):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not self.ended:
            self.read()
            if shown(self.screen.text()):
                return True
        if shown(self.screen.text()):
            return True
        check(f"waited in vain for {what}", False, self.screen.text())
        return False

    def frames(self, count):
        """Waits until the lines have been written so many times more."""
        seen = self.bytes.count(b"\x1b[J")
        self.wait_for("frames", lambda _: self.bytes.count(b"\x1b[J") >= seen + count)

    def resize(self, width, rows):
        self.screen.resize(width, rows)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, width, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def finish(self):
        end = time.monotonic() + PATIENCE
        while not self.ended and time.monotonic() < end:
            self.read()
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def is_sweep(line):
    return re.match(r" sweep \d of 6 | \d/6", line) is not None


def has_sweep(text):
    return any(map(is_sweep, text.split("\n")))


def running(lines):
    return sum(line.startswith((" run   ", ">")) for line in lines)


def live_lines(screen):
    return [line for line in screen.text().split("\n") if line]


def narrow_lines(screen, what):
    # All that is seen is lines of ours but the plan's, which is whole.
    for line in live_lines(screen)[1:]:
        check(f"{what}: a line as wide as the terminal", len(line) < screen.width, repr(line))


def on_a_terminal(folder):
    out = folder / "live"
    command = [PROGRAM, "run", str(folder / "long.yaml"), "--jobs", "2", "--threads", "1", "--out", str(out)]
    terminal = Terminal(command)
    before = termios.tcgetattr(terminal.fd)
    terminal.wait_for("both cells", lambda text: text.count("seed") == 2 and has_sweep(text) and " %" in text)
    terminal.frames(3)
    text = terminal.screen.text()
    check("not one line for the sweep", sum(map(is_sweep, text.split("\n"))) == 1, text)
    check("no curve", "····" in text, text)
    narrow_lines(terminal.screen, "100 columns")
    for width, rows in ((60, 30), (40, 30), (30, 10), (130, 20), (70, 20), (70, 4), (70, 24)):
        terminal.resize(width, rows)
        terminal.frames(3)
        text = terminal.screen.text()
        found = sum(map(is_sweep, live_lines(terminal.screen)))
        check(f"{width} x {rows}: {found} lines for the sweep", found == 1, text)
        if rows > 5:
            check(f"{width}: not two running cells", running(live_lines(terminal.screen)) == 2, text)
    narrow_lines(terminal.screen, "70 columns")
    terminal.type("\x03")
    status = terminal.finish()
    text = terminal.screen.text()
    check(f"Ctrl-C: status {status}", status == 130, text)
    check("Ctrl-C: not two cells that were saved", text.count("saved at step") == 2, text)
    check("Ctrl-C: live lines are left", not has_sweep(text) and not running(text.split("\n")), text)
    last = text.replace("\n", "").rsplit("recollect: ", 1)[-1]
    check("Ctrl-C: the last line is not the command", last.startswith("stopped by SIGINT; 0 of 6 cells are done")
          and last.endswith("from here: " + " ".join(command)), text)
    check("Ctrl-C: the terminal is another", termios.tcgetattr(terminal.fd) == before)
    check("the cursor was hidden", b"\x1b[?25" not in terminal.bytes)
    check("lines are not broken any more", terminal.screen.wrap)

    again = Terminal(command)
    again.wait_for("the resumed cells", lambda text: text.count("goes on from step") == 2 and has_sweep(text))
    again.frames(3)
    again.type("\x03")
    check("resumed, then stopped", again.finish() == 130, again.screen.text())


def many_jobs(folder):
    terminal = Terminal([PROGRAM, "run", str(folder / "long.yaml"), "--jobs", "6", "--threads", "1", "--out",
                         str(folder / "many")], width=80, rows=7)
    terminal.wait_for("the number of the others", lambda text: "and 2 more" in text)
    terminal.frames(3)
    lines = terminal.screen.lines[-7:]
    check("not four of six cells", running(lines) == 4 and any(map(is_sweep, lines)), "\n".join(lines))
    terminal.type("\x03")
    check("many jobs: Ctrl-C", terminal.finish() == 130, terminal.screen.text())


def job_control(folder):
    terminal = Terminal(["/bin/bash", "--norc", "--noprofile", "-i"], PS1="prompt ")
    terminal.wait_for("a prompt", lambda text: "prompt" in text)
    terminal.type(f"{PROGRAM} run {folder}/long.yaml --jobs 2 --threads 1 --out {folder}/paused\n")
    terminal.wait_for("live lines", has_sweep)
    terminal.frames(3)
    terminal.type("\x1a")
    terminal.wait_for("the shell", lambda text: "Stopped" in text)
    text = terminal.screen.text()
    check("Ctrl-Z: live lines are left", not has_sweep(text) and not running(text.split("\n")), text)
    check("Ctrl-Z: does not say so", "paused at 0 of 6" in text, text)
    terminal.type("fg\n")
    terminal.wait_for("live lines again", lambda text: has_sweep(text.rsplit("Stopped", 1)[-1]))
    terminal.frames(3)
    text = terminal.screen.text()
    rest = text.replace("\n", "").rsplit("Stopped", 1)[-1]  # the shell tells the command twice
    check("fg: wrote over the shell", "paused at" in text and "prompt fg" in rest
          and rest.count(f"--out {folder}/paused") == 2, text)
    terminal.type("\x03")
    terminal.wait_for("the end", lambda text: "stopped by SIGINT" in text)
    terminal.type("exit\n")
    terminal.finish()


def poor_terminals(folder):
    tiny = [PROGRAM, "run", str(folder / "tiny.yaml"), "--jobs", "1", "--out"]
    dumb = Terminal(tiny + [str(folder / "dumb")], TERM="dumb")
    check("TERM=dumb: status", dumb.finish() == 0, dumb.screen.text())
    check("TERM=dumb: escapes", b"\x1b" not in dumb.bytes, dumb.bytes)
    check("TERM=dumb: no lines of cells", "[cell 2 of 2] " in dumb.screen.text(), dumb.screen.text())
    ascii_only = Terminal(tiny + [str(folder / "ascii")], LC_ALL="C")
    check("LC_ALL=C: status", ascii_only.finish() == 0)
    check("LC_ALL=C: letters beyond ASCII", ascii_only.bytes.isascii(), ascii_only.bytes)
    check("LC_ALL=C: no curve", "[_" in ascii_only.screen.text() or "[#" in ascii_only.screen.text(),
          ascii_only.screen.text())
    easy = ["--set", "train.solve_at=0.001"]
    colour = Terminal(tiny + [str(folder / "colour")] + easy)
    check("colour: status", colour.finish() == 0)
    check("solved is not green", "32" in colour.screen.colours, colour.screen.text())
    check("solved is told by colour alone", "solved at 10" in colour.screen.text(), colour.screen.text())
    plain = Terminal(tiny + [str(folder / "plain")] + easy, NO_COLOR="1")
    check("NO_COLOR: status", plain.finish() == 0)
    check("NO_COLOR: colours", not plain.screen.colours, plain.screen.text())
    diverging = ["--set", "train.learning_rate=10", "--set", "train.weight_decay=10", "--set", "train.clip=0"]
    failing = Terminal(tiny + [str(folder / "failing")] + diverging)
    check("failing: status", failing.finish() == 4)
    check("failed is not red, or without its reason",
          "31" in failing.screen.colours and " fail  " in failing.screen.text()
          and "diverged: step " in failing.screen.text(), failing.screen.text())


def run(arguments, **changes):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, env=environment(**changes), check=False)


def in_a_pipe(folder):
    tiny = str(folder / "tiny.yaml")
    piped = run(["run", tiny, "--out", str(folder / "piped")])
    check("pipe: escapes", b"\x1b" not in piped.stderr, piped.stderr)
    check("pipe: lines of cells", piped.stderr.count(b"[cell ") == 2, piped.stderr)
    quiet = run(["run", tiny, "--quiet", "--out", str(folder / "quiet")])
    check("--quiet: not the last line alone",
          quiet.returncode == 0 and re.fullmatch(rb"2 of 2 cells done, \d solved, 0 failed; took \d+s\n",
                                                 quiet.stderr) is not None, quiet.stderr)
    check("--quiet: no tables", quiet.stdout.count(b"\n") == 2, quiet.stdout)


def for_scripts(folder):
    def events(arguments):
        result = run(arguments)
        lines = result.stdout.decode().split("\n")
        check("--json-lines: no end of line", lines[-1] == "")
        return result, [json.loads(line, parse_constant=lambda word: check(f"{word} is no JSON", False))
                        for line in lines[:-1]]

    odd = TINY.replace("[fixed-decay, full-quadratic]",
                       "[{name: fixed-decay, label: 'a <b> \\ ü'}, full-quadratic]")
    (folder / "odd.yaml").write_text(odd, encoding="utf-8")
    arguments = ["run", str(folder / "odd.yaml"), "--json-lines", "--out", str(folder / "json")]
    result, told = events(arguments)
    names = [event["event"] for event in told]
    check("--json-lines: something on stderr", not result.stderr, result.stderr)
    check("--json-lines: the plan is not first", names[0] == "plan", names)
    check("--json-lines: the summary is not last", names[-1] == "summary" and names.count("summary") == 1, names)
    check("--json-lines: starts, evaluations and ends",
          (names.count("start"), names.count("evaluation"), names.count("end")) == (2, 4, 2), names)
    check("--json-lines: the label is another",
          {event["variant"] for event in told if event["event"] == "end"} ==
          {'a <b> \\ ü', "full-quadratic"}, told)
    check("--json-lines: the status is another", told[-1]["status"] == result.returncode == 0, told[-1])
    check("--json-lines: no tables", all(os.path.exists(path) for path in told[-1]["tables"])
          and len(told[-1]["tables"]) == 2, told[-1])
    check("--json-lines: counts", (told[-1]["done"], told[-1]["cells"], told[-1]["failed"]) == (2, 2, 0), told[-1])
    check("--json-lines: no elapsed", all(event["elapsed"] >= 0 for event in told))

    diverging = ["--set", "train.learning_rate=10", "--set", "train.weight_decay=10", "--set", "train.clip=0"]
    result, told = events(arguments + diverging)
    ends = [event for event in told if event["event"] == "end"]
    check("--json-lines: no reason", all(end["ending"] == "diverged" and end["reason"] for end in ends), ends)
    check("--json-lines: failed", told[-1]["status"] == result.returncode == 4 and len(told[-1]["problems"]) == 2
          and told[-1]["failed"] == 2, told[-1])

    result, told = events(["run", str(folder / "none.yaml"), "--json-lines"])
    check("--json-lines: an error is no summary",
          len(told) == 1 and told[0]["status"] == result.returncode and "none.yaml" in told[0]["error"], told)


def main():
    with tempfile.TemporaryDirectory(prefix="recollect-terminal-") as name:
        folder = pathlib.Path(name)
        (folder / "tiny.yaml").write_text(TINY)
        (folder / "long.yaml").write_text(LONG)
        for part in (on_a_terminal, many_jobs, job_control, poor_terminals, in_a_pipe, for_scripts):
            before = failures
            part(folder)
            print(f"{part.__name__}: {'ok' if failures == before else 'FAILED'}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
