/** What a manifest says about the outputs that somebody asks for: one object may hold several variants of an image. */
import { planFiles } from './artifacts/plan.js';
import type { Manifest } from './manifest.js';
import type { Recipe } from './recipe.js';
import { describeFailure, type VerificationRecord } from './verification.js';

type Boot = VerificationRecord['boots'][number];

interface Telltale extends Pick<Boot, 'name'> {
  /** Of the images that it is good of; undefined: it is of a directory. */
  readonly sha256?: readonly string[];
}

/** The boots that show that the outputs are good. */
function telltaleBoots({ artifacts }: Manifest, { outputs, cgz }: Pick<Recipe, 'outputs' | 'cgz'>): Telltale[] {
  const boots: Telltale[] = [];
  const files = planFiles(outputs, cgz);
  const sha256Of = (stored: string): string => {
    const artifact = artifacts.find(({ name }) => name === stored);
    return artifact?.type === 'file' ? artifact.sha256 : '';
  };
  const archives = files.filter(({ output }) => output === 'cgz');
  if (archives.length > 0)
    boots.push({ name: 'cgz', sha256: [archives.map(({ stored }) => sha256Of(stored)).join(' ')] });
  if (outputs.includes('nfsroot')) boots.push({ name: 'nfsroot-read-only' }, { name: 'nfsroot-read-write' });
  // Both formats are of one disk: what booting one of them came to holds for the other.
  if (files.some(({ output }) => output === 'raw' || output === 'qcow2')) {
    const disks = planFiles(['raw', 'qcow2'], cgz).map(({ stored }) => sha256Of(stored));
    boots.push({ name: 'disk', sha256: disks.filter((sha256) => sha256 !== '') });
  }
  return boots;
}

function findBoots(manifest: Manifest, recipe: Pick<Recipe, 'outputs' | 'cgz'>): (Boot | undefined)[] {
  const isOf = (boot: Boot, { name, sha256 }: Telltale): boolean =>
    boot.name === name && (sha256 === undefined ? boot.sha256 === undefined : sha256.includes(boot.sha256 ?? ''));
  return telltaleBoots(manifest, recipe).map((wanted) =>
    manifest.verification?.boots.find((boot) => isOf(boot, wanted)),
  );
}

/** Whether every image that the outputs have was booted, and passed. */
export function isVerified(manifest: Manifest, recipe: Pick<Recipe, 'outputs' | 'cgz'>): boolean {
  return findBoots(manifest, recipe).every((boot) => boot?.passed === true);
}

/** A sentence about an image of the outputs that did not pass; undefined when none is known to have failed. */
export function knownFailure(manifest: Manifest, recipe: Pick<Recipe, 'outputs' | 'cgz'>): string | undefined {
  const boots = findBoots(manifest, recipe).filter((boot) => boot !== undefined);
  return describeFailure({ verdict: 'failed', boots });
}
