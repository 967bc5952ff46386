// A name server of one zone on loopback: answers A and AAAA over UDP from whatever it is given, so that "ask the zone's name servers"
// is a real question with a real answer. Knows nothing else of DNS; never asks anybody.

import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export interface NameServer {
  /** `address:port`, as a resolver takes it. */
  at: string;
  close(): void;
}

/** `addressesOf` gives the addresses of a name now; null keeps silent. */
export async function startNameServer(addressesOf: (name: string) => readonly string[] | null): Promise<NameServer> {
  const socket: Socket = createSocket('udp4');
  socket.on('message', (question, { port, address }) => {
    const { name, end } = nameIn(question);
    const addresses = addressesOf(name);
    if (addresses !== null) socket.send(answer(question, end, addresses), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { at: `127.0.0.1:${socket.address().port}`, close: () => void socket.close() };
}

/** The name asked for, and where the question section ends. */
function nameIn(question: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 5 };
}

const typeA = 1;
const typeAaaa = 28;

function answer(question: Buffer, end: number, addresses: readonly string[]): Buffer {
  const type = question.readUInt16BE(end - 4);
  const fitting = addresses.filter((address) => type === (isIPv6(address) ? typeAaaa : typeA));
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(0x8400 | (addresses.length === 0 ? 3 : 0), 2); // an authoritative answer; 3: no such name
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(fitting.length, 6);
  header.writeUInt32BE(0, 8);
  const records = fitting.map((address) => {
    const bytes = isIPv6(address) ? bytesOfV6(address) : Buffer.from(address.split('.').map(Number));
    const fixed = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 5, 0, bytes.length]); // name as asked, class IN, TTL 5
    return Buffer.concat([fixed, bytes]);
  });
  return Buffer.concat([header, question.subarray(12, end), ...records]);
}

function bytesOfV6(address: string): Buffer {
  const [head = '', tail] = address.split('::').map((half) => half.split(':').filter(Boolean)) as [string[], string[]?];
  const missing = tail === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...(tail ?? [])];
  return Buffer.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}
