import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { findUefiFirmware } from '../../../src/tools/uefi-firmware.js';
import { failureOf } from './fake-programs.js';

describe('the UEFI firmware of a machine', () => {
  let directory: string;
  let places: string[];

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'firmware-'));
    places = [path.join(directory, 'etc'), path.join(directory, 'usr')];
    for (const place of places) await mkdir(place);
  });
  afterEach(async () => rm(directory, { recursive: true }));

  /** A descriptor as distributions have them, and the files that it names. */
  async function describeFirmware(place: number, name: string, change: object = {}, isThere = true): Promise<void> {
    const file = (what: string): string => path.join(directory, `${name}.${what}`);
    for (const what of isThere ? ['code', 'vars'] : []) await writeFile(file(what), what);
    const descriptor = {
      description: 'UEFI',
      'interface-types': ['uefi'],
      mapping: {
        device: 'flash',
        executable: { filename: file('code'), format: 'raw' },
        'nvram-template': { filename: file('vars'), format: 'raw' },
      },
      targets: [{ architecture: 'aarch64', machines: ['virt-*'] }],
      features: ['verbose-static'],
      tags: [],
      ...change,
    };
    await writeFile(path.join(places[place] ?? '', name), JSON.stringify(descriptor));
  }

  const find = async (): Promise<string> =>
    path.basename((await findUefiFirmware('aarch64', 'virt', places)).code.path);

  it('is the first whose files are there, and which starts what is not signed', async () => {
    await describeFirmware(1, '10-other.json', { targets: [{ architecture: 'x86_64', machines: ['pc-q35-*'] }] });
    await describeFirmware(1, '20-machine.json', { targets: [{ architecture: 'aarch64', machines: ['virtual-*'] }] });
    await describeFirmware(1, '30-enrolled.json', { features: ['enrolled-keys', 'secure-boot'] });
    await describeFirmware(1, '40-bios.json', { 'interface-types': ['bios'] });
    await describeFirmware(1, '50-memory.json', { mapping: { device: 'memory', filename: '/x' } });
    await describeFirmware(1, '60-missing.json', {}, false);
    await writeFile(path.join(places[1] ?? '', '70-damaged.json'), '{');
    await describeFirmware(1, '80-good.json');
    await describeFirmware(1, '90-late.json');
    expect(await find()).to.equal('80-good.json.code');
  });

  it("is what the administrator says, who may hide the distribution's", async () => {
    await describeFirmware(1, '50-distribution.json');
    await describeFirmware(0, '60-own.json');
    expect(await find()).to.equal('50-distribution.json.code');
    await writeFile(path.join(places[0] ?? '', '50-distribution.json'), '');
    expect(await find()).to.equal('60-own.json.code');
  });

  it('is missing with a word of what to install', async () => {
    const failure = await failureOf(findUefiFirmware('aarch64', 'virt', [path.join(directory, 'nowhere')]));
    expect(failure.code).to.equal('TOOL_MISSING');
    expect(failure.hint).to.contain('qemu-efi-aarch64');
  });
});
