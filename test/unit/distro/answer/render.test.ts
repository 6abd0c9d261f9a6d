import { expect } from 'chai';
import { parse as parseYaml } from 'yaml';
import {
  checkAnswerFile,
  createAnswerModel,
  ISO2ROOTFS_TOKEN_PLACEHOLDER,
  renderAnswerFile,
  type AnswerModel,
  type AnswerTarget,
  type RenderedAnswer,
} from '../../../../src/distro/answer/index.js';
import { parseKickstart } from '../../../../src/distro/answer/kickstart-syntax.js';
import { findAnswer, parsePreseed } from '../../../../src/distro/answer/preseed-syntax.js';
import { Iso2RootfsError } from '../../../../src/errors.js';
import { CENTOS_7, DEBIAN, HASH, LEAP, ONE_OF_EACH, OPENEULER, ROCKY, UBUNTU } from './targets.js';

const EVERYTHING: Partial<AnswerModel> = {
  rootAccess: { kind: 'hash', hash: HASH },
  sshKeys: ['ssh-ed25519 AAAA root@host'],
  packages: ['vim', 'g++'],
  packageGroups: ['standard'],
  isSlim: true,
  kernelArguments: ['quiet', 'a,b=c'],
  services: { enable: ['ssh'], disable: ['cups.service'] },
  postScripts: [{ name: 'step', text: 'echo done\n', chroot: true }],
  repository: { url: 'http://mirror.example/pub/os', kind: 'url' },
  hostname: 'node1',
};

function render(target: AnswerTarget, options: Partial<AnswerModel> = {}): RenderedAnswer {
  return renderAnswerFile(target, createAnswerModel(options));
}

function refusal(target: AnswerTarget, options: Partial<AnswerModel> = {}): Iso2RootfsError {
  try {
    render(target, options);
  } catch (error) {
    if (error instanceof Iso2RootfsError) return error;
    throw error;
  }
  throw new Error('it was rendered');
}

function commandLine(text: string, name: string): string | undefined {
  return text.split('\n').find((line) => line.startsWith(`${name} `) || line === name);
}

function packagesOf(text: string): readonly string[] {
  return parseKickstart(text).sections.find(({ name }) => name === '%packages')?.lines ?? [];
}

describe('every answer file', () => {
  for (const target of ONE_OF_EACH) {
    for (const options of [{}, EVERYTHING]) {
      it(`of ${target.family} ${options === EVERYTHING ? 'with everything' : 'by default'} passes our own checks and has a place for the token`, () => {
        const { family, text } = render(target, options);
        const findings = checkAnswerFile(family, text).filter(({ severity }) => severity === 'error');
        expect(findings).to.deep.equal([]);
        expect(text).to.contain(ISO2ROOTFS_TOKEN_PLACEHOLDER);
      });
    }

    it(`of ${target.family} sends the installer to the arch's serial line`, () => {
      expect(render(target).kernelArguments).to.include('console=ttyS0,115200n8');
      expect(render({ ...target, arch: 'aarch64' }).kernelArguments).to.include('console=ttyAMA0,115200n8');
    });

    it(`of ${target.family} does not depend on anything but target and model`, () => {
      expect(render(target, EVERYTHING)).to.deep.equal(render(target, EVERYTHING));
    });
  }
});

describe('renderAnswerFile', () => {
  for (const release of ['9\nreboot', '15--6', '', '9 ', '../9', '-->']) {
    it(`refuses a medium whose release is ${JSON.stringify(release)}`, () => {
      for (const target of ONE_OF_EACH) expect(refusal({ ...target, release }).code).to.equal('UNSUPPORTED_DISTRO');
      for (const target of ONE_OF_EACH)
        expect(refusal({ ...target, variant: release }).code).to.equal('UNSUPPORTED_DISTRO');
    });
  }

  it('checks a model that was put together by hand', () => {
    const model = { ...createAnswerModel(), packages: ['%end'] };
    expect(() => renderAnswerFile(OPENEULER, model))
      .to.throw(Iso2RootfsError)
      .with.property('code', 'USAGE');
  });
});

