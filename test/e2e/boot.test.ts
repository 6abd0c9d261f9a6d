/** initramfs.cgz boots: the whole system in memory, with nothing on the command line but the console. */
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { BootedImage, findBootTrouble } from '../boot/boot-image.js';
import { convertOnce } from './conversion.js';
import { listTree } from './tree-listing.js';

const BOOT = { timeoutMs: 300_000 };

/** One record per entry: inode, type, mode, owner, link count, size, time, device, link target, path; NUL-terminated, for a base64 of it. */
const LIST = `find . -exec stat --printf '%i|%F|%a|%u:%g|%h|%s|%Y|%t:%T|' {} \\; -printf '%l|%P\\0' | gzip | base64 -w 76`;

describe('initramfs.cgz', function () {
  this.timeout(40 * 60_000);
  let files: { kernelPath: string; initrdPath: string };
  let nfsroot: string;
  let machine: BootedImage | undefined;

  before(async () => {
    const [output] = (await convertOnce()).outputs;
    files = { kernelPath: path.join(output, 'vmlinuz'), initrdPath: path.join(output, 'initramfs.cgz') };
    nfsroot = path.join(output, 'nfsroot');
  });

  afterEach(async () => machine?.stop());

  for (const kernelArguments of [[], ['rdinit=/sbin/init']]) {
    it(`comes up to a login prompt with ${['console=ttyS0', ...kernelArguments].join(' ')}, waiting for no disk`, async () => {
      machine = await BootedImage.start({ ...files, kernelArguments });
      await machine.waitFor(/\blogin: $/m, BOOT);
      expect(findBootTrouble(machine.console)).to.deep.equal([]);
      expect(machine.console).to.not.match(/\[FAILED\]|You are in/);
    });
  }

  it('is unpacked by the kernel to what nfsroot holds: hard links, devices, owners, modes, times', async () => {
    machine = await BootedImage.start({ ...files, kernelArguments: ['rdinit=/bin/sh'] });
    await machine.waitFor(/# $/m, BOOT);
    machine.send('PATH=/usr/sbin:/usr/bin:/sbin:/bin; stty -echo; PS1=; cd /opt/odd');
    const listed = await machine.shell(LIST, { timeoutMs: 120_000 });
    const records = gunzipSync(Buffer.from(listed.replace(/\s/g, ''), 'base64'))
      .toString('latin1')
      .split('\0')
      .filter((record) => record !== '');
    const inMemory = new Map<string, string>();
    const names = new Map<string, string[]>();
    for (const record of records) {
      const [inode = '', type = '', mode = '', owner = '', links = '', size = '', time = '', device = '', ...rest] =
        record.split('|');
      // Names hold the separator; the targets of links do not.
      const [target = '', name] = [rest[0], rest.slice(1).join('|')];
      const shown = [
        type,
        mode,
        owner,
        type.includes('directory') || type === 'symbolic link' ? '' : size,
        time,
        target,
      ];
      inMemory.set(name, [...shown, type.includes('special') ? device : ''].join(' '));
      if (!type.includes('directory') && links !== '1') names.set(inode, [...(names.get(inode) ?? []), name]);
    }
    const onDisk = new Map<string, string>();
    const groups = new Map<string, string[]>();
    for (const entry of (await listTree(path.join(nfsroot, 'opt/odd'))).values()) {
      const name = entry.path === '.' ? '' : decode(entry.path);
      const type = typeName(entry.type, entry.size);
      const device = (entry.rdev ?? []).map((number) => number.toString(16)).join(':');
      const size = entry.type === 'directory' || entry.type === 'symlink' ? '' : String(entry.size ?? 0);
      const target = entry.target === undefined ? '' : Buffer.from(entry.target).toString('latin1');
      const time = entry.mtime.replace(/\..*/, '');
      const mode = entry.mode.replace(/^0{1,3}(?=.)/, '');
      onDisk.set(name, [type, mode, `${entry.uid}:${entry.gid}`, size, time, target, device].join(' '));
      // The kernel does not link symbolic links.
      if (entry.link !== undefined && entry.type !== 'symlink') {
        groups.set(entry.link, [...(groups.get(entry.link) ?? []), name]);
      }
    }
    const different = [...new Set([...inMemory.keys(), ...onDisk.keys()])]
      .filter((name) => inMemory.get(name) !== onDisk.get(name))
      .map((name) => `${JSON.stringify(name)}: ${onDisk.get(name) ?? 'missing'} -> ${inMemory.get(name) ?? 'missing'}`);
    expect(different).to.deep.equal([]);
    expect(inMemory.size).to.be.above(50);
    const sorted = (each: Map<string, string[]>): string[] =>
      [...each.values()].map((group) => group.sort().join(' = ')).sort();
    expect(sorted(names)).to.deep.equal(sorted(groups));
    const sums = await machine.shell('sha256sum sparse/middle links/b/second "names/with spaces  two"', {
      timeoutMs: 120_000,
    });
    expect(sums.match(/^[0-9a-f]{64} /gm)).to.have.length(3);
    const tree = await listTree(path.join(nfsroot, 'opt/odd'));
    for (const name of ['sparse/middle', 'links/b/second', 'names/with spaces  two']) {
      expect(sums, name).to.include(tree.get(name)?.sha256 ?? 'nothing');
    }
  });
});

function decode(name: string): string {
  const bytes = name.startsWith('base64:') ? Buffer.from(name.slice('base64:'.length), 'base64') : Buffer.from(name);
  return bytes.toString('latin1');
}

/** As stat(1) calls them. */
function typeName(type: string, size: number | undefined): string {
  const words: Record<string, string> = {
    file: size === 0 ? 'regular empty file' : 'regular file',
    symlink: 'symbolic link',
    character: 'character special file',
    block: 'block special file',
  };
  return words[type] ?? type;
}
