import { Flags } from '@oclif/core';
import { COMPRESSORS, describeLevels } from '../config/compression.js';
import { CGZ_EXCLUDES, CGZ_KINDS, DEFAULT_OUTPUTS, OUTPUTS } from '../config/outputs.js';

const ANSWER = 'ANSWER FILE';
const FORMATS = 'FORMATS';
const INSTALLATION = 'INSTALLATION';

/** Which medium. */
export const mediumFlags = {
  distro: Flags.string({ char: 'd', summary: 'Distribution, e.g. openeuler.', helpValue: 'NAME' }),
  release: Flags.string({ char: 'r', summary: 'Release, e.g. 22.03-lts.', helpValue: 'RELEASE' }),
  arch: Flags.string({ char: 'a', summary: 'Architecture.', options: ['x86_64', 'aarch64'] }),
  variant: Flags.string({ summary: 'Medium of the release: dvd, netinst, minimal...', helpValue: 'NAME' }),
};

/** Where the ISO is, and how much of it is believed. */
export const isoFlags = {
  iso: Flags.string({
    char: 'f',
    summary: 'The ISO: a path or an http(s) URL. Default: where the catalogue says that the release is.',
    helpValue: 'PATH|URL',
  }),
  sha256: Flags.string({ summary: 'SHA-256 that the ISO must have.', helpValue: 'HEX' }),
  'require-checksum': Flags.boolean({ summary: 'Refuse an ISO that nobody publishes a checksum of.', allowNo: true }),
  offline: Flags.boolean({ summary: 'Fetch nothing: use what is there.', allowNo: true }),
};

/** What the generated answer file says. */
export const generatedAnswerFlags = {
  'root-password': Flags.string({
    summary: 'random, disabled (default: root is locked), file:PATH or crypted:HASH.',
    description: 'A random one is written to the file root-password in the output directory.',
    helpValue: 'HOW',
    helpGroup: ANSWER,
  }),
  'ssh-inject': Flags.string({
    summary: "File with public keys for root's authorized_keys; may be given several times.",
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'FILE',
    helpGroup: ANSWER,
  }),
  packages: Flags.string({
    summary: 'Packages to install as well: a comma-separated list.',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'LIST',
    helpGroup: ANSWER,
  }),
  'package-group': Flags.string({
    summary: 'Package group, task or pattern to install as well; may be given several times.',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME',
    helpGroup: ANSWER,
  }),
  slim: Flags.boolean({
    summary: 'No documentation, no other locales, no caches, no firmware that nobody asked for.',
    helpGroup: ANSWER,
  }),
  timezone: Flags.string({ summary: 'Time zone. Default: Etc/UTC.', helpValue: 'ZONE', helpGroup: ANSWER }),
  lang: Flags.string({ summary: 'Locale. Default: en_US.UTF-8.', helpValue: 'LOCALE', helpGroup: ANSWER }),
  keyboard: Flags.string({ summary: 'Keyboard layout. Default: us.', helpValue: 'LAYOUT', helpGroup: ANSWER }),
  hostname: Flags.string({ summary: 'Host name.', helpValue: 'NAME', helpGroup: ANSWER }),
  'kernel-args': Flags.string({
    summary: "Arguments for the installed system's own boot loader.",
    helpValue: 'ARGS',
    helpGroup: ANSWER,
  }),
  post: Flags.string({
    summary: 'Script that runs in the installed system at the end; may be given several times.',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'FILE',
    helpGroup: ANSWER,
  }),
};

/** The answer file: generated, or the user's own. */
export const answerFlags = {
  'answer-file': Flags.string({
    summary: 'Your own answer file (kickstart, preseed, autoinstall or AutoYaST) instead of a generated one.',
    helpValue: 'FILE',
    helpGroup: ANSWER,
  }),
  ...generatedAnswerFlags,
  selinux: Flags.string({
    summary: 'SELinux in the outputs: as installed, or set so. Labels are kept. Default: keep.',
    options: ['keep', 'permissive', 'disabled'],
    helpGroup: ANSWER,
  }),
};