describe('renderAnswerFile for Anaconda', () => {
  it('is delivered in the initrd, in text mode, without a package source of its own on the command line', () => {
    const { fileName, delivery, kernelArguments } = render(OPENEULER);
    expect([fileName, delivery]).to.deep.equal(['ks.cfg', 'initrd']);
    expect(kernelArguments).to.include.members(['inst.ks=file:/ks.cfg', 'inst.text', 'inst.cmdline']);
    expect(kernelArguments.join(' ')).not.to.match(/inst\.(repo|stage2)/);
  });

  const dialects: readonly [AnswerTarget['distro'], string, string][] = [
    ['openeuler', '20.03-lts', 'F29'],
    ['openeuler', '20.03-lts-sp3', 'F33'],
    ['openeuler', '22.03-lts', 'F33'],
    ['openeuler', '22.03-lts-sp1', 'F36'],
    ['openeuler', '24.03-lts-sp2', 'F40'],
    ['centos', '7', 'RHEL7'],
    ['centos', '7.9', 'RHEL7'],
    ['centos-stream', '10', 'RHEL10'],
    ['almalinux', '8.10', 'RHEL8'],
    ['rocky', '9', 'RHEL9'],
    ['fedora', '44', 'F44'],
    ['fedora', '45', 'F44'],
    ['anolis', '8.9', 'RHEL8'],
    ['kylin', 'v10-sp3', 'RHEL8'],
  ];
  for (const [distro, release, dialect] of dialects) {
    it(`writes ${dialect} for ${distro} ${release}`, () => {
      expect(render({ ...OPENEULER, distro, release }).dialect).to.equal(dialect);
    });
  }

  it('takes packages from the DVD', () => {
    expect(commandLine(render(ROCKY).text, 'cdrom')).to.equal('cdrom');
  });

  const boot = { variant: 'boot', carriesPackages: false };
  it('takes packages from BaseOS and AppStream where the medium has none', () => {
    const { text, kernelArguments } = render({ ...ROCKY, ...boot, volumeId: 'Rocky-9-4-x86_64-dvd' });
    expect(commandLine(text, 'url')).to.equal(
      'url --url="https://download.rockylinux.org/pub/rocky/9/BaseOS/x86_64/os/"',
    );
    expect(commandLine(text, 'repo')).to.contain('--name=AppStream');
    expect(commandLine(text, 'cdrom')).to.equal(undefined);
    expect(kernelArguments).to.include('inst.stage2=hd:LABEL=Rocky-9-4-x86_64-dvd');
  });

  it("escapes the blanks of a label, and gives openEuler's netinst no stage2, which it would take for the package source", () => {
    const centos = render({ ...CENTOS_7, ...boot, volumeId: 'CentOS 7 x86_64' });
    expect(centos.kernelArguments).to.include('inst.stage2=hd:LABEL=CentOS\\x207\\x20x86_64');
    expect(commandLine(centos.text, 'url')).to.contain('vault.centos.org/7.9.2009/os/x86_64/');
    const openeuler = render({ ...OPENEULER, ...boot, variant: 'netinst', volumeId: 'openEuler-22.03-LTS-x86_64' });
    expect(openeuler.kernelArguments.join(' ')).not.to.contain('inst.stage2');
    expect(commandLine(openeuler.text, 'url')).to.equal(
      'url --url="https://repo.openeuler.org/openEuler-22.03-LTS/OS/x86_64/"',
    );
  });

  it('refuses a medium without packages whose repository nobody knows', () => {
    expect(refusal({ ...OPENEULER, ...boot, distro: 'rhel', release: '9' }).code).to.equal('USAGE');
  });

  it('takes the repository that the user names', () => {
    const options = { repository: { url: 'https://m.example/list?a=b', kind: 'mirrorlist' } } as const;
    expect(commandLine(render(ROCKY, options).text, 'url')).to.equal('url --mirrorlist="https://m.example/list?a=b"');
  });

  it('ignores missing packages of its own, and none that was asked for', () => {
    expect(render(OPENEULER).text).to.contain('%packages --ignoremissing');
    const asked = render(OPENEULER, { packages: ['vim'] }).text;
    expect(asked).not.to.contain('--ignoremissing');
    expect(packagesOf(asked)).to.include.members(['vim', 'openssh-server', 'nfs-utils']);
  });

  it('on a minimal medium ignores what is missing and looks afterwards for what was asked for', () => {
    const { text } = render({ ...ROCKY, variant: 'minimal' }, { packages: ['vim'] });
    expect(text).to.contain('%packages --ignoremissing').and.to.contain('for package in vim; do');
    expect(packagesOf(text)).to.include('@core').and.not.to.include('@^minimal-environment');
  });

  const slim: readonly [AnswerTarget, string][] = [
    [CENTOS_7, '%packages --ignoremissing --excludedocs --instLangs=en_US'],
    [{ ...ROCKY, release: '8' }, '%packages --ignoremissing --excludedocs --instLangs=en_US --excludeWeakdeps'],
    [ROCKY, '%packages --ignoremissing --excludedocs --inst-langs=en_US --exclude-weakdeps'],
  ];
  for (const [target, line] of slim) {
    it(`slim ${target.distro} ${target.release} leaves out documentation and other languages`, () => {
      expect(render(target, { isSlim: true }).text.split('\n')).to.include(line);
    });
  }

  it('locks root, or gives it the hash as it is', () => {
    expect(commandLine(render(OPENEULER).text, 'rootpw')).to.equal('rootpw --lock');
    expect(commandLine(render(OPENEULER, EVERYTHING).text, 'rootpw')).to.equal(`rootpw --iscrypted ${HASH}`);
  });

  it('makes the token its very last section', () => {
    const { sections } = parseKickstart(render(OPENEULER, EVERYTHING).text);
    expect(sections.at(-1)).to.deep.include({ name: '%post', args: ['--erroronfail'] });
    expect(sections.at(-1)?.lines.join('\n')).to.contain(ISO2ROOTFS_TOKEN_PLACEHOLDER);
    expect(sections.filter(({ lines }) => lines.join().includes(ISO2ROOTFS_TOKEN_PLACEHOLDER))).to.have.length(1);
  });

  it("runs a script that reads like a kickstart's own lines, or that fakes the token, from base64", () => {
    for (const body of [
      'echo a\n%end\npoweroff\n',
      `echo '${ISO2ROOTFS_TOKEN_PLACEHOLDER}'\n`,
      'echo ä\n',
      'a \\\n%post\n',
      '#!/usr/bin/perl\nprint 1;\n',
    ]) {
      const { text } = render(OPENEULER, { postScripts: [{ name: 'step', text: body, chroot: true }] });
      const encoded = /<<'BASE64'.*\n([\s\S]*?)\nBASE64\n/.exec(text)?.[1] ?? '';
      const decoded = Buffer.from(encoded, 'base64').toString();
      expect(decoded).to.equal(body.startsWith('#!') ? body : `#!/bin/sh\n${body}`);
      expect(text).not.to.contain(body);
    }
  });

  it('keeps a plain script readable', () => {
    const body = '#!/bin/bash\n# a comment\nprintf "%s\\n" a > /etc/motd\n';
    const { text } = render(OPENEULER, { postScripts: [{ name: 'motd', text: body, chroot: false }] });
    expect(text).to.contain(`%post --erroronfail --nochroot --interpreter=/bin/bash\n# motd\n${body}%end\n`);
  });
});

