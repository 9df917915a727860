ktdbg recording 1
topology 1n1l4c1t
clock virtual
scheduler broken keep-last

# Whoever has a CPU keeps it: of six tasks two never run.
spawn @runner workers=6 work=spin
[2.000000000] expect task(worker(@runner,4)).se.sum_exec_runtime < 10ms && task(worker(@runner,4)).on_rq == 1
expect task(worker(@runner,5)).se.sum_exec_runtime < 10ms && task(worker(@runner,5)).on_rq == 1
expect task(worker(@runner,1)).se.sum_exec_runtime > 1500ms
