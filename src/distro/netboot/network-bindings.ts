/**
 * Network configuration that an installer wrote for the cards of its own machine, changed to hold for any Ethernet card. Only what
 * does no more than ask for an address (DHCP) is changed: static addresses are somebody's will.
 */
import type { Addition, TreeSurvey } from './tree-survey.js';

const IFCFG = /^etc\/sysconfig\/network-scripts\/ifcfg-(?!lo$)[^/]*$/;
/** All that the network scripts read, with `lo`. */
const ANY_IFCFG = /^etc\/sysconfig\/network-scripts\/ifcfg-[^/]*$/;
/** What virt-sysprep takes out of them, on Fedora and RHEL. */
const MACHINE_NAMES = ['HWADDR', 'HOSTNAME', 'DHCP_HOSTNAME'] as const;
const NETPLAN = /^etc\/(?:netplan\/[^/]+\.yaml|cloud\/cloud\.cfg\.d\/[^/]*installer[^/]*net[^/]*\.cfg)$/;
const INTERFACES = 'etc/network/interfaces';

/** Whether an entry is one of the files that {@link generaliseNetwork} knows. */
export function isNetworkConfiguration(path: string): boolean {
  return IFCFG.test(path) || NETPLAN.test(path) || path === INTERFACES;
}

export function isIfcfg(path: string): boolean {
  return ANY_IFCFG.test(path);
}

/** The text of an ifcfg file without the card's address and the names of its machine. */
export function withoutMachineNames(text: string): string {
  return withoutKeys(text, MACHINE_NAMES).join('\n');
}

function withoutKeys(text: string, keys: readonly string[]): string[] {
  return text.split('\n').filter((line) => !keys.some((key) => line.startsWith(`${key}=`)));
}

/**
 * The text without what binds it to a card or names the machine; the same text where there is nothing of that.
 * @param hasNetworkManager which is content with a profile that names no card; the older network scripts are not
 */
export function generaliseNetwork(path: string, text: string, hasNetworkManager: boolean): string {
  if (IFCFG.test(path)) return generaliseIfcfg(text, hasNetworkManager);
  if (NETPLAN.test(path)) return generaliseNetplan(text);
  return path === INTERFACES ? generaliseInterfaces(text) : text;
}

/** Whether something of it may have to be changed, whatever else the system has. */
export function mayBeBound(path: string, text: string): boolean {
  const isChanged = [true, false].some(
    (hasNetworkManager) => generaliseNetwork(path, text, hasNetworkManager) !== text,
  );
  return isChanged || (path === INTERFACES && !hasCard(text));
}

