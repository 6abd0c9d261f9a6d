import { createReadStream } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readPackages, type PackagesRead } from '../../packages/read-packages.js';
import { PACKAGES_FILE, SBOM_FILE } from '../../packages/types.js';
import type { Stage } from '../pipeline.js';
import { PROGRAM_VERSION } from '../version.js';
import type { Answered } from './answer.js';
import type { Fetched } from './fetch.js';
import type { Inspected } from './inspect.js';
import type { TreesMade } from './trees.js';

export interface PackagesListed {
  readonly installed: PackagesRead & {
    /** Names of the files that were written beside rootfs.tar. */
    readonly files: readonly string[];
  };
}

/** The package database in rootfs.tar -> packages.json and a bill of materials. Nothing of the system is run, and the archive is not read again. */
export const packages: Stage<Fetched & Inspected & Answered & TreesMade, PackagesListed> = {
  name: 'packages',
  run: async ({ trees, medium, iso, answerSha256 }, { tools, emit }) => {
    const staging = path.dirname(trees.tar.path);
    const files = trees.tree.rememberedFiles.flatMap(({ path: name, sizeBytes, tarOffsetBytes: start }) =>
      start === undefined
        ? []
        : [
            {
              path: name.toString('latin1'),
              sizeBytes,
              read: () =>
                createReadStream(trees.tar.path, { start, end: start + sizeBytes - 1 }) as AsyncIterable<Buffer>,
            },
          ],
    );
    const read = await readPackages(
      tools,
      files.filter(({ sizeBytes }) => sizeBytes > 0),
      staging,
    );
    if (read.list === undefined) {
      emit({ type: 'warning', message: `Which packages are installed is not known: ${read.problem}` });
      return { installed: { ...read, files: [] } };
    }
    const { formatSbom } = await import('../../packages/write-sbom.js');
    const { latestTime } = trees;
    const sbom = formatSbom(read.list, {
      distro: medium.distro,
      release: medium.release,
      arch: medium.arch,
      tarSha256: trees.tar.sha256,
      programVersion: PROGRAM_VERSION,
      timeMs: latestTime === undefined ? undefined : latestTime.seconds * 1000,
      provenance: {
        'iso:source': iso.source,
        'iso:sha256': iso.sha256,
        'iso:signature': iso.signature,
        'answerFile:sha256': answerSha256,
        'rootfs.tar:sha256': trees.tar.sha256,
      },
    });
    for (const [name, text] of [
      [PACKAGES_FILE, `${JSON.stringify(read.list, undefined, 1)}\n`],
      [SBOM_FILE, sbom],
    ] as const) {
      await writeFile(path.join(staging, name), text, { flag: 'wx' });
      await chmod(path.join(staging, name), 0o444);
    }
    return { installed: { ...read, files: [PACKAGES_FILE, SBOM_FILE] } };
  },
};
