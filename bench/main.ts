/**
 * All benchmarks, each as a ratio to a baseline that is measured in the same run:
 *
 *     npm run bench                    about 40 minutes on two cores without KVM; the first time some more for the medium and its disk
 *     npm run bench -- --quick         7 minutes: smaller files, fewer rounds, neither scale nor installation
 *     npm run bench -- --only NAMES    of: conversion, start, hashing, download, scale, installation
 *     npm run bench -- --variants I,J  of the installation, counted from 1: bench/installation.ts
 *
 * Needs root, like a build with nfsroot. Nothing else should run on the machine. ISO2ROOTFS_BENCH_DIR is where it works (default:
 * /var/tmp/iso2rootfs-bench); what is expensive to make is kept there.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { engines, measureBaseline, measureOurs, reportConversions, type Conversion } from './conversion.js';
import { reportHashing } from './hashing.js';
import { reportInstallation } from './installation.js';
import { reportScale } from './scale.js';
import { prepareSetting, PROGRAM, ROOT } from './setting.js';
import { reportStart } from './start.js';

const NAMES = ['conversion', 'start', 'hashing', 'download', 'scale', 'installation'] as const;

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, variants: { type: 'string' } },
});
const wanted =
  values.only?.split(',') ?? NAMES.filter((name) => !values.quick || !['scale', 'installation'].includes(name));
const unknown = wanted.find((name) => !(NAMES as readonly string[]).includes(name));
if (unknown !== undefined) throw new Error(`--only ${unknown}: not one of ${NAMES.join(', ')}`);
const isWanted = (name: (typeof NAMES)[number]): boolean => wanted.includes(name);

process.stdout.write(
  `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, ` +
    `Node.js ${process.version}, ${execFileSync(process.execPath, [PROGRAM, '--version'], { encoding: 'utf8' }).trim()}\n`,
);
const setting = prepareSetting();
let cache: string | undefined;
if (isWanted('conversion')) {
  const rounds = values.quick ? 1 : 3;
  const conversions: Conversion[] = [await measureBaseline(setting)];
  for (const engine of engines()) {
    const ours = await measureOurs(setting, engine, rounds);
    conversions.push(ours.conversion);
    cache = ours.cache;
  }
  reportConversions(conversions, rounds);
}
if (isWanted('start')) reportStart(setting, cache, values.quick ? 10 : 20);
if (isWanted('hashing')) await reportHashing(values.quick ? 512 : 2048, values.quick ? 3 : 5);
if (isWanted('download')) {
  process.stdout.write('\nDownload from a server on this machine, verified (best of 3)\n\n');
  // Its exit status says whether it was fast enough, which is for people to judge here.
  spawnSync(
    process.execPath,
    ['--import', 'tsx', path.join(ROOT, 'bench/download.ts'), values.quick ? '512' : '1024'],
    {
      stdio: ['ignore', process.stdout, process.stderr],
    },
  );
}
if (isWanted('scale')) await reportScale(setting);
if (isWanted('installation')) await reportInstallation(setting, values.variants?.split(',').map(Number));
