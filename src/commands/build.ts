import { Flags } from '@oclif/core';
import { availableParallelism } from 'node:os';
import { BaseCommand, EXIT_CODES_HELP } from '../cli/base-command.js';
import { parseBytes, parseDuration } from '../cli/parse-quantity.js';
import {
  build,
  defaultCacheDirectory,
  defaultUri,
  Iso2RootfsError,
  OUTPUTS,
  type Manifest,
  type Arch,
  type Output,
  type Recipe,
} from '../index.js';

export default class Build extends BaseCommand {
  static override summary = 'Convert an installer ISO into a bootable root filesystem, or take it from the cache.';
  static override description = `The ISO is recognised, installed unattended into a raw disk by virt-install, and the disk converted into rootfs.tar, nfsroot/
and initramfs.cgz (the whole system in memory), with vmlinuz and initrd.img. The same ISO is never installed twice.

\`build\` is the command when the first argument is a flag: \`iso2rootfs -f ISO\` is \`iso2rootfs build -f ISO\`.

FILES (in the output directory)
  rootfs.tar      the file system: numeric owners, capabilities, ACLs, xattrs, labels
  nfsroot/        the same, unpacked
  initramfs.cgz   the same as gzipped newc cpio: boot it with vmlinuz
  vmlinuz, initrd.img
  manifest.json   inputs, hashes, commands, timings, what a format could not hold
  SHA256SUMS      for sha256sum -c
  logs/           of every program that ran, and the console of the installation

ENVIRONMENT
  ISO2ROOTFS_CACHE_DIR   directory of the cache
  LIBVIRT_DEFAULT_URI    libvirt to use; default: qemu:///system for root, qemu:///session for others
  SUPERMIN_KERNEL        kernel of the libguestfs appliance, where /boot has none that can be read

${EXIT_CODES_HELP}`;
  static override examples = [
    {
      description: 'Convert an ISO; the medium says what it is',
      command: '<%= config.bin %> -f openEuler-22.03-LTS-x86_64-dvd.iso',
    },
    {
      description: 'Insist on what it is, and choose where the result goes',
      command:
        '<%= config.bin %> build -d openeuler -r 22.03-lts -f openEuler-22.03-LTS-x86_64-dvd.iso -o /srv/os/openeuler',
    },
    {
      description: 'Only a cgz and its kernel, with the manifest on stdout',
      command: '<%= config.bin %> -f some.iso --outputs cgz,kernel --json',
    },
    { description: 'With your own kickstart', command: '<%= config.bin %> -f some.iso --answer-file my.ks' },
  ];
  static override flags = {
    distro: Flags.string({ char: 'd', summary: 'Distribution, e.g. openeuler.', helpValue: 'NAME' }),
    release: Flags.string({ char: 'r', summary: 'Release, e.g. 22.03-lts.', helpValue: 'RELEASE' }),
    arch: Flags.string({ char: 'a', summary: 'Architecture.', options: ['x86_64', 'aarch64'] }),
    iso: Flags.string({ char: 'f', summary: 'The ISO.', helpValue: 'PATH' }),
    sha256: Flags.string({ summary: 'SHA-256 that the ISO must have.', helpValue: 'HEX' }),
    'answer-file': Flags.string({ summary: 'Your own answer file (kickstart...).', helpValue: 'FILE' }),
    output: Flags.string({
      char: 'o',
      summary: 'Output directory.',
      description:
        'Default: ./<distro>-<release>-<arch>. One that iso2rootfs wrote is replaced; any other that is not empty is refused.',
      helpValue: 'DIR',
    }),
    outputs: Flags.string({
      summary: `What to write: a list of ${OUTPUTS.join(', ')}.`,
      default: OUTPUTS.join(','),
      helpValue: 'LIST',
    }),
    'tools-path': Flags.directory({
      char: 'p',
      summary: 'Look for the virt-* tools there first.',
      exists: false,
      helpValue: 'DIR',
    }),
    accel: Flags.string({
      summary: 'Run guests by KVM or by software emulation.',
      options: ['auto', 'kvm', 'tcg'],
      default: 'auto',
      helpGroup: 'INSTALLATION',
    }),
    connect: Flags.string({
      summary: 'libvirt to use.',
      env: 'LIBVIRT_DEFAULT_URI',
      helpValue: 'URI',
      helpGroup: 'INSTALLATION',
    }),
    memory: Flags.string({
      summary: 'Memory of the guest.',
      default: '4G',
      helpValue: 'SIZE',
      helpGroup: 'INSTALLATION',
    }),
    vcpus: Flags.integer({
      summary: 'Processors of the guest. Default: those of the host, at most 4.',
      min: 1,
      max: 255,
      helpGroup: 'INSTALLATION',
    }),
    'disk-size': Flags.string({
      summary: 'Size of the disk; only what is written takes space.',
      default: '10G',
      helpValue: 'SIZE',
      helpGroup: 'INSTALLATION',
    }),
    timeout: Flags.string({
      summary: 'Longest installation.',
      default: '90m',
      helpValue: 'TIME',
      helpGroup: 'INSTALLATION',
    }),
    'idle-timeout': Flags.string({
      summary: 'Longest time in which nothing moves.',
      default: '10m',
      helpValue: 'TIME',
      helpGroup: 'INSTALLATION',
    }),
    console: Flags.boolean({ summary: 'Follow the serial console of the installation.', helpGroup: 'INSTALLATION' }),
    cache: Flags.boolean({ summary: 'Use the cache; --no-cache converts anew.', default: true, allowNo: true }),
  };

