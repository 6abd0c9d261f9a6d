/**
 * Every error that a user can meet, its stable code and its exit status. The only place that words exit codes.
 *
 * Statuses follow sysexits(3), timeout(1) (124) and the shell's 128 + signal.
 */

interface CodeEntry {
  readonly exitStatus: number;
  readonly meaning: string;
}

export const ERROR_CODES = {
  BUILD_FAILED: { exitStatus: 1, meaning: 'the installation ran and failed' },
  VERIFY_FAILED: { exitStatus: 1, meaning: 'an image did not boot as it should' },
  AUDIT_FAILED: { exitStatus: 1, meaning: 'outputs of one system differ where they should not' },
  USAGE: { exitStatus: 64, meaning: 'bad flags or arguments' },
  CHECKSUM_MISMATCH: { exitStatus: 65, meaning: 'the medium is not the one that was published' },
  NOT_INSTALL_MEDIA: { exitStatus: 65, meaning: 'the file is not an installer ISO, or is damaged' },
  UNSUPPORTED_DISTRO: { exitStatus: 65, meaning: 'the medium is not one that this program can install' },
  ANSWER_FILE_INVALID: { exitStatus: 65, meaning: 'the answer file cannot lead to an unattended installation' },
  TREE_NOT_REPRESENTABLE: {
    exitStatus: 65,
    meaning: 'the file system holds something that an output format cannot hold',
  },
  ISO_NOT_FOUND: { exitStatus: 66, meaning: 'the ISO does not exist' },
  NOT_CACHED: { exitStatus: 66, meaning: 'the cache does not have it' },
  HTTP_404: { exitStatus: 66, meaning: 'the server does not have it' },
  FILE_NOT_FOUND: { exitStatus: 66, meaning: 'a file named on the command line does not exist' },
  TOOL_MISSING: { exitStatus: 69, meaning: 'a program that is needed is not installed' },
  TOOL_TOO_OLD: { exitStatus: 69, meaning: 'a program that is needed is too old' },
  LIBVIRT_UNREACHABLE: { exitStatus: 69, meaning: 'libvirt does not answer' },
  APPLIANCE_UNAVAILABLE: { exitStatus: 69, meaning: 'the libguestfs appliance cannot start' },
  KVM_UNAVAILABLE: { exitStatus: 69, meaning: 'KVM was demanded and does not work' },
  INTERNAL: { exitStatus: 70, meaning: 'a bug in this program' },
  TOOL_FAILED: { exitStatus: 70, meaning: 'a program failed for a reason that we do not know' },
  OUTPUT_EXISTS: { exitStatus: 73, meaning: 'the output directory is not ours to replace' },
  NO_SPACE: { exitStatus: 74, meaning: 'a file system is full' },
  INTEGRITY: { exitStatus: 74, meaning: 'stored data are damaged' },
  NETWORK: { exitStatus: 75, meaning: 'the network or a server failed; trying again later is right' },
  LOCKED: { exitStatus: 75, meaning: 'another process holds the lock' },
  PERMISSION: { exitStatus: 77, meaning: 'the user may not do that' },
  CONFIG_INVALID: { exitStatus: 78, meaning: 'a configuration file or variable is wrong' },
  TIMEOUT: { exitStatus: 124, meaning: 'the installer did not finish in time' },
  STALLED: { exitStatus: 124, meaning: 'the installer stopped moving or waits for input' },
  INTERRUPTED: { exitStatus: 130, meaning: 'SIGINT, after the clean-up' },
  TERMINATED: { exitStatus: 143, meaning: 'SIGTERM, after the clean-up' },
} as const satisfies Record<string, CodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  /** What the user can try, in one sentence. */
  readonly hint?: string;
  /** The stage of the pipeline that failed; the pipeline fills it in. */
  readonly stage?: string;
  /** The log file that tells more. */
  readonly log?: string;
  /** Facts for programs that read `--json`: named, JSON-serialisable. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The error that reaches a user: what failed, at which stage, what to try, where the log is. */
export class Iso2RootfsError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | undefined;
  stage: string | undefined;
  log: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'Iso2RootfsError';
    this.code = code;
    this.hint = details.hint;
    this.stage = details.stage;
    this.log = details.log;
    this.data = details.data;
  }

  get exitStatus(): number {
    return ERROR_CODES[this.code].exitStatus;
  }

  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      message: this.message,
      stage: this.stage ?? null,
      hint: this.hint ?? null,
      log: this.log ?? null,
      ...(this.data === undefined ? {} : { data: this.data }),
    };
  }
}

/** The `code` of a Node.js system error (`ENOENT`, `ENOSPC`...), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const INTERNAL_HINT = 'This is a bug in iso2rootfs: please report it with the command line and the logs.';

/** Turns anything thrown into the error that we show. System errors that have a meaning of their own keep it. */
export function toIso2RootfsError(error: unknown): Iso2RootfsError {
  if (error instanceof Iso2RootfsError) return error;
  const message = error instanceof Error ? error.message : String(error);
  switch (systemErrorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new Iso2RootfsError('NO_SPACE', message, {
        hint: 'Free some space and run the command again.',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new Iso2RootfsError('PERMISSION', message, {
        hint: 'Run as a user who may do that, or choose another directory.',
        cause: error,
      });
    default:
      return new Iso2RootfsError('INTERNAL', message, { hint: INTERNAL_HINT, cause: error });
  }
}
