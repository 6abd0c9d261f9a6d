/** What a manifest says about the outputs that somebody asks for: one object may hold several variants of an image. */
import { planFiles } from './artifacts/plan.js';
import type { Manifest } from './manifest.js';
import type { Recipe } from './recipe.js';
import { describeFailure, type VerificationRecord } from './verification.js';

type Boot = Pick<VerificationRecord['boots'][number], 'name' | 'sha256'>;

/** The boots that show that the outputs are good. */
function telltaleBoots({ artifacts }: Manifest, { outputs, cgz }: Pick<Recipe, 'outputs' | 'cgz'>): Boot[] {
  const boots: Boot[] = [];
  const files = planFiles(outputs, cgz);
  const sha256Of = (stored: string): string => {
    const artifact = artifacts.find(({ name }) => name === stored);
    return artifact?.type === 'file' ? artifact.sha256 : '';
  };
  const archives = files.filter(({ output }) => output === 'cgz');
  if (archives.length > 0)
    boots.push({ name: 'cgz', sha256: archives.map(({ stored }) => sha256Of(stored)).join(' ') });
  if (outputs.includes('nfsroot')) boots.push({ name: 'nfsroot-read-only' }, { name: 'nfsroot-read-write' });
  // Both formats have the same content: one of them is booted.
  const disk = files.find(({ output }) => output === 'raw') ?? files.find(({ output }) => output === 'qcow2');
  if (disk !== undefined) boots.push({ name: 'disk', sha256: sha256Of(disk.stored) });
  return boots;
}

function findBoots(
  manifest: Manifest,
  recipe: Pick<Recipe, 'outputs' | 'cgz'>,
): (VerificationRecord['boots'][number] | undefined)[] {
  return telltaleBoots(manifest, recipe).map((wanted) =>
    manifest.verification?.boots.find(({ name, sha256 }) => name === wanted.name && sha256 === wanted.sha256),
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
