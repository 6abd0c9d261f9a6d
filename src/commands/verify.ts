import { Args, Flags } from '@oclif/core';
import { BaseCommand, ENVIRONMENT_HELP, EXIT_CODES_HELP } from '../cli/base-command.js';
import { formatDuration, printable } from '../cli/format.js';
import { Iso2RootfsError, verifyOutput, type VerifiedBoot, type VerifiedOutput, type Verifiable } from '../index.js';
import { parseBytes, parseDuration, DURATION_WANTED, SIZE_WANTED } from '../config/quantity.js';

const KINDS: readonly Verifiable[] = ['cgz', 'nfsroot', 'disk'];

export default class Verify extends BaseCommand {
  static override summary = 'Boot an image in a virtual machine and say whether it comes up.';
  static override description = `What is booted (--outputs; default: cgz and nfsroot, where they are there):
  cgz       vmlinuz with initramfs.cgz, at exactly the least memory that the manifest states
  nfsroot   vmlinuz with initrd.img, the root over NFS, twice: exported read-only with an overlay in memory over it, and read-write.
            Needs root, nfs-ganesha and rpcbind, which run in a network namespace of their own and serve a throw-away layer
  disk      the disk image, by its own boot loader; what it writes is forgotten
No file of an image is changed: a small archive that the kernel unpacks as well adds one unit, which reports on a second serial port.

An image passes when its default target is reached, the manifest's kernel runs, the root is what it should be, a network address was got,
files that have a capability (ping) still have it where the root can carry it, and the machine powers off. Failed units and
\`systemctl is-system-running\` are reported. A failure is named: initramfs-too-large, initramfs-damaged, out-of-memory, dracut-refused,
initramfs-tools-refused, no-overlay, kernel-panic, emergency-mode, rescue-mode, root-unreachable, ordering-cycle, target-not-reached,
timed-out, ended-early, wrong-kernel, wrong-root, capability-lost, no-address, shutdown-hangs.

One line for each boot on stdout. The manifest of the directory, and of the object in the cache that it was written from, says afterwards
what came of it (verification), and logs/verify-*.log have the consoles; not so a boot with less memory than is stated.

${ENVIRONMENT_HELP}

${EXIT_CODES_HELP}`;
  static override examples = [
    '<%= config.bin %> verify ./openeuler-22.03-lts-x86_64',
    {
      description: 'An object of the cache, by the beginning of its key',
      command: '<%= config.bin %> verify 7575ff99',
    },
    {
      description: 'Whether it would come up in 2 GiB',
      command: '<%= config.bin %> verify ./rocky-9-x86_64 --outputs cgz --memory 2G',
    },
  ];
  static override args = {
    target: Args.string({
      required: true,
      description: 'An output directory, or a key of the cache or its beginning.',
    }),
  };
  static override flags = {
    outputs: Flags.string({ summary: `What to boot: a list of ${KINDS.join(', ')}.`, helpValue: 'LIST' }),
    memory: Flags.string({
      summary: 'Memory of the machines. Default: what the manifest states for the cgz, 1G for the others.',
      helpValue: 'SIZE',
    }),
    timeout: Flags.string({
      summary: 'Longest boot. Default: 5m, 15m by software emulation.',
      helpValue: 'TIME',
    }),
    accel: Flags.string({ summary: 'Run by KVM or by software emulation.', options: ['auto', 'kvm', 'tcg'] }),
    'tools-path': Flags.string({ char: 'p', summary: 'Look for programs there first.', helpValue: 'DIR' }),
    console: Flags.boolean({ summary: 'Follow the serial consoles.' }),
  };

  override async run(): Promise<VerifiedOutput> {
    const { args, flags } = await this.parse(Verify);
    const { outputs, memory, timeout, ...others } = flags;
    const settings = await this.settings(others);
    const verified = await verifyOutput(
      {
        target: args.target,
        outputs: outputs === undefined ? undefined : parseKinds(outputs),
        memoryMiB:
          memory === undefined ? undefined : Math.ceil(quantity('memory', memory, parseBytes, SIZE_WANTED) / 2 ** 20),
        timeoutMs: timeout === undefined ? undefined : quantity('timeout', timeout, parseDuration, DURATION_WANTED),
        acceleration: settings['build.accel'],
        libvirtUri: settings['libvirt.uri'],
      },
      {
        cacheDirectory: settings['cache.directory'],
        toolsPath: settings['build.toolsPath'],
        signal: this.signal,
        emit: this.report({ showsConsole: flags.console }),
        onBoot: (boot) => {
          if (!this.jsonEnabled()) process.stdout.write(`${describe(boot)}\n`);
        },
      },
    );
    return verified;
  }
}

function parseKinds(list: string): Verifiable[] {
  const names = list.split(',').map((name) => name.trim().toLowerCase());
  const unknown = names.find((name) => !(KINDS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new Iso2RootfsError('USAGE', `--outputs: there is nothing to boot called ${unknown}`, {
      hint: `Give a list of ${KINDS.join(', ')}.`,
    });
  }
  return KINDS.filter((kind) => names.includes(kind));
}

function quantity(flag: string, text: string, parse: (text: string) => number | undefined, wanted: string): number {
  const value = parse(text);
  if (value === undefined) throw new Iso2RootfsError('USAGE', `--${flag} ${text}: not ${wanted}`);
  return value;
}

/** `passed  cgz  graphical.target on tmpfs after 23 s, 1184 MiB, 10.0.2.15/24`, and a line for each problem. */
function describe({ name, passed, problems, report, elapsedMs, memoryMiB }: VerifiedBoot): string {
  const reached = [report.defaultTarget, report.root === undefined ? undefined : `on ${report.root}`];
  const facts = [
    [...reached, `after ${formatDuration(elapsedMs)}`].filter((part) => part !== undefined).join(' '),
    `${memoryMiB} MiB`,
    ...(report.state === undefined ? [] : [`state ${report.state}`]),
    ...report.addresses.slice(0, 1),
  ];
  const lines = [`${(passed ? 'passed' : 'FAILED').padEnd(7)} ${name.padEnd(18)} ${facts.join(', ')}`];
  for (const { name: problem, message } of problems) lines.push(`        ${problem}: ${message}`);
  return lines.map(printable).join('\n');
}
