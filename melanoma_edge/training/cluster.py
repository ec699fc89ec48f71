"""Several machines: what ``TF_CONFIG`` names, how its processes meet, and what it means when one is lost."""

from __future__ import annotations

import errno
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from melanoma_edge.errors import MachineError, UsageError, named
from melanoma_edge.model.legacy_keras import load_tensorflow

VARIABLE = "TF_CONFIG"
EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'
_PATIENCE = 600.0
"""Seconds in which all workers must have been started; one may have to be unpacked, the other not."""
_PAUSE = 0.2
_ADDRESS = re.compile(r"(?P<host>[^\s:/]+|\[[0-9a-fA-F:.]+\]):(?P<port>\d{1,5})")


@dataclass(frozen=True)
class Cluster:
    """Name the processes of one training by ``host:port``, the chief first, and say which of them this is."""

    addresses: tuple[str, ...]
    index: int

    def __str__(self) -> str:
        who = "the chief" if self.chief else "which leaves the run to the chief"
        return f"Process {self.index} of {len(self.addresses)} ({self.addresses[self.index]}), {who}"

    @property
    def chief(self) -> bool:
        """Whether this process writes the run."""
        return self.index == 0


def cluster_of(environment: Mapping[str, str]) -> Cluster | None:
    """Return what ``TF_CONFIG`` says, or None where it is not set or names this process alone.

    A task of type ``chief``, where there is one, comes before the workers; else worker 0 is the chief.

    Raises:
        UsageError: when it is not JSON, or names no cluster, no task of it, or what no training here has.
    """
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(f"not JSON: {error}") from error
    jobs = document.get("cluster") if isinstance(document, dict) else None
    if not isinstance(jobs, dict) or not jobs:
        raise _bad("no cluster in it")
    if strange := sorted(set(jobs) - {"chief", "worker"}):
        raise _bad(f"unknown kinds of tasks: {named(strange)}; there are chief and worker")
    places = [(job, index) for job in ("chief", "worker") for index in range(len(_listed(jobs, job)))]
    addresses = tuple(address for job in ("chief", "worker") for address in _listed(jobs, job))
    _check_addresses(addresses)
    cluster = Cluster(addresses, places.index(_task(document, places)))
    return cluster if len(addresses) > 1 else None


def _bad(problem: str) -> UsageError:
    return UsageError(f"{VARIABLE}: {problem}", fix=f"set it to something like '{EXAMPLE}', or unset it")


def _listed(jobs: Mapping[str, Any], job: str) -> list[Any]:
    addresses = jobs.get(job, [])
    if not isinstance(addresses, list) or (job == "chief" and len(addresses) > 1):
        raise _bad(f"{job} is not a list of addresses, of one for the chief")
    return addresses


def _check_addresses(addresses: tuple[Any, ...]) -> None:
    wrong = [address for address in addresses if not isinstance(address, str) or not _is_address(address)]
    if wrong or not addresses:
        raise _bad(f"not host:port: {named(wrong)}" if wrong else "no worker in its cluster")
    if twice := sorted({address for address in addresses if addresses.count(address) > 1}):
        raise _bad(f"named twice: {named(twice)}")


def _is_address(text: str) -> bool:
    match = _ADDRESS.fullmatch(text)
    return match is not None and 0 < int(match["port"]) < 2**16


def _task(document: Mapping[str, Any], places: list[tuple[str, int]]) -> tuple[str, int]:
    task = document.get("task")
    kind, index = (task.get("type"), task.get("index")) if isinstance(task, dict) else (None, None)
    if not isinstance(kind, str) or type(index) is not int:
        raise _bad("no task with a type and an index in it")
    if (kind, index) not in places:
        count = sum(job == kind for job, _ in places)
        raise _bad(f"task {kind} {index}, but its cluster has {count} of type {kind}, counted from 0")
    return kind, index


