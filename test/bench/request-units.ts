// What a DynamoDB request is billed as: request units from the sizes of the items that really travelled. Sizes as AWS counts
// them: names and texts in UTF-8 bytes, about a byte per two digits of a number, 3 bytes per map or list and 1 per member.

/** An attribute value as it stands in a request: one key that is its type. */
type Value = Record<string, unknown>;
export type WireItem = Record<string, Value>;

const bytes = (text: string): number => Buffer.byteLength(text);

function sizeOfValue(value: Value): number {
  const [[type, content] = ['NULL', true]] = Object.entries(value);
  if (type === 'S') return bytes(String(content));
  if (type === 'N') return Math.ceil(String(content).replace(/[-.]/g, '').length / 2) + 1;
  if (type === 'L') return 3 + (content as Value[]).reduce((sum, each) => sum + 1 + sizeOfValue(each), 0);
  if (type === 'M') return 3 + Object.keys(content as WireItem).length + sizeOfItem(content as WireItem);
  return 1;
}

export const sizeOfItem = (item: WireItem): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + bytes(name) + sizeOfValue(value), 0);

export interface Billed {
  /** `GetItem LEASE`, `PutItem NODE` … */
  what: string;
  sizeBytes: number;
  readUnits: number;
  writeUnits: number;
}

interface Body {
  Key?: WireItem;
  Item?: WireItem;
  Items?: WireItem[];
  ConsistentRead?: boolean;
}

/** LEASE, NODE, JOURNAL …: the first part of the sort key. */
const kindOf = (item: WireItem | undefined): string => String(item?.sk?.S ?? '').split('#')[0] ?? '';

/** A strongly consistent read costs 1 unit per 4 KiB begun, an eventual one half of it; a write 1 per 1 KiB begun. */
export function billed(target: string, request: Body, response: Body): Billed {
  const action = target.split('.').at(-1) ?? '';
  if (action === 'PutItem') {
    const sizeBytes = sizeOfItem(request.Item ?? {});
    const writeUnits = Math.max(1, Math.ceil(sizeBytes / 1024));
    return { what: `PutItem ${kindOf(request.Item)}`, sizeBytes, readUnits: 0, writeUnits };
  }
  const items = response.Items ?? (response.Item ? [response.Item] : []);
  const sizeBytes = items.reduce((sum, item) => sum + sizeOfItem(item), 0);
  const whole = Math.max(1, Math.ceil(sizeBytes / 4096));
  const readUnits = request.ConsistentRead ? whole : whole / 2;
  return { what: `${action} ${kindOf(request.Key ?? items[0])}`, sizeBytes, readUnits, writeUnits: 0 };
}

/** us-east-1, on demand, in US dollars per unit. */
export const dollarsPerUnit = { read: 0.125 / 1e6, write: 0.625 / 1e6 };
/** 730 hours. */
export const minutesPerMonth = 43_800;
