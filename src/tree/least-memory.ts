/**
 * The least RAM that a machine needs to unpack archives as its initramfs and run the system in them. Reasoned from what the kernel does,
 * and compared with boots (see below).
 *
 * **To unpack.** The kernel unpacks into a tmpfs, as there is no `root=` on its command line (init_rootfs() in init/do_mounts.c). Its size is
 * limited to half of the pages that are free for use when it is mounted (shmem_default_max_blocks() in mm/shmem.c): RAM less what the
 * kernel has taken by then (its own code and data, the page descriptors: 64 bytes for each 4 KiB) and less the compressed archive, whose pages
 * are reserved until it is unpacked. A page that is begun counts whole. So: `(ram - descriptors - kernel - compressed) / 2 >= unpacked + written`, where
 * `written` is what the system itself writes below / before it is up: host keys, machine id, logs.
 *
 * **To run.** The compressed archive is gone; the tree stays, with an inode and a directory entry in memory for each file, and user space
 * needs room to work in: `ram - descriptors - kernel >= unpacked + inodes + working`.
 *
 * The larger of the two, rounded up. Measured with Debian 12's cloud kernel (6.1) and a tree of 460 MiB in an archive of 118 MiB:
 * 1080 MiB are too little ("write error"), 1120 MiB unpack; stated are 1168 MiB.
 */
export interface ArchiveInMemory {
  readonly compressedBytes: number;
  /** Content of its files in whole pages, each file once. */
  readonly unpackedBytes: number;
  readonly inodeCount: number;
}

const MIB = 2 ** 20;
/** Code, data, hash tables, per-processor areas: 47 MiB of the measured kernel; kernels with more built in take more. */
const KERNEL_BYTES = 64 * MIB;
/** Page descriptors (1/64) and tables that grow with the memory. */
const SHARE_FOR_PAGES = 1 / 50;
/** A tmpfs inode with its directory entry and their slabs. */
const INODE_BYTES = 1280;
/** systemd, udev, journald (its log is in /run), sshd and a few daemons: 100 MiB on Debian 12, more where NetworkManager, polkit or tuned run. */
const WORKING_BYTES = 192 * MIB;
const WRITTEN_BYTES = 24 * MIB;
const STEP_MIB = 16;

/** @param archives all that are given to the kernel together, e.g. initramfs.cgz and modules.cgz */
export function leastMemoryMiB(archives: readonly ArchiveInMemory[]): number {
  const sum = (field: keyof ArchiveInMemory): number => archives.reduce((total, archive) => total + archive[field], 0);
  const unpackedBytes = sum('unpackedBytes');
  const toUnpack = 2 * (unpackedBytes + WRITTEN_BYTES) + sum('compressedBytes');
  const toRun = unpackedBytes + sum('inodeCount') * INODE_BYTES + WORKING_BYTES;
  const ramBytes = (Math.max(toUnpack, toRun) + KERNEL_BYTES) / (1 - SHARE_FOR_PAGES);
  return Math.ceil(ramBytes / MIB / STEP_MIB) * STEP_MIB;
}