def meet(cluster: Cluster, seconds: float | None = None) -> None:
    """Return when a process answers at every address of the cluster.

    TensorFlow waits for the others without end and without being stoppable, so it is started only after this.

    Args:
        cluster: with this process, which listens at its port meanwhile.
        seconds: to wait at most; ten minutes when not given.

    Raises:
        MachineError: when the port is taken, or some have not come in time.
    """
    until = time.monotonic() + (_PATIENCE if seconds is None else seconds)
    missing = [address for place, address in enumerate(cluster.addresses) if place != cluster.index]
    with _listening(cluster):
        while missing := [address for address in missing if not _answers(address)]:
            if time.monotonic() > until:
                fix = f"start the same command there with its own {VARIABLE}, and let the ports through"
                raise MachineError(f"nobody answers at {named(missing)}", where=VARIABLE, fix=fix)
            time.sleep(_PAUSE)


@contextmanager
def _listening(cluster: Cluster) -> Iterator[None]:
    address = cluster.addresses[cluster.index]
    both = socket.has_dualstack_ipv6()
    with socket.socket(socket.AF_INET6 if both else socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if both:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            listener.bind(("", int(address.rpartition(":")[2])))
        except OSError as error:
            taken = "is taken by another process" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
            fix = f"end that process, or name another port of this machine in every {VARIABLE}"
            raise MachineError(f"this worker's port {taken}", where=address, fix=fix) from error
        listener.listen(len(cluster.addresses) * 4)
        yield


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=2):
            return True
    except OSError:
        return False


@cache
def joined(cluster: Cluster) -> Any:
    """Return the strategy in which all processes of a cluster make every step together, once all have come.

    TensorFlow must not have computed anything in this process before.

    Raises:
        MachineError: as ``meet`` does.
    """
    meet(cluster)
    tf, _ = load_tensorflow()
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
        task_type="worker",
        task_id=cluster.index,
        rpc_layer="grpc",
    )
    return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)


def told(strategy: Any, data: bytes) -> bytes:
    """Return the chief's ``data`` in every process; all must call this. A process alone gets its own."""
    size = int(_chiefs(strategy, np.array([len(data)], np.int64))[0])
    words = np.zeros(-(-size // 8), np.int64)
    kept = data[:size]
    words.view(np.uint8)[: len(kept)] = np.frombuffer(kept, np.uint8)
    return _chiefs(strategy, words).tobytes()[:size]


def _chiefs(strategy: Any, array: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the array of the first replica, as the sum with nothing from the others."""
    tf, _ = load_tensorflow()

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def summed() -> Any:
        parts = strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(array if context.replica_id_in_sync_group == 0 else np.zeros_like(array))
        )
        return strategy.reduce("SUM", parts, axis=None)

    return np.asarray(summed().numpy(), np.int64)


@contextmanager
def losses_named(cluster: Cluster | None, resumable: Callable[[], bool]) -> Iterator[None]:
    """Turn what TensorFlow says of a process that is gone into an error with a way out.

    Args:
        cluster: None where there is only one process, which loses none.
        resumable: tells whether the run has a finished epoch.

    Raises:
        MachineError: at most about ten seconds after a process ended, stopped or was cut off.
    """
    if cluster is None:
        yield
        return
    tf, _ = load_tensorflow()
    kinds = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
    try:
        yield
    except tf.errors.OpError as error:
        text = str(error)
        if not isinstance(error, (*kinds, tf.errors.DeadlineExceededError)) and "Collective ops" not in text:
            raise
        who = sorted({int(task) for task in re.findall(r"/task:(\d+)", text)} - {cluster.index})
        which = named(f"{task} ({cluster.addresses[task]})" for task in who if task < len(cluster.addresses))
        fix = f"see what it said, then start all workers again{' with --resume' if resumable() else ''}"
        raise MachineError(f"worker {which or 'unknown'} lost: training cannot go on without it", fix=fix) from error
