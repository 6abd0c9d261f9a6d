import { Flags } from '@oclif/core';
import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../cli/base-command.js';
import { answerFlags, installationFlags, isoFlags, mediumFlags, outputFlags } from '../cli/recipe-flags.js';
import { toRecipe } from '../cli/to-recipe.js';
import { Store, build, catalogDirectories, pruneCache, type Emit, type Manifest, type Settings } from '../index.js';

export default class Build extends BaseCommand {
  static override summary = 'Convert an installer ISO into a bootable root filesystem, or take it from the cache.';
  static override description = `The ISO is downloaded and verified (a release of the catalogue, a URL) or read (a file), recognised, installed unattended into a raw
disk by virt-install, and the disk converted into rootfs.tar, nfsroot/ and initramfs.cgz (the whole system in memory), with
vmlinuz and initrd.img. The same ISO is never installed twice, and one that has been converted before is not even downloaded.

\`build\` is the command when the first argument is a flag: \`iso2rootfs -f ISO\` is \`iso2rootfs build -f ISO\`.

FILES (in the output directory)
  rootfs.tar      the file system: numeric owners, capabilities, ACLs, xattrs, labels
  nfsroot/        the same, unpacked
  initramfs.cgz   the same as gzipped newc cpio: boot it with vmlinuz; --cgz-kind, --cgz-exclude and --compress make others
  modules.cgz     with --cgz-exclude modules: give the kernel initramfs.cgz and this, in this order
  vmlinuz, initrd.img
  manifest.json   inputs, hashes, commands, timings, what a format could not hold
  packages.json, sbom.cdx.json   what is installed, and the same as a CycloneDX bill of materials
  guest-record.gz what the guest's file system said of its files, for iso2rootfs audit
  SHA256SUMS      for sha256sum -c
  root-password   with --root-password random
  rootfs.squashfs, rootfs.oci.tar, rootfs.docker.tar, disk.qcow2, disk.raw, rootfs.tar.gz, rootfs.tar.xz, rootfs.tar.zst
                  with --outputs squashfs, oci, docker, qcow2, raw, tar.gz, tar.xz, tar.zst
  logs/           of every program that ran, and the console of the installation

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    { description: 'A release of the catalogue', command: '<%= config.bin %> -d openeuler -r 22.03-lts' },
    {
      description: 'An ISO that is there; it says itself what it is',
      command: '<%= config.bin %> -f openEuler-22.03-LTS-x86_64-dvd.iso -o /srv/os/openeuler',
    },
    {
      description: 'Only a cgz and its kernel, with the manifest on stdout',
      command: '<%= config.bin %> -f some.iso --outputs cgz,kernel --json',
    },
    {
      description:
        'A cgz that needs little memory and keeps capabilities, and a container image, of what is in the cache',
      command: '<%= config.bin %> -d rocky -r 9 --outputs cgz,kernel,oci --cgz-kind squashfs',
    },
    {
      description: 'With packages, an ssh key and a script of your own',
      command: '<%= config.bin %> -d rocky -r 9 --packages gcc,make --ssh-inject ~/.ssh/id_ed25519.pub --post setup.sh',
    },
    { description: 'With your own kickstart', command: '<%= config.bin %> -f some.iso --answer-file my.ks' },
  ];
  static override flags = {
    ...mediumFlags,
    ...isoFlags,
    ...outputFlags,
    'tools-path': Flags.string({ char: 'p', summary: 'Look for the virt-* tools there first.', helpValue: 'DIR' }),
    cache: Flags.boolean({ summary: 'Use the cache; --no-cache makes everything anew.', default: true, allowNo: true }),
    verify: Flags.boolean({
      summary: 'Boot what was made before it counts as good; see iso2rootfs verify --help.',
      description:
        'An image that fails is marked in the cache, given to nobody, and the exit status is 1 (VERIFY_FAILED).',
    }),
    ...answerFlags,
    ...installationFlags,
  };

  override async run(): Promise<Manifest & { output: string; isFromCache: boolean }> {
    const { flags } = await this.parse(Build);
    const settings = await this.settings(flags);
    const recipe = toRecipe(flags, flags.cache ? 'use' : 'renew', settings);
    const emit = this.report({ showsConsole: flags.console });
    const result = await build(recipe, {
      cacheDirectory: settings['cache.directory'],
      catalogDirectories: catalogDirectories(),
      toolsPath: settings['build.toolsPath'],
      signal: this.signal,
      emit,
    });
    if (!result.isFromCache) await this.#keepBounds(settings, emit);
    if (!this.jsonEnabled()) process.stdout.write(`${result.outputDirectory}\n`);
    return { ...result.manifest, output: result.outputDirectory, isFromCache: result.isFromCache };
  }

  /** A cache that has grown is brought back within the bounds that the settings give it, if they do. */
  async #keepBounds(settings: Settings, emit: Emit): Promise<void> {
    const policy = {
      maxSizeBytes: settings['cache.maxSize'],
      maxAgeMs: settings['cache.maxAge'],
      keepLast: settings['cache.keepLast'],
    };
    if (Object.values(policy).every((bound) => bound === Infinity)) return;
    try {
      await pruneCache(await Store.open(settings['cache.directory']), {
        policy,
        isDryRun: false,
        libvirtUri: settings['libvirt.uri'],
        toolsPath: settings['build.toolsPath'],
        signal: this.signal,
        emit,
      });
    } catch (error) {
      // The result is there; a cache that is too large is no reason to fail.
      emit({
        type: 'warning',
        message: `The cache could not be pruned: ${error instanceof Error ? error.message : String(error)}`,
      });
    }
  }
}
