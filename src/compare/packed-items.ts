import type { Attributes, ItemType, LinkGroup, TreeItem } from '../tree/tree-item.js';
import { NO_ATTRIBUTES } from '../tree/tree-item.js';
import { ByteStore, Column, Numbering } from './columns.js';

const HASH_BYTES = 32;
const HASHES_PER_PIECE = 16_384;
const TYPES: readonly ItemType[] = [
  'file',
  'directory',
  'symlink',
  'character-device',
  'block-device',
  'fifo',
  'socket',
];
/** One number: permission bits, type, and whether the content's hash is known. */
const MODE_MASK = 0o7777;
const TYPE_SHIFT = 12;
const TYPE_MASK = 0xf;
const HASHED = 1 << 16;

/** Items by number, without their paths. */
export class PackedItems {
  readonly #kinds = Column.ofUnsigned();
  readonly #users = Column.ofUnsigned();
  readonly #groups = Column.ofUnsigned();
  readonly #nanoseconds = Column.ofUnsigned();
  readonly #sizes = Column.ofNumbers();
  readonly #seconds = Column.ofNumbers();
  readonly #attributeNumbers = Column.ofUnsigned();
  readonly #attributes = new Numbering<Attributes>();
  readonly #hashes: Buffer[] = [];
  /** Where a symlink's target is, and how long it is. */
  readonly #targetPositions = Column.ofNumbers();
  readonly #targetLengths = Column.ofUnsigned();
  readonly #targets = new ByteStore();
  /** What only few items have. */
  readonly #devices = new Map<number, string>();
  readonly #links = new Map<number, LinkGroup>();

  constructor() {
    this.#attributes.numberOf(NO_ATTRIBUTES);
  }

  set(number: number, item: TreeItem): void {
    const { sha256, linkTarget } = item;
    const type = TYPES.indexOf(item.type);
    this.#kinds.set(number, (item.mode & MODE_MASK) | (type << TYPE_SHIFT) | (sha256 === undefined ? 0 : HASHED));
    this.#users.set(number, item.uid);
    this.#groups.set(number, item.gid);
    this.#nanoseconds.set(number, item.mtimeNanoseconds);
    this.#sizes.set(number, item.sizeBytes);
    this.#seconds.set(number, item.mtimeSeconds);
    this.#attributeNumbers.set(number, this.#attributes.numberOf(item.attributes));
    if (sha256 !== undefined) this.#setHash(number, sha256);
    if (linkTarget !== '') this.#targetPositions.set(number, this.#targets.add(linkTarget));
    this.#targetLengths.set(number, linkTarget.length);
    if (item.device === '') this.#devices.delete(number);
    else this.#devices.set(number, item.device);
    if (item.links === undefined) this.#links.delete(number);
    else this.#links.set(number, item.links);
  }

  get(number: number, path: string): TreeItem {
    const kind = this.#kinds.get(number);
    const targetLength = this.#targetLengths.get(number);
    return {
      path,
      type: TYPES[(kind >>> TYPE_SHIFT) & TYPE_MASK] ?? 'file',
      mode: kind & MODE_MASK,
      uid: this.#users.get(number),
      gid: this.#groups.get(number),
      sizeBytes: this.#sizes.get(number),
      mtimeSeconds: this.#seconds.get(number),
      mtimeNanoseconds: this.#nanoseconds.get(number),
      sha256: (kind & HASHED) === 0 ? undefined : this.#hashOf(number),
      linkTarget: targetLength === 0 ? '' : this.#targets.get(this.#targetPositions.get(number), targetLength),
      device: this.#devices.get(number) ?? '',
      attributes: this.#attributes.get(this.#attributeNumbers.get(number)) ?? NO_ATTRIBUTES,
      links: this.#links.get(number),
    };
  }

  #setHash(number: number, sha256: string): void {
    const piece = (this.#hashes[Math.floor(number / HASHES_PER_PIECE)] ??= Buffer.alloc(HASH_BYTES * HASHES_PER_PIECE));
    piece.write(sha256, HASH_BYTES * (number % HASHES_PER_PIECE), 'hex');
  }

  #hashOf(number: number): string {
    const start = HASH_BYTES * (number % HASHES_PER_PIECE);
    return this.#hashes[Math.floor(number / HASHES_PER_PIECE)]?.toString('hex', start, start + HASH_BYTES) ?? '';
  }
}
