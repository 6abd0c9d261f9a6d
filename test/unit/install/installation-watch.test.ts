import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { BuildEvent } from '../../../src/events.js';
import type { ActivitySample } from '../../../src/install/activity.js';
import {
  InstallationWatch,
  type InstallationWatchOptions,
  TOKEN_MARKER,
} from '../../../src/install/installation-watch.js';
import { toError, type Verdict } from '../../../src/install/verdict.js';

const directory = new URL('../../fixtures/installer-logs/', import.meta.url);
const IDLE: ActivitySample = { blockBytes: 0, netBytes: 0, cpuTimeNs: 0 };
/** Timer ticks under TCG. */
const IDLE_CPU_SHARE = 0.03;

/** A machine with a clock of its own: time passes in steps of half a second, as a caller's loop has it. */
class Machine {
  now = 0;
  readonly events: BuildEvent[] = [];
  readonly watch: InstallationWatch;
  #counters = { ...IDLE };
  hasCounters = true;

  constructor(options: Partial<InstallationWatchOptions> = {}) {
    this.watch = new InstallationWatch({
      family: 'anaconda',
      now: () => this.now,
      emit: (event) => this.events.push(event),
      ...options,
    });
  }

  prints(text: string | Uint8Array): this {
    this.watch.feedConsole(typeof text === 'string' ? new TextEncoder().encode(text) : text);
    return this;
  }

  logs(text: string): this {
    this.watch.feedInstallerLog(new TextEncoder().encode(text));
    return this;
  }

