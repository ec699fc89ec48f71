"""Several machines, as processes of this one: what TF_CONFIG may say, equal weights, a lost worker, resuming."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import TINY, tiny_config

from melanoma_edge.errors import MachineError, UsageError
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.training.cluster import Cluster, _answers, _listening, cluster_of, meet
from melanoma_edge.training.run import Run
from melanoma_edge.training.trainer import assist, check, train

TWO = {"worker": ["a:1", "b:2"]}
SOON = 300
"""Seconds after which a process that is still waiting for a lost one has failed; a busy machine needs most of them."""


def asked(cluster: Any, kind: Any = "worker", index: Any = 0) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


@pytest.mark.parametrize(
    "environment", [{}, {"TF_CONFIG": " "}, asked({"worker": ["a:1"]}), asked({"chief": ["a:1"]}, "chief")]
)
def test_one_process_is_no_cluster(environment: dict[str, str]) -> None:
    assert cluster_of(environment) is None


def test_the_chief_comes_first() -> None:
    assert cluster_of(asked(TWO, "worker", 1)) == Cluster(("a:1", "b:2"), 1)
    named = {"worker": ["a:1", "[::1]:65535"], "chief": ["c.example:3"]}
    assert cluster_of(asked(named, "worker", 1)) == Cluster(("c.example:3", "a:1", "[::1]:65535"), 2)
    assert [cluster_of(asked(named, "chief")), cluster_of(asked(TWO))] == [
        Cluster(("c.example:3", "a:1", "[::1]:65535"), 0),
        Cluster(("a:1", "b:2"), 0),
    ]
    assert [Cluster(("a:1", "b:2"), index).chief for index in (0, 1)] == [True, False]


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"TF_CONFIG": "{"}, "not JSON"),
        ({"TF_CONFIG": "[" * 100_000}, "not JSON"),
        ({"TF_CONFIG": "{}"}, "no cluster"),
        ({"TF_CONFIG": "3"}, "no cluster"),
        ({"TF_CONFIG": json.dumps({"cluster": TWO})}, "no task"),
        (asked({}), "no cluster"),
        (asked(["a:1"]), "no cluster"),
        (asked({"worker": []}), "no worker"),
        (asked({"worker": "a:1"}), "not a list"),
        (asked({"worker": ["a", "b:2", "c:99999", 4, "d:0"]}), "not host:port: a, c:99999, 4, d:0"),
        (asked({"worker": ["a:1", "a:1"]}), "named twice: a:1"),
        (asked({"worker": ["a:1"], "ps": ["b:2"]}), "unknown kinds of tasks: ps"),
        (asked({"chief": ["a:1", "b:2"]}, "chief"), "not a list of addresses, of one for the chief"),
        (asked(TWO, index=2), "task worker 2, but its cluster has 2 of type worker"),
        (asked(TWO, index=-1), "task worker -1"),
        (asked(TWO, "chief"), "task chief 0, but its cluster has 0"),
        (asked(TWO, "evaluator"), "task evaluator 0"),
        (asked(TWO, index="0"), "no task"),
        (asked(TWO, index=True), "no task"),
        (asked(TWO, None), "no task"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_an_example(environment: dict[str, str], problem: str) -> None:
    with pytest.raises(UsageError, match=r"TF_CONFIG: [\s\S]*Fix: set it to something like") as caught:
        cluster_of(environment)
    assert problem in str(caught.value)
    assert caught.value.exit_code == 2


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens at now, below those that the system gives to connections."""
    generator, found = np.random.default_rng(), list[int]()
    while len(found) < count:
        port = int(generator.integers(10_000, 32_000))
        with socket.socket() as tried:
            try:
                tried.bind(("", port))
            except OSError:
                continue
        found += [port] if port not in found else []
    return found


def test_processes_meet_in_any_order_and_leave_their_ports_free() -> None:
    ports, all_met = free_ports(3), threading.Barrier(3)
    addresses = tuple(f"127.0.0.1:{port}" for port in ports)

    def come(index: int) -> None:
        meet(Cluster(addresses, index), SOON)
        # Whoever has met the others is gone from its port; TensorFlow answers there next, and here this does.
        with socket.create_server(("127.0.0.1", ports[index])):
            all_met.wait(SOON)

    threads = [threading.Thread(target=come, args=(index,)) for index in (2, 0)]
    for thread in threads:
        thread.start()
    assert not threads[0].join(0.5) and all(thread.is_alive() for thread in threads), "one is still missing"
    come(1)
    for thread in threads:
        thread.join(SOON)
    assert not any(thread.is_alive() for thread in threads)


def test_who_does_not_come_is_named_and_a_taken_port_too() -> None:
    mine, other = free_ports(2)
    cluster = Cluster((f"127.0.0.1:{mine}", f"127.0.0.1:{other}"), 0)
    with pytest.raises(MachineError, match=rf"nobody answers at 127.0.0.1:{other}[\s\S]*its own TF_CONFIG") as caught:
        meet(cluster, 0.3)
    assert caught.value.exit_code == 8
    with socket.create_server(("", mine)), pytest.raises(MachineError, match=r"taken by another") as caught:
        meet(cluster, 0.3)
    assert str(mine) in str(caught.value)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine knows no IPv6")
def test_addresses_of_either_kind_are_listened_at() -> None:
    ours, other = free_ports(2)
    with _listening(Cluster((f"[::1]:{ours}", f"[::1]:{other}"), 0)):
        assert _answers(f"127.0.0.1:{ours}")
        assert _answers(f"[::1]:{ours}")
        assert not _answers(f"[::1]:{other}")


