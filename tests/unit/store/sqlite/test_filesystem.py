"""Network file systems are recognised by what the kernel says of mounts."""

from pathlib import Path

import pytest

from leadwire.store.sqlite.filesystem import NETWORK, file_system_of

MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:26 / /srv/share rw,relatime shared:9 - nfs4 files:/export rw,vers=4.2
31 22 0:27 / /srv/share/local rw - xfs /dev/vdb rw
32 22 0:28 / /mnt/with\\040space rw shared:3 master:1 - cifs //files/x rw
33 22 0:29 / /home/asha/remote rw - fuse.sshfs asha@files: rw
34 22 0:30 / /over rw - ext4 /dev/vdc rw
35 22 0:31 / /over rw - tmpfs tmpfs rw
a line that is no mount
"""


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/var/lib/leadwire.db", "ext4"),
        ("/srv/share/leadwire.db", "nfs4"),
        ("/srv/share/local/leadwire.db", "xfs"),
        ("/srv/shared/leadwire.db", "ext4"),
        ("/mnt/with space/leadwire.db", "cifs"),
        ("/home/asha/remote/leadwire.db", "fuse.sshfs"),
        ("/over/leadwire.db", "tmpfs"),
    ],
)
def test_the_mount_that_holds_the_file_counts(path: str, found: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == found


def test_what_the_kernel_does_not_tell_is_unknown() -> None:
    assert file_system_of(Path("/var/lib"), "") is None


def test_local_file_systems_are_allowed() -> None:
    assert not NETWORK & {"ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs", "fuseblk"}
    assert {"nfs", "nfs4", "cifs", "fuse.sshfs", "ceph"} <= NETWORK