  /** Lets time pass until there is a verdict; undefined when there is none. */
  passes(
    ms: number,
    work: { cpuShare?: number; blockBytesPerSecond?: number; clock?: string } = {},
  ): Verdict | undefined {
    const end = this.now + ms;
    while (this.now < end) {
      this.now += 500;
      this.#counters = {
        blockBytes: this.#counters.blockBytes + (work.blockBytesPerSecond ?? 0) / 2,
        netBytes: this.#counters.netBytes,
        cpuTimeNs: this.#counters.cpuTimeNs + (work.cpuShare ?? IDLE_CPU_SHARE) * 0.5e9,
      };
      if (this.hasCounters) this.watch.feedActivity(this.#counters);
      if (work.clock !== undefined && this.now % 60_000 === 0)
        this.prints(work.clock.replace('MM', String(this.now / 60_000).padStart(2, '0')));
      const verdict = this.watch.check();
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }
}

const HUB =
  '================================================================================\r\nInstallation\r\n\r\n1) [x] Language settings                 2) [x] Time settings\r\n5) [!] Installation Destination          6) [x] Kdump\r\n       (No disks selected)                      (Kdump is enabled)\r\n\r\n';
const HUB_PROMPT = "Please make a selection from the above ['b' to begin installation, 'q' to quit, 'r' to refresh]: ";

describe('InstallationWatch', () => {
  describe('failures', () => {
    it('quotes the message that follows its introduction, within 10 s', () => {
      const machine = new Machine();
      machine.prints(
        'The installation was stopped due to an error which occurred while running in non-interactive cmdline mode.\r\n',
      );
      expect(machine.passes(500)).to.equal(undefined);
      machine.prints('The exact error message is:\r\n\r\nSomething very special went wrong.\r\n');
      const verdict = machine.passes(10_000);
      expect(verdict).to.include({ kind: 'failure', outcome: 'installer-error', code: 'BUILD_FAILED' });
      expect(verdict?.line).to.equal('Something very special went wrong.');
      expect(machine.now).to.be.at.most(3000);
    });

    it('says once what console and log both say', () => {
      const machine = new Machine();
      machine.logs(
        '10:00:00,000 ERR anaconda:parse-kickstart: The following problem occurred on line 4 of the kickstart file:\n10:00:00,000 ERR anaconda:parse-kickstart: Unknown command: foo\n',
      );
      machine.prints(
        'An error occurred during reading the kickstart file:\nThe following problem occurred on line 4 of the kickstart file:\n\nUnknown command: foo\n',
      );
      expect(machine.passes(5000)).to.include({
        outcome: 'kickstart-syntax',
        line: 'The following problem occurred on line 4 of the kickstart file: Unknown command: foo',
      });
    });

    it('takes an error that only has to be confirmed for the failure that it is', () => {
      const machine = new Machine();
      machine.prints(`${'='.repeat(80)}\nError\n\n The moon is in the wrong phase.\n\nPress ENTER to exit: `);
      expect(machine.passes(10_000)).to.include({
        kind: 'failure',
        outcome: 'installer-error',
        line: 'The moon is in the wrong phase.',
      });
    });

    it("leaves the kernel's own messages to the patterns for kernels", () => {
      const machine = new Machine({ family: 'autoyast' });
      machine.prints('[   10.000000] foo: Installation failed, not enough memory for bar\n');
      expect(machine.passes(20_000, { cpuShare: 1 })).to.equal(undefined);
    });

    it('does not wait where the installer says that it is done', () => {
      const machine = new Machine();
      machine.prints(
        'An error occurred during reading the kickstart file:\n\nUnknown command: foo\n\nThe installer will now terminate.\n',
      );
      expect(machine.passes(500)?.line).to.equal('Unknown command: foo');
    });

    it("finds them in the installer's own log, and gives the console's last lines", () => {
      const machine = new Machine();
      for (let line = 1; line <= 100; line += 1) machine.prints(`console says ${line}\n`);
      machine.logs("10:00:00,000 ERR anaconda:packaging: Missed: NoSuchPackage('foo')\n");
      const verdict = machine.passes(10_000);
      expect(verdict).to.include({ outcome: 'missing-package' });
      expect(verdict?.tail).to.have.length(40);
      expect(verdict?.tail.at(-1)).to.equal('console says 100');
    });

    it('lets a presumed failure be disproved by the installer going on', () => {
      const machine = new Machine();
      machine.logs("10:00:00,000 ERR anaconda:packaging: Failed to download metadata for repo 'extra'\n");
      expect(machine.passes(3000)).to.equal(undefined);
      machine.prints('Installing glibc.x86_64 (1/300)\n');
      expect(machine.passes(60_000, { cpuShare: 1 })).to.equal(undefined);
    });

    it('believes a presumed failure within 10 s when nothing goes on', () => {
      const machine = new Machine();
      machine.logs("10:00:00,000 ERR anaconda:packaging: Failed to download metadata for repo 'extra'\n");
      expect(machine.passes(10_000)).to.include({ outcome: 'repository-unreachable' });
    });

    it('reports an error dialog of debian-installer, with the missing package, within 10 s', () => {
      const machine = new Machine({ family: 'debian-installer' });
      machine.prints(readFileSync(new URL('failure/d-i-12-missing-deb.log', directory)));
      const verdict = machine.passes(10_000);
      expect(verdict).to.include({ kind: 'failure', outcome: 'missing-package' });
      expect(verdict?.question).to.match(/^Install the base system: Debootstrap Error/);
    });

    it('asks for more memory or disk where that helps', () => {
      expect(
        new Machine().prints('[  9.0] Out of memory: Killed process 7 (anaconda)\n').passes(5000)?.retryWith,
      ).to.equal('memory');
      expect(new Machine().prints('cp: write error: No space left on device\n').passes(10_000)?.retryWith).to.equal(
        'disk',
      );
    });

    it('becomes an error with code, hint, log and facts', () => {
      const verdict = new Machine().prints('Kernel panic - not syncing: VFS\n').passes(5000)!;
      const error = toError(verdict, '/logs/console.log');
      expect(error).to.include({ code: 'BUILD_FAILED', log: '/logs/console.log' });
      expect(error.message).to.contain('Kernel panic - not syncing: VFS');
      expect(error.hint).to.be.a('string');
      expect(error.data).to.include({ outcome: 'kernel-panic' });
    });
  });

  describe('questions', () => {
    it('reports a text prompt that stays, by title, within 10 s', () => {
      const machine = new Machine().prints(HUB + HUB_PROMPT);
      const verdict = machine.passes(10_000);
      expect(verdict).to.include({ kind: 'stuck', outcome: 'waits-for-input', code: 'STALLED' });
      expect(verdict?.question).to.match(
        /^Installation \(unanswered: Installation Destination\): Please make a selection/,
      );
    });

    it('passes by one that an automatic installation prints and leaves', () => {
      const machine = new Machine().prints(HUB + HUB_PROMPT);
      expect(machine.passes(3000)).to.equal(undefined);
      machine.prints('\r\nProgress\r\n\r\nSetting up the installation environment\r\n');
      expect(machine.passes(60_000, { cpuShare: 0.9 })).to.equal(undefined);
    });

    it('sees a prompt behind the messages of kernel and systemd', () => {
      const machine = new Machine().prints(`${HUB}${HUB_PROMPT}[   77.123456] random: crng init done\r\n`);
      machine.passes(2000);
      machine.prints('[  OK  ] Started Something.\r\n');
      expect(machine.passes(8000)?.outcome).to.equal('waits-for-input');
    });

    it('sees the prompt of a terminal multiplexer that draws its bar below', () => {
      const machine = new Machine();
      machine.prints(
        "\x1b[14;1HQuestion\x1b[16;1HThe following packages would be nice: foo\x1b[21;1HWould you like to go on?\x1b[1;24r\x1b[23;1HPlease respond 'yes' or 'no': \x1b7\x1b[24;1H[anaconda]1:main* 2:shell >Switch tab: Alt+Tab | Help: F1\x1b8",
      );
      const verdict = machine.passes(10_000);
      expect(verdict?.question).to.contain("Would you like to go on? Please respond 'yes' or 'no':");
    });

    it("reports debian-installer's dialog by title within 10 s, though its clock goes on", () => {
      const machine = new Machine({ family: 'debian-installer' });
      machine.prints(readFileSync(new URL('stuck/d-i-12-asks-root-password.log', directory)));
      const verdict = machine.passes(10_000);
      expect(verdict?.outcome).to.equal('waits-for-input');
      expect(verdict?.message).to.contain('Set up users and passwords');
    });

    it('needs an idle machine to believe words that are not only used in questions', () => {
      const busy = new Machine().prints('openeuler login: ');
      expect(busy.passes(60_000, { cpuShare: 0.9 })).to.equal(undefined);
      expect(busy.passes(15_000)?.question).to.equal('openeuler login:');
      const unknown = new Machine().prints('Downloading something: ');
      unknown.hasCounters = false;
      expect(unknown.passes(60_000)).to.equal(undefined);
    });

    it('says what may have led to it', () => {
      const machine = new Machine();
      machine
        .prints('storage configuration failed: Unable to allocate requested partition scheme.\n')
        .prints(HUB + HUB_PROMPT);
      const verdict = machine.passes(10_000);
      expect(verdict).to.include({ outcome: 'waits-for-input', retryWith: 'disk' });
      expect(verdict?.message).to.contain('Unable to allocate requested partition scheme');
    });

    it('gives the remedy for a finished installation that nothing ends', () => {
      const verdict = new Machine().prints('Installation complete. Press ENTER to quit: ').passes(10_000);
      expect(verdict?.hint).to.contain('poweroff');
    });
  });

  describe('silence', () => {
    it('is a stall after the idle time-out, however the clock of a status bar ticks', () => {
      const machine = new Machine({ family: 'debian-installer', idleTimeoutMs: 600_000 });
      const clock = '\x1b[1;1H[ (1*installer)  2 shell  3 shell  4- log ][ Nov 21  2:MM ]\x1b[5;10H';
      machine.prints(`\x1b[2J\x1b[5;10HDetecting hardware${clock.replace('MM', '00')}`);
      const verdict = machine.passes(700_000, { clock });
      expect(verdict).to.include({ kind: 'stuck', outcome: 'stalled', code: 'STALLED' });
      expect(machine.now).to.be.within(600_000, 620_000);
    });

    it('is not one while the machine computes or writes', () => {
      const machine = new Machine({ idleTimeoutMs: 60_000 });
      expect(machine.passes(300_000, { cpuShare: 0.2 })).to.equal(undefined);
      expect(machine.passes(300_000, { blockBytesPerSecond: 50_000 })).to.equal(undefined);
      expect(machine.passes(90_000)?.outcome).to.equal('stalled');
    });

    it('is one when the machine has done nothing but compute for half an hour, whatever its kernel says of that', () => {
      const machine = new Machine({ idleTimeoutMs: 60_000 });
      machine.prints('Installing boot loader\n');
      let verdict: Verdict | undefined;
      for (let stall = 0; stall < 100 && verdict === undefined; stall += 1) {
        const second = 63 * stall;
        machine.prints(`[${second}.000001] rcu: INFO: rcu_preempt self-detected stall on CPU ${stall % 2}\r\n`);
        machine.prints(`[${second}.000002] RIP: 0010:native_halt+0x${stall.toString(16)}/0x10\r\n`);
        verdict = machine.passes(63_000, { cpuShare: 1 });
      }
      expect(verdict).to.include({ kind: 'stuck', outcome: 'stalled', code: 'STALLED' });
      expect(verdict?.message).to.match(/it has only computed for 30 min \(last phase: .*it last said: .*native_halt/);
    });

    it('is not one while it computes and now and then says or writes something', () => {
      const machine = new Machine({ idleTimeoutMs: 60_000 });
      for (let minute = 0; minute < 120; minute += 20) {
        machine.prints(`Installing package number ${minute}\n`);
        expect(machine.passes(20 * 60_000, { cpuShare: 1 })).to.equal(undefined);
      }
      expect(machine.passes(120 * 60_000, { cpuShare: 1, blockBytesPerSecond: 500 })).to.equal(undefined);
    });

    it('gives an idle time-out of hours that of computing, too', () => {
      const machine = new Machine({ idleTimeoutMs: 3_600_000 });
      expect(machine.passes(170 * 60_000, { cpuShare: 1 })).to.equal(undefined);
      expect(machine.passes(20 * 60_000, { cpuShare: 1 })?.outcome).to.equal('stalled');
    });

    it('is one when a spinner, dots or a job timer are all that moves', () => {
      for (const piece of [
        '-\b\\\b|\b/\b',
        '.',
        '\r\x1b[K[ ***  ] A start job is running for dev-sda.device (5s / no limit)',
        'same line\r\n',
      ]) {
        const machine = new Machine({ idleTimeoutMs: 60_000 });
        let verdict: Verdict | undefined;
        for (let second = 0; second < 90 && verdict === undefined; second += 1)
          verdict = machine.prints(piece).passes(1000);
        expect(verdict?.outcome, JSON.stringify(piece)).to.equal('stalled');
      }
    });

    it('is counted anew in each phase, and names it', () => {
      const machine = new Machine({ idleTimeoutMs: 60_000 });
      machine.prints('Installing boot loader\n');
      expect(machine.passes(50_000)).to.equal(undefined);
      machine.prints('Generating initramfs\n');
      expect(machine.passes(50_000)).to.equal(undefined);
      const verdict = machine.passes(30_000);
      expect(verdict?.message).to.contain('for 60 s (last phase: generating the initramfs)');
    });

    it('ends at the whole time-out even when much happens', () => {
      const machine = new Machine({ timeoutMs: 300_000 });
      const verdict = machine.passes(400_000, { cpuShare: 1 });
      expect(verdict).to.include({ outcome: 'timed-out', code: 'TIMEOUT' });
      expect(machine.now).to.equal(300_000);
    });
  });

  describe('progress', () => {
    it('tells phases and numbers once', () => {
      const machine = new Machine();
      machine.prints(readFileSync(new URL('success/rocky-8.5-kickstart-console.log', directory)));
      const phases = machine.events.flatMap((event) => (event.type === 'phase' ? [event.phase] : []));
      expect(phases).to.include.members(['configuring storage', 'downloading packages', 'installing packages']);
      expect(phases.some((phase, index) => phase === phases[index - 1])).to.equal(false);
      const progress = machine.events.filter((event) => event.type === 'progress');
      expect(progress).to.deep.include({ type: 'progress', stage: 'install', unit: 'percent', done: 16, total: 100 });
      expect(progress.at(-1)).to.deep.equal({
        type: 'progress',
        stage: 'install',
        unit: 'packages',
        done: 367,
        total: 367,
      });
    });

    it("follows debian-installer's menu from the language on", () => {
      const machine = new Machine({ family: 'debian-installer' });
      for (const line of [
        "main-menu[219]: INFO: Menu item 'localechooser' selected",
        "main-menu[219]: INFO: Menu item 'console-setup-udeb' selected",
        'netcfg[2528]: DEBUG: Using preseeded hostname',
      ]) {
        machine.prints(`DI| Nov 21 05:13:08 ${line}\r\n`);
      }
      const phases = machine.events.flatMap((event) => (event.type === 'phase' ? [event.phase] : []));
      expect(phases).to.deep.equal(['setting the language', 'setting the keyboard', 'setting the host name']);
    });

    it("follows debian-installer's menu", () => {
      const machine = new Machine({ family: 'debian-installer' });
      machine.prints(readFileSync(new URL('success/d-i-12-serial.log', directory)));
      const phases = machine.events.flatMap((event) => (event.type === 'phase' ? [event.phase] : []));
      expect(phases).to.include.members([
        'partitioning disks',
        'installing the base system',
        'finishing the installation',
      ]);
    });
  });

  describe('end', () => {
    it('knows the token of this build, and no other', () => {
      const machine = new Machine({ token: 'nonce-1' });
      machine.prints(`+ echo ${TOKEN_MARKER}nonce-1\r\n${TOKEN_MARKER}nonce-2\r\n`);
      expect(machine.watch.tokenSeen).to.equal(false);
      machine.prints(`\r\n${TOKEN_MARKER}nonce-1\r\n`);
      expect(machine.watch.tokenSeen).to.equal(true);
    });

    it('is a failure of its own when the machine ends without one, with what was said last', () => {
      const machine = new Machine();
      machine.logs('10:00:00,000 ERR anaconda:script: Error code 1 running the kickstart script at line 20\n');
      machine.prints('[  99.000000] reboot: Power down\n');
      expect(machine.passes(5000)).to.equal(undefined);
      const verdict = machine.watch.finish();
      expect(verdict).to.include({ kind: 'failure', outcome: 'powered-off-without-installing', code: 'BUILD_FAILED' });
      expect(verdict.line).to.contain('Error code 1 running the kickstart script');
    });

    it('keeps a verdict that is being settled when the machine ends', () => {
      const machine = new Machine().prints('Kernel panic - not syncing: VFS');
      expect(machine.watch.finish().outcome).to.equal('kernel-panic');
    });
  });

  it('reads 5 MB in constant memory', () => {
    const machine = new Machine({ family: 'debian-installer' });
    const log = readFileSync(new URL('success/d-i-12-serial.log', directory));
    const watch = new InstallationWatch({ family: 'debian-installer', now: () => 0 });
    watch.feedConsole(log);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    for (let fed = 0; fed < 5e6; fed += log.length) watch.feedConsole(log);
    watch.feedConsole(Buffer.alloc(1e6, 'x'));
    globalThis.gc?.();
    // Without a forced collection the garbage of the last moments is in it.
    expect(process.memoryUsage().heapUsed - before).to.be.lessThan(60e6);
    expect(watch.tail.length).to.be.at.most(40);
    expect(machine.watch.tail).to.have.length(0);
  });
});