describe('renderAnswerFile for debian-installer', () => {
  const answer = (text: string, question: string): string | undefined =>
    findAnswer(parsePreseed(text), question)?.value;

  it('asks a DVD for everything and no network for anything', () => {
    const { text, fileName, kernelArguments } = render(DEBIAN);
    expect(fileName).to.equal('preseed.cfg');
    expect(kernelArguments).to.include('priority=critical');
    // It would put language and keyboard off for ever: no preseed file comes over the network.
    expect(kernelArguments.join(' ')).to.not.match(/\bauto\b/);
    expect(answer(text, 'apt-setup/use_mirror')).to.equal('false');
    expect(answer(text, 'netcfg/enable')).to.equal('false');
  });

  it('asks a mirror for what a netinst CD lacks', () => {
    const { text } = render({ ...DEBIAN, variant: 'netinst' });
    expect(answer(text, 'mirror/http/hostname')).to.equal('deb.debian.org');
    expect(answer(text, 'mirror/http/directory')).to.equal('/debian');
    expect(answer(text, 'netcfg/choose_interface')).to.equal('auto');
  });

  it('takes an https mirror with a port, and no mirror list', () => {
    const url = 'https://mirror.example:8443/debian';
    const { text } = render(DEBIAN, { repository: { url, kind: 'url' } });
    expect(answer(text, 'mirror/protocol')).to.equal('https');
    expect(answer(text, 'mirror/https/hostname')).to.equal('mirror.example:8443');
    expect(refusal(DEBIAN, { repository: { url, kind: 'mirrorlist' } }).code).to.equal('USAGE');
  });

  it('gives aarch64 an EFI system partition', () => {
    expect(answer(render({ ...DEBIAN, arch: 'aarch64' }).text, 'partman-auto/expert_recipe')).to.contain(
      'method{ efi }',
    );
    expect(answer(render(DEBIAN).text, 'partman-auto/expert_recipe')).not.to.contain('efi');
  });

  it('locks root, or gives it the hash as it is', () => {
    expect(answer(render(DEBIAN).text, 'passwd/root-password-crypted')).to.equal('!');
    expect(answer(render(DEBIAN, EVERYTHING).text, 'passwd/root-password-crypted')).to.equal(HASH);
  });

  it('refuses scripts that are longer than one argument can be', () => {
    const text = 'a'.repeat(60_000);
    const postScripts = ['one', 'two'].map((name) => ({ name, text, chroot: true }));
    expect(refusal(DEBIAN, { postScripts }).message).to.contain('too long');
  });
});

