// Which of the types that are offered a request asks for (RFC 9110, Accept): the most specific range that fits a type says how welcome it is.

/** null: none of them is welcome. Of two that are equally welcome the first. */
export function acceptable<Type extends string>(accept: string | undefined, offered: readonly Type[]): Type | null {
  const ranges = (accept ?? '*/*').split(',').map(rangeOf);
  const welcome = offered.map((type) => ({ type, q: welcomeOf(type, ranges) }));
  const [best] = welcome.filter(({ q }) => q > 0).sort((a, b) => b.q - a.q);
  return best?.type ?? null;
}

interface Range {
  name: string;
  q: number;
}

function rangeOf(text: string): Range {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const q = Number(/^q=(.*)$/.exec(parameters.find((part) => part.startsWith('q=')) ?? '')?.[1] ?? 1);
  return { name, q: Number.isNaN(q) ? 0 : q };
}

function welcomeOf(type: string, ranges: readonly Range[]): number {
  const [family] = type.split('/');
  for (const fitting of [type, `${family}/*`, '*/*']) {
    const found = ranges.find(({ name }) => name === fitting);
    if (found) return found.q;
  }
  return 0;
}
