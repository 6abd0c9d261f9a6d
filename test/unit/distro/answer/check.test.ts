import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  checkAnswerFile,
  createAnswerModel,
  detectFamily,
  renderAnswerFile,
  type AnswerFamily,
} from '../../../../src/distro/answer/index.js';
import { DEBIAN, LEAP, ONE_OF_EACH, OPENEULER, UBUNTU } from './targets.js';

/** The default file of ours: a file with a single mistake is made of it. */
const GOOD: Readonly<Record<AnswerFamily, string>> = {
  anaconda: renderAnswerFile(OPENEULER, createAnswerModel()).text,
  'debian-installer': renderAnswerFile({ ...DEBIAN, variant: 'netinst' }, createAnswerModel()).text,
  subiquity: renderAnswerFile(UBUNTU, createAnswerModel()).text,
  autoyast: renderAnswerFile(LEAP, createAnswerModel()).text,
};

interface Mistake {
  readonly family: AnswerFamily;
  readonly replace: string | RegExp;
  readonly by: string;
  readonly problem: RegExp;
  /** What the line of the finding has on it; undefined: the finding is of the whole file. */
  readonly at?: string;
  readonly severity?: 'warning';
}

const MISTAKES: readonly Mistake[] = [
  { family: 'anaconda', replace: /^poweroff\n/m, by: '', problem: /switches the machine off/ },
  { family: 'anaconda', replace: /^poweroff$/m, by: 'halt', problem: /waits for a key/, at: 'halt' },
  { family: 'anaconda', replace: /^poweroff$/m, by: 'reboot --kexec', problem: /same machine/, at: 'reboot' },
  { family: 'anaconda', replace: /^text$/m, by: 'graphical', problem: /graphical/, at: 'graphical' },
  { family: 'anaconda', replace: /^text$/m, by: 'vnc --password=x', problem: /remote screen/, at: 'vnc' },
  { family: 'anaconda', replace: /^text$/m, by: 'interactive', problem: /every screen/, at: 'interactive' },
  { family: 'anaconda', replace: /^rootpw.*\n/m, by: '', problem: /no root password/ },
  { family: 'anaconda', replace: /^rootpw.*$/m, by: 'rootpw --iscrypted', problem: /has no password/, at: 'rootpw' },
  { family: 'anaconda', replace: /^rootpw.*$/m, by: 'rootpw a b', problem: /more than one/, at: 'rootpw' },
  {
    family: 'anaconda',
    replace: /^(part \/ .*)$/m,
    by: '$1\npart / --size=1',
    problem: /second file system/,
    at: 'part / --size=1',
  },
  { family: 'anaconda', replace: /^part \/ .*$/m, by: 'part /srv --size=1', problem: /mounted on \// },
  { family: 'anaconda', replace: /^part \/ .*\n/m, by: '', problem: /no disk layout/ },
  { family: 'anaconda', replace: /^part \/ /m, by: 'autopart\npart / ', problem: /beside 'autopart'/, at: 'part / ' },
  { family: 'anaconda', replace: /^part \/ /m, by: 'part / --encrypted ', problem: /encrypted/, at: 'part / ' },
  {
    family: 'anaconda',
    replace: '--ondisk=vda',
    by: '--ondisk=sda',
    problem: /disk sda does not exist/,
    at: 'part / ',
  },
  { family: 'anaconda', replace: '--only-use=vda', by: '--only-use vda,nvme0n1', problem: /nvme0n1/, at: 'ignoredisk' },
  { family: 'anaconda', replace: '--location=mbr', by: '--location=none', problem: /does not boot/, at: 'bootloader' },
  { family: 'anaconda', replace: '--location=mbr', by: '--disabled', problem: /does not boot/, at: 'bootloader' },
  { family: 'anaconda', replace: /%end\n$/, by: '', problem: /not closed/, at: '%post --erroronfail' },
  { family: 'anaconda', replace: /^tar\n%end$/m, by: 'tar', problem: /not closed/, at: '%packages' },
  { family: 'anaconda', replace: '%packages', by: '%package', problem: /'%package' is not a section/, at: '%package' },
  { family: 'anaconda', replace: /^poweroff$/m, by: 'poweroff\n%end', problem: /ends no section/, at: '%end' },
  { family: 'anaconda', replace: /^lang /m, by: 'lnag ', problem: /'lnag' is not a kickstart command/, at: 'lnag' },
  { family: 'anaconda', replace: /^(bootloader.*)"$/m, by: '$1', problem: /quote/, at: 'bootloader' },
  {
    family: 'anaconda',
    replace: /^rootpw.*$/m,
    by: 'rootpw --lock # nobody',
    problem: /nobody can log in/,
    at: 'rootpw',
    severity: 'warning',
  },
  { family: 'anaconda', replace: /^zerombr\nclearpart.*\n/m, by: '', problem: /not initialised/, severity: 'warning' },
  {
    family: 'anaconda',
    replace: /$/,
    by: '\n%post\ntrue\n%end\n',
    problem: /runs after the one that proves/,
    at: '%post',
    severity: 'warning',
  },
  {
    family: 'anaconda',
    replace: /^poweroff$/m,
    by: '%include /tmp/x',
    problem: /unless it is in the included file: .*off/,
    at: '%include',
    severity: 'warning',
  },

  {
    family: 'debian-installer',
    replace: /^d-i debian-installer\/exit\/poweroff.*\n/m,
    by: '',
    problem: /exit\/poweroff is not answered/,
  },
  {
    family: 'debian-installer',
    replace: 'exit/poweroff boolean true',
    by: 'exit/poweroff boolean false',
    problem: /restarted/,
    at: 'exit/poweroff',
    severity: 'warning',
  },
  { family: 'debian-installer', replace: 'exit/poweroff', by: 'exit/halt', problem: /halted/, at: 'exit/halt' },
  { family: 'debian-installer', replace: /^d-i finish-install.*\n/m, by: '', problem: /waits for a key/ },
  {
    family: 'debian-installer',
    replace: /^d-i passwd\/root-password-crypted.*\n/m,
    by: '',
    problem: /no root password/,
  },
  { family: 'debian-installer', replace: /^d-i passwd\/make-user.*\n/m, by: '', problem: /ordinary user/ },
  {
    family: 'debian-installer',
    replace: 'root-login boolean true',
    by: 'root-login boolean false',
    problem: /neither root nor a user/,
  },
  {
    family: 'debian-installer',
    replace: /^d-i partman\/confirm boolean.*\n/m,
    by: '',
    problem: /partman\/confirm is not answered/,
  },
  {
    family: 'debian-installer',
    replace: /^d-i partman-partitioning.*\n/m,
    by: '',
    problem: /blank disk/,
    severity: 'warning',
  },
  { family: 'debian-installer', replace: /^d-i partman-auto\/method.*\n/m, by: '', problem: /no disk layout/ },
  {
    family: 'debian-installer',
    replace: 'method string regular',
    by: 'method string crypto',
    problem: /encrypted/,
    at: 'partman-auto/method',
  },
  {
    family: 'debian-installer',
    replace: 'method string regular',
    by: 'method string lvm',
    problem: /partman-lvm\/confirm/,
  },
  { family: 'debian-installer', replace: /^d-i partman-basicfilesystems.*\n/m, by: '', problem: /no swap/ },
  {
    family: 'debian-installer',
    replace: 'mountpoint{ / }',
    by: 'mountpoint{ /srv }',
    problem: /nothing on \//,
    at: 'expert_recipe',
  },
  {
    family: 'debian-installer',
    replace: 'disk string /dev/vda',
    by: 'disk string /dev/sda',
    problem: /\/dev\/sda does not exist/,
    at: 'partman-auto/disk',
  },
  { family: 'debian-installer', replace: /^d-i grub-installer\/bootdev.*\n/m, by: '', problem: /boot loader goes/ },
  { family: 'debian-installer', replace: /^d-i mirror\/(http|country).*\n/gm, by: '', problem: /no package mirror/ },
  {
    family: 'debian-installer',
    replace: 'd-i time/zone string Etc/UTC',
    by: 'time zone',
    problem: /not an answer/,
    at: 'time zone',
  },
  {
    family: 'debian-installer',
    replace: /$/,
    by: 'd-i preseed/interactive boolean true\n',
    problem: /every question/,
    at: 'preseed/interactive',
  },
  {
    family: 'debian-installer',
    replace: /$/,
    by: 'd-i preseed/late_command string true\n',
    problem: /replaces this one/,
    at: 'late_command',
    severity: 'warning',
  },
  {
    family: 'debian-installer',
    replace: /^d-i debian-installer\/locale.*\n/m,
    by: '',
    problem: /language is not given: the installer asks/,
    severity: 'warning',
  },
  {
    family: 'debian-installer',
    replace: /^d-i keyboard-configuration.*\n/m,
    by: '',
    problem: /keyboard is not given: the installer asks/,
    severity: 'warning',
  },

  { family: 'subiquity', replace: '#cloud-config\n', by: '', problem: /first line/, at: '# Autoinstall' },
  { family: 'subiquity', replace: 'autoinstall:', by: 'autoinst:', problem: /no mapping 'autoinstall'/ },
  { family: 'subiquity', replace: /^ {2}version: 1\n/m, by: '', problem: /version is missing/ },
  { family: 'subiquity', replace: 'version: 1', by: 'version: 2', problem: /not 1/, at: 'version' },
  {
    family: 'subiquity',
    replace: 'shutdown: poweroff',
    by: 'shutdown: reboot',
    problem: /restarted/,
    at: 'shutdown',
    severity: 'warning',
  },
  { family: 'subiquity', replace: /^ {2}shutdown.*\n/m, by: '', problem: /not switched off/ },
  { family: 'subiquity', replace: /^ {2}user-data:\n( {4}.*\n)+/m, by: '', problem: /neither 'identity'/ },
  {
    family: 'subiquity',
    replace: /^ {2}user-data:\n( {4}.*\n)+/m,
    by: '  identity: {hostname: a, username: b, password: c}\n',
    problem: /not crypted/,
    at: 'identity',
  },
  {
    family: 'subiquity',
    replace: '  version: 1',
    by: '  version: 1\n  interactive-sections: ["*"]',
    problem: /shows screens/,
    at: 'interactive-sections',
  },
  {
    family: 'subiquity',
    replace: 'name: direct',
    by: 'name: lvm\n      password: x',
    problem: /encrypted/,
    at: 'storage',
  },
  {
    family: 'subiquity',
    replace: /^ {4}layout:\n.*\n/m,
    by: '    config: [{type: mount, path: /srv}]\n',
    problem: /mounted on \//,
    at: 'storage',
  },
  { family: 'subiquity', replace: 'version: 1', by: 'version: [', problem: /not YAML/, at: 'locale' },

  { family: 'autoyast', replace: /<confirm.*\n/, by: '\n', problem: /waits for a confirmation/ },
  {
    family: 'autoyast',
    replace: '>false</confirm>',
    by: '>true</confirm>',
    problem: /waits for a confirmation/,
    at: '<confirm',
  },
  {
    family: 'autoyast',
    replace: '>true</halt>',
    by: '>false</halt>',
    problem: /restarted/,
    at: '<halt',
    severity: 'warning',
  },
  { family: 'autoyast', replace: /<halt.*\n/, by: '\n', problem: /not switched off/ },
  {
    family: 'autoyast',
    replace: '<mount>/</mount>',
    by: '<mount>/</mount><crypt_method config:type="symbol">luks2</crypt_method>',
    problem: /encrypted/,
    at: '<crypt_method',
  },
  { family: 'autoyast', replace: '<device>/dev/vda', by: '<device>/dev/sda', problem: /\/dev\/sda/, at: '<device>' },
  {
    family: 'autoyast',
    replace: '<mount>/</mount>',
    by: '<mount>/srv</mount>',
    problem: /mounted on \//,
    at: '<drive>',
  },
  { family: 'autoyast', replace: 'grub2</loader', by: 'none</loader', problem: /does not boot/, at: '<loader_type>' },
  {
    family: 'autoyast',
    replace: '</general>',
    by: '<ask-list><ask/></ask-list></general>',
    problem: /question/,
    at: '<ask-list>',
  },
  {
    family: 'autoyast',
    replace: '</report>',
    by: '',
    problem: /not XML: <\/profile> closes nothing/,
    at: '</profile>',
  },
  {
    family: 'autoyast',
    replace: /<users config[\s\S]*<\/users>/,
    by: '',
    problem: /nobody can log in/,
    severity: 'warning',
  },
];

describe('checkAnswerFile', () => {
  for (const [family, text] of Object.entries(GOOD) as [AnswerFamily, string][]) {
    it(`finds no error in ours for ${family}`, () => {
      const errors = checkAnswerFile(family, text).filter(({ severity }) => severity === 'error');
      expect(errors).to.deep.equal([]);
    });
  }

  for (const { family, replace, by, problem, at, severity = 'error' } of MISTAKES) {
    it(`${family}: ${severity}: ${problem.source} after ${String(replace).slice(0, 40)} -> ${by.slice(0, 30).trim()}`, () => {
      const text = GOOD[family].replace(replace, by);
      expect(text, 'the mistake').not.to.equal(GOOD[family]);
      const found = checkAnswerFile(family, text).filter((finding) => problem.test(finding.problem));
      expect(found, JSON.stringify(checkAnswerFile(family, text), null, 1)).to.have.length(1);
      const [finding] = found;
      expect(finding?.severity).to.equal(severity);
      expect(finding?.remedy).to.match(/^[A-Z'].*[.)]$/);
      const line = finding?.line ?? -1;
      if (at === undefined) expect(line).to.equal(0);
      else expect(text.split('\n')[line - 1]).to.contain(at);
    });
  }

  it('accepts the preseed that was run to the end with a full installer', async () => {
    const file = new URL('../../../fixtures/answer/debian-12-unattended.preseed.cfg', import.meta.url);
    expect(checkAnswerFile('debian-installer', await readFile(file, 'utf8'))).to.deep.equal([]);
  });

  it('accepts a kickstart whose only way in is an administrator', () => {
    const text = GOOD.anaconda.replace(/^rootpw.*$/m, 'user --name=admin --groups=wheel --password=x');
    expect(checkAnswerFile('anaconda', text)).to.deep.equal([]);
  });

  it('looks neither at comments nor into scripts', () => {
    const text = `# graphical\n${GOOD.anaconda.replace('%post\n', '%post\ngraphical\nhalt\n')}`;
    expect(checkAnswerFile('anaconda', text).filter(({ severity }) => severity === 'error')).to.deep.equal([]);
  });

  it('reads CRLF', () => {
    const text = GOOD.anaconda.replaceAll('\n', '\r\n');
    expect(checkAnswerFile('anaconda', text).filter(({ severity }) => severity === 'error')).to.deep.equal([]);
  });

  for (const family of ['anaconda', 'debian-installer', 'subiquity', 'autoyast'] as const) {
    it(`${family}: says of an empty or binary file only that`, () => {
      expect(checkAnswerFile(family, ' \n')).to.have.length(1);
      expect(checkAnswerFile(family, 'a\n\0\u0001')).to.deep.include.members([
        {
          line: 2,
          severity: 'error',
          problem: 'this is not text in UTF-8',
          remedy: 'Give the answer file itself, not an archive or an image, and save it in UTF-8.',
        },
      ]);
    });

    it(`${family}: never throws, whatever it is given, and keeps the order of the file`, () => {
      const pieces = fc.array(fc.constantFrom(...GOOD[family].split('\n'), '%post', '"', '<a', '&a *a', '- [', '\\'), {
        maxLength: 30,
      });
      fc.assert(
        fc.property(
          fc.oneof(
            fc.string({ unit: 'binary' }),
            pieces.map((lines) => lines.join('\n')),
          ),
          (text) => {
            const lines = checkAnswerFile(family, text).map(({ line }) => line || Infinity);
            expect(lines).to.deep.equal(lines.toSorted((a, b) => a - b || 0));
          },
        ),
        { numRuns: 200 },
      );
    });
  }
});

describe('detectFamily', () => {
  for (const target of ONE_OF_EACH) {
    it(`recognises ${target.family}`, () => {
      expect(detectFamily(renderAnswerFile(target, createAnswerModel()).text)).to.equal(target.family);
    });
  }

  for (const [text, family] of [
    ['lang en_US\nrootpw --lock\n', 'anaconda'],
    ['# c\n%pre\ntrue\n%end\n', 'anaconda'],
    ['  d-i  debian-installer/locale\tstring en_US\n', 'debian-installer'],
    ['tasksel tasksel/first multiselect\n', 'debian-installer'],
    ['# c\nautoinstall:\n  version: 1\n', 'subiquity'],
    ['\uFEFF<?xml version="1.0"?><profile/>', 'autoyast'],
    ['{"product": {"id": "Leap"}}', undefined],
    ['hello', undefined],
    ['', undefined],
  ] as const) {
    it(`says ${family ?? 'nothing'} of ${JSON.stringify(text).slice(0, 40)}`, () => {
      expect(detectFamily(text)).to.equal(family);
    });
  }
});
