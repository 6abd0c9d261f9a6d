import type { Toolbox } from './toolbox.js';

/** Makes a small ISO of some files, with Joliet and Rock Ridge names. */
export async function makeSeedIso(
  tools: Toolbox,
  options: { readonly files: readonly string[]; readonly volumeId: string; readonly destination: string },
): Promise<void> {
  const { files, volumeId, destination } = options;
  await tools.run(
    'xorriso',
    ['-as', 'mkisofs', '-quiet', '-joliet', '-rock', '-volid', volumeId, '-output', destination, ...files],
    {
      reason: 'make the seed ISO with the answer file',
    },
  );
}
