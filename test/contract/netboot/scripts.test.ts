import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { createAnswerModel, renderAnswerFile } from '../../../src/distro/answer/index.js';
import { parseKickstart } from '../../../src/distro/answer/kickstart-syntax.js';
import { makeGenericInitrd } from '../../../src/distro/answer/generic-initrd.js';
import { addCapabilityRestoration } from '../../../src/distro/netboot/capabilities.js';
import { CARD_MAPPING } from '../../../src/distro/netboot/network-bindings.js';
import { nfsRootGenerator } from '../../../src/distro/netboot/nfs-root.js';
import { addHostKeyUnit } from '../../../src/distro/netboot/ssh-host-keys.js';
import { TreeSurvey } from '../../../src/distro/netboot/tree-survey.js';
import { run } from '../../../src/tools/run.js';
import { createEntry } from '../../../src/tree/entry.js';
import { OPENEULER } from '../../unit/distro/answer/targets.js';

const survey = new TreeSurvey();
for (const name of ['usr/lib/systemd/system/ssh.service', 'usr/sbin/sshd', 'usr/bin/ssh-keygen']) {
  survey.observe(createEntry({ path: Buffer.from(name), type: 'file' }));
}
survey.observe(createEntry({ path: Buffer.from('usr/lib/systemd/system'), type: 'directory' }));
const NET_RAW = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const GENERATOR = nfsRootGenerator('usr/lib/systemd/system-generators');
const ADDITIONS = [
  GENERATOR,
  ...addHostKeyUnit(survey, false),
  ...addCapabilityRestoration(survey, [{ path: 'bin/ping', value: NET_RAW }]),
  CARD_MAPPING,
];

