import { expect } from 'chai';
import { cgzRecipeOf, planFiles, USUAL_CGZ } from '../../../../src/build/artifacts/plan.js';
import { requireMakers } from '../../../../src/build/artifacts/require-makers.js';
import { FakePrograms, failureOf } from '../../tools/fake-programs.js';

describe('requireMakers', () => {
  let fakes: FakePrograms;
  beforeEach(async () => {
    fakes = await FakePrograms.create();
    await fakes.add('gzip', 'echo "gzip 1.12"');
    await fakes.add('mksquashfs', 'echo "mksquashfs version 4.4-git.1 (2019/08/29)"');
  });
  afterEach(async () => fakes.remove());
  const search = (): { path: string; family: 'debian'; toolsPath: string } => ({
    path: fakes.path,
    family: 'debian',
    toolsPath: fakes.path,
  });

  it('wants nothing but gzip for what is made by default', async () => {
    await requireMakers(planFiles(['tar', 'cgz', 'kernel'], USUAL_CGZ), search());
  });

  it('names a program that is too old, and the package', async () => {
    const squashfs = cgzRecipeOf({ kind: 'squashfs', excludes: [], compressor: 'gzip' });
    const failure = await failureOf(requireMakers(planFiles(['cgz'], squashfs), search()));
    expect(failure).to.include({ code: 'TOOL_TOO_OLD' });
    expect(failure.message).to.match(/mksquashfs 4\.4 is too old: at least 4\.5/);
    expect(failure.hint).to.match(/squashfs-tools/);
  });
});
