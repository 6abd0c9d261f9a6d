/** Lines of a booting machine's console that say that something is wrong. */
import { problem, sortProblems, type Problem, type ProblemName } from './problems.js';

interface Pattern {
  readonly name: ProblemName;
  readonly line: RegExp;
  /** The machine gets no further: there is nothing to wait for. */
  readonly isTheEnd?: boolean;
}

/**
 * Sources: init/initramfs.c, mm/oom_kill.c, kernel/panic.c (Linux); modules.d/98dracut-systemd, 99base/dracut-lib.sh (dracut); scripts/functions,
 * scripts/local, init (initramfs-tools); core/transaction.c, core/job.c, units/emergency.service.in, shared/sulogin-shell (systemd).
 */
const PATTERNS: readonly Pattern[] = [
  // A write error is a tmpfs that is full. A kernel with RAM disks built in takes for an old initrd what it cannot unpack.
  { name: 'initramfs-too-large', line: /Initramfs unpacking failed: write error|image is not initramfs \(write error/ },
  {
    name: 'initramfs-damaged',
    line: /Initramfs unpacking failed: (?!write error)|image is not initramfs \((?!write error)/,
  },
  {
    name: 'out-of-memory',
    line: /Out of memory(?: and no killable processes|: Kill(?:ed)? process)|System is deadlocked on memory/,
  },
  {
    name: 'out-of-memory',
    line: /Kernel panic - not syncing: (?:Out of memory|System is deadlocked on memory)/,
    isTheEnd: true,
  },
  { name: 'kernel-panic', line: /Kernel panic - not syncing/, isTheEnd: true },
  // QEMU's machine has too little memory even for the kernel's own start.
  { name: 'out-of-memory', line: /page allocation failure|Failed to allocate memory for|initrd too large/ },
  { name: 'dracut-refused', line: /dracut[^:]*: (?:FATAL: |Refusing to continue)/, isTheEnd: true },
  { name: 'dracut-refused', line: /dracut-initqueue.*(?:timeout, still waiting|Could not boot)/ },
  {
    name: 'dracut-refused',
    line: /Warning: \/dev\/\S+ does not exist|Starting .*Dracut Emergency Shell/i,
    isTheEnd: true,
  },
  { name: 'dracut-refused', line: /Generating "\/run\/initramfs\/rdsosreport\.txt"/, isTheEnd: true },
  { name: 'initramfs-tools-refused', line: /ALERT! .*does not exist\. *Dropping to a shell/i, isTheEnd: true },
  { name: 'initramfs-tools-refused', line: /No init found\. Try passing init= bootarg|\(initramfs\)/, isTheEnd: true },
  { name: 'initramfs-tools-refused', line: /Target filesystem doesn't have requested / },
  { name: 'initramfs-tools-refused', line: /\/init: .*can't open '?\/scripts\//, isTheEnd: true },
  { name: 'no-overlay', line: /iso2rootfs-verify: the initrd cannot mount an overlay/, isTheEnd: true },
  { name: 'emergency-mode', line: /You are in emergency mode|Welcome to emergency mode/i, isTheEnd: true },
  { name: 'emergency-mode', line: /Reached target .*emergency\.target|Started .*Emergency Shell/i },
  { name: 'rescue-mode', line: /You are in rescue mode|Welcome to rescue mode/i, isTheEnd: true },
  // net/sunrpc/clnt.c
  { name: 'root-unreachable', line: /nfs: server \S+ not responding/ },
  { name: 'ordering-cycle', line: /Ordering cycle found, skipping|deleted to break ordering cycle/i },
  { name: 'device-missing', line: /Timed out waiting for device/ },
  { name: 'mount-failed', line: /Failed to mount |mount: .*: (?:mount failed|special device .* does not exist)/ },
];

/** What an NFS server that was given up says when it is there again (net/sunrpc/clnt.c). */
const SERVER_IS_BACK = /nfs: server \S+ OK/;
const WAITING = /^\[[* ]+\] /;
/** A unit that has had a minute to stop, and may take for ever; in the words of systemd before version 250 and since. */
const STOPS_FOR_EVER = /(?:A stop job is running for .*|Job \S+\/stop running) \(\d+min.*\/ no limit\)/;
const TAIL_LINES = 30;
const MAX_LINE_CHARACTERS = 400;

/** Reads a console line by line as it comes. */
export class ConsoleWatch {
  readonly #tail: string[] = [];
  readonly #found = new Map<ProblemName, string>();
  #isOver = false;

  /** A machine that shows this gets no further. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The server of the root does not answer; it may come back. */
  get isServerSilent(): boolean {
    return this.#found.has('root-unreachable');
  }

  /** systemd waits for a unit that need not stop ever. */
  get isStoppingForEver(): boolean {
    return STOPS_FOR_EVER.test(this.#tail.at(-1) ?? '');
  }

  get problems(): Problem[] {
    return sortProblems([...this.#found].map(([name, line]) => problem(name, line)));
  }

  /** The last lines, for people. */
  get tail(): readonly string[] {
    return this.#tail;
  }

  readLine(raw: string): void {
    const line = plainLine(raw);
    if (line === '') return;
    // systemd draws this line again and again while it waits.
    if (WAITING.test(line) && WAITING.test(this.#tail.at(-1) ?? '')) this.#tail.pop();
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    if (SERVER_IS_BACK.test(line)) this.#found.delete('root-unreachable');
    for (const { name, line: pattern, isTheEnd } of PATTERNS) {
      if (!pattern.test(line)) continue;
      if (!this.#found.has(name)) this.#found.set(name, line);
      this.#isOver ||= isTheEnd === true;
    }
  }
}

/** Without escape sequences, control characters and the kernel's time. */
function plainLine(raw: string): string {
  return (
    raw
      // eslint-disable-next-line no-control-regex -- escape sequences are what is removed
      .replace(/\u001b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>c78DEHM])/g, '')
      .replace(/\p{Cc}/gu, ' ')
      .replace(/^\[ *\d+\.\d+\] /, '')
      .trim()
      .slice(0, MAX_LINE_CHARACTERS)
  );
}
