import { expect } from 'chai';
import { cgzRecipeOf, isUsualCgz, missingFiles, planFiles, USUAL_CGZ } from '../../../../src/build/artifacts/plan.js';
import { DEFAULT_OUTPUTS, OUTPUTS } from '../../../../src/config/outputs.js';
import type { StoredObject } from '../../../../src/store/store.js';

const variants = [
  USUAL_CGZ,
  cgzRecipeOf({ kind: 'tree', excludes: [], compressor: 'zstd' }),
  cgzRecipeOf({ kind: 'tree', excludes: [], compressor: 'gzip', level: 9 }),
  cgzRecipeOf({ kind: 'tree', excludes: ['boot'], compressor: 'gzip' }),
  cgzRecipeOf({ kind: 'tree', excludes: ['modules', 'boot'], compressor: 'gzip' }),
  cgzRecipeOf({ kind: 'squashfs', excludes: [], compressor: 'gzip' }),
  cgzRecipeOf({ kind: 'squashfs', excludes: [], compressor: 'xz' }),
];

describe('the plan of artifacts', () => {
  it('keeps the names that everybody knows for what is asked for by default', () => {
    const files = planFiles(DEFAULT_OUTPUTS, USUAL_CGZ);
    expect(files.map(({ name }) => name)).to.deep.equal(['rootfs.tar', 'initramfs.cgz', 'vmlinuz', 'initrd.img']);
    expect(files.every(({ name, stored }) => name === stored)).to.equal(true);
  });

  it('gives every variant a place of its own in the object, and its usual name in the output', () => {
    const stored = variants.flatMap((cgz) => planFiles(['cgz'], cgz).map((file) => file.stored));
    expect(new Set(stored)).to.have.length(stored.length);
    for (const cgz of variants) expect(planFiles(['cgz'], cgz)[0]).to.have.property('name', 'initramfs.cgz');
    expect(variants.map(isUsualCgz)).to.deep.equal([true, false, false, false, false, false, false]);
  });

  it('puts the modules that are left out into an archive of their own', () => {
    const [, modules] = planFiles(['cgz'], variants[4]!);
    expect(modules).to.include({ name: 'modules.cgz' });
    expect(modules?.making).to.deep.include({ part: 'modules', excludes: [] });
  });

  it('has no two files of one name in an output directory', () => {
    for (const cgz of variants) {
      const names = planFiles(OUTPUTS, cgz).map(({ name }) => name);
      expect(new Set(names)).to.have.length(names.length);
    }
  });

  it('tells what an object lacks', () => {
    const files = ['rootfs.tar', 'vmlinuz', 'initrd.img', 'initramfs.cgz'].map((path) => ({ path }));
    const object = { record: { files } } as unknown as StoredObject;
    expect(missingFiles(object, { outputs: DEFAULT_OUTPUTS, cgz: USUAL_CGZ })).to.deep.equal([]);
    const missing = missingFiles(object, { outputs: ['cgz', 'oci', 'tar'], cgz: variants[5]! });
    expect(missing.map(({ output }) => output)).to.deep.equal(['cgz', 'oci']);
  });

  for (const [what, options, message] of [
    ['an exclusion from an image', { kind: 'squashfs', excludes: ['docs'], compressor: 'gzip' }, /--cgz-exclude/],
    ['a level of xz in squashfs', { kind: 'squashfs', excludes: [], compressor: 'xz', level: 3 }, /no level/],
    ['a level that gzip has not', { kind: 'tree', excludes: [], compressor: 'gzip', level: 10 }, /1 to 9/],
    ['a level that no kernel could unpack', { kind: 'tree', excludes: [], compressor: 'zstd', level: 22 }, /1 to 19/],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => cgzRecipeOf(options))
        .to.throw(message)
        .with.property('code', 'USAGE');
    });
  }
});
