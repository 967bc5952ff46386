// What EC2 documents and the emulator (ministack 1.4.21) does not do, laid between SDK and emulator: an associated
// address is refused when AllowReassociation is false, an association that is over is not found, `stopping` lasts until
// the test says that the instance has stopped, and a terminated one cannot be stopped. Must never be kinder than EC2.

import {
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  EC2Client,
  EC2ServiceException,
} from '@aws-sdk/client-ec2';
import { type ClientOptions, createClient } from '../../adapters/aws/clients';
import type { NodeConfig } from '../../core/model';

interface Args {
  input: {
    AllocationIds?: string[];
    AllocationId?: string;
    AllowReassociation?: boolean;
    AssociationId?: string;
    InstanceIds?: string[];
  };
}

interface Answer {
  output: { Reservations?: { Instances?: { InstanceId?: string; State?: { Name?: string } }[] }[] };
}

type Next = (args: Args) => Promise<Answer>;

const refusal = (name: string, message: string) =>
  new EC2ServiceException({ name, message, $fault: 'client', $metadata: { httpStatusCode: 400 } });

async function terminated(emulator: EC2Client, ids: string[]): Promise<string | undefined> {
  const { Reservations } = await emulator.send(new DescribeInstancesCommand({}));
  const instances = Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? [];
  return ids.find((id) => instances.some(({ InstanceId, State }) => InstanceId === id && State?.Name === 'terminated'));
}

/** EC2 answers every call of this command with an error of this name. */
export function refuseAlways(client: EC2Client, command: string, name: string, httpStatusCode: number): void {
  const middleware = (next: Next, context: { commandName?: string }) => async (args: Args) => {
    if (context.commandName !== command) return next(args);
    throw new EC2ServiceException({
      name,
      message: `You may not ${command}`,
      $fault: 'client',
      $metadata: { httpStatusCode },
    });
  };
  client.middlewareStack.add(middleware as never, { step: 'deserialize', priority: 'high', name: 'refuseAlways' });
}

/** EC2 for one address and instances with several interfaces, without an endpoint; answers what it was asked to associate. */
export function interfacesOf(client: EC2Client, nodes: readonly NodeConfig[]): object[] {
  const requests: object[] = [];
  let at: string | undefined;
  const middleware =
    (_: Next, context: { commandName?: string }) => async (args: { input: Record<string, unknown> }) => {
      const name = String(args.input.NetworkInterfaceId);
      if (context.commandName === 'AssociateAddressCommand') {
        if (args.input.InstanceId !== undefined)
          throw refusal(
            'InvalidInstanceID',
            `There are multiple interfaces attached to instance '${args.input.InstanceId}'`,
          );
        requests.push(args.input);
        at = name;
      }
      if (context.commandName === 'DisassociateAddressCommand') at = undefined;
      const InstanceId = nodes.find(({ networkInterfaceId }) => networkInterfaceId === at)?.instanceId;
      const association = at ? { AssociationId: `eipassoc-${at}`, InstanceId, NetworkInterfaceId: at } : {};
      return { response: {}, output: { $metadata: {}, Addresses: [association] } };
    };
  client.middlewareStack.add(middleware as never, { step: 'deserialize', priority: 'high', name: 'interfaces' });
  return requests;
}

/** EC2 with addresses and nothing else, without an endpoint: `of` says what one is associated with, null that there is none. */
export function answerAddresses(
  client: EC2Client,
  of: (allocationId: string) => { InstanceId: string } | null,
): object[] {
  const requests: object[] = [];
  const middleware = () => async (args: { input: { Filters?: { Values?: string[] }[] } }) => {
    requests.push(args.input);
    const Addresses = (args.input.Filters?.[0]?.Values ?? []).flatMap((AllocationId) => {
      const association = of(AllocationId);
      return association ? [{ AllocationId, AssociationId: `eipassoc-${AllocationId}`, ...association }] : [];
    });
    return { response: {}, output: { $metadata: {}, Addresses } };
  };
  client.middlewareStack.add(middleware as never, { step: 'deserialize', priority: 'high', name: 'addresses' });
  return requests;
}

export interface Ec2Rules {
  /** Instances that are asked to stop stay `stopping` from now on. */
  holdStopping(): void;
  /** They have stopped now. */
  stopped(): void;
}

export function enforceEc2Rules(client: EC2Client, options: ClientOptions): Ec2Rules {
  const emulator = createClient(EC2Client, options);
  const stopping = new Set<string>();
  let holding = false;
  const addresses = async () => (await emulator.send(new DescribeAddressesCommand({}))).Addresses ?? [];

  const before: Record<string, (args: Args) => Promise<void> | void> = {
    AssociateAddressCommand: async ({ input }) => {
      if (input.AllowReassociation !== false) return;
      const address = (await addresses()).find(({ AllocationId }) => AllocationId === input.AllocationId);
      if (address?.AssociationId)
        throw refusal('Resource.AlreadyAssociated', `resource ${input.AllocationId} is already associated`);
    },
    DescribeAddressesCommand: async ({ input }) => {
      const known = input.AllocationIds?.length ? (await addresses()).map(({ AllocationId }) => AllocationId) : [];
      const unknown = input.AllocationIds?.find((id) => !known.includes(id));
      if (unknown) throw refusal('InvalidAllocationID.NotFound', `The allocation ID '${unknown}' does not exist`);
    },
    DisassociateAddressCommand: async ({ input }) => {
      if ((await addresses()).some(({ AssociationId }) => AssociationId === input.AssociationId)) return;
      throw refusal('InvalidAssociationID.NotFound', `The association ID '${input.AssociationId}' does not exist`);
    },
    StopInstancesCommand: async ({ input }) => {
      const over = await terminated(emulator, input.InstanceIds ?? []);
      if (over)
        throw refusal(
          'IncorrectInstanceState',
          `The instance '${over}' is not in a state from which it can be stopped.`,
        );
      if (holding) for (const id of input.InstanceIds ?? []) stopping.add(id);
    },
    StartInstancesCommand: ({ input }) => {
      const id = input.InstanceIds?.find((each) => stopping.has(each));
      if (id)
        throw refusal('IncorrectInstanceState', `The instance '${id}' is not in a state from which it can be started.`);
    },
  };

  const middleware = (next: Next, context: { commandName?: string }) => async (args: Args) => {
    await before[context.commandName ?? '']?.(args);
    const answer = await next(args);
    const instances = answer.output.Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? [];
    for (const instance of instances) {
      if (instance.State && stopping.has(instance.InstanceId ?? '')) instance.State.Name = 'stopping';
    }
    return answer;
  };
  client.middlewareStack.add(middleware as never, { step: 'deserialize', priority: 'high', name: 'ec2Rules' });
  return {
    holdStopping: () => {
      holding = true;
    },
    stopped: () => {
      holding = false;
      stopping.clear();
    },
  };
}
