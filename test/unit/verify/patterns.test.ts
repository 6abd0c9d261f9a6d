import { expect } from 'chai';
import { ConsoleWatch } from '../../../src/verify/patterns.js';

/** Consoles of systems that were spoilt on purpose and booted, shortened. */
const CONSOLES: Readonly<Record<string, { readonly name: string; readonly isOver: boolean; readonly text: string }>> = {
  'a machine with too little memory for the tree': {
    name: 'initramfs-too-large',
    isOver: true,
    text: `[    1.255174] Trying to unpack rootfs image as initramfs...
[    9.941963] Initramfs unpacking failed: write error
[   10.781495] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)
[   10.781899] ---[ end Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0) ]---`,
  },
  'an archive that is cut short': {
    name: 'initramfs-damaged',
    isOver: false,
    text: '[    3.102011] Initramfs unpacking failed: invalid magic at start of compressed archive',
  },
  'an archive that a kernel with RAM disks cannot unpack': {
    name: 'initramfs-damaged',
    isOver: false,
    text: '[    0.702011] rootfs image is not initramfs (invalid magic at start of compressed archive); looks like an initrd',
  },
  'a tree too large for such a kernel': {
    name: 'initramfs-too-large',
    isOver: false,
    text: '[    9.702011] rootfs image is not initramfs (write error); looks like an initrd',
  },
  'no init at all': {
    name: 'kernel-panic',
    isOver: true,
    text: '[   11.295228] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)',
  },
  'the killer at work': {
    name: 'out-of-memory',
    isOver: false,
    text: '[   31.225174] Out of memory: Killed process 301 (systemd-udevd) total-vm:31024kB, anon-rss:1024kB',
  },
  'the killer without a victim': {
    name: 'out-of-memory',
    isOver: true,
    text: '[   31.225174] Kernel panic - not syncing: System is deadlocked on memory',
  },
  'emergency mode': {
    name: 'emergency-mode',
    isOver: true,
    text: `[ TIME ] Timed out waiting for device dev-disk-by\\x2duuid-1.device.
[DEPEND] Dependency failed for local-fs.target - Local File Systems.
[  OK  ] Reached target emergency.target - Emergency Mode.
You are in emergency mode. After logging in, type "journalctl -xb" to view`,
  },
  'rescue mode': {
    name: 'rescue-mode',
    isOver: true,
    text: 'You are in rescue mode. After logging in, type "journalctl -xb" to view',
  },
  'an initrd without overlay': {
    name: 'no-overlay',
    isOver: true,
    text: `modprobe: can't load module overlay (kernel/fs/overlayfs/overlay.ko): invalid module format
iso2rootfs-verify: the initrd cannot mount an overlay over the root`,
  },
  'an ordering cycle': {
    name: 'ordering-cycle',
    isOver: false,
    text: '[ SKIP ] Ordering cycle found, skipping first.service',
  },
  'dracut without its root': {
    name: 'dracut-refused',
    isOver: true,
    text: `[   21.301188] dracut-initqueue[231]: Warning: dracut-initqueue: timeout, still waiting for following initqueue hooks:
[  201.301188] dracut-initqueue[231]: Warning: /dev/root does not exist
Generating "/run/initramfs/rdsosreport.txt"`,
  },
  'dracut that refuses': {
    name: 'dracut-refused',
    isOver: true,
    text: `[    3.301188] dracut-cmdline[131]: dracut: FATAL: Don't know how to handle 'root=/dev/nfs'
[    3.301188] dracut-cmdline[131]: dracut: Refusing to continue`,
  },
  'initramfs-tools without its root': {
    name: 'initramfs-tools-refused',
    isOver: true,
    text: 'ALERT!  UUID=1-2 does not exist.  Dropping to a shell!',
  },
  'initramfs-tools without NFS': {
    name: 'initramfs-tools-refused',
    isOver: true,
    text: `Target filesystem doesn't have requested /sbin/init.
No init found. Try passing init= bootarg.`,
  },
};

