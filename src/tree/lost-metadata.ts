/** What an archive format without extended attributes loses of a tree. */
import type { TreeEntry } from './entry.js';
import { printablePath } from './tree-path.js';

export interface LostMetadata {
  /** As {@link printablePath} writes it. */
  readonly path: string;
  /** Names of the extended attributes; an ACL is `system.posix_acl_access` or `system.posix_acl_default`. Sorted. */
  readonly xattrs: readonly string[];
  /** The value of `security.capability`, in hexadecimal digits. */
  readonly capabilityHex?: string;
}

const CAPABILITY = 'security.capability';
const LABEL = 'security.selinux';

/** GNU tar writes an access ACL beside a default one even where it says what the mode says. */
const HAS_MORE_THAN_MODE = /^(?:mask|(?:user|group):[^:\n])/m;

export class LostMetadataList {
  readonly entries: LostMetadata[] = [];
  labelCount = 0;

  add(entry: TreeEntry): void {
    const { xattrs, accessAcl, defaultAcl, selinuxLabel } = entry;
    if (selinuxLabel !== undefined || xattrs.has(LABEL)) this.labelCount++;
    const names = new Set([...xattrs.keys()].map((name) => printablePath(Buffer.from(name, 'latin1'))));
    // Labels are on every file of a labelled system.
    names.delete(LABEL);
    if (accessAcl !== undefined && HAS_MORE_THAN_MODE.test(accessAcl)) names.add('system.posix_acl_access');
    if (defaultAcl !== undefined) names.add('system.posix_acl_default');
    if (names.size === 0) return;
    const capability = xattrs.get(CAPABILITY);
    this.entries.push({
      path: printablePath(entry.path),
      xattrs: [...names].sort(),
      ...(capability === undefined ? {} : { capabilityHex: capability.toString('hex') }),
    });
  }
}
