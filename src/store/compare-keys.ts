import { canonicalJson, type JsonValue } from './canonical-json.js';
import type { ObjectRecord } from './record.js';

/** A part of a key that is not the same in two keys. */
export interface KeyDifference {
  /** `iso`, `answerFile`, `recipe.diskSizeBytes`... */
  readonly part: string;
  /** Undefined: this key has no such part. */
  readonly wanted: JsonValue | undefined;
  readonly stored: JsonValue | undefined;
}

type KeyInputs = Readonly<Record<string, unknown>>;

/** What differs between the inputs of two keys, part by part. */
export function compareKeyInputs(wanted: KeyInputs, stored: KeyInputs): KeyDifference[] {
  const [wantedParts, storedParts] = [partsOf(wanted), partsOf(stored)];
  const names = [...new Set([...wantedParts.keys(), ...storedParts.keys()])].sort();
  return names.flatMap((part) => {
    const [one, other] = [wantedParts.get(part), storedParts.get(part)];
    const isSame = one !== undefined && other !== undefined && canonicalJson(one) === canonicalJson(other);
    return isSame ? [] : [{ part, wanted: one, stored: other }];
  });
}

function partsOf(value: unknown, name = ''): Map<string, JsonValue> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value === undefined ? new Map<string, JsonValue>() : new Map([[name, value as JsonValue]]);
  }
  return new Map(
    Object.entries(value).flatMap(([member, content]) => [
      ...partsOf(content, name === '' ? member : `${name}.${member}`),
    ]),
  );
}

export interface NearestObject {
  readonly record: ObjectRecord;
  readonly differences: readonly KeyDifference[];
}

/** The record whose key differs least: one of the same ISO rather than of another, then the fewest parts, then the newest. */
export function findNearest(wanted: KeyInputs, records: readonly ObjectRecord[]): NearestObject | undefined {
  const compared = records.map((record) => ({ record, differences: compareKeyInputs(wanted, record.keyInputs) }));
  const distance = ({ differences }: NearestObject): number =>
    differences.length + (differences.some(({ part }) => part === 'iso') ? 1000 : 0);
  return compared.sort(
    (a, b) => distance(a) - distance(b) || b.record.committedAt.localeCompare(a.record.committedAt),
  )[0];
}
