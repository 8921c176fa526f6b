"""Fails unless everything a process and its children listen on is on the loopback interface: listening.py PID"""

import os
import sys
from pathlib import Path

# As /proc/net writes them: the bytes of each 32-bit word reversed.
IPV4_LOOPBACK = "0100007F"
IPV6_LOOPBACK = "00000000000000000000000001000000"
LISTEN = "0A"


def family(pid):
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family(int(child))


def sockets(pid):
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(handle)
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            yield target[8:-1]


def listening():
    """The address that each listening socket has, by its inode."""
    for table in ["/proc/net/tcp", "/proc/net/tcp6"]:
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == LISTEN:
                yield rest[5], local


def main(pid):
    held = {inode for each in family(pid) for inode in sockets(each)}
    found = [local for inode, local in listening() if inode in held]
    if not found:
        raise SystemExit(f"process {pid} listens on nothing: it is not the emulator, or it cannot be looked into")
    open_to_others = [local for local in found if local.split(":")[0] not in (IPV4_LOOPBACK, IPV6_LOOPBACK)]
    if open_to_others:
        raise SystemExit(f"process {pid} is open to other machines: {open_to_others}")
    print(f"{len(found)} listening sockets, all on the loopback interface")


main(int(sys.argv[1]))
