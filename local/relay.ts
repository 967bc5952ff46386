// The VIP of the process backend: a TCP relay on loopback that leads to whichever node the emulated cloud's address is
// associated with. When an address moves or is withdrawn every connection through it is cut, as packets would be; a name cuts nothing.

import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Target {
  host: string;
  port: number;
}

export class Relay {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private target: Target | null = null;

  private constructor() {
    this.server = createServer((client) => this.accept(client));
  }

  static async listen(port: number): Promise<Relay> {
    const relay = new Relay();
    await new Promise<void>((resolve, reject) => {
      relay.server.once('error', reject);
      relay.server.listen(port, '127.0.0.1', resolve);
    });
    return relay;
  }

  /** Leads new connections there, or nowhere; when that is a change the old ones are cut, or kept, as an address or a name would. */
  lead(target: Target | null, sessions: 'cut' | 'kept' = 'cut'): void {
    if (this.target?.host === target?.host && this.target?.port === target?.port) return;
    this.target = target;
    if (sessions === 'kept') return;
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.server.close();
    this.lead(null);
    for (const socket of this.sockets) socket.destroy();
  }

  private accept(client: Socket): void {
    if (this.target === null) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...this.target, noDelay: true });
    client.setNoDelay(true);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  }
}
