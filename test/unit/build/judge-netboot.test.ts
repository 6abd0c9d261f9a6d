import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { judgeNetboot } from '../../../src/build/judge-netboot.js';
import { manifestSchema } from '../../../src/build/manifest.js';
import type { BuildEvent } from '../../../src/events.js';
import { Toolbox } from '../../../src/tools/toolbox.js';

describe('judgeNetboot', () => {
  let directory: string;
  before(async () => (directory = await mkdtemp(path.join(tmpdir(), 'netboot-'))));
  after(async () => rm(directory, { recursive: true }));

  it('warns of what an initrd and SELinux do not allow, and goes on', async () => {
    const initrdPath = path.join(directory, 'initrd.img');
    await writeFile(initrdPath, 'not an archive');
    const warnings: string[] = [];
    const netboot = await judgeNetboot(
      {
        tools: new Toolbox({ logDirectory: directory }),
        emit: (event: BuildEvent) => event.type === 'warning' && warnings.push(event.message),
      },
      { version: '5.10', initrd: 'initramfs-5.10.img', initrdPath },
      { selinuxMode: 'enforcing', kernelFacts: () => ({}) },
    );
    expect(manifestSchema.shape.netboot.parse(netboot)).to.deep.equal(netboot);
    expect(netboot.initrd).to.deep.include({ maker: 'unknown', canMountNfs: false });
    expect(netboot.kernelArguments).to.deep.equal({ initramfs: ['enforcing=0'] });
    expect(warnings).to.have.length(2);
    expect(warnings[0]).to.match(
      /^The initrd \(initramfs-5\.10\.img\) cannot mount an NFS root\. It could not be read/,
    );
    expect(warnings[1]).to.match(/^SELinux is enforcing.*--selinux permissive/);
  });
});
