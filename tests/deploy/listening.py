"""Fails unless a process and its children listen on the loopback interface only: listening.py PID"""

import os
import sys
from pathlib import Path

# In the notation of /proc/net: the bytes of each 32-bit word are reversed.
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
    """The inode and the address of each listening socket."""
    for table in ["/proc/net/tcp", "/proc/net/tcp6"]:
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == LISTEN:
                yield rest[5], local


def main(pid):
    held = {inode for each in family(pid) for inode in sockets(each)}
    found = [local for inode, local in listening() if inode in held]
    if not found:
        raise SystemExit(f"process {pid} has no listening socket: it is not the emulator, or its sockets cannot be read")
    open_to_others = [local for local in found if local.split(":")[0] not in (IPV4_LOOPBACK, IPV6_LOOPBACK)]
    if open_to_others:
        raise SystemExit(f"process {pid} is reachable from other machines: {open_to_others}")
    print(f"{len(found)} listening sockets, all on the loopback interface")


main(int(sys.argv[1]))