describe('renderAnswerFile for Subiquity', () => {
  interface Autoinstall {
    readonly autoinstall: Readonly<Record<string, unknown>> & { readonly 'late-commands': readonly unknown[] };
  }
  const parsed = (options: Partial<AnswerModel> = {}, target = UBUNTU): Autoinstall['autoinstall'] =>
    (parseYaml(render(target, options).text) as Autoinstall).autoinstall;

  it('is a NoCloud seed', () => {
    const { text, fileName, delivery, extraFiles, kernelArguments } = render(UBUNTU);
    expect(text.split('\n')[0]).to.equal('#cloud-config');
    expect([fileName, delivery, extraFiles]).to.deep.equal([
      'user-data',
      'seed-iso',
      [{ name: 'meta-data', text: '' }],
    ]);
    expect(kernelArguments).to.include.members(['autoinstall', 'ds=nocloud']);
  });

  it('passes the hash as one word', () => {
    expect(parsed(EVERYTHING)['late-commands']).to.deep.include([
      'curtin',
      'in-target',
      '--',
      'usermod',
      '--password',
      HASH,
      'root',
    ]);
  });

  it('asks for the smaller system only where there is one', () => {
    expect(parsed({ isSlim: true })).to.have.property('source');
    expect(parsed({ isSlim: true }, { ...UBUNTU, release: '20.04' })).not.to.have.property('source');
  });

  it('makes the token its last command', () => {
    expect(parsed(EVERYTHING)['late-commands'].at(-1)).to.contain(ISO2ROOTFS_TOKEN_PLACEHOLDER);
  });

  it('refuses to name a disk', () => {
    expect(refusal(UBUNTU, { diskDevice: 'sda' }).code).to.equal('USAGE');
  });
});

describe('renderAnswerFile for openSUSE', () => {
  it('reads the profile from the initrd', () => {
    const { fileName, delivery, kernelArguments } = render(LEAP);
    expect([fileName, delivery]).to.deep.equal(['autoinst.xml', 'initrd']);
    expect(kernelArguments).to.include.members(['autoyast=file:///autoinst.xml', 'textmode=1', 'install=cd:/']);
  });

  it('takes packages from the network where the medium has none', () => {
    const { kernelArguments } = render({ ...LEAP, variant: 'net', carriesPackages: false });
    expect(kernelArguments).to.include('install=http://download.opensuse.org/distribution/leap/15.6/repo/oss/');
  });

  it('refuses what AutoYaST cannot do', () => {
    expect(refusal(LEAP, { postScripts: [{ name: 'a', text: 'b', chroot: false }] }).code).to.equal('USAGE');
    expect(refusal(LEAP, { selinux: 'enforcing' }).code).to.equal('USAGE');
  });

  it('knows no answer file for Agama', () => {
    expect(refusal({ ...LEAP, release: '16.0', family: 'agama' }).code).to.equal('UNSUPPORTED_DISTRO');
  });
});
