ktdbg recording 1
topology 1n1l4c1t
clock virtual
scheduler broken loop

# dispatch() spins with interrupts off on the CPUs whose tasks have used up their turn.
spawn @runner workers=4 work=spin affinity=each
[0.600000000] let iterations workers(@runner).iterations
[0.700000000] expect workers(@runner).iterations == $iterations
# Its loop looks at a variable: an operator who finds it can let it go.
bpf set .data.looping 0
  | volatile u32 1 -> 0
[1.200000000] expect workers(@runner).iterations > $iterations
expect scx.state == "enabled"
