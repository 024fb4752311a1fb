"""Which file system a ledger would stand on. Network file systems break SQLite's locks, so they are refused."""

import re
from pathlib import Path

NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.ceph-fuse", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone",
    "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "smb2", "smb3", "smbfs",
})  # fmt: skip
MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


def file_system_of(path: Path, mounts: str) -> str | None:
    """The type of the file system that holds the (absolute) path, by the text of mountinfo; None where it does not say.

    Format: proc_pid_mountinfo(5). The last of the longest mount points counts.
    """
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if not dash or len(fields) < 5:
            continue
        point = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        if (path == point or point in path.parents) and (best is None or len(point.parts) >= best[0]):
            best = (len(point.parts), after.split(" ", 1)[0])
    return None if best is None else best[1]


def network_file_system(path: Path) -> str | None:
    """The type of the network file system that holds the path; None on a local or an unknown one."""
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    found = file_system_of(path.resolve(), mounts)
    return found if found in NETWORK else None
