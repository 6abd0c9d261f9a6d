import { z } from 'zod';

/**
 * What the published reference of autoinstall says of the keys that we use, in our own words. Subiquity's own schema is
 * under a licence that this project cannot include. Strict: a key that is not described here is an error.
 */
const command = z.union([z.string(), z.array(z.string()).nonempty()]);

export const AUTOINSTALL_SCHEMA = z.strictObject({
  version: z.literal(1),
  locale: z.string(),
  keyboard: z.strictObject({
    layout: z.string(),
    variant: z.string().optional(),
    toggle: z.string().nullable().optional(),
  }),
  timezone: z.string(),
  'refresh-installer': z.strictObject({ update: z.boolean(), channel: z.string().optional() }),
  source: z.strictObject({ id: z.string(), search_drivers: z.boolean().optional() }).optional(),
  'user-data': z.strictObject({ disable_root: z.boolean(), users: z.array(z.unknown()) }),
  ssh: z.strictObject({
    'install-server': z.boolean(),
    'allow-pw': z.boolean().optional(),
    'authorized-keys': z.array(z.string()).optional(),
  }),
  apt: z
    .strictObject({ primary: z.array(z.strictObject({ arches: z.array(z.string()), uri: z.string() })) })
    .optional(),
  storage: z.strictObject({
    layout: z.strictObject({ name: z.enum(['direct', 'lvm']) }),
    swap: z.strictObject({ size: z.literal(0) }),
  }),
  packages: z.array(z.string()).optional(),
  shutdown: z.enum(['reboot', 'poweroff']),
  'late-commands': z.array(command).nonempty(),
});

export const USER_DATA_SCHEMA = z.strictObject({ autoinstall: AUTOINSTALL_SCHEMA });