function watch(text: string): ConsoleWatch {
  const console = new ConsoleWatch();
  for (const line of text.split('\n')) console.readLine(line);
  return console;
}

describe('ConsoleWatch', () => {
  for (const [title, { name, isOver, text }] of Object.entries(CONSOLES)) {
    it(`names ${title}: ${name}`, () => {
      const console = watch(text);
      expect(console.problems[0]?.name).to.equal(name);
      expect(console.problems[0]?.isFatal).to.equal(true);
      expect(console.isOver).to.equal(isOver);
      expect(console.problems[0]?.message).to.match(/: \S/);
    });
  }

  it('finds nothing wrong with a good boot', () => {
    const console = watch(`[    1.255174] Trying to unpack rootfs image as initramfs...
[   10.062692] Freeing initrd memory: 120568K
[   10.8] systemd[1]: Queued start job for default target graphical.target.
[  OK  ] Created slice system-getty.slice - Slice /system/getty.
[  OK  ] Reached target local-fs.target - Local File Systems.
         Starting systemd-oomd.service - Userspace Out-Of-Memory (OOM) Killer...
[  OK  ] Listening on systemd-oomd.socket - Userspace Out-Of-Memory (OOM) Killer Socket.
         Starting emergency-notes.service - Notes for an emergency...
[   19.208518] powernow_k8: Power state transitions not supported
localhost login: `);
    expect(console.problems).to.deep.equal([]);
    expect(console.isOver).to.equal(false);
  });

  it('gives an NFS server time to come back', () => {
    const silent = watch('[   40.1] nfs: server 10.0.2.2 not responding, still trying');
    expect(silent.isServerSilent).to.equal(true);
    expect(silent.isOver).to.equal(false);
    expect(silent.problems.map(({ name }) => name)).to.deep.equal(['root-unreachable']);
    silent.readLine('[   43.1] nfs: server 10.0.2.2 OK');
    expect(silent.isServerSilent).to.equal(false);
    expect(silent.problems).to.deep.equal([]);
  });

  it('sees that a unit that may take for ever to stop has had a minute', () => {
    const stopping = (time: string, job = 'A stop job is running for a.service - A'): boolean =>
      watch(`[*     ] ${job} (${time})`).isStoppingForEver;
    expect(stopping('1min 8s / no limit', '(1 of 2) Job a.service/stop running')).to.equal(true);
    expect(stopping('1min 8s / no limit', '(1 of 2) Job a.service/start running')).to.equal(false);
    expect(stopping('1min 2s / no limit')).to.equal(true);
    expect(stopping('59s / no limit')).to.equal(false);
    expect(stopping('1min 2s / 1min 30s')).to.equal(false);
  });

  it('reads through colours, carriage returns and the line that systemd draws again and again', () => {
    const console = watch(
      'first\n' +
        '\u001b[K[\u001b[0;31m*     \u001b[0m] (1 of 2) Job a.service/start running (5s / no limit)\n\u001bM' +
        '\u001b[K[\u001b[0;31m**    \u001b[0m] (2 of 2) Job b.service/start running (6s / no limit)\r\n' +
        '\u001b[0;1;31mYou are in emergency mode.\u001b[0m',
    );
    expect(console.tail).to.deep.equal([
      'first',
      '[**    ] (2 of 2) Job b.service/start running (6s / no limit)',
      'You are in emergency mode.',
    ]);
    expect(console.problems[0]?.name).to.equal('emergency-mode');
  });

  it('keeps the last lines only, each of a length that can be shown', () => {
    const console = watch(Array.from({ length: 500 }, (_, index) => `${index} ${'x'.repeat(1000)}`).join('\n'));
    expect(console.tail).to.have.length(30);
    expect(console.tail.at(-1)).to.match(/^499 /).and.to.have.length(400);
  });
});
