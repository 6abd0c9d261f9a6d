import { expect } from 'chai';
import { NewcItems } from '../../../src/tree/newc-items.js';
import { canonicalAcl, decodeAcl, saysMoreThanMode } from '../../../src/tree/posix-acl.js';
import type { TreeItem } from '../../../src/tree/tree-item.js';

interface Member {
  readonly name: string;
  readonly mode?: number;
  readonly inode?: number;
  readonly links?: number;
  readonly content?: string;
}

function member({ name, mode = 0o100644, inode = 1, links = 1, content = '' }: Member): Buffer {
  const fields = [inode, mode, 7, 8, links, 9, Buffer.byteLength(content), 0, 0, 1, 3, Buffer.byteLength(name) + 1, 0];
  const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`);
  const pad = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  return Buffer.concat([pad(head), pad(Buffer.from(content))]);
}

const TRAILER = member({ name: 'TRAILER!!!', mode: 0, inode: 0 });

function read(archive: Buffer, chunkBytes = archive.length): TreeItem[] {
  const items: TreeItem[] = [];
  const reader = new NewcItems((item) => items.push(item));
  for (let at = 0; at < archive.length; at += chunkBytes) reader.push(archive.subarray(at, at + chunkBytes));
  reader.finish();
  return items;
}

const SHA256_OF_HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

describe('the items of a newc archive', () => {
  it('are the same in chunks of any size', () => {
    const archive = Buffer.concat([
      member({ name: '.', mode: 0o040755, links: 2 }),
      member({ name: './file', content: 'hello' }),
      member({ name: 'link', mode: 0o120777, content: 'target' }),
      member({ name: 'null', mode: 0o020666 }),
      TRAILER,
    ]);
    for (const size of [1, 3, 111, archive.length]) {
      const items = read(archive, size);
      expect(items.map(({ path, type }) => `${path} ${type}`)).to.deep.equal([
        ' directory',
        'file file',
        'link symlink',
        'null character-device',
      ]);
      expect(items[1]).to.deep.include({
        sha256: SHA256_OF_HELLO,
        mode: 0o644,
        uid: 7,
        gid: 8,
        mtimeSeconds: 9,
        sizeBytes: 5,
      });
      expect(items[2]?.linkTarget).to.equal('target');
      expect(items[3]?.device).to.equal('1:3');
    }
  });

  it('know all names of a file, whichever of them has the content', () => {
    for (const contents of [
      ['hello', ''],
      ['', 'hello'],
    ]) {
      const items = read(
        Buffer.concat([
          member({ name: 'b', links: 2, content: contents[0]! }),
          member({ name: 'a', links: 2, content: contents[1]! }),
          TRAILER,
        ]),
      );
      expect(items.map(({ sha256 }) => sha256)).to.deep.equal([SHA256_OF_HELLO, SHA256_OF_HELLO]);
      expect(items.every(({ links }) => links?.first === 'a' && links.names === 2)).to.equal(true);
    }
  });

  it('do not mix inodes of archives that follow each other', () => {
    const archive = Buffer.concat([
      member({ name: 'a', links: 2, content: 'hello' }),
      TRAILER,
      Buffer.alloc(512),
      member({ name: 'b', links: 2, content: 'other' }),
      TRAILER,
      Buffer.alloc(8),
    ]);
    const [a, b] = read(archive, 64);
    expect([a?.links?.names, b?.links?.names]).to.deep.equal([1, 1]);
    expect(a?.sha256).not.to.equal(b?.sha256);
  });

  const hostile: readonly (readonly [what: string, archive: Buffer])[] = [
    ['is truncated in a header', member({ name: 'file', content: 'hello' }).subarray(0, 60)],
    ['is truncated in content', member({ name: 'file', content: 'hello' }).subarray(0, 117)],
    ['has no trailer', member({ name: 'file', content: 'hello' })],
    ['climbs out', Buffer.concat([member({ name: '../etc/passwd' }), TRAILER])],
    ['has a number that is none', Buffer.from(`070701${'zzzzzzzz'.repeat(13)}`)],
    ['has a type that is none', Buffer.concat([member({ name: 'x', mode: 0o644 }), TRAILER])],
    ['has something else in it', Buffer.concat([TRAILER, Buffer.from('#!/bin/sh\n')])],
    ['has a link of a megabyte', member({ name: 'x', mode: 0o120777, content: 'y'.repeat(1 << 20) })],
  ];
  for (const [what, archive] of hostile) {
    it(`are refused when it ${what}`, () => {
      expect(() => read(archive, 50))
        .to.throw()
        .with.property('code', 'INTEGRITY');
    });
  }
});

describe('POSIX ACLs', () => {
  it('are the same as text and as an attribute', () => {
    const value = Buffer.from(
      '0200000001000600ffffffff02000400e80300000400 0400ffffffff10000600ffffffff20000000ffffffff'.replace(' ', ''),
      'hex',
    );
    const text = 'user::rw-\nuser:1000:r--\t#effective:r--\ngroup::r--\nmask::rw-\nother::---\n';
    expect(decodeAcl(value)).to.equal(canonicalAcl(text));
    expect(saysMoreThanMode(decodeAcl(value))).to.equal(true);
    expect(saysMoreThanMode(canonicalAcl('user::rw-,group::r--,other::r--'))).to.equal(false);
  });

  it('are shown as they are where they are none', () => {
    expect(decodeAcl(Buffer.from('0300', 'hex'))).to.equal('0300');
    expect(decodeAcl(Buffer.alloc(0))).to.equal('');
  });
});
