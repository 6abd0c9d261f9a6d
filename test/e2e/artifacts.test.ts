/** What is made of a conversion that is in the cache: no second one, and it boots. */
import { copyFile, readFile, readdir } from 'node:fs/promises';
import { createReadStream, createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect } from 'chai';
import { BootedImage, findBootTrouble } from '../boot/boot-image.js';
import { iso2rootfs, type Ended } from '../contract/cli/program.js';
import { manifestSchema, type Manifest } from '../../src/build/manifest.js';
import { run } from '../../src/tools/run.js';
import { convertOnce, GUEST, type SharedConversion } from './conversion.js';

const BOOT = { timeoutMs: 300_000 };

describe('what is made of a conversion', function () {
  this.timeout(40 * 60_000);
  let conversion: SharedConversion;
  let machine: BootedImage | undefined;

  before(async () => {
    conversion = await convertOnce();
  });
  afterEach(async () => machine?.stop());

  async function make(name: string, outputs: string, ...args: readonly string[]): Promise<Ended & { output: string }> {
    const output = path.join(conversion.directory, name);
    const common = ['-f', conversion.medium, '--cache-dir', conversion.cacheDirectory, ...GUEST, '-o', output];
    const ended = await iso2rootfs([...common, '--outputs', outputs, ...args]);
    expect(ended.status, ended.stderr).to.equal(0);
    expect(ended.stderr).to.match(/nothing is installed/);
    await run('sha256sum', ['--strict', '--quiet', '--check', 'SHA256SUMS'], { cwd: output });
    return { ...ended, output };
  }

  const manifestOf = async (output: string): Promise<Manifest> =>
    manifestSchema.parse(JSON.parse(await readFile(path.join(output, 'manifest.json'), 'utf8')));

  const boot = async (output: string, initrd = 'initramfs.cgz', ...kernelArguments: string[]): Promise<BootedImage> => {
    const { initramfs } = await manifestOf(output);
    const files = { kernelPath: path.join(output, 'vmlinuz'), initrdPath: path.join(output, initrd) };
    machine = await BootedImage.start({ ...files, kernelArguments, memoryMiB: initramfs?.leastMemoryMiB ?? 0 });
    return machine;
  };

  it('a squashfs image in memory comes up with the memory that is stated, and keeps capabilities', async () => {
    const { output } = await make('as-squashfs', 'cgz,kernel', '--cgz-kind', 'squashfs');
    expect((await readdir(output)).sort()).to.include.members(['initramfs.cgz', 'manifest.json', 'vmlinuz']);
    const { artifacts, initramfs } = await manifestOf(output);
    const about = ['packages.json', 'sbom.cdx.json', 'guest-record.gz'];
    expect(artifacts.map(({ name }) => name)).to.have.members(['initramfs.cgz', 'vmlinuz', 'initrd.img', ...about]);
    expect(initramfs?.leastMemoryMiB).to.be.below(conversion.manifest.initramfs?.leastMemoryMiB ?? 0);
    await (await boot(output)).waitFor(/\blogin: $/m, BOOT);
    expect(findBootTrouble(machine?.console ?? '')).to.deep.equal([]);
    await machine?.stop();

    const shell = await boot(output, 'initramfs.cgz', 'init=/bin/sh');
    await shell.waitFor(/# $/m, BOOT);
    shell.send('PATH=/usr/sbin:/usr/bin:/sbin:/bin; stty -echo; PS1=');
    expect(await shell.shell('findmnt -n -o FSTYPE /', BOOT)).to.match(/overlay/);
    const lost = conversion.manifest.initramfs?.lostMetadata ?? [];
    const capable = lost.filter(({ capabilityHex }) => capabilityHex !== undefined).map((each) => each.path);
    expect(capable).not.to.be.empty;
    for (const file of capable) {
      expect(await shell.shell(`getcap '/${file}'`, BOOT), file).to.match(/cap_\w+[=+]/);
    }
  });

  it('a tree without modules, and its modules behind it, come up together; the second time nothing is made', async () => {
    const args = ['--cgz-exclude', 'modules,boot,docs', '--compress', 'zstd'];
    const { output } = await make('in-parts', 'cgz,kernel', ...args);
    const both = path.join(output, 'both.cgz');
    await copyFile(path.join(output, 'initramfs.cgz'), both);
    await pipeline(createReadStream(path.join(output, 'modules.cgz')), createWriteStream(both, { flags: 'a' }));
    await (await boot(output, 'both.cgz')).waitFor(/\blogin: $/m, BOOT);
    expect(findBootTrouble(machine?.console ?? '')).to.deep.equal([]);

    const again = await make('in-parts-again', 'cgz,kernel', ...args);
    expect(again.stderr).not.to.match(/Making /);
    for (const name of ['initramfs.cgz', 'modules.cgz']) {
      await run('cmp', [path.join(output, name), path.join(again.output, name)]);
    }
  });

  it('the cache verifies what was added to it', async () => {
    const { status, stderr, stdout } = await iso2rootfs([
      ...['cache', 'verify', '--cache-dir', conversion.cacheDirectory, '--json'],
    ]);
    expect(status, stderr).to.equal(0);
    expect(stdout).not.to.match(/damaged/);
  });
});
