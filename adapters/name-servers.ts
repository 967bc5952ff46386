// Asks one name server one question, as a resolver of a client would, past every cache. Must never wait longer than it is told:
// a server that does not answer is an answer, too.

import { promises as dns, Resolver } from 'node:dns';
import { isIP } from 'node:net';

export interface NameServers {
  /** Addresses of this name at this server (a name, an address, or `address:port`); empty: no such record; null: no answer. */
  ask(server: string, name: string, type: 'A' | 'AAAA', boundMs: number): Promise<string[] | null>;
}

/** The server is there and says that there is nothing. */
const nothing = ['ENOTFOUND', 'ENODATA'];

async function addressOf(server: string): Promise<string | undefined> {
  if (isIP(server) !== 0 || /^[\d.]+:\d+$/.test(server)) return server;
  return (await dns.resolve4(server))[0];
}

export function createNameServers(): NameServers {
  return {
    ask: async (server, name, type, boundMs) => {
      try {
        const address = await addressOf(server);
        if (address === undefined) return null;
        // One for each question: what a resolver has heard before must not answer.
        const resolver = new Resolver({ timeout: boundMs, tries: 1 });
        resolver.setServers([address]);
        return await new Promise<string[]>((resolve, reject) => {
          const heard = (error: Error | null, addresses: string[]) => (error ? reject(error) : resolve(addresses));
          if (type === 'A') resolver.resolve4(name, heard);
          else resolver.resolve6(name, heard);
        });
      } catch (error) {
        return nothing.includes((error as NodeJS.ErrnoException).code ?? '') ? [] : null;
      }
    },
  };
}
