export const SELINUX_CONFIG = 'etc/selinux/config';

/** What `--selinux` can say. `keep`: as the installation left it. */
export const SELINUX_CHOICES = ['keep', 'permissive', 'disabled'] as const;
export type SelinuxChoice = (typeof SELINUX_CHOICES)[number];

export type SelinuxMode = 'enforcing' | 'permissive' | 'disabled';

const SETTING = /^[ \t]*SELINUX[ \t]*=[ \t]*(\w+)[ \t]*$/gm;

/** The mode that a system starts with; undefined when its configuration does not say. */
export function findSelinuxMode(config: string): SelinuxMode | undefined {
  const last = [...config.matchAll(SETTING)].at(-1)?.[1]?.toLowerCase();
  return last === 'enforcing' || last === 'permissive' || last === 'disabled' ? last : undefined;
}

export function withSelinuxMode(config: string, mode: SelinuxMode): string {
  if (findSelinuxMode(config) === undefined) return `${config.replace(/\n*$/, '\n')}SELINUX=${mode}\n`;
  return config.replace(SETTING, `SELINUX=${mode}`);
}
