// repmgr with a repmgrd on every node, and nothing else: it has no store, no lease, and fences nobody. Its switchover logs in to the
// old main; here that is a script with the name of ssh that enters the other node's namespace.

import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { extensionPackage, type Needs, postgresBinDir } from './needs';
import { Peer, type Place } from './peer';
import { databasePort, type NodeName, nodeNames, type Preset, until } from './system';

/** https://repmgr.org/docs/current/repmgrd-basic-configuration.html: defaults, and one look more after a second as the least. */
const times: Record<Preset, { monitor_interval_secs: number; reconnect_attempts: number; reconnect_interval: number }> =
  {
    default: { monitor_interval_secs: 2, reconnect_attempts: 6, reconnect_interval: 10 },
    tight: { monitor_interval_secs: 1, reconnect_attempts: 1, reconnect_interval: 1 },
  };

const program = (name: string): string => join(postgresBinDir(), name);

export const repmgrNeeds: Needs = [
  [program('repmgr'), extensionPackage('repmgr')],
  [program('repmgrd'), extensionPackage('repmgr')],
];

/** Entering another node's namespace takes two capabilities; the script gives them up again on the other side. */
const capabilities = '+sys_admin,+sys_ptrace';
const entering = [`--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`];

const trusted = ['all', 'replication'].map((database) => `host ${database} all 0.0.0.0/0 trust`);
const settings = [
  'shared_preload_libraries = repmgr',
  'wal_log_hints = on',
  "listen_addresses = '*'",
  'wal_keep_size = 1GB',
];

export class Repmgr extends Peer {
  readonly name = 'repmgr';
  readonly replication = 'asynchronous';
  readonly timings = Object.entries(times[this.preset])
    .map((pair) => pair.join(' '))
    .join(', ');

  protected async start(): Promise<void> {
    for (const node of nodeNames) this.configure(node);
    await this.tool('db1', 'initdb', '-D', this.dataDirOf('db1'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '-k');
    // The engine's shared memory has to go with the folder when it is killed.
    const lines = [...settings, 'dynamic_shared_memory_type = mmap', ''];
    appendFileSync(join(this.dataDirOf('db1'), 'postgresql.conf'), lines.join('\n'));
    appendFileSync(join(this.dataDirOf('db1'), 'pg_hba.conf'), [...trusted, ''].join('\n'));
    await this.tool('db1', 'sh', '-c', this.startCommand('db1'));
    await this.tool('db1', 'createdb', '-h', this.socketDirOf('db1'), 'repmgr');
    await this.control('db1', 'primary', 'register');
    for (const node of nodeNames.slice(1)) {
      const source = ['-h', this.addressOf('db1'), '-U', 'postgres', '-d', 'repmgr'];
      await this.control(node, ...source, 'standby', 'clone', '--fast-checkpoint');
      await this.tool(node, 'sh', '-c', this.startCommand(node));
      await until(`${node} answers`, async () => (await this.query(node, 'select 1')).length === 1);
      await this.control(node, 'standby', 'register', '--wait-sync=30');
    }
    for (const node of nodeNames)
      this.service(node, 'repmgrd', '-f', this.configOf(node), '--daemonize=false', '--no-pid-file');
  }

  protected async atEase(): Promise<boolean> {
    const sql = 'select 1 where repmgr.repmgrd_is_running()';
    const running = await Promise.all(nodeNames.map((node) => this.query(node, sql, 'repmgr')));
    return running.every(({ length }) => length === 1);
  }

  async switchover(to: NodeName): Promise<void> {
    await this.toolWith(
      entering,
      to,
      ...this.repmgr(to),
      'standby',
      'switchover',
      '--siblings-follow',
      '--force-rewind',
    );
  }

  protected override envOf(place: Place): Record<string, string> {
    const env = super.envOf(place);
    return { ...env, PATH: `${this.dirOf(place)}:${env.PATH}` };
  }

  private configure(node: NodeName): void {
    const conninfo = `host=${this.addressOf(node)} port=${databasePort} user=postgres dbname=repmgr connect_timeout=2`;
    const repmgr = `${this.repmgr(node).join(' ')} standby`;
    const values = {
      node_id: nodeNames.indexOf(node) + 1,
      node_name: node,
      conninfo,
      data_directory: this.dataDirOf(node),
      pg_bindir: postgresBinDir(),
      failover: 'automatic',
      promote_command: `${repmgr} promote`,
      follow_command: `${repmgr} follow --upstream-node-id=%n`,
      service_start_command: this.startCommand(node),
      service_stop_command: `${this.pgCtl(node)} -m fast stop`,
      ...times[this.preset],
    };
    const lines = Object.entries(values).map(([name, value]) => `${name}='${value}'\n`);
    writeFileSync(this.configOf(node), lines.join(''));
    writeFileSync(join(this.dirOf(node), 'ssh'), this.shell(), { mode: 0o755 });
  }

  /** Options, a host, a command: as repmgr calls ssh. */
  private shell(): string {
    const drop = 'setpriv --inh-caps=-all --ambient-caps=-all --';
    const enter = nodeNames.map(
      (node) =>
        `${this.addressOf(node)}) cd ${this.dirOf(node)} && exec ${this.at(node).join(' ')} ${drop} sh -c "$*" </dev/null ;;`,
    );
    const options = 'while :; do case "$1" in -o|-l) shift 2 ;; -*) shift ;; *) break ;; esac; done';
    return ['#!/bin/sh', options, 'host=$1', 'shift', 'case "$host" in', ...enter, 'esac', 'exit 255', ''].join('\n');
  }

  private pgCtl = (node: NodeName): string => `${program('pg_ctl')} -w -D ${this.dataDirOf(node)}`;

  private startCommand = (node: NodeName): string =>
    `${this.pgCtl(node)} -l ${join(this.dirOf(node), 'engine.log')} -o "-k ${this.socketDirOf(node)}" start`;

  private repmgr = (node: NodeName): string[] => [program('repmgr'), '-f', this.configOf(node)];

  private control = (node: NodeName, ...args: string[]): Promise<string> =>
    this.tool(node, ...this.repmgr(node), ...args);

  private configOf = (node: NodeName): string => join(this.dirOf(node), 'repmgr.conf');
}
