export interface Package {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
}

/** Installed packages of `/var/lib/dpkg/status` (deb-control(5) stanzas). */
export function parseDpkgStatus(text: string): Package[] {
  return text.split(/\n\n+/).flatMap((stanza) => {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1]?.trim();
    const [name, version] = [field('Package'), field('Version')];
    if (name === undefined || version === undefined || !(field('Status') ?? '').endsWith(' installed')) return [];
    return [{ name, version, arch: field('Architecture') ?? 'all' }];
  });
}
