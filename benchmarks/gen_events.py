"""Make realistic infrastructure events as lines of JSON: ``python -m benchmarks.gen_events -n 2000000 -o events.ndjson``.

The same number and seed give the same bytes, however many processes share the work: rows are made in blocks of 10,000, each
from a random generator of its own. Times never go back and spread over 48 hours; about 671 bytes an event; 4 % errors, 4 %
warnings; the word zqneedle7f3a once in 200,000 events, and in one of a hundred a word that no other event has.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks import vocabulary as words

BLOCK = 10_000
NEEDLE, NEEDLE_STEP, NEEDLE_ROW = "zqneedle7f3a", 200_000, 123_456
START = datetime(2026, 10, 1, tzinfo=UTC)
SPAN_HOURS = 48.0


class Block(NamedTuple):
    """A share of the rows, and all it takes to make them."""

    number: int
    size: int
    seed: int
    start_us: int
    step_us: int


class Row(NamedTuple):
    """What every event has, whatever its source."""

    number: int
    time: str
    user: str
    project: str
    rare: str
    digits: str
    correlation: str

    def head(self, source: str, kind: str, action: str, severity: str, category: str, actor: str, subject: str) -> str:
        """Return the line up to its message."""
        return (
            f'{{"time":"{self.time}","source":"{source}","type":"{kind}","action":"{action}","severity":"{severity}",'
            f'"category":"{category}","actor":"{actor}","subject":"{subject}","project":"{self.project}",'
        )


class Dice:
    """One block's random generator. The order of throws is part of the data."""

    def __init__(self, seed: int) -> None:
        source = random.Random(seed)
        self.throw, self.bits = source.random, source.getrandbits

    def pick(self, totals: Sequence[float]) -> int:
        """Return a position in a table whose weights' running totals these are."""
        return bisect_left(totals, self.throw())


