// Installs, configures or upgrades the agent of this node: release, link, settings, unit, restart. Does nothing where nothing has changed. Must
// never cost a main its role: it does not restart while a rejoin or the store's absence would make that dear, and where the new
// agent does not come up, the former release is back before it says so.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import {
  bundleName,
  currentBundle,
  linkOf,
  type Places,
  placesUnder,
  pointTo,
  prune,
  textOf,
  writeWhole,
} from './places';
import { type GivenSettings, type SettingsFile, settingsFile } from './settings-file';
import { unitName, unitText } from './unit';

export interface InstallRequest extends GivenSettings {
  region: string | null;
  /** Where the settings of this node are. */
  file: string;
}

export interface InstallWorld {
  /** Before every path; '' on a real node. */
  root: string;
  path: string;
  /** The bundle that is to be installed. */
  bundle: string;
  /** The cluster's configuration can be read with these settings, within a bound. */
  storeAnswers: (settingsFile: string, region: string | null) => Promise<boolean>;
  systemctl: (args: readonly string[]) => { ok: boolean; output: string };
}

export interface Installed {
  outcome: 'unchanged' | 'installed' | 'upgraded' | 'postponed';
  because: string;
}

interface Wanted {
  release: string;
  bundle: Buffer;
  unit: string;
  file: SettingsFile;
  /** Changes with any of them. */
  stamp: string;
}

/** The marker of agent/drivers/postgres: a rejoin that is interrupted begins anew. */
const rejoinMarker = 'rejoin-in-progress';

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

function wantedBy(request: InstallRequest, world: InstallWorld, places: Places): Wanted {
  const bundle = readFileSync(world.bundle);
  const release = sha256(bundle);
  const file = settingsFile(textOf(places.settings), request, request.file);
  const unit = unitText({ node: nodeOn(world.path), bundle: currentBundle, region: request.region });
  return { release, bundle, unit, file, stamp: sha256(JSON.stringify([release, unit, file.text])) };
}

/** As it is called, not where links lead: those move with each release of Node. */
function nodeOn(path: string): string {
  const found = path.split(delimiter).find((dir) => dir.startsWith('/') && existsSync(join(dir, 'node')));
  return found ? join(found, 'node') : process.execPath;
}

export async function install(request: InstallRequest, world: InstallWorld): Promise<Installed> {
  const places = placesUnder(world.root, request.file);
  const wanted = wantedBy(request, world, places);
  const active = world.systemctl(['is-active', '--quiet', unitName]).ok;
  if (active && textOf(places.running) === wanted.stamp)
    return { outcome: 'unchanged', because: 'release, settings and unit are as they should be' };
  writeWhole(join(places.releases, wanted.release, bundleName), wanted.bundle, 0o755);
  const postponed = active ? await reasonToWait(wanted, request, world) : null;
  if (postponed !== null) return { outcome: 'postponed', because: postponed };
  return change(wanted, world, places, active);
}

async function reasonToWait(
  { file }: Wanted,
  request: InstallRequest,
  { root, storeAnswers }: InstallWorld,
): Promise<string | null> {
  if (existsSync(join(root, file.settings.stateDir, rejoinMarker)))
    return 'a rejoin is under way, which a restart would begin anew';
  // An agent that starts without having read the lease stops an engine that could write (R10).
  if (existsSync(join(root, request.file)) && !(await storeAnswers(join(root, request.file), request.region)))
    return 'the store does not answer: a restart now would cost a main its engine';
  return null;
}

function change(wanted: Wanted, world: InstallWorld, places: Places, active: boolean): Installed {
  const { systemctl } = world;
  const former = { link: linkOf(places.current), unit: textOf(places.unit), settings: textOf(places.settings) };
  put(places, { link: `releases/${wanted.release}`, unit: wanted.unit, settings: wanted.file.text });
  pointTo(places.program, `../../..${currentBundle}`);
  systemctl(['daemon-reload']);
  const enabled = systemctl(['enable', unitName]);
  const restarted = enabled.ok ? systemctl([active ? 'restart' : 'start', unitName]) : enabled;
  if (restarted.ok) {
    writeWhole(places.running, wanted.stamp, 0o644);
    prune(places, [`releases/${wanted.release}`, former.link]);
    return {
      outcome: active ? 'upgraded' : 'installed',
      because: `the agent runs as release ${wanted.release.slice(0, 12)}`,
    };
  }
  // Also where nothing ran: the release that was there came up once, this one never has.
  const another = former.link !== null && former.link !== `releases/${wanted.release}`;
  if (!another && !(active && former.link !== null))
    throw new Error(
      `the agent does not come up (${restarted.output}): see journalctl -u ${unitName}; systemd goes on trying`,
    );
  put(places, former);
  systemctl(['daemon-reload']);
  const back = systemctl(['restart', unitName]);
  throw new Error(
    `the agent does not come up as release ${wanted.release.slice(0, 12)} (${restarted.output}); the former one is back` +
      `${back.ok ? '' : `, and does not come up either (${back.output})`}: see journalctl -u ${unitName}`,
  );
}

function put(places: Places, { link, unit, settings }: Record<'link' | 'unit' | 'settings', string | null>): void {
  if (settings !== null && textOf(places.settings) !== settings) writeWhole(places.settings, settings, 0o600);
  if (unit !== null && textOf(places.unit) !== unit) writeWhole(places.unit, unit, 0o644);
  if (link !== null) pointTo(places.current, link);
}
