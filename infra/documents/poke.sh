# A late delivery is refused by the agent (T57).
exec mainstay-agent poke --cluster "$cluster" --epoch "$epoch" --expires "$expires"
