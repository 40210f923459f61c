#!/usr/bin/env python3
"""What `recollect slurm` writes, run by a shell and by a real Slurm.

Usage: slurm_test.py PROGRAM script   the script by itself, with a scontrol that only notes its arguments
       slurm_test.py PROGRAM cluster  on a Slurm of Debian's packages, which is started here on the loopback
                                      interface and stopped again; status 77 (skipped) where that cannot be
"""
import filecmp
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
CONFIG = """experiment: twelve
task: {name: mqar, length: 32, pairs: 4, vocab: 32}
model: {width: 16, layers: 2, chunk: 16}
variants: [fixed-decay, full-quadratic]
train: {examples: 400, validation_examples: 40, batch: 16, steps: STEPS, eval_every: 100}
eval: {lengths: [32], examples: 40}
seeds: [0, 1, 2, 3, 4, 5]
"""
DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "sinfo")
PATIENCE = 300.0  # seconds until something is given up that has no time of its own
checks = 0


def check(truth, what):
    global checks
    checks += 1
    if not truth:
        raise SystemExit(f"slurm_test.py: {what}")


def wait_for(truth, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not truth():
        if time.monotonic() > end:
            raise SystemExit(f"slurm_test.py: waited in vain: {what}")
        time.sleep(0.1)


def run(*command, **how):
    result = subprocess.run(command, capture_output=True, text=True, **how)
    check(result.returncode == 0, f"{command}: {result.stdout}{result.stderr}")
    return result.stdout


def write_config(scratch, steps):
    path = os.path.join(scratch, "twelve.yaml")
    with open(path, "w") as file:
        file.write(CONFIG.replace("STEPS", str(steps)))
    return path


def texts_of(folder):
    """Path and bytes of everything in a runs folder but what differs from run to run."""
    found = {}
    for place, _, names in os.walk(folder):
        if os.path.relpath(place, folder).startswith("claims"):
            continue
        for name in names:
            path = os.path.join(place, name)
            if name != "provenance.yaml":
                found[os.path.relpath(path, folder)] = open(path, "rb").read()
    return found


def expect_same_results(config, local, other):
    """As the last step of a user: the tables, of cells that are all there."""
    said = subprocess.run([PROGRAM, "run", config, "--out", other], capture_output=True, text=True)
    check(said.returncode == 0 and "0 to train, 12 done" in said.stderr, said.stderr)
    ours, theirs = texts_of(local), texts_of(other)
    check(len(ours) > 12 * 8, "the local run is not whole")
    check(sorted(ours) == sorted(theirs), f"files {sorted(set(ours) ^ set(theirs))}")
    for path, data in ours.items():
        check(theirs[path] == data, f"{path} differs from the local run")


def states(out):
    cells = os.path.join(out, "cells")
    found = []
    for cell in os.listdir(cells) if os.path.isdir(cells) else []:
        if os.path.exists(os.path.join(cells, cell, "state.safetensors")):
            found.append(cell)
    return found


def script_by_itself(scratch):
    """Every task in a shell; one is told that its time is nearly over."""
    config = write_config(scratch, 1500)
    local, out = os.path.join(scratch, "local"), os.path.join(scratch, "it's shared")
    run(PROGRAM, "run", config, "--quiet", "--out", local)
    tools = os.path.join(scratch, "tools")
    os.mkdir(tools)
    with open(os.path.join(tools, "scontrol"), "w") as file:
        file.write(f"#!/bin/sh\necho \"$@\" >> '{scratch}/scontrol.log'\n")
    os.chmod(os.path.join(tools, "scontrol"), 0o755)
    for first in (0, 1):
        text = run(PROGRAM, "slurm", config, "--out", out, "--cells", "3", "--first", str(first))
        check(f"#SBATCH --array={first}-{first + 3}\n" in text, text)
        for line in ("--time=01:35:00", "--cpus-per-task=1", "--signal=B:USR1@60", "--requeue",
                     "--job-name=twelve", "--mem="):
            check(f"#SBATCH {line}" in text, f"{line} is missing in\n{text}")
        script = os.path.join(scratch, f"job{first}.sh")
        with open(script, "w") as file:
            file.write(text)
        run("bash", "-n", script)

    def start(task):
        environment = dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}", SLURM_ARRAY_JOB_ID="7",
                           SLURM_ARRAY_TASK_ID=str(task))
        return subprocess.Popen(["bash", os.path.join(scratch, "job1.sh")], env=environment,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                start_new_session=True)

    task = start(2)
    wait_for(lambda: has_cells(out), "a first cell")
    time.sleep(0.2)
    task.send_signal(signal.SIGUSR1)
    check(task.wait(PATIENCE) == 0, "the task that was saved")
    check(open(os.path.join(scratch, "scontrol.log")).read() == "requeue 7_2\n", "it was not queued again")
    check(len(states(out)) == 1, "no state was saved")
    check(not os.path.exists(os.path.join(out, "twelve.cells.csv")), "a task wrote tables")
    task = start(2)
    wait_for(lambda: len(os.listdir(os.path.join(out, "cells"))) >= 2, "a second cell")
    time.sleep(0.2)
    os.killpg(task.pid, signal.SIGTERM)  # shell and program, as Slurm does
    check(task.wait(PATIENCE) == 143, "a task that is cancelled ends as the program does")
    check(len(states(out)) == 1, "a task that is cancelled saved nothing")
    check(open(os.path.join(scratch, "scontrol.log")).read().count("\n") == 1, "it was queued again")
    for number in (1, 2, 3, 4):
        check(start(number).wait(PATIENCE) == 0, f"task {number}")
    expect_same_results(config, local, out)

    # One line and a status where something is not as it should be.
    shutil.rmtree(os.path.join(out, "cells"))
    fake = os.path.join(tools, "sbatch")
    for sbatch, status, part in ((None, 5, "sbatch is not installed here"),
                                 ("echo 'sbatch: error: no such partition' >&2; exit 1", 5,
                                  "sbatch refused the job: sbatch: error: no such partition"),
                                 (f"cat > '{scratch}/job'; echo Submitted batch job 9", 0, "")):
        if sbatch:
            with open(fake, "w") as file:
                file.write(f"#!/bin/sh\n{sbatch}\n")
            os.chmod(fake, 0o755)
        said = subprocess.run([PROGRAM, "slurm", config, "--out", out, "--cells", "3", "--submit"],
                              capture_output=True, text=True, env={"PATH": f"{tools}:/bin" if sbatch else tools})
        check(said.returncode == status and part in said.stderr, f"{said.returncode} {said.stderr}")
        check(status == 0 or (said.stderr.count("\n") == 1 and not said.stdout), said.stderr)
    check(said.stdout == "Submitted batch job 9\n", said.stdout)
    check("--array=0-3\n" in open(os.path.join(scratch, "job")).read(), "sbatch got another script")
    for arguments, status, part in ((["--cells", "1", "--most", "4"], 64, "makes 12 tasks, more than"),
                                    (["--first", "2"], 64, "--first"),
                                    (["--set", "train.stepz=1"], 3, "did you mean")):
        said = subprocess.run([PROGRAM, "slurm", config, "--out", out, *arguments],
                              capture_output=True, text=True)
        check(said.returncode == status and part in said.stderr and said.stderr.count("\n") == 1,
              f"{arguments}: {said.returncode} {said.stderr}")
        check(not said.stdout, "half a script")


