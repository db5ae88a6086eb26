"""Scripts that have an engine of a cluster restore many files.

Each is a template of `templates/`, in the engine's own language. A task restores one
part of the files (`--shard`), or one file, and does only what is missing (`--resume`),
so that an engine may start any task again.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from w2s_cli.errors import UsageError


class _AtTemplate(Template):
    """A text with fields such as @tasks: the engines have their own use for "$"."""

    delimiter = "@"


@dataclass(frozen=True, slots=True)
class Request:
    """What a task is, and what it may take.

    Attributes
    ----------
    inputs, output
        As for `w2s restore`; the output is a folder.
    options
        The other words of `w2s restore`.
    tasks
        Parts of the files.
    cpus, memory, hours
        Cores, GB and hours of a task.
    gpu
        Whether a task has a GPU.
    container
        An image with w2s in it; "" for the w2s of the machines.
    """

    inputs: Sequence[str]
    output: str
    options: Sequence[str] = ()
    tasks: int = 10
    cpus: int = 2
    memory: int = 8
    hours: float = 4.0
    gpu: bool = False
    container: str = ""

    @property
    def minutes(self) -> int:
        """Return the minutes of a task, at least 1."""
        return max(round(60 * self.hours), 1)

    @property
    def arguments(self) -> str:
        """Return the words after `w2s restore`, as a shell takes them."""
        return shlex.join([*self.inputs, "-o", self.output, *self.options])


def slurm(request: Request) -> str:
    """Return a script for `sbatch`: an array of tasks."""
    run = ""
    if request.container:
        device = " --nv" if request.gpu else ""
        run = f"apptainer exec{device} {shlex.quote(request.container)} "
    hours, minutes = divmod(request.minutes, 60)
    return _filled(
        "slurm.sh",
        output=shlex.quote(request.output),
        tasks=request.tasks,
        cpus=request.cpus,
        memory=f"{request.memory}G",
        time=f"{hours:02}:{minutes:02}:00",
        gpu_request="#SBATCH --gres=gpu:1\n" if request.gpu else "",
        command=f"{run}w2s restore {request.arguments}",
    )


def snakemake(request: Request) -> str:
    """Return a Snakefile: a rule with a job for each part.

    Raises
    ------
    UsageError
        When the output has braces in its name, which mean something to Snakemake.
    """
    if {*"{}"} & {*request.output}:
        raise UsageError(
            f"Snakemake has no use for braces in names of files: {request.output}",
            hint="name another folder with -o",
        )
    # Snakemake formats the command, and Python reads it, before a shell does.
    arguments = _escaped(request.arguments.replace("{", "{{").replace("}", "}}"))
    container = f'\n    container:\n        "{_escaped(request.container)}"'
    return _filled(
        "Snakefile",
        output=shlex.quote(request.output),
        output_folder=_escaped(request.output.rstrip("/")),
        tasks=request.tasks,
        cpus=request.cpus,
        memory_mb=1000 * request.memory,
        minutes=request.minutes,
        gpu_resource="\n        gpu=1," if request.gpu else "",
        container_line=container if request.container else "",
        arguments=arguments,
    )


def nextflow(request: Request) -> str:
    """Return a workflow with a module in the form of nf-core: a task for each file.

    Raises
    ------
    UsageError
        When there are several inputs, a list, or a pattern of names: Nextflow looks for
        the files itself.
    """
    if len(request.inputs) != 1 or {"--files", "--name"} & {*request.options}:
        raise UsageError(
            "Nextflow takes one folder of inputs, without --files or --name, found "
            f"{request.arguments}",
            hint="name the folder that the images are in",
        )
    options = [word for word in request.options if word != "--recursive"]
    gpu = "\n    accelerator 1" if request.gpu else ""
    container = f"\n    container {_groovy(request.container)}"
    return _filled(
        "main.nf",
        input=_groovy(request.inputs[0].rstrip("/")),
        outdir=_groovy(request.output.rstrip("/")),
        args=_groovy(shlex.join(options)),
        cpus=request.cpus,
        memory_gb=request.memory,
        minutes=request.minutes,
        accelerator=gpu,
        container=container if request.container else "",
    )


ENGINES = {"slurm": slurm, "snakemake": snakemake, "nextflow": nextflow}


def _filled(template: str, **fields: object) -> str:
    text = (files(__package__) / "templates" / template).read_text(encoding="utf-8")
    return _AtTemplate(text).substitute(fields)


def _escaped(text: str) -> str:
    """Return a text as it is written between double quotes in Python."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _groovy(text: str) -> str:
    """Return a text as a string of Groovy in which nothing is replaced."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
