import { availableParallelism } from 'node:os';
import { Iso2RootfsError } from '../errors.js';
import { ARCHIVE_TREE_SCRIPT } from './archive-tree.js';
import { GuestfishSession } from './guestfish-session.js';
import type { RunningProgram } from './run.js';
import { createSharedRing, RING_LABELS, RING_WRITER_SCRIPT } from './shared-ring.js';
import type { Toolbox } from './toolbox.js';
import type { TreeShell } from './tree-shell.js';

/** A second processor lets the appliance read, archive and write at the same time. */
const APPLIANCE_PROCESSORS = 2;

export interface DiskArchive {
  readonly stream: AsyncIterable<Buffer>;
  readonly program: RunningProgram;
}

/**
 * Starts reading the root file system of a disk image: in one appliance the file systems are found and mounted read-only, as
 * `guestfish --ro -i` does it, and archived by the script of archive-tree.ts.
 * @param directory for the files that the appliance shares with us
 * @throws Iso2RootfsError TOOL_FAILED when there is not exactly one system on the disk
 */
export async function archiveDisk(tools: Toolbox, diskPath: string, directory: string): Promise<DiskArchive> {
  const ring = await createSharedRing(directory);
  const session = await GuestfishSession.start(tools);
  const { program } = session;
  try {
    session.send(['smp', String(Math.min(APPLIANCE_PROCESSORS, availableParallelism()))]);
    session.send(['add-drive', diskPath, 'readonly:true', 'format:raw']);
    session.send(['add-drive', ring.dataPath, 'format:raw', `label:${RING_LABELS.data}`]);
    session.send(['add-drive', ring.controlPath, 'format:raw', `label:${RING_LABELS.control}`]);
    session.send(['run']);
    await mountSystem(session, 'mount-ro');
    session.send(['debug', 'sh', inAppliance()]);
    session.end();
    let hasEnded = false;
    const end = (): void => void (hasEnded = true);
    void program.done.then(end, end);
    return { stream: ring.read(() => hasEnded), program };
  } catch (error) {
    session.end();
    await program.stop();
    // Its own failure says more than that it has ended.
    throw error;
  }
}

/**
 * Mounts what the one system on the disk mounts, as `guestfish -i` does it.
 * @returns the mount points
 */
async function mountSystem(session: GuestfishSession, command: 'mount' | 'mount-ro'): Promise<string[]> {
  const roots = await session.ask(['inspect-os']);
  const [root] = roots;
  if (root === undefined || roots.length > 1) {
    throw new Iso2RootfsError('TOOL_FAILED', `the disk holds ${roots.length} systems that libguestfs knows, not one`, {
      hint: 'Read the console log of the installation: is its disk complete?',
    });
  }
  const mounts = mountsOf(await session.ask(['inspect-get-mountpoints', ofFirstDrive(root)]));
  for (const [mountPoint, device] of mounts) {
    // As with `-i`: an fstab may name what was there only while installing, such as a CD-ROM.
    session.send([command, ofFirstDrive(device), mountPoint], { mayFail: mountPoint !== '/' });
  }
  await session.answer();
  return mounts.map(([mountPoint]) => mountPoint);
}

/**
 * Subvolumes of btrfs come with the name that the appliance's kernel has for their disk, which need not be the one that libguestfs understands
 * (1.48: only plain devices are translated). The system's disk is the first one that was added.
 */
function ofFirstDrive(mountable: string): string {
  return mountable.replace(/^btrfsvol:\/dev\/[a-z]+(?=\d*\/)/, 'btrfsvol:/dev/sda');
}

/** What a line of guestfish's can hold (fish/fish.c: 8192 bytes), in base64 and with the command around it. */
const SENT_BYTES = 4096;
/** What an answer of the appliance can hold (4 MiB), in base64. */
const RECEIVED_BYTES = 2 * 2 ** 20;

