import type { ItemType, LinkGroup, TreeItem } from '../tree/tree-item.js';
import { NO_ATTRIBUTES, type Attributes } from '../tree/tree-item.js';

const HASH_BYTES = 32;
const FIRST_CAPACITY = 4096;
const TYPES: readonly ItemType[] = [
  'file',
  'directory',
  'symlink',
  'character-device',
  'block-device',
  'fifo',
  'socket',
];

/** What only few items have. */
interface Rare {
  readonly linkTarget: string;
  readonly device: string;
  readonly attributes: Attributes;
  readonly links: LinkGroup | undefined;
}

const NOTHING_RARE: Rare = { linkTarget: '', device: '', attributes: NO_ATTRIBUTES, links: undefined };

/** Items by number, in columns of typed arrays: as objects, those of a system with hundreds of thousands of files take hundreds of megabytes. */
export class PackedItems {
  readonly #paths: string[] = [];
  readonly #rare = new Map<number, Rare>();
  #capacity = FIRST_CAPACITY;
  #types = new Uint8Array(FIRST_CAPACITY);
  #hasHash = new Uint8Array(FIRST_CAPACITY);
  #modes = new Uint16Array(FIRST_CAPACITY);
  #owners = new Uint32Array(2 * FIRST_CAPACITY);
  #nanoseconds = new Uint32Array(FIRST_CAPACITY);
  #sizesAndTimes = new Float64Array(2 * FIRST_CAPACITY);
  #hashes = new Uint8Array(HASH_BYTES * FIRST_CAPACITY);

  get size(): number {
    return this.#paths.length;
  }

  /** @returns the item's number: how many there were before it */
  add(item: TreeItem): number {
    const number = this.#paths.length;
    if (number === this.#capacity) this.#grow();
    this.#paths.push(item.path);
    this.#types[number] = TYPES.indexOf(item.type);
    this.#modes[number] = item.mode;
    this.#owners.set([item.uid, item.gid], 2 * number);
    this.#nanoseconds[number] = item.mtimeNanoseconds;
    this.#sizesAndTimes.set([item.sizeBytes, item.mtimeSeconds], 2 * number);
    this.#hasHash[number] = item.sha256 === undefined ? 0 : 1;
    if (item.sha256 !== undefined) this.#hashes.set(Buffer.from(item.sha256, 'hex'), HASH_BYTES * number);
    const { linkTarget, device, attributes, links } = item;
    if (linkTarget !== '' || device !== '' || attributes !== NO_ATTRIBUTES || links !== undefined) {
      this.#rare.set(number, { linkTarget, device, attributes, links });
    }
    return number;
  }

  get(number: number): TreeItem {
    const [uid = 0, gid = 0] = this.#owners.subarray(2 * number, 2 * number + 2);
    const [sizeBytes = 0, mtimeSeconds = 0] = this.#sizesAndTimes.subarray(2 * number, 2 * number + 2);
    return {
      path: this.#paths[number] ?? '',
      type: TYPES[this.#types[number] ?? 0] ?? 'file',
      mode: this.#modes[number] ?? 0,
      uid,
      gid,
      sizeBytes,
      mtimeSeconds,
      mtimeNanoseconds: this.#nanoseconds[number] ?? 0,
      sha256: this.#hasHash[number] === 1 ? this.#hashOf(number) : undefined,
      ...(this.#rare.get(number) ?? NOTHING_RARE),
    };
  }

  #hashOf(number: number): string {
    return Buffer.from(this.#hashes.buffer, HASH_BYTES * number, HASH_BYTES).toString('hex');
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#types = enlarged(this.#types, new Uint8Array(this.#capacity));
    this.#hasHash = enlarged(this.#hasHash, new Uint8Array(this.#capacity));
    this.#modes = enlarged(this.#modes, new Uint16Array(this.#capacity));
    this.#owners = enlarged(this.#owners, new Uint32Array(2 * this.#capacity));
    this.#nanoseconds = enlarged(this.#nanoseconds, new Uint32Array(this.#capacity));
    this.#sizesAndTimes = enlarged(this.#sizesAndTimes, new Float64Array(2 * this.#capacity));
    this.#hashes = enlarged(this.#hashes, new Uint8Array(HASH_BYTES * this.#capacity));
  }
}

function enlarged<Column extends { set(values: Column): void }>(old: Column, larger: Column): Column {
  larger.set(old);
  return larger;
}