describe('what is added to trees, read by the programs that it is for', () => {
  let directory: string;

  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'iso2rootfs-scripts-'))));
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('are scripts that shellcheck finds nothing in', async () => {
    for (const { path: name, text } of ADDITIONS) {
      if (text?.startsWith('#!') !== true) continue;
      const file = path.join(directory, path.basename(name));
      await writeFile(file, text);
      await run('shellcheck', ['--shell=sh', '--severity=warning', file]);
    }
    const file = path.join(directory, 'initrd');
    await writeFile(file, `#!/bin/sh\n${makeGenericInitrd()}\n`);
    await run('shellcheck', ['--shell=sh', '--severity=warning', '--exclude=SC1090,SC2043', file]);
  });

  it('are units that systemd-analyze finds nothing in', async () => {
    const units = ADDITIONS.filter(({ path: name, text }) => name.endsWith('.service') && text !== undefined);
    expect(units).to.have.length(2);
    for (const { path: name, text = '' } of units) {
      const file = path.join(directory, path.basename(name));
      // The programs that are started need not be on this machine.
      await writeFile(file, text.replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true'));
      const { tail } = await run('systemd-analyze', ['verify', '--man=no', file]);
      expect(tail.filter((line) => line.includes(path.basename(name)))).to.deep.equal([]);
    }
  });

  describe('the generator for roots on NFS', () => {
    async function generate(mounts: string, commandLine: string): Promise<string[]> {
      await writeFile(path.join(directory, 'mounts'), mounts);
      await writeFile(path.join(directory, 'cmdline'), commandLine);
      const script = GENERATOR.text ?? '';
      const changed = script
        .replace('/proc/self/mounts', path.join(directory, 'mounts'))
        .replace('/proc/cmdline', path.join(directory, 'cmdline'));
      await writeFile(path.join(directory, 'generator'), changed);
      const out = path.join(directory, 'out');
      await mkdir(out, { recursive: true });
      for (const shell of ['dash', 'bash']) {
        await run(shell, [path.join(directory, 'generator'), out, `${out}-early`, `${out}-late`]);
      }
      return (await readdir(out)).sort();
    }
    const DISK = '/dev/vda1 / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n';

    it('does nothing where the root is not on NFS', async () => {
      expect(await generate(DISK, 'root=UUID=1 ro quiet nfsrootdebug\n')).to.deep.equal([]);
      expect(await generate('rootfs / rootfs rw 0 0\n', 'console=ttyS0')).to.deep.equal([]);
      expect(await generate(DISK, '')).to.deep.equal([]);
    });

    const nfs: Readonly<Record<string, readonly [mounts: string, commandLine: string]>> = {
      'is NFS': ['rootfs / rootfs rw 0 0\n10.0.2.2:/srv / nfs rw,vers=3 0 0\n', 'quiet'],
      'is CIFS': ['//server/share / cifs ro 0 0\n', 'quiet'],
      'is an overlay over what initramfs-tools mounted': ['overlay / overlay rw 0 0\n', 'boot=nfs root=/dev/nfs'],
      'is an overlay over what dracut mounted': ['overlay / overlay rw 0 0\n', 'a root=nfs4:10.0.2.2:/srv b\n'],
      'is an overlay over what a lab mounted': ['overlay / overlay rw 0 0\n', 'root=172.168.131.2:/os/a rootovl ro'],
    };
    for (const [what, [mounts, commandLine]] of Object.entries(nfs)) {
      it(`lets nothing take the network down where it ${what}`, async () => {
        expect(await generate(mounts, commandLine)).to.deep.equal([
          'ifup@.service.d',
          'iso2rootfs-keep-networks',
          'networking.service.d',
          'systemd-networkd.service.d',
          'wicked.service.d',
        ]);
        const file = path.join(directory, 'out/systemd-networkd.service.d/50-iso2rootfs-nfs-root.conf');
        expect(await readFile(file, 'utf8')).to.equal(
          `[Service]\nKillSignal=SIGKILL\nSuccessExitStatus=SIGKILL\nExecStartPre=-+/bin/sh ${directory}/out/iso2rootfs-keep-networks\n`,
        );
      });
    }

    it('keeps what systemd-networkd finds, network by network', async () => {
      await generate('10.0.2.2:/srv / nfs rw,vers=3 0 0\n', 'quiet');
      const kept = await readFile(path.join(directory, 'out/iso2rootfs-keep-networks'), 'utf8');
      const script = kept.replaceAll(/(?<=[ =])\/(?=etc|run|usr|lib)/g, `${directory}/`);
      const networks = path.join(directory, 'etc/systemd/network');
      await mkdir(networks, { recursive: true });
      await writeFile(path.join(networks, '80-dhcp.network'), '[Match]\nName=e*\n');
      await writeFile(path.join(directory, 'keep'), script);
      await run('dash', [path.join(directory, 'keep')]);
      const dropIn = path.join(directory, 'run/systemd/network/80-dhcp.network.d/50-iso2rootfs-nfs-root.conf');
      expect(await readFile(dropIn, 'utf8')).to.equal('[Network]\nKeepConfiguration=yes\n');
    });
  });

  describe('the command that makes a generic initrd on Debian', () => {
    async function make(files: Readonly<Record<string, string>>, update = 'exit 0'): Promise<string> {
      const etc = path.join(directory, 'etc');
      for (const [name, text] of Object.entries({ 'bin/mkinitramfs': '', ...files })) {
        await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
        await writeFile(path.join(directory, name), text, { mode: 0o755 });
      }
      await mkdir(path.join(etc, 'conf.d'), { recursive: true });
      const log = path.join(directory, 'log');
      await writeFile(log, '');
      await writeFile(path.join(directory, 'bin/update-initramfs'), `#!/bin/sh\necho "$@" >> ${log}\n${update}\n`, {
        mode: 0o755,
      });
      const command = makeGenericInitrd()
        .replace('/usr/sbin/mkinitramfs', path.join(directory, 'bin/mkinitramfs'))
        .replace('/etc/initramfs-tools', etc)
        .replaceAll('/dev/console', log);
      await run('dash', ['-c', command], { env: { PATH: `${directory}/bin:${process.env['PATH'] ?? ''}` } });
      return readFile(log, 'utf8');
    }
    const most = { 'etc/initramfs.conf': '# x\nMODULES=most\nBUSYBOX=auto\n', 'etc/modules': '# none\n' };

    it('adds what an overlay needs, and makes it anew once', async () => {
      expect(await make(most)).to.equal('-u -k all\n');
      expect(await readFile(path.join(directory, 'etc/modules'), 'utf8')).to.equal('# none\noverlay\nsquashfs\n');
      expect(await readdir(path.join(directory, 'etc/conf.d'))).to.deep.equal([]);
      expect(await make({})).to.equal('');
    });

    it('takes the drivers of one machine, and its swap, back', async () => {
      const files = { 'etc/conf.d/driver-policy': 'MODULES=dep\n', 'etc/conf.d/resume': 'RESUME=UUID=1-2\n' };
      expect(await make({ ...most, ...files })).to.equal('-u -k all\n');
      const added = await readFile(path.join(directory, 'etc/conf.d/zz-iso2rootfs'), 'utf8');
      expect(added).to.equal('MODULES=most\nRESUME=none\n');
      expect(await make({})).to.equal('');
    });

    it('says that it failed, and fails nothing', async () => {
      expect(await make(most, 'exit 1')).to.include('iso2rootfs: warning: no generic initrd');
    });
  });

  describe('the %post that makes a generic initrd with dracut', () => {
    const NEW_NETWORKD = 'usr/lib/dracut/modules.d/11systemd-networkd/networkd-run.sh';

    /** What dracut and the consoles are told, on a system with these files. */
    async function make(names: readonly string[], status = 0): Promise<string[]> {
      const log = path.join(directory, 'log');
      const dracut = `#!/bin/sh\necho "$@" >> ${log}\nexit ${status}\n`;
      const files = ['boot/vmlinuz-6.6.0', 'lib/modules/6.6.0/modules.dep', 'lib/modules/5.0.0/modules.dep', ...names];
      for (const name of ['bin/dracut', ...files]) {
        await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
        await writeFile(path.join(directory, name), name.startsWith('bin/dracut') ? dracut : '', { mode: 0o755 });
      }
      await writeFile(log, '');
      const { sections } = parseKickstart(renderAnswerFile(OPENEULER, createAnswerModel({})).text);
      const script =
        sections.map(({ lines }) => lines.join('\n')).find((text) => text.includes('dracut --force')) ?? '';
      const local = script
        .replace('/dev/console /dev/ttyS0 /dev/ttyAMA0', '/dev/null')
        .replace('> $console', `>> ${log}`)
        .replaceAll(/(?<=[\s"])\/(?=etc|boot|usr|lib)/g, `${directory}/`);
      await writeFile(path.join(directory, 'post'), `#!/bin/sh\n${local}\n`);
      await run('shellcheck', ['--shell=sh', '--severity=warning', '--exclude=SC2043', path.join(directory, 'post')]);
      await run('bash', [path.join(directory, 'post')], { env: { PATH: `${directory}/bin:/usr/bin:/bin` } });
      const told = (await readFile(log, 'utf8')).replaceAll(`${directory}/`, '/').split('\n');
      return told.filter((line) => line !== '');
    }

    const call = (modules: string): string =>
      `--force --no-hostonly --add ${modules} nfs /boot/initramfs-6.6.0.img 6.6.0`;

    it('leaves the choice of what brings up the network to dracut, where that mounts an NFS root', async () => {
      expect(await make(['bin/dhclient', 'usr/libexec/nm-initrd-generator'])).to.deep.equal([call('network')]);
      expect(await readFile(path.join(directory, 'etc/dracut.conf.d/iso2rootfs.conf'), 'utf8')).to.include('overlay');
    });

    it('takes not systemd-networkd where nothing would mount the root', async () => {
      const old = ['bin/dhclient', 'usr/lib/dracut/modules.d/01systemd-networkd/module-setup.sh'];
      expect(await make(old)).to.deep.equal([call('network-legacy network')]);
      expect(await make([...old, NEW_NETWORKD])).to.deep.equal([call('network')]);
    });

    it('makes one without NFS where it cannot be had, and says so', async () => {
      expect(await make([], 1)).to.deep.equal([
        call('network'),
        'iso2rootfs: warning: the initrd of kernel 6.6.0 cannot mount an NFS root',
        '--force --no-hostonly /boot/initramfs-6.6.0.img 6.6.0',
        'iso2rootfs: warning: no generic initrd could be made for kernel 6.6.0',
      ]);
    });
  });
});