  override async run(): Promise<Manifest & { output: string; isFromCache: boolean }> {
    const { flags } = await this.parse(Build);
    if (flags.iso === undefined) {
      throw new Iso2RootfsError('USAGE', 'no ISO was given', { hint: 'iso2rootfs -f PATH_OF_THE_ISO' });
    }
    if (flags.sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(flags.sha256)) {
      throw new Iso2RootfsError('USAGE', `--sha256 ${flags.sha256}: not a SHA-256`, {
        hint: 'Give 64 hexadecimal digits.',
      });
    }
    const emit = this.report({ showsConsole: flags.console });
    const result = await build(
      {
        iso: flags.iso,
        distro: flags.distro,
        release: flags.release,
        arch: flags.arch as Arch | undefined,
        expectedSha256: flags.sha256,
        answerFilePath: flags['answer-file'],
        outputDirectory: flags.output,
        outputs: parseOutputs(flags.outputs),
        memoryMiB: Math.ceil(parseBytes('memory', flags.memory) / 2 ** 20),
        vcpus: flags.vcpus ?? Math.min(4, availableParallelism()),
        diskSizeBytes: parseBytes('disk-size', flags['disk-size']),
        timeoutMs: parseDuration('timeout', flags.timeout),
        idleTimeoutMs: parseDuration('idle-timeout', flags['idle-timeout']),
        libvirtUri: flags.connect ?? defaultUri(),
        acceleration: flags.accel as Recipe['acceleration'],
        isCacheUsed: flags.cache,
      },
      {
        cacheDirectory: flags['cache-dir'] ?? defaultCacheDirectory(),
        toolsPath: flags['tools-path'],
        signal: this.signal,
        emit,
      },
    );
    if (!this.jsonEnabled()) process.stdout.write(`${result.outputDirectory}\n`);
    return { ...result.manifest, output: result.outputDirectory, isFromCache: result.isFromCache };
  }
}

function parseOutputs(list: string): Output[] {
  const names = list.split(',').map((name) => name.trim().toLowerCase());
  const isOutput = (name: string): name is Output => (OUTPUTS as readonly string[]).includes(name);
  for (const name of names) {
    if (!isOutput(name)) {
      throw new Iso2RootfsError('USAGE', `--outputs ${list}: there is no output '${name}'`, {
        hint: `Choose from ${OUTPUTS.join(', ')}.`,
      });
    }
  }
  return OUTPUTS.filter((output) => names.includes(output));
}
