ktdbg recording 1
topology 1n1l4c1t
clock virtual

# A CPU that spins does not keep another from its interrupts: this worker sleeps 10ms at a time, and does.
spawn @runner workers=2 work=spin affinity=1
cgroup add sleeper
spawn sleeper workers=1 work=sleep affinity=2
run 3s
expect workers("sleeper").iterations > 250
expect workers("sleeper").max_gap < 15ms
