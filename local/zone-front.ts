// Stands before the emulator for Route 53 and makes this machine obey its records: when the VIP's record moves, the relay follows, and
// the zone has a name server on loopback that answers what the record says. Everything else is passed through untouched.

import type { IncomingMessage } from 'node:http';
import type { Answer, Forward, Machine } from './cloud-front';
import { type NameServer, startNameServer } from './name-server';

/** Every call to Route 53 begins so. */
const version = '/2013-04-01/';

export class ZoneFront {
  private readonly addresses = new Map<string, string>();

  private constructor(
    private readonly forward: Forward,
    private readonly machine: Pick<Machine, 'recordMoved' | 'beforeWithdraw'>,
    private readonly server: NameServer,
  ) {}

  static async start(forward: Forward, machine: Pick<Machine, 'recordMoved' | 'beforeWithdraw'>): Promise<ZoneFront> {
    const answers = (name: string): string[] => {
      const address = zones.addresses.get(name);
      return address === undefined ? [] : [address];
    };
    const zones: ZoneFront = new ZoneFront(forward, machine, await startNameServer(answers));
    return zones;
  }

  static isFor = ({ url }: IncomingMessage): boolean => url?.startsWith(version) ?? false;

  close(): void {
    this.server.close();
  }

  async serve(incoming: IncomingMessage, body: string): Promise<Answer> {
    const change = incoming.method === 'POST' && /\/rrset\/?$/.test(incoming.url ?? '');
    if (change && body.includes('holder=none')) await this.machine.beforeWithdraw();
    const answer = await this.forward(incoming, body);
    if (answer.status >= 300) return answer;
    if (change) await this.obey(incoming);
    return { ...answer, body: answer.body.replace(/<NameServers>.*<\/NameServers>/s, this.ownNameServers()) };
  }

  private ownNameServers = (): string => `<NameServers><NameServer>${this.server.at}</NameServer></NameServers>`;

  /** The zone's address records, as the emulator has them now. */
  private async obey(incoming: IncomingMessage): Promise<void> {
    const { body } = await this.forward(incoming, '', 'GET');
    const sets = body.split('<ResourceRecordSet>').slice(1);
    const field = (set: string, name: string) => new RegExp(`<${name}>([^<]*)<`).exec(set)?.[1] ?? '';
    this.addresses.clear();
    for (const set of sets.filter((each) => field(each, 'Type') === 'A'))
      this.addresses.set(field(set, 'Name').replace(/\.$/, ''), field(set, 'Value'));
    for (const address of this.addresses.values()) this.machine.recordMoved(address);
  }
}