class Cluster:
    """A Slurm of one node on the loopback interface, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.daemons = []
        host = socket.gethostname().split(".")[0]
        for name in ("state", "spool", "munge"):
            os.makedirs(os.path.join(folder, name), mode=0o700)
        with open(os.path.join(folder, "munge", "key"), "wb") as file:
            os.fchmod(file.fileno(), 0o400)
            file.write(os.urandom(128))
        ports = []
        for _ in range(2):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                ports.append(probe.getsockname()[1])
        self.config = os.path.join(folder, "slurm.conf")
        with open(self.config, "w") as file:
            file.write(f"""ClusterName=recollect
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MpiDefault=none
KillWait=5
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs={min(2, os.cpu_count())} RealMemory=1500 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
""")
        self.environment = dict(os.environ, SLURM_CONF=self.config)

    def start(self):
        munge = os.path.join(self.folder, "munge")
        self.daemon("munged", "--foreground", "--force", f"--key-file={munge}/key", f"--socket={munge}/socket",
                    f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed")
        wait_for(lambda: os.path.exists(f"{munge}/socket"), "munged", 30)
        self.daemon("slurmctld", "-D")
        self.daemon("slurmd", "-D")
        wait_for(lambda: "idle" in self.ask("sinfo", "-h", "-o", "%T"), "a node that is idle", 60)

    def daemon(self, *command):
        with open(os.path.join(self.folder, f"{command[0]}.out"), "w") as log:
            self.daemons.append(subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL,
                                                 stdout=log, stderr=log))

    def ask(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def tell(self, *command):
        """Until it is done: for a moment after a task has begun, Slurm may say that it is too early."""
        wait_for(lambda: subprocess.run(command, env=self.environment, capture_output=True).returncode == 0,
                 f"{command}", 60)

    def queue(self):
        return self.ask("squeue", "-h", "-r", "-o", "%K %T").split("\n")[:-1]

    def stop(self):
        if len(self.daemons) == 3:
            self.ask("scancel", "--user=root")
            wait_for(lambda: not self.queue(), "jobs to end", 60)
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def left(self):
        """Processes that this cluster started, by what they were started with."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                known = open(f"/proc/{pid}/environ", "rb").read() + open(f"/proc/{pid}/cmdline", "rb").read()
            except OSError:
                continue
            if self.folder.encode() in known and int(pid) != os.getpid():
                found.append(int(pid))
        return found