def blocks(count: int, seed: int = 1, span_hours: float = SPAN_HOURS, start: datetime = START) -> list[Block]:
    """Cut *count* rows into blocks."""
    start_us, step_us = int(start.timestamp() * 1e6), max(1, int(span_hours * 3600e6 / count))
    return [
        Block(number, min(BLOCK, count - number * BLOCK), seed, start_us, step_us)
        for number in range((count + BLOCK - 1) // BLOCK)
    ]


def make(block: Block) -> bytes:
    """Return the block's lines."""
    dice = Dice(block.seed * 1_000_003 + block.number)
    first = block.number * BLOCK
    return "".join([_line(dice, block, row) for row in range(first, first + block.size)]).encode()


def write(path: Path, count: int, seed: int = 1, processes: int = 2, span_hours: float = SPAN_HOURS) -> None:
    """Write *count* events to *path*, which appears only when it is whole."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        for part in _shared(blocks(count, seed, span_hours), processes):
            file.write(part)
    unfinished.replace(path)


def _shared(work: Sequence[Block], processes: int) -> Iterator[bytes]:
    if processes < 2 or len(work) < 2:
        yield from map(make, work)
        return
    with multiprocessing.Pool(processes) as pool:
        yield from pool.imap(make, work, 4)


def _line(dice: Dice, block: Block, number: int) -> str:
    stamp_us = block.start_us + number * block.step_us + int(dice.throw() * block.step_us)
    seconds, fraction = divmod(stamp_us, 1_000_000)
    source = dice.pick(words.OF_SOURCE)
    user, project = words.USERS[dice.pick(words.OF_USER)], words.PROJECTS[dice.pick(words.OF_PROJECT)]
    rare = f" ref zq{dice.bits(28):07x}" if dice.throw() < 0.01 else ""
    if number % NEEDLE_STEP == NEEDLE_ROW:
        rare = " " + NEEDLE
    h = f"{dice.bits(128):032x}"
    row = Row(
        number,
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:06d}Z",
        user,
        project,
        rare,
        h,
        f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}",
    )
    return (_lxd, _ovirt, _container_station, _oci)[source](dice, row)


def _lxd(dice: Dice, row: Row) -> str:
    share = dice.throw()
    if share < 0.62:
        return _lxd_instance(dice, row)
    if share < 0.72:
        return _lxd_other(dice, row)
    return _lxd_operation(dice, row) if share < 0.86 else _lxd_log_line(dice, row)


def _lxd_instance(dice: Dice, row: Row) -> str:
    name = words.INSTANCES[dice.pick(words.OF_INSTANCE)]
    action, _, text = words.LXD_ACTIONS[dice.pick(words.OF_LXD_ACTION)]
    subject = "/1.0/instances/" + name
    failed = dice.throw() <= 0.02
    why = ": Failed to start device eth0: timeout" if failed else ""
    severity, kind = "error" if failed else "info", f"lxd.lifecycle.{action}"
    return (
        row.head("lxd", kind, action, severity, "instance", row.user, subject)
        + f'"correlation":"{row.correlation}","message":"{text} {name} in project {row.project}{why}{row.rare}",'
        f'"data":{{"type":"lifecycle","location":"node{dice.bits(3)}","project":"{row.project}","metadata":'
        f'{{"action":"{action}","source":"{subject}?project={row.project}","requestor":{{"protocol":"tls",'
        f'"username":"{row.user}","address":"10.1.{dice.bits(8)}.{dice.bits(8)}:{dice.bits(15) + 1024}"}},'
        f'"context":{{"instance":"{name}","pid":{dice.bits(20)}}}}}}}}}\n'
    )


def _lxd_other(dice: Dice, row: Row) -> str:
    subject = words.LXD_OTHERS[dice.pick(words.OF_LXD_OTHER)]
    action, category = words.LXD_OTHER_ACTIONS[dice.bits(8) % 6]
    return (
        row.head("lxd", f"lxd.lifecycle.{action}", action, "info", category, row.user, subject)
        + f'"correlation":"{row.correlation}","message":"{action} on {subject} by {row.user}{row.rare}",'
        f'"data":{{"type":"lifecycle","location":"node{dice.bits(3)}","metadata":{{"action":"{action}",'
        f'"source":"{subject}","requestor":{{"protocol":"unix","username":"{row.user}"}},'
        f'"context":{{"keys":["ipv4.address","config.user.{dice.bits(6)}"]}}}}}}}}\n'
    )


def _lxd_operation(dice: Dice, row: Row) -> str:
    name = words.INSTANCES[dice.pick(words.OF_INSTANCE)]
    if dice.throw() < 0.5:
        status, code = "Running", 103
    else:
        status, code = ("Success", 200) if dice.throw() < 0.94 else ("Failure", 400)
    severity, fault = ("error", "websocket: bad handshake") if code == 400 else ("info", "")
    operation = row.correlation
    return (
        row.head("lxd", "lxd.operation", "operation", severity, "operation", row.user, f"/1.0/operations/{operation}")
        + f'"correlation":"{operation}","message":"Executing command on {name}: {status}{row.rare}",'
        f'"data":{{"id":"{operation}","class":"websocket","description":"Executing command",'
        f'"created_at":"{row.time}","updated_at":"{row.time}","status":"{status}","status_code":{code},'
        f'"resources":{{"instances":["/1.0/instances/{name}"]}},"metadata":{{"command":["bash","-c","uptime"],'
        f'"interactive":false}},"may_cancel":false,"err":"{fault}","location":"node{dice.bits(3)}"}}}}\n'
    )


def _lxd_log_line(dice: Dice, row: Row) -> str:
    severity, text, _ = words.LXD_LOG_LINES[dice.pick(words.OF_LXD_LOG_LINE)]
    name = words.INSTANCES[dice.pick(words.OF_INSTANCE)]
    return (
        row.head("lxd", "lxd.logging", "log", severity, "logging", "system", f"/1.0/instances/{name}")
        + f'"correlation":"{row.correlation}","message":"{text} (attempt {dice.bits(3)}) for {name}{row.rare}",'
        f'"data":{{"type":"logging","location":"node{dice.bits(3)}","metadata":{{"message":"{text}",'
        f'"level":"{severity}","context":{{"ip":"10.1.{dice.bits(8)}.{dice.bits(8)}:{dice.bits(15) + 1024}",'
        f'"method":"GET","protocol":"unix","url":"/1.0/instances/{name}/state",'
        f'"duration":"{dice.bits(12)}.{dice.bits(9)}ms"}}}}}}}}\n'
    )


def _ovirt(dice: Dice, row: Row) -> str:
    code, severity, category, text, _ = words.OVIRT[dice.pick(words.OF_OVIRT)]
    vm, vm_id = words.VMS[dice.pick(words.OF_VM)]
    host, host_id = words.HOSTS[dice.bits(12) % 24]
    message = text.format(u=row.user, v=vm, h=host, a=dice.bits(4), b=dice.bits(7)) + row.rare
    subject = f"/ovirt-engine/api/hosts/{host_id}" if category == "host" else f"/ovirt-engine/api/vms/{vm_id}"
    short = row.digits[:8]
    return (
        row.head("ovirt", f"ovirt.event.{code}", str(code), severity, category, row.user, subject)
        + f'"correlation":"{short}","message":"{message}","data":{{"code":{code},"custom_id":-1,"flood_rate":30,'
        f'"origin":"oVirt","severity":"{severity}","index":{row.number + 1},'
        f'"user":{{"id":"{short}-00da-0137-0138-000000000244","name":"{row.user}@internal-authz"}},'
        f'"vm":{{"id":"{vm_id}","name":"{vm}"}},"host":{{"id":"{host_id}","name":"{host}"}},'
        f'"cluster":{{"name":"{row.project}"}}}}}}\n'
    )


def _container_station(dice: Dice, row: Row) -> str:
    category, level, text, action, _ = words.CONTAINER_STATION[dice.pick(words.OF_CONTAINER_STATION)]
    name, number, runtime = words.CONTAINERS[dice.pick(words.OF_CONTAINER)]
    kind, severity = f"container-station.{category}.{action}", "warning" if level == "warn" else level
    return (
        row.head("container-station", kind, action, severity, category, row.user, f"{runtime}/{name}")
        + f'"correlation":"{row.correlation}","message":"{text.format(t=runtime, n=name)}{row.rare}",'
        f'"data":{{"category":"{category}","level":"{level.upper()}","user":"{row.user}","event":'
        f'{{"action":"{action}","container":"{name}","id":"{number}","type":"{runtime}","state":"success",'
        f'"tid":{dice.bits(12)},"compress":true,"result":0}},"nas":"nas{dice.bits(2)}.office.example"}}}}\n'
    )


def _oci(dice: Dice, row: Row) -> str:
    kind, state, _ = words.OCI[dice.pick(words.OF_OCI)]
    name, ocid = words.IMAGES[dice.pick(words.OF_IMAGE)]
    region, action = words.REGIONS[dice.bits(2)], kind.split(".")[0]
    severity, word, status = ("error", "failed", 500) if dice.throw() < 0.03 else ("info", "succeeded", 200)
    kind = f"com.oraclecloud.DatabaseService.{kind}"
    return (
        row.head("oci", kind, action, severity, "database", row.user, ocid)
        + f'"correlation":"{row.correlation}","message":"{action} {word} for {name}{row.rare}",'
        f'"data":{{"eventName":"{action}","compartmentName":"{row.project}","resourceName":"{name}",'
        f'"availabilityDomain":"AD{dice.bits(1) + 1}","identity":{{"principalName":"{row.user}","authType":"natv",'
        f'"ipAddress":"160.34.{dice.bits(8)}.{dice.bits(8)}"}},"request":{{"path":"/20160918/databaseSoftwareImages",'
        f'"action":"GET"}},"response":{{"status":"{status}","message":"{action}"}},"stateChange":{{"current":'
        f'{{"displayName":"{name}","lifecycleState":"{state}"}}}},"region":"{region}"}}}}\n'
    )


def main() -> None:
    ask = argparse.ArgumentParser(description="Make events as lines of JSON.")
    ask.add_argument("-n", type=int, default=2_000_000, help="how many")
    ask.add_argument("-s", "--seed", type=int, default=1)
    ask.add_argument("-o", "--output", type=Path, required=True)
    ask.add_argument("--span-hours", type=float, default=SPAN_HOURS)
    given = ask.parse_args()
    write(given.output, given.n, given.seed, span_hours=given.span_hours)


if __name__ == "__main__":
    main()
