import path from 'node:path';
import { statfs } from 'node:fs/promises';
import { Iso2RootfsError } from '../errors.js';
import { contentLength, contradicts, parseContentRange, readEntity, strongValidator, type Entity } from './entity.js';
import type { HashedFile } from './hashed-file.js';
import { openUrl, TransferError, type HttpAnswer, type NetworkOptions } from './http.js';
import type { Mirror, Refusal } from './mirrors.js';
import { parseRetryAfter, ServerBusyError } from './retry.js';
import { watchBody, type PaceOptions } from './watch-body.js';

/** A mirror says that it will not give us the file. */
export class RefusedError extends TransferError {
  constructor(readonly refusal: Refusal) {
    super(refusal.message, false);
    this.name = 'RefusedError';
  }
}

/** What we have is not the beginning of what the server has now. */
export class ChangedError extends TransferError {
  constructor(message: string) {
    super(message, false);
    this.name = 'ChangedError';
  }
}

export interface Transfer {
  readonly path: string;
  readonly file: HashedFile;
  /** Whose bytes the file holds; undefined when it is empty. */
  readonly entity: Entity | undefined;
  /** The file is known by its hash: its beginning may come from anywhere. */
  readonly isHashKnown: boolean;
  readonly expectedSizeBytes: number | undefined;
  readonly network: NetworkOptions;
  readonly pace: PaceOptions;
  readonly signal: AbortSignal | undefined;
  /** Called before the first byte of an answer is appended. */
  readonly onEntity: (entity: Entity) => Promise<void>;
  readonly onBytes: () => void;
  readonly mayLeave: () => boolean;
}

/**
 * Asks one mirror once, for what is missing, and appends what comes.
 * @returns what the file is; it is complete then.
 * @throws TransferError (broken off, busy, refused, changed), Iso2RootfsError NO_SPACE
 */
export async function transferFrom(mirror: Mirror, transfer: Transfer): Promise<Entity> {
  const { file } = transfer;
  const headers = rangeHeaders(mirror, transfer);
  const answer = await openUrl(mirror.url, headers, { ...transfer.network, signal: transfer.signal });
  try {
    refuseFailures(answer, mirror);
    const accepted =
      answer.status === 416
        ? acceptEnd(answer, mirror, transfer, 'range' in headers)
        : await acceptAnswer(answer, mirror, transfer);
    if (accepted.isComplete) return accepted.entity;
    await checkSpace(transfer.path, file, accepted.entity);
    await transfer.onEntity(accepted.entity);
    await appendBody(answer, accepted, transfer);
    return { ...accepted.entity, totalBytes: file.bytes };
  } finally {
    answer.close();
    await file.flush();
  }
}

/** Empty where what is there cannot be continued; it is kept until the answer says that there is something better. */
function rangeHeaders(mirror: Mirror, { file, entity, isHashKnown }: Transfer): Record<string, string> {
  if (file.bytes === 0 || entity === undefined || mirror.cannotResume) return {};
  const range = `bytes=${file.bytes}-`;
  const validator = entity.url === mirror.name ? strongValidator(entity) : undefined;
  if (validator !== undefined) return { range, 'if-range': validator };
  // Nothing guards against another version but the hash at the end.
  return isHashKnown ? { range } : {};
}

function refuseFailures(answer: HttpAnswer, mirror: Mirror): void {
  const { status, headers } = answer;
  if (status === 429 || status === 408 || status >= 500) {
    throw new ServerBusyError(status, parseRetryAfter(headers['retry-after']));
  }
  if (status >= 400 && status !== 416) {
    throw new RefusedError({ status, message: `the server answered ${status}` });
  }
  if (status !== 200 && status !== 206 && status !== 416) {
    throw new RefusedError({ status: 'broken', message: `the server answered ${status}, which makes no sense here` });
  }
  const isPage = /^text\/html\b/i.test(headers['content-type'] ?? '');
  if (isPage && status !== 416 && !/\.html?$/i.test(new URL(mirror.url).pathname)) {
    throw new RefusedError({ status: 'broken', message: 'the server sent a web page instead of the file' });
  }
}

interface AcceptedAnswer {
  readonly entity: Entity;
  /** Bytes at the beginning of the body that we have already. */
  readonly skipBytes: number;
  readonly isComplete: boolean;
}

