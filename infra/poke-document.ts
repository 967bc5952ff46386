// The SSM command that wakes an agent: "look at the lease now". It changes nothing by itself, its parameters have allowed
// patterns, and a late delivery is refused by the agent (T57).

export const pokeDocument = {
  schemaVersion: '2.2',
  description: 'Mainstay: the agent looks at the lease now',
  parameters: {
    cluster: { type: 'String', allowedPattern: '^[a-z][a-z0-9-]{0,30}$' },
    epoch: { type: 'String', allowedPattern: '^[0-9]{1,15}$' },
    expires: { type: 'String', allowedPattern: '^[0-9]{1,12}$' },
  },
  mainSteps: [
    {
      action: 'aws:runShellScript',
      name: 'poke',
      inputs: {
        timeoutSeconds: '30',
        runCommand: ["mainstay-agent poke --cluster '{{cluster}}' --epoch '{{epoch}}' --expires '{{expires}}'"],
      },
    },
  ],
};
