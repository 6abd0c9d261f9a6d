/**
 * Network, mounts and processes apart from the host's: servers on their usual ports without meeting the host's own, mounts that nobody else
 * sees, and an end that leaves nothing, whoever dies: the kernel ends all processes of a PID namespace with its first.
 */
import { Iso2RootfsError } from '../errors.js';
import { searchPath } from './host.js';
import { DIES_WITH_US } from './qemu.js';
import type { RunOptions, RunResult, RunningProgram } from './run.js';
import type { Toolbox } from './toolbox.js';

const READY = 'ready';
const START_MS = 20_000;

export class PrivateNamespace {
  private constructor(
    private readonly tools: Toolbox,
    private readonly holder: RunningProgram,
  ) {}

  /**
   * Needs root.
   * @throws Iso2RootfsError PERMISSION when the host does not let us make one.
   */
  static async create(tools: Toolbox): Promise<PrivateNamespace> {
    const separate = [
      '--net',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      '--propagation',
      'private',
    ];
    let isReady: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (isReady = resolve));
    const [program, ...words] = DIES_WITH_US;
    // Its first process lives until its stdin ends, which it does when we do.
    const holder = await tools.start(program, [...words, 'unshare', ...separate, 'cat'], {
      stdin: 'pipe',
      reason: 'keep servers and mounts apart from those of the host',
      onLine: (line) => {
        if (line === READY) isReady();
      },
    });
    holder.stdin?.write(`${READY}\n`);
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise((resolve) => (timer = setTimeout(resolve, START_MS))).then(() => {
      throw new Error(`it was not there after ${START_MS / 1000} s`);
    });
    try {
      await Promise.race([ready, holder.done, tooLate]);
      const namespace = new PrivateNamespace(tools, holder);
      await namespace.run('ip', ['link', 'set', 'lo', 'up'], { reason: 'have a network of its own' });
      return namespace;
    } catch (error) {
      await holder.stop();
      if (error instanceof Iso2RootfsError && error.code !== 'TOOL_FAILED') throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new Iso2RootfsError('PERMISSION', `a network namespace cannot be made: ${why}`, {
        hint: 'Run as root; in a container it needs CAP_SYS_ADMIN and CAP_NET_ADMIN.',
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.tools.run('nsenter', [...this.#enter(), program, ...args], this.#withDaemons(options));
  }

  async start(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunningProgram> {
    return this.tools.start('nsenter', [...this.#enter(), program, ...args], this.#withDaemons(options));
  }

  /** Runs a program that only asks: not recorded, not logged. */
  async query(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.tools.query('nsenter', [...this.#enter(), program, ...args], this.#withDaemons(options));
  }

  /** Ends everything in it. */
  async dispose(): Promise<void> {
    this.holder.stdin?.end();
    await this.holder.stop();
  }

  /** The directories of daemons may not be in our PATH, and it is nsenter that looks for the program. */
  #withDaemons(options: RunOptions): RunOptions {
    return { ...options, env: { ...options.env, PATH: searchPath(this.tools.toolsPath) } };
  }

  #enter(): string[] {
    const at = `/proc/${this.holder.pid}/ns`;
    return [`--net=${at}/net`, `--mount=${at}/mnt`, `--pid=${at}/pid_for_children`, '--'];
  }
}
