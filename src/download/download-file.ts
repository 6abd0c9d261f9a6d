import { rename } from 'node:fs/promises';
import path from 'node:path';
import { Iso2RootfsError } from '../errors.js';
import type { Emit } from '../events.js';
import type { Entity } from './entity.js';
import { HashedFile } from './hashed-file.js';
import { TransferError, withoutCredentials, type NetworkOptions } from './http.js';
import { MirrorList, type Mirror } from './mirrors.js';
import { forgetDownload, loadPartialState, readBootId, trustedBytes } from './partial-state.js';
import { networkError, retryTransfer, type RetryOptions } from './retry.js';
import { StateKeeper } from './state-keeper.js';
import { ChangedError, RefusedError, transferFrom } from './transfer.js';
import { SlowMirrorError, type PaceOptions } from './watch-body.js';

/** Less than this is not progress: a server that drops us after a few bytes each time must not keep us forever. */
const PROGRESS_BYTES = 64 * 1024;
const MAX_CHANGES = 5;
const EVENT_INTERVAL_MS = 100;

export interface DownloadRequest {
  /** http or https, in the order in which they are tried. */
  readonly urls: readonly string[];
  /**
   * Where the bytes go: `<name>.partial`, in a directory of ours. What an earlier attempt left there is continued. The
   * caller holds a lock on it.
   */
  readonly destinationPartial: string;
  /** 64 lower-case hexadecimal digits. Without it only one mirror's unchanged file can be continued. */
  readonly expectedSha256?: string | undefined;
  readonly expectedSizeBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly emit?: Emit;
  /** Named in progress events. Default: `fetch`. */
  readonly stage?: string;
  readonly network?: NetworkOptions;
  readonly retry?: RetryOptions;
  readonly pace?: PaceOptions;
}

export interface DownloadedFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** The mirror that it came from, after redirects, without credentials. */
  readonly url: string;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** Bytes that an earlier process had left and that are part of the file. */
  readonly resumedFromBytes: number;
}

/**
 * Fetches a file to disk, hashing it on the way, in constant memory. Connections that break, servers that stall, crawl,
 * change the file or misunderstand Range cost time, not correctness. When it returns, the bytes are on the medium; move
 * the file to its place and call `forgetDownload`.
 * @throws Iso2RootfsError
 * - CHECKSUM_MISMATCH: the file is set aside as `<name>.bad-<first 8 digits of its SHA-256>`;
 * - HTTP_404 or PERMISSION: no mirror has it or gives it to us; NETWORK: asking later may help;
 * - NO_SPACE, or the reason of an abort: what was fetched is kept for the next time.
 */
export async function downloadFile(request: DownloadRequest): Promise<DownloadedFile> {
  for (const url of request.urls) {
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
      throw new Iso2RootfsError('USAGE', `${withoutCredentials(url)} is not an http or https URL`);
    }
  }
  const file = await HashedFile.open(request.destinationPartial);
  try {
    return await new Download(request, file, await readBootId()).run();
  } finally {
    await file.close();
  }
}

class Download {
  readonly #partial: string;
  readonly #mirrors: MirrorList;
  readonly #state: StateKeeper;
  readonly #emit: Emit;
  #entity: Entity | undefined;
  #resumedFromBytes = 0;
  /** The file was put together from several answers. */
  #isSpliced = false;
  #changes = 0;
  #lastEventAt = 0;

  constructor(
    private readonly request: DownloadRequest,
    private readonly file: HashedFile,
    private readonly bootId: string,
  ) {
    this.#partial = request.destinationPartial;
    this.#mirrors = new MirrorList(request.urls);
    this.#state = new StateKeeper(this.#partial, file, bootId, request.expectedSha256);
    this.#emit = request.emit ?? (() => undefined);
  }

  async run(): Promise<DownloadedFile> {
    const { expectedSha256 } = this.request;
    try {
      await this.#takeUp();
      if (!this.#isComplete() || this.file.digest() !== expectedSha256) await this.#fetch();
      if (expectedSha256 !== undefined && this.file.digest() !== expectedSha256 && this.#isSpliced) {
        // Parts of two versions under one name are more likely than a bad mirror: one more try, in one piece.
        this.#emit({ type: 'warning', message: 'the parts do not make up the published file; fetching it anew' });
        await this.#startOver();
        await this.#fetch();
      }
      return await this.#finish();
    } finally {
      await this.#state.close();
    }
  }

  /** Continues what an earlier process left, as far as it can be trusted. */
  async #takeUp(): Promise<void> {
    const { expectedSha256, signal } = this.request;
    const state = await loadPartialState(this.#partial);
    const { size } = await this.file.stat();
    const isOurs =
      state !== undefined &&
      (expectedSha256 !== undefined && state.expectedSha256 !== undefined
        ? state.expectedSha256 === expectedSha256
        : this.#mirrors.mirrors.some(({ name }) => name === state.url));
    const bytes = isOurs ? trustedBytes(state, size, this.bootId) : 0;
    await this.file.keep(bytes, { signal });
    if (!isOurs || bytes === 0) return;
    const { url, finalUrl, etag, lastModified, isDateStrong, totalBytes, durableBytes } = state;
    this.#entity = { url, finalUrl, etag, lastModified, isDateStrong, totalBytes };
    this.#resumedFromBytes = bytes;
    this.#isSpliced = true;
    this.#mirrors.prefer(url);
    await this.#state.begin(this.#entity, Math.min(bytes, durableBytes));
    this.#emit({ type: 'notice', message: `continuing a download after ${bytes} bytes` });
  }

  #isComplete(): boolean {
    return this.file.bytes > 0 && this.file.bytes === this.#entity?.totalBytes;
  }

  async #fetch(): Promise<void> {
    let isFree = false;
    const attempt = async (): Promise<void> => {
      const mirror = this.#mirrors.current;
      if (mirror === undefined) throw this.#mirrors.refusedByAll();
      const before = this.file.bytes;
      try {
        this.#entity = await this.#transferFrom(mirror);
      } catch (error) {
        if (!(error instanceof TransferError)) throw error;
        isFree = await this.#learnFrom(error, mirror, this.file.bytes - before);
        throw error;
      }
    };
    try {
      await retryTransfer(attempt, { ...this.request.retry, signal: this.request.signal, isFree: () => isFree });
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      const name = this.#mirrors.mirrors[0]?.name ?? '';
      throw networkError(`could not fetch ${name} (${this.#mirrors.describeProblems()})`, error);
    }
  }

