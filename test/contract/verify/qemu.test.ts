/** QEMU takes our arguments: machines that are started, but whose processors are not. */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { findQemu, machineArguments, platformOf, type Machine } from '../../../src/tools/qemu.js';
import { run } from '../../../src/tools/run.js';
import { findUefiFirmware } from '../../../src/tools/uefi-firmware.js';

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

  it('boots a disk of aarch64 by UEFI, whose variables are its own', async function () {
    const emulator = await findQemu('aarch64').catch(() => undefined);
    const firmware = await findUefiFirmware('aarch64', platformOf('aarch64').machine).catch(() => undefined);
    if (emulator === undefined || firmware === undefined) {
      process.stderr.write(
        'skipped: qemu-system-arm and qemu-efi-aarch64 are not installed (bin/setup-host --for test)\n',
      );
      this.skip();
    }
    const [disk, variables] = [path.join(directory, 'disk.raw'), path.join(directory, 'variables, own')];
    await writeFile(disk, Buffer.alloc(1024 * 1024));
    await copyFile(firmware.variables.path, variables);
    const machine: Machine = {
      arch: 'aarch64',
      accelerator: 'tcg',
      memoryMiB: 64,
      vcpus: 2,
      network: 'isolated',
      disk: { path: disk, format: 'raw' },
      firmware: { code: firmware.code, variables: { ...firmware.variables, path: variables } },
      reportPath: path.join(directory, 'report'),
    };
    const args = machineArguments(machine).map((word) => (word === 'stdio' ? 'null' : word));
    const { stdout } = await run(emulator, [...args, '-S', '-monitor', 'stdio'], {
      stdin: { text: 'info block\nquit\n' },
    });
    const blocks = stdout.split('\n').filter((line) => /^\w+\d? \(/.test(line));
    expect(blocks.find((line) => line.startsWith('pflash0')))
      .to.include(firmware.code.path)
      .and.match(/read-only/);
    expect(blocks.find((line) => line.startsWith('pflash1')))
      .to.include(variables)
      .and.not.match(/read-only/);
  });

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
      disk: { path: '/a,b', format: 'qcow2' },
      reportPath: '/r',
    });
    expect(args.join(' ')).to.include('file=/a,,b,format=qcow2').and.to.include('snapshot=on');
    expect(platformOf('aarch64').console).to.equal('ttyAMA0');
  });

  it('knows the machines that it does not', () => {
    expect(() => platformOf('riscv64')).to.throw(/riscv64/);
  });
});
