import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import type { InstallerFamily } from '../../../src/distro/types.js';
import { classifyLog } from '../../../src/install/classify-log.js';
import { InstallationWatch } from '../../../src/install/installation-watch.js';
import type { Outcome } from '../../../src/install/outcomes.js';

const directory = new URL('../../fixtures/installer-logs/', import.meta.url);
const KINDS = ['success', 'failure', 'stuck'] as const;

function familyOf(name: string): InstallerFamily {
  return name.startsWith('d-i') ? 'debian-installer' : 'anaconda';
}

function readLog(kind: string, name: string): Buffer {
  return readFileSync(new URL(`${kind}/${name}`, directory));
}

const OUTCOMES_OF_LOGS: Readonly<Record<string, readonly [Outcome, RegExp]>> = {
  'cpu-not-v2-panic.log': ['cpu-too-old', /x86-64-v2/],
  'd-i-12-netboot-component-404.log': [
    'repository-unreachable',
    /^Download installer components: The installer failed/,
  ],
  'd-i-12-missing-deb.log': ['missing-package', /Couldn't find these debs: usr-is-merged/],
  'fedora-no-usable-disks.log': ['no-disk', /No usable disks/],
  'lorax-base-repo-invalid.log': ['repository-unreachable', /base repo \(https:\/\/foo\.bar\) not valid/],
  'lorax-traceback.log': ['traceback', /Traceback \(Not a real traceback\)/],
  'lorax-utf8-split.log': ['traceback', /Traceback \(Not a real traceback\)/],
  'rhel-9-dracut-no-stage2.log': ['dracut-no-root', /It seems that the boot has failed/],
  'rhel-9.4-cmdline-ostree.log': ['installer-error', /^Non interactive installation failed: The command 'ostree/],
  'd-i-12-asks-root-password.log': ['waits-for-input', /^$/],
  'rhel-7.3-not-enough-space-prompt.log': ['waits-for-input', /Unable to allocate requested partition scheme/],
};

describe('classifyLog', () => {
  for (const kind of KINDS) {
    for (const name of readdirSync(new URL(kind, directory))) {
      it(`${kind}/${name}`, () => {
        const result = classifyLog(readLog(kind, name), familyOf(name));
        expect(result.kind).to.equal(kind);
        const expected = OUTCOMES_OF_LOGS[name];
        expect(result.outcome).to.equal(expected?.[0]);
        if (expected !== undefined) expect(result.line).to.match(expected[1]);
      });
    }
  }

  it('names what debian-installer and Anaconda ask, with the title', () => {
    const root = classifyLog(readLog('stuck', 'd-i-12-asks-root-password.log'), 'debian-installer');
    expect(root.question).to.match(/^Set up users and passwords: Some account needs to be available/);
    const space = classifyLog(readLog('stuck', 'rhel-7.3-not-enough-space-prompt.log'), 'anaconda');
    expect(space.question).to.match(/^Installation \(unanswered: Installation Destination\): Please make your choice/);
    expect(space.verdict?.cause?.outcome).to.equal('no-space');
    expect(space.verdict?.retryWith).to.equal('disk');
    expect(space.verdict?.code).to.equal('STALLED');
  });

  it('gives the same verdict however the console is cut', () => {
    for (const kind of KINDS) {
      for (const name of readdirSync(new URL(kind, directory))) {
        const log = readLog(kind, name);
        const whole = watchWhole(log, familyOf(name), [log.length]);
        fc.assert(
          fc.property(
            fc.array(fc.integer({ min: 1, max: Math.max(2, log.length >> 3) }), { minLength: 1 }),
            (sizes) => {
              expect(watchWhole(log, familyOf(name), sizes)).to.deep.equal(whole);
            },
          ),
          { numRuns: log.length > 50_000 ? 2 : 10 },
        );
      }
    }
  });
});

/** The sizes repeat until the log is used up. */
function watchWhole(log: Buffer, family: InstallerFamily, sizes: readonly number[]): unknown {
  const watch = new InstallationWatch({ family, now: () => 0 });
  for (let from = 0, index = 0; from < log.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    watch.feedConsole(log.subarray(from, from + size));
    from += size;
  }
  return watch.conclude() ?? 'success';
}

/** Installers' own words, in the frames that they come in; none of these logs is a whole one. */
const SAMPLES: readonly (readonly [InstallerFamily, Outcome | 'success', RegExp, string])[] = [
  [
    'anaconda',
    'kickstart-syntax',
    /line 4 of the kickstart file: Unknown command: foobar$/,
    '\nAn error occurred during reading the kickstart file:\nThe following problem occurred on line 4 of the kickstart file:\n\nUnknown command: foobar\n\n\nThe installer will now terminate.\n',
  ],
  [
    'anaconda',
    'kickstart-syntax',
    /^GRUB2 does not support installation to a partition\.$/,
    'An error occurred during reading the kickstart file:\nGRUB2 does not support installation to a partition.\n\nThe installer will now terminate.\n',
  ],
  [
    'anaconda',
    'missing-package',
    /CmdlineError: Missing package: vim-minimal/,
    'The installation was stopped due to incomplete spokes detected while running in non-interactive cmdline mode. Since there cannot be any questions in cmdline mode, edit your kickstart file and retry installation.\nThe exact error message is:\n\nCmdlineError: Missing package: vim-minimal.\n\nThe installer will now terminate.\n',
  ],
  [
    'anaconda',
    'no-space',
    /Unable to allocate requested partition scheme/,
    'storage configuration failed: Unable to allocate requested partition scheme.\n\nThe installation was stopped due to an error which occurred while running in non-interactive cmdline mode.\nThe exact error message is: \n\nNot enough space in file systems for the current software selection.. \n\nThe installer will now terminate.\n',
  ],
  [
    'anaconda',
    'post-failed',
    /nosuchcommand: command not found/,
    'There was an error running the kickstart script at line 34.  This is a fatal error and installation will be aborted.  The details of this error are:\n\n/tmp/ks-script-abc: line 2: nosuchcommand: command not found\n\nPress ENTER to exit: ',
  ],
  [
    'anaconda',
    'post-failed',
    /^install: cannot stat$/,
    ' There was an error running the kickstart script at line 34.  This is a fatal\n error and installation will be aborted.  The details of this error are:\n \n install: cannot stat\n\nPress ENTER to exit: ',
  ],
  [
    'anaconda',
    'installer-error',
    /The following mandatory spokes are not completed: Software selection/,
    'The installation was stopped due to an error which occurred while running in\nnon-interactive cmdline mode.\nThe exact error message is:\n\nThe following mandatory spokes are not completed:\nSoftware selection.\n\nThe installer will now terminate.\n',
  ],
  [
    'anaconda',
    'installer-error',
    /^failed to write boot loader configuration$/,
    "Question\n\n The following error occurred while installing the boot loader. The system will\n not be bootable. Would you like to ignore this and continue with installation?\n \n failed to write boot loader configuration\n\nPlease respond 'yes' or 'no': \n[anaconda]1:main* 2:shell  3:log  4:storage-log >Switch tab: Alt+Tab | Help: F1 ",
  ],
  [
    'anaconda',
    'traceback',
    /^OSError: \[Errno 2\] No such file/,
    '10:52:51,507 CRIT anaconda: Traceback (most recent call last):\n\n  File "threads.py", line 227, in run\n\nOSError: [Errno 2] No such file or directory\n',
  ],
  [
    'anaconda',
    'out-of-memory',
    /requires 2048 MB of memory/,
    'openEuler requires 2048 MB of memory to install, but you only have 974 MB on this machine.\n\nPress [Enter] to reboot your system.\n\nThe installation cannot continue and the system will be rebooted\nPress ENTER to continue\n',
  ],
  [
    'anaconda',
    'dracut-no-root',
    /\/dev\/root does not exist/,
    '[  201.9] dracut-initqueue[455]: Warning: Could not boot.\n         Starting Dracut Emergency Shell...\nWarning: /dev/root does not exist\n\nGenerating "/run/initramfs/rdsosreport.txt"\n\nEntering emergency mode. Exit the shell to continue.\n\ndracut:/# ',
  ],
  [
    'anaconda',
    'kernel-panic',
    /VFS: Unable to mount root fs/,
    '[    1.441002] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n[    1.441060] Call Trace:\n',
  ],
  [
    'anaconda',
    'cpu-too-old',
    /x86-64-v3/,
    'Fatal glibc error: CPU does not support x86-64-v3\n[    5.201002] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00007f00\n',
  ],
  [
    'anaconda',
    'cpu-too-old',
    /This CPU does not support LSE/,
    '\u001b[0;31mFatal glibc error: This CPU does not support LSE\u001b[0m\r\n[    5.201002] Kernel panic - not syncing: Attempted to kill in',
  ],
  [
    'anaconda',
    'traceback',
    /^zlib\.error: incorrect header check$/,
    'Traceback (most recent call last):\n  File "payload.py", line 12, in read\nzlib.error: incorrect header check\n',
  ],
  [
    'anaconda',
    'out-of-memory',
    /Memory cgroup out of memory/,
    '[  100.123456] Memory cgroup out of memory: Killed process 1234 (dnf) total-vm:1\n',
  ],
  [
    'anaconda',
    'out-of-memory',
    /Initramfs unpacking failed/,
    '[    1.000000] Initramfs unpacking failed: write error\n[    1.441002] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n',
  ],
  [
    'debian-installer',
    'missing-package',
    /Unable to locate package nosuchpackage/,
    "DI| Nov 25 11:15:01 in-target: E: Unable to locate package nosuchpackage\r\nDI| Nov 25 11:15:01 main-menu[3381]: WARNING **: Configuring 'pkgsel' failed with error code 100\r\nDI| Nov 25 11:15:01 main-menu[3381]: WARNING **: Menu item 'pkgsel' failed.\r\n",
  ],
  [
    'debian-installer',
    'success',
    /^$/,
    'DI| Nov 21 05:18:30 choose-mirror[2511]: INFO: mirror does not have any suite symlinks\r\nDI| Nov 21 05:18:31 choose-mirror[2511]: DEBUG: architecture not supported by selected mirror\r\n',
  ],
  [
    'debian-installer',
    'installer-error',
    /Installation step failed/,
    '!! ERROR: Installation step failed\n\nAn installation step failed. You can try to run the failing item again from the\nmenu, or skip it and choose something else.\n[Press enter to continue]\n',
  ],
  [
    'subiquity',
    'kickstart-syntax',
    /'justno' is not one of/,
    "connecting...  -\b\\\b \nAn error occurred. Press enter to start a shell\nfinish: subiquity/Updates/load_autoinstall_data: 'justno' is not one of ['security', 'all']\n\nFailed validating 'enum' in schema:\n",
  ],
  [
    'subiquity',
    'post-failed',
    /command_0: FAIL/,
    'start:   subiquity/Late/run/command_0: curtin in-target -- false\nfinish:   subiquity/Late/run/command_0: FAIL: curtin in-target -- false\nAn error occurred. Press enter to start a shell\n',
  ],
  [
    'subiquity',
    'installer-error',
    /install-grub: FAIL: installing grub/,
    'finish: subiquity/Install/install/curtin_install/cmd-install/stage-curthooks/builtin/cmd-curthooks/install-grub: FAIL: installing grub to target devices\nAn error occurred. Press enter to start a shell\n',
  ],
  [
    'autoyast',
    'repository-unreachable',
    /No repository found/,
    'Searching for info file...\n\n*** No repository found.\n',
  ],
  [
    'autoyast',
    'missing-package',
    /cannot be found in the software repositories: foo/,
    'These packages cannot be found in the software repositories:\nfoo: not found\n',
  ],
  // Good endings that look bad on the way.
  [
    'anaconda',
    'success',
    /^$/,
    'Your /boot partition is less than 200 MiB which is lower than recommended for a normal Red Hat Enterprise Linux install.\n10:00:00,000 CRIT systemd-coredump:Process 123 (foo) of user 0 dumped core.\n10:00:01,000 WARNING org.fedoraproject.Anaconda.Modules.Subscription:Traceback (most recent call last):\n10:00:01,000 WARNING org.fedoraproject.Anaconda.Modules.Subscription:DBusError: no such thing\n[   12.000000] Call Trace:\nInstalling kernel.x86_64 (300/300)\nRunning post-installation scripts\n[ 2042.903113] reboot: Power down\n',
  ],
  [
    'subiquity',
    'success',
    /^$/,
    'finish: subiquity/Refresh/check_for_update: FAIL: cannot connect\nstart: subiquity/Install/install/curtin_install: installing system\n[  900.123456] reboot: Power down\n',
  ],
];

describe('classifyLog on what installers print', () => {
  for (const [family, outcome, line, log] of SAMPLES) {
    it(`${family}: ${outcome} (${line.source})`, () => {
      const result = classifyLog(log, family);
      expect(result.outcome ?? result.kind, result.verdict?.message).to.equal(outcome);
      expect(result.line ?? '').to.match(line);
    });
  }

  const QUESTIONS: readonly (readonly [InstallerFamily, RegExp, string])[] = [
    [
      'anaconda',
      /Installation complete\. Press ENTER to quit/,
      'Installation complete\n\nInstallation complete. Press ENTER to quit: ',
    ],
    [
      'anaconda',
      /^Installation \(unanswered: Installation source, Software selection\): Please make a selection from the above \['b'.*'r' to refresh\]:/,
      "================================================================================\nInstallation\n\n3) [!] Installation source               4) [!] Software selection\n       (Error setting up software               (Error checking software\n\nPlease make a selection from the above ['b' to begin installation, 'q' to quit,\n'r' to refresh]: \n[anaconda]1:main* 2:shell  3:log  4:storage-log >Switch tab: Alt+Tab | Help: F1 ",
    ],
    ['anaconda', /Passphrase/, 'Configuring storage\nPassphrase: '],
    [
      'anaconda',
      /Give root password for maintenance/,
      'Give root password for maintenance\n(or press Control-D to continue): [  123.456789] random: crng init done\n',
    ],
    ['subiquity', /Continue with autoinstall\?/, '\n\nContinue with autoinstall? (yes|no)\n'],
  ];
  for (const [family, question, log] of QUESTIONS) {
    it(`${family} asks: ${question.source}`, () => {
      const result = classifyLog(log, family);
      expect(result.kind, result.verdict?.message).to.equal('stuck');
      expect(result.outcome).to.equal('waits-for-input');
      expect(result.question).to.match(question);
    });
  }
});
