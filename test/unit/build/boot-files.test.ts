import { expect } from 'chai';
import { chooseBootPair, compareVersions } from '../../../src/build/boot-files.js';
import { failureOf } from '../tools/fake-programs.js';

describe('compareVersions', () => {
  // Each is newer than the one before it.
  const ordered = [
    '4.18.0-305.el8.x86_64',
    '4.18.0-1000.el8.x86_64',
    '5.4.0-9-generic',
    '5.10.0-60.18.0.50.oe2203.x86_64',
    '5.10.0-60.18.0.100.oe2203.x86_64',
    '6.1.0~rc7-amd64',
    '6.1.0-9-amd64',
    '6.1.0-10-amd64',
    '6.12.0-1-default',
  ];
  it('compares numbers as numbers, and a tilde before everything', () => {
    const shuffled = [...ordered].reverse().sort(compareVersions);
    expect(shuffled).to.deep.equal(ordered);
    expect(compareVersions('6.1.0-9', '6.1.0-9')).to.equal(0);
    expect(compareVersions('1.0', '1.0~rc1')).to.be.greaterThan(0);
    expect(compareVersions('1.0a', '1.01')).to.be.lessThan(0);
    expect(compareVersions('99999999999999999998', '99999999999999999999')).to.be.lessThan(0);
  });
});

describe('chooseBootPair', () => {
  const boots: Readonly<Record<string, readonly [names: readonly string[], kernel: string, initrd: string]>> = {
    'an EL /boot with rescue and kdump images': [
      [
        'vmlinuz-0-rescue-0123456789abcdef0123456789abcdef',
        'vmlinuz-5.10.0-60.18.0.50.oe2203.x86_64',
        '.vmlinuz-5.10.0-60.18.0.50.oe2203.x86_64.hmac',
        'initramfs-0-rescue-0123456789abcdef0123456789abcdef.img',
        'initramfs-5.10.0-60.18.0.50.oe2203.x86_64.img',
        'initramfs-5.10.0-60.18.0.50.oe2203.x86_64kdump.img',
        'config-5.10.0-60.18.0.50.oe2203.x86_64',
        'System.map-5.10.0-60.18.0.50.oe2203.x86_64',
        'grub2',
      ],
      'vmlinuz-5.10.0-60.18.0.50.oe2203.x86_64',
      'initramfs-5.10.0-60.18.0.50.oe2203.x86_64.img',
    ],
    'a Debian /boot with two kernels': [
      ['vmlinuz-6.1.0-9-amd64', 'vmlinuz-6.1.0-10-amd64', 'initrd.img-6.1.0-9-amd64', 'initrd.img-6.1.0-10-amd64'],
      'vmlinuz-6.1.0-10-amd64',
      'initrd.img-6.1.0-10-amd64',
    ],
    'a SUSE /boot with its links': [
      ['vmlinuz', 'initrd', 'vmlinuz-6.4.0-150600.21-default', 'initrd-6.4.0-150600.21-default'],
      'vmlinuz-6.4.0-150600.21-default',
      'initrd-6.4.0-150600.21-default',
    ],
    'an aarch64 /boot': [
      ['Image-6.4.0-1-default', 'initrd-6.4.0-1-default'],
      'Image-6.4.0-1-default',
      'initrd-6.4.0-1-default',
    ],
    'one of SUSE, with a kernel for debuggers': [
      ['vmlinuz-6.4.0-1-default', 'vmlinux-6.4.0-1-default.gz', 'initrd-6.4.0-1-default', 'symvers-6.4.0-1-default.gz'],
      'vmlinuz-6.4.0-1-default',
      'initrd-6.4.0-1-default',
    ],
    'one that has a kernel as ELF as well': [
      ['vmlinux-6.4.0-1-default', 'Image-6.4.0-1-default', 'initrd-6.4.0-1-default'],
      'Image-6.4.0-1-default',
      'initrd-6.4.0-1-default',
    ],
    'what dpkg leaves of an older one': [
      ['vmlinuz-6.1.0-9-amd64', 'initrd.img-6.1.0-9-amd64', 'vmlinuz-6.1.0-10-amd64.dpkg-bak', 'vmlinuz-7.old'],
      'vmlinuz-6.1.0-9-amd64',
      'initrd.img-6.1.0-9-amd64',
    ],
  };
  for (const [what, [names, kernel, initrd]] of Object.entries(boots)) {
    it(`finds its way in ${what}`, () => {
      for (const listed of [names, [...names].reverse()]) expect(chooseBootPair(listed)).to.include({ kernel, initrd });
    });
  }

  const broken: Readonly<Record<string, readonly string[]>> = {
    'it is empty': [],
    'there are only rescue kernels': ['vmlinuz-0-rescue-x', 'initramfs-0-rescue-x.img'],
    'the newest kernel has no initrd': ['vmlinuz-6.1.0-10-amd64', 'vmlinuz-6.1.0-9-amd64', 'initrd.img-6.1.0-9-amd64'],
    'it has only a kdump initrd': ['vmlinuz-5.10.0-1.x86_64', 'initramfs-5.10.0-1.x86_64kdump.img'],
  };
  for (const [what, names] of Object.entries(broken)) {
    it(`lists what /boot holds when ${what}`, async () => {
      const failure = await failureOf(Promise.resolve().then(() => chooseBootPair(names)));
      expect(failure.code).to.equal('BUILD_FAILED');
      expect(failure.message).to.contain(names.length === 0 ? 'nothing' : [...names].sort().join(', '));
    });
  }

  it('prefers a kernel to its debugging twin', () => {
    const names = ['5.14.0-1.el9.x86_64', '5.14.0-1.el9.x86_64+debug'].flatMap((version) => [
      `vmlinuz-${version}`,
      `initramfs-${version}.img`,
    ]);
    expect(chooseBootPair(names).kernel).to.equal('vmlinuz-5.14.0-1.el9.x86_64');
  });
});
