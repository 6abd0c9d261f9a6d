/** QEMU takes our arguments: machines that are started, but whose processors are not. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { findFirmware, findQemu, machineArguments, platformOf, type Machine } from '../../../src/tools/qemu.js';
import { run } from '../../../src/tools/run.js';

describe('a machine to verify images in', function () {
  this.timeout(20_000);
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'qemu, with a comma-'))));
  afterEach(async () => rm(directory, { recursive: true }));

  for (const network of ['isolated', 'host'] as const) {
    it(`is one that QEMU can make, with a ${network} network, whatever its paths are`, async () => {
      const disk = path.join(directory, 'disk.raw');
      await writeFile(disk, Buffer.alloc(1024 * 1024));
      const machine: Machine = {
        arch: 'x86_64',
        accelerator: 'tcg',
        memoryMiB: 64,
        vcpus: 2,
        network,
        disk: { path: disk, format: 'raw' },
        reportPath: path.join(directory, 'report'),
      };
      const stopped = ['-S', '-monitor', 'stdio'];
      const args = machineArguments(machine).map((word) => (word === 'stdio' ? 'null' : word));
      const { exitStatus } = await run(await findQemu('x86_64'), [...args, ...stopped], {
        stdin: { text: 'info network\nquit\n' },
      });
      expect(exitStatus).to.equal(0);
    });
  }

  it('gives the guest no way to the host unless it boots from there', () => {
    const machine = { arch: 'x86_64', accelerator: 'tcg', memoryMiB: 64, vcpus: 1, reportPath: '/r' } as const;
    expect(machineArguments({ ...machine, network: 'isolated' }).join(' ')).to.include('restrict=on');
    expect(machineArguments({ ...machine, network: 'host' }).join(' ')).to.not.include('restrict');
  });

  it('forgets what is written to a disk', () => {
    const args = machineArguments({
      arch: 'aarch64',
      accelerator: 'tcg',
      memoryMiB: 64,
      vcpus: 1,
      network: 'isolated',
      disk: { path: '/a,b', format: 'qcow2', firmwarePath: '/uefi' },
      reportPath: '/r',
    });
    expect(args.join(' '))
      .to.include('file=/a,,b,format=qcow2')
      .and.to.include('snapshot=on')
      .and.to.include('-bios /uefi');
    expect(platformOf('aarch64').console).to.equal('ttyAMA0');
  });

  it('asks for a firmware only where QEMU brings none', async () => {
    expect(await findFirmware('x86_64')).to.equal(undefined);
    const found = await findFirmware('aarch64').catch((error: unknown) => error);
    if (typeof found === 'string') expect((await stat(found)).size).to.be.above(1024 * 1024);
    else expect(found).to.have.property('code', 'TOOL_MISSING');
  });

  it('knows the machines that it does not', () => {
    expect(() => platformOf('riscv64')).to.throw(/riscv64/);
  });
});
