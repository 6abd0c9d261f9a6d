import { expect } from 'chai';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatBytes, freeBytes, requireSpace } from '../../../src/tools/space.js';
import { failureOf } from './fake-programs.js';

describe('tools/space', () => {
  it('measures the nearest parent of what does not exist yet', async () => {
    const here = await freeBytes(tmpdir());
    const below = await freeBytes(path.join(tmpdir(), 'none/of/these/exists'));
    expect(Math.abs(here - below)).to.be.lessThan(here / 10);
  });

  it('lets what fits pass', () => requireSpace(tmpdir(), 1, 'a byte'));

  it('says how much is needed and how much there is', async () => {
    const error = await failureOf(requireSpace('/tmp/x', 5 * 1024 ** 5, 'the installed disk'));
    expect(error.code).to.equal('NO_SPACE');
    expect(error.exitStatus).to.equal(74);
    expect(error.message).to.match(/^the installed disk needs 5\.0 PiB at \/tmp\/x, where [\d.]+ [KMGT]iB are free$/);
    expect(error.data).to.include({ path: '/tmp/x', neededBytes: 5 * 1024 ** 5 });
    expect(error.data?.['availableBytes']).to.be.a('number');
  });

  it('writes sizes for people', () => {
    expect(
      [0, 1023, 1024, 1536, 1024 ** 2 - 1, 1024 ** 3, 2.5 * 1024 ** 4, 3000 * 1024 ** 5].map(formatBytes),
    ).to.deep.equal(['0 bytes', '1023 bytes', '1.0 KiB', '1.5 KiB', '1.0 MiB', '1.0 GiB', '2.5 TiB', '3000.0 PiB']);
  });
});
