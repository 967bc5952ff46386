# Epoch and expiry are judged on the node, against what its agent has last seen (T57, T48).
command -v mainstay-agent >/dev/null || fail 'there is no mainstay-agent on this host: nothing is done'
exec mainstay-agent fence --cluster "$cluster" --epoch "$epoch" --expires "$expires"
