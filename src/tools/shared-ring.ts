/**
 * Bytes out of the libguestfs appliance through two raw disks that it shares with us, several times as fast as through its own protocol
 * (tar-out), which carries them in small messages over a serial line:
 *
 *     data     SLOTS parts of SLOT_MIB: part n of the stream is in slot n modulo SLOTS
 *     control  first block: "<parts written> <MiB in the last>", by the appliance, after the part itself is on the disk;
 *              second block: "<parts read>", by us
 *
 * The appliance writes and reads both past its cache (O_DIRECT), and QEMU and we use the same cache of the host's, so each sees what the
 * other wrote before. The disks take SLOTS * SLOT_MIB whatever passes through them, and a slow reader stops the writer.
 */
import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import path from 'node:path';

const SLOTS = 6;
const SLOT_MIB = 16;
const MIB = 2 ** 20;
const BLOCK_BYTES = 4096;
const POLL_MS = 20;

export const RING_LABELS = { data: 'ringdata', control: 'ringctl' } as const;

/**
 * Runs in the appliance: writes its stdin to the ring. The last part is padded with zeros.
 * Arguments: the disk of the data, the disk of the control blocks.
 */
export const RING_WRITER_SCRIPT = `set -eu
export LC_ALL=C
data=$1 control=$2 part=0 read=0
tell() {
  printf '%-${BLOCK_BYTES}s' "$part $1 " | dd of="$control" bs=${BLOCK_BYTES} count=1 iflag=fullblock oflag=direct conv=notrunc 2>/dev/null
}
while :; do
  while [ $((part - read)) -ge ${SLOTS} ]; do
    read=$(dd if="$control" bs=${BLOCK_BYTES} skip=1 count=1 iflag=direct 2>/dev/null | tr -cd 0-9)
    read=\${read:-0}
    [ $((part - read)) -lt ${SLOTS} ] || sleep 0.05
  done
  report=$(dd of="$data" bs=${MIB} count=${SLOT_MIB} seek=$((part % ${SLOTS} * ${SLOT_MIB})) iflag=fullblock oflag=direct conv=sync,notrunc 2>&1)
  whole=\${report%%+*}
  partial=\${report#*+}
  partial=\${partial%% *}
  mib=$((whole + partial))
  part=$((part + 1))
  tell "$mib"
  [ "$mib" -eq ${SLOT_MIB} ] || exit 0
done
`;

export interface SharedRing {
  readonly dataPath: string;
  readonly controlPath: string;
  /**
   * What is written, to its end.
   * @param hasEnded whether nothing more can come: the writer is gone
   */
  read(hasEnded: () => boolean): AsyncGenerator<Buffer, void, undefined>;
}

/** Makes the two files in a directory; they are left to whoever removes that. */
export async function createSharedRing(directory: string): Promise<SharedRing> {
  const dataPath = path.join(directory, 'ring');
  const controlPath = path.join(directory, 'ring-control');
  for (const [file, bytes] of [
    [dataPath, SLOTS * SLOT_MIB * MIB],
    // The appliance refuses smaller disks.
    [controlPath, MIB],
  ] as const) {
    const handle = await open(file, 'wx', 0o600);
    await handle.truncate(bytes);
    await handle.close();
  }
  return { dataPath, controlPath, read: (hasEnded) => readRing(dataPath, controlPath, hasEnded) };
}

async function* readRing(
  dataPath: string,
  controlPath: string,
  hasEnded: () => boolean,
): AsyncGenerator<Buffer, void, undefined> {
  const data = await open(dataPath, 'r');
  const control = await open(controlPath, 'r+');
  try {
    const block = Buffer.alloc(BLOCK_BYTES);
    let read = 0;
    for (;;) {
      // Asked before looking: what was written before the end is then seen.
      const isLastLook = hasEnded();
      await control.read(block, 0, BLOCK_BYTES, 0);
      const [, parts, lastMib] = /^(\d{1,9}) (\d{1,3}) /.exec(block.toString('latin1')) ?? [];
      const written = Number(parts ?? 0);
      if (written === read) {
        if (isLastLook) return;
        await pause(POLL_MS);
        continue;
      }
      while (read < written) {
        const isShort = read + 1 === written && Number(lastMib) < SLOT_MIB;
        const mib = isShort ? Number(lastMib) : SLOT_MIB;
        for (let index = 0; index < mib; index++) {
          // The receiver keeps slices of it.
          const chunk = Buffer.allocUnsafeSlow(MIB);
          await data.read(chunk, 0, MIB, ((read % SLOTS) * SLOT_MIB + index) * MIB);
          yield chunk;
        }
        read++;
        await control.write(Buffer.from(String(read).padEnd(BLOCK_BYTES)), 0, BLOCK_BYTES, BLOCK_BYTES);
        if (isShort) return;
      }
    }
  } finally {
    await data.close();
    await control.close();
  }
}
