import { expect } from 'chai';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  canUserReach,
  checkConnection,
  defaultUri,
  hypervisorUser,
  knowsUefi,
  parseHypervisorUser,
} from '../../../src/tools/libvirt.js';
import { FakePrograms, failureOf } from './fake-programs.js';

let fakes: FakePrograms;

const REFUSALS: readonly (readonly [string, string, RegExp])[] = [
  [
    'qemu:///system',
    "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
    /systemctl start libvirtd.*virtlogd -d; libvirtd -d/,
  ],
  ['qemu:///system', "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied", /group libvirt/],
  ['qemu:///system', 'authentication unavailable: no polkit agent available to authenticate action', /group libvirt/],
  ['qemu:///system', 'internal error: Unable to get system bus connection: Could not connect', /group libvirt/],
  ['bogus:///x', 'no connection driver available for bogus:///x', /Check the URI/],
  ['qemu:///session', 'Cannot create user runtime directory', /bin\/setup-host/],
];

describe('tools/libvirt', () => {
  beforeEach(async () => {
    fakes = await FakePrograms.create();
  });
  afterEach(() => fakes.remove());

  it('takes the URI of the environment, else the one that the user may use', () => {
    expect(defaultUri({}, true)).to.equal('qemu:///system');
    expect(defaultUri({}, false)).to.equal('qemu:///session');
    expect(defaultUri({ LIBVIRT_DEFAULT_URI: 'qemu+ssh://x/system' }, true)).to.equal('qemu+ssh://x/system');
  });

  it('tells the versions of what answers', async () => {
    await fakes.add(
      'virsh',
      'printf "Using library: libvirt 9.0.0\\nUsing API: QEMU 9.0.0\\nRunning hypervisor: QEMU 7.2.22\\n"',
    );
    expect(await checkConnection('qemu:///system', { path: fakes.path })).to.deep.equal({
      uri: 'qemu:///system',
      libvirtVersion: '9.0.0',
      hypervisor: 'QEMU 7.2.22',
    });
  });

  it('sees that libvirt has no QEMU', async () => {
    await fakes.add(
      'virsh',
      'echo "Using library: libvirt 9.0.0"; echo "Cannot extract running QEMU hypervisor version"',
    );
    expect((await checkConnection('qemu:///system', { path: fakes.path })).hypervisor).to.equal(undefined);
  });

  it('sees whether there is a UEFI firmware', async () => {
    const capabilities = (values: string): string =>
      `printf "<os supported='yes'>\\n <enum name='firmware'>${values}</enum>\\n <loader supported='yes'/>" `;
    const known: readonly (readonly [string, boolean])[] = [
      ['<value>efi</value>', true],
      ['\\n  <value>bios</value>\\n  <value>efi</value>\\n', true],
      ['', false],
      ['<value>bios</value>', false],
    ];
    for (const [values, isKnown] of known) {
      await fakes.add('virsh', capabilities(values));
      expect(await knowsUefi('qemu:///system', 'aarch64', { path: fakes.path }), values).to.equal(isKnown);
    }
  });

  for (const [uri, reason, hint] of REFUSALS) {
    it(`knows what to do about: ${reason}`, async () => {
      await fakes.add(
        'virsh',
        `echo "error: failed to connect to the hypervisor" >&2; echo "error: ${reason}" >&2; exit 1`,
      );
      const error = await failureOf(checkConnection(uri, { path: fakes.path }));
      expect(error.code).to.equal('LIBVIRT_UNREACHABLE');
      expect(error.exitStatus).to.equal(69);
      expect(error.message).to.equal(`libvirt does not answer at ${uri}: ${reason}`);
      expect(error.hint).to.match(hint);
    });
  }

  it('says that virsh is missing', async () => {
    expect((await failureOf(checkConnection('qemu:///system', { path: fakes.path }))).code).to.equal('TOOL_MISSING');
  });

  it('finds the user of QEMU in the capabilities', async () => {
    const model = (name: string, label: string): string =>
      `<secmodel>\n<model>${name}</model>\n<doi>0</doi>\n${label}</secmodel>\n`;
    const selinux = model('selinux', "<baselabel type='kvm'>system_u:system_r:svirt_t:s0</baselabel>\n");
    const dac = model(
      'dac',
      "<baselabel type='kvm'>+64055:+994</baselabel>\n<baselabel type='qemu'>+64055:+994</baselabel>\n",
    );
    expect(parseHypervisorUser(selinux + dac)).to.deep.equal({ uid: 64055, gid: 994 });
    expect(parseHypervisorUser(selinux)).to.equal(undefined);
    await fakes.add('virsh', `cat <<'XML'\n<capabilities>${dac}</capabilities>\nXML`);
    await fakes.link('cat');
    expect(await hypervisorUser('qemu:///system', { path: fakes.path })).to.deep.equal({ uid: 64055, gid: 994 });
  });

  it('tells which directory a user may not pass through', async () => {
    const root = path.join(fakes.directory, 'root');
    const file = path.join(root, 'cache', 'disk.raw');
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, '');
    for (const directory of [fakes.directory, root, path.dirname(file)]) await chmod(directory, 0o711);
    await chmod(file, 0o644);
    expect(await canUserReach(file, 64055, 64055)).to.deep.equal({ isReachable: true });
    expect(await canUserReach(path.join(root, 'not', 'yet'), 64055, 64055)).to.deep.equal({ isReachable: true });
    await chmod(file, 0o600);
    expect(await canUserReach(file, 64055, 64055)).to.deep.equal({ isReachable: false, obstacle: file });
    await chmod(root, 0o700);
    expect(await canUserReach(file, 64055, 64055)).to.deep.equal({ isReachable: false, obstacle: root });
    expect(await canUserReach(file, 0, 0)).to.deep.equal({ isReachable: true });
    const { getuid, getgid } = process;
    if (getuid === undefined || getgid === undefined || getuid() === 0) return;
    expect(await canUserReach(file, getuid(), getgid())).to.deep.equal({ isReachable: true });
  });
});
