# Fetches the agent's bundle, believes nothing but its sum, and lets the bundle install itself. Calls no package manager: what is missing
# is said, with what to do. Whatever goes wrong, the agent that is installed stays and runs.
umask 022
root=${MAINSTAY_ROOT:-}
instance=${AWS_SSM_INSTANCE_ID:-}
case $instance in '' | *[!a-z0-9-]*) fail 'SSM does not say which instance this is (AWS_SSM_INSTANCE_ID): update the SSM agent' ;; esac
node=$(printf '%s\n' "$nodes" | tr , '\n' | sed -n "s/^$instance=//p")
[ -n "$node" ] || fail "instance $instance is no node of cluster $cluster (nodes: $nodes)"

need_node='Node 20 or newer is needed: on Amazon Linux 2023 "dnf install nodejs22", on Debian and Ubuntu see nodejs.org; then run the association again'
command -v node >/dev/null || fail "there is no node on the PATH. $need_node"
version=$(node -p 'process.versions.node') || fail "node does not run. $need_node"
[ "${version%%.*}" -ge 20 ] || fail "this is Node $version. $need_node"

release="$root/opt/mainstay/releases/$sha256"
bundle="$release/mainstay-agent.js"
sum_of() { sha256sum "$1" | cut -d ' ' -f 1; }
if [ ! -f "$bundle" ] || [ "$(sum_of "$bundle")" != "$sha256" ]; then
  command -v aws >/dev/null || fail 'there is no aws command to fetch the agent with: install the AWS CLI, or copy the bundle by hand (docs/install.md)'
  mkdir -p "$release" || fail "$release cannot be made"
  trap 'rm -f "$bundle.new"' EXIT
  aws s3 cp --only-show-errors --region "$region" "$source" "$bundle.new" ||
    fail "$source cannot be fetched: may the role of this instance s3:GetObject it? what is installed stays"
  [ "$(sum_of "$bundle.new")" = "$sha256" ] || fail "what $source gave has another sum than $sha256: refused, what is installed stays"
  chmod 755 "$bundle.new" && sync "$bundle.new" && mv -f "$bundle.new" "$bundle" || fail "$bundle cannot be written"
fi
exec node "$bundle" install --cluster "$cluster" --node "$node" --table "$table" --region "$region" --settings "$settings"
