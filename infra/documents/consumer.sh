# One key of a properties file is set to the new main's host, then the service is restarted. Does nothing twice: it restarts only what has
# changed, was left half-way or does not run. Never shows a half-written file, never goes back to an older epoch (T48, T57).
umask 077
[ "$(date +%s)" -le "$expires" ] || fail "delivered too late: it expired at $expires, nothing is done"

state="${MAINSTAY_ROOT:-}/var/lib/mainstay/consumers"
mkdir -p "$state" || fail "$state cannot be made"
mark="$state/$(printf '%s\n' "$cluster $file $key $service" | sha256sum | cut -c 1-32)"
exec 9>>"$mark.lock"
flock -w 20 9 || fail "another command is at work on $service: run it again"

# What was applied last: `<epoch> done`, or `<epoch> restart` while the service has not been restarted since.
known=0 left=done
if [ -e "$mark" ]; then read -r known left <"$mark" || known=; fi
case $known in '' | *[!0-9]*) fail "$mark is damaged: remove it" ;; esac
[ "$known" -le "$epoch" ] || fail "epoch $known is applied here, this is $epoch: it comes too late, nothing is done"
record() {
  printf '%s %s\n' "$epoch" "$1" >"$mark.new" && sync "$mark.new" && mv -f "$mark.new" "$mark" || fail "$mark cannot be written"
}

target=$(readlink -f "$file") || target=
[ -f "$target" ] || fail "there is no file $file on this host: correct the consumer's properties.file"
new=$(mktemp "$target.mainstay-XXXXXX") || fail "no file can be made beside $target: nothing is changed"
trap 'rm -f "$new"' EXIT
# Mode, owner and labels are those of the file that is replaced.
cp -a "$target" "$new" || fail "$target cannot be copied: nothing is changed"

# Reads what java.util.Properties reads: comments, continued lines, escapes, and = or : or a blank behind the key; the last of several wins there,
# so all others go. A line that says the right thing already stays as it is written.
key=$key value=$main LC_ALL=C awk '
  function plain(text,    out, at, sign) {
    out = ""
    for (at = 1; at <= length(text); at++) {
      sign = substr(text, at, 1)
      if (sign == "\\") sign = substr(text, ++at, 1)
      out = out sign
    }
    return out
  }
  function written(text) { gsub(/[\\:=#!]/, "\\\\&", text); return text }
  function finish(    at, rest) {
    for (at = 1; at <= length(joined); at++) {
      if (substr(joined, at, 1) == "\\") at++
      else if (substr(joined, at, 1) ~ /[=: \t\f]/) break
    }
    rest = substr(joined, at)
    sub(/^[ \t\f]*/, "", rest); sub(/^[=:]/, "", rest); sub(/^[ \t\f]*/, "", rest)
    if (plain(substr(joined, 1, at - 1)) != key) print raw
    else if (!found++) print (plain(rest) == value ? raw : key "=" written(value) cr)
    open = 0
  }
  BEGIN { key = ENVIRON["key"]; value = ENVIRON["value"] }
  NR == 1 && /\r$/ { cr = "\r" }
  {
    text = $0; sub(/\r$/, "", text); sub(/^[ \t\f]*/, "", text)
    if (!open && text ~ /^([#!]|$)/) { print; next }
    raw = open ? raw "\n" $0 : $0
    joined = open ? joined text : text
    match(text, /\\*$/)
    if (RLENGTH > 0 && RLENGTH % 2) { joined = substr(joined, 1, length(joined) - 1); open = 1; next }
    finish()
  }
  END { if (open) finish(); if (!found) print key "=" written(value) cr }
' <"$target" >"$new" || fail "$target cannot be rewritten: it is as it was"

runs() { systemctl is-active --quiet "$service"; }
if ! cmp -s "$new" "$target"; then
  record restart
  sync "$new" && mv -f "$new" "$target" || fail "$target cannot be replaced: it is as it was"
  sync "$(dirname "$target")" || true
  printf 'mainstay: %s names %s now\n' "$file" "$main"
elif [ "$left" = done ] && runs; then
  record done
  printf 'mainstay: %s names %s already and %s runs: nothing to do\n' "$file" "$main" "$service"
  exit 0
fi
systemctl restart "$service" || fail "$file names $main, but $service did not restart: see journalctl -u $service, then run it again"
runs || fail "$file names $main, but $service does not run after its restart: see journalctl -u $service, then run it again"
record done
printf 'mainstay: %s restarted\n' "$service"
