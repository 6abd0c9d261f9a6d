import { expect } from 'chai';
import { latestTimes, parseNames } from '../../../src/build/latest-times.js';
import { createEntry } from '../../../src/tree/entry.js';

describe('the times of a tree', () => {
  const names = Buffer.from(
    'd \0d etc\0d etc/ssh\0f etc/ssh/ssh_host_rsa_key\0f etc/machine-id\0f etc/with\nnewline\0',
    'latin1',
  );
  const clamp = latestTimes({ seconds: 1000, nanoseconds: 5 }, parseNames(names));
  const timeOf = (name: string, mtimeSeconds: number, mtimeNanoseconds = 0): string => {
    const entry = clamp(createEntry({ path: Buffer.from(name), type: 'file', mtimeSeconds, mtimeNanoseconds }));
    return `${entry.mtimeSeconds}.${entry.mtimeNanoseconds}`;
  };

  it('are no later than the end of the installation', () => {
    expect([timeOf('a', 999, 9), timeOf('a', 1000, 5), timeOf('a', 1000, 6), timeOf('a', 5000)]).to.deep.equal([
      '999.9',
      '1000.5',
      '1000.5',
      '1000.5',
    ]);
  });

  it('do not tell whether something was taken out on the disk or on the way', () => {
    expect([timeOf('etc/ssh', 10), timeOf('etc/machine-id', 10), timeOf('etc', 10)]).to.deep.equal([
      '1000.5',
      '1000.5',
      '10.0',
    ]);
  });

  it('stay where nothing tells when the installation ended', () => {
    const entry = createEntry({ path: Buffer.from('etc/ssh'), type: 'directory', mtimeSeconds: 9 });
    expect(latestTimes(undefined, parseNames(names))(entry)).to.equal(entry);
  });
});
