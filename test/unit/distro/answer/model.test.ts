import { expect } from 'chai';
import { createAnswerModel, type AnswerModel } from '../../../../src/distro/answer/index.js';
import { Iso2RootfsError } from '../../../../src/errors.js';
import { HASH } from './targets.js';

function refusal(options: Partial<AnswerModel>): Iso2RootfsError {
  try {
    createAnswerModel(options);
  } catch (error) {
    if (error instanceof Iso2RootfsError) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(options)}`);
}

const script = (text: string): Partial<AnswerModel> => ({ postScripts: [{ name: 'step', text, chroot: true }] });

describe('createAnswerModel', () => {
  it('locks root and keeps SELinux from getting in the way unless told otherwise', () => {
    const model = createAnswerModel();
    expect(model.rootAccess).to.deep.equal({ kind: 'locked' });
    expect(model.selinux).to.equal('permissive');
    expect(model.timezone).to.equal('Etc/UTC');
  });

  it('takes the default for an option that is given as undefined', () => {
    expect(createAnswerModel({ hostname: undefined, repository: undefined }).diskDevice).to.equal('vda');
  });

  const refused: readonly [string, Partial<AnswerModel>][] = [
    ['a package with a line break', { packages: ['vim\n%end'] }],
    ['a package that excludes', { packages: ['-kernel'] }],
    ['a package that is a comment', { packages: ['#vim'] }],
    ['a package with a blank', { packages: ['vim emacs'] }],
    ['a package that is a section', { packages: ['%end'] }],
    ['a group with a quote', { packageGroups: ['a"b'] }],
    ['an empty group', { packageGroups: ['^'] }],
    ['a host name with a quote', { hostname: 'a"b' }],
    ['a host name that begins with a hyphen', { hostname: '-a' }],
    ['a host name of 254 characters', { hostname: `${'a.'.repeat(126)}ab` }],
    ['a kernel argument with a blank', { kernelArguments: ['a b'] }],
    ['a kernel argument with a quote', { kernelArguments: ['a="b"'] }],
    ['a kernel argument that the shell would expand', { kernelArguments: ['a=$(reboot)'] }],
    ['an empty kernel argument', { kernelArguments: [''] }],
    ['a service that is an option', { services: { enable: ['--now'], disable: [] } }],
    ['a service with a comma', { services: { enable: [], disable: ['a,b'] } }],
    ['a language with a blank', { language: 'en_US; reboot' }],
    ['a keyboard with a line break', { keyboard: 'us\nreboot' }],
    ['a time zone that climbs', { timezone: '../etc/passwd' }],
    ['a disk with a slash', { diskDevice: '/dev/vda' }],
    ['an SSH key of two lines', { sshKeys: ['ssh-ed25519 AAAA\nssh-ed25519 BBBB'] }],
    ['an SSH key with options', { sshKeys: ['command="sh" ssh-ed25519 AAAA'] }],
    ['a repository that is a file', { repository: { kind: 'url', url: 'file:///etc' } }],
    ['a repository with a quote', { repository: { kind: 'url', url: 'http://a/" --x' } }],
    ['a password hash with a line break', { rootAccess: { kind: 'hash', hash: `${HASH}\n` } }],
    ['an MD5 hash', { rootAccess: { kind: 'hash', hash: '$1$salt$AAAAAAAAAAAAAAAAAAAAAA' } }],
    ['a script with a NUL byte', script('a\0b')],
    ['a script that is half of a character', script('\uD800')],
    ['a script that is too long', script('a'.repeat(70_000))],
    ['a script name with a line break', { postScripts: [{ name: 'a\n%end', text: '', chroot: true }] }],
  ];
  for (const [what, options] of refused) {
    it(`refuses ${what}`, () => {
      const error = refusal(options);
      expect(error.code).to.equal('USAGE');
      expect(error.hint).to.be.a('string');
    });
  }

  it('never quotes a refused hash', () => {
    expect(refusal({ rootAccess: { kind: 'hash', hash: 'hunter2' } }).message).not.to.contain('hunter2');
  });

  const accepted: readonly Partial<AnswerModel>[] = [
    { rootAccess: { kind: 'hash', hash: HASH } },
    { rootAccess: { kind: 'hash', hash: `$5$saltsalt$${'a'.repeat(43)}` } },
    { rootAccess: { kind: 'hash', hash: `$y$j9T$${'a'.repeat(22)}$${'b'.repeat(43)}` } },
    {
      packages: ['g++', 'libstdc++.i686', 'python3.11', '389-ds'],
      packageGroups: ['^minimal-environment', 'c-development'],
    },
    { kernelArguments: ['ip=dhcp', 'dyndbg=#x', 'modprobe.blacklist=a,b', 'nfsroot=10.0.0.1:/srv'] },
    { language: 'C.UTF-8', timezone: 'America/Argentina/Buenos_Aires', keyboard: 'de-nodeadkeys' },
    { language: 'sr_RS.UTF-8@latin' },
    { services: { enable: ['getty@tty1.service'], disable: ['firewalld'] } },
    { sshKeys: ['ssh-ed25519 AAAAC3Nz root@host', 'ecdsa-sha2-nistp256 AAAA= Jürgen #1', 'ssh-rsa AAAA'] },
    { repository: { kind: 'mirrorlist', url: 'https://mirror.example/list?arch=$basearch&repo=os' } },
    script('#!/bin/sh\n%end\n"\'#\\\r\n'),
  ];
  for (const options of accepted) {
    it(`accepts ${JSON.stringify(options).slice(0, 80)}`, () => {
      expect(createAnswerModel(options)).to.include(options);
    });
  }
});
