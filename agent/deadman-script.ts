// The deadman's own process: a few lines of bash (3 MiB) that outlive the agent, shipped inside the agent's one file.
// Forks nothing while it waits, believes no line's time of arrival and no pid without its start time, and never
// extends a deadline that it was not told to. The protocol is described in deadman.ts.

export const deadmanScript = `
log=$1 roster=$2
pid=0 born=0 deadline=
eof= alone=
# A service manager stops the whole group at once; this one leaves when its pipe ends and no promise is left.
trap '' TERM INT HUP
exec {never}<> <(:)

now() { local IFS='. ' a b rest; read -r a b rest </proc/uptime; now=$((a * 100 + 10#$b)); }

# Field 22 of stat (its start) and field 3 (its state), counted behind the name, which may hold spaces.
look() {
  local line fields
  state=gone start=0
  { read -r line </proc/$1/stat; } 2>/dev/null || return 0
  read -r -a fields <<<"\${line##*) }"
  state=\${fields[0]} start=\${fields[19]}
}

# T5, pid reuse: the same number may be another process by now.
lives() { look "$1"; [[ $start == "$2" && $state != [ZX] && $state != gone ]]; }

family() {
  local child children
  { read -r -a children </proc/$1/task/$1/children; } 2>/dev/null
  for child in "\${children[@]}"; do victims+=("$child"); family "$child"; done
}

say() { printf '%(%FT%TZ)T deadman %s: %s\\n' -1 "$$" "$1" >>"$log"; }

fire() {
  local victims=() left=$deadline victim
  deadline=
  lives "$pid" "$born" || { say "the promise is over; engine $pid was gone already"; return; }
  # Stopped first, so that it starts no more children while they are counted.
  kill -STOP "$pid" 2>/dev/null
  local tries=0
  while look "$pid"; [[ $state == [RSD] ]] && ((tries++ < 200)); do :; done
  family "$pid"
  kill -KILL "$pid" "\${victims[@]}" 2>/dev/null
  say "the promise is over (deadline $left, now $now): killed engine $pid and \${#victims[@]} children"
}

# Once armed itself, it calls off the deadmen of earlier agents: their promises were renewed by the one that armed this.
takeOver() {
  local other birth
  alone=1
  { while read -r other birth; do
    [[ $other == "$$" ]] || { lives "$other" "$birth" && kill -KILL "$other"; }
  done <"$roster"; } 2>/dev/null
  look "$$"
  echo "$$ $start" >"$roster"
}

look "$$"
echo "$$ $start" >>"$roster"
while :; do
  if [[ -z $deadline ]]; then
    [[ -n $eof ]] && exit 0
    bound=()
  else
    now
    left=$((deadline - now))
    # A line that waits in the pipe may have renewed the promise in time: it is read before anything is killed (T2, T5).
    if ((left <= 0)) && { [[ -n $eof ]] || ! read -r -t 0; }; then fire; continue; fi
    ((left > 0)) || left=1
    printf -v seconds '%d.%02d' $((left / 100)) $((left % 100))
    bound=(-t "$seconds")
  fi
  # The agent is dead, but its promise is not over yet.
  if [[ -n $eof ]]; then read -r "\${bound[@]}" -u $never; continue; fi
  read -r "\${bound[@]}" verb a b c
  code=$?
  if ((code > 128)); then continue; fi
  if ((code != 0)); then eof=1; continue; fi
  case $verb in
    arm) pid=$a born=$b deadline=$c; [[ -n $alone ]] || takeOver ;;
    disarm) deadline= ;;
  esac
done
`;
