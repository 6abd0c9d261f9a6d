import { expect } from 'chai';
import { USUAL_CGZ, type CgzRecipe } from '../../../src/build/artifacts/plan.js';
import type { Manifest } from '../../../src/build/manifest.js';
import { isVerified, knownFailure } from '../../../src/build/verified-outputs.js';
import { recordVerification, verificationSchema } from '../../../src/build/verification.js';
import type { Output } from '../../../src/config/outputs.js';
import { problem } from '../../../src/verify/problems.js';
import { parseReport } from '../../../src/verify/report.js';
import type { BootResult } from '../../../src/verify/verify.js';

function boot(name: BootResult['name'], passed: boolean, sha256?: string): BootResult {
  return {
    name,
    passed,
    sha256,
    problems: passed ? [problem('units-failed', 'a.service')] : [problem('kernel-panic', 'no init')],
    memoryMiB: 512,
    elapsedMs: 1234.5,
    shutdownMs: undefined,
    report: parseReport(''),
    consoleTail: [],
    consoleLog: '/somewhere/verify.log',
    isBelowStated: false,
  };
}

function manifest(verification?: Manifest['verification']): Manifest {
  const artifacts = ['initramfs.cgz', 'initramfs.squashfs-gzip-6.cgz', 'disk.raw', 'disk.qcow2'].map((name) => ({
    name,
    type: 'file' as const,
    sizeBytes: 1,
    sha256: `sum of ${name}`,
  }));
  // Of all that a manifest says, only this is asked for.
  return { artifacts, verification } as unknown as Manifest;
}

const ask = (
  outputs: readonly Output[],
  cgz: CgzRecipe = USUAL_CGZ,
): { outputs: readonly Output[]; cgz: CgzRecipe } => ({
  outputs,
  cgz,
});

describe('what a manifest says of boots', () => {
  it('keeps what is known of other images, and replaces what was booted again', () => {
    const first = recordVerification([boot('cgz', false, 'a'), boot('disk', true, 'd')], 'tcg', undefined);
    expect(first.verdict).to.equal('failed');
    const second = recordVerification([boot('cgz', true, 'b')], 'tcg', first);
    expect(second.boots.map(({ name, sha256, passed }) => [name, sha256, passed])).to.deep.equal([
      ['cgz', 'a', false],
      ['disk', 'd', true],
      ['cgz', 'b', true],
    ]);
    const third = recordVerification([boot('cgz', true, 'a')], 'kvm', second);
    expect(third.verdict).to.equal('passed');
    expect(third.boots).to.have.length(3);
    expect(verificationSchema.parse(JSON.parse(JSON.stringify(third)))).to.deep.equal(third);
    expect(third.boots.at(-1)).to.include({ consoleLog: 'logs/verify-cgz.log', elapsedMs: 1235 });
  });

  it('holds for the very file that was booted', () => {
    const record = recordVerification([boot('cgz', true, 'sum of initramfs.cgz')], 'tcg', undefined);
    expect(isVerified(manifest(record), ask(['cgz', 'kernel']))).to.equal(true);
    expect(isVerified(manifest(record), ask(['cgz'], { ...USUAL_CGZ, kind: 'squashfs' }))).to.equal(false);
    expect(isVerified(manifest(record), ask(['cgz', 'nfsroot']))).to.equal(false);
    expect(isVerified(manifest(undefined), ask(['cgz']))).to.equal(false);
    const other = recordVerification([boot('cgz', true, 'sum of another build')], 'tcg', undefined);
    expect(isVerified(manifest(other), ask(['cgz']))).to.equal(false);
  });

  it('asks for nfsroot both ways, and for one disk image', () => {
    const disk = boot('disk', true, 'sum of disk.raw');
    const record = recordVerification([boot('nfsroot-read-only', true), disk], 'tcg', undefined);
    expect(isVerified(manifest(record), ask(['nfsroot']))).to.equal(false);
    expect(isVerified(manifest(record), ask(['raw', 'qcow2']))).to.equal(true);
    const both = recordVerification([boot('nfsroot-read-write', true)], 'tcg', record);
    expect(isVerified(manifest(both), ask(['nfsroot', 'raw']))).to.equal(true);
  });

  it('holds for both formats of a disk, whichever was booted', () => {
    const record = recordVerification([boot('disk', false, 'sum of disk.raw')], 'tcg', undefined);
    expect(knownFailure(manifest(record), ask(['qcow2']))).to.match(/^disk did not pass/);
    expect(knownFailure(manifest(record), ask(['tar']))).to.equal(undefined);
    const passed = recordVerification([boot('disk', true, 'sum of disk.qcow2')], 'tcg', undefined);
    expect(isVerified(manifest(passed), ask(['raw']))).to.equal(true);
    const other = recordVerification([boot('disk', true, 'sum of another disk')], 'tcg', undefined);
    expect(isVerified(manifest(other), ask(['raw']))).to.equal(false);
  });

  it('names what failed, to those who ask for it', () => {
    const record = recordVerification([boot('cgz', false, 'sum of initramfs.cgz')], 'tcg', undefined);
    expect(knownFailure(manifest(record), ask(['cgz']))).to.match(
      /^cgz did not pass on \d{4}-\d\d-\d\d: .*panic.*no init/,
    );
    expect(knownFailure(manifest(record), ask(['tar', 'kernel']))).to.equal(undefined);
    expect(knownFailure(manifest(undefined), ask(['cgz']))).to.equal(undefined);
  });
});
