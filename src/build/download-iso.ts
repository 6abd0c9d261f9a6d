import { downloadFile } from '../download/download-file.js';
import { forgetDownload } from '../download/partial-state.js';
import { MediaShelf } from '../store/media-shelf.js';
import type { Context } from './context.js';

export interface DownloadPlan {
  /** In the order in which they are tried. */
  readonly urls: readonly [string, ...string[]];
  readonly expectedSha256?: string | undefined;
  readonly expectedSizeBytes?: number | undefined;
}

/** Downloads an ISO onto the shelf, continuing what an earlier process left; another process that wants the same file waits. */
export async function downloadIso(
  plan: DownloadPlan,
  { store, emit, signal, stage }: Context,
): Promise<{ readonly path: string; readonly sha256: string }> {
  const { shelf } = store;
  const id = MediaShelf.downloadId(plan.urls[0], plan.expectedSha256);
  const lock = await store.lock(`download-${id}`, { wait: true, signal });
  try {
    if (plan.expectedSha256 !== undefined) {
      const shelved = await shelf.findIso(plan.expectedSha256);
      if (shelved !== undefined) return { path: shelved.path, sha256: plan.expectedSha256 };
    }
    const partial = await shelf.partialPath(id);
    const { sha256 } = await downloadFile({ ...plan, destinationPartial: partial, signal, emit, stage });
    const path = await shelf.shelve(partial, sha256);
    await forgetDownload(partial);
    return { path, sha256 };
  } finally {
    await lock?.release();
  }
}
