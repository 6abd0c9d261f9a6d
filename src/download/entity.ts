/** Which version of a file a server speaks of, and whether two answers speak of the same one (RFC 9110, 8.8 and 14). */
import type { IncomingHttpHeaders } from 'node:http';

export interface Entity {
  /** As asked for, without credentials. */
  readonly url: string;
  /** Where redirects led to. */
  readonly finalUrl: string;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly isDateStrong: boolean;
  readonly totalBytes: number | undefined;
}

export function readEntity(
  headers: IncomingHttpHeaders,
  where: { readonly url: string; readonly finalUrl: string },
  totalBytes: number | undefined,
): Entity {
  const lastModified = headers['last-modified'];
  return {
    ...where,
    etag: headers.etag,
    lastModified,
    // A file that changed within the second in which it was asked for may change again under the same date.
    isDateStrong: Date.parse(headers.date ?? '') - Date.parse(lastModified ?? '') >= 1000,
    totalBytes,
  };
}

/** What If-Range may carry: a strong ETag, else a date that is as good as one; undefined when there is neither. */
export function strongValidator(entity: Entity): string | undefined {
  if (entity.etag !== undefined) return entity.etag.startsWith('W/') ? undefined : entity.etag;
  return entity.isDateStrong ? entity.lastModified : undefined;
}

/** Whether two answers of the same URL contradict each other. Silence contradicts nothing. */
export function contradicts(known: Entity, answered: Entity): boolean {
  return (
    differ(known.etag, answered.etag) ||
    differ(known.totalBytes, answered.totalBytes) ||
    // An equal ETag outweighs a date: mirrors behind one name share the first more often than the second.
    (known.etag === undefined && differ(known.lastModified, answered.lastModified))
  );
}

function differ(left: string | number | undefined, right: string | number | undefined): boolean {
  return left !== undefined && right !== undefined && left !== right;
}

export interface ContentRange {
  /** Undefined in a 416. */
  readonly start: number | undefined;
  readonly totalBytes: number | undefined;
}

/** Reads `bytes 100-199/200`, `bytes 100-199/*` and `bytes *` + `/200`. */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(?:(\d+)|\*)$/i.exec(value?.trim() ?? '');
  if (match === null) return undefined;
  return {
    start: match[1] === undefined ? undefined : Number(match[1]),
    totalBytes: match[2] === undefined ? undefined : Number(match[2]),
  };
}

/** Length of a whole body, where the server says it. */
export function contentLength(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['content-length'];
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}
