/**
 * Boots a kernel and an initramfs in QEMU, without libvirt, and talks to it over the serial console.
 *
 *     const machine = await BootedImage.start({ kernelPath, initrdPath });
 *     try { await machine.waitFor(/login: /, { timeoutMs: 180_000 }); } finally { await machine.stop(); }
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { chooseAccelerator, type Accelerator } from '../../src/tools/accelerator.js';

export interface BootOptions {
  readonly kernelPath: string;
  readonly initrdPath: string;
  /** Besides `console=ttyS0`. Default: none. */
  readonly kernelArguments?: readonly string[];
  /** Default: 2048. */
  readonly memoryMiB?: number;
  /** Default: 2. */
  readonly vcpus?: number;
  /** More arguments for QEMU: disks, network devices. Default: no disk and no network. */
  readonly qemuArguments?: readonly string[];
  /** Default: KVM where it works. */
  readonly accelerator?: Accelerator;
}

/** What a boot must not show when an all-in-memory system comes up as it should. */
export const BOOT_TROUBLE: Readonly<Record<string, RegExp>> = {
  'it entered emergency or rescue mode': /emergency mode|rescue mode|emergency\.target|Entering emergency/i,
  'it waited for a device': /A start job is running for [^\n]*(?:\/dev\/|\bdev-|\.device|\bdisk\b)/i,
  'it gave up waiting for a device': /Timed out waiting for device|Dependency failed for /,
  'a mount failed': /Failed to mount |mount: .*failed/i,
  'the kernel panicked': /Kernel panic - not syncing/,
};

/** What went wrong during a boot, with the console's line; empty when nothing did. */
export function findBootTrouble(consoleText: string): string[] {
  return Object.entries(BOOT_TROUBLE).flatMap(([problem, pattern]) => {
    const line = consoleText.split('\n').find((each) => pattern.test(each));
    return line === undefined ? [] : [`${problem}: ${line.trim()}`];
  });
}

interface Waiter {
  readonly look: () => void;
}

export class BootedImage {
  #text = '';
  #position = 0;
  #complaints = '';
  #exit: { status: number | null; signal: NodeJS.Signals | null } | undefined;
  readonly #waiters = new Set<Waiter>();
  readonly #ended: Promise<void>;

  private constructor(private readonly qemu: ChildProcessByStdio<Writable, Readable, Readable>) {
    const decoder = new TextDecoder();
    qemu.stdout.on('data', (chunk: Buffer) => {
      this.#text += plainText(decoder.decode(chunk, { stream: true }));
      this.#wake();
    });
    qemu.stderr.on('data', (chunk: Buffer) => (this.#complaints += chunk.toString()));
    // A machine that has gone takes no more input; waitFor says so.
    qemu.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve, reject) => {
      qemu.on('error', reject);
      qemu.on('close', (status, signal) => {
        this.#exit = { status, signal };
        this.#wake();
        resolve();
      });
    });
    this.#ended.catch(() => undefined);
  }

  /** Starts the machine; throws when there is no QEMU. */
  static async start(options: BootOptions): Promise<BootedImage> {
    const accelerator = options.accelerator ?? (await chooseAccelerator('auto')).accelerator;
    const qemu = spawn(
      'qemu-system-x86_64',
      [
        ...['-machine', `pc,accel=${accelerator}`, '-cpu', accelerator === 'kvm' ? 'host' : 'max'],
        ...['-m', String(options.memoryMiB ?? 2048), '-smp', String(options.vcpus ?? 2)],
        ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio', '-no-reboot'],
        ...['-kernel', options.kernelPath, '-initrd', options.initrdPath],
        ...['-append', ['console=ttyS0', ...(options.kernelArguments ?? [])].join(' ')],
        ...(options.qemuArguments ?? []),
      ],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    return new BootedImage(qemu);
  }

  /** The console from the beginning, without escape sequences and carriage returns. */
  get console(): string {
    return this.#text;
  }

  /** The last lines of the console, for messages. */
  tail(lines = 15): string {
    return this.#text.trimEnd().split('\n').slice(-lines).join('\n');
  }

  /**
   * Waits until the console says something that it had not said when the last wait ended.
   * @throws Error with the console's last lines, when the time is over or the machine ends.
   */
  async waitFor(pattern: RegExp, options: { readonly timeoutMs: number }): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const fail = (why: string): void => {
        finish();
        reject(new Error(`${why} before the console said ${String(pattern)}\n${this.#complaints}${this.tail()}`));
      };
      const waiter: Waiter = {
        look: () => {
          const match = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).exec(
            this.#text.slice(this.#position),
          );
          if (match !== null) {
            this.#position += match.index + match[0].length;
            finish();
            resolve(match);
          } else if (this.#exit !== undefined) {
            fail(`the machine ended (${this.#exit.signal ?? `status ${String(this.#exit.status)}`})`);
          }
        },
      };
      const timer = setTimeout(() => fail(`${Math.round(options.timeoutMs / 1000)} s were over`), options.timeoutMs);
      this.#waiters.add(waiter);
      waiter.look();
    });
  }

  /** Types a line on the console. */
  send(line: string): void {
    this.qemu.stdin.write(`${line}\n`);
  }

  /** Types a shell command and returns what it prints; for a shell on the console. */
  async shell(command: string, options: { readonly timeoutMs: number }): Promise<string> {
    // Split, so that the echo of the command is not taken for its end.
    this.send(`echo BEG''IN; ${command}; echo EN''D=$?`);
    await this.waitFor(/^BEGIN$/m, options);
    const match = await this.waitFor(/([^]*?)^END=(\d+)$/m, options);
    if (match[2] !== '0') throw new Error(`${command}: status ${match[2] ?? ''}: ${match[1] ?? ''}`);
    return match[1] ?? '';
  }

  /** Ends the machine at once. */
  async stop(): Promise<void> {
    if (this.#exit === undefined) this.qemu.kill('SIGKILL');
    await this.#ended;
  }

  #wake(): void {
    for (const { look } of [...this.#waiters]) look();
  }
}

/** Removes carriage returns and the escape sequences that boot messages have. */
function plainText(text: string): string {
  // eslint-disable-next-line no-control-regex -- escape sequences are what is removed
  return text.replace(/\u001b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>c78])|\r/g, '');
}
