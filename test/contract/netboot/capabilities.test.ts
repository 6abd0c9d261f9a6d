import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { addCapabilityRestoration, formatCapability } from '../../../src/distro/netboot/capabilities.js';
import { TreeSurvey } from '../../../src/distro/netboot/tree-survey.js';
import { createEntry } from '../../../src/tree/entry.js';

/** cap_net_raw=ep, as setcap(8) writes it. */
const NET_RAW = Buffer.from('0100000200200000000000000000000000000000', 'hex');

/** Not whatever else is called python3 on this machine. */
const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

describe('formatCapability', () => {
  const cases: readonly (readonly [hex: string, text: string | undefined])[] = [
    [NET_RAW.toString('hex'), 'cap_net_raw=ep'],
    ['0000000200200000000000000000000000000000', 'cap_net_raw=p'],
    ['0100000280000000800000000000000000000000', 'cap_setuid=eip'],
    ['0000000200000000002000000000000000000000', 'cap_net_raw=i'],
    ['0100000200300000000000000000000000000000', 'cap_net_admin,cap_net_raw=ep'],
    // cap_bpf is number 39.
    ['0100000200000000000000008000000000000000', 'cap_bpf=ep'],
    ['0100000300200000000000000000000000000000e8030000', undefined],
    ['010000030020000000000000000000000000000000000000', 'cap_net_raw=ep'],
    ['010000010020000000000000', 'cap_net_raw=ep'],
    ['0100000200000000000000000000000000000000', undefined],
    ['01000009', undefined],
    ['', undefined],
  ];
  for (const [hex, text] of cases) {
    it(`of ${hex === '' ? 'nothing' : hex} is ${text ?? 'not to be said'}`, () => {
      expect(formatCapability(Buffer.from(hex, 'hex'))).to.equal(text);
    });
  }

  it('of the attribute of all bits is understood by setcap(8), whose attribute it is then', async function () {
    const directory = await mkdtemp(path.join(tmpdir(), 'capabilities-'));
    try {
      const file = path.join(directory, 'file');
      await writeFile(file, '');
      for (const words of [
        'cap_net_raw=ep',
        'cap_chown,cap_bpf=eip',
        'cap_net_raw=p cap_setuid=i',
        'cap_checkpoint_restore=ei',
      ]) {
        execFileSync('setcap', [words, file]);
        const hex = execFileSync('getfattr', ['--absolute-names', '--only-values', '-n', 'security.capability', file]);
        const text = formatCapability(hex);
        execFileSync('setcap', ['-r', file]);
        execFileSync('setcap', [text ?? '', file]);
        const again = execFileSync('getfattr', [
          '--absolute-names',
          '--only-values',
          '-n',
          'security.capability',
          file,
        ]);
        expect(again.equals(hex), `${words} -> ${text ?? ''}`).to.equal(true);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('the restoration of capabilities', () => {
  let directory: string;
  const survey = new TreeSurvey();
  survey.observe(createEntry({ path: Buffer.from('usr/lib/systemd/system'), type: 'directory' }));
  const files = [
    { path: 'usr/bin/ping', value: NET_RAW },
    { path: 'opt/with blank', value: NET_RAW },
    { path: 'opt/\xc3\xa4', value: NET_RAW },
    { path: 'opt/gone', value: NET_RAW },
  ];

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'restore-'));
    for (const addition of addCapabilityRestoration(survey, files)) {
      if (addition.text === undefined) continue;
      await mkdir(path.dirname(path.join(directory, addition.path)), { recursive: true });
      await writeFile(path.join(directory, addition.path), addition.text);
    }
    for (const name of ['usr/bin/ping', 'opt/with blank', 'opt/ä']) {
      await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
      await writeFile(path.join(directory, name), '');
    }
  });

  after(async () => rm(directory, { recursive: true }));

  /** Runs the script with nothing on its PATH but the given programs. */
  async function restore(programs: readonly string[]): Promise<string> {
    const bin = path.join(directory, 'bin');
    await rm(bin, { recursive: true, force: true });
    await mkdir(bin);
    for (const name of ['tr', 'uname', ...programs]) {
      execFileSync('sh', ['-c', 'ln -s "$(command -v "$1")" "$2/"', 'sh', name, bin], { env: { PATH: SYSTEM_PATH } });
    }
    const text = await readFile(path.join(directory, 'usr/lib/iso2rootfs/restore-capabilities'), 'utf8');
    const script = path.join(directory, 'script');
    await writeFile(
      script,
      text.replace(/^PATH=.*$/m, `PATH=${bin}`).replace('/usr/libexec/platform-python', '/nowhere'),
    );
    const list = path.join(directory, 'usr/lib/iso2rootfs/capabilities');
    for (const name of ['usr/bin/ping', 'opt/with blank', 'opt/ä']) {
      execFileSync('sh', ['-c', 'setcap -r "$1" 2>/dev/null || true', 'sh', path.join(directory, name)]);
    }
    return execFileSync('sh', [script, list, directory], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  const getcap = (name: string): string => execFileSync('getcap', [path.join(directory, name)], { encoding: 'utf8' });

  for (const program of ['setcap', 'setfattr', 'python3', 'perl']) {
    it(`works with ${program} alone, again and again`, async () => {
      for (let run = 0; run < 2; run++) {
        expect(await restore([program])).to.equal('iso2rootfs: restored the capabilities of 3 files\n');
        for (const name of ['usr/bin/ping', 'opt/with blank', 'opt/ä']) {
          expect(getcap(name)).to.match(/cap_net_raw=ep\n$/);
        }
      }
    });
  }

  it('says that it cannot be where nothing sets attributes, and fails', async () => {
    const failure = await restore([]).then(
      () => undefined,
      (error: unknown) => error as { stderr: string; status: number },
    );
    expect(failure?.status).to.equal(1);
    expect(failure?.stderr).to.include('file capabilities are not restored');
  });

  it('is a unit before login services, only where files have capabilities, and a mere script without systemd', () => {
    const paths = (found: ReturnType<typeof addCapabilityRestoration>): string[] => found.map((each) => each.path);
    expect(paths(addCapabilityRestoration(survey, files))).to.deep.equal([
      'usr/lib/iso2rootfs/capabilities',
      'usr/lib/iso2rootfs/restore-capabilities',
      'usr/lib/systemd/system/iso2rootfs-capabilities.service',
      'usr/lib/systemd/system/sysinit.target.wants/iso2rootfs-capabilities.service',
    ]);
    expect(addCapabilityRestoration(survey, [])).to.deep.equal([]);
    expect(paths(addCapabilityRestoration(new TreeSurvey(), files))).to.have.length(2);
    expect(addCapabilityRestoration(survey, [{ path: 'a\nb', value: NET_RAW }])).to.deep.equal([]);
  });
});