/** Changes the root file system of a raw disk image that is nobody else's, in an appliance; then gives back the blocks that came free. */
export async function changeDisk(
  tools: Toolbox,
  diskPath: string,
  change: (tree: TreeShell) => Promise<void>,
): Promise<void> {
  const session = await GuestfishSession.start(tools);
  const { program } = session;
  try {
    session.send(['add-drive', diskPath, 'format:raw', 'discard:besteffort']);
    session.send(['run']);
    const mountPoints = await mountSystem(session, 'mount');
    await change({ run: async (script, input) => runInAppliance(session, script, input ?? Buffer.alloc(0)) });
    session.send(['sync']);
    for (const mountPoint of mountPoints) session.send(['fstrim', mountPoint], { mayFail: true });
    session.send(['umount-all']);
    await session.answer();
    session.end();
    await program.done;
  } catch (error) {
    session.end();
    await program.stop();
    throw error;
  }
}

async function runInAppliance(session: GuestfishSession, script: string, input: Buffer): Promise<Buffer> {
  const at = '/tmp/iso2rootfs-run';
  const sh = (command: string): void => session.send(['debug', 'sh', command]);
  sh(`rm -rf ${at}; mkdir ${at}; : >${at}/input`);
  const send = (bytes: Buffer, name: string): void => {
    for (let start = 0; start < bytes.length; start += SENT_BYTES) {
      sh(`echo ${bytes.toString('base64', start, start + SENT_BYTES)}|base64 -d >>${at}/${name}`);
    }
  };
  send(Buffer.from(script), 'script');
  send(input, 'input');
  sh(`sh ${at}/script /sysroot <${at}/input >${at}/output 2>${at}/errors || { tail -n 5 ${at}/errors >&2; exit 1; }`);
  await session.answer();
  const pieces: Buffer[] = [];
  for (;;) {
    const skipped = pieces.length;
    const lines = await session.ask([
      'debug',
      'sh',
      `dd if=${at}/output bs=${RECEIVED_BYTES} skip=${skipped} count=1 2>/dev/null|base64 -w0`,
    ]);
    const piece = Buffer.from(lines.join(''), 'base64');
    pieces.push(piece);
    if (piece.length < RECEIVED_BYTES) return Buffer.concat(pieces);
  }
}

/** `/boot: /dev/sda1`, in the order in which they can be mounted. */
function mountsOf(lines: readonly string[]): [mountPoint: string, device: string][] {
  return lines
    .flatMap((line): [string, string][] => {
      const [, mountPoint, device] = /^(\/.*): (\S.*)$/.exec(line) ?? [];
      return mountPoint === undefined || device === undefined ? [] : [[mountPoint, device]];
    })
    .sort(([one], [other]) => one.length - other.length);
}

/**
 * The archiver and the writer of the ring, in base64, since both guestfish and the appliance's shell take quotes and backslashes apart.
 * The archiver's stderr is what guestfish says when it fails.
 */
function inAppliance(): string {
  const script = `d=/tmp/iso2rootfs
mkdir $d
cat >$d/archive <<'ARCHIVE'
${ARCHIVE_TREE_SCRIPT}ARCHIVE
cat >$d/ring <<'RING'
${RING_WRITER_SCRIPT}RING
{ sh $d/archive /sysroot 2>$d/errors || : >$d/failed; } | sh $d/ring /dev/disk/guestfs/${RING_LABELS.data} /dev/disk/guestfs/${RING_LABELS.control}
[ ! -e $d/failed ] || { tail -n 5 $d/errors >&2; exit 1; }
`;
  return `echo ${Buffer.from(script).toString('base64')}|base64 -d|sh`;
}

/** The text of one small file on a disk image; undefined when there is no system on it, or no such file. */
export async function readFileFromDisk(tools: Toolbox, diskPath: string, file: string): Promise<string | undefined> {
  const result = await tools.run('guestfish', ['--ro', '--format=raw', '-a', diskPath, '-i', 'cat', file], {
    allowedStatuses: [0, 1],
    reason: 'read the files of the installed disk',
  });
  return result.exitStatus === 0 ? result.stdout : undefined;
}
