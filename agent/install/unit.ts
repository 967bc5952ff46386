// The agent's unit of systemd, as text. Reasons stand in the unit itself, where the operator reads them. No option here puts the service into a
// mount namespace of its own (ProtectSystem, PrivateTmp …): the engine is its child, outlives it, and must see the node's disks.

export interface UnitOptions {
  node: string;
  bundle: string;
  region: string | null;
}

export const unitName = 'mainstay-agent.service';

/** What the agent does as root: reach the engine's files and processes as its owner, run it as its owner, and the gate. */
const capabilities = [
  'CAP_NET_ADMIN',
  'CAP_SETUID',
  'CAP_SETGID',
  'CAP_KILL',
  'CAP_CHOWN',
  'CAP_FOWNER',
  'CAP_DAC_OVERRIDE',
  'CAP_SYS_PTRACE',
  'CAP_SYS_RESOURCE',
];

export const unitText = ({
  node,
  bundle,
  region,
}: UnitOptions): string => `# Written by mainstay-agent install; changes belong in a drop-in (systemctl edit ${unitName}).
[Unit]
Description=Mainstay agent
After=network-online.target nss-lookup.target
Wants=network-online.target
# An agent that cannot start is tried for ever: nobody else keeps this node.
StartLimitIntervalSec=0

[Service]
Type=notify
# The loop says every 10 s that it turns, through systemd-notify, which is a child.
NotifyAccess=all
WatchdogSec=60
WatchdogSignal=SIGKILL
# It waits for the store as long as that takes.
TimeoutStartSec=infinity
ExecStart=${node} --max-old-space-size=128 ${bundle} run
${region === null ? '' : `Environment=AWS_REGION=${region}\n`}Restart=always
RestartSec=1
# A stop reaches the agent alone, which stops the engine cleanly and pauses the lease. When the agent dies, engine and deadman live on,
# and the next agent takes them over within the promise, or the deadman ends the engine.
KillMode=process
TimeoutStopSec=60
# A restart is an upgrade: the agent goes and leaves the engine to the next one (systemd 244; an older one stops and starts the service).
RestartKillSignal=SIGHUP
# The engine is a child of the agent: its sessions count here.
TasksMax=infinity
LimitNOFILE=65536
# A backend that the kernel kills is the agent's business; the agent is not the one to be killed.
OOMPolicy=continue
OOMScoreAdjust=-500
CapabilityBoundingSet=${capabilities.join(' ')}
LockPersonality=yes
RestrictRealtime=yes

[Install]
WantedBy=multi-user.target
`;
