/** What is added to a system for one boot, so that it says itself what came of it. No file of an image is changed. */
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createEntry, createFile, writeWhole, type TreeFile } from '../tree/entry.js';
import { NewcWriter } from '../tree/newc-writer.js';
import { readScript } from './scripts.js';

const UNIT = 'iso2rootfs-verify.service';
/** In an all-in-memory system and on a disk. */
const DIRECTORY = 'etc/iso2rootfs-verify';
/** In an initrd; from there it goes to /run/iso2rootfs-verify, see templates/verify/initrd-hook.sh. */
const INITRD_DIRECTORY = 'iso2rootfs-verify';

/** Where dracut looks for hooks; newer ones (dracut-ng) in /var. */
const DRACUT_HOOKS = ['usr/lib/dracut/hooks/pre-pivot', 'var/lib/dracut/hooks/pre-pivot'];

export interface ProbeFacts {
  /** The serial device in the guest's words: `ttyS1`. */
  readonly port: string;
  /** Paths of files that have a capability, relative to the root. */
  readonly capabilityPaths: readonly string[];
}

/** The files of the probe for a system that starts with them in its root: entries in order, directories first. */
export async function probeFiles(facts: ProbeFacts): Promise<TreeFile[]> {
  return [
    ...['etc', 'etc/systemd', 'etc/systemd/system', 'etc/systemd/system/sysinit.target.d'].map(directory),
    directory(DIRECTORY),
    ...(await scripts(DIRECTORY, facts)),
    file(`etc/systemd/system/${UNIT}`, await unit(`/${DIRECTORY}`)),
    file('etc/systemd/system/sysinit.target.d/50-iso2rootfs-verify.conf', await readScript('wanted.conf')),
  ];
}

/** The same for an initrd that mounts a root from elsewhere. */
export async function initrdFiles(facts: ProbeFacts & { readonly withOverlay: boolean }): Promise<TreeFile[]> {
  const hook = `. /${INITRD_DIRECTORY}/initrd-hook.sh\n`;
  return [
    directory(INITRD_DIRECTORY),
    ...(await scripts(INITRD_DIRECTORY, facts)),
    file(`${INITRD_DIRECTORY}/probe.service`, await unit('/run/iso2rootfs-verify')),
    file(`${INITRD_DIRECTORY}/wanted.conf`, await readScript('wanted.conf')),
    file(`${INITRD_DIRECTORY}/initrd-hook.sh`, await readScript('initrd-hook.sh')),
    ...(facts.withOverlay ? [file(`${INITRD_DIRECTORY}/overlay`, '')] : []),
    directory('conf'),
    directory('conf/conf.d'),
    file('conf/conf.d/zz-iso2rootfs-verify', await readScript('initramfs-tools.conf')),
    // Directories in every initrd of dracut's, where /lib is a link to /usr/lib.
    ...DRACUT_HOOKS.flatMap((hooks) => [
      ...ancestors(hooks).map(directory),
      file(`${hooks}/00-iso2rootfs-verify.sh`, hook, 0o755),
    ]),
  ];
}

/** An uncompressed newc archive. */
export function packFiles(files: readonly TreeFile[]): Buffer {
  const chunks: Buffer[] = [];
  const writer = new NewcWriter((chunk) => chunks.push(Buffer.from(chunk)), new Map());
  for (const each of files) writeWhole(writer, each);
  writer.finish();
  return Buffer.concat(chunks);
}

/**
 * Writes archives one after the other, as the kernel unpacks them: what comes later replaces what came before. An uncompressed archive
 * must begin at a multiple of 4 (init/initramfs.c).
 */
export async function joinArchives(parts: readonly (Buffer | string)[], destination: string): Promise<void> {
  let position = 0;
  for (const part of parts) {
    const padding = Buffer.alloc((4 - (position % 4)) % 4);
    const flags = position === 0 ? 'wx' : 'a';
    if (typeof part === 'string') {
      await pipeline(createReadStream(part), createWriteStream(destination, { flags, mode: 0o600 }));
    } else {
      await pipeline([Buffer.concat([padding, part])], createWriteStream(destination, { flags, mode: 0o600 }));
    }
    position = (await stat(destination)).size;
  }
}

async function scripts(at: string, { port, capabilityPaths }: ProbeFacts): Promise<TreeFile[]> {
  const lines = capabilityPaths.filter((path) => !path.includes('\n')).map((path) => `${path}\n`);
  return [
    file(`${at}/probe.sh`, await readScript('probe.sh'), 0o755),
    file(`${at}/port`, `${port}\n`),
    file(`${at}/capabilities`, lines.join('')),
  ];
}

async function unit(at: string): Promise<string> {
  return (await readScript('probe.service')).replaceAll('@DIRECTORY@', at);
}

function ancestors(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function directory(path: string): TreeFile {
  return { entry: createEntry({ path: Buffer.from(path), type: 'directory' }), content: Buffer.alloc(0) };
}

function file(path: string, content: string, mode = 0o644): TreeFile {
  // Paths of a guest's files are bytes as latin1.
  return createFile(Buffer.from(path), Buffer.from(content, 'latin1'), { mode });
}