  async #transferFrom(mirror: Mirror): Promise<Entity> {
    mirror.wasTried = true;
    if (this.file.bytes > 0) this.#isSpliced = true;
    return transferFrom(mirror, {
      path: this.#partial,
      file: this.file,
      entity: this.#entity,
      isHashKnown: this.request.expectedSha256 !== undefined,
      expectedSizeBytes: this.request.expectedSizeBytes,
      network: this.request.network ?? {},
      pace: this.request.pace ?? {},
      signal: this.request.signal,
      mayLeave: () => this.#mirrors.hasBetterThan(mirror),
      onEntity: async (entity) => {
        this.#entity = entity;
        if (this.file.bytes > 0) return this.#state.begin(entity);
        this.#resumedFromBytes = 0;
        this.#isSpliced = false;
        return this.#state.begin(entity, 0);
      },
      onBytes: () => {
        this.#reportProgress();
        this.#state.touch();
      },
    });
  }

  /** @returns whether the next attempt may follow at once and counting begins anew. */
  async #learnFrom(error: TransferError, mirror: Mirror, gainedBytes: number): Promise<boolean> {
    mirror.lastProblem = error.message;
    if (error instanceof ChangedError) {
      this.#changes += 1;
      this.#emit({ type: 'notice', message: `${mirror.name}: ${error.message}; starting over` });
      await this.#startOver();
      return this.#changes <= MAX_CHANGES;
    }
    if (error instanceof RefusedError || error.isPermanent) {
      mirror.refusal = error instanceof RefusedError ? error.refusal : { status: 'broken', message: error.message };
      return true;
    }
    if (error instanceof SlowMirrorError) mirror.isSlow = true;
    // A connection that broke while it worked is worth another try at the same place.
    else if (gainedBytes >= PROGRESS_BYTES) return true;
    const isFresh = this.#mirrors.leave(mirror);
    const next = this.#mirrors.current;
    if (next !== undefined && next !== mirror) {
      this.#emit({ type: 'notice', message: `${mirror.name}: ${error.message}; turning to ${next.name}` });
    }
    return isFresh || error instanceof SlowMirrorError;
  }

  async #startOver(): Promise<void> {
    await this.file.keep(0);
    this.#entity = undefined;
    this.#resumedFromBytes = 0;
    this.#isSpliced = false;
  }

  async #finish(): Promise<DownloadedFile> {
    const entity = this.#entity;
    if (entity === undefined) throw new Iso2RootfsError('INTERNAL', 'a download ended without a file');
    const sha256 = this.file.digest();
    const { expectedSha256 = sha256, expectedSizeBytes = this.file.bytes } = this.request;
    if (sha256 !== expectedSha256 || this.file.bytes !== expectedSizeBytes) throw await this.#setAside(entity, sha256);
    await this.#state.finish(entity);
    this.#reportProgress(true);
    return {
      sha256,
      sizeBytes: this.file.bytes,
      url: entity.finalUrl,
      etag: entity.etag,
      lastModified: entity.lastModified,
      resumedFromBytes: this.#resumedFromBytes,
    };
  }

  async #setAside({ finalUrl: url }: Entity, sha256: string): Promise<Iso2RootfsError> {
    const { expectedSha256, expectedSizeBytes } = this.request;
    const setAside = `${this.#partial.replace(/\.partial$/, '')}.bad-${sha256.slice(0, 8)}`;
    await rename(this.#partial, setAside);
    await this.#state.close();
    await forgetDownload(this.#partial);
    const expected = expectedSha256 === undefined ? `${expectedSizeBytes ?? '?'} bytes` : `SHA-256 ${expectedSha256}`;
    const got = `SHA-256 ${sha256} (${this.file.bytes} bytes)`;
    return new Iso2RootfsError(
      'CHECKSUM_MISMATCH',
      `${url} is not the published file: expected ${expected}, got ${got}`,
      {
        hint: `Try another mirror. The file was set aside as ${path.basename(setAside)} and is never used.`,
        data: { url, expected: expectedSha256 ?? null, got: sha256, setAside },
      },
    );
  }

  #reportProgress(isLast = false): void {
    const now = performance.now();
    if (!isLast && now - this.#lastEventAt < EVENT_INTERVAL_MS) return;
    this.#lastEventAt = now;
    const total = this.#entity?.totalBytes;
    this.#emit({
      type: 'progress',
      stage: this.request.stage ?? 'fetch',
      unit: 'bytes',
      done: this.file.bytes,
      ...(total === undefined ? {} : { total }),
    });
  }
}