def test_what_one_machine_alone_can_do_is_refused_before_the_others_are_waited_for(
    run: Run, images: Path, tmp_path: Path
) -> None:
    from melanoma_edge.compression.prune import shaper_of

    config = tiny_config(images, prune=0.5)
    means: Any = {"shaper": shaper_of(config), "cluster": Cluster(("a:1", "b:2"), 0)}
    for refused in (
        lambda: train(config, tmp_path / "run", **means),
        lambda: check(config, tmp_path / "run", **means),
        lambda: assist(config, Cluster(("a:1", "b:2"), 1), shaper=means["shaper"]),
    ):
        with pytest.raises(UsageError, match=r"one machine only[\s\S]*unset TF_CONFIG"):
            refused()
    with pytest.raises(UsageError, match="worker 1, which writes no run"):
        train(tiny_config(images), tmp_path / "run", cluster=Cluster(("a:1", "b:2"), 1))
    assert list(tmp_path.iterdir()) == []


@dataclass(frozen=True)
class Answer:
    """Hold how a process ended and what it said."""

    code: int
    out: str
    err: str


def together(home: Path, networks: str, *arguments: str, dies_after: tuple[int, int] = (0, 0)) -> list[Answer]:
    """Run two processes of ``cluster_process.py`` in folders of their own and wait for both."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = []
    for index in range(2):
        place = home / f"worker-{index}"
        place.mkdir(exist_ok=True)
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TF_CONFIG": json.dumps(task),
            "MELANOMA_EDGE_CACHE": str(home / "cache"),
        }
        script = Path(__file__).with_name("cluster_process.py")
        command = [sys.executable, str(script), networks, str(dies_after[index]), *arguments]
        streams: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(command, cwd=place, env=environment, **streams))
    try:
        said = [process.communicate(timeout=SOON) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    return [Answer(process.returncode, *texts) for process, texts in zip(processes, said, strict=True)]


def command(images: Path) -> tuple[str, ...]:
    return ("train", "--data", str(images), "--out", "RUN", "--preset", "tiny", "--learning-rate", "0.003", "--json")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Path:
    """Return a folder in which two processes have trained both networks, undisturbed."""
    home = tmp_path_factory.mktemp("cluster")
    answers = together(home, "plain,folded", *command(images))
    assert [answer.code for answer in answers] == [0, 0], [answer.err[-2000:] for answer in answers]
    (home / "learned").write_text(json.dumps([learned(answer) for answer in answers]))
    documents = json.JSONDecoder()
    assert documents.raw_decode(answers[1].out)[0] == {
        "schema": "melanoma-edge/worker/1",
        "index": 1,
        "chief": answers[1].out.split('"chief": "')[1].split('"')[0],
    }
    return home


def learned(answer: Answer) -> list[str]:
    return [line for line in answer.out.splitlines() if line.startswith("learned")]


def test_both_processes_learn_the_same_and_the_chief_alone_writes(home: Path) -> None:
    chief, worker = json.loads((home / "learned").read_text())
    assert chief == worker
    assert [line.split()[1] for line in chief] == ["plain", "folded"]
    assert all(len(line.split()[2]) == 64 for line in chief)
    run = Run.open(home / "worker-0" / "run-plain")
    assert run.record.environment["workers"] == 2
    assert list((home / "worker-1").iterdir()) == []


def test_without_batch_norm_two_processes_learn_what_one_does(
    home: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bare(family: str, width: float, image_size: int, classes: int) -> NetworkSpec:
        return replace(TINY, classes=classes, image_size=image_size, folded=True)

    monkeypatch.setattr("melanoma_edge.training.trainer.network", bare)
    two = Run.open(home / "worker-0" / "run-folded")
    one = train(replace(two.record.configuration, device="cpu"), tmp_path / "run").weights()
    gaps = {name: float(np.abs(array - one[name]).max()) for name, array in two.weights().items()}
    assert max(gaps.values()) < 1e-4, gaps
    start = Run.open(home / "worker-0" / "run-plain").weights()["head/kernel"]
    assert np.abs(one["head/kernel"] - start).max() > 1e-3, "weights that never moved would be equal too"


def test_a_lost_process_ends_the_other_and_resuming_gives_the_same_weights(
    home: Path, images: Path, tmp_path: Path
) -> None:
    answers = together(tmp_path, "plain", *command(images), dies_after=(0, 5))
    assert answers[1].code == -9, answers[1].err[-2000:]
    assert answers[0].code == 8, answers[0].err[-2000:]
    assert "Error: worker 1 (127.0.0.1:" in answers[0].err
    assert "then start all workers again with --resume" in answers[0].err
    answers = together(tmp_path, "plain", *command(images), "--resume", dies_after=(5, 0))
    assert answers[0].code == -9, answers[0].err[-2000:]
    assert answers[1].code == 8, answers[1].err[-2000:]
    assert "lost: training cannot go on without it" in answers[1].err
    assert "Traceback" not in answers[1].err
    answers = together(tmp_path, "plain", *command(images), "--resume")
    assert [answer.code for answer in answers] == [0, 0], [answer.err[-2000:] for answer in answers]
    assert "epoch 1/2" not in answers[0].err
    undisturbed = Run.open(home / "worker-0" / "run-plain").record
    assert Run.open(tmp_path / "worker-0" / "run-plain").record.weights_sha256 == undisturbed.weights_sha256
