/** How an installation can fail, by name; what each means for the exit status and for the user. */
import type { ErrorCode } from '../errors.js';

interface OutcomeEntry {
  readonly code: ErrorCode;
  /** What happened; the installer's own line follows it after a colon. */
  readonly summary: string;
  /** What to try. */
  readonly hint: string;
}

export const OUTCOMES = {
  'kickstart-syntax': {
    code: 'BUILD_FAILED',
    summary: 'the installer refuses the answer file',
    hint: "Correct the answer file; 'iso2rootfs answer check FILE' finds most such mistakes before a machine starts.",
  },
  'missing-package': {
    code: 'BUILD_FAILED',
    summary: 'a package cannot be installed',
    hint: 'Take the package out of the list, or give a repository that has it: media of kind minimal or netinst carry few packages.',
  },
  'repository-unreachable': {
    code: 'BUILD_FAILED',
    summary: 'the installer cannot use its package repository',
    hint: 'Check the repository URL and that the guest has a network, or use a medium that carries packages (dvd).',
  },
  'no-disk': {
    code: 'BUILD_FAILED',
    summary: 'the installer finds no disk to install to',
    hint: 'Check the disk names in the answer file: the disk of the virtual machine is the virtio disk vda.',
  },
  'no-space': {
    code: 'BUILD_FAILED',
    summary: 'the disk is too small',
    hint: 'Give a larger disk with --disk-size, or fewer packages.',
  },
  'out-of-memory': {
    code: 'BUILD_FAILED',
    summary: 'the virtual machine has too little memory',
    hint: 'Give more with --memory.',
  },
  'post-failed': {
    code: 'BUILD_FAILED',
    summary: 'a script of the answer file failed',
    hint: 'Correct the script (--post, or %pre and %post of the answer file); its output is in the log.',
  },
  traceback: {
    code: 'BUILD_FAILED',
    summary: 'the installer crashed',
    hint: 'This is mostly a bug of the installer that the answer file provokes: try without unusual options; the log has the whole traceback.',
  },
  'kernel-panic': {
    code: 'BUILD_FAILED',
    summary: "the medium's kernel panicked",
    hint: 'Try more memory (--memory) and --accel tcg; if that does not help, the medium may be damaged.',
  },
  'dracut-no-root': {
    code: 'BUILD_FAILED',
    summary: 'the initrd cannot find the installer image',
    hint: 'Check inst.stage2 or inst.repo (label and path) and that the medium is complete.',
  },
  'cpu-too-old': {
    code: 'BUILD_FAILED',
    summary: 'the distribution needs a newer CPU than the virtual machine has',
    hint: 'Use a host whose CPU is x86-64-v2 (v3 for EL 10) or newer, or --accel tcg.',
  },
  'waits-for-input': {
    code: 'STALLED',
    summary: 'the installer waits for an answer',
    hint: 'Answer the question in the answer file.',
  },
  stalled: {
    code: 'STALLED',
    summary: 'the installer stopped moving',
    hint: 'Look at the console log; if the machine is only slow, raise --idle-timeout.',
  },
  'timed-out': {
    code: 'TIMEOUT',
    summary: 'the installation did not end in time',
    hint: 'Raise --timeout; without KVM an installation takes an hour or more.',
  },
  'powered-off-without-installing': {
    code: 'BUILD_FAILED',
    summary: 'the machine ended without having installed anything that carries our token',
    hint: 'Look at the console log for the reason; an answer file of your own must let the appended %post run.',
  },
  'installer-error': {
    code: 'BUILD_FAILED',
    summary: 'the installer stopped with an error',
    hint: 'Read the message and the log; most such errors are cured in the answer file.',
  },
} as const satisfies Record<string, OutcomeEntry>;

export type Outcome = keyof typeof OUTCOMES;

/** What a second attempt should have more of. */
export type RetryResource = 'memory' | 'disk';

export function retryResource(outcome: Outcome): RetryResource | undefined {
  if (outcome === 'out-of-memory') return 'memory';
  return outcome === 'no-space' ? 'disk' : undefined;
}
