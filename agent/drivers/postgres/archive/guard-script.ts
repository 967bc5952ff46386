// The program that stands between the engine and pgBackRest: a few lines of bash, written to `<stateDir>/pgbackrest-guard`.
// It pushes only while the engine that the agent made main is alive under its permit, and takes a push back with it
// (T34): pgBackRest's asynchronous push is a daemon that would outlive the engine, so that one, and its helpers, are
// started through this file too (pgBackRest starts itself again under the name that it was started with).
// Exits above 125 end the archiver at once, so a refused push never holds up a clean stop; the engine tries again.

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Words as one command for the engine's shell; the engine itself reads `%`. */
export const commandLine = (words: readonly string[]): string =>
  words.map((word) => (/^%[pf]$/.test(word) ? `"${word}"` : quoted(word.replaceAll('%', '%%')))).join(' ');

export interface GuardParts {
  program: string;
  permit: string;
  pidFile: string;
  /** One line for each segment that pgBackRest gave up because the queue was full. */
  dropped: string;
  pushArgs: readonly string[];
  getArgs: readonly string[];
  /** Written when the repository took too long: nobody waits for it again for half a minute. */
  hanging: string;
  /** Longest time that a follower waits for the repository before it asks its main again, in s. */
  getBoundS: number;
}

/** The node's own words, then what is the same everywhere. */
export const guardScript = (parts: GuardParts): string => `#!/bin/bash
# Written by the Mainstay agent at each start of the engine.
#   pgbackrest-guard push PATH NAME    archive_command
#   pgbackrest-guard get NAME PATH     restore_command
#   pgbackrest-guard ...               pgBackRest starting itself again
program=${quoted(parts.program)}
permit=${quoted(parts.permit)} pidFile=${quoted(parts.pidFile)}
dropped=${quoted(parts.dropped)} hanging=${quoted(parts.hanging)}
pushArgs=(${parts.pushArgs.map(quoted).join(' ')})
getArgs=(${parts.getArgs.map(quoted).join(' ')})
bound=${parts.getBoundS}
${script}`;

const script = `self=$0
exec {never}<> <(:)

# A process number may be another process by now: the start time (field 22) tells.
look() {
  local line fields
  state=gone start=0
  { read -r line </proc/$1/stat; } 2>/dev/null || return 0
  read -r -a fields <<<"\${line##*) }"
  state=\${fields[0]} start=\${fields[19]}
}
lives() { look "$1"; [[ $start == "$2" && $state != [ZX] && $state != gone ]]; }

permitted() {
  local pid born
  { read -r pid born <"$permit"; } 2>/dev/null && [[ -n $born ]] && lives "$pid" "$born"
}

mayFollow() { lives "$engine" "$born" && ! permitted && ((SECONDS < bound)); }

# Ends the child as soon as the condition is gone; 200 then. Forks nothing while it waits.
underCondition() {
  local condition=$1 child turn=0
  shift
  # A helper speaks with its parent through its input; a daemon has none.
  if [[ -e /proc/self/fd/0 ]]; then (exec -a "$self" "$program" "$@") <&0 & else (exec -a "$self" "$program" "$@") & fi
  child=$!
  while kill -0 "$child" 2>/dev/null; do
    "$condition" || { kill -KILL "$child"; wait "$child"; return 200; } 2>/dev/null
    if ((turn++ < 100)); then read -r -t 0.005 -u $never; else read -r -t 0.05 -u $never; fi
  done
  wait "$child"
}

case $1 in
  push)
    permitted || { echo "pgbackrest-guard: this engine is not the main that the agent made: $3 stays here" >&2; exit 201; }
    said=$(underCondition permitted "\${pushArgs[@]}" archive-push "$2" 2>&1)
    code=$?
    [[ -z $said ]] || printf '%s\\n' "$said" >&2
    [[ $said != *'dropped WAL file'* ]] || printf '%s\\n' "$3" >>"$dropped"
    exit "$code" ;;
  get)
    # Histories come from the main alone: one of a main that has failed would draw a follower after it.
    # And nobody goes on reading while it is promoted: it serves from what it had.
    [[ $2 != *.history ]] && ! permitted || exit 1
    { read -r engine <"$pidFile"; } 2>/dev/null || exit 1
    read -r now _ </proc/uptime
    now=\${now%.*}
    { read -r then <"$hanging"; } 2>/dev/null && ((then <= now && now < then + 30)) && exit 1
    look "$engine"
    born=$start
    underCondition mayFollow "\${getArgs[@]}" archive-get "$2" "$3"
    code=$?
    ((SECONDS < bound)) || echo "$now" >"$hanging"
    # Anything above 125 would end the engine's recovery.
    exit $((code == 0 ? 0 : 1)) ;;
  *)
    permitted || exit 201
    underCondition permitted "$@"
    exit ;;
esac
`;