function generaliseIfcfg(text: string, hasNetworkManager: boolean): string {
  const has = (pattern: RegExp): boolean => pattern.test(text);
  const isPlain =
    has(/^BOOTPROTO=["']?dhcp/m) && has(/^TYPE=["']?Ethernet/m) && !has(/^(?:IPADDR|MASTER|BRIDGE|TEAM_MASTER|VLAN)/m);
  const kept = withoutKeys(text, [...MACHINE_NAMES, 'UUID', ...(isPlain && hasNetworkManager ? ['DEVICE'] : [])]);
  if (isPlain && hasNetworkManager && has(/^DEVICE=/m)) {
    // nm-settings-ifcfg-rh(5): as many cards at the same time as there are. Before NetworkManager 1.14 it has no effect.
    kept.splice(kept.at(-1) === '' ? -1 : kept.length, 0, 'MULTI_CONNECT=3');
  }
  return kept.join('\n');
}

/** A card by its own name, with DHCP and nothing of consequence beside it, below `ethernets`. */
const NETPLAN_CARD = /^([ \t]+)(?:en[opsx]\w+|eth\d+):[ \t]*\n([ \t]+)(?=\S)/gm;
const NETPLAN_STATIC =
  /^\s*(?:addresses|match|gateway[46]|routes|set-name|macaddress|bonds|bridges|vlans|wifis):[ \t]*(?!\[\s*\])/m;

function generaliseNetplan(text: string): string {
  const cards = [...text.matchAll(NETPLAN_CARD)];
  const [card] = cards;
  if (card === undefined || cards.length > 1) return text;
  if (!/^\s*dhcp4:\s*(?:true|yes)/m.test(text) || NETPLAN_STATIC.test(text)) return text;
  const [whole, indent = '', inner = ''] = card;
  return text.replace(whole, `${indent}ethernet:\n${inner}match:\n${inner}  name: "e*"\n${inner}`);
}

/** Says which stanza of {@link ANY_CARD} a card has: interfaces(5) has patterns for cards, but no stanza with one. */
export const CARD_MAPPING: Addition = {
  path: 'etc/network/iso2rootfs-any-card',
  text: '#!/bin/sh\n# Written by iso2rootfs, for the mapping in /etc/network/interfaces.\necho ethernet\n',
  mode: 0o755,
};
const ANY_CARD = `# Any Ethernet card, instead of those of the machine that this system was installed on (iso2rootfs).
allow-hotplug /e*
mapping e*
  script /${CARD_MAPPING.path}
iface ethernet inet dhcp
iface ethernet inet6 auto
`;

function generaliseInterfaces(text: string): string {
  const stanzas = [...text.matchAll(/^iface[ \t]+(\S+)[ \t]+(inet6?)[ \t]+(\S+)(.*)((?:\n[ \t]+\S.*)*)/gm)];
  const cards = stanzas.filter(([, name]) => name !== 'lo');
  const isPlain = cards.every(
    ([, , , method = '', , options = '']) => options === '' && /^(?:dhcp|auto)$/.test(method),
  );
  const isKnown = !/^(?:mapping|rename)\b/m.test(text);
  if (!isPlain || !isKnown || cards.length === 0) return text;
  const names = new Set(cards.map(([, name = '']) => name));
  const kept = text.split('\n').flatMap((line) => {
    const [word = '', ...rest] = line.trim().split(/\s+/);
    if (word === 'iface' && names.has(rest[0] ?? '')) return [];
    if (word !== 'auto' && !word.startsWith('allow-')) return [line];
    const others = rest.filter((name) => !names.has(name));
    return others.length === rest.length ? [line] : others.length === 0 ? [] : [[word, ...others].join(' ')];
  });
  return `${kept.join('\n').replace(/\n*$/, '\n')}\n${ANY_CARD}`;
}

const PROFILES = 'etc/NetworkManager/system-connections';

/**
 * A profile for any Ethernet card where NetworkManager rules and has none left: `no-auto-default` (the package
 * NetworkManager-config-server) would leave the machine without a network.
 */
export function addNetworkProfile(survey: TreeSurvey, hasProfile: boolean): Addition[] {
  if (!survey.hasDirectory(PROFILES) || !survey.isEnabled('NetworkManager.service') || hasProfile) return [];
  const text = [
    '# Written by iso2rootfs: any Ethernet card, instead of those of the machine that this system was installed on.',
    '[connection]',
    'id=ethernet',
    'uuid=4f0f6f0a-8c51-5d0c-9a8b-1d6c6f0c2b7e',
    'type=ethernet',
    'autoconnect-priority=-999',
    'multi-connect=3',
    '',
    '[ipv4]',
    'method=auto',
    '',
    '[ipv6]',
    'method=auto',
    '',
  ].join('\n');
  return [{ path: `${PROFILES}/iso2rootfs-ethernet.nmconnection`, text, mode: 0o600 }];
}

/** interfaces(5) where ifupdown alone rules and knows of no card: debian-installer without a network writes only `lo`. */
export function needsAnyCard(text: string, survey: TreeSurvey): boolean {
  const isAlone = !['NetworkManager.service', 'systemd-networkd.service'].some((name) => survey.isEnabled(name));
  const hasClient = ['dhclient', 'dhcpcd', 'udhcpc'].some((name) => survey.hasProgram(name));
  return isAlone && !hasCard(text) && hasClient && survey.hasProgram('ifup');
}

function hasCard(interfaces: string): boolean {
  return /^(?:iface[ \t]+(?!lo[ \t])\S+|mapping\b)/m.test(interfaces);
}

export function withAnyCard(text: string): string {
  return `${text.replace(/\n*$/, '\n')}\n${ANY_CARD}`;
}
