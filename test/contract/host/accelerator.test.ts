import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { chmod, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { chooseAccelerator, probeKvm, startProbe } from '../../../src/tools/accelerator.js';
import { hostArch } from '../../../src/tools/host.js';
import { FakePrograms, failureOf } from '../../unit/tools/fake-programs.js';

const EMULATOR = `qemu-system-${hostArch()}`;
const otherArch = hostArch() === 'x86_64' ? 'aarch64' : 'x86_64';

let fakes: FakePrograms;

describe('KVM probe', () => {
  beforeEach(async () => {
    fakes = await FakePrograms.create();
  });
  afterEach(() => fakes.remove());

  it('has a guest that runs: QEMU without KVM says so', async () => {
    expect(await startProbe('tcg')).to.deep.equal({ works: true, why: 'a test guest ran' });
  });

  it('does not believe an exit status', async () => {
    await fakes.add(EMULATOR, 'exit 0');
    expect(await startProbe('kvm', { path: fakes.path })).to.deep.equal({
      works: false,
      why: 'a test guest ended without having run',
    });
  });

  it('repeats the complaint of QEMU that is the cause', async () => {
    await fakes.add(
      EMULATOR,
      `echo "qemu-system-x86_64: warning: host doesn't support requested feature" >&2
echo 'qemu-system-x86_64: error: failed to set MSR 0x10a to 0x69' >&2
echo 'qemu-system-x86_64: kvm.c:3183: kvm_buf_set_msrs: Assertion failed.' >&2
kill -ABRT $$`,
    );
    expect((await startProbe('kvm', { path: fakes.path })).why).to.equal('failed to set MSR 0x10a to 0x69');
  });

  it('gives a guest that hangs up', async () => {
    await fakes.add(EMULATOR, 'exec /bin/sleep 60');
    const result = await startProbe('kvm', { path: fakes.path, timeoutMs: 200 });
    expect(result).to.deep.equal({ works: false, why: 'a test guest did not run within 0.2 s' });
  });

  it('leaves nothing behind', async () => {
    const before = (await readdir('/tmp')).filter((name) => name.startsWith('iso2rootfs-probe-'));
    await fakes.add(EMULATOR, 'exit 1');
    await startProbe('kvm', { path: fakes.path });
    const after = (await readdir('/tmp')).filter((name) => name.startsWith('iso2rootfs-probe-'));
    expect(after).to.deep.equal(before);
  });

  it('does not start a guest of another architecture', async () => {
    const { works, why } = await probeKvm({ arch: otherArch });
    expect(works).to.equal(false);
    expect(why).to.contain(otherArch).and.to.contain(hostArch());
  });

  describe('memory', () => {
    let state: string;
    const calls = async (): Promise<number> => (await readFile(path.join(fakes.directory, 'calls'), 'utf8')).length;
    const probe = (): ReturnType<typeof probeKvm> => probeKvm({ path: fakes.path, stateDirectory: state });

    beforeEach(async function () {
      if (!existsSync('/dev/kvm')) this.skip();
      state = path.join(fakes.directory, 'state', 'new');
      await fakes.add(
        EMULATOR,
        `printf x >> ${path.join(fakes.directory, 'calls')}; echo "iso2rootfs: the guest runs"`,
      );
    });

    it('asks once per boot', async () => {
      expect(await probe()).to.deep.equal({ works: true, why: 'a test guest ran' });
      expect(await probe()).to.deep.equal({ works: true, why: 'a test guest ran' });
      expect(await calls()).to.equal(1);
      expect(await readdir(state)).to.deep.equal(['kvm-probe.json']);
    });

    it('ignores what is damaged, of another format, or of another boot', async () => {
      await probe();
      const record = path.join(state, 'kvm-probe.json');
      const good = await readFile(record, 'utf8');
      const bad = [
        '',
        '{',
        'null',
        '[]',
        good.slice(0, 40),
        good.replace('"format":1', '"format":2'),
        good.replace(/"subject":"./, '"subject":"?'),
      ];
      for (const text of bad) {
        await writeFile(record, text);
        expect((await probe()).works).to.equal(true);
      }
      expect(await calls()).to.equal(1 + bad.length);
      expect(await readFile(record, 'utf8')).to.equal(good);
    });

    it('does not fail because it cannot remember', async () => {
      await writeFile(path.join(fakes.directory, 'state'), 'a file where the directory should be');
      expect((await probe()).works).to.equal(true);
    });
  });

  describe('choice', () => {
    it('takes KVM where it works', async function () {
      if (!existsSync('/dev/kvm')) this.skip();
      await fakes.add(EMULATOR, 'echo "iso2rootfs: the guest runs"');
      expect((await chooseAccelerator('auto', { path: fakes.path })).accelerator).to.equal('kvm');
      expect((await chooseAccelerator('kvm', { path: fakes.path })).accelerator).to.equal('kvm');
    });

    it('falls back to emulation and says why', async () => {
      await fakes.add(EMULATOR, 'echo "qemu: error: broken" >&2; exit 1');
      const { accelerator, reason } = await chooseAccelerator('auto', { path: fakes.path });
      expect(accelerator).to.equal('tcg');
      expect(reason).to.match(/^KVM does not work here \(.+\): guests run by software emulation \(TCG\)/);
    });

    it('does not fall back where KVM is demanded', async () => {
      await fakes.add(EMULATOR, 'exit 1');
      const error = await failureOf(chooseAccelerator('kvm', { path: fakes.path }));
      expect(error.code).to.equal('KVM_UNAVAILABLE');
      expect(error.exitStatus).to.equal(69);
      expect(error.hint).to.contain('--accel auto');
    });

    it('does not ask where emulation is demanded', async () => {
      const emulator = await fakes.add(EMULATOR, 'exit 1');
      await chmod(emulator, 0o644);
      expect((await chooseAccelerator('tcg', { path: fakes.path })).accelerator).to.equal('tcg');
    });
  });
});