def on_cluster(scratch):
    missing = [name for name in DAEMONS if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        print("skipped: needs " + (f"{', '.join(missing)}; on Debian: apt-get install slurmctld slurmd "
                                   "slurm-client munge" if missing else "root, to start Slurm"))
        sys.exit(77)
    config = write_config(scratch, 6000)
    local, out = os.path.join(scratch, "local"), os.path.join(scratch, "shared")
    run(PROGRAM, "run", config, "--quiet", "--out", local)
    os.mkdir(os.path.join(scratch, "cluster"))
    cluster = Cluster(os.path.join(scratch, "cluster"))
    try:
        cluster.start()
        said = subprocess.run([PROGRAM, "slurm", config, "--out", out, "--cells", "3", "--submit"],
                              env=cluster.environment, cwd=scratch, capture_output=True, text=True)
        check(said.returncode == 0 and said.stdout.startswith("Submitted batch job "), said.stderr)
        job = said.stdout.split()[-1]

        def log(task):
            path = os.path.join(scratch, f"slurm-{job}_{task}.out")
            return open(path).read() if os.path.exists(path) else ""

        # One that is told of its time limit, and queues itself; one that is taken from its node.
        wait_for(lambda: "0 RUNNING" in cluster.queue() and has_cells(out), "a task in training")
        # scancel goes on asking for a while, as the task has gone back to the queue when it looks again.
        asking = subprocess.Popen(["scancel", "--signal=USR1", "--batch", f"{job}_0"], env=cluster.environment,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: "0 PENDING" in cluster.queue(), "the task to be queued again")
        check("SIGUSR1" in log(0), f"the program was not told: {log(0)}")
        check(len(states(out)) >= 1, "no state was saved")
        running = []

        def another():
            running[:] = [line.split()[0] for line in cluster.queue() if line.endswith(" RUNNING")]
            return bool(running)

        wait_for(another, "another task")
        other = running[0]
        cluster.tell("scontrol", "requeue", f"{job}_{other}")
        wait_for(lambda: f"{other} PENDING" in cluster.queue(), "the cancelled task to be queued again")

        def hurry():  # Slurm holds back what was queued again for two minutes
            for line in cluster.queue():
                task, state = line.split()
                if state == "PENDING":
                    cluster.ask("scontrol", "update", f"jobid={job}_{task}", "starttime=now")
            return not cluster.queue()

        asking.wait(PATIENCE)
        wait_for(hurry, "all tasks to end")
        for task in range(4):
            check("3 of 3 cells" in log(task) and "0 failed" in log(task), f"task {task}: {log(task)}")
        check("goes on from" in log(0), f"the task did not go on from its state: {log(0)}")
        expect_same_results(config, local, out)
    finally:
        cluster.stop()
        left = cluster.left()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    check(not left, "processes were left behind")


def has_cells(out):
    """True once a cell is in training."""
    cells = os.path.join(out, "cells")
    return os.path.isdir(cells) and bool(os.listdir(cells))


def main():
    parts = {"script": script_by_itself, "cluster": on_cluster}
    with tempfile.TemporaryDirectory(prefix="recollect-slurm-") as scratch:
        parts[sys.argv[2]](scratch)
    print(f"{checks} checks")


main()
