/** Random trees for property tests. */
import fc from 'fast-check';
import { createEntry, type EntryType, type TreeEntry } from '../../../src/tree/entry.js';

export interface RandomEntry {
  readonly entry: TreeEntry;
  readonly content: Buffer;
}

const bytes = (maxLength: number, minLength = 0): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));
const component = fc
  .oneof(
    bytes(20, 1),
    bytes(255, 90),
    fc.constantFrom(...['-n', 'ä', 'a b', 'a\nb', '...', '\\'].map((name) => Buffer.from(name))),
  )
  .map((name) => Buffer.from(name.map((byte) => (byte === 0 || byte === 0x2f ? 0x2d : byte))));
const name = component.filter((bytesOfName) => !['.', '..'].includes(bytesOfName.toString('latin1')));
const path = fc
  .array(name, { minLength: 1, maxLength: 5 })
  .map((components) =>
    Buffer.concat(components.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from('/'), part]))),
  );
const id = fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 0, max: 0xffffffff }));
const text = fc.option(
  bytes(60, 1).map((value) => value.toString('latin1')),
  { nil: undefined },
);
const xattrs = fc
  .array(fc.tuple(fc.stringMatching(/^(user|security|trusted)\.[!-~]{1,30}$/), bytes(300)), { maxLength: 3 })
  .map((pairs) => new Map(pairs.sort(([one], [other]) => (one < other ? -1 : 1))));
const types: readonly EntryType[] = [
  'file',
  'directory',
  'symlink',
  'hardlink',
  'character-device',
  'block-device',
  'fifo',
];

export const randomEntry: fc.Arbitrary<RandomEntry> = fc
  .record({
    path,
    type: fc.constantFrom(...types),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: id,
    gid: id,
    mtimeSeconds: fc.oneof(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: -(2 ** 34), max: 2 ** 36 })),
    mtimeNanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
    target: path,
    device: fc.tuple(fc.nat(4095), fc.nat(1_048_575)),
    xattrs,
    accessAcl: text,
    defaultAcl: text,
    selinuxLabel: text,
    content: fc.oneof(
      bytes(1500),
      fc.nat(200_000).map((length) => Buffer.alloc(length, 'content ')),
    ),
  })
  .map(({ content, target, device: [major, minor], ...fields }) => {
    const isDevice = fields.type === 'character-device' || fields.type === 'block-device';
    const isLink = fields.type === 'symlink' || fields.type === 'hardlink';
    const isFile = fields.type === 'file';
    const entry = createEntry({
      ...fields,
      sizeBytes: isFile ? content.length : 0,
      ...(isLink ? { linkTarget: target } : {}),
      ...(isDevice ? { deviceMajor: major, deviceMinor: minor } : {}),
    });
    return { entry, content: isFile ? content : Buffer.alloc(0) };
  });
