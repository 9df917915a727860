ktdbg recording 1
topology 1n1l4c1t
clock virtual
scheduler broken affinity

# Of two tasks the one that may not run everywhere is forgotten: no queue has it.
spawn @runner workers=1 work=spin affinity=0-2
spawn @runner workers=1 work=spin
[1.000000000] let bound worker(@runner,0)
expect task($bound).se.sum_exec_runtime < 10ms
expect task(worker(@runner,1)).se.sum_exec_runtime > 400ms
expect task($bound).on_rq == 1 && task($bound).scx.dsq == 0
