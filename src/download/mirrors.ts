import { Iso2RootfsError } from '../errors.js';
import { withoutCredentials } from './http.js';
import { networkError } from './retry.js';

export interface Mirror {
  readonly url: string;
  /** For messages. */
  readonly name: string;
  wasTried: boolean;
  isSlow: boolean;
  /** It does not honour Range as it should. */
  cannotResume: boolean;
  /** It will not give us the file: not asked again. */
  refusal: Refusal | undefined;
  lastProblem: string | undefined;
}

export interface Refusal {
  /** HTTP status, or what else is permanently wrong with it. */
  readonly status: number | 'wrong-size' | 'broken';
  readonly message: string;
}

/** The places that have a file, in the order in which they are tried. */
export class MirrorList {
  readonly mirrors: readonly Mirror[];
  #current = 0;

  constructor(urls: readonly string[]) {
    this.mirrors = [...new Set(urls)].map((url) => ({
      url,
      name: withoutCredentials(url),
      wasTried: false,
      isSlow: false,
      cannotResume: false,
      refusal: undefined,
      lastProblem: undefined,
    }));
  }

  /** The one to ask now; undefined when all have refused. */
  get current(): Mirror | undefined {
    const mirror = this.mirrors[this.#current];
    return mirror?.refusal === undefined ? mirror : this.#next();
  }

  /** Whether there is a mirror that may be faster than this one. */
  hasBetterThan(mirror: Mirror): boolean {
    return this.mirrors.some((other) => other !== mirror && other.refusal === undefined && !other.isSlow);
  }

  /**
   * Turns to the next mirror, if there is one.
   * @returns whether that one has not been tried yet, so that there is no reason to wait.
   */
  leave(mirror: Mirror): boolean {
    this.#current = this.mirrors.indexOf(mirror);
    const next = this.#next();
    if (next === undefined) return false;
    this.#current = this.mirrors.indexOf(next);
    return !next.wasTried;
  }

  /** Begins with the mirror of that name, if there is one. */
  prefer(name: string): void {
    const index = this.mirrors.findIndex((mirror) => mirror.name === name);
    if (index !== -1) this.#current = index;
  }

  /** The error for a file that every mirror has refused. */
  refusedByAll(): Iso2RootfsError {
    const statuses = this.mirrors.map(({ refusal }) => refusal?.status);
    const message = `could not fetch the file (${this.describeProblems()})`;
    if (statuses.includes('broken')) return networkError(message);
    if (statuses.includes('wrong-size')) {
      return new Iso2RootfsError('CHECKSUM_MISMATCH', message, { hint: 'The file is not the one that was published.' });
    }
    if (statuses.some((status) => status === 401 || status === 403)) {
      return new Iso2RootfsError('PERMISSION', message, {
        hint: 'The server wants credentials, or does not serve us.',
      });
    }
    return new Iso2RootfsError('HTTP_404', message, {
      hint: 'Releases move to an archive after a while: look for the new place, and give it with --iso URL.',
    });
  }

  describeProblems(): string {
    return this.mirrors
      .filter(({ lastProblem }) => lastProblem !== undefined)
      .map(({ name, lastProblem }) => `${name}: ${lastProblem ?? ''}`)
      .join('; ');
  }

  /** The next usable one after the current, a fast one if possible; the current one itself comes last. */
  #next(): Mirror | undefined {
    const after = [...this.mirrors.slice(this.#current + 1), ...this.mirrors.slice(0, this.#current + 1)];
    const usable = after.filter(({ refusal }) => refusal === undefined);
    return usable.find(({ isSlow }) => !isSlow) ?? usable[0];
  }
}
