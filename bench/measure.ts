/** What a command costs: its whole tree of processes is watched in /proc. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

export interface Cost {
  readonly wallMs: number;
  /** User and system time of all processes that were waited for, QEMU among them. */
  readonly cpuMs: number;
  /** Largest sum of the proportional set sizes (what is shared counts once) that was seen. */
  readonly peakMemoryBytes: number;
  /** The largest resident set of a Node.js process among them. */
  readonly peakNodeBytes: number;
  /**
   * What processes that had the disk image open have read by system calls (the appliance's own image included, if it was QEMU), and what
   * was read through loop devices of it.
   */
  readonly diskReadBytes: number;
  /** QEMU processes that libguestfs started. */
  readonly appliances: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SAMPLE_MS = 100;
const SECTOR_BYTES = 512;

/**
 * Runs a command to its end.
 * @param diskDirectory where the disk images are whose readers count
 * @throws Error when it fails
 */
export async function measure(
  argv: readonly string[],
  options: { readonly diskDirectory: string; readonly environment?: NodeJS.ProcessEnv },
): Promise<Cost> {
  const startedAt = performance.now();
  // bash knows the times of all descendants that were waited for; GNU time may not be installed.
  const child = spawn('bash', ['-c', '"$@"; status=$?; times >&2; exit $status', 'bash', ...argv], {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const watch = new TreeWatch(child.pid ?? 0, options.diskDirectory);
  const timer = setInterval(() => watch.sample(), SAMPLE_MS);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(timer);
  const wallMs = performance.now() - startedAt;
  if (status !== 0) throw new Error(`${argv.join(' ')}: exit status ${status}\n${stderr}`);
  const [times = ''] = stderr.trimEnd().split('\n').slice(-1);
  return { wallMs, cpuMs: parseTimes(times), ...watch.result(), stdout, stderr };
}

/** `0m1.234s 0m0.567s`, as bash's `times` says it of the children. */
function parseTimes(line: string): number {
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000,
    0,
  );
}

class TreeWatch {
  readonly #members = new Set<number>();
  readonly #appliances = new Set<number>();
  readonly #readBytes = new Map<string, number>();
  /** What loop devices, which outlive what they were attached to, had read before. */
  readonly #readBefore = new Map(loopDevices().map((name) => [name, sectorsRead(name)]));
  #peakMemoryBytes = 0;
  #peakNodeBytes = 0;

  constructor(
    root: number,
    private readonly diskDirectory: string,
  ) {
    this.#members.add(root);
  }

  sample(): void {
    const alive = this.#findMembers();
    let memoryBytes = 0;
    for (const pid of alive) {
      memoryBytes += field(readProc(pid, 'smaps_rollup'), 'Pss') * 1024;
      const commandLine = readProc(pid, 'cmdline');
      const program = path.basename(commandLine.split('\0')[0] ?? '');
      if (program === 'node') {
        this.#peakNodeBytes = Math.max(this.#peakNodeBytes, field(readProc(pid, 'status'), 'VmHWM') * 1024);
      }
      if (program.startsWith('qemu-') && commandLine.includes('guestfs-')) this.#appliances.add(pid);
      // Ours looks at some blocks of the disk; what else it reads are pipes.
      if (program !== 'node' && this.#hasDiskOpen(pid))
        this.#readBytes.set(String(pid), field(readProc(pid, 'io'), 'rchar'));
    }
    this.#peakMemoryBytes = Math.max(this.#peakMemoryBytes, memoryBytes);
    this.#sampleLoopDevices();
  }

  result(): Pick<Cost, 'peakMemoryBytes' | 'peakNodeBytes' | 'diskReadBytes' | 'appliances'> {
    return {
      peakMemoryBytes: this.#peakMemoryBytes,
      peakNodeBytes: this.#peakNodeBytes,
      diskReadBytes: [...this.#readBytes.values()].reduce((sum, bytes) => sum + bytes, 0),
      appliances: this.#appliances.size,
    };
  }

  /** Processes that were once in the tree stay in it, should their parents end before them. */
  #findMembers(): number[] {
    const parents = new Map<number, number>();
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const parent = /\) \S (\d+) /.exec(readProc(Number(name), 'stat'))?.[1];
      if (parent !== undefined) parents.set(Number(name), Number(parent));
    }
    for (let before = -1; before !== this.#members.size;) {
      before = this.#members.size;
      for (const [pid, parent] of parents) if (this.#members.has(parent)) this.#members.add(pid);
    }
    return [...parents.keys()].filter((pid) => this.#members.has(pid));
  }

  #hasDiskOpen(pid: number): boolean {
    if (this.#readBytes.has(String(pid))) return true;
    try {
      const directory = `/proc/${pid}/fd`;
      return readdirSync(directory).some((fd) => {
        const target = readLink(path.join(directory, fd));
        return target.startsWith(this.diskDirectory) && /\.(?:raw|img|qcow2)$/.test(target);
      });
    } catch {
      return false;
    }
  }

  #sampleLoopDevices(): void {
    for (const name of loopDevices()) {
      const backing = readText(`/sys/block/${name}/loop/backing_file`);
      if (!backing.startsWith(this.diskDirectory)) continue;
      const sectors = sectorsRead(name) - (this.#readBefore.get(name) ?? 0);
      this.#readBytes.set(`${name} ${backing}`, sectors * SECTOR_BYTES);
    }
  }
}

function loopDevices(): string[] {
  return readdirSync('/sys/block').filter((name) => name.startsWith('loop'));
}

function sectorsRead(device: string): number {
  return Number(readText(`/sys/block/${device}/stat`).trim().split(/\s+/)[2] ?? 0);
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

function readProc(pid: number, name: string): string {
  return readText(`/proc/${pid}/${name}`);
}

/** Empty when the process, or the device, has gone. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function readLink(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