/** 416: there is nothing after what we have. */
function acceptEnd(answer: HttpAnswer, mirror: Mirror, transfer: Transfer, hasAskedForRange: boolean): AcceptedAnswer {
  const { file, entity: known } = transfer;
  if (!hasAskedForRange || known === undefined) {
    throw new RefusedError({ status: 'broken', message: 'the server answered 416 to a plain request' });
  }
  const totalBytes = parseContentRange(answer.headers['content-range'])?.totalBytes ?? known.totalBytes;
  const answered = readEntity(answer.headers, { url: mirror.name, finalUrl: answer.url }, totalBytes);
  if (totalBytes !== file.bytes || (known.url === mirror.name && contradicts(known, answered))) {
    throw new ChangedError('the file on the server is not the one that was begun');
  }
  return { entity: { ...known, totalBytes }, skipBytes: 0, isComplete: true };
}

async function acceptAnswer(answer: HttpAnswer, mirror: Mirror, transfer: Transfer): Promise<AcceptedAnswer> {
  const { file, entity: known, isHashKnown } = transfer;
  const isPart = answer.status === 206;
  const range = parseContentRange(answer.headers['content-range']);
  const totalBytes = isPart ? range?.totalBytes : contentLength(answer.headers);
  const answered = readEntity(answer.headers, { url: mirror.name, finalUrl: answer.url }, totalBytes);
  checkSize(answered, mirror, transfer);

  if (isPart) {
    if (range?.start !== file.bytes) {
      mirror.cannotResume = true;
      throw new ChangedError('the server sent another part of the file than was asked for');
    }
    if (known?.url !== mirror.name) return { entity: answered, skipBytes: 0, isComplete: false };
    if (contradicts(known, answered)) throw new ChangedError('the file has changed on the server');
    // A 206 may leave out what the first answer said.
    return { entity: { ...known, ...definedOf(answered) }, skipBytes: 0, isComplete: false };
  }

  // The whole file: either Range means nothing to the server, or If-Range tells it that the file has changed.
  const isSame =
    known !== undefined &&
    totalBytes !== undefined &&
    known.totalBytes === totalBytes &&
    (known.url === mirror.name
      ? !contradicts(known, answered) && strongValidator(answered) !== undefined
      : isHashKnown);
  if (isSame) return { entity: answered, skipBytes: file.bytes, isComplete: false };
  if (file.bytes > 0) await file.keep(0);
  return { entity: answered, skipBytes: 0, isComplete: false };
}

function definedOf(entity: Entity): Partial<Entity> {
  return Object.fromEntries(Object.entries(entity).filter(([, value]) => value !== undefined));
}

/** A mirror that has a file of another size is no reason to throw away what another one gave us. */
function checkSize({ totalBytes }: Entity, mirror: Mirror, { expectedSizeBytes, entity, file }: Transfer): void {
  const isBegunElsewhere = file.bytes > 0 && entity !== undefined && entity.url !== mirror.name;
  const wantedBytes = expectedSizeBytes ?? (isBegunElsewhere ? entity.totalBytes : undefined);
  if (wantedBytes === undefined || totalBytes === undefined || totalBytes === wantedBytes) return;
  throw new RefusedError({
    status: 'wrong-size',
    message: `the file has ${totalBytes} bytes instead of ${wantedBytes}`,
  });
}

/** Better now than after an hour. A server that does not say the length is believed until the disk is full. */
async function checkSpace(file: string, { bytes }: HashedFile, { totalBytes }: Entity): Promise<void> {
  if (totalBytes === undefined) return;
  const { bavail, bsize } = await statfs(path.dirname(file));
  const [neededBytes, availableBytes] = [totalBytes - bytes, bavail * bsize];
  if (neededBytes <= availableBytes) return;
  const inMebibytes = (value: number): string => `${Math.ceil(value / 1024 ** 2)} MiB`;
  throw new Iso2RootfsError(
    'NO_SPACE',
    `${path.dirname(file)} has ${inMebibytes(availableBytes)} left; ${inMebibytes(neededBytes)} are needed`,
    {
      hint: 'Free some space, or choose a directory on another file system.',
      data: { path: path.dirname(file), neededBytes, availableBytes },
    },
  );
}

async function appendBody(answer: HttpAnswer, accepted: AcceptedAnswer, transfer: Transfer): Promise<void> {
  const { file } = transfer;
  const { totalBytes } = accepted.entity;
  const limit = totalBytes ?? transfer.expectedSizeBytes ?? Infinity;
  let { skipBytes } = accepted;
  for await (const chunk of watchBody(answer, transfer.pace, transfer.mayLeave)) {
    const skipped = Math.min(skipBytes, chunk.length);
    skipBytes -= skipped;
    if (skipped === chunk.length) continue;
    if (file.bytes + chunk.length - skipped > limit) throw new ChangedError('the server sends more than it announced');
    await file.append(skipped === 0 ? chunk : chunk.subarray(skipped));
    transfer.onBytes();
  }
  if (skipBytes > 0 || (totalBytes !== undefined && file.bytes < totalBytes)) {
    throw new TransferError('the connection was closed before the end of the file', false);
  }
}