/** How it is installed; nothing here changes the bytes but the size of the disk. */
export const installationFlags = {
  accel: Flags.string({
    summary: 'Run guests by KVM or by software emulation.',
    options: ['auto', 'kvm', 'tcg'],
    helpGroup: INSTALLATION,
  }),
  engine: Flags.string({
    summary:
      "Who reads the installed disk: the libguestfs appliance (guestfs, default), or this host's kernel (mount).",
    description:
      "mount needs root and loop devices, and is many times faster where KVM is missing. It lets the host's kernel parse the guest's file systems: take it for media that you trust.",
    options: ['guestfs', 'mount'],
    helpGroup: INSTALLATION,
  }),
  connect: Flags.string({
    summary: 'libvirt to use. Default: qemu:///system for root, qemu:///session for others.',
    helpValue: 'URI',
    helpGroup: INSTALLATION,
  }),
  memory: Flags.string({
    summary: 'Memory of the guest. Default: what the release needs, at least 4G.',
    helpValue: 'SIZE',
    helpGroup: INSTALLATION,
  }),
  vcpus: Flags.integer({
    summary: 'Processors of the guest. Default: those of the host, at most 4.',
    min: 1,
    max: 255,
    helpGroup: INSTALLATION,
  }),
  jobs: Flags.integer({
    summary: 'Most conversions at once with this cache: further ones wait their turn. Default: one for two processors.',
    min: 1,
    max: 1000,
    helpGroup: INSTALLATION,
  }),
  'disk-size': Flags.string({
    summary: 'Size of the disk; only what is written takes space. Default: what the release needs, at least 10G.',
    helpValue: 'SIZE',
    helpGroup: INSTALLATION,
  }),
  timeout: Flags.string({ summary: 'Longest installation. Default: 90m.', helpValue: 'TIME', helpGroup: INSTALLATION }),
  'idle-timeout': Flags.string({
    summary: 'Longest time in which nothing moves; thrice that, at least 30m, if it only computes. Default: 10m.',
    helpValue: 'TIME',
    helpGroup: INSTALLATION,
  }),
  console: Flags.boolean({ summary: 'Follow the serial console of the installation.', helpGroup: INSTALLATION }),
  retry: Flags.boolean({
    summary: 'Try once more with more, after an installation that had too little memory or disk.',
    default: true,
    allowNo: true,
    helpGroup: INSTALLATION,
  }),
  debug: Flags.boolean({
    summary: 'After a failure leave the domain running, say how to attach to its console, and wait for Ctrl-C.',
    helpGroup: INSTALLATION,
  }),
  'keep-on-failure': Flags.boolean({
    summary: 'Keep the disk of a failed installation beside its logs.',
    helpGroup: INSTALLATION,
  }),
};

/** Where the result goes. */
export const outputFlags = {
  output: Flags.string({
    char: 'o',
    summary: 'Output directory.',
    description:
      'Default: ./<distro>-<release>-<arch>. One that iso2rootfs wrote is replaced; any other that is not empty is refused.',
    helpValue: 'DIR',
  }),
  outputs: Flags.string({
    summary: `What to write: a list of ${OUTPUTS.join(', ')}. Default: ${DEFAULT_OUTPUTS.join(',')}.`,
    helpValue: 'LIST',
  }),
  'cgz-kind': Flags.string({
    summary: 'What initramfs.cgz holds: the files (tree, default), or a squashfs image under an overlay in memory.',
    description:
      'squashfs keeps capabilities and labels and needs the least memory; the kernel must have squashfs, overlay and loop, built in or as modules.',
    options: [...CGZ_KINDS],
    helpGroup: FORMATS,
  }),
  'cgz-exclude': Flags.string({
    summary: `What a tree leaves out: a list of ${CGZ_EXCLUDES.join(', ')}, or none. Default: none.`,
    description: 'The modules go into modules.cgz: give the kernel both, one after the other.',
    helpValue: 'LIST',
    helpGroup: FORMATS,
  }),
  compress: Flags.string({
    summary: 'How initramfs.cgz, modules.cgz and squashfs images are compressed. Default: gzip.',
    description: 'Kernels unpack an initramfs that is compressed with zstd since 5.9.',
    options: [...COMPRESSORS],
    helpGroup: FORMATS,
  }),
  'compress-level': Flags.integer({
    summary: `Level of --compress. Default: ${describeLevels()}.`,
    helpValue: 'N',
    helpGroup: FORMATS,
  }),
};
